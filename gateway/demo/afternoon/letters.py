"""Mails as they lie in the mailbox: a customer's, a robot's and a mail server's, with what our server notes on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

#: The shop's own mail server: what it says of a sender counts.
_SERVER: Final = "mx.shop.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail."""

    #: Whose address stands there as the sender's.
    sender: str
    #: The name beside it.
    name: str
    subject: str
    text: str
    #: Its Message-ID.
    message_id: str
    #: What DMARC found.
    dmarc: str = "pass"
    #: The Message-ID that it says it answers.
    answers: str = ""
    #: Further header lines.
    headers: Sequence[tuple[str, str]] = ()
    #: Name and bytes of a file.
    file: tuple[str, bytes] | None = None


def written(mail: Mail, to: str, at: int) -> bytes:
    """Return a mail, written at an instant (UTC microseconds), as our mail server keeps it."""
    made = EmailMessage(policy=SMTP)
    domain = mail.sender.rpartition("@")[2]
    made["Authentication-Results"] = f"{_SERVER}; dmarc={mail.dmarc} header.from={domain}"
    made["From"] = f"{mail.name} <{mail.sender}>"
    made["To"] = to
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))
    made["Message-ID"] = mail.message_id
    if mail.answers:
        made["In-Reply-To"] = made["References"] = mail.answers
    for name, value in mail.headers:
        made[name] = value
    made.set_content(mail.text)
    if mail.file is not None:
        name, body = mail.file
        made.add_attachment(body, maintype="application", subtype="pdf", filename=name)
    return made.as_bytes()


def bounced(recipient: str, message_id: str, to: str, at: int) -> bytes:
    """Return what a mail server reports (RFC 3464) about a mail of ours that it could not deliver."""
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{_SERVER}>",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))}",
        f"Message-ID: <bounce-1@{_SERVER}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=bounce="',
        "",
        "--=bounce=",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"I could not deliver your message to {recipient}.",
        "",
        "--=bounce=",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {_SERVER}",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        "Action: failed",
        "Status: 5.2.2",
        "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full",
        "",
        "--=bounce=",
        "Content-Type: text/rfc822-headers",
        "",
        f"From: {to}",
        f"To: {recipient}",
        f"Message-ID: {message_id}",
        "",
        "--=bounce=--",
        "",
    ]
    return "\r\n".join(lines).encode()
