"""PLACEHOLDER of branch mailbox; to be replaced by branch mail's."""

from __future__ import annotations

import email
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from email import policy
from email.utils import parseaddr

from connectors.email import tokens
from gateway.sdk import ChannelEvent, Delivery, Evidence, InboundEmail, Party, UnreadableDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What is our own."""

    addresses: frozenset[str]
    authserv_ids: frozenset[str]
    keys: tuple[str, ...]


def thread_key(address: str, root: str) -> str:
    """Return the key of a thread."""
    return f"{address.lower()}|{root}"


def address_of(thread: str) -> str:
    """Return the address that a thread is held with."""
    return thread.partition("|")[0]


def lane_of(delivery: Delivery) -> str:
    """Return the lane."""
    return delivery.connection


def parse_delivery(delivery: Delivery, own: Own) -> Iterable[ChannelEvent]:
    """Say what happened."""
    message = email.message_from_bytes(delivery.body, policy=policy.default)
    sender = parseaddr(str(message["From"] or ""))[1].lower()
    if not sender:
        raise UnreadableDelivery("The mail has no sender.")
    message_id = str(message["Message-ID"] or "").strip() or f"<{hashlib.sha256(delivery.body).hexdigest()}@baton>"
    references = tuple(reversed(str(message["References"] or "").split()))
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    yield InboundEmail(
        thread=thread_key(sender, references[-1] if references else message_id),
        dedupe=f"{message_id}:{hashlib.sha256(delivery.body).hexdigest()}",
        occurred_at=delivery.received_at,
        sender=Party(kind="email", value=sender, evidence=Evidence.CLAIMED),
        own=sender in own.addresses,
        message_id=message_id,
        subject=str(message["Subject"] or ""),
        text=text,
        reply_text=text,
        references=references,
        reference=tokens.reference_of(own.keys, references, sender),
    )
