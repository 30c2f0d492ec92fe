"""The mailbox is read once, whole, and without a trace."""

from __future__ import annotations

import asyncio
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from connectors.email.imap import Mark
from connectors.email.sandbox import ADDRESS
from gateway.sdk import (
    CredentialsRefused,
    InboundEmail,
    PermanentFailure,
    TemporaryFailure,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.email.set_up import CUSTOMER, EmailSetUp, Journal, listening, read


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
            async with asyncio.timeout(60):
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

    async def test_mail_that_is_told_along_with_the_go_on_of_idle_is_noticed_at_once(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        connector = self.make({**self.values(sandbox), "imap_poll": 60}, host)
        sandbox.faults.add("imap.idle", FaultKind.DELAY_AFTER, seconds=0.3)
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(60):
                while not sandbox.count("imap.idle"):
                    await asyncio.sleep(0.01)
            sandbox.customer_writes(CUSTOMER, "Between", "Hello")
            await journal.until(1, 5)

    async def test_mail_that_comes_between_the_first_look_and_a_crash_is_not_lost(
        self, connector: Any, sandbox: Any
    ) -> None:
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(60):
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
                    async with asyncio.timeout(60):
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
                async with asyncio.timeout(60):
                    while journal.cursor is None:
                        await asyncio.sleep(0.01)
                if fault:
                    sandbox.customer_writes(CUSTOMER, "Mail", "Hello")
                    async with asyncio.timeout(60):
                        with pytest.raises(TemporaryFailure):
                            await task
                else:
                    await journal.until(1)
                    sandbox.cuts_connections()
                    async with asyncio.timeout(60):
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
            async with asyncio.timeout(60):
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
            async with asyncio.timeout(60):
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
            async with asyncio.timeout(60):
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
        assert event.extras["cut"] == [f"what stands behind the first 65536 of {size} bytes"]

    async def test_a_server_that_hangs_is_noticed(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "imap_poll": 1}, host)
        sandbox.faults.add("imap.idle", FaultKind.HANG, seconds=60)
        async with listening(connector, Journal()) as task, asyncio.timeout(60):
            with pytest.raises(TemporaryFailure, match="within 3 seconds"):
                await task

    async def test_ending_ends_at_once_and_leaves_no_thread_waiting(self, connector: Any, sandbox: Any) -> None:
        journal = Journal()
        async with listening(connector, journal):
            async with asyncio.timeout(60):
                await journal.moved.wait()
                while not sandbox.count("imap.idle"):
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            while sandbox._sessions:
                await asyncio.sleep(0.01)

    async def test_mail_is_read_while_the_smtp_server_is_away(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "smtp_port": 1}, host)
        await connector.check()
        assert "cannot be sent now" in " ".join(host.lines)
        with pytest.raises(CredentialsRefused):
            await self.make({**self.values(sandbox), "smtp_password": "wrong"}, host).check()

    async def test_a_cursor_of_another_version_is_refused_and_not_guessed(self, connector: Any) -> None:
        async with asyncio.timeout(60):
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
