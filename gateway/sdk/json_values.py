"""Reading JSON that others wrote: what is there is taken, and what is not there or of another kind is read as empty.

A vendor adds, leaves out and renames as it likes, and anybody can post to a hook. So these never raise over a value's kind; only
a body that is no JSON, and a time that cannot be read, make a delivery unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

from gateway.sdk.errors import UnreadableDelivery

_strictly: Final = msgspec.json.Decoder().decode


def read_json(body: bytes) -> object:
    """Return the JSON value that a delivery's body holds. Raises UnreadableDelivery."""
    try:
        return _strictly(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        # Slower, and it takes what the other refuses though vendors send it: lone surrogates, NaN, UTF-16, a mark in front.
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableDelivery("The body is not JSON.") from None
    return value


def read_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object that a delivery's body holds. Raises UnreadableDelivery, also for another JSON value."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise UnreadableDelivery("The body is JSON, and no object.")
    return cast("Mapping[str, Any]", value)


def as_object(value: object) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return a JSON array, an empty one for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_objects(value: object) -> list[Mapping[str, Any]]:
    """Return a JSON array of objects: a member that is none is an empty object, and anything but an array is an empty array."""
    return [as_object(each) for each in as_list(value)]


def as_text(value: object) -> str:
    """Return a string, or a whole number as text (ids come as either); empty for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_instant(value: object, otherwise: str) -> int:
    """Return a time in ISO 8601, without an offset one of UTC, as UTC microseconds.

    Raises UnreadableDelivery with the sentence `otherwise` when it is none.
    """
    try:
        moment = datetime.fromisoformat(as_text(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise UnreadableDelivery(otherwise) from None


def printable(text: str) -> str:
    """Return a text without what nobody can read and no store takes: control characters but line feeds, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(each for each in text.encode(errors="replace").decode() if each.isprintable() or each == "\n")
