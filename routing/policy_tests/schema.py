"""Every key of a file of policy tests, with what it means: the loader's lists, the JSON schema and the documentation are this."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import CallChange, CaseStatus, EpisodeState, Mode, Priority, Role, TicketChange, TicketStatus
from gateway.model.life import ACKNOWLEDGE, FURTHER

#: What a roster says of an agent: the first word that they can take work.
ONLINE: Final = "online"
PRESENCES: Final = (ONLINE, "away")
#: How often one event may happen.
MOST_TIMES: Final = 100


def _text(about: str, *words: str) -> dict[str, Any]:
    return {"type": "string", **({"enum": list(words)} if words else {}), "description": about}


def _texts(about: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": about}


def _words(enumeration: Any) -> list[str]:
    return [str(member.value) for member in enumeration]


def _table(about: str) -> dict[str, Any]:
    return {"type": "object", "description": about}


#: What an event can be: exactly one of these keys stands in it.
WHAT: Final[dict[str, Any]] = {
    "message": _text("Somebody writes this: the customer, unless `role` says another."),
    "edit": _text("The last message is changed into this."),
    "deletion": {"type": "boolean", "description": "The last message is deleted."},
    "button": _text("A button of this action is pressed, which the channel offered."),
    "press": _text("A button of the newest notice is pressed by an agent.", ACKNOWLEDGE, FURTHER),
    "ticket": _text(
        "The ticket is changed in the helpdesk, by an agent unless `role` says another.", *_words(TicketChange)
    ),
    "handoff_request": _text("A bot gives up, for this reason."),
    "call": _text("Something happens in a telephone call.", *_words(CallChange)),
    "satisfaction": {"type": "number", "description": "The customer judges, from 0 (worst) to 1 (best)."},
    "consent": {"type": "boolean", "description": "The customer wants messages again (true), or no more (false)."},
    "incident": _text("The case is made the parent of this `[[incident]]`, as when it is opened."),
    "incident_over": _text("This `[[incident]]` is closed, as by hand."),
    "wait": _text("So much time passes: 90s, 15m, 2h, 1d. Deadlines that fall due happen, each at its instant."),
    "until": {"type": "string", "format": "date-time", "description": "Time passes until this instant."},
}
EVENT: Final[dict[str, Any]] = {
    **WHAT,
    "role": _text("Who does it.", *_words(Role)),
    "name": _text("The name of who does it."),
    "actor": _text("The agent of the policy who does it, by name or by an id."),
    "connection": _text(
        "The connection it comes over. Default: for tickets and agents the first helpdesk, else the first channel."
    ),
    "thread": _text("The thread it comes over. Default: one for each connection."),
    "internal": {"type": "boolean", "description": "True for a message that the customer cannot read."},
    "subject": _text("The subject."),
    "language": _text("The text's language, by its two letters. It is not told from the text here."),
    "attachments": {"type": "integer", "minimum": 0, "description": "How many files come along."},
    "fallback": {"type": "boolean", "description": "True for a bot's message that says it did not understand."},
    "value": _text("The value that the button carries."),
    "digits": _text("Keys that the caller pressed."),
    "status": _text("The ticket's state after the change.", *_words(TicketStatus)),
    "tags": _texts("The ticket's tags after the change."),
    "group": _text("The ticket's group, in the helpdesk's word."),
    "priority": _text("The ticket's priority, in the helpdesk's word."),
    "fields": _table(
        "Fields that change on the ticket, or that the bot collected, by their ids there; text in quotation marks."
    ),
    "via": _text("Over what the ticket came to the helpdesk, in its word."),
    "activity": _table("Further fields of the activity, by their names in the model."),
    "times": {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_TIMES,
        "description": "How often it happens. Default: once.",
    },
    "expect": _table("What must be so afterwards."),
}
EXPECT: Final[dict[str, Any]] = {
    "rules": _texts("Rules that matched at this event, in order."),
    "result": _text(
        "What came of it, in one word, as `baton cases show --json` has it; of the last deadline after `wait`."
    ),
    "ladder": _text("The ladder of the case's newest escalation, empty for none."),
    "episode": _text("Where the newest escalation stands.", "none", *_words(EpisodeState)),
    "path": {
        "type": "array",
        "items": {"type": ["integer", "string"]},
        "description": (
            'Steps it reached so far: `[1, "final"]`, or with times since it began, `["1 at 0s", "final at 15m"]`.'
            ' Of a ladder that it moved to: `"LADDER/1"`.'
        ),
    },
    "assigned": _texts("The agents whom the newest escalation asks now, by name, in order."),
    "acks": _texts("Who acknowledged so far, on a step that wants several: an agent's name, or CONNECTION:ID."),
    "passed_over": _table(
        'Steps that the newest escalation was passed over at so far, each with the reason: `{ 1 = "skip_if holds: …" }`.'
    ),
    "status": _text("Where the case stands.", *_words(CaseStatus)),
    "priority": _text("The case's priority, empty for none.", "", *_words(Priority)),
    "tags": _texts("The case's tags, in any order."),
    "group": _text("The group that the ticket stands in now, empty for none."),
    "fields": _table("The fields that were set on the ticket so far."),
    "reason": _text(
        "Why the case is there, as the rule says whose handoff this event made; empty for no handoff or no reason."
    ),
    "notify": _texts("Who was told at this event: CONNECTION:PLACE, in order."),
    "titles": _texts("The titles of these notices, in order."),
    "reply": _text("What the customer was told at this event, empty for nothing; places as in `reply` of a rule."),
    "effects": _texts("Everything that was written at this event: KIND CONNECTION, and the mode unless it is live."),
    "timers": _table(
        "Deadlines that wait now, and in how long each is due: `ack`, `open`, `reply`, `ttl`, `relax`, `suspend`, `unmute`,"
        " `owner`."
    ),
    "sla": _table(
        "The SLA that applies, `{}` for none: its `id`, and when each target that began is due, or `stands`, `met`, `missed`."
    ),
    "at_risk": _table("In how long each target of the SLA is at risk; of those that run and are not at risk yet."),
    "incident": _text("The open incident that the case belongs to, by its id in the policy; empty for none."),
    "held_back": _texts("Rules that matched at this event, and that an incident kept from escalating."),
    "case": _table("Further fields of the case, by their names in the model."),
}
CUSTOMER: Final[dict[str, Any]] = {
    "tier": _text("The tier, in the other system's word."),
    "organization": _text("The organization's name."),
    "language": _text("The customer's language, by its two letters."),
    "value": {"type": "number", "description": "What the customer is worth, in the other system's unit."},
    "tags": _texts("The customer's tags."),
    "known": {
        "type": "boolean",
        "description": "False: the channel proves nobody, as Slack and the telephone, so nobody asks who the customer is.",
    },
}
TEST: Final[dict[str, Any]] = {
    "name": _text("What the test shows, unique within its file."),
    "at": {"type": "string", "format": "date-time", "description": "When it begins, with the offset from UTC."},
    "each": _texts(
        "Texts that are tried one after the other, each in a case of its own: they stand in for `{{each}}` in messages."
    ),
    "case": _table("Fields of the case that are so before the first event, by their names in the model."),
    "modes": {
        "type": "object",
        "additionalProperties": {"type": "string", "enum": _words(Mode)},
        "description": "How far connections may go, by name. In a test those that are not named are live.",
    },
    "down": _texts("Connections that take nothing: every write to them is given up."),
    "customer": {
        "type": "object",
        "properties": CUSTOMER,
        "additionalProperties": False,
        "description": "What is known of the customer when somebody asks. Left out: nobody could know them, so nobody asks.",
    },
    "roster": {
        "type": "object",
        "additionalProperties": {"type": "string", "enum": list(PRESENCES)},
        "description": "Who of the agents can take work, by name: `online` or `away`."
        " Of others it says nothing: they count as there.",
    },
    "open_cases": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "description": "How many other cases agents have, by name and channel: `{ anna = { helpdesk = 10 } }`.",
    },
    "risk": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "The predicted risk that the case is escalated yet, `risk.score`. Left out: it is unknown.",
    },
    "incidents": {
        "type": "object",
        "additionalProperties": {"type": ["integer", "string"]},
        "description": 'Incidents, by id: `"open"`, or how many other customers counted for it within its window,'
        " whenever the test asks.",
    },
    "event": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": EVENT, "additionalProperties": False},
        "description": "What happens, in order.",
    },
}
TOP: Final[dict[str, Any]] = {
    "policy_test": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": TEST,
            "required": ["name", "at", "event"],
            "additionalProperties": False,
        },
        "description": "The tests.",
    }
}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a file of policy tests, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Baton policy tests",
        "type": "object",
        "properties": TOP,
        "required": ["policy_test"],
        "additionalProperties": False,
    }
