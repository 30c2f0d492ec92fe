"""What a bot posts → channel events: pure. The shapes are `docs/connectors/chatbot.schema.json`.

A conversation is a thread. A turn's own id makes it one event however often it is posted; without one, the id of the message
that brought it and its place do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from connectors.chatbot.signing import number_of
from gateway.sdk import (
    BotFacts,
    ChannelEvent,
    ChatMessage,
    Delivery,
    Evidence,
    HandoffRequested,
    Party,
    Role,
    UnreadableDelivery,
    printable,
)

Json: TypeAlias = Mapping[str, Any]

#: Turns that one message may bring.
MOST_TURNS: Final = 200
_TEXT: Final = 20_000
_WORD: Final = 200
_FIELDS: Final = 100
_THREAD: Final = "conversation:"
_BOT: Final = "bot"


def read(body: bytes) -> Json:
    """Return a message. Raises UnreadableDelivery."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableDelivery("The message is no JSON.") from None
    if not isinstance(found, dict):
        raise UnreadableDelivery("The message is no JSON object.")
    return cast("Json", found)


def thread_of(conversation: str) -> str:
    """Return the key of a conversation's thread."""
    return _THREAD + conversation


def conversation_of(thread: str) -> str:
    """Return the conversation of a thread, empty when it is none of ours."""
    return thread.removeprefix(_THREAD) if thread.startswith(_THREAD) else ""


def conversation_in(told: Json) -> str:
    """Return the conversation that a message is about. Raises UnreadableDelivery."""
    return _word(told, "conversation", needed=True)


def lane_of(delivery: Delivery) -> str:
    """Return the conversation's lane; never raises."""
    try:
        return thread_of(conversation_in(read(delivery.body)))
    except UnreadableDelivery:
        return delivery.connection


def parse_delivery(delivery: Delivery) -> Iterable[ChannelEvent]:
    """Return what a bot says. Raises UnreadableDelivery."""
    told = read(delivery.body)
    kind = told.get("type")
    # What is no text has no hash to look for, and is no kind either.
    if not isinstance(kind, str) or kind not in {"turns", "handoff"}:
        return []
    talk = _Talk(told, delivery)
    turns = _list(told, "turns", MOST_TURNS)
    if kind == "turns" and not turns:
        raise UnreadableDelivery("turns must hold at least one turn.")
    events: list[ChannelEvent] = [talk.turn(turn, place) for place, turn in enumerate(turns)]
    return [*events, talk.handoff()] if kind == "handoff" else events


class _Talk:
    """One message about one conversation."""

    def __init__(self, told: Json, delivery: Delivery) -> None:
        self.told = told
        self.conversation = conversation_in(told)
        self.thread = thread_of(self.conversation)
        self.number = number_of(delivery)
        self.received_at = delivery.received_at
        bot = _object(told, "bot")
        self.bot = Party(
            kind=_BOT,
            value=_word(bot, "id") or _BOT,
            name=_word(bot, "name"),
            role=Role.BOT,
            evidence=Evidence.ATTESTED,
        )
        self.customer, self.extras = self._customer(_object(told, "customer"))

    def _customer(self, told: Json) -> tuple[Party, Mapping[str, object]]:
        """Return who the customer is: as far as the bot's platform says that it knows, and no further."""
        number, email = _word(told, "id"), _word(told, "email")
        verified = told.get("verified") is True
        evidence = Evidence.VERIFIED if verified else Evidence.ATTESTED
        extras = {
            f"claimed_{name}": value
            for name in ("email", "phone")
            if (value := _word(told, name)) and (name != "email" or not verified)
        }
        party = Party(
            kind="bot_user" if number else "bot_conversation",
            value=number or self.conversation,
            name=_word(told, "name"),
            evidence=evidence if number else Evidence.CLAIMED,
            email=email if verified and number else "",
        )
        if email and not number:
            extras["claimed_email"] = email
        return party, extras

    def turn(self, turn: object, place: int) -> ChannelEvent:
        if not isinstance(turn, dict):
            raise UnreadableDelivery("A turn must be an object.")
        told = cast("Json", turn)
        role = told.get("role")
        if role not in {"customer", _BOT}:
            raise UnreadableDelivery("A turn's role must be customer or bot.")
        text = told.get("text")
        if not isinstance(text, str) or len(text) > _TEXT:
            raise UnreadableDelivery(f"A turn's text must be text of at most {_TEXT} characters.")
        number = _word(told, "id")
        own = f"{self.conversation}/{number}" if number else f"{self.number}/{place}"
        bot = role == _BOT
        return ChatMessage(
            thread=self.thread,
            dedupe=f"turn:{own}" if number else f"place:{own}",
            occurred_at=self._time(told),
            sender=self.bot if bot else self.customer,
            message_id=own,
            text=text,
            bot=_facts(told) if bot else None,
            extras={} if bot else self.extras,
        )

    def handoff(self) -> ChannelEvent:
        number = _word(self.told, "id")
        return HandoffRequested(
            thread=self.thread,
            dedupe=f"handoff:{self.conversation}/{number}" if number else f"handoff-message:{self.number}",
            occurred_at=self._time(self.told),
            sender=self.bot,
            reason=_word(self.told, "reason", longest=2_000),
            skill=_word(self.told, "skill"),
            bot=_facts(self.told),
            extras=self.extras,
        )

    def _time(self, told: Json) -> int:
        """Return when it happened, by the bot's clock where it says so (RFC 3339, with its offset)."""
        at = told.get("at")
        if at is None:
            return self.received_at
        try:
            found = datetime.fromisoformat(at)
            if found.tzinfo is None:
                raise ValueError("no offset")
            return round(found.timestamp() * 1_000_000)
        except (ValueError, TypeError, OverflowError):
            raise UnreadableDelivery("A time must be written like 2026-05-04T09:30:00Z.") from None


def _facts(told: Json) -> BotFacts:
    sure = told.get("confidence")
    if sure is not None and not (_is_number(sure) and 0 <= sure <= 1):
        raise UnreadableDelivery("A confidence must be a number from 0 to 1.")
    fields = _object(told, "fields")
    if len(fields) > _FIELDS:
        raise UnreadableDelivery(f"fields may have {_FIELDS} members.")
    return BotFacts(
        confidence=None if sure is None else float(sure),
        fallback=told.get("fallback") is True,
        intent=_word(told, "intent"),
        fields={printable(name)[:_WORD]: _shown(value) for name, value in fields.items()},
        attempted=tuple(_shown(each) for each in _list(told, "attempted", _FIELDS)),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_SHOWN: Final[dict[type, Callable[[Any], str]]] = {
    str: lambda value: value,
    bool: lambda value: "yes" if value else "no",
    int: str,
    float: str,
}


def _shown(value: object) -> str:
    """Return a field's value as text; what is neither text nor number nor yes or no, as JSON."""
    make = _SHOWN.get(type(value), json.dumps)
    try:
        return printable(make(value))[:2_000]
    except ValueError:
        # A number of thousands of digits; Python does not write it (CVE-2020-10735).
        raise UnreadableDelivery("A field holds a number that is too long.") from None


def _object(told: Json, name: str) -> Json:
    found = told.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UnreadableDelivery(f"{name} must be an object.")
    return cast("Json", found)


def _list(told: Json, name: str, most: int) -> list[object]:
    found: object = told.get(name, [])
    if not isinstance(found, list):
        raise UnreadableDelivery(f"{name} must be a list.")
    members = cast("list[object]", found)
    if len(members) > most:
        raise UnreadableDelivery(f"{name} must be a list of at most {most} members.")
    return members


def _word(told: Json, name: str, *, needed: bool = False, longest: int = _WORD) -> str:
    found = told.get(name)
    if found is None and not needed:
        return ""
    if not isinstance(found, str) or len(found) > longest or (needed and not found.strip()):
        raise UnreadableDelivery(f"{name} must be text of at most {longest} characters.")
    return printable(found)
