"""TOML values → fields of the model, by the types that their classes declare.

So a test may name every field that a case or an activity has, and a field that is new to the model is known here at once.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from gateway.toml import did_you_mean
from routing.reader import Path, Reader

_PLAIN = {str: "text in quotation marks", bool: "true or false", int: "a whole number", float: "a number"}


def read_fields(
    reader: Reader, path: Path, value: object, cls: type[Any], *, what: str, hidden: frozenset[str] = frozenset()
) -> dict[str, object]:
    """Read a table that names fields of a class; `hidden` ones cannot be named. What is wrong is noted."""
    table = reader.table(path, value, what)
    known = {name: hint for name, hint in get_type_hints(cls).items() if name not in hidden}
    made: dict[str, object] = {}
    for name, each in table.items():
        if name not in known:
            reader.note((*path, name), f"{what} has no field {name}: {did_you_mean(name, known, _listed(known))}")
            continue
        made[name] = read_value(reader, (*path, name), each, known[name])
    return made


def _name(path: Path) -> str:
    """Return the name of what stands somewhere: of an item, that of its list."""
    return next((str(each) for each in reversed(path) if isinstance(each, str)), "")


def _listed(known: Mapping[str, Any]) -> str:
    return f"there are {', '.join(known)}"


def read_value(reader: Reader, path: Path, value: object, hint: Any) -> object:
    """Read one value of a type; None, with a mistake noted, when it is none."""
    origin = get_origin(hint)
    if origin in {types.UnionType, Union}:
        # TOML has no None: a field that may be missing is left out.
        (inner,) = (each for each in get_args(hint) if each is not types.NoneType)
        return read_value(reader, path, value, inner)
    if origin is tuple:
        return _items(reader, path, value, get_args(hint)[0])
    if origin is not None and issubclass(origin, Mapping):
        table = reader.table(path, value, _name(path))
        inner = get_args(hint)[1]
        return {
            key: each if inner is object else read_value(reader, (*path, key), each, inner)
            for key, each in table.items()
        }
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(reader, path, value, hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _made(reader, path, value, hint)
    return _plain(reader, path, value, hint)


def _items(reader: Reader, path: Path, value: object, inner: Any) -> tuple[object, ...]:
    if not isinstance(value, list):
        reader.note(path, f"{_name(path)} must be a list", value=True)
        return ()
    items = cast("list[object]", value)
    return tuple(read_value(reader, (*path, number), each, inner) for number, each in enumerate(items))


def _word(reader: Reader, path: Path, value: object, hint: type[Enum]) -> object:
    words = [str(each.value) for each in hint]
    if value in words:
        return hint(value)
    hint_text = did_you_mean(str(value), words, f"it can be {', '.join(words)}")
    reader.note(path, f"{_name(path)} cannot be {value!r}: {hint_text}", value=True)
    return None


def _made(reader: Reader, path: Path, value: object, hint: type[Any]) -> object:
    before = len(reader.problems)
    given = read_fields(reader, path, value, hint, what=_name(path))
    lacking = [each.name for each in fields(hint) if each.required and each.name not in given]
    if lacking and len(reader.problems) == before:
        reader.note(path, f"{_name(path)} needs {', '.join(lacking)}")
    return None if len(reader.problems) > before else hint(**given)


def _plain(reader: Reader, path: Path, value: object, hint: Any) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    reader.note(path, f"{_name(path)} must be {_PLAIN.get(hint, hint.__name__)}", value=True)
    return None
