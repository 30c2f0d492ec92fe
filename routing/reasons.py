"""Why a rule escalates, in words for people. Of the parent of an incident they are that incident's, by its own title."""

from __future__ import annotations

from typing import Final

from gateway.model import Case
from routing.policy import Rule

#: What the name of an incident's rule begins with: no rule of the policy's list can have such a name.
RULE_PREFIX: Final = "incident:"


def reason_of_incident(title: str) -> str:
    """Return why an incident is escalated."""
    return f"Incident {title}, one matter of many customers"


def reason_of(case: Case, rule: Rule) -> str:
    """Return why a rule escalates a case, empty when the policy says nothing."""
    member = case.incident
    if member is not None and member.id == case.id and rule.id == f"{RULE_PREFIX}{member.name}":
        return reason_of_incident(member.title)
    return rule.set.reason
