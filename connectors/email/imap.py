r"""IMAP (RFC 9051, RFC 3501): one folder is read, and never changed; sent mail is looked for and kept.

Everything here blocks and runs in the connection's own threads. The folder is opened with EXAMINE and mail is fetched with
BODY.PEEK: the server itself would refuse to set \Seen. IDLE is RFC 2177, response codes of a failed sign-in are RFC 5530.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from connectors.email.settings import EmailSettings, Security
from gateway.sdk import ConnectorError, CredentialsRefused, OutcomeUnknown, TemporaryFailure

#: Longest that connecting, and one answer, may take, seconds.
CONNECT: Final = 15.0
ANSWER: Final = 30.0
#: IDLE must be begun anew before a server logs off who was silent for 30 minutes (RFC 2177).
IDLE_AT_MOST: Final = 1_500.0
#: Words in a refused sign-in that say it may work later (RFC 5530, and what Gmail, Microsoft and Dovecot write).
_LATER: Final = (
    *("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "TOO MANY", "TRY AGAIN", "TEMPORAR", "THROTTLED", "NOT CONNECTED"),
    *("INTERNAL ERROR", "TIMED OUT", "UNKNOWN COMMAND"),
)
_WEEK: Final = 7 * 86_400
_SENT_NAMES: Final = ("Sent", "Sent Items", "Sent Messages", "INBOX.Sent")

# The library writes every line that it sends to its own logger at DEBUG, the sign-in's among them: nobody gets to see that.
logging.getLogger("imapclient").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What we sign in with."""

    #: The user.
    user: str
    #: The password, empty with OAuth.
    password: str = ""
    #: The access token, empty with a password.
    token: str = ""

    def __repr__(self) -> str:
        """Show no secret."""
        return "Proof()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where we stand in a folder: the cursor of the connection."""

    #: UIDVALIDITY of the folder: when it changes, all numbers in it mean other mails (RFC 9051, 2.3.1.1).
    validity: int
    #: The highest UID that was taken.
    uid: int
    #: From when on mail is ours, UNIX seconds; 0 for all. What is older was there before we were.
    since: int
    #: When we last stood here, UNIX seconds.
    at: int
    #: Up to which UID mail is looked through again after new numbers: of it only what may not be known yet is taken.
    again_to: int = 0

    def __str__(self) -> str:
        """Return it as a cursor."""
        return f"1:{self.validity}:{self.uid}:{self.since}:{self.at}:{self.again_to}"

    @classmethod
    def read(cls, cursor: str) -> Self:
        """Return what a cursor says. Raises ValueError."""
        version, validity, uid, since, at, again_to = cursor.split(":")
        if version != "1":
            message = f"a cursor of version {version} is not known"
            raise ValueError(message)
        return cls(validity=int(validity), uid=int(uid), since=int(since), at=int(at), again_to=int(again_to))

    def past(self, uid: int, at: int) -> Mark:
        """Return the mark behind a mail that was taken at an instant (UNIX seconds)."""
        # While mail is looked through again, the time stays: it says how far back mail may be unknown.
        return replace(self, uid=uid, at=at if uid > self.again_to else self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail, as the server keeps it."""

    uid: int
    #: When the server took it, UTC microseconds.
    internal_at: int
    #: How large it is, bytes.
    size: int
    #: The mail, or its beginning when it is larger than what is taken.
    raw: bytes


class Mailbox:
    """A signed-in connection to an IMAP server."""

    def __init__(self, settings: EmailSettings) -> None:
        """Take where the server is. No I/O."""
        self._settings = settings
        self._client: Any = None  # the library states its types in part only
        self._busy = threading.Lock()
        self._doomed = False
        self.validity = 0
        self._next = 1

    # --- life --------------------------------------------------------------------------------------------------------
    def connect(self, proof: Proof) -> None:
        """Connect and sign in. Raises `CredentialsRefused` and `TemporaryFailure`."""
        with self._busy, errors_named():
            self._client = self._made()
        with self._using() as client:
            if self._settings.imap_security is Security.STARTTLS:
                if not client.has_capability("STARTTLS"):
                    raise TemporaryFailure("The IMAP server offers no STARTTLS: nothing was said to it.")
                client.starttls(trust(self._settings))
            if proof.token:
                client.oauth2_login(proof.user, proof.token)
            else:
                client.login(proof.user, proof.password)
            client.normalise_times = False

    def _made(self) -> Any:
        tls = self._settings.imap_security is Security.TLS
        make: Any = IMAPClient
        return make(
            self._settings.imap_host,
            self._settings.imap_port,
            ssl=tls,
            ssl_context=trust(self._settings) if tls else None,
            timeout=SocketTimeout(CONNECT, ANSWER),
        )

    def abort(self) -> None:
        """Cut the connection, from any thread: whoever waits on it ends. Safe unopened, and twice."""
        self._doomed = True
        client = self._client
        if client is not None:
            with contextlib.suppress(OSError, AttributeError):
                client.socket().shutdown(socket.SHUT_RDWR)
        self._dispose()

    def logout(self) -> None:
        """Say good-bye and close."""
        self._doomed = True
        with contextlib.suppress(TemporaryFailure), self._using() as client:
            client.logout()

    @contextmanager
    def _using(self) -> Generator[Any]:
        """Lend the library's client to one caller at a time, with its errors named; free it afterwards when it is cut."""
        try:
            with self._busy, errors_named():
                if self._client is None:
                    raise TemporaryFailure("The connection to the IMAP server is not open.")
                yield self._client
        finally:
            if self._doomed:
                self._dispose()

    def _dispose(self) -> None:
        """Close the socket, unless somebody reads from it: then they do, once they are woken. Closing under a reader blocks."""
        if self._busy.acquire(blocking=False):
            try:
                client, self._client = self._client, None
                if client is not None:
                    with contextlib.suppress(OSError, AttributeError, IMAPClientError):
                        client.shutdown()
            finally:
                self._busy.release()

    # --- the folder that is read -------------------------------------------------------------------------------------
    def examine(self) -> None:
        """Open the folder for reading only."""
        with self._using() as client:
            found: dict[bytes, Any] = client.select_folder(self._settings.imap_folder, readonly=True)
            self.validity = int(found.get(b"UIDVALIDITY") or 0)
            self._next = int(found.get(b"UIDNEXT") or 0) or 1 + max(client.search("ALL"), default=0)

    def begin(self, now: int) -> Mark:
        """Return where a connection begins that never ran: behind what is there, unless all of it is wanted."""
        everything = self._settings.imap_begin == "all"
        return Mark(
            validity=self.validity, uid=0 if everything else self._next - 1, since=0 if everything else now, at=now
        )

    def again(self, mark: Mark) -> Mark:
        """Return where to go on after the folder's numbers changed: before all of them."""
        return replace(mark, validity=self.validity, uid=0, again_to=self._next - 1)

    def newer(self, mark: Mark) -> list[int]:
        """Return the UIDs after a mark, lowest first; of what is looked through again only what may not be known yet."""
        with self._using() as client:
            known = self._perhaps_unknown(client, mark) if mark.uid < mark.again_to else []
            start = max(mark.uid, mark.again_to)
            # ``n:*`` always names the last mail, even when its number is below n (RFC 9051, 9, seq-range).
            fresh = [int(uid) for uid in client.search(["UID", f"{start + 1}:*"])]
            return known + sorted(uid for uid in fresh if uid > start)

    def _perhaps_unknown(self, client: Any, mark: Mark) -> list[int]:
        """Return the UIDs of renumbered mail that the server took since shortly before we last stood here."""
        earliest = max(mark.since, mark.at - _WEEK)
        # SINCE knows only days, in the server's own time zone: a day more, and the rest by the exact times.
        wanted = ["UID", f"{mark.uid + 1}:{mark.again_to}", "SINCE", _day(earliest - 86_400)]
        found = sorted(int(uid) for uid in client.search(wanted))
        times: dict[int, dict[bytes, Any]] = client.fetch(found, ["INTERNALDATE"]) if found else {}
        return [uid for uid in found if uid in times and _instant(times[uid]) >= earliest * 1_000_000]

    def take(self, uid: int) -> Mail | None:
        """Return a mail, None when it is gone."""
        limit = self._settings.max_mail
        with self._using() as client:
            facts: dict[bytes, Any] = client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid, {})
            if not facts:
                return None
            size = int(facts.get(b"RFC822.SIZE") or 0)
            part = "BODY.PEEK[]" if size <= limit else f"BODY.PEEK[]<0.{limit}>"
            found: dict[bytes, Any] = client.fetch([uid], [part]).get(uid, {})
            raw = next((value for name, value in found.items() if name.startswith(b"BODY[]")), None)
            if not isinstance(raw, bytes):
                return None
            # A server may be wrong about a size that it never computed (Exchange): what came is what counts.
            whole = max(size, len(raw)) if size > limit or len(raw) > limit else len(raw)
            return Mail(uid=uid, internal_at=_instant(facts), size=whole, raw=raw[:limit])

    def rest(self, seconds: float) -> None:
        """Wait until the server has something to say, at most some seconds. Uses IDLE where it is offered."""
        with self._using() as client:
            if client.has_capability("IDLE"):
                client.idle()
                # What the server said along with its "go on" lies in a buffer already, where waiting for the socket sees
                # nothing of it (imapclient 4.1): new mail would be noticed only at the next look.
                if not _heard(client):
                    client.idle_check(timeout=min(seconds, IDLE_AT_MOST))
                client.idle_done()
            else:
                select.select([client.socket()], [], [], seconds)
                client.noop()

    # --- sent mail ---------------------------------------------------------------------------------------------------
    def sent_folder(self) -> str:
        """Return the folder of sent mail (RFC 6154). Raises `OutcomeUnknown` when there is none."""
        if self._settings.sent_folder:
            return self._settings.sent_folder
        with self._using() as client:
            found = client.find_special_folder(b"\\Sent")
            if found is None:
                found = next((name for name in _SENT_NAMES if client.folder_exists(name)), None)
        if found is None:
            raise OutcomeUnknown("The mailbox has no folder of sent mail: set sent_folder.")
        return str(found)

    def holds(self, folder: str, message_id: str) -> bool:
        """Return whether a folder holds a mail of that Message-ID."""
        with self._using() as client:
            client.select_folder(folder, readonly=True)
            return bool(client.search(["HEADER", "Message-ID", message_id]))

    def append(self, folder: str, raw: bytes) -> None:
        """Keep a copy of what was sent, as read."""
        with self._using() as client:
            client.append(folder, raw, flags=(b"\\Seen",))

    # --- what the server can do --------------------------------------------------------------------------------------
    def abilities(self) -> Sequence[str]:
        """Return the server's capabilities."""
        with self._using() as client:
            return sorted(each.decode("ascii", "replace") for each in client.capabilities())


def trust(settings: EmailSettings) -> ssl.SSLContext:
    """Return whom we trust: public authorities, and the admin's own."""
    context = ssl.create_default_context()
    if settings.tls_ca_file:
        context.load_verify_locations(cafile=settings.tls_ca_file)
    return context


@contextmanager
def errors_named() -> Generator[None]:
    """Turn what the library raises into errors of the contract. Nothing of what the server wrote is quoted."""
    try:
        yield
    except ConnectorError:
        raise
    except LoginError as error:
        raise _login(str(error)) from None
    except ssl.SSLCertVerificationError as error:
        sentence = (
            f"The IMAP server's certificate is not trusted ({error.verify_message}): check imap_host or tls_ca_file."
        )
        raise TemporaryFailure(sentence) from None
    except IMAPClientAbortError:
        raise TemporaryFailure("The IMAP server ended the connection.") from None
    except (IMAPClientError, ProtocolError) as error:
        raise TemporaryFailure(f"The IMAP server refused a command ({type(error).__name__}).") from None
    except (OSError, ValueError, AttributeError) as error:
        # imaplib stumbles over its own closed socket with the last two.
        raise TemporaryFailure(f"The IMAP server cannot be reached ({type(error).__name__}).") from None


def _heard(client: Any) -> bool:
    """Return whether something that the server said waits to be read, without waiting for it."""
    sock = client.socket()
    before = sock.gettimeout()
    sock.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))  # noqa: SLF001 (imapclient gives no other way to its reader)
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    finally:
        sock.settimeout(before)


def _login(said: str) -> ConnectorError:
    words = said.upper()
    if any(word in words for word in _LATER):
        return TemporaryFailure("The IMAP server lets nobody in now.")
    return CredentialsRefused(
        "The IMAP server refuses our sign-in: check user and password, or the rights of the token."
    )


def _instant(facts: dict[bytes, Any]) -> int:
    at = facts.get(b"INTERNALDATE")
    return int(at.timestamp() * 1_000_000) if isinstance(at, datetime) else 0


def _day(seconds: int) -> str:
    """Return a date as IMAP writes it, whatever the machine's language."""
    day: date = datetime.fromtimestamp(max(0, seconds), UTC).date()
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day:02d}-{months[day.month - 1]}-{day.year:04d}"
