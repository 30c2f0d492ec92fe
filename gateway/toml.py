"""TOML with positions: values from the standard library, lines and columns from tree-sitter.

An error is a sentence with a place. All places are 1-based and count characters, as editors do.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from gateway.toml_words import in_our_words

_CLOSE_ENOUGH = 0.6
#: How `did_you_mean` writes a word that stands in quotation marks.
QUOTED = '"{}"'
#: What stands for one character in a string, or for none: a line's end that a backslash hides.
_HIDDEN = re.compile(r"\\[ \t]*\r?\n\s*")
_DOUBLED = re.compile(
    "Cannot (?:overwrite a value|declare .* twice|mutate immutable namespace|redefine)|Duplicate inline table key"
)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|\r\n")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake in a file, and what to do about it."""

    #: The file, as its reader named it.
    file: str
    #: Line, from 1.
    line: int
    #: Column in characters, from 1.
    column: int
    #: What is wrong and what to do.
    sentence: str

    def __str__(self) -> str:
        """Return the mistake as compilers print it."""
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


class Problems(Exception):
    """Everything that is wrong with a file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the mistakes in the order of their places."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_toml.language()))


Path = tuple[str | int, ...]


class TomlDocument:
    """A TOML file: its values, and where each of them stands."""

    def __init__(self, values: dict[str, Any], file: str, lines: Sequence[bytes], root: Node) -> None:
        """Index every key and value of the parsed tree by its path."""
        self.values = values
        self.file = file
        self._lines = lines
        self._keys: dict[Path, tuple[int, int]] = {}
        self._values: dict[Path, tuple[int, int]] = {}
        self._strings: dict[Path, str] = {}
        self._counts: dict[Path, int] = {}
        self._tables: dict[Path, tuple[int, int]] = {}
        #: The first key or table that stands twice: its name, where it stands again, and in which line it stood before.
        self.doubled: tuple[str, tuple[int, int], int] | None = None
        #: Keys that stand before every table, by their first names.
        self.bare: list[str] = []
        for node in root.named_children:
            if node.type == "pair":
                self._pair(node, ())
                self.bare.append(self._key(node.named_children[0])[0][0])
            elif node.type in {"table", "table_array_element"}:
                self._table(node)

    def position(self, *path: str | int) -> tuple[int, int]:
        """Return line and column of a key or item; of its nearest existing parent when it is missing."""
        return self._nearest(self._keys, path)

    def value_position(self, *path: str | int) -> tuple[int, int]:
        """Return line and column of a value; of its key or nearest existing parent when it has none of its own."""
        found = self._values.get(path)
        return found if found is not None else self.position(*path)

    def text_position(self, path: Path, offset: int) -> tuple[int, int]:
        """Return line and column of a character of a text, counted from 0 in what the text says, escapes read."""
        line, column = self.value_position(*path)
        source = self._strings.get(path)
        if source is None:
            return line, column
        at = 3 if source[:3] in {'"""', "'''"} else 1
        if at == 3 and (first := re.match(r"\r?\n", source[at:])):  # noqa: PLR2004 (three quotation marks)
            at += first.end()
        for left in range(offset, -1, -1):
            while source[0] == '"' and (hidden := _HIDDEN.match(source, at)):
                at = hidden.end()
            if left:
                escape = _ESCAPE.match(source, at) if source[0] == '"' or source[at] == "\r" else None
                at = escape.end() if escape else at + 1
        before = source[:at]
        newest = before.rfind("\n")
        return line + before.count("\n"), column + at if newest < 0 else at - newest

    def problem(self, path: Sequence[str | int], sentence: str) -> Problem:
        """Return a mistake at a key or item."""
        line, column = self.position(*path)
        return Problem(file=self.file, line=line, column=column, sentence=sentence)

    # --- mistyped keys -----------------------------------------------------------------------------------------------
    def read_as(self, table: Path, values: dict[str, Any], key: str, meant: str) -> None:
        """Read what stands under a mistyped key of a table as what was meant, so that nothing else seems to be missing.

        Tables of that name come together, and so do lists of tables, in the order of the file. A value that stands there stays.
        """
        if meant not in values:
            values[meant] = values.pop(key)
            if isinstance(values[meant], dict | list):
                self._move({(*table, key): (*table, meant)})
                return
            for places in (self._keys, self._values, self._strings):
                if (*table, key) in places:
                    places[(*table, meant)] = places.pop((*table, key))  # type: ignore[assignment] # pyright: ignore[reportArgumentType]
        elif self._together((*table, key), values[key], (*table, meant), values[meant]):
            del values[key]

    def _together(self, path: Path, more: Any, other: Path, there: Any) -> bool:
        if isinstance(more, dict) and isinstance(there, dict):
            found: dict[str, Any] = more  # pyright: ignore[reportUnknownVariableType]
            for name in list(found):
                if name not in there:
                    there[name] = found[name]
                    self._move({(*path, name): (*other, name)})
                else:
                    self._together((*path, name), found[name], (*other, name), there[name])
            return True
        if not all(isinstance(each, list) and all(isinstance(item, dict) for item in each) for each in (more, there)):
            return False
        items: list[tuple[Path, Any]] = [((*other, number), item) for number, item in enumerate(there)]
        items += [((*path, number), item) for number, item in enumerate(more)]
        items.sort(key=self._written)
        there[:] = [item for _, item in items]
        self._move({old: (*other, number) for number, (old, _) in enumerate(items)})
        return True

    def _written(self, item: tuple[Path, Any]) -> tuple[int, int]:
        return self._keys.get(item[0], (0, 0))

    def _move(self, moved: dict[Path, Path]) -> None:
        """Give what stands below some paths the places of others, all at once."""
        self._keys, self._values = _moved(self._keys, moved), _moved(self._values, moved)
        self._strings = _moved(self._strings, moved)

    @staticmethod
    def _nearest(places: dict[Path, tuple[int, int]], path: Path) -> tuple[int, int]:
        for end in range(len(path), 0, -1):
            if path[:end] in places:
                return places[path[:end]]
        return (1, 1)

    def _place(self, node: Node) -> tuple[int, int]:
        row, column = node.start_point
        return row + 1, len(self._lines[row][:column].decode("utf-8", "replace")) + 1

    def _key(self, node: Node) -> list[tuple[str, Node]]:
        if node.type == "dotted_key":
            return [part for child in node.named_children for part in self._key(child)]
        text = (node.text or b"").decode()
        if node.type == "quoted_key":
            text = next(iter(tomllib.loads(f"{text} = 0")))
        return [(text, node)]

    def _table(self, node: Node) -> None:
        parts = self._key(node.named_children[0])
        path: Path = ()
        for index, (name, part) in enumerate(parts):
            path = (*path, name)
            self._keys.setdefault(path, self._place(part))
            last = index == len(parts) - 1
            if last and node.type == "table_array_element":
                number = self._counts.get(path, 0)
                self._counts[path] = number + 1
                path = (*path, number)
                self._keys[path] = self._place(node)
            elif not last and path in self._counts:
                path = (*path, self._counts[path] - 1)
        if node.type == "table":
            self._once(self._tables, path, node, ".".join(name for name, _ in parts))
        for child in node.named_children[1:]:
            if child.type == "pair":
                self._pair(child, path)

    def _pair(self, node: Node, path: Path) -> None:
        key, *rest = node.named_children
        for name, part in self._key(key):
            path = (*path, name)
            self._keys.setdefault(path, self._place(part))
        if rest:
            if path in self._values:
                self._once(self._keys, path, key, str(path[-1]))
            self._value(rest[0], path)

    def _once(self, places: dict[Path, tuple[int, int]], path: Path, node: Node, name: str) -> None:
        """Take down where something stands, or that it stands there once more."""
        place = self._place(node)
        first = places.setdefault(path, place)
        if first != place and self.doubled is None:
            self.doubled = (name, place, first[0])

    def _value(self, node: Node, path: Path) -> None:
        self._values[path] = self._place(node)
        if node.type == "array":
            for number, item in enumerate(child for child in node.named_children if child.type != "comment"):
                self._keys[(*path, number)] = self._place(item)
                self._value(item, (*path, number))
        elif node.type == "string":
            self._strings[path] = (node.text or b"").decode("utf-8", "replace")
        elif node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(child, path)


_What = TypeVar("_What")


def _moved(known: dict[Path, _What], moved: dict[Path, Path]) -> dict[Path, _What]:
    size = max(map(len, moved), default=0)
    return {(*moved.get(path[:size], path[:size]), *path[size:]): what for path, what in known.items()}


def read_toml(text: str, file: str, line_in: Callable[[int], str] = str) -> TomlDocument:
    """Read a TOML file. `line_in` puts a line in words, where the text holds several files.

    Raises `Problems` when it is not TOML: the standard library says where, and our own words what is wrong.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Python's own limits (very long numbers, deep nesting) are no TOMLDecodeError.
        raise Problems(
            [_doubled_problem(str(error), text, file, line_in) or _syntax_problem(str(error), text, file)]
        ) from None
    source = text.encode()
    return TomlDocument(values, file, source.split(b"\n"), _parser().parse(source).root_node)


def _doubled_problem(said: str, text: str, file: str, line_in: Callable[[int], str]) -> Problem | None:
    """Return what is wrong where a key or table stands twice: the standard library says neither which nor where before."""
    if not _DOUBLED.match(said):
        return None
    source = text.encode()
    found = TomlDocument({}, file, source.split(b"\n"), _parser().parse(source).root_node).doubled
    if found is None:
        return None
    name, (line, column), first = found
    sentence = f'"{name}" stands twice: it stands in line {line_in(first)} already. Keep one of them'
    return Problem(file=file, line=line, column=column, sentence=sentence)


def _syntax_problem(said: str, text: str, file: str) -> Problem:
    found = re.search(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$", said, re.DOTALL)
    lines = text.split("\n")
    line, column = (1, 1) if found is None else (len(lines), len(lines[-1]) + 1)
    if found is not None and found[2]:
        line, column = int(found[2]), int(found[3])
    sentence, column = in_our_words(found[1] if found is not None else "", lines[line - 1], column)
    return Problem(file=file, line=line, column=column, sentence=f"this is not TOML: {sentence}")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that somebody who wrote `word` most likely meant, None when none is near."""
    words = list(known)
    # In a short word, two letters that changed places leave too little in common for the measure below.
    found = [each for each in words if _swapped(word, each)] or difflib.get_close_matches(
        word, words, n=1, cutoff=_CLOSE_ENOUGH
    )
    return found[0] if found else None


def _swapped(word: str, other: str) -> bool:
    """Tell whether two neighbouring letters of one word changed places in the other."""
    apart = [at for at, (mine, theirs) in enumerate(zip(word, other, strict=False)) if mine != theirs]
    return (
        len(word) == len(other)
        and len(apart) == 2  # noqa: PLR2004 (the two of them)
        and apart[0] + 1 == apart[1]
        and word[apart[0]] + word[apart[1]] == other[apart[1]] + other[apart[0]]
    )


def did_you_mean(word: str, known: Iterable[str], otherwise: str, *, shown: str = "{}") -> str:
    """Return a question for the known word that was most likely meant, written as `shown`; `otherwise` when none is near."""
    near = nearest(word, known)
    return f"did you mean {shown.format(near)}?" if near else otherwise
