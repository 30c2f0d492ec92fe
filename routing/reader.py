"""Reading the tables of a policy file: each mistake is noted with its line and column, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from gateway.model import Channel
from gateway.slips import no_duration
from gateway.toml import Problem, TomlDocument, did_you_mean, nearest
from routing.beside import Beside, kept
from routing.expression import parse_duration
from routing.including import line_in
from routing.policy import Address, ConnectionFacts

#: Where something stands in the file: its keys, and its numbers in lists.
Path: TypeAlias = tuple[str | int, ...]
#: What can be the name of something in the file.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: Channels on which people are told by their number, and how that is written.
_NUMBERED: Final = frozenset({Channel.PHONE, Channel.MESSAGING})
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
#: Longest text that a sentence quotes.
_SHOWN: Final = 60
_PLACE: Final = re.compile(r"(?:(?P<kind>queue):)?(?P<connection>[^/:]+)(?P<sign>[/:])(?P<place>.+)")


class Reader:
    """Reads the tables of a policy, and notes every mistake with its place."""

    def __init__(self, document: TomlDocument, connections: Mapping[str, ConnectionFacts]) -> None:
        """Read from a document; addresses may name these connections."""
        self.document = document
        self.connections = connections
        self.problems: list[Problem] = []
        #: Gives the files that stand beside the policy.
        self.beside: Beside = kept("")
        #: The text of those that it names.
        self.files: dict[str, str] = {}
        self._told: set[Problem] = set()
        self._mistyped: set[Path] = set()
        #: Keys that were read as what they nearly are: what their values say may be meant for something else.
        self._guessed: set[Path] = set()
        #: Where mistakes were noted, and what should be a table and is none.
        self._noted: set[Path] = set()
        self._no_tables: set[Path] = set()
        #: The text that is read, when it holds several files.
        self.text = ""

    # --- saying what is wrong ----------------------------------------------------------------------------------------
    def note(self, path: Path, sentence: str, *, value: bool = False, offset: int = 0) -> None:
        """Note a mistake at a key, at its value, or at a character of its text (`offset`, from 1).

        What a key says that was mistyped itself, and only taken for what it nearly is, is no mistake yet.
        """
        if any(path[:size] in self._guessed for size in range(1, len(path) + 1)):
            return
        place = self.document.value_position(*path) if value else self.document.position(*path)
        line, column = self.document.text_position(path, offset - 1) if offset else place
        problem = Problem(file=self.document.file, line=line, column=column, sentence=sentence)
        if problem not in self._told:
            self._told.add(problem)
            self.problems.append(problem)
        self._noted.update(path[:size] for size in range(1, len(path) + 1))

    def line(self, *path: str | int) -> str:
        """Return in words in which line a key stands: its number, and the file where there are several."""
        return line_in(self.text, self.document.position(*path)[0])

    def keys(self, path: Path, table: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
        """Note unknown keys. One that is nearly a known key is read as that: one mistake makes no others."""
        for key in [each for each in table if each not in known]:
            hint = did_you_mean(key, known, f"there are {', '.join(known)}")
            self.note((*path, key), f"{what} has no key {key}: {hint}")
            self.mistyped(path, table, key, nearest(key, known))

    def mistyped(self, path: Path, table: Mapping[str, Any], key: str, meant: str | None) -> None:
        """Read a key, which was noted, as the one that was meant, if that is known."""
        self._mistyped.add((*path, meant or key))
        if meant is None or not isinstance(table, dict):
            return
        value = table[key]
        plain = not isinstance(value, dict) and not (isinstance(value, list) and value and isinstance(value[0], dict))
        if plain and meant not in table:
            self._guessed.add((*path, meant))
        self.document.read_as(path, table, key, meant)

    def lacks(self, path: Path, table: Mapping[str, Any], *keys: str) -> bool:
        """Return whether a table has none of some keys, and nothing was told that may be why it has none."""
        if path in self._no_tables:
            return False
        told = (self._mistyped, self._noted)
        return not any(table.get(key) or any((*path, key) in each for each in told) for key in keys)

    def table(self, path: Path, value: object, what: str) -> dict[str, Any]:
        """Return a table, an empty one for what is none."""
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
        self.note(path, f"{what} must be a table")
        self._no_tables.add(path)
        return {}

    def ids(self, kind: str) -> list[str] | None:
        """Return the ids of a list of tables, of those with mistakes too; None when one has an id that cannot be read."""
        given: Any = self.document.values.get(kind, [])
        listed: list[Any] = given if isinstance(given, list) else [given]
        found = [each.get("id") if isinstance(each, dict) else None for each in listed]
        texts = [each for each in found if isinstance(each, str)]
        return texts if len(texts) == len(found) else None

    def string(self, path: Path, table: Mapping[str, Any], key: str) -> str:
        """Return the text of a key, empty when it has none."""
        value = table.get(key, "")
        if isinstance(value, str):
            return value
        self.note((*path, key), f"{key} must be text in quotation marks", value=True)
        return ""

    def strings(self, path: Path, value: object, what: str) -> tuple[str, ...]:
        """Return a list of texts."""
        items: list[object] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list) and all(isinstance(item, str) for item in items):
            return tuple(str(item) for item in items)
        wrong = next((number for number, item in enumerate(items) if not isinstance(item, str)), None)
        place = path if wrong is None else (*path, wrong)
        alone = isinstance(value, str) and value and '"' not in value and len(value) <= _SHOWN
        meant = f': write ["{value}"]' if alone else ""
        self.note(place, f"{what} must be a list of texts in quotation marks{meant}", value=wrong is not None)
        return ()

    def word(self, path: Path, table: Mapping[str, Any], key: str, words: list[str]) -> str | None:
        """Return which of some words a key has; None when it has none, or another."""
        value = table.get(key)
        if value is None or value in words:
            return value
        hint = did_you_mean(str(value), words, f"it can be {', '.join(words)}")
        self.note((*path, key), f"{key} cannot be {value!r}: {hint}", value=True)
        return None

    def duration(self, path: Path, table: Mapping[str, Any], key: str) -> int | None:
        """Return the span of time of a key, microseconds; None when it has none, or one that is none above zero."""
        value = table.get(key)
        duration = parse_duration(value) if isinstance(value, str) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            if not duration:
                self.note((*path, key), no_duration(value), value=True)
        else:
            self.string(path, table, key)
        return duration or None

    def name(self, path: Path, name: str) -> None:
        """Note a name of a table that is no name."""
        if not NAME.fullmatch(name):
            self.note(path, f"{name!r} is no name: use small letters, digits, - and _")

    # --- addresses ---------------------------------------------------------------------------------------------------
    def address(self, path: Path, text: str, role: str, shape: str) -> Address:
        """Return an address of a connection that has a role, of the form `shape`."""
        found = _PLACE.fullmatch(text)
        signs = ("queue", "/") if role == "handoff" else (None, ":")
        if found is None or (found["kind"], found["sign"]) != signs:
            if text or role != "handoff":
                self._no_address(path, text, role, shape)
            return Address(connection="", place="")
        self.connection(path, found["connection"], role, found.start("connection") + 1)
        facts = self.connections.get(found["connection"])
        numbered = facts is not None and facts.channel in _NUMBERED and role in facts.roles
        if role == "notify" and numbered and not _NUMBER.fullmatch(found["place"]):
            sentence = f"{found['place']!r} is no telephone number: write it as +4930123456"
            self.note(path, sentence, value=True, offset=found.start("place") + 1)
        return Address(connection=found["connection"], place=found["place"])

    def _no_address(self, path: Path, text: str, role: str, shape: str) -> None:
        kind, sign, rest = text.partition(":")
        kinds = [each.partition(":")[0] for each in re.split(r", | or ", shape)] if role == "handoff" else []
        near = nearest(kind, kinds) if sign else None
        meant = f"{near}:{rest}" if near != kind else ""
        if kinds and not sign and text.partition("/")[0] in self.connections:
            near, meant = "queue", f"queue:{text}"
        if near and meant:
            self.note(path, f"{text!r} is no target: did you mean {meant}?", value=True)
        else:
            self.note(path, f"{text!r} is no address of the form {shape}", value=True)

    def connection(self, path: Path, name: str, role: str, offset: int) -> None:
        """Note a connection that is not there, or cannot do what is wanted of it."""
        facts = self.connections.get(name)
        able = sorted(each.name for each in self.connections.values() if role in each.roles)
        if facts is None:
            hint = did_you_mean(name, able, f"there are {', '.join(able) or 'none that could'}")
            self.note(path, f"plugins.toml has no enabled connection {name}: {hint}", value=True, offset=offset)
        elif role not in facts.roles:
            able = [each for each in able if not _lacks(self.connections[each], role)]
            what = {"handoff": "take cases", "notify": "tell agents", "profile": "know customers"}.get(role, role)
            self.note(
                path, f"{name} cannot {what}: {', '.join(able) or 'no connection'} could", value=True, offset=offset
            )
        else:
            for lack in _lacks(facts, role):
                table = f"[{facts.channel.value}.{name}]"
                self.note(
                    path, f"{name} cannot tell agents: {lack} in {table} of plugins.toml", value=True, offset=offset
                )


def _lacks(facts: ConnectionFacts, role: str) -> tuple[str, ...]:
    """Return what the settings of a connection lack for a role."""
    return facts.notices_lack if role == "notify" else ()
