"""What a policy test says of the world around its case: the customer, and the policy's agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.model import Channel
from gateway.toml import did_you_mean
from routing.outside import Outside
from routing.people import People
from routing.policy import Policy
from routing.policy_tests import schema
from routing.reader import Path, Reader

_WORDS: Final = ("tier", "organization", "language")


def read_outside(reader: Reader, path: Path, table: Mapping[str, Any], policy: Policy) -> Outside:
    """Read the keys of a policy test that say what is known outside; mistakes are noted."""
    return Outside(
        customer=_customer(reader, (*path, "customer"), table["customer"], policy) if "customer" in table else None,
        roster=_roster(reader, (*path, "roster"), table.get("roster", {}), policy.people),
        open=_open(reader, (*path, "open_cases"), table.get("open_cases", {}), policy.people),
    )


def read_actor(reader: Reader, path: Path, table: Mapping[str, Any], people: People) -> str:
    """Return the name of the agent who does something, whom a test names so, or by one of their ids; empty for nobody."""
    text = reader.string(path, table, "actor")
    if not text or text in people.agents:
        return text
    found = next((name for (_, number), name in people.known.items() if number == text.casefold()), "")
    if not found:
        _unknown(reader, (*path, "actor"), text, people, value=True)
    return found


def _unknown(reader: Reader, path: Path, name: str, people: People, *, value: bool = False) -> None:
    hint = did_you_mean(name, people.agents, f"there are {', '.join(people.agents) or 'none'}")
    reader.note(path, f"the policy has no agent {name}: {hint}", value=value)


def _customer(reader: Reader, path: Path, value: object, policy: Policy) -> dict[str, object] | None:
    """Return what is known of the customer; None when the channel proves nobody, whatever the helpdesk has."""
    table = reader.table(path, value, "customer")
    reader.keys(path, table, schema.CUSTOMER, "a customer")
    if policy.customer is None:
        reader.note(path, "no condition of the policy asks who the customer is: remove customer")
    made: dict[str, object] = {key: reader.string(path, table, key) for key in _WORDS if key in table}
    if "tags" in table:
        made["tags"] = reader.strings((*path, "tags"), table["tags"], "tags")
    if "value" in table:
        worth = table["value"]
        if isinstance(worth, bool) or not isinstance(worth, int | float):
            reader.note((*path, "value"), "value must be a number", value=True)
        made["value"] = worth
    known = table.get("known", True)
    if not isinstance(known, bool):
        reader.note((*path, "known"), "known must be true or false", value=True)
    return made if known else None


def _roster(reader: Reader, path: Path, value: object, people: People) -> dict[str, bool]:
    table = reader.table(path, value, "roster")
    made: dict[str, bool] = {}
    for name in table:
        if name not in people.agents:
            _unknown(reader, (*path, name), name, people)
        made[name] = reader.word(path, table, name, list(schema.PRESENCES)) == schema.ONLINE
    return made


def _open(reader: Reader, path: Path, value: object, people: People) -> dict[str, dict[Channel, int]]:
    table = reader.table(path, value, "open_cases")
    channels = [each.value for each in Channel]
    made: dict[str, dict[Channel, int]] = {}
    for name, given in table.items():
        if name not in people.agents:
            _unknown(reader, (*path, name), name, people)
        cases = reader.table((*path, name), given, "open_cases of an agent")
        for channel, count in cases.items():
            if channel not in channels:
                hint = did_you_mean(channel, channels, f"there are {', '.join(channels)}")
                reader.note((*path, name, channel), f"there is no channel {channel}: {hint}")
            if type(count) is not int or count < 0:
                reader.note((*path, name, channel), "a count of open cases is a whole number from 0 on", value=True)
        made[name] = {Channel(each): count for each, count in cases.items() if each in channels}
    return made
