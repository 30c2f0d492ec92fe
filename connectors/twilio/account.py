"""What both connectors of Twilio share: life, authenticity, the numbers of the account, and the bytes of files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import ClassVar, Final, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from twilio.rest import Client
from twilio.rest.api.v2010.account.incoming_phone_number import IncomingPhoneNumberInstance

from connectors.twilio import examining
from connectors.twilio.authenticity import Authenticity
from connectors.twilio.settings import TwilioAccount
from connectors.twilio.transport import Transport, basic
from gateway.sdk import (
    Attachment,
    Connector,
    CredentialsRefused,
    Delivery,
    Examination,
    Finding,
    Host,
    MediaSource,
    PermanentFailure,
    TemporaryFailure,
    WebhookSource,
)

AccountT = TypeVar("AccountT", bound=TwilioAccount)

#: Hosts that hold files of Twilio's: it sends on to them from its API (twilio.com/docs/messaging/api/media-resource).
_HOSTS: Final = ("twilio.com", "twiliocdn.com")
#: Its older store, in which only this folder is Twilio's.
_BUCKET: Final = ("s3-external-1.amazonaws.com", "/media.twiliocdn.com/")
_HOPS: Final = 3
_CHUNK: Final = 65_536
_GONE: Final = frozenset({403, 404, 410})


class TwilioConnection(Connector[AccountT], WebhookSource, MediaSource):
    """One account of Twilio."""

    def __init__(self, settings: AccountT, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        secrets = [settings.auth_token, settings.previous_auth_token, settings.signing_key]
        self._authenticity = Authenticity(
            [secret.get_secret_value() for secret in secrets if secret is not None],
            {sid: token.get_secret_value() for sid, token in settings.subaccounts.items()},
            settings.url_fragment,
        )
        self._client: Client | None = None

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make the client, on the host's session."""
        user, password = self._credentials
        self._client = Client(
            user,
            password,
            self.settings.account_sid,
            http_client=Transport(self.host, base_url=self.settings.api_url, timeout=self.settings.timeout),
            # Twilio's client would take a region or an edge from the process's environment.
            environment={"": ""},
        )

    async def close(self) -> None:
        """Forget the client; the session is the host's."""
        self._client = None

    @property
    def client(self) -> Client:
        """Return the open client. Raises TemporaryFailure."""
        if self._client is None:
            raise TemporaryFailure("The connection to Twilio is not open.")
        return self._client

    @property
    def _credentials(self) -> tuple[str, str]:
        if self.settings.api_key_secret is not None:
            return self.settings.api_key_sid, self.settings.api_key_secret.get_secret_value()
        return self.settings.account_sid, self.settings.auth_token.get_secret_value()

    # --- authenticity ------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the signature over the public URL and all fields."""
        self._authenticity.check(delivery)

    # --- the account's numbers ---------------------------------------------------------------------------------------
    #: What a number's address is called by: what comes in over it.
    _kind: ClassVar[str] = "sms"
    #: What the key must be allowed, by the Console's names.
    _scopes: ClassVar[tuple[str, ...]] = ()

    @property
    def _hook(self) -> tuple[str, str]:
        """Which of a number's addresses must lead to us, by twilio's name, and what stands behind the hook's address in it."""
        return "sms_url", ""

    def _also(self, number: IncomingPhoneNumberInstance) -> Iterable[Finding]:  # noqa: ARG002 (for those who override)
        """Look at more of a number."""
        return ()

    async def examine(self) -> Examination:
        """Look at account and key, and at the account's numbers: where they send what comes in."""
        findings = await examining.judged(self.client, self.settings, self._scopes)
        addresses: list[str] = []
        try:
            found = await self.client.incoming_phone_numbers.list_async(limit=200)
        except (CredentialsRefused, PermanentFailure) as error:
            advice = "Give the API key the permission to read incoming phone numbers."
            unseen = Finding(subject="numbers", good=False, sentence=str(error), advice=advice)
            return Examination(findings=(*findings, unseen))
        wanted = {number for number in self.settings.numbers if ":" not in number}
        for each in found:
            number, url = str(each.phone_number), str(getattr(each, self._hook[0]) or "")
            if wanted and number not in wanted:
                continue
            # Texts and calls of one number are two things, which two connections may read.
            addresses.append(f"{self._kind}:{number}")
            findings += [self._judged_number(number, url), *self._also(each)]
        missing = wanted - {str(each.phone_number) for each in found}
        findings += [
            Finding(
                subject="numbers",
                good=False,
                sentence=f"{number} is no number of this account.",
                advice="Correct the setting numbers.",
            )
            for number in sorted(missing)
        ]
        addresses += [number for number in self.settings.numbers if ":" in number]
        return Examination(findings=tuple(findings), addresses=tuple(addresses))

    def _judged_number(self, number: str, url: str) -> Finding:
        ours = self.settings.webhook_url and self.settings.webhook_url + self._hook[1]
        plain = url.partition("#")[0].partition("?")[0].rstrip("/")
        if not ours:
            sentence = f"{number} sends what comes in to {plain or 'nobody'}."
            advice = "" if plain else "Enter this connection's hook in the Console."
            return Finding(subject="webhook", good=bool(plain), sentence=sentence, advice=advice)
        if plain == ours:
            return Finding(subject="webhook", good=True, sentence=f"{number} sends what comes in to this connection.")
        return Finding(
            subject="webhook",
            good=False,
            sentence=f"{number} sends what comes in to {plain or 'nobody'}.",
            advice=f"Enter {ours} in the Console, or leave the number out of `numbers` if that is meant.",
        )

    # --- files -------------------------------------------------------------------------------------------------------
    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (all come from Twilio)
        """Stream a file from Twilio: with our credentials from its API, without them from where that sends on to."""
        url = attachment.url
        for _ in range(_HOPS):
            headers = {"Authorization": basic(*self._credentials)} if self._is_api(url) else {}
            if not headers and not _is_store(url):
                raise PermanentFailure("The file lies on a host that is not Twilio's: it is not fetched.")
            try:
                # aiohttp's own following of redirects would not look at where they lead.
                async with self.host.http.get(url, headers=headers, allow_redirects=False) as answer:
                    if answer.status in {301, 302, 303, 307, 308}:
                        url = urljoin(url, answer.headers.get("Location", ""))
                        continue
                    _judge_file(answer.status)
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        yield chunk
                    return
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise TemporaryFailure(f"The file could not be fetched from Twilio ({type(error).__name__}).") from None
        raise PermanentFailure("Twilio sends on from one address of the file to the next without end.")

    def _is_api(self, url: str) -> bool:
        parts, ours = urlsplit(url), urlsplit(self.settings.api_url)
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        return parts.scheme == "https" and parts.netloc == "api.twilio.com"


def _is_store(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.username or parts.port not in {None, 443}:
        return False
    host = parts.hostname or ""
    if (host, parts.path.startswith(_BUCKET[1])) == (_BUCKET[0], True):
        return True
    return any(host == each or host.endswith(f".{each}") for each in _HOSTS)


def _judge_file(status: int) -> None:
    if status == 200:  # noqa: PLR2004 (OK)
        return
    if status == 401:  # noqa: PLR2004 (Unauthorized)
        raise CredentialsRefused(
            "Twilio refuses our credentials for a file: check auth_token or the API key's permissions."
        )
    if status in _GONE:
        raise PermanentFailure("Twilio does not have the file any more, or does not show it to us.")
    raise TemporaryFailure(f"Twilio answered {status} instead of the file.")


def at(instant: int) -> datetime:
    """Return an instant (UTC microseconds) as twilio's client wants it."""
    return datetime.fromtimestamp(instant // 1_000_000, tz=UTC)
