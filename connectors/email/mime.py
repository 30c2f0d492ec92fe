"""The parts of a mail: its text, its files, and what stands inside a report (RFC 2045, 2046, 3676).

Linear in the mail's length for any bytes, without recursion over its nesting. What is past a limit is left out, and said: in
`Mail.cut`, which becomes a line of the text that people read.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from connectors.email.headers import Headers, decode_text, decode_words, from_base64, parameters, split_header
from connectors.email.markup import html_text
from gateway.sdk import Attachment, PermanentFailure

#: Parts that are read of one mail.
MOST_PARTS: Final = 200
#: How deep parts are opened.
DEEPEST: Final = 20
#: Bytes that are decoded of one text part.
LONGEST_TEXT: Final = 2_000_000
#: Longest boundary that is looked for: 70 characters by RFC 2046, more in the wild.
_LONGEST_BOUNDARY: Final = 250
_TEXTS: Final = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text/watch-html"})
#: Media types of whole mails.
MESSAGES: Final = frozenset({"message/rfc822", "message/global", "message/rfc2822"})
_TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_ENRICHED: Final = re.compile(r"<[^<>\n]{1,60}>")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_UU_BEGIN: Final = re.compile(rb"^begin [0-7]{3,4} [^\r\n]{1,200}\r?$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of a mail, by where its body stands in the raw bytes."""

    #: Where it stands: ``2.1`` is the first part of the second; the whole mail is empty.
    path: str
    #: Its header.
    headers: Headers
    #: Where its body begins …
    start: int
    #: … and ends.
    end: int
    #: ``text/plain`` …, lower case.
    media_type: str
    #: Parameters of its Content-Type.
    parameters: dict[str, str]
    #: ``attachment``, ``inline``, or empty.
    disposition: str
    #: Its file name as the sender gave it, without folders; empty when none.
    name: str
    #: The media type of what it stands in, empty for the whole mail.
    inside: str
    #: Its parts, for a multipart.
    parts: list[Part] = field(default_factory=list["Part"])

    @property
    def content_id(self) -> str:
        """Its Content-ID without angle brackets, empty when none."""
        return self.headers.get("content-id").strip(" <>")

    @property
    def is_text(self) -> bool:
        """Whether it is text that the mail shows, and not a file."""
        if self.media_type not in _TEXTS or self.disposition == "attachment":
            return False
        return not self.name or not self.inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail, taken apart."""

    #: Its bytes.
    raw: bytes
    #: Its header.
    headers: Headers
    #: Its outermost part.
    root: Part
    #: All parts, the outermost first, in order.
    parts: tuple[Part, ...]
    #: What was left out, each a few words: ``99,800 more parts``.
    cut: tuple[str, ...]


def read(raw: bytes, most: int = MOST_PARTS) -> Mail:
    """Take a mail apart, into `most` parts at most. Never raises."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    headers, start = split_header(raw, 0, len(raw))
    root = _part(headers, start, len(raw), path="", inside="")
    cut: list[str] = ["a part of its header"] if headers.cut else []
    found = [root]
    waiting = [(root, 1)]
    missed = 0
    while waiting:
        part, depth = waiting.pop()
        if not part.media_type.startswith("multipart/"):
            continue
        if depth > DEEPEST:
            cut.append("parts that are nested too deep")
            continue
        more = _children(raw, part, most - len(found))
        missed += more
        found.extend(part.parts)
        waiting.extend((each, depth + 1) for each in reversed(part.parts))
    if missed:
        cut.append(f"{missed:,} more part{'s' if missed > 1 else ''}")
    return Mail(raw=raw, headers=headers, root=root, parts=tuple(found), cut=tuple(dict.fromkeys(cut)))


def _part(headers: Headers, start: int, end: int, *, path: str, inside: str) -> Part:
    default = "message/rfc822" if inside == "multipart/digest" else "text/plain"
    media_type, values = parameters(headers.get("content-type"))
    if media_type.startswith("multipart/") and not values.get("boundary"):
        media_type = "text/plain"
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        media_type = default
    disposition, more = parameters(headers.get("content-disposition"))
    name = decode_words(more.get("filename") or values.get("name") or "")
    return Part(
        path=path,
        headers=headers,
        start=start,
        end=end,
        media_type=media_type,
        parameters=values,
        disposition=disposition,
        name=re.split(r"[\\/]", name)[-1].strip()[:255],
        inside=inside,
    )


def _children(raw: bytes, part: Part, most: int) -> int:
    """Find the parts of a multipart, at most `most`, and return how many were left out."""
    boundary = b"--" + part.parameters["boundary"][:_LONGEST_BOUNDARY].encode("utf-8", "replace").rstrip()
    at, opened, closed = part.start, -1, False
    while not closed:
        mark, after, closed = _delimiter(raw, boundary, at, part.end)
        if opened >= 0:
            if len(part.parts) >= most:
                more = raw.count(b"\n" + boundary, opened, part.end) - raw.count(
                    b"\n" + boundary + b"--", opened, part.end
                )
                return 1 + max(0, more)
            stop = mark
            # The line end before a delimiter belongs to the delimiter (RFC 2046 5.1.1).
            if mark < part.end or closed:
                stop -= 2 if raw[mark - 2 : mark] == b"\r\n" else raw[mark - 1 : mark] == b"\n"
            _add(raw, part, opened, max(opened, stop))
        if mark >= part.end:
            break
        opened = at = after
    return 0


def _add(raw: bytes, part: Part, start: int, end: int) -> None:
    headers, body = split_header(raw, start, end)
    path = f"{part.path}.{len(part.parts) + 1}".lstrip(".")
    part.parts.append(_part(headers, min(body, end), end, path=path, inside=part.media_type))


def _delimiter(raw: bytes, boundary: bytes, at: int, end: int) -> tuple[int, int, bool]:
    """Return where the next delimiter line begins, where the line after it begins, and whether it was the last one."""
    while True:
        mark = raw.find(boundary, at, end)
        if mark < 0:
            return end, end, True
        line = raw.find(b"\n", mark, end)
        line = end if line < 0 else line
        tail = raw[mark + len(boundary) : min(line, mark + len(boundary) + 100)].strip()
        if (mark == 0 or raw[mark - 1 : mark] == b"\n") and tail in {b"", b"--"}:
            return mark, min(line + 1, end), tail == b"--"
        at = mark + len(boundary)


# --- bytes and text of parts ---------------------------------------------------------------------------------------------
def content(mail: Mail, part: Part, most: int | None = None) -> bytes:
    """Return the bytes of a part, its transfer encoding undone; of a text, as many as `most`. Never raises."""
    encoding = part.headers.get("content-transfer-encoding").partition(";")[0].strip().lower()
    stop = part.end if most is None else min(part.end, part.start + most * 3)
    data = mail.raw[part.start : stop]
    if encoding == "base64":
        return from_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecode(data)
    return data


def _uudecode(data: bytes) -> bytes:
    found = _UU_BEGIN.search(data)
    out: list[bytes] = []
    for line in data[found.end() if found else 0 :].splitlines():
        if line.strip() == b"end":
            break
        if not line.strip():
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders count wrongly; what the line must hold stands in its first byte.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                out.append(binascii.a2b_uu(line[: size + 1]))
            except binascii.Error:
                continue
    return b"".join(out)


def part_text(mail: Mail, part: Part) -> str:
    """Return the text of a text part as a person reads it."""
    text = decode_text(content(mail, part, LONGEST_TEXT)[:LONGEST_TEXT], part.parameters.get("charset", ""))
    if part.media_type in {"text/html", "text/watch-html"}:
        return html_text(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.media_type in {"text/enriched", "text/richtext"}:
        return _ENRICHED.sub("", text.replace("<<", "\x00")).replace("\x00", "<")
    if part.parameters.get("format", "").lower() == "flowed":
        return unflowed(text, joined=part.parameters.get("delsp", "").lower() == "yes")
    return text


def unflowed(text: str, *, joined: bool = False) -> str:
    """Return flowed text (RFC 3676) with its soft line breaks undone; `joined` is its parameter DelSp."""
    out: list[str] = []
    pieces: list[str] = []
    depth = 0
    for line in text.split("\n"):
        quotes = len(line) - len(line.lstrip(">"))
        words = line[quotes:]
        words = words.removeprefix(" ")
        if pieces and quotes != depth:
            out.append(_flow(depth, pieces))
            pieces = []
        depth = quotes
        soft = words.endswith(" ") and words != "-- "
        pieces.append(words[:-1] if soft and joined else words)
        if not soft:
            out.append(_flow(depth, pieces))
            pieces = []
    if pieces:
        out.append(_flow(depth, pieces))
    return "\n".join(out)


def _flow(depth: int, pieces: list[str]) -> str:
    words = "".join(pieces)
    return f"{'>' * depth} {words}" if depth else words


def text_of(mail: Mail) -> str:
    """Return the text that a mail shows: of alternatives the plain one, unless it says nothing."""
    # Depth is bounded by DEEPEST.
    return _shown(mail, mail.root)


def _shown(mail: Mail, part: Part) -> str:
    if not part.parts:
        return part_text(mail, part) if part.is_text else ""
    if part.media_type == "multipart/alternative":
        plain = [each for each in part.parts if each.media_type == "text/plain"]
        rest = [each for each in reversed(part.parts) if each.media_type != "text/plain"]
        return next((text for each in (*plain, *rest) if (text := _shown(mail, each)).strip()), "")
    shown = [text for each in part.parts if (text := _shown(mail, each)).strip()]
    return "\n".join(text.rstrip("\n") for text in shown) if len(shown) > 1 else "".join(shown)


# --- files ---------------------------------------------------------------------------------------------------------------
def files_of(mail: Mail) -> tuple[Attachment, ...]:
    """Return the files of a mail, with size and hash. Mails inside it are files; nothing in them is opened."""
    named: list[Attachment] = []
    for part in mail.parts:
        if not _is_file(part):
            continue
        data = content(mail, part)
        named.append(
            Attachment(
                id=part.path or "0",
                name=part.name or _name_of_message(mail, part),
                media_type=part.media_type,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                inline=_is_inline(part),
            )
        )
    return tuple(named)


def _is_file(part: Part) -> bool:
    return not part.parts and not part.media_type.startswith("multipart/") and not part.is_text


def _is_inline(part: Part) -> bool:
    if part.disposition == "inline":
        return True
    return bool(part.content_id) and (part.disposition != "attachment" or part.inside == "multipart/related")


def _name_of_message(mail: Mail, part: Part) -> str:
    if part.media_type not in MESSAGES:
        return ""
    subject = " ".join(message_inside(mail, part).text("subject").split())
    return re.sub(r"[\\/:*?\"<>|\x00-\x1f]", "_", subject)[:100] + ".eml" if subject else ""


def message_inside(mail: Mail, part: Part) -> Headers:
    """Return the header of a mail that stands inside a part (message/rfc822, text/rfc822-headers)."""
    data = content(mail, part, 65_536)
    return split_header(data, 0, len(data))[0]


def has_tnef(mail: Mail) -> bool:
    """Return whether Outlook's own container is among the files: it is handed on whole, and not opened."""
    return any(part.media_type in _TNEF or part.name.lower() == "winmail.dat" for part in mail.parts)


def open_attachment(raw: bytes, attachment_id: str) -> bytes:
    """Return the bytes of a file of a mail by its `Attachment.id`. Raises `PermanentFailure` when there is none of it."""
    mail = read(raw)
    wanted = "" if attachment_id == "0" else attachment_id
    part = next((each for each in mail.parts if each.path == wanted and _is_file(each)), None)
    if part is None:
        raise PermanentFailure("The mail has no such file: it was recorded of another mail.")
    return content(mail, part)
