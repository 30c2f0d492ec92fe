"""Against Dovecot and Postfix as Debian ships them: TLS, signing in, IDLE, a server that restarts, what they say themselves."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from connectors.email import events
from connectors.email.connector import EmailConnector
from connectors.email.settings import EmailSettings
from gateway.sdk import CredentialsRefused, InboundEmail, PermanentFailure, TemporaryFailure
from gateway.testing.host import FakeHost
from tests.connectors.email.set_up import Journal, a_reply, listening, read
from tests.mail_servers import PASSWORD, MailServers

_NUMBER = itertools.count()


class LiveHost(FakeHost):
    """A host whose clock goes."""

    def now(self) -> int:
        return time.time_ns() // 1_000


@pytest.fixture
async def host() -> AsyncIterator[LiveHost]:
    host = LiveHost()
    yield host
    await host.close()


@pytest.fixture
def address(mail_servers: MailServers) -> str:
    return mail_servers.user("help")


@pytest.fixture
def customer(mail_servers: MailServers) -> str:
    return mail_servers.user("ada")


def made(servers: MailServers, address: str, host: Any, **changes: Any) -> EmailConnector:
    values: dict[str, Any] = {
        "address": address,
        "user": address.partition("@")[0],
        "password": PASSWORD,
        "token_key": "t" * 32,
        "imap_host": "localhost",
        "imap_port": servers.imaps,
        "imap_poll": 20,
        "smtp_host": "localhost" if servers.postfix is not None else "",
        "smtp_port": servers.smtp,
        "tls_ca_file": servers.authority,
        "sent": "append",
        **changes,
    }
    return EmailConnector(EmailSettings(**values), host)


def a_mail(sender: str, recipient: str, subject: str = "Broken", text: str = "It is broken.\n") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Message-ID"] = f"<{next(_NUMBER)}.{time.time_ns()}@customer.example>"
    message.set_content(text)
    return message.as_bytes(policy=SMTP)


async def begun(journal: Journal) -> None:
    async with asyncio.timeout(60):
        while journal.cursor is None:
            await asyncio.sleep(0.01)


async def test_a_mail_goes_from_postfix_through_dovecot_and_is_told_by_idle(
    mail_servers: MailServers, address: str, customer: str, host: LiveHost
) -> None:
    connector = made(mail_servers, address, host, imap_poll=600)
    await connector.check()
    journal = Journal()
    async with listening(connector, journal):
        await begun(journal)
        for number in range(3):
            mail_servers.deliver(customer, address, a_mail(customer, address, f"Mail {number}"))
            await journal.until(number + 1, 60)  # No look comes by then: IDLE told of it.
    assert [read(each.body)["Subject"] for each in journal.mails] == ["Mail 0", "Mail 1", "Mail 2"]
    assert read(journal.mails[0].body)["Received"], "the headers of real servers are there"
    flags = mail_servers.flags(address.partition("@")[0])
    assert len(flags) == 3
    assert not [each for each in flags if "Seen" in each], flags
    (event,) = connector.parse(journal.mails[0])
    assert isinstance(event, InboundEmail)
    assert event.sender.value == customer


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_reply_arrives_in_the_customers_mailbox_as_it_should(
    postfix: MailServers, address: str, customer: str, host: LiveHost, security: str
) -> None:
    port = postfix.smtp if security == "starttls" else postfix.smtps
    imap = postfix.imap if security == "starttls" else postfix.imaps
    connector = made(
        postfix, address, host, smtp_security=security, smtp_port=port, imap_security=security, imap_port=imap
    )
    first = "<first.one@customer.example>"
    text = "Grüße,\n.\n.. zwei Punkte\nFrom here on\n" + "a long line " * 200 + "\n"
    what = a_reply(thread=events.thread_key(customer, first), in_reply_to=first, subject="Größe", text=text)
    receipt = await connector.reply(what)
    name = customer.partition("@")[0]
    async with asyncio.timeout(60):
        while not postfix.mails(name):
            await asyncio.sleep(0.05)
    (raw,) = postfix.mails(name)
    mail = read(raw)
    assert (mail["From"], mail["To"], mail["Subject"]) == (address, customer, "Re: Größe")
    assert (mail["Message-ID"], mail["In-Reply-To"], mail["References"]) == (receipt.ids[0].id, first, first)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Return-Path"] == f"<{address}>"
    assert mail.get_content().replace("\r\n", "\n") == text
    (copy,) = postfix.mails(address.partition("@")[0], "Sent")
    assert read(copy)["Message-ID"] == receipt.ids[0].id
    assert postfix.flags(address.partition("@")[0], "Sent") == ["\\Seen \\Recent"]
    assert await connector.settle_reply(what) == receipt


async def test_what_postfix_says_is_understood(
    postfix: MailServers, address: str, customer: str, host: LiveHost
) -> None:
    connector = made(postfix, address, host)
    thread = events.thread_key("nobody-there@customer.example", "<a@customer.example>")
    with pytest.raises(PermanentFailure, match=r"550 5\.1\.1"):
        await connector.reply(a_reply(thread=thread))
    thread = events.thread_key(customer, "<a@customer.example>")
    with pytest.raises(PermanentFailure, match="5000000 bytes"):
        await connector.reply(a_reply(thread=thread, text="x" * 5_000_001))
    found = await connector.examine()
    said = {each.subject: each.sentence for each in found.findings}
    assert "offers IDLE" in said["imap"]
    assert "5000000 bytes" in said["smtp"]
    assert found.addresses == (f"email:{address}",)


async def test_who_is_not_let_in_and_who_is_not_trusted(postfix: MailServers, address: str, host: LiveHost) -> None:
    with pytest.raises(CredentialsRefused, match="IMAP"):
        await made(postfix, address, host, password="wrong").check()
    with pytest.raises(CredentialsRefused, match="SMTP"):
        await made(postfix, address, host, smtp_password="wrong").check()
    with pytest.raises(TemporaryFailure, match="certificate"):
        await made(postfix, address, host, tls_ca_file="").check()
    with pytest.raises(TemporaryFailure, match="SMTP server's certificate"):
        await made(
            postfix,
            address,
            host,
            way_in="postmark",
            hook_token="t" * 16,
            imap_host="",
            sent="none",
            tls_ca_file="",
        ).check()


async def test_a_restart_of_dovecot_loses_nothing_and_doubles_nothing(
    mail_servers: MailServers, address: str, customer: str, host: LiveHost
) -> None:
    journal = Journal()
    async with listening(made(mail_servers, address, host), journal) as task:
        await begun(journal)
        mail_servers.deliver(customer, address, a_mail(customer, address, "Before"))
        await journal.until(1)
        mail_servers.stop_dovecot()
        try:
            async with asyncio.timeout(60):
                with pytest.raises(TemporaryFailure):
                    await task
            mail_servers.deliver(customer, address, a_mail(customer, address, "Meanwhile"))
            with pytest.raises(TemporaryFailure):
                await made(mail_servers, address, host).check()
        finally:
            mail_servers.start_dovecot()
    async with listening(made(mail_servers, address, host), journal):
        await journal.until(2, 20)
        mail_servers.deliver(customer, address, a_mail(customer, address, "After"))
        await journal.until(3, 20)
    assert [read(each.body)["Subject"] for each in journal.mails] == ["Before", "Meanwhile", "After"]


async def test_new_numbers_of_dovecot_lose_nothing_and_double_nothing(
    mail_servers: MailServers, address: str, customer: str, host: LiveHost
) -> None:
    name = address.partition("@")[0]
    mail_servers.drop(name, b"From: o@customer.example\r\nSubject: Old\r\n\r\nx\r\n", 1_700_000_000)
    journal = Journal()
    async with listening(made(mail_servers, address, host), journal):
        await begun(journal)
        mail_servers.deliver(customer, address, a_mail(customer, address, "Before"))
        await journal.until(1)
    before = str(journal.cursor).split(":")[1]
    mail_servers.doveadm("mailbox", "update", "-u", name, "--uid-validity", str(int(before) + 1_000), "INBOX")
    mail_servers.deliver(customer, address, a_mail(customer, address, "Meanwhile"))
    connector = made(mail_servers, address, host)
    async with listening(connector, journal):
        await journal.until(3, 20)
        mail_servers.deliver(customer, address, a_mail(customer, address, "After"))
        await journal.until(4, 20)
    subjects = [str(read(each.body)["Subject"]) for each in journal.mails]
    assert sorted(subjects) == ["After", "Before", "Before", "Meanwhile"]
    assert len({event.dedupe for each in journal.mails for event in connector.parse(each)}) == 3
    assert str(journal.cursor).split(":")[1] == str(int(before) + 1_000)


async def test_a_large_mail_comes_in_part_and_says_so(
    mail_servers: MailServers, address: str, customer: str, host: LiveHost
) -> None:
    journal = Journal()
    connector = made(mail_servers, address, host, max_mail=100_000)
    async with listening(connector, journal):
        await begun(journal)
        mail_servers.deliver(customer, address, a_mail(customer, address, "Long", "word " * 200_000))
        await journal.until(1, 20)
    (delivery,) = journal.mails
    assert len(delivery.body) == 100_000
    assert (delivery.whole_size or 0) > 1_000_000
    (event,) = connector.parse(delivery)
    assert isinstance(event, InboundEmail)
    assert "only the first 100000 of them" in event.text
