"""PO-6: what a tried policy is asked is written down in time, its own deadlines happen, and what is held has a bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.pipeline import shadow
from gateway.store.ports import StoreUnavailable
from routing.shadow import Course, Divergence
from tests.pipeline.test_shadow import LOUD, follow, kept, kinds, try_out
from tests.pipeline.world import POLICY, stepping


async def test_what_was_not_written_down_yet_is_at_the_end_and_before_another_candidate(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        following = world.pipeline.shadow
        try_out(world, LOUD)
        world.say("hello")
        world.decide()
        following._turn()
        first = kept(world).tried[0]
        world.say("hello again")
        world.decide()
        following._turn()
        try_out(world, LOUD.replace("loud", "louder"))
        following._turn()
        view = world.store.shadow(first.candidate)
        assert view is not None
        assert view.tried[0].compared == first.compared + 1
        world.clock.advance(1)
        world.say("still here")
        world.decide()
        following._end()
        other = world.store.shadow()
        assert other is not None
        assert (other.tried[0].candidate == first.candidate, other.tried[0].compared) == (False, 1)


async def test_a_deadline_that_only_the_candidate_knows_happens_at_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing happens to the case meanwhile; and one that breaks then is gone through anew later."""
    async with stepping(tmp_path) as world:
        following = world.pipeline.shadow
        try_out(world, POLICY.replace('ack_within = "15m"', 'ack_within = "3m"'))
        for thread in ("a", "b"):
            world.say("help", thread=thread)
        world.decide()
        assert kinds(world) == []
        broken = next(iter(following._courses.values()))
        world.clock.advance(3 * 60 + 62)

        def waking(course: Course, now: int) -> frozenset[Divergence]:
            if course is broken:
                raise ValueError("canary of a customer")
            return right(course, now)

        right = Course.wake
        monkeypatch.setattr(Course, "wake", waking)
        assert kinds(world) == ["other_level"]
        assert broken not in following._courses.values()
        assert len(following._courses) == 1
        assert kept(world).tried[0].failed == 1


async def test_what_was_missed_while_the_store_was_away_is_told_later_and_what_is_held_has_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(shadow, "MOST_WAITING", 3)
    monkeypatch.setattr(shadow, "_MOST_HELD", 2)
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for number in range(5):
            world.say("hello", thread=f"t{number}")
        world.decide()
        with monkeypatch.context() as patch:
            patch.setattr(world.store, "keep_shadow", away)
            follow(world)
        assert len(kinds(world)) == 2
        assert (kept(world).tried[0].compared, kept(world).tried[0].missed) == (3, 2)
        world.say("hello", thread="t9")
        for number in range(4):
            world.say("hello", thread=f"u{number}")
        world.decide()
        try_out(world, None)
        world.pipeline.shadow._turn()
        assert (len(world.pipeline.shadow._waiting), world.pipeline.shadow._missed) == (0, 0)


async def test_the_courses_that_make_room_are_those_of_which_nothing_was_heard_for_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST_COURSES", 2)
    async with stepping(tmp_path) as world:
        try_out(world, LOUD)
        for thread in ("a", "b", "a", "c"):
            world.say("hello", thread=thread)
            world.decide()
            follow(world)
        held = [each for each in world.histories() if each.case.id in world.pipeline.shadow._courses]
        assert {each.threads[0].key for each in held} == {"a", "c"}
