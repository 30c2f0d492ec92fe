"""What the CRM knows of a customer: asked for by a look-up, answered later, and the rules look again (SG-9).

In virtual time, on both engines.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import EffectKind, EpisodeState, Mode, Priority
from gateway.pipeline.lookups import LONGEST, MOST_TRIES, VALUES, kept
from gateway.sdk import Profile, RateLimit
from gateway.store import codec
from gateway.store.ports import CaseHistory, EffectState
from routing.lookup import AGAIN
from tests.pipeline.world import World, looping, stepping

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
DAY: Final = 86_400 * SECOND
LOOKUP, HANDOFF, NOTIFY = EffectKind.LOOKUP, EffectKind.HANDOFF, EffectKind.NOTIFY
DONE, PENDING, FAILED = EffectState.DONE, EffectState.PENDING, EffectState.FAILED

POLICY: Final = """
[customer]
profile_from = "desk"
vip = ["Gold", "enterprise"]

[phrases]
help = ["help"]

[[rule]]
id = "vip"
type = "priority"
when.all = ["sender.role == 'customer'", "customer.vip"]
do = "escalate"
ladder = "second"
set = { priority = "P1", tags = ["vip"], reason = "A VIP writes." }
reply = "We are on it. #{{ticket.id}}"

[[rule]]
id = "help"
type = "functional"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P3", reason = "The customer asks for help." }

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.second]
final = { target = "queue:desk/Last", notify = ["line:#last"] }
[[ladder.second.step]]
target = "queue:desk/Second"
notify = ["line:#second"]
ack_within = "15m"
"""
ANN: Final = {"kind": "email", "value": "ann@example.com", "evidence": "verified"}
GOLD: Final[dict[str, object]] = {
    "tier": "gold",
    "organization": "Acme GmbH",
    "value": 125_000,
    "tags": ["beta"],
    "locale": "de-AT",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> dict[str, str]:
    """Which engine the world's store is."""
    return {"url": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}


def world_of(directory: Path, where: dict[str, str] | None = None, **more: Any) -> Any:
    return stepping(directory, **({"policy": POLICY} | (where or {}) | more))


def story(history: CaseHistory) -> list[tuple[str, str]]:
    """Return what happened in a case and what came of it."""
    return [(each.activity.kind.value, str((each.trace or {})["result"])) for each in history.activities]


def only(world: World) -> CaseHistory:
    (history,) = world.histories()
    return history


def of(world: World, thread: str) -> CaseHistory:
    """Return the case of a thread."""
    return next(each for each in world.histories() if thread in {held.key for held in each.threads})


# --- the way -----------------------------------------------------------------------------------------------------------
async def test_a_vip_is_escalated_although_the_first_look_did_not_know_them(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-9: the first decision is made at once; the answer is an activity on which the rules look again."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("good morning", sender=ANN)
        world.decide()
        assert only(world).case.priority is None
        assert world.states() == [PENDING]
        await world.rest(until=world.clock.now())
        history = only(world)
        assert history.case.priority is Priority.P1
        assert [(each.rule, each.reasons) for each in history.episodes] == [("vip", ("vip",))]
        assert story(history)[:2] == [("message", "none"), ("outcome", "escalate")]
        assert history.case.lookup is None
        assert world.vendor.asked == [(("email", "ann@example.com"),)]
        (handoff,) = world.vendor.handoffs
        assert handoff.packet is not None
        facts = dict(handoff.packet.profile)
        assert (facts["VIP"], facts["Organization"], facts["Profile"]) == ("tier gold", "Acme GmbH", "desk, 0s old")
        (reply,) = world.vendor.replies
        assert reply.thread == "t"


async def test_the_priority_stands_without_anybody_waiting_for_a_clock(tmp_path: Path) -> None:
    """SG-9: latency from event to priority is far below 1 s: every step is woken by the one before it, none by a poll.

    Time stands still here, so that whoever waits for a clock waits for ever.
    """
    async with looping(tmp_path, policy=POLICY) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        begun = world.clock.now()
        world.say("good morning", sender=ANN)
        world.pipeline.ring()
        await world.until(lambda: any(each.case.priority for each in world.histories()), step=0)
        assert world.clock.now() == begun


async def test_a_profile_is_reused_for_other_cases_while_it_is_fresh(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("one", thread="t1", sender=ANN)
        await world.rest(until=world.clock.now())
        world.clock.advance(23 * 3600)
        world.say("two", thread="t2", sender=ANN)
        world.decide()
        second = of(world, "t2")
        assert story(second) == [("message", "escalate")], "it is known at the first look"
        trace = second.activities[0].trace
        assert trace is not None
        assert "tier gold (desk, 23h old)" in str(trace["steps"])
        assert len(world.vendor.asked) == 1


async def test_a_stale_profile_counts_is_told_as_stale_and_is_asked_for_anew(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-9: stale → the last known value, with a flag."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("one", thread="t1", sender=ANN)
        await world.rest(until=world.clock.now())
        world.clock.advance(25 * 3600)
        world.vendor.customers["ann@example.com"] = {"tier": "basic"}
        world.say("two", thread="t2", sender=ANN)
        world.decide()
        second = of(world, "t2")
        assert second.case.priority is Priority.P1
        handoff = next(each.effect for each in second.effects if each.effect.kind is HANDOFF)
        assert dict(handoff.profile)["Profile"] == "desk, 1d old, stale"
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 2
        world.say("three", thread="t3", sender=ANN)
        world.decide()
        third = of(world, "t3")
        assert third.case.priority is None, "they are no VIP any more"


# --- what goes wrong ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trouble", ["refuse", "hang", "away", "bug", "login"])
async def test_a_look_up_that_fails_keeps_nothing_waiting_and_is_no_dead_letter(
    tmp_path: Path, where: dict[str, str], trouble: str
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.always["profile"] = trouble
        world.say("help", sender=ANN)
        world.decide()
        assert only(world).case.priority is Priority.P3, "decided at once"
        await world.step()
        await world.step()
        if trouble != "login":
            assert world.states(HANDOFF) == [DONE]
            await world.rest(until=world.clock.now() + 30 * MINUTE)
            assert world.states(LOOKUP) == [FAILED]
            assert world.vendor.count("profile") == (1 if trouble == "refuse" else MOST_TRIES)
            lookup = only(world).case.lookup
            assert lookup is not None
            assert lookup.failed_at is not None
        assert world.store.dead_letters() == []
        world.vendor.always.clear()


async def test_what_failed_is_asked_again_after_a_while_and_not_before(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", "refuse")
        for _ in range(3):
            world.say(sender=ANN)
            await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 1
        world.clock.advance(AGAIN / SECOND)
        world.say(sender=ANN)
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 2
        assert only(world).case.priority is Priority.P1


async def test_a_slow_answer_keeps_no_effect_of_the_same_case_waiting(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.plan("profile", "away", "away")
        world.say("help", sender=ANN)
        world.decide()
        assert world.states(LOOKUP, HANDOFF) == [PENDING, PENDING]
        await world.dispatch()
        assert world.states(HANDOFF) == [DONE]
        assert world.states(LOOKUP) == [PENDING]
        await world.rest(until=world.clock.now() + MINUTE)


async def test_a_handoff_that_waits_keeps_no_look_up_waiting(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("write", "limit")
        world.say("help", thread="t1", sender=ANN)
        world.decide()
        await world.dispatch()
        assert world.states(HANDOFF) == [PENDING]
        world.decide()
        assert only(world).case.priority is Priority.P1
        await world.rest(until=world.clock.now() + 20 * MINUTE)


async def test_a_look_up_that_died_in_the_middle_is_asked_again(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        world.decide()
        claims = await world.pipeline.dispatch._claim()
        assert [claim.effects[0].kind for claim in claims] == [LOOKUP], "and now the process is gone"
        await world.rest()
        assert only(world).case.priority is Priority.P1
        assert world.states(LOOKUP) == [DONE]


async def test_an_answer_that_was_recorded_twice_counts_once(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        world.decide()
        dispatch = world.pipeline.dispatch
        claims = await dispatch._claim()
        for claim in claims:
            dispatch._running[claim.connection] += 1
            await dispatch._one(claim)
        results, dispatch._results = dispatch._results, []
        assert [world.store.finish(results, world.clock.now()) for _ in range(2)] == [1, 0]
        await world.rest(until=world.clock.now())
        assert [kind for kind, _ in story(only(world))].count("outcome") == len(world.effects())
        assert len(only(world).episodes) == 1


# --- modes and pauses --------------------------------------------------------------------------------------------------
async def test_it_is_asked_in_observe_mode_since_it_only_reads(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where, mode=Mode.OBSERVE) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        await world.rest(until=world.clock.now())
        assert only(world).case.priority is Priority.P1
        assert world.states(HANDOFF) == [EffectState.OBSERVED]
        assert not world.vendor.written


async def test_a_paused_connection_is_not_asked_until_it_goes_on(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.store.pause("connection:desk", "op", "maintenance", world.clock.now())
        for text in ("one", "two", "three"):
            world.say(text, sender=ANN)
            await world.step()
        assert world.vendor.asked == []
        assert world.states(LOOKUP) == [PENDING]
        world.store.resume("connection:desk", "op", world.clock.now())
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 1
        assert only(world).case.priority is Priority.P1


async def test_a_look_up_counts_against_the_connection_s_limit_and_not_against_the_ticket_s(
    tmp_path: Path, where: dict[str, str]
) -> None:
    limits = (RateLimit(calls=1, seconds=600, scope="ticket"),)
    async with world_of(tmp_path, where, limits=limits) as world:
        world.say("help", sender=ANN)
        world.decide()
        assert await world.dispatch() == 2
        await world.rest(until=world.clock.now() + MINUTE)
        assert world.states(LOOKUP, HANDOFF) == [DONE, DONE]


# --- no rule acts twice ------------------------------------------------------------------------------------------------
async def test_an_escalation_of_the_first_look_gets_one_more_reason_and_a_higher_priority(
    tmp_path: Path, where: dict[str, str]
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("help", sender=ANN)
        await world.rest(until=world.clock.now())
        history = only(world)
        (episode,) = history.episodes
        assert (episode.rule, episode.reasons) == ("help", ("help", "vip"))
        assert history.case.priority is Priority.P1
        assert len(world.effects(HANDOFF)) == 1


async def test_an_episode_that_has_ended_is_not_opened_again_by_a_late_answer(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-12: what an episode was opened on is spent, also for an answer that comes late."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", "away", "away", "away", "away")
        world.say("help", sender=ANN)
        await world.step()
        (episode,) = only(world).episodes
        (ticket,) = only(world).tickets
        solved = {"ticket": ticket.ticket_id, "thread": "t", "id": "s1", "status": "solved"}
        world.store.journal([world.entry(json.dumps(solved).encode(), lane="t")])
        await world.step()
        assert only(world).episodes[0].state is EpisodeState.CLOSED
        await world.rest()
        assert [each.id for each in only(world).episodes] == [episode.id]
        assert world.states(LOOKUP) == [DONE]


async def test_everything_that_was_said_meanwhile_is_looked_at_again(tmp_path: Path, where: dict[str, str]) -> None:
    """A rule that wants a VIP and a word finds the word in the second message, though the first one asked."""
    both = POLICY.replace('"customer.vip"]', '"customer.vip", "message.phrases contains \'help\'"]')
    policy = both.replace(
        '"message.phrases contains \'help\'"]\ndo = "escalate"\nladder = "second"\nset = { priority = "P3"',
        '"case.age > 1d"]\ndo = "escalate"\nladder = "second"\nset = { priority = "P3"',
    )
    async with world_of(tmp_path, where, policy=policy) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        for text in ("hello", "help", "please"):
            world.say(text, sender=ANN)
        world.decide()
        assert world.states() == [PENDING]
        await world.rest(until=world.clock.now())
        (episode,) = only(world).episodes
        assert episode.rule == "vip"


async def test_a_rule_that_stood_below_one_that_the_answer_takes_away_acts_then(tmp_path: Path) -> None:
    """`not customer.vip` holds while nothing is known; once it does not, the next rule has its turn."""
    policy = POLICY.replace(
        '"customer.vip"]\ndo = "escalate"\nladder = "second"\n', '"not customer.vip"]\ndo = "none"\n'
    )
    policy = policy.replace('reply = "We are on it. #{{ticket.id}}"\n', "")
    async with world_of(tmp_path, policy=policy) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("help", sender=ANN)
        world.decide()
        assert only(world).episodes == ()
        await world.rest(until=world.clock.now())
        assert [each.rule for each in only(world).episodes] == ["help"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.sampled_from(
            ["say", "say", "say", "say elsewhere", "help", "step", "decide", "pause", "resume", "time", "die"]
        ),
        max_size=14,
    ),
    troubles=st.lists(st.sampled_from(["ok", "away", "refuse", "hang", "bug"]), max_size=5),
)
async def test_a_case_has_never_more_than_one_look_up_out(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], troubles: list[str]
) -> None:
    """Whatever happens: at most one is out for a case, and every rule acts once on what was said."""
    async with world_of(tmp_path_factory.mktemp("w")) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", *troubles)
        for act in acts:
            match act:
                case "say" | "help" | "say elsewhere":
                    world.say(act, thread="t2" if act == "say elsewhere" else "t", sender=ANN)
                case "decide":
                    world.decide()
                case "step":
                    await world.step()
                case "pause":
                    world.store.pause("connection:desk", "op", "r", world.clock.now())
                case "resume":
                    world.store.resume("connection:desk", "op", world.clock.now())
                case "time":
                    world.clock.advance(400)
                case _:
                    world.decide()
                    await world.pipeline.dispatch._claim()
            for history in world.histories():
                out = [
                    view for view in history.effects if view.effect.kind is LOOKUP and view.state not in {DONE, FAILED}
                ]
                assert len(out) <= 1
        world.store.resume("connection:desk", "op", world.clock.now())
        await world.rest()
        for history in world.histories():
            assert len(history.episodes) <= 1
            handoffs = [view for view in history.effects if view.effect.kind is HANDOFF]
            assert len(handoffs) == len(history.episodes)
            notices = [view.effect.destination for view in history.effects if view.effect.kind is NOTIFY]
            assert notices.count("#second") <= 1


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
        bob = {"kind": "email", "value": "bob@example.com", "evidence": "verified"}
        world.say("hello", thread="ann", sender=ANN)
        world.say("hello", thread="bob", sender=bob)
        await world.rest(until=world.clock.now())
        people = {each.identifiers[0].party.value: each.id for each in world.store.contacts()}
        world.store.link_contacts(
            people["bob@example.com"], people["ann@example.com"], "op", "the same", world.clock.now()
        )
        world.say("again", thread="bob 2", sender=bob)
        await world.rest(until=world.clock.now())
        linked = of(world, "bob 2")
        assert linked.case.priority is Priority.P1, "by the operator's word they are Ann"
        world.store.unlink_contact(people["bob@example.com"], "op", "they are not", world.clock.now())
        world.say("once more", thread="bob 3", sender=bob)
        await world.rest(until=world.clock.now())
        parted = of(world, "bob 3")
        assert parted.case.priority is None
        world.say("it is me", thread="ann 2", sender=ANN)
        await world.rest(until=world.clock.now())
        ann = of(world, "ann 2")
        assert ann.case.priority is Priority.P1


async def test_a_case_that_is_merged_while_its_look_up_is_out_and_parted_again_asks_anew(
    tmp_path: Path, where: dict[str, str]
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        bob = {"kind": "email", "value": "bob@example.com", "evidence": "verified"}
        world.say("hello", thread="ann", sender=ANN)
        world.say("hello", thread="bob", sender=bob)
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
