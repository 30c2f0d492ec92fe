"""What a report says about one recipient, and how a server's words are judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connectors.email.headers import decode_text
from connectors.email.reasons import reason_of
from gateway.sdk import DeliveryState

#: Characters that are kept of a server's words.
LONGEST_REASON: Final = 300
ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY: Final = re.compile(r"(?<![\d.\w-])([45]\d\d)(?=[ -](?![\d.]+[.)\]])|, |$)")
#: Replies of servers that take no mail for anybody (RFC 7504).
_NO_MAIL_AT_ALL: Final = frozenset({"521", "556"})


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


def judged(
    recipient: str, state: DeliveryState, code: str, words: str, around: str, *, candidates: tuple[str, ...] = ()
) -> Report:
    """Return a report with its code made exact and its reason judged."""
    inside = [each for each in ENHANCED.findall(words) if not code or each[0] == code[0]]
    if not code or code.endswith((".0", ".4.7")):
        # A general code is made exact by what the server said; "expired" by what had failed every time.
        exact = [each for each in inside if not each.endswith((".0.0", ".4.7")) and each != code]
        better = [each for each in exact if not each.endswith(".0")] or (
            exact if not code or code.endswith(".0.0") else []
        )
        code = (better or [code or (inside[0] if inside else "")])[0]
    reply = REPLY.search(words)
    if state in {DeliveryState.DELIVERED, DeliveryState.SENT}:
        return Report(recipient=recipient, state=state, code=code, reason=short(words), candidates=candidates)
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
        reason=short(words) or (reason.name.replace("_", " ") if reason is not None else "undelivered"),
        candidates=candidates,
    )


def short(words: str) -> str:
    """Return a server's words as one line of at most `LONGEST_REASON` characters."""
    text = " ".join(decode_text(words.encode("utf-8", "replace"), "utf-8").split())
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
