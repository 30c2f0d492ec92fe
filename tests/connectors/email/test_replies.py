"""Replies go out by SMTP, once, and what became of them is told truly."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import events
from connectors.email.replies import From, letter
from connectors.email.sandbox import ADDRESS
from gateway.sdk import (
    File,
    OutcomeUnknown,
    PermanentFailure,
    Reply,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.target_contract import ReplierContract
from tests.connectors.email.set_up import CUSTOMER, EmailSetUp, a_reply, read


class TestReplies(ReplierContract, EmailSetUp):
    def route(self) -> str:
        return "smtp.send"

    def something(self, sandbox: Any, key: str) -> Reply:
        return a_reply(key, text="SECRET-BODY and more")

    def written(self, sandbox: Any, key: str) -> int:
        return sum(1 for raw in sandbox.received_by(CUSTOMER) if self._is(raw, key))

    def _is(self, raw: bytes, key: str) -> bool:
        from connectors.email import tokens
        from connectors.email.sandbox import TOKEN_KEY

        expected = tokens.message_id_for(TOKEN_KEY.encode(), key, CUSTOMER, ADDRESS.partition("@")[2])
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


# --- whatever a customer wrote, a mail has the headers that we gave it -----------------------------------------------
_NASTY = st.one_of(
    st.text(max_size=120),
    st.sampled_from(
        ["a\r\nBcc: x@evil.example", "a\nX: y", "\r\n\r\nbody", "a\x00b", "\u2028x", "é" * 200, "=?utf-8?q?=0D=0A?="]
    ),
)


@given(subject=_NASTY, name=_NASTY, text=_NASTY, file_name=_NASTY, in_reply_to=_NASTY, media_type=_NASTY)
def test_whatever_a_customer_wrote_a_mail_has_our_headers_and_no_others(
    subject: str, name: str, text: str, file_name: str, in_reply_to: str, media_type: str
) -> None:
    reply = a_reply(subject=subject, text=text, in_reply_to=in_reply_to)
    made = letter(
        reply,
        recipient=CUSTOMER,
        message_id="<b1.x.y@shop.example>",
        sender=From(address=ADDRESS, name=name),
        at=1_767_225_600_000_000,
        files=[(File(name=file_name, media_type=media_type), b"\r\n.\r\nbytes")],
        left_out=[(File(name=file_name), "too large")],
    )
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", made.raw) is None
    assert b"\x00" not in made.raw
    assert all(len(line) <= 998 for line in made.raw.split(b"\r\n"))
    mail = read(made.raw)
    names = [key for key, _ in mail.raw_items()]
    optional = ["In-Reply-To", "References"] if "In-Reply-To" in names else []
    assert names == [
        *("From", "To", "Subject", "Date", "Message-ID", *optional),
        *("Auto-Submitted", "X-Auto-Response-Suppress", "X-Baton-Loop", "MIME-Version", "Content-Type"),
    ]
    assert mail["To"] == CUSTOMER
    assert mail["From"].addresses[0].addr_spec == ADDRESS
    assert mail["Message-ID"] == "<b1.x.y@shop.example>"
    (attachment,) = mail.iter_attachments()
    assert attachment.get_payload(decode=True) == b"\r\n.\r\nbytes"


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nRCPT TO:<x@y.example>", "<a@b.example>", "a b@c.example", "a@b,c@d.example", "", "a"]
)
def test_an_address_that_could_not_be_written_safely_is_refused(address: str) -> None:
    with pytest.raises(PermanentFailure):
        letter(a_reply(), recipient=address, message_id="<b@c>", sender=From(address=ADDRESS), at=0)
