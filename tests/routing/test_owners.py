"""AS-5: the customer writes while the agent who has the case is away, and another gets it (chatwoot#7204)."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    CaseStatus,
    Channel,
    Decision,
    EffectKind,
    EpisodeState,
    Party,
    Role,
    TicketStatus,
    altered,
)
from gateway.model import TicketChange as Change
from routing.people import Presence, Staff
from routing.snapshot import Snapshot
from tests.routing.test_steps import failures, steps
from tests.routing.values import (
    LINK,
    MINUTE,
    NOW,
    answer,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
)

ONE: Final = 'target = "team:first"\nabsent_owner = "reassign"'
RULES: Final = steps(ONE, 'target = "team:second"')


def away(*names: str, at: int = NOW) -> Staff:
    return Staff(presence={name: Presence(available=name not in names, read_at=at) for name in ("ann", "ben", "cy")})


def known(number: str) -> Party:
    """Return an agent by one of their ids."""
    return Party(kind="zendesk_user", value=number, name="Grace", role=Role.AGENT)


def taken(text: str = RULES, *, answered: bool = True) -> Snapshot:
    """Return a case that Ann has, in the helpdesk, taken by button, and answered or not."""
    where, (made,) = play(snapshot(policy(text), staff=away()), message("help"))
    assert made.episode is not None
    assert made.episode.assigned == ("ann",)
    where, _ = play(where, altered(outcome(made.effects[0].id, made.episode), received_at=NOW))
    where = altered(where, tickets=(LINK,))
    notice = pressed("acknowledge", dedupe="ack", reference="n1", sender=known("U1"))
    where, _ = play(where, notice)
    if answered:
        where, _ = play(where, answer(dedupe="a1", sender=known("1")))
    assert where.episode is not None
    assert where.episode.state is EpisodeState.ACKNOWLEDGED
    return where


def writes(where: Snapshot, at: int = NOW + MINUTE, key: str = "w1") -> tuple[Snapshot, Decision]:
    where, (made,) = play(where, message("are you there?", dedupe=key, received_at=at, occurred_at=at))
    return where, made


@pytest.mark.parametrize("answered", [True, False])
def test_as_5_the_case_of_an_absent_owner_goes_to_another_when_the_customer_writes(answered: bool) -> None:
    """AS-5, VT (chatwoot#7204): it is asked for anew on its own step, the ticket moves, and the new one hears of it."""
    where = altered(taken(answered=answered), staff=away("ann", at=NOW + MINUTE))
    _, made = writes(where)
    episode = made.episode
    assert episode is not None
    assert (episode.assigned, episode.step, episode.state) == (("ben",), 0, EpisodeState.OPEN)
    assert episode.acknowledge_by == NOW + 11 * MINUTE
    assert made.trace.result == "reassigned"
    assert made.trace.sentence == "The customer wrote, and ann is away, as of 0 s ago: ben has it now."
    assert dict(made.trace.candidates_considered)["ann"].startswith("away")
    told = [(each.kind, each.connection, each.destination, each.assignee) for each in made.effects]
    assert (EffectKind.UPDATE, "desk", "", "2") in told
    assert (EffectKind.NOTIFY, "chat", "@ben", None) in told


def test_as_5_an_owner_who_is_there_keeps_it_and_so_does_one_of_whom_nobody_knows() -> None:
    """Presence that is too old is not believed (AS-6)."""
    for staff in (away(), Staff(), away("ann", at=NOW - 10 * MINUTE)):
        _, made = writes(altered(taken(), staff=staff))
        assert made.episode is not None
        assert (made.episode.assigned, made.episode.state) == (("ann",), EpisodeState.ACKNOWLEDGED)


@pytest.mark.parametrize("word", ["", 'absent_owner = "keep"\n'])
def test_as_5_where_the_policy_keeps_owners_nothing_moves(word: str) -> None:
    """The default: `keep`."""
    text = RULES.replace('absent_owner = "reassign"\n', word)
    _, made = writes(altered(taken(text), staff=away("ann", at=NOW + MINUTE)))
    assert made.episode is not None
    assert made.episode.assigned == ("ann",)


def test_as_5_when_nobody_of_the_step_is_there_it_goes_on_upwards() -> None:
    """It never stays with nobody."""
    _, made = writes(altered(taken(), staff=away("ann", "ben", at=NOW + MINUTE)))
    assert made.episode is not None
    assert (made.episode.step, made.episode.assigned, made.episode.epoch) == (1, ("cy",), 1)
    assert made.episode.passed_over == ((0, "nobody of team first can take it"),)


def test_as_5_a_case_that_was_resolved_finds_somebody_who_is_there() -> None:
    """chatwoot#7204, as it was told: a resolved conversation is taken up again, and its agent has gone home."""
    where, (over,) = play(taken(), ticket(Change.STATUS, TicketStatus.SOLVED, dedupe="s1", received_at=NOW + 1))
    assert over.case.status is CaseStatus.RESOLVED
    where = altered(where, staff=away("ann", at=NOW + MINUTE))
    _, (made,) = play(where, message("help again", dedupe="w2", received_at=NOW + MINUTE, occurred_at=NOW + MINUTE))
    assert made.episode is not None
    assert made.episode.assigned == ("ben",)


def test_as_5_outside_of_the_steps_hours_it_is_looked_at_when_they_begin() -> None:
    """By night everybody is away: the moment comes back with the day, and goes when somebody answers."""
    day = """
[calendar.day]
tz = "UTC"
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
[calendar.tuesday]
tz = "UTC"
tue = ["09:00-17:00"]
"""
    rules = day + steps(f'{ONE}\ncalendar = "day"', 'target = "team:second"').replace(
        "capacity = { chat = 1 }", 'calendar = "tuesday"'
    )
    night = """
[[policy_test.event]]
message = "help"
expect = { assigned = ["ann"] }
[[policy_test.event]]
press = "acknowledge"
actor = "ann"
[[policy_test.event]]
message = "On it."
actor = "ann"
connection = "desk"
expect = { timers = {} }
[[policy_test.event]]
until = 2026-11-24T20:00:00Z
[[policy_test.event]]
message = "are you there?"
expect = { assigned = ["ann"], timers = { owner = "13h" } }
"""
    morning = """
[[policy_test.event]]
until = 2026-11-25T09:00:00Z
expect = { assigned = ["ben"], result = "reassigned", path = [1, 1], notify = ["chat:@ben"] }
"""
    assert failures(rules, night + morning) == []
    answers = '[[policy_test.event]]\nmessage = "Yes."\nactor = "ben"\nconnection = "desk"\n'
    quiet = '[[policy_test.event]]\nuntil = 2026-11-25T09:00:00Z\nexpect = { assigned = ["ann"], path = [1] }\n'
    assert failures(rules, night + answers + quiet) == []
    closes = (
        '[[policy_test.event]]\nticket = "status"\nstatus = "solved"\nexpect = { episode = "closed", timers = {} }\n'
    )
    assert failures(rules, night + closes) == []


@given(absent=st.sets(st.sampled_from(["ann", "ben", "cy"])), messages=st.integers(1, 4))
def test_as_5_while_somebody_is_there_the_case_is_with_somebody_who_is(absent: set[str], messages: int) -> None:
    """AS-5 over all rosters: after the customer wrote, who has the case is there, or it stands at the ladder's end."""
    where = taken()
    for number in range(messages):
        at = NOW + (number + 1) * MINUTE
        where, made = writes(altered(where, staff=away(*absent, at=at)), at, f"w{number}")
        assert made.episode is not None
        assert not set(made.episode.assigned) & absent
        assert made.episode.assigned or absent >= {"ann", "ben", "cy"}


def test_what_a_customer_does_in_the_helpdesk_moves_nothing() -> None:
    """Only what they say on a channel of their own is something that waits for an answer."""
    where = altered(taken(), staff=away("ann", at=NOW))
    other: Activity = message("note", connection="desk", channel=Channel.HELPDESK, thread="55", dedupe="x")
    assert other.kind is ActivityKind.MESSAGE
    _, (made,) = play(where, other)
    assert made.episode is not None
    assert made.episode.assigned == ("ann",)
