"""A good policy file, broken in one place at a time: each value of a wrong type, each word and each key mistyped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

#: A value of another type, by what stands in the file.
_OTHER: Final = {
    "string": "7",
    "integer": '"seven"',
    "float": '"seven"',
    "boolean": '"perhaps"',
    "array": "7",
    "inline_table": "7",
    "offset_date_time": "7",
}
#: Tables of which the keys are names that somebody gave: others refer to them.
_NAMED: Final = frozenset(
    {"phrases", "ladder", "calendar", "agent", "team", "skill", "authority", "template", "sensitivity", "lexicon"}
)


class Broken(NamedTuple):
    """A file with one mistake in it."""

    #: What was done.
    what: str
    text: str
    #: The line of the mistake, from 1.
    line: int
    #: The name that is no longer there, where what was mistyped is a name that others may refer to; empty for none.
    name: str


def broken(*texts: str) -> Iterator[tuple[int, Broken]]:
    """Yield files, by their number, with each kind of value, word and key broken, one at a time.

    What stands in many tables of a kind, as the id of rules does, is broken in the first of them; the name of a table in the last
    one as well, since nothing may be missing after it.
    """
    kinds: dict[tuple[str, ...], list[tuple[int, Broken]]] = {}
    for index, text in enumerate(texts):
        source = text.encode()
        for node in _below(Parser(Language(tree_sitter_toml.language())).parse(source).root_node):
            where = _where(node)
            for number, (what, instead) in enumerate(_instead(node)):
                made = source[: node.start_byte] + instead.encode() + source[node.end_byte :]
                told = Broken(f"{what}: {instead}", made.decode(), node.start_point[0] + 1, _name(node, where))
                kinds.setdefault((*_kind(where), node.type, str(number)), []).append((index, told))
    for kind, found in kinds.items():
        yield found[0]
        if (
            kind[-2] == "bare_key"
            and len(kind) < len(("ladder", "step", "key", "0", "…"))
            and found[-1] is not found[0]
        ):
            yield found[-1]


def _below(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        yield child
        yield from _below(child)


def _said(node: Node) -> str:
    return (node.text or b"").decode()


def _where(node: Node) -> tuple[str, ...]:
    """Return the keys above a node, its own the last."""
    above: list[str] = []
    inner, outer = node, node.parent
    while outer is not None:
        if outer.type == "pair" or outer.type in {"table", "table_array_element"}:
            key = outer.named_children[0]
            above = [*_said(key).split("."), *above] if key != inner else above
        elif outer.type == "dotted_key":
            parts = [_said(each) for each in outer.named_children if each.start_byte < inner.start_byte]
            above = [*parts, *above]
        inner, outer = outer, outer.parent
    return (*above, _said(node)) if node.type in {"bare_key", "quoted_key"} else tuple(above)


def _kind(where: tuple[str, ...]) -> tuple[str, ...]:
    """Return where something stands, without the name that somebody gave."""
    return (where[0], *where[2:]) if where and where[0] in _NAMED else where


def _name(node: Node, where: tuple[str, ...]) -> str:
    if node.type in {"bare_key", "quoted_key"}:
        return where[-1] if len(where) == 2 and where[0] in _NAMED else ""
    return _said(node).strip("\"'") if where[-1:] == ("id",) and node.type == "string" else ""


def _instead(node: Node) -> Iterator[tuple[str, str]]:
    said, parent = _said(node), node.parent
    if node.type in {"bare_key", "quoted_key"}:
        yield f"key {said}", _mistyped(said)
    elif parent is not None and parent.type in {"pair", "array"} and node.type in _OTHER:
        yield f"type of {said}", _OTHER[node.type]
        if node.type == "string":
            yield f"word {said}", _mistyped(said)
            yield f"word {said}", '"blorb"'


def _mistyped(word: str) -> str:
    """Return a word as hasty fingers write it: two letters in its middle change places."""
    middle = len(word) // 2
    for at in (*range(middle, len(word) - 1), *range(middle)):
        if word[at] != word[at + 1] and word[at : at + 2].isalnum():
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return f"{word[:-1]}x{word[-1]}" if word[-1] in "\"'" else f"{word}x"
