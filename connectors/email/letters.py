"""A mail as it came in, whichever way: raw, or taken apart by a service. What events are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors.email.headers import Headers
from connectors.email.mime import MESSAGES, Mail, content, files_of, has_tnef, read, text_of
from gateway.sdk import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail, ready to be understood."""

    #: Its header.
    headers: Headers
    #: Its text.
    text: str
    #: Its files.
    files: tuple[Attachment, ...] = ()
    #: Hash of its body: the same mail delivered twice has it twice.
    body_hash: str
    #: Hash of all its bytes, for a mail without Message-ID.
    whole_hash: str
    #: The sender by the envelope, empty when unknown.
    envelope_from: str = ""
    #: The recipients by the envelope.
    envelope_to: tuple[str, ...] = ()
    #: What the service found to be new in the text, empty when it does not say.
    reply_text: str = ""
    #: What else is known of it, as JSON values.
    extras: Mapping[str, object] = field(default_factory=dict[str, object])
    #: The mail itself, where its bytes came along.
    mail: Mail | None = None


def forwarded_text(files: Iterable[tuple[str, bytes]]) -> str:
    """Return the text of the first mail among files (media type, bytes): what somebody says who only hands a mail on."""
    found = next((data for media_type, data in files if media_type in MESSAGES), None)
    return text_of(read(found)) if found is not None else ""


def letter_of(
    raw: bytes,
    *,
    envelope_from: str = "",
    envelope_to: tuple[str, ...] = (),
    reply_text: str = "",
    extras: Mapping[str, object] | None = None,
) -> Letter:
    """Return a raw mail as a letter. Never raises."""
    mail = read(raw)
    text = text_of(mail)
    if not text.strip():
        attached = [(part.media_type, part) for part in mail.parts if part.path]
        text = forwarded_text([(sort, content(mail, part)) for sort, part in attached if sort in MESSAGES][:1]) or text
    more: dict[str, object] = dict(extras or {})
    if mail.cut:
        more["cut"] = list(mail.cut)
        text = "\n".join((text.rstrip("\n"), *(f"[cut: {each}]" for each in mail.cut if "header" not in each))).strip(
            "\n"
        )
    if has_tnef(mail):
        more["tnef"] = True
    return Letter(
        headers=mail.headers,
        text=text,
        files=files_of(mail),
        body_hash=hashlib.sha256(mail.raw[mail.root.start :]).hexdigest(),
        whole_hash=hashlib.sha256(raw).hexdigest(),
        envelope_from=envelope_from or mail.headers.get("return-path").strip(" <>"),
        envelope_to=envelope_to,
        reply_text=reply_text,
        extras=more,
        mail=mail,
    )
