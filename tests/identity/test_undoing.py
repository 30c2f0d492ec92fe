"""Merge, messages, undo: both histories are byte for byte those of a desk where nobody ever merged."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store import Store, open_store
from gateway.store.codec import encode
from gateway.store.sqlite import SqliteEngine
from gateway.store.sqlstore import SqlStore
from tests.identity.desk import MINUTE, Desk

TEXTS: Final = ("hello", "my parcel", "where is it", "thank you")


@contextmanager
def twin(path: Path) -> Generator[Desk]:
    """Open a desk whose ids are the same as those of every other twin in which the same happens."""
    open_store(f"sqlite:///{path}").close()
    chance = random.Random(1)
    store = SqlStore(SqliteEngine(path), entropy=chance.randbytes)
    store.register({})
    yield Desk(store=store).open()
    assert store.accounts().unaccounted == 0
    store.close()


def said(desk: Desk, who: int, what: int) -> None:
    desk.pass_time(MINUTE)
    desk.team(f"U{who}", f"t{who}", f"{TEXTS[what]} {who}")


def histories(store: Store) -> list[bytes]:
    return [encode(store.history(case.id)).encode() for case in sorted(store.cases(), key=lambda each: each.id)]


def ids(desk: Desk) -> list[str]:
    return sorted(case.id for case in desk.store.cases())


_MESSAGES: Final = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=6)


@settings(max_examples=25)
@given(before=_MESSAGES, during=_MESSAGES, later=_MESSAGES, rounds=st.integers(1, 2))
def test_after_an_undone_merge_everything_is_as_if_it_had_never_been(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[int, int]],
    during: list[tuple[int, int]],
    later: list[tuple[int, int]],
    rounds: int,
) -> None:
    directory = tmp_path_factory.mktemp("twins")
    with twin(directory / "merged.db") as merged, twin(directory / "never.db") as never:
        for desk in (merged, never):
            for message in ((0, 0), (1, 0), *before):
                said(desk, *message)
            one, two = ids(desk)
            for _ in range(rounds):
                if desk is merged:
                    desk.store.merge(two, one, "op", desk.now)
                for message in during:
                    said(desk, *message)
                if desk is merged:
                    desk.store.unmerge(two, "op", desk.now)
            assert len(ids(desk)) == 2
        assert histories(merged.store) == histories(never.store)
        for desk in (merged, never):
            for message in later:
                said(desk, *message)
        assert histories(merged.store) == histories(never.store)


def test_a_chain_comes_apart_as_if_it_had_never_been(tmp_path: Path) -> None:
    with twin(tmp_path / "merged.db") as merged, twin(tmp_path / "never.db") as never:
        for desk in (merged, never):
            for who in range(3):
                said(desk, who, 0)
            a, b, c = ids(desk)
            merges = [(a, b), (b, c), (a, ""), (b, "")]
            for case, into in merges:
                if desk is merged and into:
                    desk.store.merge(case, into, "op", desk.now)
                elif desk is merged:
                    desk.store.unmerge(case, "op", desk.now)
                for who in range(3):
                    said(desk, who, 1)
        assert histories(merged.store) == histories(never.store)


def test_while_two_peoples_cases_are_one_it_answers_only_its_own(desk: Desk) -> None:
    desk.mail("ann@example.org", "Elm Street 5", subject="Elm Street")
    desk.mail("bob@example.org", "Oak Lane 7", subject="Oak Lane")
    ann, bob = desk.case_with("Elm Street 5"), desk.case_with("Oak Lane 7")
    desk.store.merge(bob.id, ann.id, "op", desk.now)
    desk.mail("ann@example.org", "help", subject="Elm Street")
    desk.mail("bob@example.org", "help", subject="Oak Lane")
    desk.dispatch()
    for sent in desk.sent:
        whose = "ann" if "Elm" in sent.text else "bob"
        assert sent.thread.startswith(whose), sent
