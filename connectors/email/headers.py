"""Header fields of a mail: split, unfolded and decoded in linear time, whatever the bytes are (RFC 5322, 2045, 2047, 2231).

The standard library's parser is quadratic on long fields and raises on odd ones, so this one stands on its own. What is cut
is counted, so that it can be said.
"""

from __future__ import annotations

import binascii
import codecs
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote_to_bytes

#: Longest value of one field that is kept, characters. References and DKIM signatures stay far below.
LONGEST_VALUE: Final = 16_384
#: Fields that are kept of one header.
MOST_FIELDS: Final = 1_000
#: Characters that are kept of one header.
LONGEST_HEADER: Final = 262_144
#: Addresses that are kept of one mail (a mail to more people than this is no conversation).
MOST_RECIPIENTS: Final = 100
#: Longest address: 64 of the local part, 255 of the domain, and the ``@`` (RFC 5321 4.5.3.1).
LONGEST_ADDRESS: Final = 320
#: Message-IDs that are kept of In-Reply-To and References.
MOST_REFERENCES: Final = 50

#: Longest language tag of an extended parameter (RFC 2231).
_LONGEST_LANGUAGE: Final = 30
_FIELD: Final = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,9}:(.*)", re.DOTALL)
_WORD: Final = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_MESSAGE_ID: Final = re.compile(r"<([^<>\s\x00-\x1f\x7f-\x9f]{1,995})>")
_SECTION: Final = re.compile(r"(.{1,80}?)\*(\d{1,3})(\*?)")
#: Codecs of Python that decode no text of mails, or do it in quadratic time.
_NO_CHARSETS: Final = frozenset(
    {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
#: What mails call a charset → the codec that reads what they mean by it, mostly its superset.
_CHARSETS: Final = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "": "utf-8",
    "default": "utf-8",
    "unknown-8bit": "utf-8",
    "utf8mb4": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "tis-620": "cp874",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An address with the name that stands beside it."""

    #: The address as written, without blanks.
    address: str
    #: The name, decoded, empty when none.
    name: str = ""


class Headers:
    """The fields of one header, in order. Names are compared in lower case."""

    def __init__(self, fields: tuple[tuple[str, str], ...], *, cut: bool = False) -> None:
        """Take name (lower case) and raw, unfolded value of each field; `cut` when some were left out or shortened."""
        self.fields = fields
        self.cut = cut

    def get(self, name: str) -> str:
        """Return the first value of a field, undecoded, empty when there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return all values of a field, undecoded, in order."""
        return [value for key, value in self.fields if key == name]

    def text(self, name: str) -> str:
        """Return the first value of a field as a person reads it."""
        return decode_words(self.get(name)).strip()

    def __contains__(self, name: str) -> bool:
        """Return whether the field is there."""
        return any(key == name for key, _ in self.fields)


def split_header(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """Return the header that begins at `start`, and where the body begins. Never raises."""
    fields: list[tuple[str, str]] = []
    lines: list[bytes] = []
    kept, cut, at = 0, False, start
    while at < end:
        stop = raw.find(b"\n", at, end)
        stop = end if stop < 0 else stop + 1
        line = raw[at : min(stop, at + LONGEST_VALUE)]
        cut |= stop - at > LONGEST_VALUE
        bare = line.rstrip(b"\r\n")
        if not bare:
            at = stop
            break
        if bare[:1] in b" \t":
            if lines:
                lines.append(b" " + bare.lstrip(b" \t"))
        elif b":" not in bare[:201] or _FIELD.match(bare) is None:
            # An mbox's separator may stand first; anything else that is no field begins the body.
            if at > start or not bare.startswith((b"From ", b">From ")):
                break
        else:
            kept, cut = _keep(fields, lines, kept, cut=cut)
            lines = [bare]
        at = stop
    _, cut = _keep(fields, lines, kept, cut=cut)
    return Headers(tuple(fields), cut=cut), at


def _keep(fields: list[tuple[str, str]], lines: list[bytes], kept: int, *, cut: bool) -> tuple[int, bool]:
    if not lines:
        return kept, cut
    found = _FIELD.match(b"".join(lines))
    if found is None or len(fields) >= MOST_FIELDS or kept > LONGEST_HEADER:
        return kept, True
    value = _plain(found[2].strip())
    fields.append((found[1].decode("ascii").lower(), value[:LONGEST_VALUE]))
    return kept + min(len(value), LONGEST_VALUE), cut or len(value) > LONGEST_VALUE


def _plain(value: bytes) -> str:
    value = value.replace(b"\x00", b"")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def headers_of(pairs: list[tuple[str, str]]) -> Headers:
    """Return a header from pairs that a service has already taken apart."""
    kept = tuple(
        (name.strip().lower(), " ".join(value.replace("\x00", "").split("\n"))[:LONGEST_VALUE]) for name, value in pairs
    )
    return Headers(kept[:MOST_FIELDS], cut=len(kept) > MOST_FIELDS)


def decode_text(data: bytes, charset: str) -> str:
    """Return text of a charset; an unknown or wrong one falls back to UTF-8 and then Windows-1252. Never raises."""
    name = charset.strip().strip("\"'").lower()[:60]
    name = _CHARSETS.get(name, name)
    try:
        codec = codecs.lookup(name).name
        if codec not in _NO_CHARSETS and codec != "utf-8":
            # Some codecs (UTF-7) bring lone surrogates, which no store takes.
            return data.decode(codec, "replace").encode("utf-8", "replace").decode("utf-8")
    except (LookupError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # One broken character in long UTF-8 is a scar; many of them are another charset.
        text = data.decode("utf-8", "replace")
        return text if text.count("\ufffd") * 50 < len(text) else data.decode("cp1252", "replace")


def decode_words(value: str) -> str:
    """Return a value with its encoded words (RFC 2047) read. A character split over two words is put together again."""
    if "=?" not in value:
        return value
    out: list[str] = []
    pending: list[bytes] = []
    charset, at = "", 0
    for found in _WORD.finditer(value):
        between = value[at : found.start()]
        if pending and (between.strip() or found[1].lower() != charset):
            out.append(decode_text(b"".join(pending), charset))
            pending = []
        if between.strip() or (not out and not pending and at == 0):
            out.append(between)
        pending.append(_word(found[2], found[3]))
        charset, at = found[1].lower(), found.end()
    if pending:
        out.append(decode_text(b"".join(pending), charset))
    out.append(value[at:])
    return "".join(out)


def _word(encoding: str, data: str) -> bytes:
    raw = data.encode("utf-8", "replace")
    if encoding in "bB":
        return from_base64(raw)
    return binascii.a2b_qp(raw, header=True)


def from_base64(data: bytes) -> bytes:
    """Return what base64 says, however badly it is padded. Never raises."""
    for tail in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(data + tail)
        except binascii.Error:
            continue
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return binascii.a2b_base64(letters[: len(letters) // 4 * 4])


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the main value (lower case) and the parameters of a Content-Type or Content-Disposition (RFC 2045, 2231)."""
    pieces = _split(value, ";")
    found: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for piece in pieces[1:51]:
        name, equals, text = piece.partition("=")
        name, text = name.strip().lower(), text.strip()
        if not equals or not name:
            continue
        if text.startswith('"'):
            # Only what must be quoted is unquoted: browsers post Windows paths with bare backslashes.
            text = re.sub(r'\\(["\\])', r"\1", text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:])
        section = _SECTION.fullmatch(name)
        if section is not None:
            sections.setdefault(section[1], []).append((int(section[2]), bool(section[3]), text))
        elif name.endswith("*"):
            found[name[:-1]] = _extended(text)
        else:
            found.setdefault(name, decode_words(text))
    for name, parts in sections.items():
        parts.sort(key=lambda each: each[0])
        joined = "".join(text if coded else text.replace("%", "%25") for _, coded, text in parts)
        found[name] = _extended(joined) if any(coded for _, coded, _ in parts) else "".join(text for *_, text in parts)
    return pieces[0].strip().lower(), found


def _extended(text: str) -> str:
    charset, quote, rest = text.partition("'")
    language, second, coded = rest.partition("'")
    if not quote or not second or len(language) > _LONGEST_LANGUAGE:
        charset, coded = "utf-8", text
    return decode_text(unquote_to_bytes(coded), charset)


def _split(value: str, separator: str) -> list[str]:
    """Split at a separator outside quotes."""
    pieces: list[str] = []
    start, quoted, skip = 0, False, False
    for place, letter in enumerate(value):
        if skip:
            skip = False
        elif letter == "\\" and quoted:
            skip = True
        elif letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            pieces.append(value[start:place])
            start = place + 1
    pieces.append(value[start:])
    return pieces


def mailboxes(values: list[str], most: int = MOST_RECIPIENTS) -> tuple[list[Mailbox], bool]:
    """Return the addresses of some fields in order, and whether there were more than `most`. Comments are left out.

    Names are decoded after the addresses are told apart, so no encoded comma makes a second address.
    """
    found: list[Mailbox] = []
    for value in values:
        for piece in _addresses(value):
            box = _mailbox(piece)
            if box is None:
                continue
            if len(found) >= most:
                return found, True
            found.append(box)
    return found, False


def _addresses(value: str) -> list[str]:  # noqa: C901, PLR0912 (a state machine reads best in one piece)
    """Return the entries of an address list, without comments and group names."""
    pieces: list[str] = []
    entry: list[str] = []
    depth, quoted, angle, skip = 0, False, False, False
    for letter in value[:LONGEST_VALUE]:
        if skip:
            skip = False
            if not depth:
                entry.append(letter)
            continue
        if letter == "\\" and (quoted or depth):
            skip = True
            if not depth:
                entry.append(letter)
        elif quoted:
            quoted = letter != '"'
            entry.append(letter)
        elif letter == "(" and not angle:
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif depth:
            continue
        elif letter == '"':
            quoted = True
            entry.append(letter)
        elif letter in ",;" and not angle:
            pieces.append("".join(entry))
            entry = []
        elif letter == ":" and not angle:
            entry = []  # what stood before it is a group's name
        else:
            angle = letter == "<" or (angle and letter != ">")
            entry.append(letter)
    pieces.append("".join(entry))
    return pieces


def _mailbox(piece: str) -> Mailbox | None:
    opened = piece.rfind("<")
    if opened >= 0:
        address, name = piece[opened + 1 :].partition(">")[0], piece[:opened]
    else:
        words = piece.split()
        address = next((word for word in reversed(words) if "@" in word), "")
        name = " ".join(word for word in words if word != address)
    address = "".join(address.split())
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]  # a source route (RFC 5322 4.4)
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(address=address, name=" ".join(decode_words(name).split())) if is_address(address) else None


def is_address(text: str) -> bool:
    """Return whether a text can be an address that a mail is sent to."""
    local, at, domain = text.rpartition("@")
    return bool(
        at
        and local
        and domain
        and len(text) <= LONGEST_ADDRESS
        and text.isprintable()
        and not set(text) & set(' <>,;"()\\') - ({'"', "\\"} if local[:1] == '"' else set())
        and ("@" not in local or local[:1] == '"')
    )


def message_ids(value: str) -> list[str]:
    """Return the Message-IDs of a field, with their angle brackets, in order."""
    return [f"<{each}>" for each in _MESSAGE_ID.findall(value)]


def references(headers: Headers) -> tuple[str, ...]:
    """Return the Message-IDs that a mail answers, nearest first: In-Reply-To, then References from its end."""
    answered = message_ids(headers.get("in-reply-to"))
    earlier = [each for value in headers.all("references") for each in message_ids(value)]
    return tuple(dict.fromkeys([*answered, *reversed(earlier)]))[:MOST_REFERENCES]


def instant(value: str) -> int | None:
    """Return a Date field as UTC microseconds, None when it cannot be read."""
    try:
        moment = parsedate_to_datetime(value[:100])
        return int(moment.timestamp() * 1_000_000) if moment.year >= 1970 else None  # noqa: PLR2004 (the epoch)
    except (ValueError, TypeError, IndexError, OverflowError, OSError, KeyError):
        return None
