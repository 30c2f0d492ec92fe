"""The page that maps the reference article: every test it names exists, and each line has one or a word that says why not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "mapping.md"
#: The word for lines that are open.
OPEN: Final = "`Two-way`"
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HEAD: Final = ["Line", "Answered by", "Shown by"]
#: Lines that must stay open, by words of theirs: they are what the two-way conversation brings.
TWO_WAY: Final = ("Communicate with the customer", "CSAT", "Escalation rate", "regular updates", "SLA compliance rate")


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line of each table. Raises ValueError for a table with another head."""
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("|") or line.startswith("|---"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if place + 1 < len(lines) and lines[place + 1].startswith("|---"):
            if cells != HEAD:
                raise ValueError(f"line {place + 1}: a table of this page has the columns {', '.join(HEAD)}.")
            continue
        yield cells


@cache
def collected(path: Path) -> frozenset[str]:
    """Return the tests of a file, those in classes too, by reading it: nothing is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    return frozenset(
        node.name for body in bodies for node in body if isinstance(node, kinds) and node.name.startswith("test_")
    )


def faults(text: str) -> list[str]:
    """Return what is wrong with the page, a sentence each."""
    found: list[str] = []
    for cells in rows(text):
        if len(cells) != len(HEAD):
            found.append(f"{cells[0]}: has {len(cells)} cells.")
            continue
        shown = cells[2]
        tests = _TEST.findall(shown)
        if shown != OPEN and not tests:
            found.append(f"{cells[0]}: no test, and not Two-way.")
        rest = _TEST.sub("", shown).strip()
        if tests and rest:
            found.append(f"{cells[0]}: {rest!r} is no test.")
        for path, name in tests:
            file = ROOT / path
            if not file.is_file():
                found.append(f"{cells[0]}: there is no file {path}.")
            elif name not in collected(file):
                found.append(f"{cells[0]}: {path} has no {name}.")
    return found


def test_every_test_that_the_page_names_exists_and_every_line_has_one_or_says_why_not() -> None:
    assert faults(PAGE.read_text(encoding="utf-8")) == []


def test_the_page_holds_the_whole_article() -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = list(rows(text))
    assert len(lines) > 70
    assert len({cells[0] for cells in lines}) == len(lines)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        *("Types", "Triggers", "Workflow", "Advanced features", "Process, step by step", "Best practices"),
        *("Use cases", "Metrics", "Challenges", "Skills"),
    ]


@pytest.mark.parametrize("words", TWO_WAY)
def test_what_needs_the_two_way_conversation_is_open_by_name(words: str) -> None:
    assert [cells[2] for cells in rows(PAGE.read_text(encoding="utf-8")) if words in cells[0]] == ["`Two-way`"]


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("", "no test"),
        ("shown somewhere", "no test"),
        ("`tests/docs/test_mapping_page.py::test_nowhere`", "has no test_nowhere"),
        ("`tests/docs/test_nowhere.py::test_it`", "there is no file"),
        ("`tests/docs/test_mapping_page.py::faults`", "has no faults"),
        ("`tests/docs/test_mapping_page.py::test_the_page_holds_the_whole_article` and others", "is no test"),
    ],
)
def test_a_line_that_shows_nothing_is_told(cell: str, wrong: str) -> None:
    (fault,) = faults(f"| Line | Answered by | Shown by |\n|---|---|---|\n| A line | SG-1 | {cell} |\n")
    assert wrong in fault


def test_a_table_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="has the columns"):
        list(rows("| Line | Shown by |\n|---|---|\n| A line | `Two-way` |\n"))
