"""SMTP (RFC 5321): one mail to one recipient, and what each answer means for it.

What is certain: until the end of the data was sent, nothing happened, whatever broke (RFC 5321, 4.1.1.4: without the end the
server throws away what it has). A 2xx answer to the end: the server has it. Any 4xx or 5xx answer to it: the server has not
(4.2.5). Only when the answer to the end is lost nobody knows.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Final

import aiosmtplib

from connectors.email.imap import Proof, trust
from connectors.email.settings import EmailSettings, Security
from gateway.sdk import ConnectorError, CredentialsRefused, OutcomeUnknown, PermanentFailure, TemporaryFailure

#: Longest that connecting and one command may take, seconds.
COMMAND: Final = 20.0
#: Longest that we wait for the answer to the end of the data, seconds. RFC 5321 allows the server ten minutes.
ANSWER: Final = 75.0
#: What greylisting servers and providers write: ``try again in 300 seconds``, ``Greylisted for 5 minutes`` (RFC 6647).
_WISH: Final = re.compile(
    r"\b(?:in|for|after)\s+(\d{1,5})\s*(s|sec|secs|second|seconds|m|min|mins|minute|minutes)\b", re.IGNORECASE
)
_ENHANCED: Final = re.compile(r"\A([245]\.\d{1,3}\.\d{1,3})\b")
_DOT: Final = re.compile(rb"(?m)^\.")
_READY: Final = 354
#: Answers to a sign-in that say it may work later (RFC 4954, section 6).
_AUTH_LATER: Final = frozenset({421, 432, 450, 451, 454})
#: Microsoft's way to say that this user may not send as this address: it holds for every mail of the connection.
_SEND_AS: Final = "5.7.60"
_AUTH_NEEDED: Final = 530


class Unsendable(PermanentFailure):
    """The server's size is too small for the mail; `size` is the most it takes, bytes."""

    def __init__(self, size: int) -> None:
        """Say how much the server takes."""
        super().__init__(f"The mail is larger than the {size} bytes that the SMTP server takes.")
        self.size = size


class Courier:
    """A signed-in connection to an SMTP server, good for one mail."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        """Take the connected client."""
        self._client = client

    @property
    def size(self) -> int | None:
        """Return the largest mail that the server takes, bytes (RFC 1870); None when it does not say."""
        said = self._client.esmtp_extensions.get("size", "")
        return int(said) if said.isdigit() and int(said) else None

    @property
    def abilities(self) -> tuple[str, ...]:
        """Return what the server offers."""
        return tuple(sorted(self._client.esmtp_extensions))

    async def send(self, raw: bytes, sender: str, recipient: str) -> None:
        """Hand over a mail. Returns when the server has taken it.

        Raises `Unsendable`, `PermanentFailure`, `TemporaryFailure`, `CredentialsRefused`: it has not;
        `OutcomeUnknown`: nobody knows.
        """
        client = self._client
        size, most = len(raw), self.size
        if most is not None and size > most:
            raise Unsendable(most)
        options = [f"size={size}"] if most is not None else []
        encoding = "ascii"
        if not recipient.isascii():
            if not client.supports_extension("smtputf8"):
                raise PermanentFailure(
                    "The recipient's address is not ASCII, and the SMTP server takes no such address."
                )
            options.append("SMTPUTF8")
            encoding = "utf-8"
        with _errors_named():
            await client.mail(sender, options=options, encoding=encoding)
            await client.rcpt(recipient, encoding=encoding)
            ready = await client.execute_command(b"DATA")
            if ready.code != _READY:
                raise aiosmtplib.SMTPDataError(ready.code, ready.message)
        await self._data(raw)

    async def _data(self, raw: bytes) -> None:
        """Send the mail and its end, and wait for the answer. Here alone an outcome can be lost."""
        protocol = self._client.protocol
        if protocol is None or not protocol.is_connected:
            raise TemporaryFailure("The SMTP server ended the connection before the mail was sent.")
        body = _DOT.sub(b"..", raw)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        try:
            protocol.write(body + b".\r\n")
            answer = await protocol.read_response(timeout=ANSWER)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise OutcomeUnknown(
                f"The SMTP server's answer to the mail was lost ({type(error).__name__}): it may have been sent."
            ) from None
        if answer.code // 100 == 2:  # noqa: PLR2004 (success)
            return
        if answer.code // 100 not in {4, 5}:
            raise OutcomeUnknown(f"The SMTP server answered the mail with {answer.code}: it may have been sent.")
        raise judged(answer.code, answer.message)


@asynccontextmanager
async def courier(settings: EmailSettings, proof: Proof | None) -> AsyncGenerator[Courier]:
    """Connect, protect and sign in; close afterwards, whatever happened."""
    tls = settings.smtp_security is Security.TLS
    context = trust(settings)
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        use_tls=tls,
        start_tls=False,
        tls_context=context,
        timeout=COMMAND,
        # Never the machine's own name: it is asked of the name service, and tells strangers about the inside.
        local_hostname=settings.address.rpartition("@")[2],
    )
    try:
        with _errors_named():
            await client.connect()
            await client.ehlo()
            if settings.smtp_security is Security.STARTTLS:
                if not client.supports_extension("starttls"):
                    raise TemporaryFailure("The SMTP server offers no STARTTLS: nothing was said to it.")
                await client.starttls(tls_context=context)
                await client.ehlo()
            if proof is not None:
                await _sign_in(client, proof)
        yield Courier(client)
        # What was sent is sent: a server that hangs up without a good-bye changes nothing about it.
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=2.0)
    finally:
        client.close()


async def _sign_in(client: aiosmtplib.SMTP, proof: Proof) -> None:
    try:
        if proof.token:
            await client.auth_xoauth2(proof.user, proof.token)
        else:
            await client.login(proof.user, proof.password)
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code in _AUTH_LATER:
            raise TemporaryFailure(
                f"The SMTP server lets nobody in now ({_codes(error.code, error.message)})."
            ) from None
        raise CredentialsRefused(
            f"The SMTP server refuses our sign-in ({_codes(error.code, error.message)}): check user and password, or the"
            " rights of the token and whether SMTP AUTH is switched on for the mailbox."
        ) from None


def judged(code: int, message: str) -> ConnectorError:
    """Return what an answer means that says no. The server's words may name people: only its codes are told."""
    codes = _codes(code, message)
    if code == _AUTH_NEEDED or codes.endswith(_SEND_AS):
        return CredentialsRefused(
            f"The SMTP server does not let us send as this address ({codes}): check the mailbox's rights."
        )
    if code // 100 == 5:  # noqa: PLR2004 (permanent)
        return PermanentFailure(f"The SMTP server refused the mail for good ({codes}).")
    return TemporaryFailure(f"The SMTP server wants to be asked later ({codes}).", retry_after=_wish(message))


def _wish(message: str) -> float | None:
    found = _WISH.search(message)
    if found is None:
        return None
    return float(found[1]) * (60.0 if found[2].lower().startswith("m") else 1.0)


def _codes(code: int, message: str) -> str:
    found = _ENHANCED.match(message)
    return f"{code} {found[1]}" if found else str(code)


@contextlib.contextmanager
def _errors_named() -> Generator[None]:
    """Turn what the library raises before the data into errors of the contract: certainly nothing happened."""
    try:
        yield
    except ConnectorError:
        raise
    except aiosmtplib.SMTPRecipientRefused as error:
        raise judged(error.code, error.message) from None
    except aiosmtplib.SMTPConnectResponseError as error:
        raise TemporaryFailure(f"The SMTP server greets us with {error.code}.") from None
    except aiosmtplib.SMTPResponseException as error:
        raise judged(error.code, error.message) from None
    except ssl.SSLCertVerificationError as error:
        sentence = (
            f"The SMTP server's certificate is not trusted ({error.verify_message}): check smtp_host or tls_ca_file."
        )
        raise TemporaryFailure(sentence) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise TemporaryFailure(f"The SMTP server cannot be reached ({type(error).__name__}).") from None
    except ValueError:
        raise PermanentFailure("An address of the mail cannot be written in SMTP.") from None
