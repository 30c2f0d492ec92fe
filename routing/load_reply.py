"""A rule's reply: its text and its buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.model.life import ACKNOWLEDGE, FURTHER
from gateway.toml import did_you_mean
from routing import schema
from routing.policy import Act
from routing.reader import Path, Reader
from routing.template import PATHS, loose_braces, places, unknown_places

_ACTION: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: Characters of a button's label (docs.slack.dev/reference/block-kit/block-elements/button-element: 75).
_LONGEST: Final = 75
#: What agents' buttons do: from a customer it would be taken for an agent's.
_AGENTS: Final = frozenset({ACKNOWLEDGE, FURTHER})


def read_reply(reader: Reader, path: Path, table: Mapping[str, Any], act: str | None, key: str = "reply") -> str:
    """Return the text of a reply, empty when there is none."""
    here = (*path, key)
    text = reader.string(path, table, key)
    for name, offset in unknown_places(text):
        hint = did_you_mean(name, PATHS, f"there are {', '.join(PATHS)}", shown="{{{{{}}}}}")
        reader.note(here, f"there is no {{{{{name}}}}}: {hint}", value=True, offset=offset + 1)
    for sign, offset in loose_braces(text):
        reader.note(here, f"{sign} stands alone: write {{{{ticket.id}}}} and the like", value=True, offset=offset + 1)
    for name, offset in places(text):
        if name.startswith("ticket.") and act is not None and act != Act.ESCALATE:
            why = f'a rule with do = "{act}" answers at once: only one that escalates waits for the ticket'
            reader.note(here, f"{{{{{name}}}}} is not known yet: {why}", value=True, offset=offset + 1)
    return text


def read_buttons(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return action and label of the buttons under a rule's reply."""
    here = (*path, "reply_buttons")
    given = table.get("reply_buttons", [])
    if not isinstance(given, list):
        reader.note(
            here, 'reply_buttons must be a list: [{ action = "talk_to_agent", label = "Talk to an agent" }]', value=True
        )
        return ()
    listed: list[object] = given  # pyright: ignore[reportUnknownVariableType]
    if listed and reader.lacks(path, table, "reply"):
        reader.note(here, "buttons stand under a reply: write the `reply` as well")
    if len(listed) > schema.MOST_BUTTONS:
        reader.note(here, f"a reply has {schema.MOST_BUTTONS} buttons at most, and here are {len(listed)}", value=True)
    made: dict[str, str] = {}
    for index, value in enumerate(listed):
        place = (*here, index)
        button = reader.table(place, value, "a button")
        if not isinstance(value, dict):
            continue
        reader.keys(place, button, schema.BUTTON, "a button")
        action, label = reader.string(place, button, "action"), " ".join(reader.string(place, button, "label").split())
        if not _ACTION.fullmatch(action) and (action or reader.lacks(place, button, "action")):
            reader.note(
                (*place, "action") if "action" in button else place,
                "a button needs an action of small letters, digits, - and _ (at most 64)",
            )
        if action in _AGENTS:
            reader.note(
                (*place, "action"),
                f"{action} is the button of agents on a notice: customers cannot have it",
                value=True,
            )
        if action in made:
            reader.note(
                (*place, "action"), f"the action {action} stands twice: nobody could tell the buttons apart", value=True
            )
        if not 0 < len(label) <= _LONGEST and (label or reader.lacks(place, button, "label")):
            reader.note(
                (*place, "label") if "label" in button else place,
                f"a button needs a label of 1 to {_LONGEST} characters",
            )
        made.setdefault(action, label)
    return tuple(made.items())
