"""Reports about mails of ours, in standard forms and in none. An absence note is none of them.

Delivery status notifications (RFC 3464), read receipts (RFC 8098), complaints (RFC 5965), and what servers write as they like.

A report says what it likes: whom it is about is believed only as far as the signed Message-ID in it fits the recipient.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.email.headers import Headers, is_address, mailboxes, message_ids, split_header
from connectors.email.mime import Mail, Part, content, part_text
from connectors.email.prose import (
    ADDRESS,
    LONGEST_REPORT,
    MOST_REPORTS,
    human_text,
    is_bounce,
    returned_header,
    words_about,
    written,
)
from connectors.email.reports import ENHANCED, Report, judged, short
from gateway.sdk import DeliveryState

_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS_FIELD: Final = re.compile(
    r"^(?:Final-Recipient|Original-Recipient|Action|Status):", re.IGNORECASE | re.MULTILINE
)


def reports_of(mail: Mail) -> list[Report]:
    """Return what a mail reports about mails of ours, one for each recipient; nothing when it is no report. Never raises."""
    returned = returned_header(mail)
    status = [part for part in mail.parts if part.media_type in _STATUS_TYPES]
    kind = mail.root.parameters.get("report-type", "").lower()
    found: list[Report] = []
    if any(part.media_type == "message/feedback-report" for part in mail.parts):
        found = _complaints(mail, returned)
    elif any("disposition-notification" in part.media_type for part in mail.parts):
        found = _receipts(mail)
    elif status:
        found = _notified(mail, status)
    if not found and not kind.startswith("disposition") and is_bounce(mail):
        found = _embedded(mail) or written(mail, returned)
    return [_completed(each, returned) for each in found[:MOST_REPORTS]]


def _blocks(mail: Mail, part: Part) -> list[Headers]:
    """Return the groups of fields in a report's machine-readable part."""
    data = content(mail, part, 65_536).replace(b"\r\n", b"\n").strip(b"\n")
    blocks: list[Headers] = []
    at = 0
    while at < len(data) and len(blocks) <= MOST_REPORTS * 2:
        headers, after = split_header(data, at, len(data))
        if after <= at:
            break
        at = after
        if headers.fields:
            blocks.append(headers)
    return blocks


def _typed(value: str) -> str:
    """Return what stands behind the type in ``rfc822; user@example.com``."""
    kind, semicolon, rest = value.partition(";")
    text = (rest if semicolon else kind).strip()
    found = ADDRESS.search(text)
    return found[0] if found else text.strip("<> ")


def _notified(mail: Mail, status: list[Part]) -> list[Report]:
    people = [
        block for part in status for block in _blocks(mail, part) if "final-recipient" in block or "action" in block
    ]
    text = human_text(mail)
    return [_about(block, text, alone=len(people) == 1) for block in people]


def _embedded(mail: Mail) -> list[Report]:
    """Return what a report says whose parts were run together: its fields stand within its text."""
    text = "\n".join(
        part_text(mail, part)[: LONGEST_REPORT * 2] for part in mail.parts if part.is_text and not part.parts
    )
    blocks: list[Headers] = []
    for piece in re.split(r"\n[ \t]*\n", text[: LONGEST_REPORT * 2]):
        begun = _STATUS_FIELD.search(piece)
        if begun is None:
            continue
        data = piece[begun.start() :].encode("utf-8", "replace")
        headers = split_header(data, 0, len(data))[0]
        if "final-recipient" in headers and ("action" in headers or "status" in headers):
            blocks.append(headers)
    said = text[: begun.start()] if (begun := _STATUS_FIELD.search(text)) else text
    return [_about(block, said, alone=len(blocks) == 1) for block in blocks[:MOST_REPORTS]]


def _about(block: Headers, text: str, *, alone: bool) -> Report:
    original, final = _typed(block.get("original-recipient")), _typed(block.get("final-recipient"))
    action = block.get("action").partition(" ")[0].strip().lower().strip(";")
    diagnostic = " ".join(block.get("diagnostic-code").partition(";")[2].split()) or block.get("diagnostic-code")
    stated = ENHANCED.search(block.get("status"))
    told = diagnostic or words_about(text, final or original, alone=alone)
    recipient = original if is_address(original) else final
    state = {
        "delivered": DeliveryState.DELIVERED,
        "relayed": DeliveryState.SENT,
        "expanded": DeliveryState.SENT,
        "delayed": DeliveryState.DELAYED,
    }.get(action, DeliveryState.FAILED)
    code = stated[1] if stated else ""
    if code.startswith("2.") and action not in {"failed", "delayed"}:
        state = DeliveryState.SENT if state is DeliveryState.SENT else DeliveryState.DELIVERED
    spellings = tuple(
        dict.fromkeys(each for each in (original, final, _typed(block.get("x-actual-recipient"))) if each)
    )
    return judged(recipient, state, code, told, text if alone else "", candidates=spellings)


def _receipts(mail: Mail) -> list[Report]:
    """Return what a read receipt says (RFC 8098)."""
    part = next(each for each in mail.parts if "disposition-notification" in each.media_type)
    block = next((each for each in _blocks(mail, part) if "disposition" in each), None)
    if block is None:
        return []
    what = block.get("disposition").partition(";")[2].strip().lower()
    state = DeliveryState.READ if what.startswith("displayed") else DeliveryState.DELIVERED
    recipient = _typed(block.get("original-recipient")) or _typed(block.get("final-recipient"))
    return [
        Report(
            recipient=recipient,
            state=state,
            reason=short(f"receipt: {what or 'unknown'}"),
            message_ids=tuple(message_ids(block.get("original-message-id"))),
        )
    ]


def _complaints(mail: Mail, returned: Headers | None) -> list[Report]:
    """Return what a feedback report says (RFC 5965): the mail arrived, and somebody or something did not want it."""
    part = next(each for each in mail.parts if each.media_type == "message/feedback-report")
    blocks = _blocks(mail, part)
    block = blocks[0] if blocks else Headers(())
    people = [_typed(value) for value in block.all("original-rcpt-to") or block.all("removal-recipient")]
    if not people and returned is not None:
        people = [box.address for box in mailboxes(returned.all("to"))[0]]
    sort = block.get("feedback-type").strip().lower() or "abuse"
    arrived = (
        DeliveryState.FAILED if block.get("delivery-result").strip().lower() == "reject" else DeliveryState.DELIVERED
    )
    return [
        Report(
            recipient=each,
            state=arrived,
            permanent=False if arrived is DeliveryState.FAILED else None,
            reason=f"feedback: {sort[:40]}",
        )
        for each in people or [""]
    ]


def _completed(report: Report, returned: Headers | None) -> Report:
    """Return a report with the Message-ID and the recipients of the mail that came back."""
    if returned is None:
        return report
    people = tuple(box.address for box in mailboxes([*returned.all("x-original-to"), *returned.all("to")], 10)[0])
    every = tuple(dict.fromkeys((*report.candidates, *((report.recipient,) if report.recipient else ()), *people)))
    return Report(
        recipient=report.recipient or (people[0] if len(people) == 1 else ""),
        state=report.state,
        code=report.code,
        permanent=report.permanent,
        reason=report.reason,
        message_ids=report.message_ids or tuple(message_ids(returned.get("message-id"))),
        candidates=every,
    )
