"""A whole gateway between real mail servers and a helpdesk: mail becomes a ticket, its answer arrives, a kill costs nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.store import open_store
from tests.app.gateways import Served
from tests.connectors.email.set_up import read
from tests.mail_servers import PASSWORD, MailServers

_POLICY = """
[phrases]
help = ["a human"]

[[rule]]
id = "help"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P2", reason = "The customer asks for a person." }
reply = "Somebody looks into it. Your reference is #{{ticket.id}}."

[[rule]]
id = "keep"
when.all = ["channel == 'email'"]
do = "mirror"
target = "zendesk"

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.second]
final = { target = "queue:zendesk/Escalations" }
[[ladder.second.step]]
target = "queue:zendesk/Second line"
ack_within = "1h"
"""


_NOTHING_YET: dict[str, Any] = {"deliveries": 0, "deliveries_pending": 0, "activities_pending": 0, "effects": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A served gateway, its mailbox, and the helpdesk."""

    served: Served
    servers: MailServers
    zendesk: ZendeskSandbox
    address: str
    customer: str

    def write(self, number: int, text: str) -> None:
        """Have the customer write a mail."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = f"Ada <{self.customer}>", self.address, f"Matter {number}"
        message["Message-ID"] = f"<{number}.{self.customer}>"
        message.set_content(text)
        self.servers.deliver(self.customer, self.address, message.as_bytes(policy=SMTP))

    async def until_taken(self, count: int, seconds: float = 90) -> None:
        """Wait until so many mails are taken and decided, and nothing is under way."""
        async with asyncio.timeout(seconds):
            while True:
                accounts = await self.accounts()
                busy = sum(accounts["effects"].get(state, 0) for state in ("pending", "sending", "unknown"))
                waiting = accounts["activities_pending"] + accounts["deliveries_pending"]
                # One delivery more than mails: the note of where reading began.
                if not busy and not waiting and accounts["deliveries"] > count:
                    return
                await asyncio.sleep(0.2)

    async def accounts(self) -> dict[str, Any]:
        done = await asyncio.to_thread(self.served.run, "status", "--json")
        return dict(json.loads(done.stdout)["accounts"]) if done.returncode == 0 else _NOTHING_YET

    async def until_listening(self) -> None:
        """Wait until the mailbox is read: mail that is there before is left alone."""
        async with asyncio.timeout(60):
            while not any(" EXAMINE" in line or "Login: user=" in line for line in self._lines()):
                await asyncio.sleep(0.05)
            while (await self.accounts()).get("deliveries", 0) < 1:
                await asyncio.sleep(0.1)

    def _lines(self) -> list[str]:
        user = self.address.partition("@")[0]
        log = (self.servers.home / "dovecot.log").read_text(errors="replace").splitlines()
        return [line for line in log if f"user=<{user}>" in line]


@asynccontextmanager
async def desk(directory: Path, servers: MailServers) -> AsyncGenerator[Desk, None]:
    zendesk = ZendeskSandbox()
    await zendesk.start()
    address, customer = servers.user("help"), servers.user("ada")
    values = zendesk.settings()
    (directory / "escalation.toml").write_text(_POLICY)
    (directory / "plugins.toml").write_text(f"""
[gateway]
listen = "127.0.0.1:0"

[email.support]
connector = "email"
mode = "live"
address = "{address}"
name = "Shop"
user = "{address.partition("@")[0]}"
password = {{ env = "MAIL_PASSWORD" }}
token_key = {{ env = "MAIL_TOKEN_KEY" }}
imap_host = "localhost"
imap_port = {servers.imaps}
imap_poll = 2
smtp_host = "localhost"
smtp_port = {servers.smtp}
tls_ca_file = "{servers.authority}"
sent = "append"

[helpdesk.zendesk]
connector = "zendesk"
mode = "live"
subdomain = "{values["subdomain"]}"
email = "{values["email"]}"
user_id = {values["user_id"]}
api_url = "{zendesk.url}"
api_token = {{ env = "ZENDESK_API_TOKEN" }}
webhook_secret = {{ env = "ZENDESK_WEBHOOK_SECRET" }}
""")
    environ = {
        "MAIL_PASSWORD": PASSWORD,
        "MAIL_TOKEN_KEY": "canary-token-key-0123456789",
        "ZENDESK_API_TOKEN": zendesk.secrets()["api_token"],
        "ZENDESK_WEBHOOK_SECRET": zendesk.secrets()["webhook_secret"],
    }
    served = Served(directory=directory, environ=environ)
    served.start()
    try:
        await served.until_ready()
        found = Desk(served=served, servers=servers, zendesk=zendesk, address=address, customer=customer)
        await found.until_listening()
        yield found
    finally:
        served.kill()
        await zendesk.stop()


async def test_a_mail_becomes_a_ticket_and_its_answer_arrives_where_the_customer_wrote(
    tmp_path: Path, postfix: MailServers
) -> None:
    async with desk(tmp_path, postfix) as at:
        at.write(1, "I want to speak to a human.\n")
        await at.until_taken(1)
        (ticket,) = [at.zendesk.ticket(number) for number in at.zendesk.account.tickets]
        name = at.customer.partition("@")[0]
        async with asyncio.timeout(60):
            while not postfix.mails(name):
                await asyncio.sleep(0.1)
        (raw,) = postfix.mails(name)
        mail = read(raw)
        first = f"<1.{at.customer}>"
        assert (mail["In-Reply-To"], mail["References"], mail["Subject"]) == (first, first, "Re: Matter 1")
        assert mail["From"] == f"Shop <{at.address}>"
        assert f"Your reference is #{ticket.id}." in mail.get_content()
        flags = postfix.flags(at.address.partition("@")[0])
        assert len(flags) == 1
        assert "Seen" not in flags[0]
        log = at.served.log()
        assert "canary" not in log
        assert PASSWORD not in log
        assert "speak to a human" not in log


@pytest.mark.timeout(300)
async def test_kills_between_fetch_and_commit_lose_nothing_and_double_nothing(
    tmp_path: Path, postfix: MailServers
) -> None:
    chance = random.Random(20_261_127)
    async with desk(tmp_path, postfix) as at:
        number = 0
        for _ in range(5):
            for _ in range(6):
                number += 1
                await asyncio.to_thread(at.write, number, f"Matter number {number}.\n")
                await asyncio.sleep(chance.random() * 0.12)
            at.served.kill()
            number += 1
            await asyncio.to_thread(at.write, number, f"Matter number {number}, written while nobody read.\n")
            at.served.start()
            await at.served.until_ready()
            await asyncio.sleep(chance.random() * 1.5)
        await at.until_taken(number, 60)
        at.served.kill()
        store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
        try:
            histories = [store.history(case.id) for case in store.cases(10_000)]
            subjects = Counter(
                applied.activity.subject
                for history in histories
                if history is not None
                for applied in history.activities
                if applied.activity.kind.value == "message"
            )
        finally:
            store.close()
        assert subjects == Counter(f"Matter {each}" for each in range(1, number + 1))
        external = Counter(at.zendesk.ticket(each).external_id for each in at.zendesk.account.tickets)
        assert len(external) == number
        assert set(external.values()) == {1}
        flags = postfix.flags(at.address.partition("@")[0])
        assert len(flags) == number
        assert not [each for each in flags if "Seen" in each]
