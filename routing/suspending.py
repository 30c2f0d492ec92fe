"""Escalations that wait for the case to solve itself: the rule escalates when it has not by then.

It has when an agent answers the customer, when its ticket is solved, by whomever, or when the customer says that it is solved.
The deadline is durable like every other one.
"""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, Audience, CaseStatus, Role, Timer
from gateway.model.keeping import Suspended
from gateway.model.life import is_customers
from routing.draft import Draft
from routing.policy import Rule
from routing.resolving import Matter
from routing.shown import duration_of

_PREFIX: Final = "suspend:"


def timer_name(rule_id: str) -> str:
    """Return the name of the moment at which a rule's escalation comes."""
    return f"{_PREFIX}{rule_id}"


def is_timer(name: str) -> bool:
    """Tell whether a timer is one of a suspended escalation."""
    return name.startswith(_PREFIX)


def suspend(draft: Draft, rule: Rule, wait: int, about: Matter) -> None:
    """Let the escalation of a rule wait; when it waits already, it comes at the time that was set first."""
    known = next((each for each in draft.case.suspended if each.rule == rule.id), None)
    if known is not None:
        draft.say("suspended", f"Rule {rule.id} matched again: its escalation waits already.")
        return
    due = draft.now + wait
    waits = Suspended(
        rule=rule.id, matched_at=draft.now, due_at=due, actor=about.actor, action=about.action, amount=about.amount
    )
    draft.change_case(suspended=(*draft.case.suspended, waits))
    draft.timers.append(Timer(name=timer_name(rule.id), due_at=due))
    draft.say(
        "suspended",
        f"Rule {rule.id} matched: it escalates in {duration_of(wait)}, unless the case solves itself before.",
    )


def call_off(draft: Draft) -> None:
    """Drop what waits once the case has solved itself."""
    if not draft.case.suspended or not (why := _solved(draft)):
        return
    for each in draft.case.suspended:
        draft.cancelled.append(timer_name(each.rule))
        draft.notes.append(f"The escalation of rule {each.rule} is called off: {why}.")
    draft.change_case(suspended=())


def due(draft: Draft) -> tuple[Rule, Suspended] | None:
    """Take the firing of a timer: return the rule that escalates now; None, with a word on it, when none does."""
    rule_id = draft.activity.name.removeprefix(_PREFIX)
    waits = next((each for each in draft.case.suspended if each.rule == rule_id), None)
    if waits is None or draft.case.status is not CaseStatus.OPEN:
        draft.say("timer", "A deadline passed that nobody waits for any more.")
        return None
    draft.change_case(suspended=tuple(each for each in draft.case.suspended if each is not waits))
    rule = draft.snapshot.policy.by_id.get(rule_id)
    if rule is None or not rule.ladder:
        draft.say("timer", f"The policy has no rule {rule_id} any more that escalates: nothing follows.")
        return None
    draft.notes.append(
        f"The case did not solve itself in the {duration_of(waits.due_at - waits.matched_at)} that rule {rule_id} gave."
    )
    return rule, waits


def _solved(draft: Draft) -> str:
    """Return in some words by what the case solved itself just now; empty when it did not."""
    activity = draft.activity
    if draft.case.status is not CaseStatus.OPEN:
        return "the case is resolved"
    if activity.own or activity.sender is None:
        return ""
    if activity.sender.role is Role.AGENT and _public(activity):
        return "an agent answered"
    if is_customers(activity) and draft.signals.solved:
        return "the customer says that it is solved"
    return ""


def _public(activity: Activity) -> bool:
    return activity.kind is ActivityKind.MESSAGE and activity.audience is Audience.PUBLIC
