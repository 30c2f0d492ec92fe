"""Who waits for whom in a case, and since when: what the clocks of an SLA are read from. Pure, and the same for everybody."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from gateway.model.activity import Activity, ActivityKind
from gateway.model.altering import altered
from gateway.model.events import TicketStatus
from gateway.model.party import Role

_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})
#: States of a ticket that mean the same to a case.
_SAME: Final = {TicketStatus.NEW: TicketStatus.OPEN, TicketStatus.CLOSED: TicketStatus.SOLVED}
#: States in which nobody waits for an agent: when the customer speaks, somebody does.
_QUIET: Final = frozenset({TicketStatus.PENDING, TicketStatus.SOLVED})
#: Spells that are kept, the newest: a machine may flip a ticket's state for ever.
_MOST_SPELLS: Final = 100


class Spell(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """From when on a case waited, was over, or went on."""

    #: From when on, UTC microseconds of Baton's clock.
    began_at: int
    #: What it was: `open`, `pending`, `on_hold` or `solved`.
    status: TicketStatus


class Waiting(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Who waits for whom. All instants are UTC microseconds of Baton's clock."""

    #: When a person first did something in the case, None while nobody did.
    begun_at: int | None = None
    #: When the customer's first message came, None while there is none.
    asked_at: int | None = None
    #: When an agent first answered in public after that, None while nobody did.
    answered_at: int | None = None
    #: When the oldest message of the customer came that no agent answered, None when there is none.
    unanswered_at: int | None = None
    #: The last state of a ticket that a helpdesk told, None while it told none.
    ticket_status: TicketStatus | None = None
    #: How the case stood, oldest first; before the first one it went on.
    spells: tuple[Spell, ...] = ()

    @property
    def standing(self) -> TicketStatus:
        """Return how the case stands."""
        return self.spells[-1].status if self.spells else TicketStatus.OPEN


#: Nobody did anything yet.
NOBODY: Final = Waiting()


def after_activity(waiting: Waiting, activity: Activity, *, spoke: bool, answered: bool) -> Waiting:
    """Return who waits once something happened, which Baton did not do itself.

    `spoke`: it is a message of the customer; `answered`: it is a public one of an agent.
    """
    told = activity.ticket.status if activity.ticket is not None else None
    fresh = told is not None and told is not waiting.ticket_status
    if not fresh and waiting.begun_at is not None and not _news(waiting, spoke=spoke, answered=answered):
        return waiting
    at = activity.received_at
    spells = waiting.spells
    if told is not None and fresh:
        spells = _stood(spells, at, told)
    standing = spells[-1].status if spells else TicketStatus.OPEN
    if spoke and standing in _QUIET:
        # The ticket may stay `pending`, since Baton writes no public words there: the customer waits all the same.
        spells = _stood(spells, at, TicketStatus.OPEN)
    elif answered and (told or waiting.ticket_status) is TicketStatus.PENDING:
        spells = _stood(spells, at, TicketStatus.PENDING)
    person = activity.sender is not None and activity.sender.role in _PEOPLE
    begins = waiting.begun_at is None and (person or activity.kind is ActivityKind.HANDOFF_REQUEST)
    asked = at if spoke and waiting.asked_at is None else waiting.asked_at
    since = at if spoke and waiting.unanswered_at is None else waiting.unanswered_at
    over = fresh and not spoke and standing is TicketStatus.SOLVED
    return altered(
        waiting,
        begun_at=at if begins else waiting.begun_at,
        asked_at=asked,
        answered_at=at if answered and waiting.answered_at is None and asked is not None else waiting.answered_at,
        unanswered_at=None if answered or over else since,
        ticket_status=told or waiting.ticket_status,
        spells=spells,
    )


def _news(waiting: Waiting, *, spoke: bool, answered: bool) -> bool:
    """Tell whether a message changes anything: most follow one that changed the same."""
    if spoke:
        return waiting.unanswered_at is None or waiting.standing in _QUIET
    first = waiting.asked_at is not None and waiting.answered_at is None
    return answered and (first or waiting.unanswered_at is not None or waiting.ticket_status is TicketStatus.PENDING)


def resolved(waiting: Waiting, at: int) -> Waiting:
    """Return who waits once the case is over: nobody."""
    return altered(waiting, spells=_stood(waiting.spells, at, TicketStatus.SOLVED), unanswered_at=None)


def taken_up(waiting: Waiting, at: int) -> Waiting:
    """Return who waits once the case is taken up again."""
    if waiting.standing is not TicketStatus.SOLVED:
        # Whoever set the ticket to `pending` took the case up again as well, and it waits.
        return waiting
    return altered(waiting, spells=_stood(waiting.spells, at, TicketStatus.OPEN))


def _stood(spells: tuple[Spell, ...], at: int, status: TicketStatus) -> tuple[Spell, ...]:
    """Return how a case stood, with what it is from an instant on; never before what is known already."""
    status = _SAME.get(status, status)
    if status is (spells[-1].status if spells else TicketStatus.OPEN):
        return spells
    at = max(at, spells[-1].began_at) if spells else at
    return (*spells, Spell(began_at=at, status=status))[-_MOST_SPELLS:]
