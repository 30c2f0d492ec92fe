"""Staff who are told by mail: the contract of notifiers, and what such a mail says."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.email import tokens
from connectors.email.sandbox import ADDRESS, TOKEN_KEY
from gateway.sdk import Notice, PermanentFailure
from gateway.testing.target_contract import NotifierContract
from tests.connectors.email.set_up import EmailSetUp, read

EVE = "eve@desk.example"


def notice(key: str = "key", **more: Any) -> Notice:
    values: dict[str, Any] = {
        "key": key,
        "case_id": "c",
        "destination": EVE,
        "title": "P1 escalation: refund",
        "text": "SECRET-BODY",
        "facts": (("Customer", "Ada"),),
        "url": "https://desk.example/55",
    }
    return Notice(**(values | more))


class TestNotices(NotifierContract, EmailSetUp):
    """The same Message-ID for the same notice: once is once, as far as the server keeps what it takes."""

    def route(self) -> str:
        return "smtp.send"

    def something(self, sandbox: Any, key: str) -> Notice:
        return notice(key)

    def written(self, sandbox: Any, key: str) -> int:
        wanted = tokens.message_id_for(TOKEN_KEY.encode(), key, EVE, ADDRESS.partition("@")[2])
        return sum(1 for raw in sandbox.received_by(EVE) if str(read(raw)["Message-ID"]) == wanted)

    async def test_it_begins_a_conversation_and_says_where_the_case_is_taken(
        self, connector: Any, sandbox: Any
    ) -> None:
        await connector.notify(notice())
        (raw,) = sandbox.received_by(EVE)
        mail = read(raw)
        assert mail["Subject"] == "P1 escalation: refund"
        assert mail["In-Reply-To"] is None
        text = mail.get_content().replace("\r\n", "\n")
        assert text.startswith("P1 escalation: refund\n\n")
        assert "Customer: Ada" in text
        assert "https://desk.example/55" in text
        assert "An answer to this mail reaches nobody" in text

    @pytest.mark.parametrize("place", ["eve", "#channel", "eve@desk", "a b@desk.example", ""])
    async def test_what_is_no_address_gets_no_mail(self, connector: Any, sandbox: Any, place: str) -> None:
        with pytest.raises(PermanentFailure):
            await connector.notify(notice(destination=place))
        assert sandbox.received_by(EVE) == []
