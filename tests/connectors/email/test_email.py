"""The e-mail connector keeps the contracts it claims, against the stand-in; see test_real_servers for Dovecot and Postfix."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.email import SPEC, events
from connectors.email.imap import Mark
from connectors.email.sandbox import ADDRESS, EmailSandbox
from gateway.sdk import (
    CredentialsRefused,
    Cursor,
    Delivery,
    File,
    InboundEmail,
    OutcomeUnknown,
    PermanentFailure,
    Reply,
    TemporaryFailure,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.target_contract import ReplierContract

CUSTOMER = "ada@customer.example"


class EmailSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = EmailSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "imapclient", "aiosmtplib", "cryptography"}

    def api_secrets(self, sandbox: Any) -> list[str]:
        return ["password"]


def a_reply(key: str = "0198-key", **changes: Any) -> Reply:
    thread = events.thread_key(CUSTOMER, "<first@customer.example>")
    values: dict[str, Any] = {
        "key": key,
        "case_id": "case-1",
        "thread": thread,
        "text": "We look into it.\n",
        "subject": "My order",
        "in_reply_to": "<first@customer.example>",
    }
    return Reply(**{**values, **changes})


def read(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", message_from_bytes(raw, policy=policy.default))


class TestReplies(ReplierContract, EmailSetUp):
    def route(self) -> str:
        return "smtp.send"

    def something(self, sandbox: Any, key: str) -> Reply:
        return a_reply(key, text="SECRET-BODY and more")

    def written(self, sandbox: Any, key: str) -> int:
        return sum(
            1 for raw in sandbox.received_by(CUSTOMER) if key in str(read(raw)["Message-ID"]) or self._is(raw, key)
        )

    def _is(self, raw: bytes, key: str) -> bool:
        from connectors.email import tokens
        from connectors.email.sandbox import TOKEN_KEY

        expected = tokens.message_id_for(TOKEN_KEY, key, CUSTOMER, ADDRESS.partition("@")[2])
        return str(read(raw)["Message-ID"]) == expected

    # --- what a mail looks like --------------------------------------------------------------------------------------
    async def test_a_reply_is_a_mail_that_answers_and_owns_up_to_be_automatic(
        self, connector: Any, sandbox: Any
    ) -> None:
        await connector.reply(a_reply(subject="AW: Re: Größe 38", text="Grüße\n.\nfrom us\n"))
        (raw,) = sandbox.received_by(CUSTOMER)
        mail = read(raw)
        assert mail["Subject"] == "Re: Größe 38"
        assert mail["In-Reply-To"] == mail["References"] == "<first@customer.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert mail["X-Baton-Loop"]
        assert (mail["From"], mail["To"]) == (ADDRESS, CUSTOMER)
        assert mail.get_content().replace("\r\n", "\n") == "Grüße\n.\nfrom us\n"
        assert max(len(line) for line in raw.split(b"\r\n")) < 999
        assert raw.isascii()

    async def test_files_go_along_and_those_that_cannot_are_named(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        photo, film = b"\x89PNG\r\n\x00.\r\n" * 50, b"m" * 900_000
        host.blobs = {hashlib.sha256(each).hexdigest(): each for each in (photo, film)}
        files = (
            File(
                name="../photo\r\nBcc: x@y.example.png",
                media_type="image/png",
                sha256=hashlib.sha256(photo).hexdigest(),
            ),
            File(name="film.mov", media_type="video/quicktime", sha256=hashlib.sha256(film).hexdigest()),
            File(name="plan.pdf", note="too large"),
        )
        sandbox.size = 500_000
        await connector.reply(a_reply(files=files))
        (raw,) = sandbox.received_by(CUSTOMER)
        mail = read(raw)
        assert mail["Bcc"] is None
        (part,) = mail.iter_attachments()
        assert part.get_content() == photo
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert "[Not sent along: plan.pdf (too large)]" in text
        assert "[Not sent along: film.mov (too large for our mail server)]" in text

    async def test_a_text_that_is_too_large_is_refused_for_good_before_anything_is_sent(
        self, connector: Any, sandbox: Any
    ) -> None:
        sandbox.size = 1_000
        with pytest.raises(PermanentFailure, match="1000 bytes"):
            await connector.reply(a_reply(text="x" * 2_000))
        assert sandbox.count("smtp.send") == 0

    async def test_a_recipient_that_does_not_exist_is_a_failure_for_good(self, connector: Any) -> None:
        thread = events.thread_key("nobody@customer.example", "<a@customer.example>")
        with pytest.raises(PermanentFailure, match=r"550 5\.1\.1") as failure:
            await connector.reply(a_reply(thread=thread))
        assert "nobody@" not in str(failure.value)

    # --- what can be proven ------------------------------------------------------------------------------------------
    async def test_no_copy_proves_nothing_until_the_server_had_its_time(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.faults.add("smtp.send", FaultKind.ERROR_BEFORE, status=500)
        with pytest.raises(OutcomeUnknown):
            await connector.reply(a_reply())
        with pytest.raises(OutcomeUnknown):
            await connector.settle_reply(a_reply())
        host.time += 121_000_000
        assert await connector.settle_reply(a_reply()) is None

    @pytest.mark.parametrize("sent", ["append", "none"])
    async def test_where_the_server_keeps_no_copies_a_lost_answer_waits_for_a_person(
        self, sandbox: Any, host: FakeHost, sent: str
    ) -> None:
        sandbox.keeps_sent = False
        connector = self.make({**self.values(sandbox), "sent": sent}, host)
        sandbox.faults.add("smtp.send", FaultKind.RESET_AFTER)
        with pytest.raises(OutcomeUnknown):
            await connector.reply(a_reply())
        host.time += 10**12
        with pytest.raises(OutcomeUnknown, match="log for <"):
            await connector.settle_reply(a_reply())

    async def test_a_copy_is_kept_where_the_server_keeps_none(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.keeps_sent = False
        connector = self.make({**self.values(sandbox), "sent": "append"}, host)
        receipt = await connector.reply(a_reply())
        (kept,) = sandbox.folders["Sent"].mails
        assert kept.seen
        assert kept.raw == sandbox.received_by(CUSTOMER)[0]
        assert await connector.settle_reply(a_reply()) == receipt

    async def test_a_copy_that_cannot_be_kept_sends_nothing_twice(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.keeps_sent = False
        connector = self.make({**self.values(sandbox), "sent": "append", "sent_folder": "Gone"}, host)
        await connector.reply(a_reply())
        assert sandbox.count("smtp.send") == 1
        assert "no copy" in " ".join(host.lines)


# --- the mailbox -----------------------------------------------------------------------------------------------------
@dataclass
class Journal:
    """What a gateway would have kept: deliveries, and the cursor that moved with them."""

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    cursor: Cursor | None = None
    #: Deliveries that may still be kept before the gateway dies; None for any number.
    life: int | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        if self.life is not None:
            if self.life == 0:
                raise ConnectionAbortedError("killed before the commit")
            self.life -= 1
        self.deliveries.append(delivery)
        self.cursor = cursor
        self.moved.set()

    @property
    def mails(self) -> list[Delivery]:
        return [each for each in self.deliveries if each.endpoint == "imap"]

    async def until(self, count: int, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while len(self.mails) < count:
                self.moved.clear()
                await self.moved.wait()


@asynccontextmanager
async def listening(connector: Any, journal: Journal) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(connector.listen(journal.cursor, journal.emit))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


class TestMailbox(EmailSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "imap_poll": 5}

    @pytest.mark.parametrize("idles", [True, False])
    async def test_new_mail_is_told_once_and_stays_unread(
        self, connector: Any, sandbox: Any, host: FakeHost, idles: bool
    ) -> None:
        sandbox.idles = idles
        connector = self.make({**self.values(sandbox), "imap_poll": 5 if idles else 1}, host)
        sandbox.customer_writes("old@customer.example", "Old", "from before")
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(5):
                await journal.moved.wait()  # the place where reading begins is kept before anything comes
            for number in range(3):
                sandbox.customer_writes(CUSTOMER, f"Mail {number}", "Hello")
                await journal.until(number + 1, 4)
        assert [read(each.body)["Subject"] for each in journal.mails] == ["Mail 0", "Mail 1", "Mail 2"]
        assert not [kept for kept in sandbox.folders["INBOX"].mails if kept.seen]
        assert list(connector.parse(journal.deliveries[0])) == []
        (event,) = connector.parse(journal.mails[0])
        assert isinstance(event, InboundEmail)
        assert (event.sender.value, event.subject) == (CUSTOMER, "Mail 0")

    async def test_mail_that_comes_between_the_first_look_and_a_crash_is_not_lost(
        self, connector: Any, sandbox: Any
    ) -> None:
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(5):
                await journal.moved.wait()
        sandbox.customer_writes(CUSTOMER, "While away", "Hello")
        async with listening(connector, journal):
            await journal.until(1)

    async def test_all_mail_is_taken_in_where_that_is_wanted(self, sandbox: Any, host: FakeHost) -> None:
        for number in range(5):
            sandbox.customer_writes(CUSTOMER, f"Mail {number}", "Hello")
        connector = self.make({**self.values(sandbox), "imap_begin": "all"}, host)
        journal = Journal()
        async with listening(connector, journal):
            await journal.until(5)

    async def test_a_crash_at_any_commit_loses_nothing_and_doubles_nothing(self, sandbox: Any, host: FakeHost) -> None:
        values = {**self.values(sandbox), "imap_begin": "all"}
        for number in range(6):
            sandbox.customer_writes(CUSTOMER, f"Mail {number}", "Hello")
        journal = Journal()
        for life in (0, 1, 2, 0, 1, 9):
            journal.life = life
            connector = self.make(values, host)
            async with listening(connector, journal) as task:
                if life < 9:
                    async with asyncio.timeout(10):
                        with pytest.raises(ConnectionAbortedError):
                            await task
                else:
                    await journal.until(6)
        assert [read(each.body)["Subject"] for each in journal.mails] == [f"Mail {number}" for number in range(6)]

    async def test_a_connection_that_breaks_is_a_temporary_failure_and_the_next_one_goes_on(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        journal = Journal()
        for fault in (FaultKind.RESET_BEFORE, None):
            if fault:
                sandbox.faults.add("imap.uid_fetch", fault)
            async with listening(connector, journal) as task:
                async with asyncio.timeout(5):
                    while journal.cursor is None:
                        await asyncio.sleep(0.01)
                if fault:
                    sandbox.customer_writes(CUSTOMER, "Mail", "Hello")
                    async with asyncio.timeout(10):
                        with pytest.raises(TemporaryFailure):
                            await task
                else:
                    await journal.until(1)
                    sandbox.cuts_connections()
                    async with asyncio.timeout(10):
                        with pytest.raises(TemporaryFailure):
                            await task
            connector = self.make(self.values(sandbox), host)
        assert len(journal.mails) == 1

    async def test_new_numbers_double_nothing_and_lose_nothing(self, sandbox: Any, host: FakeHost) -> None:
        """Old mail stays old, known mail has the same key, and what came meanwhile is taken."""
        old = host.time - 400 * 86_400_000_000
        folder = sandbox.folders["INBOX"]
        folder.put(b"From: old@customer.example\r\nSubject: Old\r\n\r\nx\r\n", old)
        journal = Journal()
        connector = self.make(self.values(sandbox), host)
        async with listening(connector, journal):
            async with asyncio.timeout(5):
                await journal.moved.wait()
            sandbox.customer_writes(CUSTOMER, "Before", "Hello")
            await journal.until(1)
        host.time += 3_600_000_000
        sandbox.customer_writes(CUSTOMER, "Meanwhile", "Hello")
        folder.mails.reverse()  # the newest first, the oldest last: the order of numbers says nothing after a restore
        sandbox.mailbox_is_renumbered()
        connector = self.make(self.values(sandbox), host)
        async with listening(connector, journal):
            await journal.until(3)
            sandbox.customer_writes(CUSTOMER, "After", "Hello")
            await journal.until(4)
        subjects = [str(read(each.body)["Subject"]) for each in journal.mails]
        assert "Old" not in subjects
        keys = {event.dedupe for each in journal.mails for event in connector.parse(each)}
        assert len(keys) == 3
        assert set(subjects) == {"Before", "Meanwhile", "After"}
        assert Mark.read(str(journal.cursor)).validity == 2

    async def test_a_crash_while_looking_through_renumbered_mail_takes_no_old_mail_in(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        folder = sandbox.folders["INBOX"]
        journal = Journal()
        connector = self.make(self.values(sandbox), host)
        async with listening(connector, journal):
            async with asyncio.timeout(5):
                await journal.moved.wait()
            for number in range(3):
                sandbox.customer_writes(CUSTOMER, f"Mail {number}", "Hello")
            await journal.until(3)
        for number in range(4):  # an archive is moved in, behind what is known
            folder.put(f"Subject: Old {number}\r\nFrom: o@customer.example\r\n\r\nx\r\n".encode(), host.time - 10**15)
        sandbox.mailbox_is_renumbered()
        host.time += 20 * 86_400_000_000
        journal.life = 2
        async with listening(self.make(self.values(sandbox), host), journal) as task:
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionAbortedError):
                    await task
        journal.life = None
        async with listening(self.make(self.values(sandbox), host), journal):
            sandbox.customer_writes(CUSTOMER, "New", "Hello")
            await journal.until(7)
        assert not [each for each in journal.mails if str(read(each.body)["Subject"]).startswith("Old")]

    async def test_a_mail_that_is_too_large_is_cut_and_says_so(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "max_mail": 65_536, "imap_begin": "all"}, host)
        sandbox.customer_writes(CUSTOMER, "Long", "word " * 40_000)
        journal = Journal()
        async with listening(connector, journal):
            await journal.until(1)
        (delivery,) = journal.mails
        size = len(sandbox.folders["INBOX"].mails[0].raw)
        assert len(delivery.body) == 65_536
        assert delivery.whole_size == size
        (event,) = connector.parse(delivery)
        assert isinstance(event, InboundEmail)
        assert f"[This mail has {size} bytes" in event.text
        assert event.extras["cut"] == {"size": size, "kept": 65_536}

    async def test_a_server_that_hangs_is_noticed(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "imap_poll": 1}, host)
        sandbox.faults.add("imap.idle", FaultKind.HANG, seconds=60)
        async with listening(connector, Journal()) as task, asyncio.timeout(10):
            with pytest.raises(TemporaryFailure, match="within 3 seconds"):
                await task

    async def test_ending_ends_at_once_and_leaves_no_thread_waiting(self, connector: Any, sandbox: Any) -> None:
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(5):
                await journal.moved.wait()
                while not sandbox.count("imap.idle"):
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(3):
            while sandbox._sessions:
                await asyncio.sleep(0.01)

    async def test_a_cursor_of_another_version_is_refused_and_not_guessed(self, connector: Any) -> None:
        async with asyncio.timeout(5):
            with pytest.raises(PermanentFailure):
                await connector.listen("2:1:1", Journal().emit)

    async def test_an_examination_names_the_address_and_what_the_servers_offer(self, connector: Any) -> None:
        found = await connector.examine()
        assert found.addresses == (f"email:{ADDRESS}",)
        sentences = {each.subject: each.sentence for each in found.findings}
        assert "offers IDLE" in sentences["imap"]
        assert "26214400 bytes" in sentences["smtp"]
        assert "senders" in sentences

    async def test_attachments_come_out_of_the_mail(self, sandbox: Any, host: FakeHost) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Message-ID"] = CUSTOMER, ADDRESS, "<m@customer.example>"
        message.set_content("See the file.")
        message.add_attachment(b"\x00\x01bytes", maintype="application", subtype="octet-stream", filename="a.bin")
        sandbox.mail_comes(message.as_bytes(policy=policy.SMTP))
        connector = self.make({**self.values(sandbox), "imap_begin": "all"}, host)
        journal = Journal()
        async with listening(connector, journal):
            await journal.until(1)
        (event,) = connector.parse(journal.mails[0])
        for attachment in event.attachments:
            assert (
                b"".join([chunk async for chunk in connector.fetch(attachment, journal.mails[0])]) == b"\x00\x01bytes"
            )


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
        assert [each.name for each in tmp_path.iterdir()] == ["token"]

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
