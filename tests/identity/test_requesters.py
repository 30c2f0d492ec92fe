"""Whose case a ticket is: its requester's, whoever opens it and whoever tells of it first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    CaseStatus,
    Channel,
    Evidence,
    Party,
    Role,
    TicketChange,
    TicketChanged,
)
from gateway.store.ports import Asked, CaseHistory
from gateway.store.threads import ThreadCache
from normalizers import normalize
from tests.identity.desk import Desk
from tests.identity.policies import REST

#: Who buys for a lot of money is known, and words count for what a customer says only.
POLICY: Final = (
    """
[customer]
profile_from = "desk"
vip = ["gold"]

[phrases]
help = ["help"]

[[rule]]
id = "vip"
type = "priority"
when.all = ["customer.vip"]
do = "none"
continue = true
set = { tags = ["vip"] }

[[rule]]
id = "help"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P1", reason = "The customer asks for help." }

[[rule]]
id = "passed-on"
type = "functional"
when.all = ["sender.role == 'bot'"]
do = "escalate"
ladder = "second"
set = { priority = "P3", reason = "The bot knows no answer." }
"""
    + REST
)
MIA: Final = Party(kind="hubspot_contact", value="501", name="Mia", email="mia@customer.example")
BEN: Final = Party(kind="hubspot_contact", value="502", name="Ben", email="ben@partner.example")
ANNA: Final = Party(kind="hubspot_user", value="8001", name="Anna", role=Role.AGENT)
MACHINE: Final = Party(kind="hubspot_source", value="forms", name="HubSpot", role=Role.SYSTEM)


@pytest.fixture
def crm(desk: Desk) -> Desk:
    """A desk whose helpdesk knows Mia as somebody special."""

    def knows(asked: Asked) -> Mapping[str, object]:
        return {"tier": "gold" if any(each.value == MIA.value for each in asked.contact.parties) else "basic"}

    desk.policy, desk.crm = POLICY, knows
    return desk.open()


def told(
    desk: Desk, number: str, sender: Party, change: TicketChange = TicketChange.COMMENTED, **more: Any
) -> Activity:
    """Return what a helpdesk tells of a ticket."""
    event = TicketChanged(
        thread=f"ticket:{number}",
        dedupe=f"e{desk.number()}",
        occurred_at=desk.now,
        sender=sender,
        ticket_id=number,
        change=change,
        **more,
    )
    return normalize(event, connection="desk", channel=Channel.HELPDESK, received_at=desk.now)


def forget(desk: Desk) -> None:
    """Let the store forget which threads it knew, as a restart does."""
    inbound = cast("Any", desk.store.save_parsed).__self__
    assert isinstance(inbound._threads, ThreadCache)
    inbound._threads = ThreadCache()


def owner(desk: Desk) -> Party | None:
    """Return whose contact the only case has; None when it has none."""
    (case,) = desk.store.cases(10)
    found = [each.identifiers[0].party for each in desk.store.contacts() if case.id in each.cases]
    return found[0] if found else None


def only(desk: Desk) -> CaseHistory:
    (case,) = desk.store.cases(10)
    return desk.history(case.id)


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.INTERNAL])
def test_what_an_agent_writes_into_a_ticket_they_open_is_no_word_of_the_customer_whose_it_is(
    crm: Desk, audience: Audience
) -> None:
    opened = told(
        *(crm, "7", ANNA, TicketChange.CREATED),
        requester=MIA,
        subject="Offer",
        text="Do not mention it: she asked for help.",
        audience=audience,
    )
    crm.bring(opened)
    crm.dispatch()
    case = only(crm).case
    assert (case.customer_messages, case.agent_messages) == (0, int(audience is Audience.PUBLIC))
    assert (case.priority, case.status, only(crm).episodes) == (None, CaseStatus.OPEN, ())
    assert (case.customer, case.subject) == (MIA, "Offer")
    assert owner(crm) == MIA
    crm.bring(told(crm, "7", MIA, text="What offer?", audience=Audience.PUBLIC))
    crm.dispatch()
    assert (only(crm).case.customer_messages, only(crm).case.tags) == (1, ("vip",))


def test_a_ticket_that_a_machine_makes_speaks_for_its_requester(crm: Desk) -> None:
    crm.bring(
        told(crm, "7", MACHINE, TicketChange.CREATED, requester=MIA, text="I need help", audience=Audience.PUBLIC)
    )
    case = only(crm).case
    assert (case.customer, case.customer_messages, case.priority) == (MIA, 1, "P1")


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        # A webhook tells that there is a ticket, the poll whose it is.
        ({"sender": MACHINE, "change": TicketChange.CREATED}, {"sender": MIA, "text": "Hello"}),
        # An agent typed the ticket: its customer has not said a word yet.
        ({"sender": ANNA, "change": TicketChange.CREATED}, {"sender": ANNA, "text": "Mia called", "requester": MIA}),
        # What is heard of an older ticket first is an agent's doing.
        ({"sender": ANNA, "change": TicketChange.STATUS}, {"sender": MIA, "text": "Hello"}),
        # Somebody in copy writes before its customer does.
        ({"sender": ANNA, "change": TicketChange.CREATED}, {"sender": BEN, "text": "Me too", "requester": MIA}),
    ],
)
def test_a_case_becomes_its_customers_as_soon_as_the_helpdesk_says_who_that_is(
    crm: Desk, first: dict[str, Any], then: dict[str, Any], *, restarted: bool
) -> None:
    """A VIP was not looked up, and no other thread of theirs joined."""
    crm.bring(told(crm, "7", **first))
    assert only(crm).case.customer is None
    if restarted:
        forget(crm)
    crm.bring(told(crm, "7", **then))
    assert (only(crm).case.customer, owner(crm)) == (MIA, MIA)
    # A ticket is no conversation of one person: whoever else writes in it is no stranger to the case, and it stays Mia's.
    crm.bring(told(crm, "7", BEN, text="And me", audience=Audience.PUBLIC))
    crm.dispatch()
    (thread,) = (each for each in only(crm).threads if each.connection == "desk")
    assert not thread.stranger
    assert (only(crm).case.customer, owner(crm)) == (MIA, MIA)
    assert only(crm).case.tags == ("vip",)


@pytest.mark.parametrize("restarted", [False, True])
def test_who_writes_in_the_ticket_of_a_handoff_does_not_get_the_case(crm: Desk, *, restarted: bool) -> None:
    """A bot began it, and nobody has said yet whose it is: somebody in copy of the ticket is not them."""
    bot = Party(kind="bot", value="b", role=Role.BOT, evidence=Evidence.CLAIMED)
    crm.bring(crm.activity("web", "s1", bot, "", kind=ActivityKind.HANDOFF_REQUEST))
    crm.dispatch()
    case_id = only(crm).case.id
    handed = f"T{case_id}"
    assert f"ticket:{handed}" in {each.key for each in only(crm).threads}
    if restarted:
        forget(crm)
    crm.bring(told(crm, handed, BEN, text="Me too", audience=Audience.PUBLIC))
    assert owner(crm) is None
    crm.chat("s1", "It is me", user="mia", verified=True, email=MIA.email)
    found = owner(crm)
    assert found is not None
    assert found.value == "mia"
