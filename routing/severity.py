"""How severe a case is: impact and urgency by the policy's matrix, one class more for the customers that it names.

Impact and urgency come from rules, and from fields of the ticket that people fill in. What rules say only rises: of two, the
higher counts. What a person says in the helpdesk counts as it is. The matrix raises a case's priority and never lowers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.model import EffectKind, Priority
from routing.draft import Draft
from routing.policy import Rule
from routing.severity_values import LEVELS, Severity

_CLASSES: Final = tuple(Priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What the matrix makes of a case."""

    priority: Priority | None
    #: How it came about, in words of ours and of the policy.
    why: str = field(default="", compare=False)


def look(draft: Draft) -> None:
    """Take over what a field of the ticket says, and rate the case anew: what is known of its customer may have changed."""
    severity = draft.snapshot.policy.severity
    if severity is None:
        return
    changes = _told(severity, draft)
    if changes:
        draft.change_case(**changes)
    before = draft.case.priority
    rating = _rated(severity, draft)
    if draft.case.severity is not rating.priority:
        draft.change_case(severity=rating.priority)
        if rating.why:
            draft.notes.append(rating.why)
    _raise(draft, rating.priority)
    if draft.case.priority is not before:
        _tell_tickets(draft, rating)


def wanted(draft: Draft, rule: Rule) -> Priority | None:
    """Take over what a rule says of impact and urgency; return the priority that follows from the rule and the matrix.

    None when neither says anything. A priority that the rule names itself stands beside the matrix: the higher counts.
    """
    severity, own = draft.snapshot.policy.severity, rule.set.priority
    if severity is None:
        return own
    changes = _raised(draft, rule)
    rating = _rated(severity, draft, **changes)
    if changes or draft.case.severity is not rating.priority:
        draft.change_case(severity=rating.priority, **changes)
        if rating.why:
            draft.notes.append(rating.why)
    if rating.priority is None:
        return own
    if own is None:
        return higher(rating.priority, draft.case.priority)
    if own is not rating.priority:
        counts = higher(own, rating.priority)
        draft.notes.append(
            f"Rule {rule.id} asks for {own.value}, the matrix for {rating.priority.value}: {counts.value} counts."
        )
    return higher(own, rating.priority)


def asked(draft: Draft, rule: Rule) -> Priority | None:
    """Return the priority that a rule asks for itself: its own, or what the matrix makes of its levels. Nothing is taken over."""
    severity, own = draft.snapshot.policy.severity, rule.set.priority
    if severity is None or not (rule.set.impact or rule.set.urgency):
        return own
    rating = _rated(severity, draft, **_raised(draft, rule))
    return own if rating.priority is None else higher(rating.priority, own)


def higher(one: Priority, other: Priority | None) -> Priority:
    """Return the more urgent of two priorities."""
    return one if other is None or urgency(one) >= urgency(other) else other


def urgency(priority: Priority | None) -> int:
    """Return how urgent a priority is, none the least."""
    return 0 if priority is None else len(_CLASSES) - _CLASSES.index(priority)


def _rated(severity: Severity, draft: Draft, *, impact: str = "", urgency: str = "") -> Rating:
    impact, urgency = impact or draft.case.impact, urgency or draft.case.urgency
    found = severity.matrix.get((impact, urgency))
    if found is None:
        known = f"impact is {impact}" if impact else f"urgency is {urgency}" if urgency else ""
        return Rating(priority=None, why=known and f"The {known}, and the other is not known: the matrix says nothing.")
    why = f"Impact {impact} and urgency {urgency} are {found.value}"
    customer = draft.signals.customer
    words = [("tier", customer.tier), *(("tag", tag) for tag in customer.tags)] if severity.boost else []
    boosts = next((f"{kind} {word}" for kind, word in words if word and word.casefold() in severity.boost), "")
    if boosts and found is not Priority.P1:
        found = _CLASSES[_CLASSES.index(found) - 1]
        why += f"; the customer's {boosts} makes it {found.value}"
    return Rating(priority=found, why=f"{why}.")


def _told(severity: Severity, draft: Draft) -> Mapping[str, str]:
    """Return what the fields of an activity say: changed on a ticket, or collected by a chatbot."""
    about = draft.about
    if about.ticket is not None and about.ticket.fields:
        fields = about.ticket.fields
    else:
        fields = about.bot.fields if about.bot is not None else {}
    changes: dict[str, str] = {}
    for key, names in severity.fields.items():
        value = fields.get(names.get(about.connection, ""), "").strip()
        level = severity.words.get(value.casefold())
        if level is not None:
            changes[key] = level
        elif value:
            # The word itself may be anybody's, so it is not kept here.
            draft.notes.append(f"The field of {key} on {about.connection} holds a word that is no level.")
    return {key: level for key, level in changes.items() if getattr(draft.case, key) != level}


def _raised(draft: Draft, rule: Rule) -> dict[str, str]:
    """Return the levels that a rule raises."""
    return {
        key: level
        for key, level in (("impact", rule.set.impact), ("urgency", rule.set.urgency))
        if level and _above(level, str(getattr(draft.case, key)))
    }


def _above(level: str, other: str) -> bool:
    return not other or LEVELS.index(level) > LEVELS.index(other)


def _raise(draft: Draft, priority: Priority | None) -> None:
    if priority is not None and higher(priority, draft.case.priority) is not draft.case.priority:
        draft.change_case(priority=priority)
        draft.raised = f"Impact and urgency make it {priority}"


def _tell_tickets(draft: Draft, rating: Rating) -> None:
    """Give the tickets that hold the case its new priority."""
    for connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            connection,
            draft.mode(connection, None),
            text=rating.why,
            priority=draft.case.priority,
        )
