"""The figures for people: a table on the terminal, a page in Markdown."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from tests.prove.proof import Count, Result, Size, Verdict


def lines(result: Result) -> list[str]:
    """Return what the terminal shows of one proof."""
    found = [f"{result.verdict.value:8} {result.proof.name:18} {result.seconds:6.1f} s  {result.reason}".rstrip()]
    found += [f"    {'' if count.held else '!! '}{_plain(count)}" for count in result.figures.counts]
    found += [f"    example: {example}" for example in result.figures.examples]
    return found


def _plain(count: Count) -> str:
    return f"{count.name}: {_number(count)}" + (f" (must be {count.wanted})" if count.wanted else "")


def _number(count: Count) -> str:
    return f"{count.value:,.2f}" if isinstance(count.value, float) else f"{count.value}"


def bound(result: Result) -> str:
    """Return what a count of 0 says about the rate."""
    figures = result.figures
    if not figures.tries:
        return "—"
    return f"0 in {figures.tries}: below {3 / figures.tries:.2%} per {figures.unit}"


def markdown(results: Sequence[Result], size: Size, seconds: float) -> str:
    """Return the report."""
    page = [
        "# Proofs",
        "",
        _conditions(size, seconds),
        "",
        "| proof | verdict | what 0 says (95 %) | seconds |",
        "|---|---|---|---|",
    ]
    page += [
        f"| {result.proof.name} | {result.verdict.value} | "
        f"{bound(result) if result.verdict is Verdict.HELD else '—'} | {result.seconds:.0f} |"
        for result in results
    ]
    for result in results:
        page += ["", f"## {result.proof.name}: {result.verdict.value}", "", result.proof.promise, ""]
        if result.reason:
            page += [f"{result.reason}", ""]
        if result.figures.counts:
            page += ["| figure | value | must be |", "|---|---|---|"]
            page += [
                f"| {count.name} | {_number(count)} | {count.wanted}{'' if count.held else ' **broken**'} |"
                for count in result.figures.counts
            ]
        page += [f"- {example}" for example in result.figures.examples]
        page += ["", f"What it does not say: {result.proof.limits}"]
    return "\n".join(page) + "\n"


def _conditions(size: Size, seconds: float) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"Size `{size.value}`, {seconds:.0f} s on {machine}, {versions}. Written by `python -m tests.prove`."


def write(path: Path, text: str) -> None:
    """Write the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
