"""Sensitive cases: what marks them, how their tickets come into the private group, and how a person lifts it."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, EffectKind, Mode, Role, TicketChange, altered
from gateway.model.keeping import LIFT
from routing.draft import Draft

#: Activities of Baton's own, which say nothing of what the case is about.
_INTERNAL: Final = frozenset({ActivityKind.TIMER, ActivityKind.OUTCOME})
_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})


def look(draft: Draft) -> None:
    """Mark the case when what happened makes it sensitive, or lift that when a person says so; send its tickets to the group."""
    if draft.snapshot.policy.match_sensitive is None and not draft.case.sensitive:
        return
    about = draft.about
    if about.kind not in _INTERNAL and not about.own:
        _heed_tag(draft, about)
        _mark(draft, about)
    if draft.case.sensitive and not _quiet(about):
        _place(draft)


def _quiet(about: Activity) -> bool:
    """Tell whether it is an echo of ours, or a machine's word: they mark a case, and lead to nothing outside by themselves."""
    if about.kind in _INTERNAL or about.kind is ActivityKind.HANDOFF_REQUEST:
        return about.own
    return about.own or about.sender is None or about.sender.role not in _PEOPLE


def _mark(draft: Draft, about: Activity) -> None:
    policy = draft.snapshot.policy
    if draft.case.sensitive or policy.match_sensitive is None:
        return
    text = draft.signals.tokens if policy.reads_text else " "
    found = policy.match_sensitive(draft.case, about, draft.now, policy.book, text, draft.signals)
    marks = [
        each for each in (policy.sensitivities[index] for index in found) if each.name not in draft.case.private.lifted
    ]
    if not marks:
        return
    private = altered(draft.case.private, group=marks[0].group, placed=())
    draft.change_case(sensitive=marks[0].name, private=private)
    draft.notes.append(
        f"The case is sensitive ({marks[0].name}): it goes to group {marks[0].group}, and notices say no more."
    )


def _heed_tag(draft: Draft, about: Activity) -> None:
    """Lift the sensitivity when an agent just set the tag for it. It counts once, until it was taken off."""
    ticket = about.ticket
    if ticket is None or ticket.tags is None or about.kind is not ActivityKind.TICKET:
        return
    private, carries = draft.case.private, LIFT in ticket.tags
    by_agent = about.sender is not None and about.sender.role is Role.AGENT and ticket.change is TicketChange.TAGS
    if carries and draft.case.sensitive and by_agent and not private.tagged:
        name = draft.case.sensitive
        lifted = altered(private, group="", placed=(), lifted=(*private.lifted, name), tagged=True)
        draft.change_case(sensitive="", private=lifted)
        draft.notes.append(f"An agent lifted it with the tag {LIFT}: the case is not sensitive any more ({name}).")
    elif private.tagged and not carries:
        draft.change_case(private=altered(private, tagged=False))


def _place(draft: Draft) -> None:
    """Send each ticket of the case to its group, once."""
    links = {link.connection for link in draft.snapshot.tickets}
    for connection in sorted({*links, *draft.case.targets} - {*draft.case.private.placed}):
        facts = draft.snapshot.connections.get(connection)
        if facts is None or "handoff" not in facts.roles or facts.mode is not Mode.LIVE:
            # Elsewhere no ticket may be moved. It is tried again at what happens next.
            continue
        draft.change_case(private=altered(draft.case.private, placed=(*draft.case.private.placed, connection)))
        draft.emit(
            EffectKind.UPDATE,
            connection,
            Mode.LIVE,
            destination=draft.case.private.group,
            text=f"The case is sensitive ({draft.case.sensitive}): it belongs to {draft.case.private.group}.",
            assignee="",
        )
