"""Texts with places for values: ``{{path}}`` is replaced, nothing else is a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: What a template may name, and what that is.
PATHS: Final[dict[str, str]] = {
    "case.id": "the case",
    "case.subject": "what it is about",
    "case.priority": "its priority, empty when none is set",
    "customer.name": "the customer's name, empty when unknown",
    "rule.id": "the rule that matched",
    "rule.reason": "the rule's reason",
    "ticket.id": "the ticket that holds the case",
    "ticket.url": "its page for agents",
}

#: What a template of notices may name beside what every text may.
NOTICE_PATHS: Final[dict[str, str]] = PATHS | {
    "case.severity": "what the severity matrix makes of it, empty for nothing",
    "case.channel": "the channel it began on",
    "ladder.id": "the ladder that it climbs",
    "ladder.step": "the number of its step, or `final`",
    "notice.why": "why it is told now: `not acknowledged in time`; empty at the first notice",
    "rule.playbook": "the playbook of the rule, or of its ladder",
}

_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def unknown_places(template: str) -> list[tuple[str, int]]:
    """Return the paths of a template that do not exist, each with its offset."""
    return [each for each in places(template) if each[0] not in PATHS]


def places(template: str) -> list[tuple[str, int]]:
    """Return all paths that a template names, each with its offset."""
    return [(found[1], found.start(1)) for found in _PLACE.finditer(template)]


def loose_braces(template: str) -> list[tuple[str, int]]:
    """Return each ``{{`` and ``}}`` that belongs to no place, with its offset: the customer would read it."""
    blanked = _PLACE.sub(lambda found: " " * len(found[0]), template)
    return [(found[0], found.start()) for found in re.finditer(r"\{\{|\}\}", blanked)]


def render(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its places filled."""
    return _PLACE.sub(lambda found: values.get(found[1], ""), template)
