"""Every command that a page tells somebody to type exists, with its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Final

import click
import pytest

from gateway.cli.commands import baton
from tests.docs.tables import DOCS

ROOT: Final = DOCS.parent
PAGES: Final = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]
SHIPPED: Final = (ROOT / "plugins.toml").read_text() + (ROOT / "escalation.toml").read_text()
TARGETS: Final = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def typed(text: str) -> Iterable[str]:
    """Return what a page shows behind a prompt, indented, or as code in a sentence."""
    yield from re.findall(r"^ *\$ (.+?)(?:  +#.*)?$", text, re.MULTILINE)
    yield from re.findall(r"^    (baton .+?)(?:  +#.*)?$", text, re.MULTILINE)
    yield from re.findall(r"`(baton [^`\n…]+)`", text)


def calls(page: Path) -> list[list[str]]:
    """Return the calls of `baton` on a page, in words, without the generated tables."""
    text = re.sub(r"<!-- table: .*?<!-- end of table -->", "", page.read_text(), flags=re.DOTALL)
    lines = [line.removeprefix(".venv/bin/") for line in typed(text)]
    split = [shlex.split(line)[1:] for line in lines if re.match(r"baton( |$)", line)]
    return [list(words) for each in split for words in product(*(word.split("|") for word in each))]


CALLS: Final = [(page, words) for page in PAGES for words in calls(page)]


def parsed(words: list[str]) -> click.Context:
    """Return the innermost command's context. Raises click.ClickException for what baton would refuse."""
    group: click.Command = baton
    context = click.Context(baton)
    while isinstance(group, click.Group) and words:
        head, *words = words
        command = group.get_command(context, head)
        if command is None:
            raise click.UsageError(f"there is no command {head}")
        context = click.Context(command, info_name=head, parent=context)
        group = command
    if not isinstance(group, click.Group) and words:
        group.parse_args(context, list(words))
    return context


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page.stem}-{' '.join(words)}" for page, words in CALLS])
def test_what_a_page_tells_somebody_to_type_is_a_command(page: Path, words: list[str]) -> None:
    try:
        parsed(words)
    except click.ClickException as error:
        pytest.fail(f"{page.relative_to(ROOT)}: baton {' '.join(words)}: {error.format_message()}")


def test_a_command_that_does_not_exist_is_noticed() -> None:
    for words in (["bogus"], ["cases", "bogus"], ["cases", "list", "--bogus"], ["replay", "--since"]):
        with pytest.raises(click.ClickException):
            parsed(words)


def test_what_is_paused_on_the_page_stands_in_the_shipped_files() -> None:
    page = (DOCS / "how-to" / "pause.md").read_text()
    names = set(re.findall(r"^\$ baton pause ([\w-]+)", page, re.MULTILINE)) - {"all"}
    assert names
    for name in names:
        assert f'"{name}"' in SHIPPED or f".{name}]" in SHIPPED, name


def test_every_target_of_make_that_a_page_names_exists() -> None:
    named = {
        (page, name)
        for page in PAGES
        for name in re.findall(r"(?:`|\$ |^    )make (\w+)", page.read_text(), re.MULTILINE)
    }
    assert len(named) > 3
    assert {name for _, name in named} <= TARGETS


def test_the_rooms_that_the_readme_lists_are_there() -> None:
    rooms = re.findall(r"^\| ((?:`[\w/]+`,? ?)+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    paths = [path for room in rooms for path in re.findall(r"`([\w/]+/)`", room) if "NAME" not in path]
    assert len(paths) > 6
    for path in paths:
        assert (ROOT / path).is_dir() or (ROOT / "gateway" / path).is_dir(), path
