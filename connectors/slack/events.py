"""Slack's Events API and interactivity → channel events.

Source of the shapes: docs.slack.dev/apis/events-api and docs.slack.dev/interactivity/handling-user-interaction. The same
message may come under several subscriptions (`message.channels`, `app_mention`), each with an event id of its own, so the
dedupe key is the message's channel and time stamp, which Slack promises to be unique together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final, TypeAlias

from slack_bolt.request import BoltRequest

from gateway.sdk import (
    Attachment,
    ButtonPressed,
    ChannelEvent,
    ChatMessage,
    Delivery,
    Evidence,
    MessageAction,
    Party,
    Role,
    UnreadableDelivery,
    as_object,
    as_objects,
    read_object,
)

Json: TypeAlias = Mapping[str, Any]

#: Subtypes of `message` that bring somebody's words. No subtype is a plain message. Every other one (joins, topics, pins …)
#: is about the channel and yields nothing.
WORDS: Final = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})

_CHALLENGE: Final = "url_verification"
_DM: Final = "im"
_FORM: Final[dict[str, str | Sequence[str]]] = {"content-type": "application/x-www-form-urlencoded"}
_CHANNEL: Final = re.compile(rb'"channel"\s*:\s*"([A-Z0-9]{1,32})"')
_LINK: Final = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Self:
    """By what this connection recognises what it did itself."""

    user: str
    app: str
    #: Channels in which only agents talk.
    agent_channels: frozenset[str] = frozenset()


def parse_delivery(delivery: Delivery, ours: Self) -> Iterable[ChannelEvent]:
    """Return what a request of Slack says. Raises UnreadableDelivery."""
    if delivery.endpoint == "interactivity":
        # Over a socket the payload comes as it is, over HTTP within a form.
        payload = read_object(delivery.body) if delivery.method == "FRAME" else _form(delivery.body)
        return _interaction(payload, delivery.received_at)
    payload = read_object(delivery.body)
    if payload.get("type") != "event_callback":
        # The address check, notices of limits: authentic, and nothing that happened in a conversation.
        return []
    return _event(payload, as_object(payload.get("event")), ours)


def conversation_as_events(channel: Json, messages: Iterable[Json]) -> list[Json]:
    """Return messages as `conversations.history` shows them as the events that told of them when they were written."""
    place = {"channel": channel["id"], "channel_type": _DM if channel.get("is_im") else "channel"}
    return [
        {"type": "event_callback", "event": {**message, "type": "message", "event_ts": message["ts"], **place}}
        for message in messages
    ]


def challenge_of(delivery: Delivery) -> str | None:
    """Return what Slack wants to be answered when it checks the address; None for every other request."""
    if delivery.endpoint != "events" or b'"url_verification"' not in delivery.body:
        return None
    try:
        payload = read_object(delivery.body)
    except UnreadableDelivery:
        return None
    return _text(payload.get("challenge")) if payload.get("type") == _CHALLENGE else None


def lane_of(delivery: Delivery) -> str:
    """Return the lane: the conversation's channel. Cheap: nothing is parsed, and nothing raises.

    All threads of a channel share a lane: an edit names its message's thread only inside, and must not overtake it.
    """
    body = delivery.body
    if delivery.endpoint == "interactivity":
        return "interactivity"
    found = _CHANNEL.search(body)
    return found[1].decode() if found else "other"


# --- messages --------------------------------------------------------------------------------------------------------
def _event(payload: Json, event: Json, ours: Self) -> Iterable[ChannelEvent]:
    if str(event.get("type")) not in {"message", "app_mention"}:
        return []
    if _text(event.get("channel")) in ours.agent_channels:
        return []
    subtype = _text(event.get("subtype"))
    if subtype == "message_changed":
        return _edited(payload, event, ours)
    if subtype == "message_deleted":
        return _deleted(event, ours)
    if subtype not in WORDS:
        return []
    channel, stamp = _required(event, "channel"), _required(event, "ts")
    return [
        ChatMessage(
            thread=_thread(event, channel, event),
            dedupe=f"message:{channel}:{stamp}",
            occurred_at=_instant(stamp),
            sender=_sender(event, ours),
            reference=_key(event),
            own=_is_own(event, ours),
            message_id=f"{channel}:{stamp}",
            text=plain(_text(event.get("text"))),
            attachments=_files(event.get("files")),
            extras=_extras(payload, event),
        )
    ]


def _edited(payload: Json, event: Json, ours: Self) -> Iterable[ChannelEvent]:
    channel = _required(event, "channel")
    message, before = as_object(event.get("message")), as_object(event.get("previous_message"))
    edited = as_object(message.get("edited"))
    if not edited or _text(message.get("text")) == _text(before.get("text")):
        # Slack also sends this when it unfurls a link: nobody changed a word.
        return []
    stamp = _required(message, "ts")
    return [
        ChatMessage(
            thread=_thread(message, channel, event),
            dedupe=f"edit:{channel}:{stamp}:{_required(edited, 'ts')}",
            occurred_at=_instant(_required(edited, "ts")),
            sender=_sender(message, ours),
            own=_is_own(message, ours),
            message_id=f"{channel}:{stamp}",
            action=MessageAction.EDITED,
            text=plain(_text(message.get("text"))),
            attachments=_files(message.get("files")),
            extras=_extras(payload, event),
        )
    ]


def _deleted(event: Json, ours: Self) -> Iterable[ChannelEvent]:
    channel, stamp = _required(event, "channel"), _required(event, "deleted_ts")
    before = as_object(event.get("previous_message"))
    return [
        ChatMessage(
            thread=_thread({"ts": stamp, **before}, channel, event),
            dedupe=f"delete:{channel}:{stamp}",
            occurred_at=_instant(_text(event.get("event_ts")) or stamp),
            sender=_sender(before, ours),
            own=_is_own(before, ours),
            message_id=f"{channel}:{stamp}",
            action=MessageAction.DELETED,
        )
    ]


def _thread(message: Json, channel: str, event: Json) -> str:
    """Return the thread's key: the message it hangs from. A direct conversation is one thread unless people thread in it."""
    if event.get("channel_type") == _DM and not message.get("thread_ts"):
        return channel
    return f"{channel}:{_text(message.get('thread_ts')) or _required(message, 'ts')}"


def _sender(message: Json, ours: Self) -> Party:
    if message.get("bot_id") or message.get("subtype") == "bot_message":
        name = _text(as_object(message.get("bot_profile")).get("name")) or _text(message.get("username"))
        value = _text(message.get("user")) or _text(message.get("bot_id"))
        return Party(kind="slack_user", value=value, name=name, role=Role.BOT, evidence=Evidence.ATTESTED)
    user = _text(message.get("user"))
    profile = as_object(message.get("user_profile"))
    name = _text(profile.get("real_name")) or _text(profile.get("display_name"))
    role = Role.BOT if user == ours.user else (Role.CUSTOMER if user else Role.SYSTEM)
    return Party(kind="slack_user", value=user, name=name, role=role, evidence=Evidence.ATTESTED)


def _is_own(message: Json, ours: Self) -> bool:
    app = _text(message.get("app_id")) or _text(as_object(message.get("bot_profile")).get("app_id"))
    return message.get("user") == ours.user or bool(ours.app and app == ours.app)


def _key(message: Json) -> str | None:
    """Return the key that we wrote into a message of ours."""
    metadata = as_object(message.get("metadata"))
    if metadata.get("event_type") != "baton":
        return None
    return _text(as_object(metadata.get("event_payload")).get("key")) or None


def _files(value: object) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            id=_text(each.get("id")),
            name=_text(each.get("name")),
            media_type=_text(each.get("mimetype")),
            size=size if isinstance(size := each.get("size"), int) else None,
            url=_text(each.get("url_private")),
        )
        for each in as_objects(value)
        if each.get("id")
    )


def _extras(payload: Json, event: Json) -> Mapping[str, object]:
    found = {
        "team": _text(payload.get("team_id")),
        "event_id": _text(payload.get("event_id")),
        "channel_type": _text(event.get("channel_type")),
    }
    return {name: value for name, value in found.items() if value}


# --- buttons ---------------------------------------------------------------------------------------------------------
def _interaction(payload: Json, received_at: int) -> Iterable[ChannelEvent]:
    if payload.get("type") != "block_actions":
        return []
    container = as_object(payload.get("container"))
    channel = _text(as_object(payload.get("channel")).get("id")) or _text(container.get("channel_id"))
    message = as_object(payload.get("message"))
    stamp = _text(container.get("message_ts")) or _text(message.get("ts"))
    user = as_object(payload.get("user"))
    if not channel or not stamp or not _text(user.get("id")):
        raise UnreadableDelivery("The pressed button names no message or no user.")
    return [
        _pressed(action, payload, _place(message, channel, stamp), user, received_at)
        for action in as_objects(payload.get("actions"))
        if action.get("type") == "button"
    ]


def _place(message: Json, channel: str, stamp: str) -> str:
    if channel.startswith("D") and not message.get("thread_ts"):
        return channel
    return f"{channel}:{_text(message.get('thread_ts')) or stamp}"


def _pressed(action: Json, payload: Json, thread: str, user: Json, received_at: int) -> ButtonPressed:
    name, value = _required(action, "action_id"), _text(action.get("value"))
    stamp = _text(action.get("action_ts"))
    return ButtonPressed(
        thread=thread,
        dedupe=f"action:{_text(payload.get('trigger_id')) or thread}:{name}:{stamp}",
        occurred_at=_instant(stamp) if stamp else received_at,
        sender=Party(
            kind="slack_user",
            value=_text(user.get("id")),
            name=_text(user.get("name")) or _text(user.get("username")),
            role=Role.CUSTOMER,
            evidence=Evidence.ATTESTED,
        ),
        reference=value or None,
        action=name,
        value=value,
        label=_text(as_object(action.get("text")).get("text")),
    )


# --- text ------------------------------------------------------------------------------------------------------------
def plain(text: str) -> str:
    """Return Slack's markup as a person reads it: mentions as @id, links as their words, entities as characters.

    Source: docs.slack.dev/messaging/formatting-message-text#retrieving-messages.
    """
    if "<" in text:
        text = _LINK.sub(_spoken, text)
    return unescape(text) if "&" in text else text


def _spoken(found: re.Match[str]) -> str:
    target, words = found[1], found[2]
    if target.startswith(("@", "#")):
        return f"{target[0]}{words or target[1:]}"
    if target.startswith("!"):
        return f"@{(words or target[1:]).lstrip('@')}"
    if words and words != target:
        return f"{words} ({target})"
    return target


# --- reading JSON that others wrote ----------------------------------------------------------------------------------
def _form(body: bytes) -> Json:
    """Return the payload of an interactivity form, read as Bolt reads it."""
    try:
        parsed: object = BoltRequest(body=body.decode("ascii"), headers=_FORM).body
    except (UnicodeDecodeError, ValueError, RecursionError, AttributeError, TypeError, KeyError):
        raise UnreadableDelivery("The body is no form with a JSON `payload`.") from None
    return as_object(parsed)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _required(value: Json, name: str) -> str:
    found = _text(value.get(name))
    if not found:
        raise UnreadableDelivery(f"The event has no `{name}`.")
    return found


def _instant(stamp: str) -> int:
    """Return Slack's time stamp (seconds, six digits of fraction) as UTC microseconds. Raises UnreadableDelivery."""
    seconds, _, fraction = stamp.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12 and (not fraction or fraction.isdigit())):  # noqa: PLR2004
        raise UnreadableDelivery("A time stamp of the event cannot be read.")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)
