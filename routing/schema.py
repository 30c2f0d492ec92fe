"""Every key of `escalation.toml`, with what it means: the loader's lists, the JSON schema and the documentation are this."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from gateway.model import Mode, Priority, TicketStatus
from routing.languages import LANGUAGES
from routing.policy import Act, EscalationType, Hours
from routing.risk.rules import AT_LEAST, FEWEST, HORIZON
from routing.schema_incident import INCIDENT
from routing.schema_people import ASKING, PEOPLE
from routing.schema_precautions import PRECAUTIONS, SET_LEVELS

#: How many people a step may want to acknowledge.
MOST_ACKS: Final = 10
#: How often the steps of a ladder may be gone through anew.
MOST_REPEATS: Final = 5


def _one_of(enumeration: type[Enum], about: str) -> dict[str, Any]:
    return {"type": "string", "enum": [str(member.value) for member in enumeration], "description": about}


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _texts(about: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": about}


def _flag(about: str) -> dict[str, Any]:
    return {"type": "boolean", "description": about}


WHEN: Final[dict[str, Any]] = {
    "all": _texts("Conditions that must all hold."),
    "any": _texts("Conditions of which one must hold; with `all`, in addition."),
}
SET: Final[dict[str, Any]] = {
    "priority": _one_of(Priority, "Priority of the case; it rises, and never falls, while an episode is open."),
    "group": _text("Group of the ticket, instead of the one that the ladder's step names."),
    "tags": _texts("Tags to add to the ticket."),
    "fields": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Fields of the ticket to set, by the helpdesk's id or name.",
    },
    "reason": _text("One sentence for the agents: why this case is here."),
    **SET_LEVELS,
}
#: Buttons under one reply: more are a form, and Slack's are hard to read on a telephone.
MOST_BUTTONS: Final = 5
BUTTON: Final[dict[str, Any]] = {
    "action": _text("What rules ask for, `button.action == 'ACTION'`: small letters, digits, - and _."),
    "label": _text("What stands on it: at most 75 characters."),
}
RULE: Final[dict[str, Any]] = {
    "id": _text("Name of the rule, unique: small letters, digits, - and _."),
    "type": _one_of(EscalationType, "Which of the four types of escalation it is."),
    "do": _one_of(Act, "What happens when it matches: escalate, mirror (write the case into the helpdesk), or none."),
    "when": {"type": "object", "properties": WHEN, "additionalProperties": False, "description": "When it matches."},
    "catch_all": _flag("True for the last rule: it matches whatever no other rule did."),
    "continue": _flag("True to look at the rules after it as well."),
    "mode": _one_of(Mode, "How far the rule may go; the stricter of rule and connection holds. Default: live."),
    "set": {"type": "object", "properties": SET, "additionalProperties": False, "description": "What it sets."},
    "target": _text("Helpdesk connection to mirror into."),
    "ladder": _text("Ladder to climb when it escalates."),
    "suspend": _text("How long the escalation waits for the case to solve itself: 90s, 2m."),
    "playbook": _text("What agents should do in such a case: the address of a page. Default: the ladder's."),
    "reply": _text(
        "Text to the customer: once the ticket stands where the rule escalates, else when it matches, once a case;"
        " `{{path}}` is replaced."
    ),
    "reply_buttons": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": BUTTON,
            "required": ["action", "label"],
            "additionalProperties": False,
        },
        "maxItems": MOST_BUTTONS,
        "description": 'Buttons under the reply: `[{ action = "talk_to_agent", label = "Talk to an agent" }]`, at most 5.',
    },
}
_TARGET = _text("Helpdesk connection and group: queue:CONNECTION/GROUP.")
_ASKED = _text(
    "Helpdesk connection and group: queue:CONNECTION/GROUP. Or people: team:NAME, agent:NAME, manager_of:actor or …:assignee."
)
_NOTIFY = _texts("Who is told: CONNECTION:CHANNEL.")
_MESSAGE = _text("What the notices say, by the name of a template. Default: Baton's own words.")
STEP: Final[dict[str, Any]] = {
    "target": _ASKED,
    "notify": _NOTIFY,
    "ack_within": _text("By when somebody must have taken the case: 90s, 15m, 2h, 1d."),
    "reply_within": _text("By when the customer must have an answer, once somebody took the case by button."),
    "ack_ttl": _text("How long the case stays taken without an answer to the customer; longer than `reply_within`."),
    "calendar": _text("The working hours of this step, by the name of a calendar. Default: the ladder's."),
    "hours": _one_of(Hours, "Whether the step knows working hours. Default: respect, when there is a calendar."),
    "outside_hours": _text(
        "What it does outside of them: `pause` (the default), `continue`, or `redirect:N` to a later step N or to `final`."
    ),
    "message": _MESSAGE,
    "skip_if": _text(
        "When it is passed over: a condition over the case, and over whom it asks, `team.available == 0`."
    ),
    "min_priority": _one_of(
        Priority, "A case that is at least so urgent comes straight to it, past the steps before it."
    ),
    "min_acks": {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_ACKS,
        "description": "How many people must acknowledge before it counts as taken, each once: 1 (the default) to 10.",
    },
    **ASKING,
}
FINAL: Final[dict[str, Any]] = {"target": _TARGET, "notify": _NOTIFY, "message": _MESSAGE}
LADDER: Final[dict[str, Any]] = {
    "step": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": STEP,
            "required": ["target", "ack_within"],
            "additionalProperties": False,
        },
        "description": "Who hears of it, one after the other, until somebody takes it.",
    },
    "calendar": _text("The working hours of its steps, by the name of a calendar."),
    "playbook": _text("What agents should do with its cases: the address of a page."),
    "repeat": {
        "type": "integer",
        "minimum": 0,
        "maximum": MOST_REPEATS,
        "description": "How often its steps are gone through anew before the end: 0 (the default) to 5.",
    },
    "final": {
        "type": "object",
        "properties": FINAL,
        "required": ["target"],
        "additionalProperties": False,
        "description": "Where the case goes when nobody took it in time.",
    },
}
_HOURS = {
    "type": "array",
    "items": {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"},
}
DAYS: Final = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
CALENDAR: Final[dict[str, Any]] = {
    "tz": _text("The time zone, by its IANA name: Europe/Berlin."),
    **{
        key: _HOURS | {"description": f"Intervals of {day}, local time: 08:00-12:00; past midnight: 22:00-06:00."}
        for key, day in DAYS.items()
    },
    "country": _text("Country whose public holidays are closed, by its code of two letters: DE."),
    "subdivision": _text("Part of the country, when its holidays differ, by its code: BY."),
    "holidays": {
        "type": "array",
        # A date of TOML is no value of JSON: where it is written without quotation marks, only the loader reads it.
        "description": 'More dates that are closed: "2026-12-24".',
    },
    "ics": _text("iCalendar file beside the policy, each event of which closes: holidays.ics."),
    "exceptions": {
        "type": "object",
        "additionalProperties": _HOURS,
        "description": "Dates with other intervals, by date; they win over holidays and events. An empty list is closed.",
    },
}
#: States of a ticket in which an SLA's clocks may stand. In all of `solved` and `closed` they stand anyway.
PAUSES: Final = (TicketStatus.PENDING.value, TicketStatus.ON_HOLD.value)
SLA: Final[dict[str, Any]] = {
    "id": _text("Name of the SLA, unique: small letters, digits, - and _."),
    "when": {
        "type": "object",
        "properties": WHEN,
        "additionalProperties": False,
        "description": "To which cases it applies, by fields of the case; left out, to all.",
    },
    "first": _text("Time from the customer's first message to the first public answer of an agent: 90s, 15m, 2h, 1d."),
    "next": _text("After that: time from the oldest message of the customer that no agent answered."),
    "resolution": _text("Time from the first thing that a person did to the end of the case."),
    "at_risk": _text(
        "When a target is at risk: after a share of its time, 75% (the default), or with so much left, 15m."
    ),
    "calendar": _text(
        "The working hours that time is counted in, by the name of a calendar. Default: all time counts."
    ),
    "pause": {
        "type": "array",
        "items": {"type": "string", "enum": list(PAUSES)},
        "description": "States of the ticket in which the clocks stand: `pending`, `on_hold`.",
    },
}
CUSTOMER: Final[dict[str, Any]] = {
    "profile_from": _text("Connection that knows customers. Default: the only one that can."),
    "fresh_for": _text("How long a profile counts as fresh: 15m, 12h, 1d (the default); then it is asked for anew."),
    "vip": _texts("Tiers and tags that make a customer a VIP, whatever their case."),
}
RISK: Final[dict[str, Any]] = {
    "enabled": _flag("False to neither learn nor speak. Default: true, once the table is there."),
    "at_least": {
        "type": "integer",
        "minimum": FEWEST,
        "description": "Closed cases that are needed before `risk.score` is known, a tenth of them escalated, a tenth not. "
        f"Default: {AT_LEAST}.",
    },
    "horizon": _text(f"How long after a moment an escalation or a missed target counts: 12h, 3d. Default: {HORIZON}."),
}
#: Keys of a list of phrases that is a table; its other keys are languages.
PHRASES: Final[dict[str, Any]] = {
    "any": _texts("Phrases that count in every language."),
    "negation": _flag("False to count a phrase also where its writer denies it. Default: true."),
}
_PHRASES: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}, "minItems": 1}
TOP: Final[dict[str, Any]] = {
    "customer": {
        "type": "object",
        "properties": CUSTOMER,
        "additionalProperties": False,
        "description": "Who is asked about customers, and which of them are VIPs.",
    },
    "phrases": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                _PHRASES,
                {
                    "type": "object",
                    "properties": PHRASES | {"any": PHRASES["any"] | _PHRASES},
                    "additionalProperties": _PHRASES | {"description": "Phrases of a language, by its two letters."},
                    "propertyNames": {"enum": [*PHRASES, *sorted(LANGUAGES)]},
                    "minProperties": 1,
                },
            ]
        },
        "description": "Named lists of phrases; a rule asks `message.phrases contains 'NAME'`.",
    },
    "lexicon": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": "number", "minimum": -4, "maximum": 4},
            "minProperties": 1,
        },
        "description": "Words and phrases with their weight, -4 to 4, by language: the scorer of sentiment for it.",
    },
    "rule": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": RULE, "required": ["id", "do"], "additionalProperties": False},
        "description": "Rules, looked at from the top; the first that matches counts unless it continues.",
    },
    "calendar": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": CALENDAR,
            "required": ["tz"],
            "additionalProperties": False,
        },
        "description": "Working hours, by name; ladders and their steps refer to them.",
    },
    "ladder": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": LADDER,
            "required": ["step", "final"],
            "additionalProperties": False,
        },
        "description": "Ladders, by name.",
    },
    "sla": {
        "type": "array",
        "items": {"type": "object", "properties": SLA, "required": ["id"], "additionalProperties": False},
        "description": "SLAs, looked at from the top; the first that applies to a case counts, and no other.",
    },
    "risk": {
        "type": "object",
        "properties": RISK,
        "additionalProperties": False,
        "description": "That it is learned from closed cases how likely a case is to be escalated.",
    },
    "incident": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": INCIDENT,
            "required": ["id", "when", "window", "threshold", "ladder"],
            "additionalProperties": False,
        },
        "description": "Incidents: one matter of many customers, with one parent case.",
    },
    **PEOPLE,
    **PRECAUTIONS,
    "include": _texts("Further files of the policy, beside this one: they are read as if they stood at its beginning."),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `escalation.toml`, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Baton escalation policy",
        "type": "object",
        "properties": TOP,
        "required": ["rule"],
        "additionalProperties": False,
    }
