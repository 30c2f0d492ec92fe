"""A policy of several files as one text, and the way back from a place in it to the file that a person wrote.

The text is what the store keeps of a policy, so that an episode goes on under it when the files are other ones. What is included
stands at its beginning; each file begins with a line that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.toml import Problem, Problems, TomlDocument, read_toml

_MARK = re.compile(r"#@ file (.+)")
_KEY = "include"


def included(document: TomlDocument) -> tuple[str, ...]:
    """Return the names of the files that a policy includes. Raises `Problems` for what is no name of a file beside it."""
    given = document.values.get(_KEY, [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):  # pyright: ignore[reportUnknownVariableType]
        raise Problems([document.problem((_KEY,), 'include must be a list of files: ["teams.toml"]')])
    if not given and _KEY in document.values:
        raise Problems(
            [document.problem((_KEY,), 'include names no file: write include = ["teams.toml"], or leave it out')]
        )
    names: list[str] = given
    problems: list[Problem] = []
    for number, name in enumerate(names):
        if name in names[:number]:
            problems.append(document.problem((_KEY, number), f"{name} is included twice"))
        elif not name.endswith(".toml") or name.startswith("/") or ".." in name.split("/"):
            sentence = f"{name!r} is no file beside this one: write its name, as in teams.toml"
            problems.append(document.problem((_KEY, number), sentence))
    if problems:
        raise Problems(problems)
    return tuple(names)


def check_part(document: TomlDocument, *, first: bool = False) -> None:
    """Look at a file of several by itself. Raises `Problems` for keys before its tables: in the whole they would stand in one."""
    what = "a file that includes others" if first else "an included file"
    problems = [
        document.problem((key,), f"{what} holds tables only, and {key} stands before them: write it as [{key}]")
        for key in document.bare
        if key != _KEY
    ]
    if _KEY in document.values and not first:
        problems.append(document.problem((_KEY,), "only the first file includes others: name this one there as well"))
    if problems:
        raise Problems(problems)


def joined(main: str, file: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return a policy with what it includes, file and text of each, as one text; the text itself when it includes nothing."""
    if not parts:
        return main
    lines = main.split("\n")
    first, last = _statement(lines)
    # It says nothing within the whole, and the lines after it keep their numbers.
    lines[first:last] = [f"# {line}" for line in lines[first:last]]
    pieces = [f"#@ file {name}\n{text}\n" for name, text in parts]
    return "".join((*pieces, f"#@ file {file}\n", "\n".join(lines)))


def _statement(lines: Sequence[str]) -> tuple[int, int]:
    """Return the first line of `include = […]`, and the one after its last."""
    first = next(number for number, line in enumerate(lines) if re.match(r"\s*[\"']?include[\"']?\s*=", line))
    last = first + 1
    while not _whole("\n".join(lines[first:last])):
        last += 1
    return first, last


def _whole(text: str) -> bool:
    try:
        read_toml(text, "")
    except Problems:
        return False
    return True


def placed(text: str, problem: Problem) -> Problem:
    """Return a mistake at its place in the file that a person wrote."""
    file, line = _place(text, problem.line)
    return replace(problem, file=file or problem.file, line=line)


def line_in(text: str, line: int) -> str:
    """Return in words where a line of a text stands that may hold several files: ``12``, or ``12 of teams.toml``."""
    file, number = _place(text, line)
    return f"{number} of {file}" if file else str(number)


def _place(text: str, line: int) -> tuple[str, int]:
    """Return the file of a line, empty when there is but one, and its number there."""
    begins, file = next((mark for mark in reversed(tuple(_marks(text))) if mark[0] < line), (0, ""))
    return file, line - begins


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line, from 1, and the name of each file in a text."""
    if not text.startswith("#@ file "):
        return
    for number, line in enumerate(text.split("\n"), 1):
        found = _MARK.fullmatch(line)
        if found is not None:
            yield number, found[1]
