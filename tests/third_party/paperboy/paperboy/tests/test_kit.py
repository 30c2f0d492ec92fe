"""Paperboy keeps the contracts it claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.sdk import Audience, Channel, Entry, Handoff, Mode, Notice, Packet, Party
from gateway.testing.contracts import ConnectorContract
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import HandoffTargetContract, NotifierContract

from .. import SPEC  # noqa: TID252 (its name here is not its name once installed)
from ..sandbox import PaperboySandbox  # noqa: TID252 (its name here is not its name once installed)
from ..signing import sign  # noqa: TID252 (its name here is not its name once installed)

CUSTOMER = Party(kind="paperboy", value="anna", name="Anna")


class PaperboySetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = PaperboySandbox


class TestSource(WebhookSourceContract, PaperboySetUp):
    deliveries = Path(__file__).parent / "deliveries"

    def body(self) -> bytes:
        letter = {"kind": "letter", "street": "S1", "letter": "L1", "from": "anna", "text": "Hello", "at": 1}
        return json.dumps(letter).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        return sign(body, at, secret or PaperboySandbox().secret)

    def unknown_bodies(self) -> list[bytes]:
        return [b'{"kind": "rain"}', b"{}"]


class TestHandoffs(HandoffTargetContract, PaperboySetUp):
    def route(self) -> str:
        return "card.put"

    def something(self, sandbox: Any, key: str) -> Handoff:
        said = Entry(
            occurred_at=1, author=CUSTOMER, channel=Channel.CHAT, audience=Audience.PUBLIC, text="SECRET-BODY", key=key
        )
        packet = Packet(
            version=1,
            case_id=f"case-{key}",
            episode_id=None,
            policy="p",
            subject="Rain",
            customer=CUSTOMER,
            priority=None,
            rule="wet",
            reason="The paper is wet.",
            evidence=(),
            transcript=(said,),
            complete=True,
        )
        return Handoff(
            key=key,
            case_id=f"case-{key}",
            external_id=f"baton:case-{key}",
            mode=Mode.LIVE,
            subject="Rain",
            requester=CUSTOMER,
            packet=packet,
        )

    def written(self, sandbox: Any, key: str) -> int:
        return sum(1 for card in sandbox.cards.values() if card["case"] == f"baton:case-{key}")

    async def test_an_update_lands_in_the_box_of_its_case(self, connector: Any, sandbox: Any) -> None:
        first = self.something(sandbox, "key-a")
        box = (await connector.hand_off(first)).ticket_id
        line = Entry(occurred_at=2, author=CUSTOMER, channel=Channel.CHAT, audience=Audience.PUBLIC, text="And now?")
        update = Handoff(
            key="key-b",
            case_id=first.case_id,
            external_id=first.external_id,
            mode=Mode.LIVE,
            ticket_id=box,
            entries=(line,),
        )
        assert (await connector.hand_off(update)).ticket_id == box
        assert [card["lines"] for card in sandbox.boxes()[box]] == [
            ["The paper is wet.", "SECRET-BODY"],
            ["And now?"],
        ]


class TestNotices(NotifierContract, PaperboySetUp):
    def route(self) -> str:
        return "call.put"

    def something(self, sandbox: Any, key: str) -> Notice:
        return Notice(key=key, case_id="case-1", destination="front", title="Look", text="SECRET-BODY")

    def written(self, sandbox: Any, key: str) -> int:
        return int(key in sandbox.bells)
