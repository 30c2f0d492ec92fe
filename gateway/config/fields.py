"""A connector's settings out of TOML: references resolved by the types of the fields, errors with their place."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.secrets import References, Unresolved, is_reference
from gateway.config.wording import OWN, in_our_words, own_words
from gateway.toml import Problem, TomlDocument, nearest

ModelT = TypeVar("ModelT", bound=BaseModel)

#: Types whose value may come from outside the file, too: what differs from company to company.
_SCALARS: Final = frozenset({str, int, float})
#: Shorter values occur in ordinary sentences by chance.
_SHORTEST_SECRET: Final = 4


@dataclass(slots=True, kw_only=True)
class FieldReader:
    """Reads one connection's own keys."""

    #: The file.
    document: TomlDocument
    #: Path of the connection's table.
    path: tuple[str | int, ...]
    #: Where references lead.
    references: References
    #: Keys of the table that are read elsewhere.
    own: tuple[str, ...] = ()
    #: False: only the shape of references is looked at, because the connection does not run.
    resolve: bool = True
    #: What is wrong, so far.
    problems: list[Problem] = field(default_factory=list[Problem])

    def read(self, model: type[ModelT], values: Mapping[str, Any]) -> ModelT | None:
        """Return the settings, or None after at least one problem was noted or when nothing was to be resolved."""
        before = len(self.problems)
        resolved = self._table(model, values, self.path)
        broken = set(self._broken)
        try:
            settings = model.model_validate(resolved)
        except ValidationError as error:
            self._map(model, error, broken)
            settings = None
        return settings if len(self.problems) == before and self.resolve else None

    _broken: list[tuple[str | int, ...]] = field(default_factory=list[tuple[str | int, ...]])

    # --- references ---------------------------------------------------------------------------------------------------
    def _table(self, model: type[BaseModel], values: Mapping[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        annotations = {(info.alias or name): info.annotation for name, info in model.model_fields.items()}
        return {key: self._value(annotations.get(key), value, (*path, key)) for key, value in values.items()}

    def _value(self, annotation: Any, value: Any, path: tuple[str | int, ...]) -> Any:
        parts = tuple(_parts(annotation))
        secret = SecretStr in parts
        if is_reference(value) and (secret or not _SCALARS.isdisjoint(parts)):
            return self._resolve(value, path)
        if secret and isinstance(value, str | dict):
            how = "exactly " if isinstance(value, dict) else ""
            never = "" if isinstance(value, dict) else ", never the value itself"
            where = _dotted(path[len(self.path) :])
            self._note(path, f'{where} is a secret: write {how}{{ env = "NAME" }} or {{ file = "/path" }}{never}')
            return "withheld"
        if isinstance(value, list):
            items: list[Any] = value
            inner = _item(annotation)
            return [self._value(inner, item, (*path, index)) for index, item in enumerate(items)]
        return self._nested(parts, annotation, value, path) if isinstance(value, dict) else value

    def _nested(self, parts: Iterable[Any], annotation: Any, value: dict[str, Any], path: tuple[str | int, ...]) -> Any:
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                return self._table(part, value, path)
        inner = _mapped(annotation)
        return {key: self._value(inner, item, (*path, key)) for key, item in value.items()}

    def _resolve(self, value: Mapping[str, object], path: tuple[str | int, ...]) -> str:
        if not self.resolve:
            return "not read"
        try:
            return self.references.resolve(value)
        except Unresolved as error:
            self._note(path, f"{_dotted(path[len(self.path) :])}: {error}")
            return "unresolved"

    def _note(self, path: tuple[str | int, ...], sentence: str) -> None:
        self._broken.append(path)
        self.problems.append(at_value(self.document, path, sentence))

    # --- pydantic's errors --------------------------------------------------------------------------------------------
    def _map(self, model: type[BaseModel], error: ValidationError, broken: set[tuple[str | int, ...]]) -> None:
        for detail in error.errors(include_url=False, include_input=False):
            path = (*self.path, *detail["loc"])
            if any(path[: len(one)] == one for one in broken):
                continue  # said already, in better words
            if not self.resolve and detail["type"] not in {"extra_forbidden", "missing"}:
                continue  # what a connection that does not run refers to was not read
            self.problems.append(self._problem(model, path, detail))

    def _problem(self, model: type[BaseModel], path: tuple[str | int, ...], detail: ErrorDetails) -> Problem:
        key = path[-1]
        where = _dotted(path[len(self.path) :])
        if detail["type"] == "extra_forbidden":
            return self.document.problem(path, unknown_key(str(key), self._known(model, path[len(self.path) : -1])))
        if detail["type"] == "missing":
            described = _description(model, path[len(self.path) :])
            return self.document.problem(path[:-1], f"{where} is missing{f': {described}' if described else ''}")
        if detail["type"] not in OWN:
            sentence = in_our_words(detail["type"], detail.get("ctx", {}), self._written(path))
            return at_value(self.document, path, f"{where or 'it'} {sentence}")
        sentence = self._withhold(own_words(detail["msg"]))
        return at_value(self.document, path, f"{where}: {sentence[:1].lower()}{sentence[1:]}" if where else sentence)

    def _written(self, path: tuple[str | int, ...]) -> object:
        """Return what stands in the file itself; never what a reference led to."""
        found: Any = self.document.values
        for key in path:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def _known(self, model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, ...]:
        found = _model_at(model, path)
        return (*(() if path else self.own), *(found.model_fields if found else ()))

    def _withhold(self, sentence: str) -> str:
        """Cut live secrets out of what a connector's own validator says."""
        for value in self.references.found:
            if len(value) >= _SHORTEST_SECRET:
                sentence = sentence.replace(value, "***")
        return sentence


def at_value(document: TomlDocument, path: Sequence[str | int], sentence: str) -> Problem:
    """Return a problem that stands at a value rather than at its key."""
    line, column = document.value_position(*path)
    return Problem(file=document.file, line=line, column=column, sentence=sentence)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return the sentence for a key that nobody reads, with the nearest one that somebody does."""
    candidates = sorted(known)
    near = nearest(key, candidates)
    if near:
        return f'unknown key "{key}": did you mean "{near}"?'
    return f'unknown key "{key}": known here are {", ".join(candidates)}' if candidates else f'unknown key "{key}"'


def is_secret(annotation: Any) -> bool:
    """Tell whether a field of this annotation holds secrets."""
    parts = set(_parts(annotation))
    return SecretStr in parts or any(is_secret(inner) for inner in (_item(annotation), _mapped(annotation)) if inner)


def secret_values(value: object) -> tuple[str, ...]:
    """Return the live secrets within settings, for the one who must keep them out of every output."""
    if isinstance(value, SecretStr):
        return (value.get_secret_value(),)
    if isinstance(value, BaseModel):
        return tuple(found for name in type(value).model_fields for found in secret_values(getattr(value, name)))
    if isinstance(value, Mapping):
        items: Mapping[object, object] = value
        return tuple(found for item in items.values() for found in secret_values(item))
    if isinstance(value, Sequence | frozenset | set) and not isinstance(value, str | bytes):
        several: Iterable[object] = value
        return tuple(found for item in several for found in secret_values(item))
    return ()


def _parts(annotation: Any) -> Iterable[Any]:
    """Yield the classes that an annotation allows, unions and `Annotated` taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation


def _item(annotation: Any) -> Any:
    """Return what the items of a list-like annotation are, None when it is none."""
    for part in _parts(annotation):
        if get_origin(part) in {list, tuple, set, frozenset, Sequence}:
            return next((each for each in get_args(part) if each is not Ellipsis), None)
    return None


def _mapped(annotation: Any) -> Any:
    """Return what the values of a mapping annotation are, None when it is none."""
    for part in _parts(annotation):
        arguments = get_args(part)
        if get_origin(part) in {dict, Mapping} and len(arguments) == 2:  # noqa: PLR2004 (key and value)
            return arguments[1]
    return None


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Return the model that holds the keys under `path`, None when none does."""
    current: Any = model
    for key in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            info = current.model_fields.get(str(key))
            current = info.annotation if info else None
        else:
            current = _item(current) or _mapped(current)
        current = next(
            (part for part in _parts(current) if isinstance(part, type) and issubclass(part, BaseModel)), current
        )
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _description(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    found = _model_at(model, path[:-1])
    info = found.model_fields.get(str(path[-1])) if found else None
    text = (info.description or "").strip() if info else ""
    return text.split("\n\n")[0].replace("\n", " ").rstrip(".")


def _dotted(path: tuple[str | int, ...]) -> str:
    """Return a path within a connection's table for people: ``people.anna.pin``, ``tokens[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
