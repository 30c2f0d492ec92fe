"""Every key of `[[incident]]`, with what it means."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import Mode, Priority

#: How far an incident may go. There is no notes: it would hold escalations back, and nobody would be told of it.
MODES: Final = (Mode.OBSERVE, Mode.LIVE)


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _texts(about: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": about}


INCIDENT: Final[dict[str, Any]] = {
    "id": _text("Name of the incident, unique: small letters, digits, - and _."),
    "title": _text("What it is called for people. Default: its id."),
    "when": {
        "type": "object",
        "properties": {
            "all": _texts("Conditions that must all hold."),
            "any": _texts("Conditions of which one must hold; with `all`, in addition."),
        },
        "additionalProperties": False,
        "description": "Which messages of customers count for it.",
    },
    "fingerprint": _text(
        "What is the same about messages that count together: fields and words, joined by `+`. Left out, all count together."
    ),
    "window": _text("Within what time the customers must come: 90s, 10m, 2h, 1d."),
    "threshold": {
        "type": "integer",
        "minimum": 2,
        "description": "So many distinct customers open it, 2 or more. One who writes ten times counts once.",
    },
    "mode": {
        "type": "string",
        "enum": [each.value for each in MODES],
        "description": "In observe mode its customers are counted and nothing is done; traces say what would be. Default: live.",
    },
    "ladder": _text("The ladder that its parent case climbs."),
    "priority": {
        "type": "string",
        "enum": [each.value for each in Priority],
        "description": "Priority of the parent case.",
    },
    "tags": _texts("Tags to add to the parent's ticket."),
    "inhibit": _texts("Rules that do not escalate a case that belongs to it, while it is open."),
    "reply": _text("Text to each customer whose case belongs to it, once; `{{path}}` is replaced."),
    "reply_when_over": _text("Text to whom `reply` was sent, once it is over; `{{path}}` is replaced."),
    "resolve_cases": {
        "type": "boolean",
        "description": "Whether the cases that belong to it are resolved with it: those that nothing of their own keeps open."
        " Default: false.",
    },
    "opened_by": _texts("Connections that open and close it: those of monitoring and status pages."),
    "resolve_after": _text(
        "How long after the last message that belongs to it it closes by itself. Default: with its parent case only."
    ),
}
