"""PO-6: a candidate decides on live traffic and never acts: the outbox and the vendor are the oracle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline import shadow
from gateway.store import open_store
from gateway.store.engine import Row, Transaction
from gateway.store.ports import ShadowView, StoreUnavailable
from gateway.store.sqlstore import SqlStore
from routing.load import load_policy
from routing.shadow import Course
from tests.pipeline.customers import ANN, GOLD
from tests.pipeline.customers import POLICY as ASKING
from tests.pipeline.test_faults import HAPPENINGS, happen
from tests.pipeline.world import POLICY, World, looping, stepping

SECOND: Final = 1_000_000
#: Escalates every message, at another priority, and tells everybody.
LOUD: Final = """
[[rule]]
id = "loud"
do = "escalate"
ladder = "third"
when.all = ["sender.role == 'customer'"]
set = { priority = "P2" }
reply = "The candidate answers."

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.third]
final = { target = "queue:desk/Candidates", notify = ["line:#candidates"] }
[[ladder.third.step]]
target = "queue:desk/Candidate"
notify = ["line:#candidate"]
ack_within = "3m"
"""


def try_out(world: World, text: str | None) -> None:
    """Try a policy from now on, as a reload does; None for none."""
    direction = world.direction()
    candidate = None if text is None else load_policy(text, "candidate.toml", direction.connections)
    world.pipeline.swap(replace(direction, shadow=candidate))


def follow(world: World) -> None:
    """Let the candidate look at everything that was handed over, and have what it makes of it written down."""
    while world.pipeline.shadow._turn():
        pass
    world.pipeline.shadow._write_down()


def kept(world: World) -> ShadowView:
    follow(world)
    view = world.store.shadow()
    assert view is not None
    return view


def kinds(world: World) -> list[str]:
    return [each.kind for each in reversed(kept(world).newest)]


def outbox(world: World) -> list[Row]:
    """Return all rows of the outbox and all deadlines, without ids, which are random."""
    sql = "SELECT kind, rule, state, due_at, tries, reason FROM effects ORDER BY seq"
    timers = "SELECT substr(name, 1, 4), due_at FROM timers ORDER BY due_at, name"

    def read(t: Transaction) -> list[Row]:
        return [*t.rows(sql), *t.rows(timers), *t.rows("SELECT seq FROM cases ORDER BY created_at, id")]

    assert isinstance(world.store, SqlStore)
    return world.store._engine.read(read)


async def an_hour(world: World) -> None:
    for thread in ("a", "b"):
        world.say("hello", thread=thread)
        await world.step()
        world.say("help", thread=thread)
        await world.rest(until=world.clock.now() + 1_200 * SECOND)
    world.say("anybody?", thread="a")
    await world.rest(until=world.clock.now() + 1_200 * SECOND)


async def test_nothing_that_a_candidate_would_do_is_done(tmp_path: Path) -> None:
    """PO-6, CT: zero external calls, and not one row of the outbox: with it the gateway does what it does without."""
    done: list[tuple[Any, ...]] = []
    for name, candidate in (("without", None), ("with", LOUD)):
        (tmp_path / name).mkdir()
        async with stepping(tmp_path / name) as world:
            try_out(world, candidate)
            await an_hour(world)
            follow(world)
            calls = [what for what, _, _ in world.vendor.calls]
            titles = [each.title for each in world.vendor.notices]
            groups = [each.group for each in world.vendor.handoffs]
            texts = [each.text for each in world.vendor.replies]
            done.append((outbox(world), calls, titles, groups, texts))
            assert len(calls) > 6
            assert not {"Candidate", "Candidates"} & {*groups}
            assert (world.store.shadow() is None) == (candidate is None)
    assert done[0] == done[1]


async def test_what_differs_is_told_once_a_case_with_where_both_stand(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for text in ("hello", "hello again", "still here"):
            world.say(text)
            await world.step()
        assert kinds(world) == ["would_escalate"]
        world.say("help")
        await world.step()
        view = kept(world)
        assert [each.kind for each in view.newest] == ["other_priority", "other_ladder", "would_escalate"]
        assert view.counts == {"other_ladder": (1, 1), "other_priority": (1, 1), "would_escalate": (1, 1)}
        (history,) = world.histories()
        first = view.newest[-1]
        assert (first.case_id, first.seq, first.real["rule"]) == (history.case.id, 1, "")
        assert first.candidate == {"rule": "loud", "ladder": "third", "level": "1", "priority": "P2"}
        assert view.newest[0].real == {"rule": "help", "ladder": "second", "level": "1", "priority": "P1"}
        (tried,) = view.tried
        assert (tried.missed, tried.failed) == (0, 0)
        assert tried.compared == history.case.seq
        text = world.meters.expose().decode()
        assert 'baton_shadow_divergences_total{kind="would_escalate"} 1.0' in text
        assert f'baton_shadow_decisions_total{{result="compared"}} {history.case.seq}.0' in text
        assert "hello" not in text


async def test_a_deadline_that_comes_late_comes_late_to_both(tmp_path: Path) -> None:
    """The gateway was away when it was due, and somebody wrote before it fired."""
    async with stepping(tmp_path) as world:
        try_out(world, POLICY)
        world.say("help")
        await world.step()
        world.clock.advance(20 * 60)
        world.say("anybody?")
        world.decide()
        follow(world)
        assert world.histories()[0].episodes[0].step == 0
        await world.rest(until=world.clock.now() + 60 * SECOND)
        assert world.histories()[0].episodes[0].step == 1
        assert kinds(world) == []


async def test_a_restart_begins_where_it_was_and_tells_nothing_twice(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        world.say("hello")
        await world.step()
        assert kinds(world) == ["would_escalate"]
        now, written = world.clock.now(), world.vendor.written
    async with stepping(tmp_path) as world:
        world.vendor.written = written
        world.clock.advance((now - world.clock.now()) / SECOND + 60)
        world._count = 10
        try_out(world, LOUD)
        world.say("hello again")
        await world.step()
        assert kinds(world) == ["would_escalate"]
        world.say("help")
        await world.step()
        assert kinds(world) == ["would_escalate", "other_ladder", "other_priority"]


async def test_a_candidate_that_breaks_costs_nothing_but_its_own_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("canary of a customer")

    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        world.say("hello")
        await world.step()
        follow(world)
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(Course, "follow", broken)
            world.say("help")
            await world.step()
            follow(world)
        assert world.histories()[0].episodes
        assert world.vendor.handoffs
        assert "the policy that is tried could not be asked" in caplog.text
        assert "canary" not in caplog.text
        assert kept(world).tried[0].failed >= 1
        # From the store it is where it would have been.
        world.say("again")
        await world.step()
        assert kinds(world) == ["would_escalate"], "the rest differed before it was asked again"


async def test_who_is_too_slow_misses_decisions_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST_WAITING", 3)
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for number in range(8):
            world.say("hello", thread=f"t{number}")
        world.decide()
        assert len(world.pipeline.shadow._waiting) == 3
        assert world.store.accounts().activities_applied == 8
        (tried,) = kept(world).tried
        assert (tried.compared, tried.missed) == (3, 5)
        assert 'baton_shadow_decisions_total{result="missed"} 5.0' in world.meters.expose().decode()
        world.say("hello", thread="t7")
        await world.step()
        (history,) = [each for each in world.histories() if each.threads[0].key == "t7"]
        follow(world)
        assert world.pipeline.shadow._courses[history.case.id].standing.rule == "loud"


async def test_a_case_of_which_something_was_missed_is_gone_through_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for text, room in (("one", 9), ("two", 0), ("three", 9)):
            monkeypatch.setattr(shadow, "MOST_WAITING", room)
            world.say(text)
            await world.step()
            follow(world)
        (course,) = world.pipeline.shadow._courses.values()
        assert course.case is not None
        assert course.case.customer_messages == 3


async def test_cases_that_make_room_are_gone_through_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "MOST_COURSES", 2)
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for turn in range(3):
            for number in range(5):
                world.say(f"hello {turn}", thread=f"t{number}")
                await world.step()
                follow(world)
        assert len(world.pipeline.shadow._courses) == 2
        assert kinds(world) == ["would_escalate"] * 5
        assert kept(world).counts == {"would_escalate": (5, 5)}


async def test_another_candidate_begins_anew_and_none_ends_it(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        world.say("hello")
        await world.step()
        first = kept(world).tried[0].candidate
        world.clock.advance(60)
        try_out(world, LOUD.replace("loud", "louder"))
        world.say("hello", thread="other")
        await world.step()
        view = kept(world)
        assert view.tried[0].candidate != first
        assert [each.candidate["rule"] for each in view.newest] == ["louder"]
        try_out(world, None)
        world.say("hello", thread="third")
        await world.step()
        follow(world)
        assert not world.pipeline.shadow._waiting
        assert not world.pipeline.shadow._courses
        assert kept(world).tried == view.tried


async def test_what_the_store_cannot_take_is_kept_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        world.say("hello")
        await world.step()
        with monkeypatch.context() as patch:
            patch.setattr(world.store, "keep_shadow", away)
            follow(world)
        assert world.store.shadow() is None
        assert kinds(world) == ["would_escalate"]
        assert kept(world).tried[0].compared == 1 + len(world.vendor.calls)


async def test_nobody_is_asked_about_a_customer_for_a_candidate(tmp_path: Path) -> None:
    """Only the candidate wants to know who the customer is: no look-up goes out, and its rules see that nothing is known."""
    async with stepping(tmp_path) as world:
        world.vendor.customers["ann@example.com"] = dict(GOLD)
        try_out(world, ASKING)
        world.say("hello", sender=ANN)
        await world.rest(until=world.clock.now() + 60 * SECOND)
        assert world.vendor.asked == []
        assert kinds(world) == []


async def test_what_the_gateway_learned_of_a_customer_the_candidate_knows(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=ASKING) as world:
        world.vendor.customers["ann@example.com"] = dict(GOLD)
        try_out(world, ASKING.replace('priority = "P1"', 'priority = "P2"'))
        world.say("hello", sender=ANN)
        await world.rest(until=world.clock.now() + 60 * SECOND)
        assert len(world.vendor.asked) == 1
        assert kinds(world) == ["other_priority"]


async def test_its_loop_follows_by_itself_and_ends_with_everything_written_down(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        try_out(world, LOUD)
        for number in range(40):
            world.say("hello", thread=f"t{number}")
        await world.until(lambda: (view := world.store.shadow()) is not None and len(view.newest) == 20)
        for number in range(40):
            world.say("hello again", thread=f"t{number}")
        await world.until(lambda: world.store.accounts().activities_pending == 0)
    store = open_store(f"sqlite:///{tmp_path / 'baton.db'}", readonly=True)
    view = store.shadow()
    assert view is not None
    assert view.counts == {"would_escalate": (40, 40)}
    assert view.tried[0].compared == store.accounts().activities_applied
    store.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(HAPPENINGS, max_size=10))
def test_an_equal_policy_never_differs_whatever_the_vendor_does(happenings: Sequence[tuple[str, int]]) -> None:
    """Refusals, lost answers and retries come to both alike."""

    async def run() -> None:
        with TemporaryDirectory() as directory:
            async with stepping(Path(directory)) as world:
                try_out(world, POLICY)
                world.vendor.plan("write", "refuse", "away", "lost after", "lost before", "refuse", "ok", "refuse")
                await happen(world, happenings)
                await world.rest(until=world.clock.now() + 7_200 * SECOND)
                follow(world)
                view = world.store.shadow()
                assert view is None or not view.newest
                assert view is None or view.tried[0].failed == 0

    asyncio.run(run())
