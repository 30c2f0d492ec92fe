"""Values of ours as JSON values, for people and programs outside of Baton.

Every field is there, also one that stands at its default: those are left out in the store alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Return a value of ours as JSON values."""
    if isinstance(value, Mapping):
        mapping: Mapping[Any, Any] = value
        return {str(key): plain(item) for key, item in mapping.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterable[Any] = value
        return [plain(item) for item in items]
    # Values of the model are structs, all others of ours are dataclasses.
    fields = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value) if value is not None and not isinstance(value, str | int | float | bool) else value
