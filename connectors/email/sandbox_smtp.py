"""The SMTP half of the stand-in for a mail server: RFC 5321 as far as one mail to one recipient needs it, with faults.

Faults of the route ``smtp.send``, as SMTP knows them: RATE_LIMITED and ERROR_BEFORE with 503 are 4xx answers to MAIL;
RESET_BEFORE breaks before DATA; ERROR_BEFORE with 500 breaks after the data and has not kept it; RESET_AFTER, HALF_BODY and
ERROR_AFTER have kept it, and then break, answer half, or answer something that is no SMTP.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from typing import Final, Protocol

from gateway.testing.faults import Fault, FaultKind

ROUTE: Final = "smtp.send"
SIZE: Final = 26_214_400


class Post(Protocol):
    """The mail server behind a connection."""

    def lets_in(self, user: str, secret: str, *, token: bool) -> bool:
        """Return whether that user may sign in."""
        ...

    def fault(self, route: str) -> Fault | None:
        """Return the fault that the next call of a route meets."""
        ...

    def called(self, route: str, command: str, status: int, fault: Fault | None) -> None:
        """Note a call."""
        ...

    def post(self, sender: str, recipient: str, raw: bytes) -> str:
        """Take a mail; return an SMTP answer."""
        ...

    @property
    def size(self) -> int:
        """The largest mail that is taken."""
        ...


class Broken(Exception):
    """The connection is cut."""


class SmtpSession:
    """One connection of a client."""

    def __init__(self, post: Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the server and both ends."""
        self._post = post
        self._reader = reader
        self._writer = writer
        self._user = ""
        self._sender = ""
        self._recipients: list[str] = []
        self._fault: Fault | None = None

    async def run(self) -> None:
        """Talk until the client goes, or a fault cuts the line."""
        try:
            await self._say("220 sandbox.invalid ESMTP")
            while line := await self._reader.readline():
                word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
                if not await self._command(word.upper(), rest):
                    return
        except (Broken, ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writer.transport.abort()

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def _command(self, word: str, rest: str) -> bool:
        if word in {"EHLO", "HELO"}:
            await self._say(
                "250-sandbox.invalid", f"250-SIZE {self._post.size}", "250-8BITMIME", "250 AUTH PLAIN LOGIN XOAUTH2"
            )
        elif word == "AUTH":
            await self._auth(rest)
        elif word == "MAIL":
            await self._mail(rest)
        elif word == "RCPT":
            self._recipients.append(_address(rest))
            await self._say("550 5.1.1 No such user" if _address(rest).startswith("nobody@") else "250 2.1.5 OK")
        elif word == "DATA":
            await self._data()
        elif word == "QUIT":
            await self._say("221 2.0.0 Bye")
            return False
        else:
            await self._say("250 2.0.0 OK" if word in {"NOOP", "RSET"} else "500 5.5.2 What?")
        return True

    # --- sign in -----------------------------------------------------------------------------------------------------
    async def _auth(self, rest: str) -> None:
        mechanism, _, given = rest.partition(" ")
        user = secret = ""
        token = mechanism.upper() == "XOAUTH2"
        if mechanism.upper() == "LOGIN":
            user = _plain(given) if given else await self._ask("VXNlcm5hbWU6")
            secret = await self._ask("UGFzc3dvcmQ6")
        elif mechanism.upper() == "PLAIN":
            parts = _plain(given).split("\0")
            user, secret = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
        elif token:
            user, secret = xoauth2(_plain(given))
        self._post.called("smtp.login", "AUTH", 0, None)
        if self._post.lets_in(user, secret, token=token):
            self._user = user
            await self._say("235 2.7.0 Accepted")
            return
        if token:  # the reason comes as a challenge, which the client answers with nothing
            await self._say("334 eyJzdGF0dXMiOiI0MDAifQ==")
            await self._reader.readline()
        await self._say("535 5.7.8 Credentials refused")

    async def _ask(self, question: str) -> str:
        await self._say(f"334 {question}")
        return _plain((await self._reader.readline()).decode().strip())

    # --- a mail ------------------------------------------------------------------------------------------------------
    async def _mail(self, rest: str) -> None:
        self._sender, self._recipients = _address(rest), []
        if not self._user:
            await self._say("530 5.7.0 Sign in first")
            return
        self._fault = fault = self._post.fault(ROUTE)
        self._post.called(ROUTE, "MAIL", 0, fault)
        if fault is not None and fault.kind is FaultKind.RATE_LIMITED:
            await self._say(f"451 4.7.1 Greylisted, try again in {int(fault.seconds)} seconds")
        elif fault is not None and fault.kind is FaultKind.ERROR_BEFORE and fault.status != 500:
            await self._say("450 4.3.2 Not now")
        else:
            await self._say("250 2.1.0 OK")

    async def _data(self) -> None:
        fault = self._fault
        if fault is not None and fault.kind is FaultKind.RESET_BEFORE:
            raise Broken
        if not self._recipients:
            await self._say("503 5.5.1 Who is it for?")
            return
        await self._say("354 Go on")
        raw = await self._message()
        if fault is not None and fault.kind is FaultKind.HANG:
            await asyncio.sleep(fault.seconds)
            raise Broken
        if fault is not None and fault.kind is FaultKind.ERROR_BEFORE:
            raise Broken
        answer = self._post.post(self._sender, self._recipients[0], raw)
        if fault is not None:
            await self._go_wrong(fault)
        await self._say(answer)

    async def _go_wrong(self, fault: Fault) -> None:
        if fault.kind is FaultKind.DELAY_AFTER:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is FaultKind.ERROR_AFTER:
            await self._say("oops")
            raise Broken
        else:
            if fault.kind is FaultKind.HALF_BODY:
                self._writer.write(b"25")
                await self._writer.drain()
            raise Broken

    async def _message(self) -> bytes:
        lines: list[bytes] = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise Broken
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


def xoauth2(text: str) -> tuple[str, str]:
    """Return user and token of an XOAUTH2 answer."""
    fields = {part.partition("=")[0]: part.partition("=")[2] for part in text.split("\x01") if part}
    return fields.get("user", ""), fields.get("auth", "").removeprefix("Bearer ")


def _plain(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
