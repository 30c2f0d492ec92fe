"""The frames that go over a widget's socket: what a visitor may send, and how it is answered. Pure.

All are JSON objects with a `type`. A visitor's frame that is to be kept has an `id` made by the widget; sent again it is the
same frame, and counts once. `docs/connectors/webchat.md` describes them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from connectors.webchat.visitors import Visitor
from gateway.sdk import Button, Delivery, Entry, Reply, Role, Standing

Frame: TypeAlias = Mapping[str, Any]

#: Endpoint of the socket, and of files.
SOCKET: Final = "socket"
UPLOAD: Final = "upload"
#: Header of a delivery that names its visitor. We write it; nothing of a request's own headers is taken over.
VISITOR: Final = "Baton-Visitor"
#: Longest frame, bytes.
LONGEST: Final = 65_536
#: Frames of a visitor that are kept.
KEPT: Final = frozenset({"message", "button", "satisfaction"})
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ACTION: Final = re.compile(r"[a-z0-9_.-]{1,64}")
_LABEL: Final = 200
_BEST: Final = 5


class Refused(Exception):
    """A frame that is never taken; the message is a sentence for the visitor."""


def read(text: str) -> Frame:
    """Return a frame. Raises Refused."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("The frame is no JSON.") from None
    if not isinstance(found, dict):
        raise Refused("The frame is no JSON object.")
    return cast("Frame", found)


def check(frame: Frame, *, longest: int) -> None:
    """See that a frame can be kept. Raises Refused."""
    if not is_id(frame.get("id")):
        raise Refused("The frame has no usable id.")
    kind = frame.get("type")
    text = frame.get("text", "")
    if not isinstance(text, str) or len(text) > longest:
        raise Refused(f"The text is longer than {longest} characters.")
    if kind == "message" and not text.strip():
        raise Refused("The message is empty.")
    if kind == "button":
        _check_button(frame)
    if kind == "satisfaction" and score(frame) is None:
        raise Refused(f"A judgement is a whole number from 1 to {_BEST}.")


def _check_button(frame: Frame) -> None:
    action = frame.get("action")
    if not isinstance(action, str) or not _ACTION.fullmatch(action):
        raise Refused("The button has no usable action.")
    for name in ("label", "value", "reply"):
        value = frame.get(name, "")
        if not isinstance(value, str) or len(value) > _LABEL:
            raise Refused("What the button carries is too long.")


def is_id(value: object) -> bool:
    """Tell whether something can be a frame's id."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def score(frame: Frame) -> float | None:
    """Return a judgement from 0 to 1; None when it is none."""
    found = frame.get("score")
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= _BEST:
        return None
    return (found - 1) / (_BEST - 1)


def delivery(
    connection: str, visitor: Visitor, *, endpoint: str, headers: tuple[tuple[str, str], ...], body: bytes, at: int
) -> Delivery:
    """Return what a visitor sent as a delivery, with who they are beside it."""
    who = json.dumps(
        {
            "thread": visitor.thread,
            "kind": visitor.kind,
            "value": visitor.value,
            "name": visitor.name,
            "email": visitor.email,
            "claimed_email": visitor.claimed_email,
            "verified": visitor.verified,
        }
    )
    return Delivery(
        connection=connection,
        endpoint=endpoint,
        received_at=at,
        method="FRAME" if endpoint == SOCKET else "POST",
        url=f"/sessions/{connection}/{endpoint}",
        headers=((VISITOR, who), *headers),
        body=body,
    )


# --- to the widget ---------------------------------------------------------------------------------------------------
def message_id(thread: str, frame_id: str) -> str:
    """Return the id under which a visitor's message is known in the gateway."""
    return f"{thread}/{frame_id}"


def line_of(entry: Entry, thread: str) -> Frame:
    """Return a line of the history."""
    mine = entry.author.role is Role.CUSTOMER
    return {
        "id": entry.key.removeprefix(f"{thread}/") if mine else entry.key,
        "from": "you" if mine else "us",
        "name": "" if mine else entry.author.name,
        "text": entry.text,
        "at": entry.occurred_at // 1000,
        "files": [{"name": each.name, "size": each.size} for each in entry.files],
        "buttons": _buttons(entry.buttons),
    }


def line_of_reply(reply: Reply, at: int) -> Frame:
    """Return a reply of ours as a line."""
    return {
        "id": reply.key,
        "from": "us",
        "name": "",
        "text": reply.text,
        "at": at // 1000,
        "files": [{"name": each.name, "size": each.size} for each in reply.files],
        "buttons": _buttons(reply.buttons),
    }


def _buttons(buttons: Iterable[Button]) -> list[Frame]:
    return [{"action": each.action, "label": each.label} for each in buttons]


def line_of_frame(frame: Frame, at: int) -> Frame:
    """Return a visitor's own message as a line, for their other windows."""
    return {"id": frame["id"], "from": "you", "name": "", "text": frame["text"], "at": at // 1000, "files": []}


def state(standing: Standing) -> Frame:
    """Return where the case stands."""
    return {
        "type": "state",
        "state": standing.state,
        "case": standing.case_id,
        "handed_off": standing.handed_off,
    }
