"""Whom a look-up is about: nobody by a claim, and each person for themselves (SG-9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import EffectKind, Priority
from gateway.pipeline.lookups import LONGEST, VALUES, kept
from gateway.sdk import Profile
from gateway.store import codec
from gateway.store.ports import EffectState
from tests.pipeline.customers import ANN, BOB, GOLD, POLICY, of, only, world_of

LOOKUP, DONE = EffectKind.LOOKUP, EffectState.DONE


# --- who is asked about ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "impostor",
    [
        {"sender": {"kind": "webchat_visitor", "value": "s1", "evidence": "claimed", "email": "ann@example.com"}},
        {
            "sender": {"kind": "webchat_visitor", "value": "s1", "evidence": "claimed"},
            "claimed_email": "ann@example.com",
        },
        {"sender": {"kind": "session", "value": "s1"}, "claimed_email": "ann@example.com"},
        {"sender": {"kind": "session", "value": "s1", "email": "ann@example.com"}},
        {"sender": {"kind": "email", "value": "ann@example.com", "evidence": "claimed"}},
        {"sender": {"kind": "email", "value": "ann@example.com", "evidence": "attested"}},
        {"sender": {"kind": "zendesk_user", "value": "77"}},
        {"sender": {}},
    ],
)
async def test_an_impostor_becomes_no_vip_and_nobody_is_asked(
    tmp_path: Path, where: dict[str, str], impostor: dict[str, Any]
) -> None:
    """By what somebody typed, or by another vendor's id, nobody is looked up; the genuine one is, as the contrast."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers |= {"ann@example.com": GOLD, "77": GOLD}
        world.say("I am ann@example.com!", thread="eve", **impostor)
        await world.rest(until=world.clock.now())
        assert world.vendor.asked == []
        assert world.effects() == []
        assert only(world).case.priority is None
        site = {"kind": "site_user", "value": "u1", "evidence": "verified", "email": "Ann@Example.com"}
        world.say("I am ann@example.com!", thread="ann", sender=site)
        await world.rest(until=world.clock.now())
        assert [of(world, thread).case.priority for thread in ("eve", "ann")] == [None, Priority.P1]
        assert world.vendor.asked == [(("email", "ann@example.com"),)]
        world.say("and now?", thread="eve", **impostor)
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 1
        assert of(world, "eve").case.priority is None


async def test_a_person_who_was_linked_by_mistake_is_a_vip_no_longer_once_they_are_parted(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """What was known of two as one person is known of neither alone; each is asked about anew."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("hello", thread="ann", sender=ANN)
        world.say("hello", thread="bob", sender=BOB)
        await world.rest(until=world.clock.now())
        people = {each.identifiers[0].party.value: each.id for each in world.store.contacts()}
        at = world.clock.now
        world.store.link_contacts(people["ann@example.com"], people["bob@example.com"], "op", "the same", at())
        world.say("again", thread="bob 2", sender=BOB)
        await world.rest(until=world.clock.now())
        linked = of(world, "bob 2")
        assert linked.case.priority is Priority.P1, "by the operator's word they are Ann"
        world.store.unlink_contact(people["ann@example.com"], "op", "they are not", at())
        world.say("once more", thread="bob 3", sender=BOB)
        await world.rest(until=world.clock.now())
        parted = of(world, "bob 3")
        assert parted.case.priority is None
        world.say("it is me", thread="ann 2", sender=ANN)
        await world.rest(until=world.clock.now())
        ann = of(world, "ann 2")
        assert ann.case.priority is Priority.P1


async def test_whoever_becomes_another_person_while_the_question_is_out_is_asked_about_again(
    tmp_path: Path, where: dict[str, str]
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("hello", thread="ann", sender=ANN)
        world.say("hello", thread="bob", sender=BOB)
        world.decide()
        dispatch = world.pipeline.dispatch
        claims = await dispatch._claim()
        assert len(claims) == 2, "both are being asked about"
        people = {each.identifiers[0].party.value: each.id for each in world.store.contacts()}
        world.store.link_contacts(people["bob@example.com"], people["ann@example.com"], "op", "", world.clock.now())
        for claim in claims:
            dispatch._running[claim.connection] += 1
            await dispatch._one(claim)
        results, dispatch._results = dispatch._results, []
        assert world.store.finish(results, world.clock.now()) == 2
        world.decide()
        assert sorted(world.states(LOOKUP)) == [DONE, DONE, EffectState.PENDING, EffectState.PENDING]
        await world.rest(until=world.clock.now())
        assert [of(world, thread).case.priority for thread in ("ann", "bob")] == [Priority.P1, Priority.P1]
        assert [of(world, thread).case.lookup for thread in ("ann", "bob")] == [None, None]


async def test_a_case_that_is_merged_while_its_look_up_is_out_and_parted_again_asks_anew(
    tmp_path: Path, where: dict[str, str]
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("hello", thread="ann", sender=ANN)
        world.say("hello", thread="bob", sender=BOB)
        world.decide()
        cases = {thread: of(world, thread).case.id for thread in ("ann", "bob")}
        world.store.merge(cases["ann"], cases["bob"], "op", world.clock.now())
        await world.rest(until=world.clock.now())
        assert world.states(LOOKUP) == [DONE, DONE]
        bobs = next(each for each in world.histories() if each.case.id == cases["bob"])
        assert bobs.case.priority is None, "the case is Bob's"
        world.store.unmerge(cases["ann"], "op", world.clock.now())
        world.say("hello again", thread="ann", sender=ANN)
        await world.rest(until=world.clock.now())
        anns = next(each for each in world.histories() if each.case.id == cases["ann"])
        assert anns.case.priority is Priority.P1
        assert anns.case.lookup is None


# --- costs, bounds -----------------------------------------------------------------------------------------------------
async def test_a_policy_that_reads_nothing_of_the_customer_asks_nobody(tmp_path: Path) -> None:
    policy = POLICY.replace(', "customer.vip"]', "]")
    async with world_of(tmp_path, policy=policy) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("help", sender=ANN)
        await world.rest(until=world.clock.now())
        assert world.effects(LOOKUP) == []
        assert world.vendor.asked == []
        assert world.vendor.handoffs[0].packet is not None
        assert world.vendor.handoffs[0].packet.profile == ()


_words: Final = st.text(max_size=600)
_anything: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(_words, _anything, max_size=60), st.integers(-(2**50), 2**50))
def test_whatever_a_connector_calls_a_profile_is_kept_small_and_comes_back_from_the_store(
    values: dict[str, object], read_at: int
) -> None:
    made = kept(Profile(values=values, read_at=read_at), now=1_000)
    assert made.read_at == min(read_at, 1_000)
    assert len(made.values) <= VALUES
    for value in made.values.values():
        assert isinstance(value, str | bool | int | float | list)
        assert not isinstance(value, str) or len(value) <= LONGEST
    codec.profile_from(codec.encode(made))
