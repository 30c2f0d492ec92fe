"""Text rules that all channels share."""

from __future__ import annotations

import re
from typing import Final

#: Characters of a text that are kept; a longer one is cut, visibly.
LONGEST: Final = 200_000
#: Characters of a name or a subject that are kept.
LONGEST_LINE: Final = 500
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_QUOTED: Final = re.compile(r"^\s*>")


def clean(text: str) -> str:
    """Return the text without control characters and lone surrogates, with plain line ends, cut to `LONGEST`."""
    if not text.isprintable():
        text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > LONGEST:
        return f"{text[:LONGEST]}\n[cut: {len(text) - LONGEST} characters more]"
    return text


def one_line(text: str) -> str:
    """Return a name or a subject as one line of at most `LONGEST_LINE` characters."""
    if text.isprintable() and len(text) <= LONGEST_LINE:
        return text
    return " ".join(clean(text).split())[:LONGEST_LINE]


def without_quotes(text: str) -> str:
    """Return the lines of a text that its sender wrote: without those quoted with ``>``."""
    if ">" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not _QUOTED.match(line)).strip()
