"""The connector: letters come in, cards and calls go out.

Paperboy's writes are PUTs under a key of ours: the same key twice leaves one card, and a GET says whether it is there.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from typing import Any, Final

import aiohttp

from gateway.sdk import (
    ChannelEvent,
    ChatMessage,
    Connector,
    CredentialsRefused,
    Delivery,
    DeliveryRejected,
    ForeignId,
    Handoff,
    HandoffTarget,
    Notice,
    Notifier,
    OutcomeUnknown,
    Party,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
    UnreadableDelivery,
    WebhookSource,
)

from .settings import PaperboySettings
from .signing import SIGNATURE, STAMP, digest

#: How far a time stamp may be off, seconds.
WINDOW: Final = 300
_LONGEST_STAMP: Final = 12


class Paperboy(Connector[PaperboySettings], WebhookSource, HandoffTarget, Notifier):
    """A Paperboy account."""

    async def open(self) -> None:
        """Nothing to do: each call stands alone."""

    async def check(self) -> None:
        """Ask who we are."""
        await self._call("GET", "me")

    async def close(self) -> None:
        """Nothing to free: the session is the host's."""

    # --- in ----------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Compare the signature over time stamp and body."""
        stamp, signature = delivery.header(STAMP), delivery.header(SIGNATURE)
        if stamp is None or signature is None:
            raise DeliveryRejected("It is not signed.")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_STAMP):
            raise DeliveryRejected("Its time stamp is no number.")
        if abs(delivery.received_at // 1_000_000 - int(stamp)) > WINDOW:
            raise DeliveryRejected("Its time stamp is too far away.")
        right = digest(delivery.body, stamp, self.settings.signing_secret.get_secret_value())
        if not hmac.compare_digest(signature.encode(errors="replace"), right.encode()):
            raise DeliveryRejected("Its signature is wrong.")

    def lane(self, delivery: Delivery) -> str:
        """Keep the letters of one street in order."""
        try:
            return str(_object(delivery.body).get("street") or "-")
        except UnreadableDelivery:
            return "-"

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Yield the letter; other kinds are not ours."""
        said = _object(delivery.body)
        if said.get("kind") != "letter":
            return
        fields = [said.get(name) for name in ("street", "letter", "from", "text")]
        street, letter, sender, text = (value if isinstance(value, str) else "" for value in fields)
        at = said.get("at")
        if not (street and letter and sender) or not isinstance(at, int) or isinstance(at, bool):
            raise UnreadableDelivery("A letter without street, number, sender or time.")
        yield ChatMessage(
            thread=street,
            dedupe=letter,
            occurred_at=at,
            sender=Party(kind="paperboy", value=sender, name=sender),
            message_id=letter,
            text=text,
        )

    # --- out ---------------------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Put a card."""
        told = await self._call("PUT", f"cards/{handoff.key}", _card(handoff))
        return self._card_receipt(told or {})

    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Look for the card."""
        told = await self._call("GET", f"cards/{handoff.key}")
        return None if told is None else self._card_receipt(told)

    async def notify(self, notice: Notice) -> Receipt:
        """Put a call."""
        facts = "; ".join(f"{label}: {value}" for label, value in notice.facts)
        body = {"bell": notice.destination, "text": "\n".join(filter(None, (notice.title, notice.text, facts)))}
        await self._call("PUT", f"calls/{notice.key}", body)
        return Receipt(ids=(ForeignId(kind="call", id=notice.key),))

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Look for the call."""
        told = await self._call("GET", f"calls/{notice.key}")
        return None if told is None else Receipt(ids=(ForeignId(kind="call", id=notice.key),))

    def _card_receipt(self, told: dict[str, Any]) -> Receipt:
        box, card = str(told.get("box", "")), str(told.get("card", ""))
        if not box or not card:
            raise OutcomeUnknown("Paperboy did not say which card it made.")
        return Receipt(
            ids=(ForeignId(kind="box", id=box), ForeignId(kind="card", id=card)),
            ticket_id=box,
            url=f"{self.settings.api_url}/boxes/{box}",
        )

    # --- calls -------------------------------------------------------------------------------------------------------
    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Make one call; None for a thing that is not there. Raises the contract's errors."""
        url = f"{self.settings.api_url}/v1/{path}"
        headers = {"Authorization": f"Bearer {self.settings.api_token.get_secret_value()}"}
        try:
            async with self.host.http.request(method, url, json=body, headers=headers) as answer:
                data = await answer.read()
                status, wish = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorError:
            raise TemporaryFailure("Paperboy cannot be reached.") from None
        except (aiohttp.ClientError, TimeoutError):
            raise _unsure(method, "Paperboy's answer was lost.") from None
        _judge(method, status, wish)
        if status == 404:
            return None
        try:
            return _object(data)
        except UnreadableDelivery:
            raise _unsure(method, "Paperboy's answer cannot be read.") from None


def _judge(method: str, status: int, wish: str) -> None:
    if status in {401, 403}:
        raise CredentialsRefused("Paperboy does not accept the API token.")
    if status == 429:
        raise TemporaryFailure("Paperboy asks for patience.", retry_after=float(wish) if wish.isdecimal() else None)
    if status == 503:
        raise TemporaryFailure("Paperboy is closed for now.")
    if status >= 500:
        raise _unsure(method, f"Paperboy broke (status {status}).")
    if status >= 400 and not (status == 404 and method == "GET"):
        raise PermanentFailure(f"Paperboy does not take it (status {status}).")


def _unsure(method: str, sentence: str) -> Exception:
    """Return what a call without a clear answer means: a read may be repeated, a write may have landed."""
    return TemporaryFailure(sentence) if method == "GET" else OutcomeUnknown(sentence)


def _card(handoff: Handoff) -> dict[str, Any]:
    lines = [entry.text for entry in handoff.entries]
    if handoff.packet is not None:
        lines = [handoff.packet.reason, *(entry.text for entry in handoff.packet.transcript)]
    return {
        "case": handoff.external_id,
        "box": handoff.ticket_id,
        "subject": handoff.subject,
        "shelf": handoff.group,
        "lines": [line for line in lines if line],
    }


def _object(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises UnreadableDelivery."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableDelivery("It is not JSON.") from None
    if not isinstance(found, dict):
        raise UnreadableDelivery("It is no JSON object.")
    return {str(key): value for key, value in found.items()}
