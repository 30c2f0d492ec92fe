"""The life of a case: which moves are legal, and what an activity by itself does to it. Pure, and the same for everybody.

What rules decide on top of it (priority, tags, handoffs) is not here. So a case can be counted anew from its activities, as it
must be when cases that were merged come apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gateway.model.activity import Activity, ActivityKind
from gateway.model.case import Case, CaseStatus, Spell, Thread
from gateway.model.events import TicketStatus
from gateway.model.party import Audience, Channel, Role

#: The moves of a case. Merging is no move of its document: it is a link, and the document stays as it was.
LEGAL: Final = frozenset({(CaseStatus.OPEN, CaseStatus.RESOLVED), (CaseStatus.RESOLVED, CaseStatus.OPEN)})
#: Action name of the button with which an agent takes a case.
ACKNOWLEDGE: Final = "acknowledge"
#: Action name of the button, and name of the tag, with which an agent sends a case to the next step of its ladder.
FURTHER: Final = "escalate_further"
_SUBJECT: Final = 80
_SPOKEN: Final = frozenset({ActivityKind.MESSAGE, ActivityKind.BUTTON})
_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})
#: States of a ticket that mean the same to a case.
_SAME: Final = {TicketStatus.NEW: TicketStatus.OPEN, TicketStatus.CLOSED: TicketStatus.SOLVED}
#: States in which nobody waits for an agent: the customer speaks, and the case goes on.
_QUIET: Final = frozenset({TicketStatus.PENDING, TicketStatus.SOLVED})
#: Changes of a case's standing that are kept, the newest: a machine may flip a ticket's state for ever.
_MOST_SPELLS: Final = 100


class IllegalMove(ValueError):
    """A case cannot go from the one state to the other."""


def move(case: Case, status: CaseStatus, at: int) -> Case:
    """Return the case in another state. Raises IllegalMove; to stay is no move, and refused as well."""
    if (case.status, status) not in LEGAL:
        raise IllegalMove(f"A case that is {case.status.value} cannot become {status.value}.")
    resolved = status is CaseStatus.RESOLVED
    spells = case.spells
    if resolved:
        spells = _stood(spells, at, TicketStatus.SOLVED)
    elif spells and spells[-1].status is TicketStatus.SOLVED:
        # Whoever set the ticket to `pending` took the case up again as well, and it waits.
        spells = _stood(spells, at, TicketStatus.OPEN)
    return replace(
        case,
        status=status,
        resolved_at=at if resolved else None,
        reopened=case.reopened + (not resolved),
        spells=spells,
        unanswered_at=None if resolved else case.unanswered_at,
    )


def takes(activity: Activity) -> bool:
    """Tell whether somebody pressed the button of a notice: an agent, whatever the channel takes them for."""
    return _pressed(activity, ACKNOWLEDGE)


def takes_further(activity: Activity) -> bool:
    """Tell whether somebody pressed the button of a notice that sends the case on: an agent, as with `takes`."""
    return _pressed(activity, FURTHER)


def _pressed(activity: Activity, action: str) -> bool:
    pressed = activity.button is not None and activity.button.action == action
    return activity.kind is ActivityKind.BUTTON and pressed and activity.reference is not None


def is_customers(activity: Activity) -> bool:
    """Tell whether a customer did it, on any channel."""
    sender = activity.sender
    notice = takes(activity) or takes_further(activity)
    return sender is not None and sender.role is Role.CUSTOMER and not activity.own and not notice


def speaks(activity: Activity) -> bool:
    """Tell whether the customer spoke on a channel of their own: where they are answered, and what reopens a case."""
    return is_customers(activity) and activity.kind in _SPOKEN and activity.channel is not Channel.HELPDESK


def count_in(case: Case, activity: Activity, thread: Thread) -> Case:
    """Return the case with an activity counted in, which came over a thread of it."""
    customer = is_customers(activity)
    message = activity.kind is ActivityKind.MESSAGE and not activity.own
    public = activity.audience is Audience.PUBLIC
    agent = message and not customer and activity.sender is not None and activity.sender.role is Role.AGENT
    fresh = activity.received_at > case.spent_at
    bot = message and activity.sender is not None and activity.sender.role is Role.BOT
    # A case answers its own customer, on a thread that is known to be theirs.
    moved = speaks(activity) and not thread.stranger and thread.connection == activity.connection
    subject = case.subject
    if not subject and not thread.stranger:
        subject = activity.subject or (_first_words(activity.text) if message and public and customer else "")
    if not activity.own:
        case = _waiting(case, activity, spoke=customer and activity.kind in _SPOKEN, answered=agent and public)
    return replace(
        case,
        seq=case.seq + 1,
        subject=subject,
        customer=case.customer or (activity.sender if customer and not thread.stranger else None),
        last_activity_at=max(case.last_activity_at, activity.occurred_at),
        customer_messages=case.customer_messages + (message and customer),
        agent_messages=case.agent_messages + (agent and public),
        bot_turns=case.bot_turns + (fresh and bot and public),
        bot_fallbacks=case.bot_fallbacks + (fresh and activity.bot is not None and activity.bot.fallback),
        last_connection=thread.connection if moved else case.last_connection,
        last_thread=thread.key if moved else case.last_thread,
        silenced=_silenced(case, activity, thread),
    )


def recount(case: Case, happened: Iterable[tuple[Activity, Thread]]) -> Case:
    """Return the case as its activities alone leave it, in their order; what rules decided stays as it is.

    The clocks of its SLA follow from what is counted here: they are read anew at the next look at the case.
    """
    case = replace(
        case,
        seq=0,
        subject="",
        customer=None,
        last_activity_at=case.opened_at,
        customer_messages=0,
        agent_messages=0,
        bot_turns=0,
        bot_fallbacks=0,
        last_connection="",
        last_thread="",
        silenced=(),
        begun_at=None,
        asked_at=None,
        answered_at=None,
        unanswered_at=None,
        ticket_status=None,
        spells=(),
        sla=None if case.sla is None else replace(case.sla, lost=True),
    )
    for activity, thread in happened:
        case = count_in(case, activity, thread)
    return case


def _waiting(case: Case, activity: Activity, *, spoke: bool, answered: bool) -> Case:
    """Return the case with who waits for whom since when: what the clocks of an SLA are read from."""
    at = activity.received_at
    told = activity.ticket.status if activity.ticket is not None else None
    fresh = told is not None and told is not case.ticket_status
    person = activity.sender is not None and activity.sender.role in _PEOPLE
    begins = case.begun_at is None and (person or activity.kind is ActivityKind.HANDOFF_REQUEST)
    if not (spoke or answered or fresh or begins):
        return case
    spells = case.spells
    if told is not None and fresh:
        spells = _stood(spells, at, told)
    standing = spells[-1].status if spells else TicketStatus.OPEN
    if spoke and standing in _QUIET:
        # The ticket may stay `pending`, since Baton writes no public words there: the customer waits all the same.
        spells = _stood(spells, at, TicketStatus.OPEN)
    elif answered and (told or case.ticket_status) is TicketStatus.PENDING:
        spells = _stood(spells, at, TicketStatus.PENDING)
    asked = at if spoke and case.asked_at is None else case.asked_at
    over = fresh and not spoke and standing is TicketStatus.SOLVED
    since = at if spoke and case.unanswered_at is None else case.unanswered_at
    return replace(
        case,
        begun_at=at if begins else case.begun_at,
        asked_at=asked,
        answered_at=at if answered and case.answered_at is None and asked is not None else case.answered_at,
        unanswered_at=None if answered or over else since,
        ticket_status=told or case.ticket_status,
        spells=spells,
    )


def _stood(spells: tuple[Spell, ...], at: int, status: TicketStatus) -> tuple[Spell, ...]:
    """Return how a case stood, with what it is from an instant on; never before what is known already."""
    status = _SAME.get(status, status)
    if status is (spells[-1].status if spells else TicketStatus.OPEN):
        return spells
    at = max(at, spells[-1].began_at) if spells else at
    return (*spells, Spell(began_at=at, status=status))[-_MOST_SPELLS:]


def _silenced(case: Case, activity: Activity, thread: Thread) -> tuple[str, ...]:
    """Return the threads on which nothing may be written, after a STOP or START."""
    if activity.consent is None:
        return case.silenced
    place = f"{thread.connection}:{thread.key}"
    others = tuple(each for each in case.silenced if each != place)
    return others if activity.consent else (*others, place)


def _first_words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 1].rstrip() + "…"
