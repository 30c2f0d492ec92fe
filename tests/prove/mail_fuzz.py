"""Any bytes are events or unreadable, in bounded time and memory: mutated mails and webhooks, thousands of them."""

from __future__ import annotations

import random
import resource
import time
import traceback
from pathlib import Path
from typing import Final

from connectors.email.events import Own, parse_delivery
from gateway.model import Channel
from gateway.sdk import Delivery, UnreadableDelivery
from gateway.store.codec import encode
from gateway.testing.source_contract import read_delivery
from normalizers import normalize
from tests.prove.proof import Figures, Proof, Size

_RECORDINGS: Final = Path(__file__).parents[1] / "connectors" / "email" / "deliveries"
_REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "mime"
_OWN: Final = Own(addresses=frozenset({"help@help.example"}), authserv_ids=("mx.help.example",), keys=(b"fuzz" * 8,))
#: What parsers stumble over.
_TOKENS: Final = (
    b"\r", b"\n", b"\r\n\r\n", b"\x00", b"\xff\xfe", b"=?", b"?=", b"=?utf-8?b?", b"=?utf-7?q?+2AA-?=", b"--", b"--b--\r\n", b"(((", b'"', b"\\",
    b"<", b">", b"@", b":", b";", b",", b"=", b"&#", b"&#x110000;", b"<!--", b"<div style='display:none'>", b"<blockquote>", b"> ", b"On 1:11 x wrote:\n",
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n", b"Content-Type: message/delivery-status\n", b"Content-Type: text/html; charset=",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n", b"format=flowed", b"filename*0*=", b"Date: ", b"9" * 30, b"\\ud800", b"[", b"{", b"%", b"+",
)  # fmt: skip


def _seeds() -> list[Delivery]:
    """Return what is mutated: our recordings, and mails of others where they are at hand."""
    ours = [read_delivery(path) for path in sorted(_RECORDINGS.glob("*.delivery.json"))]
    theirs = [path for path in sorted(_REFERENCE.rglob("*")) if path.is_file()] if _REFERENCE.is_dir() else []
    return ours + [_delivery(path.read_bytes()[:200_000], "", ()) for path in theirs]


def _delivery(body: bytes, endpoint: str, headers: tuple[tuple[str, str], ...]) -> Delivery:
    return Delivery(
        connection="mailbox",
        endpoint=endpoint,
        received_at=1_793_692_800_000_000,
        method="POST" if endpoint else "FRAME",
        url="",
        headers=headers,
        body=body,
    )


def _mutated(rng: random.Random, body: bytes, other: bytes) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(body) + 1)
        cut = min(len(body), at + rng.choice((0, 1, 1, 7, 60, 500)))
        match rng.randrange(6):
            case 0:
                body = body[:at] + bytes(rng.randrange(256) for _ in range(rng.choice((1, 2, 9)))) + body[cut:]
            case 1:
                body = body[:at] + rng.choice(_TOKENS) + body[cut:]
            case 2:
                body = body[:at] + body[at:cut] * rng.choice((2, 3, 50, 400)) + body[cut:]
            case 3:
                start = rng.randrange(len(other) + 1)
                body = body[:at] + other[start : start + rng.choice((10, 100, 2_000))] + body[at:]
            case 4:
                body = body[:at] + rng.choice(_TOKENS) * rng.choice((10, 300, 3_000)) + body[at:]
            case _:
                body = body[:at] + body[cut:]
    return body[:1_000_000]


def fuzz(size: Size, _directory: Path) -> Figures:
    """Mutate, parse, normalize and encode."""
    count = size.pick(300, 20_000, 1_000_000)
    rng, seeds = random.Random(15), _seeds()
    figures = Figures(tries=count, unit="mail")
    wrong: list[str] = []
    events = unreadable = 0
    longest = total = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        seed, other = rng.choice(seeds), rng.choice(seeds)
        made = _delivery(_mutated(rng, seed.body, other.body), seed.endpoint, seed.headers)
        begun = time.process_time()
        try:
            for event in parse_delivery(made, _OWN):
                encode(normalize(event, connection="mailbox", channel=Channel.EMAIL, received_at=made.received_at))
                events += 1
        except UnreadableDelivery:
            unreadable += 1
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            wrong.append(f"{number}: {type(error).__name__} in {where.name}, line {where.lineno}")
        took = time.process_time() - begun
        longest, total = max(longest, took), total + took
    figures.tell("mutated mails and webhooks", count)
    figures.at_least("events that came out", events, count // 2)
    figures.tell("unreadable ones, with a sentence", unreadable)
    figures.none_of("exceptions but UnreadableDelivery", wrong)
    figures.at_most("longest processor time of one, seconds", round(longest, 3), 5)
    figures.tell("mean processor time of one, milliseconds", round(total / count * 1000, 2))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    figures.at_most("growth of the process at its largest, MB", grown, 256)
    return figures


PROOF: Final = Proof(
    name="mail_fuzz",
    promise="Whatever bytes come as a mail or as a mail service's webhook: they become events or a dead letter with a sentence,"
    " in at most 5 s of processor time and 256 MB (promise I15).",
    limits="Mutations of recorded mails find what is near to real mail; they do not search for the worst case.",
    run=fuzz,
)
