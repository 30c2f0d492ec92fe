"""The life of a case: which moves are legal, and what an activity by itself does to it. Pure, and the same for everybody.

What rules decide on top of it (priority, tags, handoffs) is not here. So a case can be counted anew from its activities, as it
must be when cases that were merged come apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.model.activity import Activity, ActivityKind
from gateway.model.altering import altered
from gateway.model.case import NO_AGENT, Case, CaseStatus, Thread
from gateway.model.party import Audience, Channel, Role
from gateway.model.waiting import NOBODY, after_activity, resolved, taken_up

#: The moves of a case. Merging is no move of its document: it is a link, and the document stays as it was.
LEGAL: Final = frozenset({(CaseStatus.OPEN, CaseStatus.RESOLVED), (CaseStatus.RESOLVED, CaseStatus.OPEN)})
#: Action name of the button with which an agent takes a case.
ACKNOWLEDGE: Final = "acknowledge"
#: Action name of the button, and name of the tag, with which an agent sends a case to the next step of its ladder.
FURTHER: Final = "escalate_further"
_SUBJECT: Final = 80
_SPOKEN: Final = frozenset({ActivityKind.MESSAGE, ActivityKind.BUTTON})
_BUTTON: Final = ActivityKind.BUTTON
_CUSTOMER: Final = Role.CUSTOMER


class IllegalMove(ValueError):
    """A case cannot go from the one state to the other."""


def move(case: Case, status: CaseStatus, at: int) -> Case:
    """Return the case in another state. Raises IllegalMove; to stay is no move, and refused as well."""
    if (case.status, status) not in LEGAL:
        raise IllegalMove(f"A case that is {case.status.value} cannot become {status.value}.")
    ends = status is CaseStatus.RESOLVED
    return altered(
        case,
        status=status,
        resolved_at=at if ends else None,
        reopened=case.reopened + (not ends),
        waiting=resolved(case.waiting, at) if ends else taken_up(case.waiting, at),
    )


def takes(activity: Activity) -> bool:
    """Tell whether somebody pressed the button of a notice: an agent, whatever the channel takes them for."""
    return _pressed(activity, ACKNOWLEDGE)


def takes_further(activity: Activity) -> bool:
    """Tell whether somebody pressed the button of a notice that sends the case on: an agent, as with `takes`."""
    return _pressed(activity, FURTHER)


def _pressed(activity: Activity, action: str) -> bool:
    button = activity.button
    return (
        button is not None and button.action == action and activity.kind is _BUTTON and activity.reference is not None
    )


def is_customers(activity: Activity) -> bool:
    """Tell whether a customer did it, on any channel."""
    sender = activity.sender
    if sender is None or sender.role is not _CUSTOMER or activity.own:
        return False
    # Several times an activity this is asked, and hardly any has a button.
    return activity.button is None or not (takes(activity) or takes_further(activity))


def speaks(activity: Activity) -> bool:
    """Tell whether the customer spoke on a channel of their own: where they are answered, and what reopens a case."""
    return is_customers(activity) and activity.kind in _SPOKEN and activity.channel is not Channel.HELPDESK


def count_in(case: Case, activity: Activity, thread: Thread) -> Case:
    """Return the case with an activity counted in, which came over a thread of it."""
    customer = is_customers(activity)
    message = activity.kind is ActivityKind.MESSAGE and not activity.own
    public = activity.audience is Audience.PUBLIC
    agent = message and not customer and activity.sender is not None and activity.sender.role is Role.AGENT
    speaker = activity.sender if agent and public else None
    fresh = activity.received_at > case.spent_at
    bot = message and activity.sender is not None and activity.sender.role is Role.BOT
    # A case answers its own customer, on a thread that is known to be theirs.
    moved = speaks(activity) and not thread.stranger and thread.connection == activity.connection
    # A ticket that an agent opened is its requester's all the same; that of a case from elsewhere does not say whose it is.
    requester = activity.ticket.requester if activity.ticket is not None and case.channel is Channel.HELPDESK else None
    asking = None if thread.stranger else requester or (activity.sender if customer else None)
    subject = case.subject
    if not subject and not thread.stranger:
        subject = activity.subject or (_first_words(activity.text) if message and public and customer else "")
    assignee, since = _assignee(case, activity)
    waiting = case.waiting
    if not activity.own:
        spoke = customer and (message or activity.kind is _BUTTON)
        waiting = after_activity(waiting, activity, spoke=spoke, answered=agent and public)
    return altered(
        case,
        seq=case.seq + 1,
        subject=subject,
        customer=case.customer or asking,
        last_activity_at=max(case.last_activity_at, activity.occurred_at),
        customer_messages=case.customer_messages + (message and customer),
        agent_messages=case.agent_messages + (agent and public),
        bot_turns=case.bot_turns + (fresh and bot and public),
        bot_fallbacks=case.bot_fallbacks + (fresh and activity.bot is not None and activity.bot.fallback),
        last_connection=thread.connection if moved else case.last_connection,
        last_thread=thread.key if moved else case.last_thread,
        last_agent=(activity.connection, speaker.value) if speaker is not None else case.last_agent,
        last_assignee=assignee,
        assignee_since=since,
        waiting=waiting,
    )


def _assignee(case: Case, activity: Activity) -> tuple[tuple[str, str], int]:
    """Return whom the ticket was assigned to last, and since when: that it is said once more does not make it later."""
    told = activity.ticket.assignee if activity.ticket is not None else None
    this = (activity.connection, told or "")
    if not told or this == case.last_assignee or activity.occurred_at < case.assignee_since:
        return case.last_assignee, case.assignee_since
    return this, activity.occurred_at


def recount(case: Case, happened: Iterable[tuple[Activity, Thread]]) -> Case:
    """Return the case as its activities alone leave it, in their order; what rules decided stays as it is.

    The clocks of its SLA follow from what is counted here: they are read anew at the next look at the case.
    """
    case = altered(
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
        last_agent=NO_AGENT,
        last_assignee=NO_AGENT,
        assignee_since=0,
        waiting=NOBODY,
        sla=None if case.sla is None else altered(case.sla, lost=True),
        # What waited for an answer may be another case's by now: it is asked again.
        lookup=None,
    )
    for activity, thread in happened:
        case = count_in(case, activity, thread)
    return case


def _first_words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 1].rstrip() + "…"
