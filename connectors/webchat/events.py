"""What visitors send → channel events: pure.

Thread and message ids are made here and in `frames.message_id`. The time is that of our own door: a visitor's clock proves
nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import unquote

from connectors.webchat import frames
from connectors.webchat.frames import Frame
from gateway.sdk import (
    Attachment,
    ButtonPressed,
    ChannelEvent,
    ChatMessage,
    Delivery,
    Evidence,
    Party,
    SatisfactionGiven,
    UnreadableDelivery,
    printable,
)

#: Headers of a file's delivery, beside the visitor's.
FILE_ID: Final = "Baton-File-Id"
FILE_NAME: Final = "Baton-File-Name"
FILE_TYPE: Final = "Content-Type"


def lane_of(delivery: Delivery) -> str:
    """Return the conversation's lane; never raises."""
    try:
        return _visitor(delivery)["thread"]
    except UnreadableDelivery:
        return delivery.connection


def parse_delivery(delivery: Delivery) -> Iterable[ChannelEvent]:
    """Return what a visitor did. Raises UnreadableDelivery."""
    visitor = _visitor(delivery)
    if delivery.endpoint == frames.UPLOAD:
        yield _file(delivery, visitor)
        return
    try:
        frame = frames.read(delivery.body.decode())
    except (frames.Refused, UnicodeDecodeError):
        raise UnreadableDelivery("The frame cannot be read.") from None
    make = _KINDS.get(str(frame.get("type")))
    if make is None:
        return
    try:
        frames.check(frame, longest=frames.LONGEST)
    except frames.Refused as error:
        raise UnreadableDelivery(str(error)) from None
    yield make(frame, visitor, delivery.received_at)


def _message(frame: Frame, visitor: Mapping[str, str], at: int) -> ChannelEvent:
    return ChatMessage(
        thread=visitor["thread"],
        dedupe=f"message:{frames.message_id(visitor['thread'], frame['id'])}",
        occurred_at=at,
        sender=_party(visitor),
        message_id=frames.message_id(visitor["thread"], frame["id"]),
        text=frame.get("text", ""),
        extras=_extras(visitor),
    )


def _button(frame: Frame, visitor: Mapping[str, str], at: int) -> ChannelEvent:
    return ButtonPressed(
        thread=visitor["thread"],
        dedupe=f"button:{frames.message_id(visitor['thread'], frame['id'])}",
        occurred_at=at,
        sender=_party(visitor),
        reference=frame.get("reply") or None,
        action=frame["action"],
        value=printable(frame.get("value", "")),
        label=printable(frame.get("label", "")),
        extras=_extras(visitor),
    )


def _satisfaction(frame: Frame, visitor: Mapping[str, str], at: int) -> ChannelEvent:
    return SatisfactionGiven(
        thread=visitor["thread"],
        dedupe=f"satisfaction:{frames.message_id(visitor['thread'], frame['id'])}",
        occurred_at=at,
        sender=_party(visitor),
        score=frames.score(frame) or 0.0,
        word=str(frame["score"]),
        text=frame.get("text", ""),
        extras=_extras(visitor),
    )


_KINDS: Final[dict[str, Callable[[Frame, Mapping[str, str], int], ChannelEvent]]] = {
    "message": _message,
    "button": _button,
    "satisfaction": _satisfaction,
}


def _file(delivery: Delivery, visitor: Mapping[str, str]) -> ChannelEvent:
    number, name = delivery.header(FILE_ID), delivery.header(FILE_NAME)
    if not frames.is_id(number) or name is None:
        raise UnreadableDelivery("The file has no id or no name.")
    attachment = Attachment(
        id=str(number),
        name=unquote(name, errors="replace"),
        media_type=delivery.header(FILE_TYPE) or "",
        size=len(delivery.body),
        sha256=hashlib.sha256(delivery.body).hexdigest(),
    )
    return ChatMessage(
        thread=visitor["thread"],
        dedupe=f"message:{frames.message_id(visitor['thread'], str(number))}",
        occurred_at=delivery.received_at,
        sender=_party(visitor),
        message_id=frames.message_id(visitor["thread"], str(number)),
        attachments=(attachment,),
        extras=_extras(visitor),
    )


# --- who -------------------------------------------------------------------------------------------------------------
def _visitor(delivery: Delivery) -> Mapping[str, str]:
    try:
        told: Any = json.loads(delivery.header(frames.VISITOR) or "")
        found = {
            name: printable(str(told[name])) for name in ("thread", "kind", "value", "name", "email", "claimed_email")
        }
        verified = told["verified"] is True
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableDelivery("The delivery names no visitor.") from None
    if not found["thread"]:
        raise UnreadableDelivery("The delivery names no conversation.")
    return {**found, "evidence": (Evidence.VERIFIED if verified else Evidence.CLAIMED).value}


def _party(visitor: Mapping[str, str]) -> Party:
    return Party(
        kind=visitor["kind"],
        value=visitor["value"],
        name=visitor["name"],
        evidence=Evidence(visitor["evidence"]),
        email=visitor["email"],
    )


def _extras(visitor: Mapping[str, str]) -> Mapping[str, object]:
    claimed = visitor["claimed_email"]
    return {"claimed_email": claimed} if claimed else cast("dict[str, object]", {})
