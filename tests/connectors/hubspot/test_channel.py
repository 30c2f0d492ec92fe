"""The custom channel of HubSpot, and the OAuth app that it needs."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model import altered
from gateway.sdk import (
    ChatMessage,
    Mode,
    Party,
    Role,
    TemporaryFailure,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.hubspot.desk import (
    KINDS,
    READS,
    WRITES,
    HubSpotSetUp,
    carried,
    entry,
    handoff,
    oauth,
    packet,
    webhook_delivery,
)


# --- the custom channel ----------------------------------------------------------------------------------------------
class TestCustomChannel(HubSpotSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return oauth(super().values(sandbox))

    def api_secrets(self, sandbox: Any) -> list[str]:
        return ["refresh_token"]

    async def test_what_the_customer_says_stands_in_the_conversation_and_an_answer_comes_back(
        self, connector: Any, sandbox: Any
    ) -> None:
        sandbox.scopes.add("conversations.custom_channels.write")
        agent = Party(kind="slack_user", value="U9", name="Abe", role=Role.AGENT)
        said = (entry("You charged me twice!"), entry("We look into it", author=agent), entry("Hello?", at=5))
        receipt = await connector.hand_off(handoff(packet=packet(transcript=said)))
        assert [each["text"] for each in sandbox.portal.messages] == ["You charged me twice!", "Hello?"]
        # A line that the packet had comes again, with a new one.
        again = handoff("k2", case_id="k", external_id="baton:k", ticket_id=receipt.ticket_id, packet=None)
        await connector.hand_off(altered(again, entries=(said[2], entry("Still there?", at=6))))
        texts = [each["text"] for each in sandbox.portal.messages]
        assert texts == ["You charged me twice!", "Hello?", "Still there?"]
        note = [each for each in sandbox.portal.records["notes"].values() if "k2" in each.properties["hs_note_body"]]
        assert "Still there?" not in note[0].properties["hs_note_body"]
        sandbox.agent_replies("baton:k", "We are on it.")
        (event,) = connector.parse(webhook_delivery(sandbox.webhooks.waiting[-1].body))
        assert isinstance(event, ChatMessage)
        assert (event.text, event.sender.role, event.reference) == ("We are on it.", Role.AGENT, "baton:k")
        assert not event.own

    async def test_notes_mode_says_nothing_in_the_conversation(self, connector: Any, sandbox: Any) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "x")
        await connector.hand_off(handoff(ticket_id=ticket_id, mode=Mode.NOTES, entries=(entry("hi"),)))
        assert sandbox.portal.messages == []

    async def test_random_faults_leave_each_message_once(self, connector: Any, sandbox: Any) -> None:
        sandbox.scopes.add("conversations.custom_channels.write")
        for seed in range(30):
            sandbox.faults.at_random(seed, 0.25, KINDS, [*WRITES, *READS])
            await carried(connector, handoff(f"s{seed}"))
            sandbox.faults.clear()
        keys = [each["integrationIdempotencyId"] for each in sandbox.portal.messages]
        assert len(keys) == len(set(keys)) == 60

    async def test_the_token_is_renewed_before_it_ends_and_not_each_time(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.tokens.clear()
        for _ in range(3):
            await connector.check()
        assert sandbox.count("oauth.token") == 1
        host.time += 1_700 * 1_000_000
        sandbox.tokens.clear()
        await connector.check()
        assert sandbox.count("oauth.token") == 2
        paths = {call.path for call in sandbox.calls}
        assert paths == {"/oauth/2026-03/token", "/oauth/2026-03/token/introspect"}

    async def test_a_lost_renewal_has_written_nothing(self, connector: Any, sandbox: Any) -> None:
        sandbox.faults.add("oauth.token", FaultKind.RESET_AFTER)
        with pytest.raises(TemporaryFailure):
            await connector.hand_off(handoff())
