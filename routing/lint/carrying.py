"""What activities of each kind carry, as rules see them: which fields say nothing there, and which have few values.

Only what normalizers and the core see to for every connector stands here. What a channel usually brings does not: a helpdesk may
tell of calls, and a messenger, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.model import ActivityKind, CallChange, Role, TicketChange
from gateway.model.activity import BATON_NAME
from routing.fields import FIELDS, Kind
from routing.lint.logic import Literal

_MESSAGE: Final = ActivityKind.MESSAGE
_BUTTON: Final = ActivityKind.BUTTON
_TICKET: Final = ActivityKind.TICKET
_CALL: Final = ActivityKind.CALL
_WISH: Final = ActivityKind.HANDOFF_REQUEST
_JUDGEMENT: Final = ActivityKind.SATISFACTION
_CLOCK: Final = ActivityKind.TIMER

#: The kinds of activities that rules look at, each in words. A clock of an SLA lets those look that ask for SLAs.
LOOKED_AT: Final[Mapping[ActivityKind, str]] = {
    _MESSAGE: "a message",
    _BUTTON: "a pressed button",
    _TICKET: "a change of a ticket",
    _CALL: "a change of a call",
    _WISH: "a bot's wish for a person",
    _JUDGEMENT: "a judgement",
    _CLOCK: "a clock of an SLA",
}
_OUTSIDE: Final = frozenset(LOOKED_AT) - {_CLOCK}
_SPOKEN: Final = frozenset({_MESSAGE, _TICKET, _CALL})
_TOLD: Final = frozenset({_MESSAGE, _TICKET, _WISH})

#: Field → the kinds that can say something in it. Of a field that is not here nothing is known.
_CARRY: Final[Mapping[str, frozenset[ActivityKind]]] = {
    **dict.fromkeys(("channel", "sender.role", "message.language"), _OUTSIDE),
    **dict.fromkeys(("actor.agent", "actor.skills", "actor.lacks_skill", "needed.skill"), _OUTSIDE),
    **dict.fromkeys(("message.text", "message.phrases", "message.length", "message.attachments"), _SPOKEN),
    **dict.fromkeys(("message.distress", "message.sentiment"), _SPOKEN),
    "message.wants_person": frozenset({_MESSAGE, _BUTTON, _CALL}),
    "message.wants_manager": frozenset({_MESSAGE, _BUTTON}),
    "message.solved": frozenset({_MESSAGE, _BUTTON, _JUDGEMENT}),
    **dict.fromkeys(("button.action", "button.value"), frozenset({_MESSAGE, _BUTTON})),
    "call.change": frozenset({_MESSAGE, _CALL}),
    **dict.fromkeys((name for name in FIELDS if name.startswith("ticket.")), frozenset({_MESSAGE, _TICKET})),
    **dict.fromkeys((name for name in FIELDS if name.startswith("bot.")), frozenset({_MESSAGE, _WISH})),
    **dict.fromkeys((name for name in FIELDS if name.startswith("authority.")), _TOLD),
    **dict.fromkeys(("sla.event", "sla.metric"), frozenset({_CLOCK})),
}
_PEOPLE: Final = (Role.CUSTOMER.value, Role.AGENT.value)
#: Changes of a call that bring words or a file, and so are messages.
_OF_CALLS: Final = (CallChange.SPEECH, CallChange.TRANSCRIPT, CallChange.VOICEMAIL)
#: Kind and field → the only values that it has there.
_VALUES: Final[Mapping[tuple[ActivityKind, str], tuple[str, ...]]] = {
    # What agents write and what machines do is looked at by no rule; a bot's wish is, whoever tells it.
    (_MESSAGE, "sender.role"): (Role.CUSTOMER.value,),
    **{(kind, "sender.role"): _PEOPLE for kind in (_BUTTON, _TICKET, _CALL, _JUDGEMENT)},
    (_MESSAGE, "call.change"): tuple(each.value for each in _OF_CALLS),
    (_CALL, "call.change"): tuple(each.value for each in CallChange if each is not CallChange.VOICEMAIL),
    (_MESSAGE, "ticket.change"): (TicketChange.CREATED.value, TicketChange.COMMENTED.value),
    (_CLOCK, "connection"): (BATON_NAME,),
    **{(kind, "activity.kind"): (kind.value,) for kind in LOOKED_AT},
}


def kinds_of(literal: Literal) -> frozenset[ActivityKind]:
    """Return the kinds of activities for which a comparison, or its opposite, can hold."""
    return frozenset(kind for kind in LOOKED_AT if _may_hold(literal, kind))


def _may_hold(literal: Literal, kind: ActivityKind) -> bool:
    compare = literal.compare
    absent = not _carried(compare.field, kind)
    if compare.other is not None:
        # With a number, what is not there is zero; of everything else a comparison with it is false.
        missing = [
            name for name in (compare.field, compare.other) if FIELDS[name].nullable and not _carried(name, kind)
        ]
        return not missing or not literal.holds
    if compare.operator == "contains":
        return not absent or not literal.holds
    if absent:
        return literal.allows(_absent(compare.field))
    values = _VALUES.get((kind, compare.field))
    return values is None or any(literal.allows(value) for value in values)


def _carried(field: str, kind: ActivityKind) -> bool:
    return field not in _CARRY or kind in _CARRY[field]


def _absent(field: str) -> bool | int | None:
    """Return what a condition reads in a field of which an activity says nothing."""
    known = FIELDS[field]
    if known.nullable:
        return None
    return False if known.kind is Kind.FLAG else 0
