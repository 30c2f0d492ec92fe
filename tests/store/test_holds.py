"""`baton cases show` says of every open effect why it is not settled, on both engines: what is true, and what it cannot know."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.cli.holds import Hold, Surroundings, holds
from gateway.model import EffectKind, altered
from gateway.sdk import RateLimit
from gateway.store import Store, open_store
from gateway.store.ports import CaseView, Destination, EffectResult, Step, Verdict
from tests.app.gateways import running
from tests.store.acts import DESK, NOW, SECOND, apply_all, bring, emitting, message
from tests.store.test_outbox import receipt, result

HANDOFF, UPDATE, NOTIFY, LOOKUP = EffectKind.HANDOFF, EffectKind.UPDATE, EffectKind.NOTIFY, EffectKind.LOOKUP
FINE = Surroundings(configured=frozenset({"desk"}), running={"desk": ("ok", "")}, most=(40, 12))
MINUTE = 60 * SECOND


def told(
    store: Store, around: Surroundings = FINE, *, now: int = NOW, limits: tuple[RateLimit, ...] = ()
) -> list[list[Hold]]:
    """Return what holds the effects of the only case, in the order of the effects."""
    (case,) = store.cases()
    history = store.history(case.id)
    assert history is not None
    found = holds(history, store.held(case.id, {"desk": limits}, now), around, now)
    return [list(found.get(view.effect.id, ())) for view in history.effects]


def why(store: Store, around: Surroundings = FINE, **values: Any) -> list[list[str]]:
    return [[hold.why for hold in each] for each in told(store, around, **values)]


def said(store: Store, around: Surroundings = FINE, **values: Any) -> str:
    """Return the sentences of the first effect that is held."""
    return " ".join(hold.sentence for hold in next(each for each in told(store, around, **values) if each))


def begin(store: Store, *kinds: EffectKind, step: Step | None = None) -> None:
    bring(store, message("m1"))
    apply_all(store, step or emitting(*kinds, rule="help"))


def later(kind: EffectKind, due_at: int) -> Step:
    def step(view: CaseView, activity: Any) -> Any:
        decision = emitting(kind, rule="help")(view, activity)
        return altered(decision, effects=tuple(altered(each, due_at=due_at) for each in decision.effects))

    return step


def finish(store: Store, verdict: Verdict, *, now: int = NOW, desk: Destination = DESK, **values: Any) -> EffectResult:
    (claim,) = store.claim([desk], now)
    made = result(claim, verdict, **values)
    assert store.finish([made], now) == 1
    return made


def test_what_is_due_is_said_to_be_due(store: Store) -> None:
    begin(store, HANDOFF)
    assert why(store) == [["due"]]


def test_what_has_its_time_says_which(store: Store) -> None:
    begin(store, step=later(NOTIFY, NOW + MINUTE))
    assert said(store) == "It waits for its time: not before 2026-01-01 00:01:00 UTC."
    assert told(store)[0][0].until == NOW + MINUTE
    assert why(store, now=NOW + MINUTE) == [["due"]]


def test_what_waits_for_an_earlier_one_says_for_which_and_settled_ones_say_nothing(store: Store) -> None:
    begin(store, HANDOFF, NOTIFY, LOOKUP)
    (case,) = store.cases()
    history = store.history(case.id)
    assert history is not None
    first = history.effects[0].effect.id
    # A look-up neither waits nor keeps anything waiting.
    assert why(store) == [["due"], ["behind"], ["due"]]
    assert told(store)[1][0].behind == first
    assert (
        f"It waits until the handoff of rule help to desk before it ({first}) is settled" in told(store)[1][0].sentence
    )
    claims = store.claim([replace(DESK, free=1)], NOW)
    assert store.finish([result(claims[0], Verdict.DONE, receipt=receipt("1"))], NOW) == 1
    assert why(store) == [[], ["due"], ["due"]]


def test_updates_that_go_out_together_say_so(store: Store) -> None:
    bring(store, *(message(f"m{n}") for n in range(3)))
    apply_all(store, emitting(UPDATE))
    assert ["one call" in each[0].sentence for each in told(store)] == [False, True, True]
    finish(store, Verdict.RETRY, due_at=NOW + MINUTE, reason="The desk is away.")
    bring(store, message("m9"))
    apply_all(store, emitting(UPDATE))
    assert ["one call" in each[0].sentence for each in told(store)] == [False, True, True, False]
    assert why(store)[3] == ["behind"]


def test_what_failed_says_why_and_when_it_is_tried_again(store: Store) -> None:
    begin(store, HANDOFF)
    finish(store, Verdict.RETRY, due_at=NOW + MINUTE, reason="The desk is away")
    assert said(store) == (
        "1st attempt failed: The desk is away. It is tried again at 2026-01-01 00:01:00 UTC, for the 2nd time of 40 at most."
    )
    finish(store, Verdict.RETURNED, now=NOW + MINUTE, reason="The gateway was shut down before it was sent.")
    assert "It is tried again as soon as it can be" in said(store, now=NOW + MINUTE)


def test_what_is_in_hand_says_until_when_it_may_be(store: Store) -> None:
    begin(store, HANDOFF)
    assert store.claim([DESK], NOW)
    assert why(store) == [["sending"]]
    assert "A gateway ha" in said(store)


def test_an_unknown_outcome_is_looked_into_and_says_how_often(store: Store) -> None:
    begin(store, HANDOFF, NOTIFY)
    finish(store, Verdict.UNKNOWN, due_at=NOW + MINUTE, reason="No answer came in time.")
    assert why(store) == [["unknown"], ["behind"]]
    assert said(store) == (
        "Whether it landed is not known: No answer came in time. It is looked into at 2026-01-01 00:01:00 UTC (look 1 of 12 at"
        " most), and not sent again before that is clear."
    )
    (claim,) = store.claim([DESK], NOW + MINUTE)
    assert claim.settle
    store.finish([result(claim, Verdict.RETRY, due_at=NOW + MINUTE, reason="The vendor does not have it.")], NOW)
    assert said(store, now=NOW + MINUTE) == "The vendor does not have it. It is tried again as soon as it can be."


def test_what_is_stuck_says_what_a_person_can_do(store: Store) -> None:
    begin(store, HANDOFF, NOTIFY)
    finish(store, Verdict.FAILED, reason="The desk knows no such group.")
    (letter,) = store.dead_letters()
    assert why(store) == [["stuck"], ["behind"]]
    assert said(store) == (
        "It was given up: The desk knows no such group. What comes after it waits for a person: "
        f"`baton dlq replay {letter.id}` sends it again, `baton dlq discard {letter.id} --reason WHY` gives it up for good."
    )
    store.replay_dead_letter(letter.id, "test", NOW)
    assert why(store) == [["due"], ["behind"]]


@pytest.mark.parametrize("scope", ["all", "connection:desk", "rule:help"])
def test_pauses_are_named_with_their_reason(store: Store, scope: str) -> None:
    begin(store, HANDOFF)
    store.pause("connection:chat", "test", "not this one", NOW)
    assert why(store) == [["due"]]
    store.pause(scope, "test", "they move", NOW)
    assert why(store) == [["paused"]]
    assert said(store).endswith(f"(they move): it goes out after `baton resume {scope}`.")


def test_the_limit_on_a_ticket_is_named_with_its_end_before_and_after_a_claim_ran_into_it(store: Store) -> None:
    limit = RateLimit(scope="ticket", calls=1, seconds=60)
    desk = replace(DESK, limits=(limit,))
    begin(store, HANDOFF, NOTIFY)
    finish(store, Verdict.DONE, desk=desk, receipt=receipt("1"))
    expected = "The vendor's limit (1 calls in 60 seconds for one ticket) holds it back until 2026-01-01 00:01:00 UTC."
    assert said(store, limits=(limit,)) == expected
    assert store.claim([desk], NOW + SECOND) == []
    assert said(store, limits=(limit,)) == expected
    # Without the connector's limits the store alone still knows it.
    assert said(store) == "The vendor's limit on calls for one ticket holds it back until 2026-01-01 00:01:00 UTC."
    assert why(store, limits=(limit,), now=NOW + 2 * MINUTE) == [[], ["due"]]


def test_the_limit_on_a_connection_counts_the_calls_of_all_cases(store: Store) -> None:
    limit = RateLimit(scope="connection", calls=2, seconds=60)
    begin(store, HANDOFF, NOTIFY, NOTIFY)
    for number in range(2):
        finish(store, Verdict.DONE, now=NOW + number * SECOND, receipt=receipt(str(number)))
    assert why(store, limits=(limit,), now=NOW + 2 * SECOND) == [[], [], ["limit"]]
    assert told(store, limits=(limit,), now=NOW + 2 * SECOND)[2][0].until == NOW + MINUTE
    assert why(store, limits=(limit,), now=NOW + MINUTE) == [[], [], ["due"]]


@pytest.mark.parametrize(
    ("around", "kind", "words"),
    [
        (
            {"running": {}},
            "connection",
            "The running gateway has no connection desk: take plugins.toml over, `baton reload`",
        ),
        ({"running": {}, "configured": frozenset()}, "connection", "put it back, under this name or with renamed_from"),
        (
            {"running": None, "configured": frozenset(), "off": frozenset({"desk"})},
            "connection",
            "Connection desk is switched off: switch it on (enabled = true), or",
        ),
        (
            {"running": None, "configured": frozenset()},
            "connection",
            "The configuration has no connection desk any more",
        ),
        (
            {"running": {"desk": ("credentials_refused", "401")}},
            "connection",
            "Connection desk is credentials refused: 401. Nothing goes out over it until it works.",
        ),
        (
            {"running": {"desk": ("degraded", "It is away.")}},
            "connection",
            "Connection desk is degraded: It is away. It may have to wait until calls work again.",
        ),
        ({"running": None}, "gateway", "No gateway runs: it goes out once `baton serve` does."),
        ({"running": None, "shared": True}, "gateway", "cannot be known from here"),
        ({"running": None, "silent": "it did not answer"}, "gateway", "cannot be told: it did not answer."),
    ],
)
def test_connections_are_told_as_far_as_somebody_knows(
    store: Store, around: dict[str, Any], kind: str, words: str
) -> None:
    begin(store, HANDOFF)
    surroundings = replace(FINE, **around)
    assert why(store, surroundings) == [[kind]]
    assert words in said(store, surroundings)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "plugins.toml").write_text('[gateway]\n[helpdesk.desk]\nconnector = "zendesk"\nenabled = false\n')
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    store.register({"chat": None, "desk": None})
    begin(store, HANDOFF, NOTIFY)
    store.close()
    return tmp_path


def test_the_command_says_it_to_people_and_to_programs(directory: Path) -> None:
    runner = CliRunner(env={"BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    listed = json.loads(runner.invoke(baton, ["cases", "list", "--json"]).output)
    shown = runner.invoke(baton, ["cases", "show", listed[0]["id"]])
    assert shown.exit_code == 0, shown.output
    words = " ".join(shown.output.split())
    assert "handoff to desk: pending, rule help Connection desk is switched off: switch it on (enabled = true)" in words
    assert "It waits until the handoff of rule help to desk before it" in words
    values = json.loads(runner.invoke(baton, ["cases", "show", listed[0]["id"], "--json"]).output)
    first, second = (each["holds"] for each in values["effects"])
    assert [each["why"] for each in (*first, *second)] == ["connection", "behind"]
    assert second[0]["behind"] == values["effects"][0]["effect"]["id"]


async def test_a_gateway_that_runs_is_asked_how_its_connections_are(tmp_path: Path) -> None:
    """What the files say may not be taken over yet: the one who sends knows better."""
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    store.register({"chat": None, "desk": None})
    begin(store, HANDOFF)
    (case,) = store.cases()
    store.close()
    async with running(tmp_path):
        later = '[helpdesk.desk]\nconnector = "zendesk"\nsubdomain = "x"\n'
        (tmp_path / "plugins.toml").write_text((tmp_path / "plugins.toml").read_text() + later)
        command = [sys.executable, "-c", "from gateway.cli import main; main()", "cases", "show", case.id]
        place = {**os.environ, "BATON_CONFIG": str(tmp_path / "plugins.toml")}
        place.pop("BATON_DATABASE_URL", None)
        done = await asyncio.to_thread(
            subprocess.run, command, env=place, stdout=subprocess.PIPE, text=True, timeout=60, check=True
        )
    words = " ".join(done.stdout.split())
    assert "The running gateway has no connection desk: take plugins.toml over, `baton reload`" in words
