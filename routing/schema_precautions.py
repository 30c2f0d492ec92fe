"""The keys of severity, sensitivity, mutes and templates in `escalation.toml`, with what they mean."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import Priority
from routing.severity_values import LEVELS


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _texts(about: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": about}


def _level(about: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(reversed(LEVELS)), "description": about}


def _table(properties: dict[str, Any], required: list[str], about: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "description": about,
    }


def _fields(what: str) -> dict[str, Any]:
    about = f"Where people fill in the {what}, by connection: a field of the ticket, by the helpdesk's id or name."
    return {"type": "object", "additionalProperties": {"type": "string"}, "description": about}


SET_LEVELS: Final[dict[str, Any]] = {
    "impact": _level(
        "How much it harms: with `urgency`, `[severity]` makes a priority of it. It rises, and never falls."
    ),
    "urgency": _level("How soon it harms. It rises, and never falls."),
}
_PRIORITY: Final[dict[str, Any]] = {"type": "string", "enum": [each.value for each in Priority]}
_DOWN: Final[list[str]] = [*reversed(LEVELS)]
_ROW: Final = _table(dict.fromkeys(_DOWN, _PRIORITY), _DOWN, "Priorities of one impact, by urgency.")
SEVERITY: Final[dict[str, Any]] = {
    "matrix": _table(
        dict.fromkeys(_DOWN, _ROW), _DOWN, "The priority for each impact, and within it for each urgency."
    ),
    "impact": _fields("impact"),
    "urgency": _fields("urgency"),
    "words": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": 'What those fields say for a level, when it is another word: `{ high = ["1 - High"] }`.',
    },
    "boost": _texts("Tiers and tags of customers whose cases are one class more severe, whatever their case."),
}
_WHEN: Final[dict[str, Any]] = {"type": "object", "properties": {"all": _texts(""), "any": _texts("")}}
SENSITIVITY: Final[dict[str, Any]] = {
    "when": _WHEN | {"additionalProperties": False, "description": "What marks a case."},
    "group": _text("The private group that its tickets go to, by the helpdesk's name."),
}
MUTE: Final[dict[str, Any]] = {
    "id": _text("Name of the mute, unique: small letters, digits, - and _."),
    "when": _WHEN
    | {"additionalProperties": False, "description": "Whose notices, by fields of the case; left out, of all."},
    "rules": _texts("Rules whose notices are held; left out, those of every rule."),
    "until": {
        "type": "string",
        "format": "date-time",
        "description": "Until when, with the offset from UTC: 2026-11-24T18:00:00+01:00.",
    },
    "author": _text("Who wants it."),
    "reason": _text("Why, in one sentence."),
}
TEMPLATE: Final[dict[str, Any]] = {
    "title": _text("The notice's first line; `{{path}}` is replaced."),
    "text": _text("Further lines, where the place of the notice has them; `{{path}}` is replaced."),
}
PRECAUTIONS: Final[dict[str, Any]] = {
    "severity": _table(SEVERITY, ["matrix"], "What impact and urgency make of a case."),
    "sensitivity": {
        "type": "object",
        "additionalProperties": _table(SENSITIVITY, ["when", "group"], ""),
        "description": "Cases that are kept to a private group, and of which notices tell nothing, by name.",
    },
    "mute": {
        "type": "array",
        "items": _table(MUTE, ["id", "until", "author", "reason"], ""),
        "description": "Notices that are held for a time.",
    },
    "template": {
        "type": "object",
        "additionalProperties": _table(TEMPLATE, ["title"], ""),
        "description": "What notices say, by name; steps refer to them.",
    },
}
