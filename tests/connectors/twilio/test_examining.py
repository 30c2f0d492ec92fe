"""What `baton doctor` says of Twilio's account and key (PL-3): its kind shows by what it may read, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.twilio import VOICE
from connectors.twilio.sandbox_account import ACCOUNT, ApiKey
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from gateway.sdk import Finding
from gateway.testing.contracts import ConnectorContract
from gateway.testing.host import FakeHost
from tests.connectors.twilio.test_twilio import TwilioSetUp

NEEDED = frozenset({"Messages", "IncomingPhoneNumbers"})


class TestKeys(TwilioSetUp):
    async def seen(self, sandbox: Any, host: FakeHost, key: ApiKey | None = None) -> dict[str, Finding]:
        values = self.values(sandbox)
        if key is not None:
            sandbox.keys["SK1"] = key
            values |= {"api_key_sid": "SK1", "api_key_secret": key.secret}
        connector: Any = self.make(values, host)
        await connector.open()
        findings = (await connector.examine()).findings
        assert sandbox.writes() == 0
        return {each.subject: each for each in findings}

    @pytest.mark.parametrize(
        ("key", "kind", "privilege"),
        [
            (None, "the account's auth token", "may do everything in the account"),
            (ApiKey(secret="s", kind="main"), "a main API key", "make keys as well"),
            (ApiKey(secret="s", kind="standard"), "a standard API key", "everything in the account but make keys"),
            (ApiKey(secret="s", resources=NEEDED), "a restricted API key", "nothing beyond what Baton needs"),
            (ApiKey(secret="s", resources=NEEDED | {"Calls"}), "a restricted API key", "more than Baton needs: Calls"),
        ],
    )
    async def test_the_kind_of_key_shows_and_what_it_may_beyond_need(
        self, sandbox: Any, host: FakeHost, key: ApiKey | None, kind: str, privilege: str
    ) -> None:
        found = await self.seen(sandbox, host, key)
        assert f"made with {kind}, which may read what it must" in found["scopes"].sentence
        assert privilege in found["least privilege"].sentence
        assert all(each.good for each in found.values())
        narrow = privilege.startswith("nothing")
        assert bool(found["least privilege"].advice) != narrow

    async def test_a_key_that_lacks_a_permission_is_told_which(self, sandbox: Any, host: FakeHost) -> None:
        found = await self.seen(sandbox, host, ApiKey(secret="s", resources=frozenset({"Messages"})))
        assert found["scopes"].sentence.endswith("which may not read: Incoming Phone Numbers.")
        assert not found["scopes"].good
        assert found["scopes"].advice

    @pytest.mark.parametrize(
        ("about", "words", "good"),
        [
            ({}, "is a main account.", True),
            ({"owner_account_sid": "AC" + "9" * 32}, f"is a sub-account of AC{'9' * 32}.", True),
            ({"status": "suspended"}, "it is suspended", False),
            ({"type": "Trial"}, "trial account", False),
        ],
    )
    async def test_whose_account_it_is_and_whether_it_works(
        self, sandbox: Any, host: FakeHost, about: dict[str, str], words: str, good: bool
    ) -> None:
        sandbox.about |= about
        found = (await self.seen(sandbox, host))["account"]
        assert words in found.sentence
        assert found.good is good

    async def test_a_key_that_is_not_shown_the_account_is_no_reason_to_worry(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        found = (await self.seen(sandbox, host, ApiKey(secret="s", resources=NEEDED)))["account"]
        assert (found.good, ACCOUNT in found.sentence) == (True, False)


class TestKeysOfCalls(ConnectorContract):
    spec = VOICE
    sandbox_class = TwilioVoiceSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "twilio"}

    async def test_a_key_of_calls_that_may_not_read_recordings_is_told_so(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.keys["SK1"] = ApiKey(secret="s", resources=frozenset({"Calls", "IncomingPhoneNumbers", "Messages"}))
        connector: Any = self.make({**self.values(sandbox), "api_key_sid": "SK1", "api_key_secret": "s"}, host)
        await connector.open()
        found = {each.subject: each for each in (await connector.examine()).findings}
        assert "may not read: Recordings" in found["scopes"].sentence
        assert "more than Baton needs: Messages" in found["least privilege"].sentence
