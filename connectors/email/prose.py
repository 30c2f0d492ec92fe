"""Bounces that are written for people only: whether a mail is one, whom it is about, and what it says."""

from __future__ import annotations

import re
from typing import Final

from connectors.email.headers import Headers, mailboxes, split_header
from connectors.email.machines import is_away
from connectors.email.mime import Mail, message_inside, part_text
from connectors.email.reports import ENHANCED, REPLY, Report, judged
from gateway.sdk import DeliveryState

#: Recipients that are read of one report.
MOST_REPORTS: Final = 50
#: Characters that are read of a report's text.
LONGEST_REPORT: Final = 20_000
#: A copy of the mail that begins before this many characters is no copy: something must have been said above it.
_SHORTEST_TEXT: Final = 20
_RETURNED: Final = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers"}
)
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}[A-Za-z0-9]")
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


def is_bounce(mail: Mail) -> bool:
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
    text = human_text(mail)
    told = _BODY.search(text) is not None or (REPLY.search(text) is not None and ENHANCED.search(text) is not None)
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


def human_text(mail: Mail) -> str:
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
        found.start()
        for found in (_COPY.search(text), _RETURNED_HEADER.search(text))
        if found and found.start() > _SHORTEST_TEXT
    ]
    return text[: min(copies)] if copies else text


def written(mail: Mail, returned: Headers | None) -> list[Report]:
    """Return what a bounce says in words, one report for each recipient; `returned` is the header of the mail that came back."""
    text = human_text(mail)
    people = _people(mail, text, returned)
    reports: list[Report] = []
    for person in people or [""]:
        words = words_about(text, person, alone=len(people) <= 1)
        code = next(iter(ENHANCED.findall(words)), "")
        state = DeliveryState.DELAYED if _is_delay(mail, text) else DeliveryState.FAILED
        reports.append(judged(person, state, code, words, text, candidates=(person,) if person else ()))
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
        addresses = ADDRESS.findall(line[:2_000])
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


def words_about(text: str, person: str, *, alone: bool) -> str:
    """Return what a text says about one recipient: the lines from its name to the next one's, those with a code first."""
    lines = [line.strip() for line in text.split("\n")][:400]
    places = [place for place, line in enumerate(lines) if person and person.lower() in line.lower()]
    best: list[str] = []
    for place in places:
        taken = [lines[place]]
        for line in lines[place + 1 : place + 12]:
            others = [each for each in ADDRESS.findall(line[:2_000]) if each.lower() != person.lower()]
            if (others and not alone) or (not line and len(taken) > 1 and REPLY.search(" ".join(taken))):
                break
            taken.append(line)
        said = " ".join(filter(None, taken))
        if ENHANCED.search(said) or REPLY.search(said):
            return said
        best = best or taken
    if alone or not best:
        coded = [place for place, line in enumerate(lines) if ENHANCED.search(line) or REPLY.search(line)]
        if coded and alone:
            return " ".join(lines[max(0, coded[0]) : coded[0] + 4])
    return " ".join(filter(None, best)) if best else ("" if not alone else " ".join(filter(None, lines))[:2_000])


def returned_header(mail: Mail) -> Headers | None:
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
