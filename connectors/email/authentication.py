"""What our own mail server found out about a sender: Authentication-Results (RFC 8601), from the pinned authserv-id only.

Anybody can write such a field, so one counts only under a name that the operator pinned, only the topmost of that name, and only
a DMARC pass for the very domain of a single From (RFC 7489). Whatever is odd proves nothing. The pinned server must remove
foreign fields under its own name, as RFC 8601 section 5 demands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connectors.email.headers import Headers, mailboxes
from gateway.sdk import Evidence

#: What to pin for a server that writes no name at all (Microsoft 365 begins with ``spf=``).
UNNAMED: Final = "-"
#: Clauses that are read of one field.
_MOST_CLAUSES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The trusted verdicts about a mail."""

    #: How far the From address is proven.
    evidence: Evidence = Evidence.CLAIMED
    #: DMARC's word (``pass``, ``fail``, ``none`` …), empty when nobody trusted says.
    dmarc: str = ""
    #: DKIM's, the best of several signatures.
    dkim: str = ""
    #: SPF's.
    spf: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    method: str
    result: str
    properties: dict[str, str]


def authenticate(headers: Headers, pinned: Iterable[str]) -> Authentication:
    """Return what the pinned server says about the sender. Never raises."""
    names = {name.strip().lower() for name in pinned}
    clauses = _trusted(headers, names) if names else None
    if clauses is None:
        return Authentication()
    dmarc = _worst([each for each in clauses if each.method == "dmarc"])
    dkim = [each.result for each in clauses if each.method == "dkim"]
    spf = [each.result for each in clauses if each.method == "spf"]
    domain = _from_domain(headers)
    proven = bool(domain) and dmarc is not None and dmarc.result == "pass" and _domain_of(dmarc) == domain
    return Authentication(
        evidence=Evidence.VERIFIED if proven else Evidence.CLAIMED,
        dmarc=dmarc.result if dmarc is not None else "",
        dkim="pass" if "pass" in dkim else (dkim[0] if dkim else ""),
        spf=spf[0] if spf else "",
    )


def _trusted(headers: Headers, names: set[str]) -> list[_Clause] | None:
    """Return the clauses of the topmost field under a pinned name. Fields below it may have come with the mail."""
    for value in headers.all("authentication-results"):
        pieces = _pieces(value)
        if pieces is None:
            return None  # whose it is cannot be told, so the one below it may be a forgery under the real one
        first = pieces[0]
        name = UNNAMED if (len(first) == 1 and "=" in first[0]) or any("=" in word for word in first) else ""
        if not name:
            name = first[0].lower() if first and (len(first) == 1 or first[1:] == ["1"]) else ""
        if name in names:
            rest = pieces if name == UNNAMED else pieces[1:]
            return [clause for piece in rest[:_MOST_CLAUSES] if (clause := _clause(piece)) is not None]
    return None


def _pieces(value: str) -> list[list[str]] | None:  # noqa: C901, PLR0912 (a state machine reads best in one piece)
    """Return the words of each clause, comments left out; None when quotes or comments do not close: such a field is no proof."""
    pieces: list[list[str]] = [[]]
    word: list[str] = []
    begun = quoted = skip = False
    depth = 0
    for letter in value:
        if skip:
            skip = False
            if not depth:
                word.append(letter)
        elif letter == "\\" and (quoted or depth):
            skip = True
        elif quoted:
            quoted = letter != '"'
            if quoted:
                word.append(letter)
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif depth:
            continue
        elif letter == '"':
            quoted = begun = True
        elif letter in " \t;":
            if word or begun:
                pieces[-1].append("".join(word))
            word, begun = [], False
            if letter == ";":
                pieces.append([])
        else:
            word.append(letter)
    if depth or quoted or skip:
        return None
    if word or begun:
        pieces[-1].append("".join(word))
    return pieces


def _clause(words: list[str]) -> _Clause | None:
    # Blanks may stand around "=", so the words are put together again first.
    joined: list[str] = []
    for word in words:
        if joined and (word.startswith("=") or joined[-1].endswith("=")):
            joined[-1] += word
        else:
            joined.append(word)
    if not joined:
        return None
    method, equals, result = joined[0].partition("=")
    if not equals:
        return None
    properties: dict[str, str] = {}
    for word in joined[1:]:
        name, equals, text = word.partition("=")
        # A property that stands twice with two values says nothing.
        known = properties.setdefault(name.lower(), text.lower())
        if equals and known != text.lower():
            properties[name.lower()] = ""
    return _Clause(method=method.partition("/")[0].lower(), result=result.lower(), properties=properties)


def _worst(clauses: list[_Clause]) -> _Clause | None:
    return next((each for each in clauses if each.result != "pass"), clauses[0] if clauses else None)


def _domain_of(clause: _Clause) -> str:
    return clause.properties.get("header.from", "").rpartition("@")[2].rstrip(".")


def _from_domain(headers: Headers) -> str:
    fields = headers.all("from")
    boxes, more = mailboxes(fields, 2)
    if len(fields) != 1 or len(boxes) != 1 or more:
        return ""
    return boxes[0].address.rpartition("@")[2].lower().rstrip(".")
