"""Files that customers send stand on the ticket, byte for byte, or the ticket says why not (promise I27)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.faults import FaultKind
from tests.app.vendors import Vendors, serving

WISH = "I want to speak to a real person, see the file"


def attached(vendors: Vendors) -> dict[str, bytes]:
    """Return the files on all tickets, by name."""
    account = vendors.zendesk.account
    return {
        file["file_name"]: account.files[file["id"]]
        for ticket in account.tickets.values()
        for comment in ticket.comments
        for file in comment["attachments"]
    }


def notes(vendors: Vendors) -> str:
    return "\n".join(c["body"] for t in vendors.zendesk.account.tickets.values() for c in t.comments)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("bill.pdf", b"%PDF-1.7 \x00\xff bytes"),
        ("empty.txt", b""),
        ("Rechnung für März (2).pdf", b"x"),
        ("a/b\\..\\c\r\nX-Header: 1.pdf", b"y"),
        ("large.bin", bytes(range(256)) * 20_000),
    ],
)
async def test_a_file_from_slack_stands_on_the_zendesk_ticket(tmp_path: Path, name: str, body: bytes) -> None:
    async with serving(tmp_path, "live") as vendors:
        vendors.slack.person_writes("U1", WISH, file=name)
        (number,) = vendors.slack.files
        resized(vendors.slack, number, body)
        await vendors.rest()
        found = attached(vendors)
        assert list(found.values()) == [body]
        assert "\n" not in next(iter(found))
        assert "[file: " in notes(vendors)


def resized(slack: Any, number: str, body: bytes) -> None:
    """Have a file of Slack's hold other bytes, of another size."""
    slack.files[number] = body
    waiting, slack.webhooks.waiting = slack.webhooks.waiting, []
    for webhook in waiting:
        told = json.loads(webhook.body)
        for file in told["event"].get("files", []):
            file["size"] = len(body)
        slack.webhooks.put(replace(webhook, body=json.dumps(told).encode()))


async def test_what_is_too_large_or_gone_is_named_with_the_reason(tmp_path: Path) -> None:
    async with serving(tmp_path, "live") as vendors:
        vendors.slack.person_writes("U1", WISH, file="film.mov")
        (film,) = vendors.slack.files
        resized(vendors.slack, film, b"x" * 25_000_001)
        vendors.slack.person_writes("U2", WISH, file="gone.pdf")
        gone = next(each for each in vendors.slack.files if each != film)
        del vendors.slack.files[gone]
        await vendors.rest()
        assert attached(vendors) == {}
        assert "[file not carried: larger than 25 MB: film.mov]" in notes(vendors)
        assert "[file not carried: Slack does not give the file" in notes(vendors)


async def test_a_file_server_that_is_away_for_a_moment_costs_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, "live") as vendors:
        vendors.slack.faults.add("file", FaultKind.ERROR_BEFORE)
        vendors.slack.person_writes("U1", WISH, file="bill.pdf")
        await vendors.rest()
        assert attached(vendors) == {"bill.pdf": b"the bytes of bill.pdf"}
        assert len(vendors.zendesk.account.tickets) == 1


async def test_in_observe_mode_no_file_is_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path, "observe") as vendors:
        vendors.slack.person_writes("U1", WISH, file="bill.pdf")
        await vendors.rest()
        assert vendors.slack.count("file") == 0
