"""What an effect of a sensitive case may say, and where its ticket stands. Every effect passes here, whoever wants it."""

from __future__ import annotations

from typing import Final

from gateway.model import Case, Effect, EffectKind, Mode, altered

_TICKETS: Final = frozenset({EffectKind.HANDOFF, EffectKind.UPDATE})
#: Beginnings of the titles of notices that say why now, in words of ours alone: nothing else of a title is kept.
WHY: Final = (
    *("escalated further", "assigned", "not acknowledged in time", "taken, but not answered in time"),
    *("nobody could take it", "working hours ended"),
)


def guarded(case: Case, effect: Effect) -> Effect:
    """Return an effect as a sensitive case allows it.

    Its ticket stands in the private group and is assigned to nobody by Baton; a notice says which case it is and that it is
    sensitive, and nothing else.
    """
    if effect.kind is EffectKind.NOTIFY:
        title = sensitive_title(case, effect.title)
        return altered(effect, title=title, details="", profile=(), sla=None, redacted=True)
    if effect.kind not in _TICKETS:
        return effect
    group = case.private.group
    moves = effect.kind is EffectKind.HANDOFF or effect.destination
    return altered(
        effect,
        destination=group if moves else effect.destination,
        # Whom the ladder would give it to need not be one of the group: it is taken from whoever has it.
        assignee=None if effect.assignee is None else "",
    )


def placed(case: Case, effect: Effect) -> Case:
    """Return a sensitive case with what a handoff does: it brings the ticket into the private group itself."""
    known = effect.connection in case.private.placed
    if effect.kind is not EffectKind.HANDOFF or effect.mode is not Mode.LIVE or known:
        return case
    return altered(case, private=altered(case.private, placed=(*case.private.placed, effect.connection)))


def sensitive_title(case: Case, title: str) -> str:
    """Return the title of a notice of a sensitive case, made of words of ours alone."""
    why = next((f"{each}: " for each in WHY if title.startswith(each)), "")
    priority = f"{case.priority.value} " if case.priority is not None else ""
    return f"{why}{priority}escalation of a sensitive case"
