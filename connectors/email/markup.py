"""HTML of mails as plain text: what a reader sees, in lines, with the quoted mail marked as quoted.

A scanner, not a tree: trees of nested mails are quadratic in every library measured (Lexbor takes minutes for 300,000 nested
elements). What is not shown is left out: hidden text is a way to put words before the rules that no person sees.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

#: Characters of HTML that are read.
LONGEST_HTML: Final = 2_000_000
#: Tags that are read; a mail with more is a bomb.
MOST_TAGS: Final = 200_000
#: Open elements that are remembered.
_MOST_OPEN: Final = 2_000
#: Quotes inside quotes that are marked; deeper ones look the same.
_DEEPEST: Final = 8
#: Attributes of one tag that are read, characters.
_LONGEST_TAG: Final = 4_000

_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "caption",
    ]
)
_SPACED: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "blockquote"})
#: Elements whose content is no text of the mail.
_SKIPPED: Final = frozenset(
    {"head", "title", "template", "noscript", "iframe", "object", "svg", "math", "select", "button"}
)
#: Elements whose content is no markup: it ends at their own end tag only.
_RAW: Final = frozenset({"script", "style", "textarea", "xmp"})
_VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_TAG: Final = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,40})")
_ATTRIBUTE: Final = re.compile(r"""([a-zA-Z_:][\w:.-]{0,40})\s{0,20}=\s{0,20}("[^"]*"|'[^']*'|[^\s"'>]+)""")
_HIDDEN: Final = re.compile(
    r"display\s?:\s?none|visibility\s?:\s?hidden|mso-hide\s?:\s?all|(?:^|[;\s])font-size\s?:\s?0+(?:\.0+)?(?:px|pt|em|rem|%)?\s?(?:;|!|$)"
    r"|max-height\s?:\s?0+(?:px)?\s?(?:;|!|$)|(?:^|[;\s])opacity\s?:\s?0+(?:\.0+)?\s?(?:;|!|$)",
    re.IGNORECASE,
)
_HIDDEN_ATTRIBUTE: Final = re.compile(r"(?:^|\s)hidden(?:[\s=/]|$)", re.IGNORECASE)
#: Classes and ids by which clients mark the mail that is answered, and their own line above it.
_QUOTE_MARKS: Final = re.compile(
    r"(?<![\w-])(?:gmail_quote|gmail_quote_container|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|zmail_extra|"
    r"tutanota_quote|OLK_SRC_BODY_SECTION|divRplyFwdMsg|quoted-?message|replied-?message|freebirdquote|"
    r"x_gmail_quote|reply-?intro|crisp-?quote|front-?blockquote|email-?quote|mail-?quote)(?![\w-])",
    re.IGNORECASE,
)
#: The rule above the header of the answered mail: Outlook's border that stands on top only.
_OUTLOOK_RULE: Final = re.compile(
    r"border(?:-width)?\s?:\s?(?:none|[^;]{0,30}\s0|medium none)?[^\"]{0,80}border-top\s?:\s?solid|"
    r"border-style\s?:\s?solid none none|border-top\s?:\s?[^;]{0,20}solid[^;]{0,30};\s?padding\s?:\s?3(?:\.0)?pt 0",
    re.IGNORECASE,
)
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_LINE: Final = "_" * 32


@dataclass(slots=True)
class _Open:
    """An element that has begun."""

    tag: str
    quoted: bool
    hidden: bool


class _Page:
    """Lines as they come, each under as many marks as quotes are open."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._words: list[str] = []
        self._open: list[_Open] = []
        self._counts: dict[str, int] = {}
        self._quotes = 0
        self._hidden = 0

    def say(self, text: str) -> None:
        if not self._hidden and text:
            self._words.append(text)

    def end(self, *, empty: bool = False) -> None:
        line = _SPACES.sub(" ", "".join(self._words)).replace("\xa0", " ").strip(" ")
        self._words = []
        marks = "> " * min(self._quotes, _DEEPEST)
        if line:
            self.lines.append(marks + line)
        elif empty and self.lines and self.lines[-1].strip("> "):
            self.lines.append(marks.rstrip())

    def begin(self, tag: str, attributes: str) -> None:  # noqa: C901 (one question an element, in the order of HTML)
        if tag == "br":
            # An empty line is one that has nothing but its <br>.
            self.end(empty=not self._words)
            return
        if tag == "hr":
            self.end()
            self.say(_LINE)
            self.end()
            return
        if tag in {"td", "th"}:
            self.say(" ")
        found = dict(_attributes(attributes)) if "=" in attributes else {}
        if tag == "img" and found.get("alt", "").strip():
            self.say(f"[{found['alt'].strip()[:200]}]")
        if tag in _BLOCKS:
            self.end()
            self.end(empty=tag in _SPACED)
        if tag in _VOID:
            return
        style = found.get("style", "")
        quoted = tag == "blockquote" or bool(
            found and _QUOTE_MARKS.search(f"{found.get('class', '')} {found.get('id', '')}")
        )
        hidden = (
            tag in _SKIPPED or bool(style and _HIDDEN.search(style)) or _HIDDEN_ATTRIBUTE.search(attributes) is not None
        )
        if quoted:
            self.end()
        elif style and _OUTLOOK_RULE.search(style):
            self.say(_LINE)
            self.end()
        if len(self._open) < _MOST_OPEN:
            self._open.append(_Open(tag, quoted, hidden))
            self._counts[tag] = self._counts.get(tag, 0) + 1
            self._quotes += quoted
            self._hidden += hidden
        if tag == "li":
            self.say("- ")

    def close(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.end()
            if tag in _SPACED:
                self.end(empty=True)
        if not self._counts.get(tag):
            return
        # What was left open inside is closed with it; each element is taken off once, so this is linear over the mail.
        while self._open:
            top = self._open.pop()
            self._counts[top.tag] -= 1
            if top.quoted:
                self.end()
                self._quotes -= 1
            self._hidden -= top.hidden
            if top.tag == tag:
                break


def _attributes(text: str) -> list[tuple[str, str]]:
    return [
        (name.lower(), html.unescape(value.strip("\"'"))) for name, value in _ATTRIBUTE.findall(text[:_LONGEST_TAG])
    ]


def html_text(source: str) -> str:
    """Return what a person reads in a piece of HTML. Quotes are marked with ``>``. Never raises, linear in its length."""
    source = source[:LONGEST_HTML].replace("\x00", "")
    page, at, tags = _Page(), 0, 0
    while at < len(source) and tags < MOST_TAGS:
        opened = source.find("<", at)
        if opened < 0:
            opened = len(source)
        if opened > at:
            page.say(html.unescape(source[at:opened]))
        if opened == len(source):
            break
        tags += 1
        at = _mark(source, opened, page)
    page.end()
    return "\n".join(page.lines).strip("\n")


def _mark(source: str, opened: int, page: _Page) -> int:
    """Read the markup that begins at `opened`, and return where it ends."""
    if source.startswith("<!--", opened):
        return _after(source, "-->", opened + 4)
    if source.startswith(("<!", "<?"), opened):
        return _after(source, ">", opened)
    found = _TAG.match(source, opened + 1)
    if found is None:
        page.say("<")
        return opened + 1
    end = _end_of_tag(source, found.end())
    tag = found[2].lower()
    if found[1]:
        page.close(tag)
    elif tag in _RAW:
        closing = re.compile(f"</{tag}", re.IGNORECASE).search(source, end)
        return len(source) if closing is None else _after(source, ">", closing.end())
    else:
        page.begin(tag, source[found.end() : end - 1])
    return end


def _after(source: str, mark: str, at: int) -> int:
    found = source.find(mark, at)
    return len(source) if found < 0 else found + len(mark)


def _end_of_tag(source: str, at: int) -> int:
    """Return where a tag ends: at the first ``>`` outside a quoted value, or at the first one when quotes do not close."""
    first = source.find(">", at)
    if first < 0:
        return len(source)
    text = source[at : at + _LONGEST_TAG]
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == ">":
            return at + place + 1
    return first + 1
