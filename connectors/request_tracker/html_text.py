"""HTML, as RT's own editor writes it, → the text that a person reads. Pure."""

from __future__ import annotations

import re
from typing import Final

from gateway.sdk import html_pieces

#: Elements that stand on lines of their own.
_BLOCKS: Final = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}
)
#: Elements that end where they begin.
_VOID: Final = frozenset({"br", "hr"})
#: Elements whose text nobody reads.
_SILENT: Final = frozenset({"script", "style", "head", "title", "template"})


def text_of(html: str) -> str:
    """Return the text of some HTML: one line a block, quotes and all."""
    parts: list[str] = []
    for tag, text in html_pieces(html, _SILENT):
        name = tag.removeprefix("/")
        if not tag:
            parts.append(re.sub(r"\s+", " ", text))
        elif tag == "li":
            parts.append("\n- ")
        elif name in _BLOCKS and (tag == name or name not in _VOID):
            parts.append("\n")
    lines = [line.strip() for line in "".join(parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
