"""What Mailgun, Postmark and SendGrid post: inbound mails, parsed or raw, and what became of mails of ours.

Shapes: documentation.mailgun.com (Receive HTTP, Webhooks), postmarkapp.com/developer/webhooks, docs.sendgrid.com (Inbound Parse,
Event Webhook). A service's own spam or SPF verdict is shown and proves nothing: only Authentication-Results does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from connectors.email.forms import Form, form_of, is_json, json_of
from connectors.email.headers import Headers, from_base64, headers_of, split_header
from connectors.email.letters import Letter, forwarded_text, letter_of
from connectors.email.markup import html_text
from connectors.email.mime import open_attachment
from connectors.email.receipts import ServiceReport, mailgun_event, mailgun_legacy_event, postmark_event, sendgrid_event
from gateway.sdk import Attachment, Delivery, PermanentFailure, UnreadableDelivery, as_list, as_object

#: Files that are read of one service's mail.
_MOST_FILES: Final = 200


def received(delivery: Delivery) -> list[Letter | ServiceReport]:
    """Return what a service's delivery brings. A kind that is not known brings nothing. Raises `UnreadableDelivery`."""
    reader = _READERS.get(delivery.endpoint)
    if reader is None:
        raise UnreadableDelivery("The delivery came to an endpoint of no mail service that is known.")
    return reader(delivery)


def _texts(*pairs: tuple[str, object]) -> dict[str, object]:
    """Return extras without those that say nothing."""
    return {name: value for name, value in pairs if value not in (None, "", [])}


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


def _parsed(
    headers: Headers,
    text: str,
    html: str,
    files: list[tuple[Attachment, bytes]],
    *,
    envelope_from: str,
    envelope_to: tuple[str, ...],
    extras: Mapping[str, object],
    reply_text: str = "",
    forwarded: bool = False,
) -> Letter:
    shown = text if text.strip() else html_text(html)
    if not shown and forwarded:
        shown = forwarded_text([(each.media_type, data) for each, data in files])
    said = "\0".join((text, html, *(each.sha256 for each, _ in files)))
    body_hash = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
    fields = "\0".join(f"{name}:{value}" for name, value in headers.fields)
    return Letter(
        headers=headers,
        text=shown,
        files=tuple(each for each, _ in files),
        body_hash=body_hash,
        whole_hash=hashlib.sha256(f"{fields}\0{body_hash}".encode("utf-8", "replace")).hexdigest(),
        envelope_from=envelope_from.strip(" <>"),
        envelope_to=envelope_to,
        reply_text=reply_text,
        extras=extras,
    )


def _file(name: str, file: str, media_type: str, data: bytes, *, inline: bool) -> tuple[Attachment, bytes]:
    made = Attachment(
        id=name,
        name=file.replace("\\", "/").rpartition("/")[2][:255],
        media_type=media_type.lower()
        if media_type.isascii() and media_type.isprintable()
        else "application/octet-stream",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        inline=inline,
    )
    return made, data


# --- Mailgun -------------------------------------------------------------------------------------------------------------
def _mailgun(delivery: Delivery) -> list[Letter | ServiceReport]:
    if is_json(delivery):
        found = mailgun_event(_object_of(delivery))
        return [found] if found is not None else []
    form = form_of(delivery)
    if "event" in form and "body-mime" not in form:
        legacy = mailgun_legacy_event(form)
        return [legacy] if legacy is not None else []
    if "message-url" in form or (
        "attachments" in form and "attachment-count" not in form and "[" in form.text("attachments")
    ):
        raise UnreadableDelivery("The Mailgun route stores the mail: its action must be forward(), not store().")
    headers = _mailgun_headers(form)
    extras = _texts(
        ("spam_score", _number(headers.get("x-mailgun-sscore"))),
        ("spam_detected", {"yes": True, "no": False}.get(headers.get("x-mailgun-sflag").strip().lower())),
        ("service_spf", headers.get("x-mailgun-spf").lower()),
        ("service_dkim", headers.get("x-mailgun-dkim-check-result").lower()),
        ("stripped_text", form.text("stripped-text")),
    )
    sender, recipients = form.text("sender"), tuple(filter(None, (form.text("recipient").strip(),)))
    raw = form.data("body-mime")
    if raw is not None:
        return [
            letter_of(
                raw,
                envelope_from=sender,
                envelope_to=recipients,
                reply_text=form.text("stripped-text"),
                extras=extras,
            )
        ]
    if not {"message-headers", "body-plain", "body-html", "from", "From"} & {each.name for each in form.fields}:
        return []
    return [
        _parsed(
            headers,
            form.text("body-plain"),
            form.text("body-html"),
            _mailgun_files(form),
            envelope_from=sender,
            envelope_to=recipients,
            extras=extras,
            reply_text=form.text("stripped-text"),
            forwarded="body-plain" not in form,
        )
    ]


def _mailgun_headers(form: Form) -> Headers:
    try:
        pairs: object = json.loads(form.text("message-headers") or "[]")
    except (ValueError, RecursionError):
        pairs = []
    found = [
        (str(pair[0]), str(pair[1]))
        for pair in (pairs if isinstance(pairs, list) else [])
        if isinstance(pair, list) and len(cast("list[object]", pair)) == 2  # noqa: PLR2004 (name and value)
    ]
    if not found:
        # Older routes post each header as a field of its own.
        found = [
            (each.name, form.text(each.name)) for each in form.fields if each.file is None and each.name[:1].isupper()
        ]
        found = found or [(name, form.text(name)) for name in ("from", "subject") if name in form]
    return headers_of(found)


def _mailgun_files(form: Form) -> list[tuple[Attachment, bytes]]:
    inline = set(form.named("content-id-map"))
    return [
        _file(each.name, each.file or "", each.media_type, each.data, inline=each.name in inline)
        for each in form.files()[:_MOST_FILES]
    ]


# --- Postmark ------------------------------------------------------------------------------------------------------------
_POSTMARK_MAIL: Final = frozenset({"RawEmail", "FromFull", "From", "TextBody", "HtmlBody", "Attachments", "Headers"})


def _postmark(delivery: Delivery) -> list[Letter | ServiceReport]:
    body = _object_of(delivery)
    if body.get("RecordType") not in {None, "", "Inbound"}:
        found = postmark_event(body)
        return [found] if found is not None else []
    if not _POSTMARK_MAIL & body.keys():
        return []
    pairs = [(_text(each.get("Name")), _text(each.get("Value"))) for each in _objects(body.get("Headers"))]
    beside = headers_of(pairs)
    recipients = tuple(filter(None, (_text(body.get("OriginalRecipient")),)))
    raw = body.get("RawEmail")
    extras: dict[str, object] = _texts(
        ("postmark_id", _text(body.get("MessageID"))),
        ("stripped_text", _text(body.get("StrippedTextReply"))),
        ("mailbox_hash", _text(body.get("MailboxHash"))),
        ("bcc", [_text(each.get("Email")) for each in _objects(body.get("BccFull"))]),
    )
    envelope = beside.get("return-path")
    if isinstance(raw, str):
        letter = letter_of(
            raw.encode("utf-8", "replace"),
            envelope_from=envelope.strip(" <>"),
            envelope_to=recipients,
            reply_text=_text(body.get("StrippedTextReply")),
            extras={**extras, **_postmark_spam(beside)},
        )
        spam = _postmark_spam(letter.headers)
        return [letter if not spam else _with(letter, {**letter.extras, **spam})]
    headers = headers_of([*_postmark_fields(body, beside), *pairs])
    return [
        _parsed(
            headers,
            _text(body.get("TextBody")),
            _text(body.get("HtmlBody")),
            _postmark_files(body),
            envelope_from=envelope,
            envelope_to=recipients,
            extras={**extras, **_postmark_spam(beside)},
            reply_text=_text(body.get("StrippedTextReply")),
        )
    ]


def _with(letter: Letter, extras: Mapping[str, object]) -> Letter:
    return replace(letter, extras=extras)


def _postmark_spam(headers: Headers) -> dict[str, object]:
    status = headers.get("x-spam-status").strip().lower()
    return _texts(
        ("spam_score", _number(headers.get("x-spam-score"))),
        ("spam_detected", status.startswith("yes") if status else None),
    )


def _postmark_fields(body: Mapping[str, Any], beside: Headers) -> list[tuple[str, str]]:
    """Return header fields as Postmark states them apart, those that its list of headers does not have."""
    fields: list[tuple[str, str]] = []
    for name, key in (("From", "FromFull"), ("To", "ToFull"), ("Cc", "CcFull")):
        people = _objects([body.get(key)] if isinstance(body.get(key), dict) else body.get(key))
        listed = ", ".join(
            _mailbox(_text(each.get("Name")), _text(each.get("Email"))) for each in people if each.get("Email")
        )
        said = listed or _text(body.get(name))
        if said and name.lower() not in beside:
            fields.append((name, said))
    for name, key in (("Subject", "Subject"), ("Date", "Date"), ("Reply-To", "ReplyTo")):
        said = _text(body.get(key))
        if said and name.lower() not in beside:
            fields.append((name, said))
    if "message-id" not in beside and _text(body.get("MessageID")):
        fields.append(("Message-ID", f"<{_text(body.get('MessageID'))}@inbound.postmarkapp.com>"))
    return fields


def _mailbox(name: str, address: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if name else address


def _postmark_files(body: Mapping[str, Any]) -> list[tuple[Attachment, bytes]]:
    found: list[tuple[Attachment, bytes]] = []
    for place, each in enumerate(_objects(body.get("Attachments"))[:_MOST_FILES], 1):
        data = from_base64(_text(each.get("Content")).encode("utf-8", "replace"))
        name, media_type = _text(each.get("Name")), _text(each.get("ContentType")).partition(";")[0].strip()
        found.append(_file(str(place), name, media_type, data, inline=bool(each.get("ContentID"))))
    return found


def _object_of(delivery: Delivery) -> Mapping[str, Any]:
    value = json_of(delivery)
    if not isinstance(value, dict):
        raise UnreadableDelivery("The body is no JSON object.")
    return as_object(cast("object", value))


def _objects(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; what is none is left out."""
    return [as_object(each) for each in as_list(value) if isinstance(each, dict)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ("" if value is None or isinstance(value, dict | list) else str(value))


# --- SendGrid ------------------------------------------------------------------------------------------------------------
def _sendgrid(delivery: Delivery) -> list[Letter | ServiceReport]:
    if is_json(delivery):
        value = json_of(delivery)
        if not isinstance(value, list):
            raise UnreadableDelivery("The body is no JSON array of events.")
        return [found for each in _objects(cast("object", value)) if (found := sendgrid_event(each)) is not None]
    form = form_of(delivery)
    names = {each.name for each in form.fields}
    if not names & {"email", "headers", "from", "text", "html"}:
        return []
    envelope = form.table("envelope")
    recipients = tuple(_text(each) for each in as_list(envelope.get("to")))
    extras = _texts(
        ("spam_score", _number(form.text("spam_score"))),
        ("service_spf", form.text("SPF").lower()),
        ("service_dkim", form.text("dkim")),
        ("sender_ip", form.text("sender_ip")),
    )
    raw = form.data("email")
    if raw is not None:
        return [letter_of(raw, envelope_from=_text(envelope.get("from")), envelope_to=recipients, extras=extras)]
    block = form.data("headers") or b""
    headers = split_header(block, 0, len(block))[0]
    missing = [
        (name, form.text(name.lower()))
        for name in ("From", "To", "Cc", "Subject")
        if name.lower() in form and name.lower() not in headers
    ]
    return [
        _parsed(
            Headers((*headers.fields, *headers_of(missing).fields), cut=headers.cut),
            form.text("text"),
            form.text("html"),
            _sendgrid_files(form),
            envelope_from=_text(envelope.get("from")),
            envelope_to=recipients,
            extras=extras,
            forwarded="text" not in form,
        )
    ]


def _sendgrid_files(form: Form) -> list[tuple[Attachment, bytes]]:
    stated = form.table("attachment-info")
    inline = set(form.named("content-ids"))
    found: list[tuple[Attachment, bytes]] = []
    for each in form.files()[:_MOST_FILES]:
        about = as_object(stated.get(each.name))
        file = each.file or _text(about.get("filename")) or _text(about.get("name"))
        media_type = each.media_type or _text(about.get("type"))
        shown = each.name in inline or bool(about.get("content-id"))
        found.append(_file(each.name, file, media_type, each.data, inline=shown))
    return found


_READERS: Final[Mapping[str, Callable[[Delivery], list[Letter | ServiceReport]]]] = {
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sendgrid": _sendgrid,
}
#: The endpoints of services.
SERVICES: Final = frozenset(_READERS)


def service_file(delivery: Delivery, attachment_id: str) -> bytes:
    """Return the bytes of a file that a service's delivery brought. Raises `PermanentFailure` when there is none of it."""
    try:
        if delivery.endpoint == "postmark":
            body = as_object(json_of(delivery))
            raw = body.get("RawEmail")
            if isinstance(raw, str):
                return open_attachment(raw.encode("utf-8", "replace"), attachment_id)
            found = next((data for each, data in _postmark_files(body) if each.id == attachment_id), None)
        else:
            form = form_of(delivery)
            raw_field = form.data("body-mime" if delivery.endpoint == "mailgun" else "email")
            if raw_field is not None:
                return open_attachment(raw_field, attachment_id)
            found = next((each.data for each in form.files() if each.name == attachment_id), None)
    except UnreadableDelivery as error:
        raise PermanentFailure(str(error)) from error
    if found is None:
        raise PermanentFailure("The delivery has no such file: it was recorded of another one.")
    return found
