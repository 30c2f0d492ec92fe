"""`baton cases merge|unmerge` and `baton contacts allow`: in the store, and through the gateway that runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.store import Store, open_store
from gateway.store.ports import CaseHistory
from tests.app.gateways import running
from tests.identity.desk import Desk


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a store in which two people wrote, one of them twice."""
    (tmp_path / "plugins.toml").write_text("[gateway]\n")
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    desk = Desk(store=store).open()
    for who, text in (("ann", "first"), ("ann", "second"), ("bob", "third")):
        desk.mail(f"{who}@example.org", text)
        desk.now += 1_000_000
    store.close()
    return tmp_path


@pytest.fixture
def store(directory: Path) -> Iterator[Store]:
    """The store as somebody sees it who only looks."""
    store = open_store(f"sqlite:///{directory / 'baton-data' / 'baton.db'}", readonly=True)
    yield store
    store.close()


def seen(store: Store, case_id: str) -> CaseHistory:
    history = store.history(case_id)
    assert history is not None
    return history


def run(directory: Path, *words: str) -> tuple[int, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words))
    return result.exit_code, " ".join(result.output.split())


def test_a_case_is_merged_and_given_back(directory: Path, store: Store) -> None:
    _, second, first = (case.id for case in store.cases())
    before = store.history(first), store.history(second)
    merged = run(directory, "cases", "merge", second, first, "--reason", "one parcel")
    assert merged == (0, f"Case {second} is merged into {first}.")
    assert f"holds case {second}, merged into it" in run(directory, "cases", "show", first)[1]
    shown = run(directory, "cases", "show", second)[1]
    assert f"Case {second} is merged," in shown
    assert f"is merged into case {first}" in shown
    undone = run(directory, "cases", "unmerge", second, "--reason", "two parcels")
    assert undone == (0, f"Case {second} stands for itself again, apart from {first}.")
    assert (store.history(first), store.history(second)) == before
    newest, older = store.audit_trail()[:2]
    assert (newest["action"], older["action"]) == ("case.unmerge", "case.merge")
    assert "two parcels" in str(newest["detail"])
    assert "one parcel" in str(older["detail"])
    assert store.verify_audit() is None


def test_what_cannot_be_merged_is_refused_with_a_sentence(directory: Path, store: Store) -> None:
    third, second, first = (case.id for case in store.cases())
    why = ("--reason", "r")
    assert run(directory, "cases", "merge", first, first, *why) == (
        2,
        f"baton: Case {first} cannot be merged into itself.",
    )
    code, said = run(directory, "cases", "merge", first, "nobody", *why)
    assert (code, "There is no case nobody" in said, "baton cases list" in said) == (2, True, True)
    assert run(directory, "cases", "merge", second, first, *why)[0] == 0
    code, said = run(directory, "cases", "merge", second, third, *why)
    assert (code, f"is merged into {first} already: undo that first" in said) == (2, True)
    code, said = run(directory, "cases", "merge", third, second, *why)
    assert (code, f"or name {first}" in said) == (2, True)
    code, said = run(directory, "cases", "unmerge", third, *why)
    assert (code, "is not merged" in said) == (2, True)
    assert run(directory, "cases", "merge", third, first)[0] == 2
    assert [row["action"] for row in store.audit_trail()] == ["case.merge"]


def test_who_merges_cases_of_two_people_is_told_who_is_answered(directory: Path, store: Store) -> None:
    third, _, first = (case.id for case in store.cases())
    code, said = run(directory, "cases", "merge", third, first, "--reason", "r")
    assert (code, "hears them, and does not answer them" in said) == (0, True)
    assert ", of somebody else" in run(directory, "cases", "show", first)[1]


def test_two_people_may_be_linked_again_when_somebody_takes_back_that_they_are_two(
    directory: Path, store: Store
) -> None:
    bob, ann = (each.id for each in store.contacts())
    why = ("--reason", "r")
    assert run(directory, "contacts", "link", bob, ann, *why)[0] == 0
    assert run(directory, "contacts", "unlink", bob, *why)[0] == 0
    code, said = run(directory, "contacts", "link", bob, ann, *why)
    assert (code, "must not be linked" in said, "baton contacts allow" in said) == (2, True, True)
    allowed = run(directory, "contacts", "allow", ann, bob, *why)
    assert allowed == (0, f"Contacts {ann} and {bob} may be linked again.")
    assert "two people" not in run(directory, "contacts", "show", bob)[1]
    assert len(store.contacts()) == 2
    assert run(directory, "contacts", "link", bob, ann, *why)[0] == 0
    code, said = run(directory, "contacts", "allow", ann, bob, *why)
    assert (code, "Nobody said" in said) == (2, True)
    assert [row["action"] for row in store.audit_trail()] == [
        *("contact.link", "contact.allow", "contact.unlink", "contact.link")
    ]


def test_nobody_is_allowed_what_nobody_forbade(directory: Path, store: Store) -> None:
    bob, ann = (each.id for each in store.contacts())
    code, said = run(directory, "contacts", "allow", ann, bob, "--reason", "r")
    assert (code, "Nobody said" in said) == (2, True)
    code, said = run(directory, "contacts", "allow", ann, "nobody", "--reason", "r")
    assert (code, "There is no contact nobody" in said) == (2, True)
    assert store.audit_trail() == []


async def test_the_gateway_that_runs_merges_and_unmerges(tmp_path: Path) -> None:
    """Through its admin socket: nobody else may write into an embedded store while it runs."""
    async with running(tmp_path) as (gateway, knocker):
        for number, thread in (("1", "a"), ("2", "b")):
            assert await knocker.say(number, thread=thread) == 204
        async with asyncio.timeout(60):
            while len(gateway.store.cases()) < 2:
                await asyncio.sleep(0.02)
        newer, older = gateway.store.cases()

        async def ask(*words: str) -> Any:
            # A process of its own: this one's standard output has the gateway's log.
            command = [sys.executable, "-c", "from gateway.cli import main; main()", *words, "--json"]
            place = {**os.environ, "BATON_CONFIG": str(tmp_path / "plugins.toml")}
            done = await asyncio.to_thread(
                subprocess.run, command, env=place, stdout=subprocess.PIPE, timeout=60, check=False
            )
            return json.loads(done.stdout) if done.returncode == 0 else done.returncode

        done = await ask("cases", "merge", newer.id, older.id, "--reason", "r")
        assert (done["merged"], done["into"]) == (True, older.id)
        assert await ask("cases", "merge", newer.id, older.id, "--reason", "r") == 2
        assert await knocker.say("3", thread="b") == 204
        async with asyncio.timeout(60):
            while seen(gateway.store, older.id).case.seq < 2:
                await asyncio.sleep(0.02)
        assert {"a", "b"} == {each.key for each in seen(gateway.store, older.id).threads}
        done = await ask("cases", "unmerge", newer.id, "--reason", "r")
        assert done == {"case": newer.id, "from": older.id, "merged": False}
        assert seen(gateway.store, newer.id).case.seq == 2
        audited = gateway.store.audit_trail()[:2]
        assert [row["action"] for row in audited] == ["case.unmerge", "case.merge"]
        assert all(str(row["actor"]) not in {"", "unknown"} for row in audited)
