"""TOML with places: every key, item and character of a text is found where an editor shows it."""

from __future__ import annotations

import tomllib
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.toml import Problem, Problems, nearest, read_toml

DOCUMENT: Final = """\
top = 1
"quoted key" = 'ü'   # a comment = 5
größe = 2
a.b . "c d" = true

[table]
key = "value"
inline = { x = 1, "y z" = { deep = [ 10, 20 ] } }
list = [
    1,   # one, [2]
    "ü", { in-list = 3 },
    [4, 5],
]

[table.sub."dotted name"]
k = 1

[[row]]
id = "first"
[row.part]
p = 1
[[row.item]]
n = 1
[[row.item]]
n = 2

[[row]]
id = "second"
[[row.item]]
n = 3
""".replace("größe", '"größe"')

#: Path → where its key stands, and where its value does.
PLACES: Final[dict[tuple[str | int, ...], tuple[tuple[int, int], tuple[int, int]]]] = {
    ("top",): ((1, 1), (1, 7)),
    ("quoted key",): ((2, 1), (2, 16)),
    ("größe",): ((3, 1), (3, 11)),
    ("a",): ((4, 1), (4, 1)),
    ("a", "b"): ((4, 3), (4, 3)),
    ("a", "b", "c d"): ((4, 7), (4, 15)),
    ("table",): ((6, 2), (6, 2)),
    ("table", "key"): ((7, 1), (7, 7)),
    ("table", "inline"): ((8, 1), (8, 10)),
    ("table", "inline", "x"): ((8, 12), (8, 16)),
    ("table", "inline", "y z", "deep"): ((8, 29), (8, 36)),
    ("table", "inline", "y z", "deep", 1): ((8, 42), (8, 42)),
    ("table", "list"): ((9, 1), (9, 8)),
    ("table", "list", 0): ((10, 5), (10, 5)),
    ("table", "list", 1): ((11, 5), (11, 5)),
    ("table", "list", 2, "in-list"): ((11, 12), (11, 22)),
    ("table", "list", 3, 1): ((12, 9), (12, 9)),
    ("table", "sub"): ((15, 8), (15, 8)),
    ("table", "sub", "dotted name"): ((15, 12), (15, 12)),
    ("table", "sub", "dotted name", "k"): ((16, 1), (16, 5)),
    ("row",): ((18, 3), (18, 3)),
    ("row", 0): ((18, 1), (18, 1)),
    ("row", 0, "id"): ((19, 1), (19, 6)),
    ("row", 0, "part", "p"): ((21, 1), (21, 5)),
    ("row", 0, "item", 0): ((22, 1), (22, 1)),
    ("row", 0, "item", 1, "n"): ((25, 1), (25, 5)),
    ("row", 1): ((27, 1), (27, 1)),
    ("row", 1, "id"): ((28, 1), (28, 6)),
    ("row", 1, "item", 0): ((29, 1), (29, 1)),
    ("row", 1, "item", 0, "n"): ((30, 1), (30, 5)),
}


@pytest.mark.parametrize("path", PLACES, ids=str)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_key_and_value_has_its_place(path: tuple[str | int, ...], ends: str) -> None:
    document = read_toml(DOCUMENT.replace("\n", ends), "f")
    assert (document.position(*path), document.value_position(*path)) == PLACES[path]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("nothing",), (1, 1)),
        ((), (1, 1)),
        (("table", "nothing", "at all"), (6, 2)),
        (("table", "list", 9), (9, 1)),
        (("row", 5), (18, 3)),
        (("row", 1, "nothing"), (27, 1)),
    ],
)
def test_what_is_missing_is_shown_at_its_nearest_parent(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    document = read_toml(DOCUMENT, "f")
    assert document.position(*path) == place
    assert document.value_position(*path) == place


# --- random files ----------------------------------------------------------------------------------------------------
KEYS: Final = ("a", "b-c", "größe", "with blank", 'quo"te', "\U0001f64f", "1")
_scalars = st.sampled_from((1, True, 1.5, "", "text", "ü\U0001f64f", 'say "x"', "a\\b", "two\nlines", "# no comment"))
_nested = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
_tables = st.dictionaries(st.sampled_from(KEYS), _nested, max_size=4)


class Writer:
    """Writes TOML and notes where everything stands."""

    def __init__(self, gap: str) -> None:
        self.text = ""
        self.gap = gap
        self.keys: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self.values: dict[tuple[str | int, ...], tuple[int, int]] = {}

    def here(self) -> tuple[int, int]:
        return self.text.count("\n") + 1, len(self.text) - self.text.rfind("\n")

    def quoted(self, text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'

    def pair(self, path: tuple[str | int, ...], value: object) -> None:
        self.keys[path] = self.here()
        self.text += f"{self.quoted(str(path[-1]))}{self.gap}={self.gap}"
        self.value(path, value)

    def value(self, path: tuple[str | int, ...], value: object) -> None:
        self.values[path] = self.here()
        if isinstance(value, list):
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            self.text += "[ # a comment, with a comma\n" + self.gap
            for number, item in enumerate(items):
                self.keys[*path, number] = self.here()
                self.value((*path, number), item)
                self.text += f"{self.gap}, # and\n"
            self.text += "]"
        elif isinstance(value, dict):
            pairs: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            self.text += "{" + self.gap
            for number, (key, item) in enumerate(pairs.items()):
                self.text += f",{self.gap}" if number else ""
                self.pair((*path, key), item)
            self.text += self.gap + "}"
        elif isinstance(value, bool):
            self.text += str(value).lower()
        else:
            self.text += self.quoted(value) if isinstance(value, str) else str(value)

    def table(self, path: tuple[str | int, ...], name: str, pairs: dict[str, object], *, row: bool) -> None:
        sign = self.here()
        self.text += "[[" if row else "["
        self.keys.setdefault((name,), self.here())
        if row:
            self.keys[path] = sign
        self.text += self.quoted(name) + ("]]\n" if row else "]\n")
        for key, value in pairs.items():
            self.pair((*path, key), value)
            self.text += "\n"


@given(_tables, _tables, st.lists(_tables, max_size=3), st.sampled_from(("", " ", "\t ")))
def test_whatever_the_file_every_place_is_where_it_was_written(
    top: dict[str, object], table: dict[str, object], rows: list[dict[str, object]], gap: str
) -> None:
    writer = Writer(gap)
    for key, value in top.items():
        writer.pair((key,), value)
        writer.text += "\n"
    writer.table(("the table",), "the table", table, row=False)
    for number, row in enumerate(rows):
        writer.table(("rows", number), "rows", row, row=True)
    document = read_toml(writer.text, "f")
    assert document.values == top | {"the table": table} | ({"rows": rows} if rows else {})
    for path, place in writer.keys.items():
        assert document.position(*path) == place
    for path, place in writer.values.items():
        assert document.value_position(*path) == place


# --- characters of a text --------------------------------------------------------------------------------------------
PIECES: Final = (
    *(("a", "a"), (" ", " "), ("ü", "ü"), ("\U0001f64f", "\U0001f64f"), ("'", "'"), ("#", "#")),
    *(('\\"', '"'), ("\\\\", "\\"), ("\\n", "\n"), ("\\u00fc", "ü"), ("\\U0001F64F", "\U0001f64f")),
)
LONG: Final = (*PIECES, ("\n", "\n"), ("\\\n   ", ""), ("\\  \n\n\t", ""), ("x", "x"))


@given(st.booleans(), st.lists(st.sampled_from(range(len(LONG))), max_size=10), st.booleans())
@example(True, [11, 12, 0], True)
@example(True, [12, 0, 6], False)
def test_every_character_of_a_text_has_its_place(several_lines: bool, chosen: list[int], opens: bool) -> None:
    pieces = [LONG[number] for number in chosen if several_lines or number < len(PIECES)]
    text = 'k = [1, """' + ("\n" if opens else "") if several_lines else 'k = [1, "'
    says, places = "", list[tuple[int, int]]()
    hidden = False
    for written, read in pieces:
        if read and not (hidden and read in {" ", "\n"}):
            # What a hidden line's end is followed by is blank, and hidden with it.
            places.append((text.count("\n") + 1, len(text) - text.rfind("\n")))
            says += read
            hidden = False
        elif not read:
            hidden = True
        if hidden and written == "\\n":
            places.append((text.count("\n") + 1, len(text) - text.rfind("\n")))
            says += read
            hidden = False
        text += written
    text += 'z"""]\n' if several_lines else 'z"]\n'
    says += "z"
    if not opens and several_lines and pieces and pieces[0][0] == "\n":
        # A line's end right after the quotation marks is none of the text.
        says, places = says[1:], places[1:]
    document = read_toml(text, "f")
    assert document.values["k"][1] == says
    assert [document.text_position(("k", 1), number) for number in range(len(places))] == places


@pytest.mark.parametrize("quote", ["'", "'''"])
def test_a_literal_text_has_no_escapes(quote: str) -> None:
    document = read_toml(f"k = {quote}\\u00fc\\n{{x}}{quote}", "f")
    assert document.text_position(("k",), document.values["k"].index("{")) == (1, 5 + len(quote) + 8)


def test_windows_line_ends_count_as_one_character() -> None:
    document = read_toml('k = """\r\none\r\ntwo"""\r\n', "f")
    assert document.values["k"] == "one\ntwo"
    assert document.text_position(("k",), 4) == (3, 1)


def test_what_is_no_text_has_the_place_of_its_value() -> None:
    document = read_toml("k = 15\nl = [1]", "f")
    assert document.text_position(("k",), 3) == (1, 5)
    assert document.text_position(("missing",), 3) == (1, 1)


# --- what stands twice -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "line", "column", "name", "first"),
    [
        ("a = 1\nb = 2\na = 3\n", 3, 1, "a", 1),
        ('"a" = 1\na = 2\n', 2, 1, "a", 1),
        ("[t]\nx = 1\n[u]\n[t]\n", 4, 1, "t", 1),
        ("[x.y]\n[z]\n[x.y]\n", 3, 1, "x.y", 1),
        ("[x]\na.b = 1\na.b = 2\n", 3, 1, "b", 2),
        ("[[r]]\nid = 1\n[[r]]\nid = 2\nid = 3\n", 5, 1, "id", 4),
        ("[[r]]\n[r.s]\n[[r]]\n[r.s]\n[r.s]\n", 5, 1, "r.s", 4),
    ],
)
def test_what_stands_twice_is_named_with_both_lines(text: str, line: int, column: int, name: str, first: int) -> None:
    with pytest.raises(Problems) as caught:
        read_toml(text, "escalation.toml")
    sentence = f'"{name}" stands twice: it stands in line {first} already. Keep one of them'
    assert str(caught.value) == f"escalation.toml:{line}:{column}: {sentence}"


# --- what is not TOML ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("[a]\nb.c = 1\n[a.b]\n", 3, 5, "written before"),
        ("a = [1]\n[[a]]\n", 2, 4, "written before"),
        ("a = {b = 1}\na.c = 2", 2, 8, "written before"),
        ("größe = 1", 1, 3, "a key is made of"),
        ("a = 'x", 1, 7, ""),
        ("a = \n", 1, 5, "this is no value"),
        ("a = 1 b = 2", 1, 7, "one line holds one key"),
        ("= 1", 1, 1, "a line begins with"),
        ("a = 2026-13-01", 1, 5, "no such date"),
        ('a = "\\q"', 1, 8, ""),
        ('x = """\nü\n', 3, 1, "not closed"),
        ("a = " + "[" * 5000, 1, 1, "nested too deeply"),
        ("a = " + "9" * 5000, 1, 1, "too many digits"),
        ("a = 1\r\nb = \r\n", 2, 5, "this is no value"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(Problems) as caught:
        read_toml(text, "escalation.toml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (line, column), problem
    assert problem.sentence.startswith("this is not TOML: ")
    assert words in problem.sentence
    assert str(caught.value) == f"escalation.toml:{line}:{column}: {problem.sentence}"


_fragments = st.sampled_from(
    (
        "a",
        " = ",
        "1",
        '"',
        "'",
        '"""',
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        ".",
        "\n",
        "\r\n",
        "#",
        "ü",
        "\\",
        "\x00",
        "true",
        "-",
    )
)


@given(st.lists(_fragments, max_size=14).map("".join))
def test_any_text_is_toml_or_a_problem_with_a_place_in_it(text: str) -> None:
    try:
        document = read_toml(text, "f")
    except Problems as caught:
        (problem,) = caught.problems
        lines = text.split("\n")
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    else:
        assert document.values == tomllib.loads(text)
        for key in document.values:
            assert text.split("\n")[document.position(key)[0] - 1]


def test_problems_are_in_the_order_of_their_places() -> None:
    told = [
        Problem(file="f", line=line, column=column, sentence="x") for line, column in ((3, 1), (1, 9), (1, 10), (2, 2))
    ]
    assert [(each.line, each.column) for each in Problems(told).problems] == [(1, 9), (1, 10), (2, 2), (3, 1)]
    document = read_toml("a = 1\nb = 2", "f")
    assert str(document.problem(("b",), "what is this?")) == "f:2:1: what is this?"


@pytest.mark.parametrize(
    ("word", "meant"), [("laddder", "ladder"), ("prio", "priority"), ("Ladder", "ladder"), ("xyzzy", None), ("", None)]
)
def test_the_nearest_word_is_what_somebody_meant_or_none(word: str, meant: str | None) -> None:
    assert nearest(word, ["ladder", "priority", "group"]) == meant
    assert nearest(word, []) is None
