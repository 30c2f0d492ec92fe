"""Handing a case off: how far that goes by modes, and what is noted of it."""

from __future__ import annotations

from gateway.model import EffectKind, Mode
from routing.draft import Draft
from routing.policy import Address, Rule


def reach(draft: Draft, connection: str, rule: Rule) -> Mode:
    """Return how far a handoff goes: `notes` makes no new ticket."""
    mode = draft.mode(connection, rule)
    return Mode.OBSERVE if mode is Mode.NOTES and draft.ticket(connection) is None else mode


def update_mode(draft: Draft, connection: str, rule: Rule | None) -> Mode:
    """Return how far an update goes: there is none of a case that no ticket holds."""
    if connection not in draft.case.targets:
        return Mode.OBSERVE
    return draft.mode(connection, rule)


def hand_off(
    draft: Draft, rule: Rule, target: Address, mode: Mode, by: int | None, assignee: str | None = None
) -> bool:
    """Emit the handoff; return whether it will reach the helpdesk."""
    connection = target.connection
    draft.emit(
        EffectKind.HANDOFF,
        connection,
        mode,
        rule=rule.id,
        destination=rule.set.group or target.place,
        priority=draft.case.priority,
        tags=draft.case.tags,
        fields=rule.set.fields,
        acknowledge_by=by,
        assignee=assignee,
    )
    if mode is Mode.OBSERVE:
        if connection not in draft.case.observed:
            draft.change_case(observed=(*draft.case.observed, connection))
        return False
    if connection not in draft.case.targets:
        draft.change_case(targets=(*draft.case.targets, connection))
    return True
