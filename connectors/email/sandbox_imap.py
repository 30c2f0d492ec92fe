r"""The IMAP half of the stand-in for a mail server: RFC 9051 as far as the connector reads with it, IDLE included.

Folders are opened for reading only; a FETCH without PEEK sets ``\Seen`` as a real server would, so that a test can see it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Protocol

from connectors.email.sandbox_smtp import xoauth2
from gateway.testing.faults import Fault, FaultKind

#: What faults may wait for, by its name behind ``imap.``.
COMMANDS: Final = (
    *("capability", "login", "authenticate", "noop", "select", "examine", "list"),
    *("uid_search", "uid_fetch", "idle", "append"),
)
_LITERAL: Final = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")
_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\([^()]*\))|(\S+)')


@dataclass(slots=True, kw_only=True)
class Kept:
    """A mail in a folder."""

    uid: int
    raw: bytes
    #: UTC microseconds.
    at: int
    seen: bool = False


@dataclass(slots=True, kw_only=True)
class Folder:
    """A folder."""

    validity: int = 1
    next_uid: int = 1
    mails: list[Kept] = field(default_factory=list[Kept])
    #: Set when something came, for those that IDLE; each waits on its own.
    listeners: set[asyncio.Event] = field(default_factory=set[asyncio.Event])

    def put(self, raw: bytes, at: int, *, seen: bool = False) -> Kept:
        """Put a mail into it."""
        kept = Kept(uid=self.next_uid, raw=raw, at=at, seen=seen)
        self.next_uid += 1
        self.mails.append(kept)
        for each in self.listeners:
            each.set()
        return kept

    def renumber(self) -> None:
        """Give all mails new numbers, as a restored or moved mailbox has them."""
        self.validity += 1
        self.next_uid = 1
        for kept in self.mails:
            kept.uid = self.next_uid
            self.next_uid += 1


class Store(Protocol):
    """The mail server behind a connection."""

    folders: dict[str, Folder]
    idles: bool

    def lets_in(self, user: str, secret: str, *, token: bool) -> bool:
        """Return whether that user may sign in."""
        ...

    def fault(self, route: str) -> Fault | None:
        """Return the fault that the next call of a route meets."""
        ...

    def called(self, route: str, command: str, status: int, fault: Fault | None) -> None:
        """Note a call."""
        ...

    def time(self) -> int:
        """Return the time, UTC microseconds."""
        ...


class Broken(Exception):
    """The connection is cut."""


class ImapSession:
    """One connection of a client."""

    def __init__(self, store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the server and both ends."""
        self._store = store
        self._reader = reader
        self._writer = writer
        self._folder: Folder | None = None
        self._in = False
        self._told = 0

    async def run(self) -> None:
        """Talk until the client goes, or a fault cuts the line."""
        try:
            await self._say("* OK sandbox")
            while True:
                line = await self._command_line()
                if not line:
                    return
                tag, _, rest = line.partition(" ")
                if not await self._answer(tag, rest):
                    return
        except (Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writer.transport.abort()

    async def _say(self, *lines: str | bytes) -> None:
        for line in lines:
            self._writer.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def _command_line(self) -> str:
        """Return a whole command; a literal in it as a quoted string."""
        whole = ""
        while line := await self._reader.readline():
            found = _LITERAL.search(line)
            if found is None:
                return whole + line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            whole += line[: found.start()].decode("utf-8", "surrogateescape")
            if not found[2]:
                await self._say("+ go on")
            body = await self._reader.readexactly(int(found[1]))
            words = body.decode("utf-8", "surrogateescape").replace("\\", "\\\\").replace('"', '\\"')
            whole += f'"{words}"'
        return ""

    # --- commands ----------------------------------------------------------------------------------------------------
    async def _answer(self, tag: str, rest: str) -> bool:
        words = _words(rest)
        name = words[0].upper() if words else ""
        if name == "UID" and len(words) > 1:
            name, words = f"UID {words[1].upper()}", words[1:]
        fault = self._store.fault(f"imap.{name.lower().replace(' ', '_')}")
        self._store.called(f"imap.{name.lower().replace(' ', '_')}", name, 0, fault)
        if fault is not None:
            await self._go_wrong(fault)
        if name == "LOGOUT":
            await self._say("* BYE", f"{tag} OK bye")
            return False
        if name in {"CAPABILITY", "NOOP", "LOGIN", "AUTHENTICATE"}:
            await self._before(name, tag, words)
        elif not self._in:
            await self._say(f"{tag} BAD sign in first")
        else:
            await self._after(name, tag, words)
        return True

    async def _go_wrong(self, fault: Fault) -> None:
        if fault.kind in {FaultKind.HANG, FaultKind.DELAY_AFTER}:
            await asyncio.sleep(fault.seconds)
        if fault.kind is not FaultKind.DELAY_AFTER:
            raise Broken

    async def _before(self, name: str, tag: str, words: list[str]) -> None:
        able = "IMAP4rev1 AUTH=XOAUTH2" + (" IDLE" if self._store.idles else "")
        if name == "CAPABILITY":
            await self._say(f"* CAPABILITY {able}", f"{tag} OK done")
        elif name == "NOOP":
            await self._say(*self._exists(), f"{tag} OK done")
        elif name == "LOGIN":
            self._in = len(words) > 2 and self._store.lets_in(words[1], words[2], token=False)
            await self._say(f"{tag} OK in" if self._in else f"{tag} NO [AUTHENTICATIONFAILED] no")
        else:
            await self._say("+ ")
            given = base64.b64decode((await self._reader.readline()).strip())
            user, token = xoauth2(given.decode("utf-8", "replace"))
            self._in = self._store.lets_in(user, token, token=True)
            if not self._in:
                await self._say("+ eyJzdGF0dXMiOiI0MDAifQ==")
                await self._reader.readline()
            await self._say(f"{tag} OK in" if self._in else f"{tag} NO [AUTHENTICATIONFAILED] no")

    async def _after(self, name: str, tag: str, words: list[str]) -> None:
        if name in {"EXAMINE", "SELECT"}:
            await self._select(tag, words)
        elif name == "LIST":
            marks = {"Sent": "\\Sent"}
            lines = [f'* LIST ({marks.get(each, "")}) "/" "{each}"' for each in self._store.folders]
            await self._say(*lines, f"{tag} OK done")
        elif name == "APPEND":
            folder = self._store.folders[words[1]]
            raw = words[-1].encode("utf-8", "surrogateescape")
            folder.put(raw, self._store.time(), seen="\\Seen" in " ".join(words[2:-1]))
            await self._say(f"{tag} OK done")
        elif name == "UID SEARCH" and self._folder is not None:
            found = " ".join(str(kept.uid) for kept in self._search(words[1:]))
            await self._say(f"* SEARCH {found}".rstrip(), f"{tag} OK done")
        elif name == "UID FETCH" and self._folder is not None:
            await self._fetch(tag, words)
        elif name == "IDLE" and self._folder is not None:
            await self._idle(tag, self._folder)
        else:
            await self._say(f"{tag} BAD what?")

    async def _select(self, tag: str, words: list[str]) -> None:
        folder = self._store.folders.get(words[1])
        if folder is None:
            await self._say(f"{tag} NO [NONEXISTENT] no such folder")
            return
        self._folder = folder
        await self._say(
            f"* {len(folder.mails)} EXISTS",
            f"* OK [UIDVALIDITY {folder.validity}] ok",
            f"* OK [UIDNEXT {folder.next_uid}] ok",
            f"{tag} OK [READ-ONLY] done",
        )

    def _exists(self) -> list[str]:
        self._told = len(self._folder.mails) if self._folder is not None else 0
        return [f"* {len(self._folder.mails)} EXISTS"] if self._folder is not None else []

    def _search(self, words: list[str]) -> list[Kept]:
        found = list(self._folder.mails) if self._folder is not None else []
        self._told = len(found)
        place = 0
        while place < len(words):
            word = words[place].upper()
            if word == "UID":
                found = _within(found, words[place + 1])
                place += 2
            elif word == "SINCE":
                day = datetime.strptime(words[place + 1], "%d-%b-%Y").replace(tzinfo=UTC)
                found = [kept for kept in found if kept.at >= day.timestamp() * 1_000_000]
                place += 2
            elif word == "HEADER":
                name, value = words[place + 1].lower().encode(), words[place + 2].encode()
                found = [kept for kept in found if value in _header(kept.raw, name)]
                place += 3
            else:
                place += 1
        return found

    async def _fetch(self, tag: str, words: list[str]) -> None:
        wanted = " ".join(words[2:])
        folder = self._folder
        for number, kept in enumerate(folder.mails if folder is not None else [], 1):
            if kept not in _within(folder.mails if folder is not None else [], words[1]):
                continue
            part = re.search(r"BODY(\.PEEK)?\[\](?:<0\.(\d+)>)?", wanted)
            facts = f"* {number} FETCH (UID {kept.uid}"
            if "RFC822.SIZE" in wanted:
                facts += f" RFC822.SIZE {len(kept.raw)}"
            if "INTERNALDATE" in wanted:
                facts += f' INTERNALDATE "{_date(kept.at)}"'
            if part is None:
                await self._say(facts + ")")
                continue
            if not part[1]:
                kept.seen = True
            body = kept.raw[: int(part[2])] if part[2] else kept.raw
            label = "BODY[]<0>" if part[2] else "BODY[]"
            await self._say(f"{facts} {label} {{{len(body)}}}".encode() + b"\r\n" + body + b")")
        await self._say(f"{tag} OK done")

    async def _idle(self, tag: str, folder: Folder) -> None:
        came = asyncio.Event()
        folder.listeners.add(came)
        try:
            # What came since the last look is told in the same breath, as Dovecot does.
            news = self._exists() if len(folder.mails) != self._told else []
            await self._say("\r\n".join(["+ idling", *news]))
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(self._tell(came))
                done = await self._reader.readline()
                waiting.cancel()
        finally:
            folder.listeners.discard(came)
        if not done:
            raise Broken
        await self._say(f"{tag} OK done")

    async def _tell(self, came: asyncio.Event) -> None:
        while True:
            await came.wait()
            came.clear()
            await self._say(*self._exists())


def _words(text: str) -> list[str]:
    return [
        re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2] or found[3]
        for found in _WORD.finditer(text)
    ]


def _within(mails: list[Kept], numbers: str) -> list[Kept]:
    """Return the mails of a set of UIDs; ``*`` is the last one, whatever its number."""
    last = mails[-1].uid if mails else 0
    wanted: set[int] = set()
    for piece in numbers.split(","):
        first, _, end = piece.partition(":")
        ends = sorted(last if each == "*" else int(each) for each in (first, end or first))
        wanted.update(kept.uid for kept in mails if ends[0] <= kept.uid <= ends[1])
    return [kept for kept in mails if kept.uid in wanted]


def _header(raw: bytes, name: bytes) -> bytes:
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        if line.lower().startswith(name + b":"):
            return line.partition(b":")[2].strip()
    return b""


def _date(at: int) -> str:
    day = datetime.fromtimestamp(at // 1_000_000, UTC)
    month = format_datetime(day).split()[2]
    return f"{day.day:02d}-{month}-{day.year:04d} {day:%H:%M:%S} +0000"
