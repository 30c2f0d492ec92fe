"""`[phrases]` of a policy → its lists of phrases: `NAME = ["a phrase"]`, or a table with phrases by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing import schema
from routing.languages import LANGUAGES, meant
from routing.phrases import Phrase, PhraseList
from routing.reader import Path, Reader


def read_phrases(reader: Reader, value: object) -> Mapping[str, PhraseList]:
    """Read the lists; what is wrong is noted."""
    made: dict[str, PhraseList] = {}
    for name, given in reader.table(("phrases",), value, "phrases").items():
        path = ("phrases", name)
        reader.name(path, name)
        if isinstance(given, dict):
            made[name] = _by_language(reader, name, given)  # pyright: ignore[reportUnknownArgumentType]
        else:
            made[name] = PhraseList(phrases=_phrases(reader, path, given, name))
    return made


def _by_language(reader: Reader, name: str, table: dict[str, Any]) -> PhraseList:
    path = ("phrases", name)
    before = len(reader.problems)
    for key in [each for each in table if each not in schema.PHRASES and each not in LANGUAGES]:
        near = meant(key, schema.PHRASES)
        hint = f"did you mean {near}?" if near else "there are any, negation, and languages by two letters (ISO 639-1)"
        reader.note((*path, key), f"phrases.{name} has no key {key}: {hint}")
        reader.mistyped(path, table, key, near)
    negation = table.get("negation", True)
    if not isinstance(negation, bool):
        reader.note((*path, "negation"), "negation must be true or false", value=True)
    phrases: list[Phrase] = []
    for key in [each for each in table if each == "any" or each in LANGUAGES]:
        language = "" if key == "any" else key
        phrases += _phrases(reader, (*path, key), table[key], f"{name}.{key}", language)
    if not phrases and len(reader.problems) == before:
        reader.note(path, f"the list {name} has no phrases: give it some, any = […], or remove it")
    return PhraseList(phrases=tuple(phrases), negation=negation is not False)


def _phrases(reader: Reader, path: Path, value: object, name: str, language: str = "") -> tuple[Phrase, ...]:
    if value == []:
        reader.note(path, f"the list {name} is empty: give it phrases or remove it")
    made: list[Phrase] = []
    for number, text in enumerate(reader.strings(path, value, f"phrases.{name}")):
        phrase = Phrase(text=text, language=language, place=(*path[2:], number))
        if phrase.words == " ":
            reader.note((*path, number), "this phrase has no letters or digits and would never be found")
        made.append(phrase)
    return tuple(made)
