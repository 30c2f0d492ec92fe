"""What docs/how-to/sla.md says of clocks, where no other test shows it (SG-7): each test names its sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from gateway.model import Activity, Audience, SlaMark, TicketChange, TicketLink, TicketStatus, altered
from gateway.model.life import ACKNOWLEDGE
from routing.decide import decide
from tests.routing.days import MONDAY, Desk, at
from tests.routing.slas import clocks, due, fired, rules
from tests.routing.values import BOT, LINK, answer, message, ticket

PAGE: Final = " ".join((Path(__file__).parents[2] / "docs/how-to/sla.md").read_text(encoding="utf-8").split())
INTERNAL: Final = answer("look at this", audience=Audience.INTERNAL)
OWN: Final = message("We are on it.", own=True, sender=BOT)


def says(sentence: str) -> None:
    """See that the page still says it."""
    assert sentence in PAGE


@pytest.mark.parametrize("what", [message("Have you tried our pages?", sender=BOT), OWN, INTERNAL])
def test_bots_baton_and_internal_notes_answer_nobody(what: Activity) -> None:
    says("Messages of bots, of Baton and internal notes answer nobody.")
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "10:20"), what)
    assert due(desk) == at(MONDAY, "11:00")
    desk.act(at(MONDAY, "10:30"), answer())
    assert clocks(desk)["first"].ended_at == at(MONDAY, "10:30")


def test_who_takes_the_case_by_button_has_answered_nobody() -> None:
    says("Pressing **Acknowledge** takes the case, and answers nobody either.")
    desk = Desk(rules())
    desk.ask(at(MONDAY, "10:00"))
    desk.press(at(MONDAY, "10:05"), ACKNOWLEDGE)
    assert desk.now.episode is not None
    assert desk.now.episode.state.value == "acknowledged"
    assert due(desk) == at(MONDAY, "11:00")


@pytest.mark.parametrize("wrong", ["2026-11-30T06:00", "2027-11-30T10:00", "1970-01-01T01:00"])
def test_a_vendors_clock_that_is_wrong_moves_no_deadline(wrong: str) -> None:
    says("Instants are Baton's: when it received the message. A vendor's clock that is wrong moves no deadline.")
    right, day = Desk(rules()), at(MONDAY, "10:00")
    right.act(day, message())
    told = altered(message(), dedupe="d1", received_at=day, occurred_at=at(wrong[:10], wrong[11:]))
    case = decide(Desk(rules()).now, told, day).case
    assert case.sla is not None
    assert {clock.metric.value: clock.due_at for clock in case.sla.clocks} == {
        name: clock.due_at for name, clock in clocks(right).items()
    }


def test_with_tickets_in_two_helpdesks_the_state_that_was_told_last_counts() -> None:
    says("With tickets in two helpdesks, the state that was told last counts.")
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    other = TicketLink(connection="second", ticket_id="7", adopted=False, url="")
    desk.now = altered(desk.now, tickets=(LINK, other))
    desk.act(at(MONDAY, "10:10"), ticket(TicketChange.STATUS, TicketStatus.PENDING))
    assert due(desk) is None
    elsewhere = ticket(TicketChange.STATUS, TicketStatus.OPEN, connection="second", thread="7")
    assert elsewhere.ticket is not None
    desk.act(at(MONDAY, "10:40"), altered(elsewhere, ticket=altered(elsewhere.ticket, id="7")))
    assert due(desk) == at(MONDAY, "11:30"), "half an hour of its time was left out"
    desk.act(at(MONDAY, "10:50"), ticket(TicketChange.STATUS, TicketStatus.ON_HOLD))
    assert due(desk) is None


@pytest.mark.parametrize("condition", ["sender.role == 'customer'", "channel == 'chat'", "not (channel == 'email')"])
def test_when_a_clock_is_heard_nobody_sent_anything(condition: str) -> None:
    says("Nobody sent anything at that moment, so `sender.role` and `channel` are missing.")
    rule = f"""
[[rule]]
id = "heard"
do = "none"
when.all = ["sla.event == 'breached'", "{condition}"]
set = {{ tags = ["heard"] }}
"""
    desk = Desk(rules(more=rule))
    desk.act(at(MONDAY, "10:00"), message())
    fired(desk, SlaMark.BREACHED)
    assert ("heard" in desk.now.case.tags) is condition.startswith("not"), "a comparison with what is missing is false"
