"""The keys of agents, teams, skills and actions in `escalation.toml`, with what they mean."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import Channel
from routing.people import AbsentOwner, MultiAck, Strategy, WhenFull

#: Levels of a skill.
LEVELS: Final = (1, 5)
_LEVEL: Final[dict[str, Any]] = {"type": "integer", "minimum": LEVELS[0], "maximum": LEVELS[1]}
_LIMIT: Final[dict[str, Any]] = {"type": "number", "minimum": 0}


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


def _texts(about: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": about}


def _by_name(value: dict[str, Any], about: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value, "description": about}


def _strategy(about: str) -> dict[str, Any]:
    return {"type": "string", "enum": [each.value for each in Strategy], "description": about}


SKILL: Final[dict[str, Any]] = {
    "level": _LEVEL | {"description": "The level, 1 to 5, that work of this skill needs. Default: 1."},
    "words": _texts("Words that ask for it, besides its name: a chatbot's topic, a tag of the ticket."),
}
AUTHORITY: Final[dict[str, Any]] = {
    "fields": _by_name(
        {"type": "string"},
        "Where its amount stands, by connection: a field of the ticket, by the helpdesk's id or name; what a chatbot collects.",
    ),
}
AGENT: Final[dict[str, Any]] = {
    "ids": _by_name(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
        "Their ids by connection, one or several: by each they are known, to the first tickets are assigned.",
    ),
    "notify": _texts("Where they are told: CONNECTION:PLACE."),
    "skills": _by_name(_LEVEL, "What they know, by skill, from 1 to 5."),
    "authority": _by_name(_LIMIT, "Up to what amount they decide alone, by action; inf for any."),
    "manager": _text("The agent who decides what they may not."),
    "capacity": {
        "type": "object",
        "properties": {each.value: {"type": "integer", "minimum": 1} for each in Channel},
        "additionalProperties": False,
        "description": "How many open cases of a channel fill them. Of a channel that is not named, any number.",
    },
    "calendar": _text("When they work, by the name of a calendar. Default: always."),
}
TEAM: Final[dict[str, Any]] = {
    "members": _texts("Its agents."),
    "strategy": _strategy("Which member gets a case. Default: round_robin."),
    "calendar": _text("When it works, by the name of a calendar. Default: always."),
    "fallback": _text("The team that stands in when nobody of this one can."),
}
NEED: Final[dict[str, Any]] = {
    "name": _text("The skill."),
    "level": _LEVEL | {"description": "At least this level. Default: the one that the skill names."},
}
RELAX: Final[dict[str, Any]] = {
    "after": _text("How long after the case came to the step: 10m."),
    "level": _LEVEL | {"description": "The level that is enough then."},
    "drop": {"type": "boolean", "description": "True when the skills are not wanted any more."},
}


def _list_of(item: dict[str, Any], required: str, about: str) -> dict[str, Any]:
    table = {"type": "object", "properties": item, "required": [required], "additionalProperties": False}
    return {"type": "array", "items": table, "description": about}


#: What a ladder's step has more when its target is people.
ASKING: Final[dict[str, Any]] = {
    "in": _text(
        "When people are asked: the helpdesk that holds the ticket, CONNECTION or CONNECTION/GROUP. Default: that of `final`."
    ),
    "strategy": _strategy("Which member of the team gets it. Default: the team's."),
    "skills": _list_of(NEED, "name", "What the member must know."),
    "prefer": _list_of(NEED, "name", "What the member should rather know."),
    "relax_after": _list_of(RELAX, "after", "What is given up of `skills` while nobody has them."),
    "when_full": {
        "type": "string",
        "enum": [each.value for each in WhenFull],
        "description": "When all who could take it are full: it goes to the `next` step (the default), or may `wait` for room.",
    },
    "max_wait": _text(
        "How long it lets more urgent cases go first while it waits for room: 90s, 15m, 2h, 1d. Default: 30m."
    ),
    "multi_ack": {
        "type": "string",
        "enum": [each.value for each in MultiAck],
        "description": "Whose acknowledgements `min_acks` counts: `anyone` (the default), or members of the `team` alone.",
    },
    "absent_owner": {
        "type": "string",
        "enum": [each.value for each in AbsentOwner],
        "description": "When the customer writes while the agent who has the case is away: `keep` (the default), `reassign`.",
    },
}


def _tables(item: dict[str, Any], required: list[str], about: str) -> dict[str, Any]:
    table = {"type": "object", "properties": item, "required": required, "additionalProperties": False}
    return {"type": "object", "additionalProperties": table, "description": about}


#: Tables of a policy.
PEOPLE: Final[dict[str, Any]] = {
    "skill": _tables(SKILL, [], "Skills, by name."),
    "authority": _tables(AUTHORITY, ["fields"], "Actions that have a limit, by name."),
    "agent": _tables(AGENT, [], "Who works here, by name."),
    "team": _tables(TEAM, ["members"], "Teams of agents, by name."),
}
