"""XOAUTH2: access tokens come, run out, are renewed and revoked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import (
    CredentialsRefused,
    TemporaryFailure,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.email.set_up import CUSTOMER, EmailSetUp, a_reply


class TestOAuth(EmailSetUp):
    @pytest.fixture
    def with_oauth(self, sandbox: Any, tmp_path: Path) -> dict[str, Any]:
        values = {**self.values(sandbox), **sandbox.oauth_settings(str(tmp_path / "token"))}
        del values["password"]
        return values

    async def test_both_servers_let_in_who_comes_with_a_token(
        self, sandbox: Any, host: FakeHost, with_oauth: Any
    ) -> None:
        connector = self.make(with_oauth, host)
        await connector.check()
        await connector.reply(a_reply())
        assert len(sandbox.received_by(CUSTOMER)) == 1
        assert sandbox.count("oauth.token") == 1

    async def test_an_application_with_a_right_of_its_own_needs_no_refresh_token(
        self, sandbox: Any, host: FakeHost, with_oauth: Any
    ) -> None:
        changed = {
            **with_oauth,
            "oauth_grant": "client_credentials",
            "oauth_refresh_token": None,
            "oauth_token_file": "",
        }
        await self.make(changed, host).check()

    async def test_a_token_is_renewed_before_it_runs_out(self, sandbox: Any, host: FakeHost, with_oauth: Any) -> None:
        connector = self.make(with_oauth, host)
        for minutes, tokens in ((0, 1), (50, 1), (6, 2), (56, 3)):
            host.time += minutes * 60_000_000
            await connector.check()
            assert sandbox.count("oauth.token") == tokens

    async def test_the_newest_refresh_token_outlives_the_process(
        self, sandbox: Any, host: FakeHost, with_oauth: Any, tmp_path: Path
    ) -> None:
        for _ in range(3):
            await self.make(with_oauth, host).check()
        assert sandbox.refresh_token == "sandbox-refresh-4"
        kept = tmp_path / "token"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert os.listdir(tmp_path) == ["token"]  # noqa: PTH208 (nothing else lies beside it)

    async def test_a_refresh_token_that_an_admin_sets_anew_is_taken(
        self, sandbox: Any, host: FakeHost, with_oauth: Any
    ) -> None:
        await self.make(with_oauth, host).check()
        sandbox.refresh_token = "signed-in-again"
        with pytest.raises(CredentialsRefused):
            await self.make(with_oauth, host).check()
        await self.make({**with_oauth, "oauth_refresh_token": "signed-in-again"}, host).check()

    async def test_a_revoked_token_is_refused_credentials(self, sandbox: Any, host: FakeHost, with_oauth: Any) -> None:
        connector = self.make(with_oauth, host)
        await connector.check()
        sandbox.revokes()
        host.time += 3_600_000_000
        with pytest.raises(CredentialsRefused, match="sign in again") as refused:
            await connector.check()
        assert "sandbox-" not in str(refused.value)

    async def test_a_token_that_is_taken_back_early_is_replaced_and_not_called_refused(
        self, sandbox: Any, host: FakeHost, with_oauth: Any
    ) -> None:
        connector = self.make(with_oauth, host)
        await connector.check()
        host.time += 120_000_000
        sandbox.takes_access_back()
        with pytest.raises(TemporaryFailure):
            await connector.check()
        await connector.check()
        sandbox.takes_access_back()
        with pytest.raises(CredentialsRefused):
            await connector.check()

    async def test_a_token_endpoint_that_is_away_or_busy_is_a_temporary_failure(
        self, sandbox: Any, host: FakeHost, with_oauth: Any
    ) -> None:
        for fault in (FaultKind.RESET_BEFORE, FaultKind.ERROR_BEFORE, FaultKind.HALF_BODY, FaultKind.ERROR_AFTER):
            sandbox.faults.add("oauth.token", fault)
            with pytest.raises(TemporaryFailure):
                await self.make({**with_oauth, "oauth_grant": "client_credentials"}, host).check()
        sandbox.faults.add("oauth.token", FaultKind.RATE_LIMITED, seconds=9)
        with pytest.raises(TemporaryFailure) as failure:
            await self.make(with_oauth, host).check()
        assert failure.value.retry_after == 9

    async def test_a_wrong_client_is_refused_credentials(self, host: FakeHost, with_oauth: Any) -> None:
        with pytest.raises(CredentialsRefused, match="invalid_client"):
            await self.make({**with_oauth, "oauth_client_secret": "wrong"}, host).check()

    async def test_a_place_that_cannot_keep_the_token_is_said_and_costs_nothing_now(
        self, host: FakeHost, with_oauth: Any
    ) -> None:
        await self.make({**with_oauth, "oauth_token_file": "/nowhere/at/all"}, host).check()
        assert "oauth_token_file" in " ".join(host.lines)
        assert "sandbox-refresh" not in " ".join(host.lines)

    async def test_no_log_of_any_library_shows_a_secret(
        self, sandbox: Any, host: FakeHost, with_oauth: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(1)
        await self.make(with_oauth, host).check()
        await self.make(self.values(sandbox), host).check()
        shown = caplog.text + " ".join(host.lines)
        for secret in (*sandbox.secrets().values(), "sandbox-access", "sandbox-refresh", "sandbox-client-secret"):
            assert secret not in shown
