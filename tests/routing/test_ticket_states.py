"""What counts as a change of a ticket's state, and what a customer who comes back to a solved ticket sets off."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Activity, CaseStatus, Channel, EpisodeState, Role, TicketChange, TicketStatus, altered
from routing.decide import decide
from routing.snapshot import Snapshot
from tests.routing.values import (
    AGENT,
    BOT,
    CATCH_ALL,
    LADDER,
    LINK,
    NOW,
    SECOND,
    answer,
    case,
    message,
    open_episode,
    play,
    policy,
    snapshot,
    ticket,
)

RULES: Final = """
[phrases]
person = ["real person"]
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'person'"]
"""
POLICY: Final = policy(RULES + CATCH_ALL + LADDER)
OPEN, SOLVED, CLOSED = TicketStatus.OPEN, TicketStatus.SOLVED, TicketStatus.CLOSED
CHANGES: Final = (TicketChange.TAGS, TicketChange.ASSIGNED, TicketChange.PRIORITY, TicketChange.FIELDS)


def at(seconds: int, what: Activity) -> Activity:
    """Return something as it happened so many seconds later."""
    moment = NOW + seconds * SECOND
    return altered(what, occurred_at=moment, received_at=moment, dedupe=f"{what.dedupe}/{seconds}")


def solved(seconds: int) -> Activity:
    return at(seconds, ticket(TicketChange.STATUS, SOLVED))


def escalated() -> Snapshot:
    """Return a case whose ticket is in work."""
    start = snapshot(POLICY, case=case(seq=3, targets=("desk",)), tickets=(LINK,), episode=open_episode())
    return play(start, at(0, ticket(TicketChange.STATUS, OPEN)))[0]


def come_back(words: str = "again not working!") -> Snapshot:
    """Return a case whose ticket was solved, and whose customer is back."""
    return play(escalated(), solved(60), at(120, message(words)))[0]


# --- the customer is back --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["again not working!", "a real person please"])
def test_what_is_written_for_a_customer_who_is_back_opens_the_ticket_again(words: str) -> None:
    start, _ = play(escalated(), solved(60))
    made = decide(start, at(120, message(words)), NOW + 120 * SECOND)
    assert made.case.status is CaseStatus.OPEN
    assert [effect.reopen for effect in made.effects if effect.connection == "desk"] == [True]


def test_it_is_asked_for_again_as_long_as_the_ticket_is_not_known_to_be_open() -> None:
    back = come_back()
    first = decide(back, at(180, message("hello?")), NOW)
    assert [effect.reopen for effect in first.effects] == [True]
    open_again, _ = play(back, at(150, ticket(TicketChange.STATUS, OPEN, own=True)))
    second = decide(open_again, at(180, message("hello?")), NOW)
    assert [effect.reopen for effect in second.effects] == [False]


def test_a_ticket_in_work_is_opened_for_nobody() -> None:
    made = decide(escalated(), at(60, message("hello?")), NOW)
    assert [effect.reopen for effect in made.effects] == [False]


def test_a_note_of_batons_own_opens_no_solved_ticket() -> None:
    """Who takes the case writes a note: that is no customer who is back."""
    back = come_back("a real person please")
    made = decide(back, at(180, answer()), NOW)
    assert not any(effect.reopen for effect in made.effects)


# --- told again is not changed ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("who", [AGENT, altered(BOT, role=Role.SYSTEM)])
def test_whoever_touches_a_ticket_that_is_still_solved_does_not_solve_it(change: TicketChange, who: object) -> None:
    back = come_back("a real person please")
    assert back.episode is not None
    after, (made,) = play(back, at(180, ticket(change, SOLVED, sender=who)))
    assert after.case.status is CaseStatus.OPEN
    assert after.episode == back.episode
    assert made.trace.result != "resolved"


def test_a_solution_that_is_told_late_does_not_undo_a_newer_opening() -> None:
    back = come_back("a real person please")
    back, _ = play(back, at(121, ticket(TicketChange.STATUS, OPEN, own=True)))
    after, _ = play(back, altered(solved(60), received_at=NOW + 600 * SECOND, dedupe="told by the poll"))
    assert (after.case.status, after.episode) == (CaseStatus.OPEN, back.episode)


def test_helpdesks_that_close_what_was_solved_end_no_case_whose_customer_is_back() -> None:
    """As automations do after days, where a mode kept Baton from opening the ticket."""
    back = come_back("a real person please")
    system = altered(BOT, role=Role.SYSTEM)
    after, _ = play(back, at(400_000, ticket(TicketChange.STATUS, CLOSED, sender=system)))
    assert (after.case.status, after.episode) == (CaseStatus.OPEN, back.episode)
    assert after.tickets[0].status is CLOSED


def test_a_person_who_closes_what_was_solved_ends_the_case_all_the_same() -> None:
    back = come_back("a real person please")
    after, _ = play(back, at(180, ticket(TicketChange.STATUS, CLOSED)))
    assert after.case.status is CaseStatus.RESOLVED


def test_a_ticket_that_is_solved_anew_ends_the_case_anew() -> None:
    back = come_back("a real person please")
    for told in ([], [at(121, ticket(TicketChange.STATUS, OPEN, own=True))]):
        start, _ = play(back, *told)
        after, (made,) = play(start, solved(300))
        assert after.case.status is CaseStatus.RESOLVED
        assert made.episode is not None
        assert made.episode.state is EpisodeState.CLOSED


def test_a_change_of_state_whose_own_event_was_lost_counts_by_the_next_event() -> None:
    start = escalated()
    after, _ = play(start, at(60, ticket(TicketChange.TAGS, SOLVED)))
    assert after.case.status is CaseStatus.RESOLVED
    after, _ = play(after, at(90, ticket(TicketChange.ASSIGNED, OPEN)))
    assert after.case.status is CaseStatus.OPEN


def test_a_solved_ticket_that_is_heard_of_for_the_first_time_is_no_open_case() -> None:
    link = altered(LINK, adopted=True, status=SOLVED, status_at=NOW)
    start = snapshot(POLICY, case=case(channel=Channel.HELPDESK, connection="desk"), tickets=(link,))
    assert decide(start, ticket(TicketChange.TAGS, SOLVED), NOW).case.status is CaseStatus.RESOLVED


@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(1, 30)), max_size=12), st.data())
def test_a_case_is_open_exactly_while_the_last_who_said_something_of_it_wants_it_open(
    touched: list[tuple[TicketChange, int]], data: st.DataObject
) -> None:
    """Whatever else is told of the ticket, with whatever state it has then, in whatever number."""
    state, wanted, moment = OPEN, CaseStatus.OPEN, 0
    now = escalated()
    for change, pause in touched:
        moment += pause
        word = data.draw(st.sampled_from(("solved", "back", "touched")))
        if word == "solved":
            state, wanted = SOLVED, CaseStatus.RESOLVED
            now, _ = play(now, solved(moment))
        elif word == "back":
            wanted = CaseStatus.OPEN
            now, _ = play(now, at(moment, message("not yet")))
        else:
            now, _ = play(now, at(moment, ticket(change, state)))
        assert now.case.status is wanted
