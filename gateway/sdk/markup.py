"""HTML that others wrote, read piece by piece, in time that grows with its length and no faster.

Anybody can mail broken HTML to a helpdesk. The standard library's parser is not used: tags that never end cost it time that
grows with the square of their number.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

_NAME: Final = re.compile(r"/?([A-Za-z][A-Za-z0-9]*)")
_SIGN: Final = re.compile("[\"'>]")
#: Letters of tags, and of nothing else: `str.lower` makes some characters longer.
_LOWER: Final = {ord(each): ord(each.lower()) for each in string.ascii_uppercase}


def html_pieces(source: str, unread: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Yield text and tags in order: ``("", "some text")``, ``("p", "")`` where an element begins, ``("/p", "")`` where it ends.

    Character references are resolved. Comments and declarations are left out, and elements in `unread` with all that is in
    them. What never ends swallows the rest. Never raises.
    """
    lower = source.translate(_LOWER)
    at = 0
    while (start := source.find("<", at)) >= 0:
        if start > at:
            yield "", html.unescape(source[at:start])
        if source.startswith("<!--", start):
            at = _after(source, "-->", start)
            continue
        name = _NAME.match(source, start + 1)
        if name is None:
            declares = source[start + 1 : start + 2] in {"!", "?"}
            at = _after(source, ">", start) if declares else start + 1
            if not declares:
                yield "", "<"
            continue
        ends = source[start + 1] == "/"
        word = name[1].lower()
        if word in unread and not ends:
            start = lower.find(f"</{word}", start)
            at = len(source) if start < 0 else _after(source, ">", start)
        else:
            at = _end_of_tag(source, name.end())
        yield f"/{word}" if ends else word, ""
    if at < len(source):
        yield "", html.unescape(source[at:])


def _after(source: str, mark: str, at: int) -> int:
    found = source.find(mark, at)
    return len(source) if found < 0 else found + len(mark)


def _end_of_tag(source: str, at: int) -> int:
    """Return where a tag ends: at the first ``>`` outside of a quoted value, or at the first one when quotes do not close.

    Linear over a whole text: of any four tags, the search from one ends at the next two at the latest, whatever their quotes.
    """
    first = source.find(">", at)
    if first < 0:
        return len(source)
    quote = ""
    for found in _SIGN.finditer(source, at):
        sign = found[0]
        if quote:
            quote = "" if sign == quote else quote
        elif sign == ">":
            return found.end()
        else:
            quote = sign
    return first + 1
