"""Reports about mails of ours: delivery status notifications (RFC 3464), read receipts (RFC 8098), complaints (RFC 5965), and
the many bounces in no standard's form. An absence note is none of them.

A report says what it likes: whom it is about is believed only as far as the signed Message-ID in it fits the recipient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connectors.email.headers import Headers, decode_text, is_address, mailboxes, message_ids, split_header
from connectors.email.machines import is_away
from connectors.email.mime import Mail, Part, content, message_inside, part_text
from connectors.email.reasons import reason_of
from gateway.sdk import DeliveryState

#: Recipients that are read of one report.
MOST_REPORTS: Final = 50
#: Characters that are read of a report's text.
LONGEST_REPORT: Final = 20_000
#: Characters that are kept of a server's words.
LONGEST_REASON: Final = 300

_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED: Final = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers"}
)
_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY: Final = re.compile(r"(?<![\d.\w-])([45]\d\d)(?=[ -](?![\d.]+[.)\]])|, |$)")
#: Replies of servers that take no mail for anybody (RFC 7504).
_NO_MAIL_AT_ALL: Final = frozenset({"521", "556"})
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}[A-Za-z0-9]")
_DAEMON: Final = re.compile(
    r"mailer-?daemon|postmaster|mail ?delivery|delivery ?(?:system|subsystem|status)|mail ?(?:system|administrator|daemon)|"
    r"^root@|mdaemon|mmdf|daemon@|symantec|mail administrator|message (?:delivery|router)|undeliver",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(
    r"undeliver|deliver(?:y|ing|ed)?[ :-]+(?:\w+ ){0,3}(?:fail|status|notif|problem|error|delay|incident|abort|attempt|report|was|has)|"
    r"(?:fail|problem|error|unable)\w* (?:\w+ ){0,3}(?:deliver|notice)|returned (?:e-?)?mail|mail (?:could not|system error|delivery)|"
    r"(?:message|mail|e-?mail) (?:\w+ ){0,4}(?:not (?:be )?delivered|returned|rejected|undeliver|delayed|could not)|"
    r"failure notice|non[- ]?deliver|could ?n[o']t be delivered|bounced?\b|rejected mail|returning message|warning: (?:could not|message)|"
    r"nondeliverable|permanent (?:error|fail)|message you sent blocked|content violation|failed mail|\[?bounce|"
    r"unzustellbar|nicht zugestellt|zustellung|non (?:remis|distribu)|(?:é|e)chec de la remise|retour(?:n(?:é|e))?|"
    r"no se (?:ha )?(?:pudo|podido) entregar|no entregado|devuelto|devolvido|n(?:ã|a)o (?:foi )?entregue|mancato recapito|non recapitabile|"
    r"onbestelbaar|niet (?:afgeleverd|bezorgd)|kunne ikke leveres|ikke leveret|kunde inte levereras|nie dostarczon|недостав|не доставлен|"
    r"配信(?:不能|エラー|できません)|送信エラー|エラーメール|退信|無法(?:傳遞|投遞)|无法投递|未能送达",
    re.IGNORECASE,
)
_BODY: Final = re.compile(
    r"(?:could ?n[o']t|can ?n[o']t|cannot|unable to|was not able to|wasn't able to|not be|failed to) (?:\w+ ){0,4}deliver|"
    r"not (?:been )?delivered|undeliver|delivery (?:\w+ ){0,6}fail|deliver\w* errors?|fail(?:ed|ure) (?:\w+ ){0,3}(?:recipient|reason|deliver)|"
    r"(?:following|these|each of the following) (?:\w+ )?(?:address|recipient)|permanent (?:\w+ )?(?:error|failure)|returned message|"
    r"transcript of session|reason for (?:failure|return|delivery)|unknown user|user unknown|does not exist|mailbox (?:is )?(?:full|unavailable)|"
    r"could not be (?:sent|delivered|reached)|message was rejected|was rejected by|returned to (?:the )?sender|has been rejected|"
    r"no such (?:user|recipient|address)|rejected (?:your|the|by)|delivery (?:status|report|attempt)|original message (?:follows|was received)|"
    r"konnte nicht zugestellt|nicht zugestellt werden|n'a pas pu (?:ê|e)tre|no se (?:ha )?(?:pudo|podido) entregar|не (?:было|может быть|удалось) достав|配信|送信",
    re.IGNORECASE,
)
#: Lines after which the mail that came back begins.
_COPY: Final = re.compile(
    r"^[\s>*=_-]{0,40}(?:below this line is a copy|this is a copy of (?:the|your) message|original message (?:follows|headers?)|"
    r"(?:original|returned|unsent|undelivered|start of) (?:message|mail)(?: (?:header|text|follows|attached|body)\w*)?\b[^.\n]{0,40}[\s:=_-]{0,40}$|"
    r"message (?:header|text|follows|copy)\w*[\s:-]{0,20}$|unsent message below|"
    r"(?:the )?(?:header|beginning|first|start)\w* of (?:the|your) (?:original |returned )?(?:message|mail)|"
    r"message headers? (?:follow|is)|included is a copy|the original message|copy of (?:the|your) (?:message|mail)|"
    r"----- ?(?:message header|your message|unsent|original|returned|message)|(?:your|the) message reads)",
    re.IGNORECASE | re.MULTILINE,
)
_RETURNED_HEADER: Final = re.compile(
    r"^(?:Received: (?:from|by|\(|with)|Return-Path: ?<|X-Original-To:|DKIM-Signature:|Message-ID: ?<)",
    re.IGNORECASE | re.MULTILINE,
)


_STATUS_FIELD: Final = re.compile(
    r"^(?:Final-Recipient|Original-Recipient|Action|Status):", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says about one recipient."""

    #: The recipient that the mail was sent to, empty when the report does not say.
    recipient: str
    #: How far the mail came.
    state: DeliveryState
    #: RFC 3463's code, empty when none can be told.
    code: str = ""
    #: True when the address itself is no good; None when nothing failed.
    permanent: bool | None = None
    #: The server's words, or ours where it has none.
    reason: str = ""
    #: Message-IDs of the mail that it is about, as the report states them.
    message_ids: tuple[str, ...] = ()
    #: Everybody that the report may be about: its recipient in all spellings, and the To of the mail that came back.
    candidates: tuple[str, ...] = ()


def reports_of(mail: Mail) -> list[Report]:
    """Return what a mail reports about mails of ours, one for each recipient; nothing when it is no report. Never raises."""
    returned = _returned(mail)
    status = [part for part in mail.parts if part.media_type in _STATUS_TYPES]
    kind = mail.root.parameters.get("report-type", "").lower()
    found: list[Report] = []
    if any(part.media_type == "message/feedback-report" for part in mail.parts):
        found = _complaints(mail, returned)
    elif any("disposition-notification" in part.media_type for part in mail.parts):
        found = _receipts(mail)
    elif status:
        found = _notified(mail, status)
    if not found and not kind.startswith("disposition") and _is_bounce(mail):
        found = _embedded(mail) or _written(mail, returned)
    return [_completed(each, returned) for each in found[:MOST_REPORTS]]


# --- standard reports ----------------------------------------------------------------------------------------------------
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
    found = _ADDRESS.search(text)
    return found[0] if found else text.strip("<> ")


def _notified(mail: Mail, status: list[Part]) -> list[Report]:
    people = [
        block for part in status for block in _blocks(mail, part) if "final-recipient" in block or "action" in block
    ]
    text = _human_text(mail)
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
    stated = _ENHANCED.search(block.get("status"))
    told = diagnostic or _words_about(text, final or original, alone=alone)
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
    return _judged(recipient, state, code, told, text if alone else "", candidates=spellings)


def _judged(
    recipient: str, state: DeliveryState, code: str, words: str, around: str, *, candidates: tuple[str, ...] = ()
) -> Report:
    """Return a report with its code made exact and its reason judged."""
    inside = [each for each in _ENHANCED.findall(words) if not code or each[0] == code[0]]
    if not code or code.endswith((".0", ".4.7")):
        # A general code is made exact by what the server said; "expired" by what had failed every time.
        exact = [each for each in inside if not each.endswith((".0.0", ".4.7")) and each != code]
        better = [each for each in exact if not each.endswith(".0")] or (
            exact if not code or code.endswith(".0.0") else []
        )
        code = (better or [code or (inside[0] if inside else "")])[0]
    reply = _REPLY.search(words)
    if state in {DeliveryState.DELIVERED, DeliveryState.SENT}:
        return Report(recipient=recipient, state=state, code=code, reason=_short(words), candidates=candidates)
    if reply is not None and reply[1] in _NO_MAIL_AT_ALL:
        words_of_reply = f"{reply[1]} does not accept mail"
        reason = reason_of(words_of_reply, code)
    else:
        reason = None
    reason = (
        reason
        or reason_of(words, code)
        or (reason_of(around, code) if not words.strip() or code in {"", "5.0.0"} else None)
    )
    if not code:
        made = reason.code if reason is not None else "5.0.0"
        code = f"{reply[1][0]}{made[1:]}" if reply is not None else made
        if reply is None and reason is not None and reason.name == "expired":
            code = (
                "4.4.7" if state is DeliveryState.DELAYED else "5.4.7"
            )  # given up is for good, whatever it began with
        elif state is DeliveryState.DELAYED:
            code = f"4{code[1:]}"
    hard = reason is not None and reason.hard and not code.startswith("4")
    return Report(
        recipient=recipient,
        state=state,
        code=code,
        permanent=hard,
        reason=_short(words) or (reason.name.replace("_", " ") if reason is not None else "undelivered"),
        candidates=candidates,
    )


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
            reason=_short(f"receipt: {what or 'unknown'}"),
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


# --- bounces of no standard ----------------------------------------------------------------------------------------------
def _is_bounce(mail: Mail) -> bool:
    """Return whether a mail without a standard report is a bounce: two signs of three, and no sign of an absence note."""
    headers = mail.headers
    subject = headers.text("subject")
    if is_away(headers):
        return False
    if "x-failed-recipients" in headers:
        return True
    sender = headers.text("from")
    empty = headers.get("return-path").replace(" ", "") == "<>"
    daemon = _DAEMON.search(sender) is not None
    titled = _SUBJECT.search(subject) is not None and not subject.lower().startswith(("re:", "aw:", "sv:"))
    text = _human_text(mail)
    told = _BODY.search(text) is not None or (_REPLY.search(text) is not None and _ENHANCED.search(text) is not None)
    report = (
        mail.root.media_type == "multipart/report" and mail.root.parameters.get("report-type", "") != "feedback-report"
    )
    if not told and not (titled and (daemon or empty)):
        return False
    return (
        report
        or (daemon and (titled or told))
        or (empty and (titled or told) and not daemon and titled)
        or (titled and told and _has_copy(mail))
    )


def _has_copy(mail: Mail) -> bool:
    text = "".join(part_text(mail, part) for part in mail.parts if part.is_text and not part.parts)[
        : LONGEST_REPORT * 2
    ]
    return any(part.media_type in _RETURNED for part in mail.parts) or (
        _RETURNED_HEADER.search(text) is not None and _COPY.search(text) is not None
    )


def _human_text(mail: Mail) -> str:
    """Return what a report says to people, without the mail that came back."""
    pieces: list[str] = []
    for part in mail.parts:
        if part.media_type in _RETURNED:
            break
        if part.is_text and not part.parts:
            pieces.append(part_text(mail, part)[: LONGEST_REPORT * 2])
            if sum(map(len, pieces)) > LONGEST_REPORT:
                break
    text = "\n".join(pieces)[:LONGEST_REPORT]
    copies = [
        found.start() for found in (_COPY.search(text), _RETURNED_HEADER.search(text)) if found and found.start() > 20
    ]
    return text[: min(copies)] if copies else text


def _written(mail: Mail, returned: Headers | None) -> list[Report]:
    text = _human_text(mail)
    people = _people(mail, text, returned)
    reports: list[Report] = []
    for person in people or [""]:
        words = _words_about(text, person, alone=len(people) <= 1)
        code = next(iter(_ENHANCED.findall(words)), "")
        state = DeliveryState.DELAYED if _is_delay(mail, text) else DeliveryState.FAILED
        reports.append(_judged(person, state, code, words, text, candidates=(person,) if person else ()))
    return reports


def _is_delay(mail: Mail, text: str) -> bool:
    said = f"{mail.headers.text('subject')}\n{text}".lower()
    return (
        ("will be retried" in said or "still trying" in said or "no action is required" in said or "delay" in said)
        and ("warning" in said or "delay" in said)
        and "giving up" not in said
        and "permanent" not in said
        and "could not be delivered for" not in said
    )


def _people(mail: Mail, text: str, returned: Headers | None) -> list[str]:
    """Return whom a bounce is about: as it lists them, or else whom the returned mail was for."""
    listed, _ = mailboxes(mail.headers.all("x-failed-recipients"), MOST_REPORTS)
    if listed:
        return list(dict.fromkeys(box.address for box in listed))
    ours = {box.address.lower() for box in mailboxes([*mail.headers.all("to"), *mail.headers.all("from")])[0]}
    found: dict[str, str] = {}
    loose: dict[str, str] = {}
    for line in text.split("\n"):
        addresses = _ADDRESS.findall(line[:2_000])
        for address in addresses:
            low = address.lower()
            if low in ours or _DAEMON.search(low):
                continue
            bare = line.strip().strip("<>[]():*- ")
            strong = (
                bare.lower().startswith(low)
                or len(bare) == len(address)
                or re.search(
                    r"(?:(?:rcpt to|recipient|to|user|addressee)\W{1,6}|^\s*[45]\d\d[ -](?:[45]\.\d+\.\d+ )?<?)$",
                    line[: line.find(address)],
                    re.IGNORECASE,
                )
            )
            (found if strong else loose).setdefault(low, address)
    if found or loose:
        return list((found or dict(list(loose.items())[:1])).values())[:MOST_REPORTS]
    return [box.address for box in mailboxes(returned.all("to"), 5)[0]] if returned is not None else []


def _words_about(text: str, person: str, *, alone: bool) -> str:
    """Return what a text says about one recipient: the lines from its name to the next one's, those with a code first."""
    lines = [line.strip() for line in text.split("\n")][:400]
    places = [place for place, line in enumerate(lines) if person and person.lower() in line.lower()]
    best: list[str] = []
    for place in places:
        taken = [lines[place]]
        for line in lines[place + 1 : place + 12]:
            others = [each for each in _ADDRESS.findall(line[:2_000]) if each.lower() != person.lower()]
            if (others and not alone) or (not line and len(taken) > 1 and _REPLY.search(" ".join(taken))):
                break
            taken.append(line)
        said = " ".join(filter(None, taken))
        if _ENHANCED.search(said) or _REPLY.search(said):
            return said
        best = best or taken
    if alone or not best:
        coded = [place for place, line in enumerate(lines) if _ENHANCED.search(line) or _REPLY.search(line)]
        if coded and alone:
            return " ".join(lines[max(0, coded[0]) : coded[0] + 4])
    return " ".join(filter(None, best)) if best else ("" if not alone else " ".join(filter(None, lines))[:2_000])


# --- the mail that came back ---------------------------------------------------------------------------------------------
def _returned(mail: Mail) -> Headers | None:
    """Return the header of the mail that came back."""
    for part in mail.parts:
        if part.media_type in _RETURNED and part.path:
            return message_inside(mail, part)
    for part in mail.parts:
        if not part.is_text or part.parts:
            continue
        text = part_text(mail, part)[: LONGEST_REPORT * 3]
        copy = _COPY.search(text)
        begun = _RETURNED_HEADER.search(text, copy.end() if copy else 0)
        if begun is not None and (copy is not None or begun.start() > 0):
            data = text[begun.start() :].encode("utf-8", "replace")
            return split_header(data, 0, min(len(data), 65_536))[0]
    return None


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


def _short(words: str) -> str:
    text = " ".join(decode_text(words.encode("utf-8", "replace"), "utf-8").split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
