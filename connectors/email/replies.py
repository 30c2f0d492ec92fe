"""Replies → mails as they go over the wire: pure.

RFC 5322 and 2047 for the headers, RFC 3834 for automatic mail. The head is written here, line by line, and not by the standard
library: its folding encodes long Message-IDs, which RFC 2047 forbids, and before Python 3.11.10 it let line ends in names and
subjects become headers (CVE-2024-6923).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from connectors.email.tokens import TOKEN
from gateway.sdk import File, PermanentFailure, Reply

#: By this header two gateways, or a gateway and a rule of the mail server, see that a mail comes from one.
LOOP: Final = "X-Baton-Loop"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_MESSAGE_ID: Final = re.compile(r"\A<[^\s<>\x00-\x1f\x7f]{1,900}>\Z", re.ASCII)
_ADDRESS: Final = re.compile(r"\A[^\s@<>,;:\"\\()\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>,;:\"\\()\[\]\x00-\x1f\x7f]{1,255}\Z")
_MEDIA_TYPE: Final = re.compile(r"\A[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z")
_ANSWERED: Final = re.compile(r"\A(?:(?:re|aw|antw|sv|vs|fwd?|wg|r)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_LONGEST_SUBJECT: Final = 240
#: Kinds that a part of a mail may not have when its bytes are given: they are parts themselves.
_NESTED: Final = ("message/", "multipart/")
#: What mail programs take for text and would change.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail, ready to be sent."""

    #: Who it goes to.
    recipient: str
    #: Its Message-ID, with the angle brackets.
    message_id: str
    #: Its bytes, with CRLF and without the dots that SMTP adds.
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Who a mail comes from."""

    #: The address.
    address: str
    #: The name beside it, empty for none.
    name: str = ""


def letter(
    reply: Reply,
    *,
    recipient: str,
    message_id: str,
    token: str = "",
    sender: From,
    at: int,
    files: Sequence[tuple[File, bytes]] = (),
    left_out: Sequence[tuple[File, str]] = (),
    begins: bool = False,
) -> Letter:
    """Return the mail of a reply, dated `at` (UTC microseconds), with a `token` behind its subject if one is given.

    `files` go along with their bytes, `left_out` by name with the reason, so that the customer knows of them. A mail that
    `begins` something answers none: its subject stands as it is.
    Raises `PermanentFailure` when an address or id could not be written safely.
    """
    if not _ADDRESS.match(recipient) or not _ADDRESS.match(sender.address):
        raise PermanentFailure("The reply's destination is no address that a mail could safely be sent to.")
    if not _MESSAGE_ID.match(message_id):
        raise PermanentFailure("The reply's Message-ID could not be written safely.")
    head = [
        ("From", _mailbox(sender)),
        ("To", recipient),
        ("Subject", _words(f"{subject_of(reply.subject, answers=not begins)} {token}".strip(), "Subject")),
        ("Date", format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))),
        ("Message-ID", message_id),
    ]
    if _MESSAGE_ID.match(reply.in_reply_to):
        head += [("In-Reply-To", reply.in_reply_to), ("References", reply.in_reply_to)]
    head += [
        # Every reply of Baton is written by a rule (RFC 3834, section 5); Exchange asks for the second line.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        (LOOP, sender.address),
        ("MIME-Version", "1.0"),
    ]
    content = _content(_text(reply.text, left_out), files)
    raw = b"".join(_line(name, value) for name, value in head) + content
    return Letter(recipient=recipient, message_id=message_id, raw=raw)


def subject_of(subject: str, *, answers: bool = True) -> str:
    """Return the subject of an answer: one ``Re:``, one line, whatever the customer's mail program wrote."""
    words = " ".join(TOKEN.sub("", _CONTROL.sub(" ", subject)).split())
    words = _ANSWERED.sub("", words).strip()
    if len(words) > _LONGEST_SUBJECT:
        words = words[: _LONGEST_SUBJECT - 1] + "…"
    if not answers:
        return words or "A case needs somebody"
    return f"Re: {words}" if words else "Re: your message"


def _line(name: str, value: str) -> bytes:
    """Return a header. A line end may only stand before a blank: where the words were folded."""
    if "\x00" in value or re.search(r"\r(?!\n)|(?<!\r)\n|\r\n(?![ \t])", value):
        raise PermanentFailure(f"The header {name} could not be written safely.")
    return f"{name}: {value}\r\n".encode()


def _mailbox(sender: From) -> str:
    name = " ".join(_CONTROL.sub(" ", sender.name).split())
    if not name:
        return sender.address
    if _plain(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{sender.address}>'
    return f"{_words(name, 'From')} <{sender.address}>"


def _plain(text: str) -> bool:
    """Return whether text may stand in a header as it is: ASCII, and nothing that a reader would take for encoded words."""
    return text.isascii() and "=?" not in text


def _words(text: str, header: str) -> str:
    """Return text as a header carries it: encoded where it is not ASCII, folded where it is long (RFC 2047)."""
    charset = "us-ascii" if _plain(text) else "utf-8"
    clean = text.encode("utf-8", "replace").decode()
    return Header(clean, charset, maxlinelen=76, header_name=header).encode(linesep="\r\n")


def _text(text: str, left_out: Sequence[tuple[File, str]]) -> str:
    words = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    if left_out:
        words += "\n\n" + "\n".join(f"[Not sent along: {_name(file)} ({why})]" for file, why in left_out)
    return words.encode("utf-8", "replace").decode() + "\n"


def _content(text: str, files: Sequence[tuple[File, bytes]]) -> bytes:
    """Return the MIME headers and the body, 7 bits wide."""
    part = EmailMessage(policy=_POLICY)
    part.set_content(text, charset="utf-8")
    for file, body in files:
        media_type = file.media_type.lower()
        if not _MEDIA_TYPE.match(media_type) or media_type.startswith(_NESTED):
            media_type = "application/octet-stream"
        main, _, sub = media_type.partition("/")
        part.add_attachment(body, maintype=main, subtype=sub, filename=_name(file))
    del part["MIME-Version"]
    return part.as_bytes()


def _name(file: File) -> str:
    """Return a file's name: one line, no path, and nothing that is decoded on the way (CVE-2024-6923 comes in there as well)."""
    name = _CONTROL.sub(" ", file.name).encode("utf-8", "replace").decode().replace("=?", "= ?")
    return re.split(r"[/\\]", name)[-1].strip()[:120] or "file"
