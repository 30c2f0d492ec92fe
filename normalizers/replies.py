"""What is new in a mail: its text without the mail that it answers and without its signature.

A scanner over lines, linear whatever the text is. Signals look at what comes out; people always see the whole text. When in
doubt a line stays: a rule that misses a complaint is worse than one that reads a name twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from normalizers.quoting import (
    DASHED_NAME,
    LIST_FOOTER,
    SIGNATURE_MARK,
    attribution,
    header_block,
    is_forwarding,
    is_phone_line,
    is_quoted,
    is_rule,
    shared_line,
)

#: Lines that are looked at; a longer mail is quoted history for most of its length.
MOST_LINES: Final = 5_000
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """A mail's text in its parts."""

    #: What is new.
    reply: str
    #: The signature below it, empty when none was found.
    signature: str = ""
    #: What was quoted, in order.
    quoted: str = ""


def visible_reply(text: str) -> str:
    """Return what is new in a mail's text; the whole text when nothing in it looks new."""
    return trimmed(text).reply


def trimmed(text: str) -> Trimmed:
    """Return a mail's text in its parts. What is only quotes counts as new: its sender sent nothing else."""
    whole = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\xa0", " ")).split("\n")
    lines = [line.rstrip() for line in whole[:MOST_LINES]]
    kept, quoted = _unquoted(lines)
    new, signature = _unsigned(kept)
    reply = _joined(new)
    if not reply:
        reply = _joined(kept) or _joined(_beginning(lines))
    return Trimmed(reply=reply, signature=_joined(signature), quoted=_joined(quoted))


def _joined(lines: list[str]) -> str:
    while lines and not lines[0].strip():
        lines = lines[1:]
    return "\n".join(lines).rstrip()


def _beginning(lines: list[str]) -> list[str]:
    """Return a mail that is only a quote or handed on, without the header above it."""
    start = next((place for place, line in enumerate(lines) if line.strip()), len(lines))
    if start < len(lines) and is_forwarding(lines[start]):
        start = next((place for place in range(start + 1, len(lines)) if lines[place].strip()), len(lines))
    if (start < len(lines) and (count := header_block(lines, start))) or (
        start < len(lines) and (count := attribution(lines, start))
    ):
        start += count
    rest = lines[start:]
    return rest if any(line.strip() for line in rest) else lines


# --- quotes --------------------------------------------------------------------------------------------------------------
def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:  # noqa: C901 (one question a line, in order)
    """Take away what is quoted: marked lines wherever they stand, and all below a line that begins the answered mail."""
    kept: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if is_forwarding(line) and not is_quoted(line):
            if any(each.strip() for each in kept):
                return kept + lines[at:], quoted
            break
        if is_quoted(line):
            at = _past(lines, _skip_quote(lines, at, quoted), kept)
            continue
        shared = shared_line(line)
        if shared >= 0:
            kept.append(line[:shared].rstrip(" -"))
            quoted.extend(lines[at:])
            return kept, quoted
        count = attribution(lines, at)
        if count:
            below = next((place for place in range(at + count, len(lines)) if lines[place].strip()), len(lines))
            if below < len(lines) and is_quoted(lines[below]):
                quoted.extend(lines[at:below])
                at = _past(lines, _skip_quote(lines, below, quoted), kept)
                continue
            if below < len(lines) or any(each.strip() for each in kept):
                quoted.extend(lines[at:])
                return kept, quoted
        if header_block(lines, at) and (_is_copied(lines, at) or not any(each.strip() for each in kept)):
            while kept and (not kept[-1].strip() or is_rule(kept[-1])):
                kept.pop()
            quoted.extend(lines[at:])
            return kept, quoted
        kept.append(line)
        at += 1
    return kept, quoted + lines[at:]


def _is_copied(lines: list[str], at: int) -> bool:
    """Return whether a header's block stands alone enough to be one, and is not a form that the customer filled in."""
    return at == 0 or not lines[at - 1].strip() or is_rule(lines[at - 1]) or header_block(lines, at) >= 3  # noqa: PLR2004


def _past(lines: list[str], at: int, kept: list[str]) -> int:
    """Return where to go on below a quote: one empty line is enough where it stood."""
    if kept and not kept[-1].strip():
        while at < len(lines) and not lines[at].strip():
            at += 1
    return at


def _skip_quote(lines: list[str], at: int, quoted: list[str]) -> int:
    """Pass over marked lines, the empty ones between them, and a marked line's wrapped end."""
    while at < len(lines):
        if is_quoted(lines[at]):
            quoted.append(lines[at])
            at += 1
            continue
        below = at
        while below < len(lines) and not lines[below].strip():
            below += 1
        if below > at and below < len(lines) and is_quoted(lines[below]):
            quoted.extend(lines[at:below])
            at = below
            continue
        return at
    return at


# --- signatures ----------------------------------------------------------------------------------------------------------
def _unsigned(lines: list[str]) -> tuple[list[str], list[str]]:
    """Take the signature away: below its mark, or a telephone's line or a dashed name at the end."""
    for place, line in enumerate(lines):
        if SIGNATURE_MARK.match(line) and _is_signature(lines, place):
            return lines[:place], lines[place:]
    end = len(lines)
    while end:
        block = end
        while block and not lines[block - 1].strip():
            block -= 1
        if not block:
            break
        taken = _footer(lines, block)
        if taken == block:
            break
        end = taken
    return lines[:end], lines[end:]


def _is_signature(lines: list[str], place: int) -> bool:
    """Return whether a mark begins a signature, and does not stand under a title or between paragraphs."""
    rest = [line for line in lines[place + 1 :] if line.strip()]
    if not any(line.strip() for line in lines[:place]):
        return False
    mark = lines[place].strip()
    return mark in {"--", "—", "- -"} or (len(rest) <= 15 and sum(len(line) > 120 for line in rest) <= 2)  # noqa: PLR2004


def _footer(lines: list[str], end: int) -> int:
    """Return where the footer that ends at `end` begins; `end` when there is none."""
    if is_phone_line(lines[end - 1]):
        return end - 1
    # A dashed name counts alone in its paragraph, or below one line of words; below other dashes it is a list.
    if DASHED_NAME.match(lines[end - 1]) and not (end > 1 and lines[end - 2].lstrip().startswith("-")):
        return end - 1
    start = end
    while start and lines[start - 1].strip() and end - start < 12:  # noqa: PLR2004 (lines of a list's footer)
        start -= 1
        if is_rule(lines[start]):
            below = lines[start + 1 : end]
            return start if not below or any(LIST_FOOTER.match(each.strip()) for each in below) else end
    if is_rule(lines[end - 1]):
        return end - 1
    return end
