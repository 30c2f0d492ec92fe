"""The connector: an HMAC over time and body, one message a delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable

from gateway.sdk import (
    Ack,
    ChannelEvent,
    ChatMessage,
    Connector,
    Delivery,
    DeliveryRejected,
    Examination,
    Finding,
    Host,
    Party,
    TemporaryFailure,
    UnreadableDelivery,
    WebhookSource,
)

from .settings import ToySettings

SECRET = b"toy-secret"
OLD = 300 * 1_000_000


def sign(body: bytes, at: int, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(at)
    return {
        "X-Toy-Time": stamp,
        "X-Toy-Signature": hmac.new(secret, stamp.encode() + b":" + body, hashlib.sha256).hexdigest(),
    }


class ToyConnector(Connector[ToySettings], WebhookSource):
    """Verifies HMAC-SHA256 over time and body, five minutes at most."""

    def __init__(self, settings: ToySettings, host: Host) -> None:
        super().__init__(settings, host)
        if settings.trouble == "made":
            raise ZeroDivisionError

    async def open(self) -> None:
        if self.settings.trouble == "open":
            raise TemporaryFailure("Toyline is away")

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def examine(self) -> Examination:
        if self.settings.trouble == "examine":
            raise ZeroDivisionError
        addresses = (f"email:{self.settings.address}",) if self.settings.address else ()
        return Examination(
            findings=(Finding(subject="scopes", good=True, sentence="It may read toys."),), addresses=addresses
        )

    async def verify(self, delivery: Delivery) -> None:
        stamp, signature = delivery.header("X-Toy-Time"), delivery.header("X-Toy-Signature")
        if stamp is None or signature is None or not stamp.isdecimal():
            raise DeliveryRejected("unsigned")
        if abs(delivery.received_at - int(stamp)) > OLD:
            raise DeliveryRejected("old")
        if delivery.body == b"break the verifier":
            raise ZeroDivisionError
        secret = self.settings.secret.get_secret_value().encode()
        if not hmac.compare_digest(
            signature.encode(), sign(delivery.body, int(stamp), secret)["X-Toy-Signature"].encode()
        ):
            raise DeliveryRejected("forged")

    def lane(self, delivery: Delivery) -> str:
        return delivery.endpoint or "one"

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        try:
            told = json.loads(delivery.body)
            yield ChatMessage(
                thread=told["thread"],
                dedupe=told["id"],
                occurred_at=delivery.received_at,
                sender=Party(kind="toy", value="anna"),
                message_id=told["id"],
                text=told["text"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableDelivery("no toy message") from error

    def acknowledge(self, delivery: Delivery) -> Ack:
        if delivery.endpoint == "challenge":
            return Ack(body=b"c0de", content_type="text/plain", headers=(("X-Toy", "yes"),))
        return Ack(status=204)
