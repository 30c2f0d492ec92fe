"""Values that differ from others in a few fields, made cheaply: every event needs some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    # To the type checkers it is what it stands in for: they know each field and its kind.
    from dataclasses import replace as altered
else:

    def altered(value: T, **changes: object) -> T:
        """Return a frozen value with other fields, as `dataclasses.replace` does, in half of its time.

        For dataclasses with slots that check nothing when they are made: the fields are copied past `__init__`. Raises
        TypeError for any other, and for a field that the value does not have.
        """
        kind = type(value)
        read, setters = _parts(kind)
        made = object.__new__(kind)
        for set_field, each in zip(setters.values(), read(value), strict=True):
            set_field(made, each)
        for name, each in changes.items():
            if name not in setters:
                raise TypeError(f"{kind.__name__} has no field {name}")
            setters[name](made, each)
        return made

    @lru_cache(maxsize=64)
    def _parts(
        kind: type,
    ) -> tuple[Callable[[object], tuple[object, ...]], Mapping[str, Callable[[object, object], None]]]:
        """Return what reads all fields of a kind of value, and what sets each."""
        names = tuple(each.name for each in fields(kind))
        if hasattr(kind, "__post_init__") or any(not hasattr(getattr(kind, name, None), "__set__") for name in names):
            raise TypeError(f"{kind.__name__} has no slots, or checks its fields: use dataclasses.replace")
        return attrgetter(*names), {name: getattr(kind, name).__set__ for name in names}


__all__ = ["altered"]
