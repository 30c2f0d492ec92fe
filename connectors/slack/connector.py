"""Slack: authenticity of its requests, calls of the Web API, and the errors that they end in.

Signatures and the Web API go through slack_sdk, interactivity's forms through slack-bolt's request. Bolt's own dispatching is
not used: it acknowledges an event before its listener has run, and the event would be lost with the process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from connectors.slack import SPEC, events, listening, polling, replies
from connectors.slack.settings import SlackSettings
from gateway.sdk import (
    Ack,
    Attachment,
    Backfill,
    ChannelEvent,
    Connector,
    CredentialsRefused,
    Cursor,
    Delivery,
    DeliveryRejected,
    Emit,
    Examination,
    Finding,
    ForeignId,
    Host,
    MediaSource,
    Notice,
    Notifier,
    OutcomeUnknown,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
    StreamSource,
    TemporaryFailure,
    WebhookSource,
    retry_after,
    unanswered,
)

#: What ids of people begin with.
_PEOPLE: Final = ("U", "W")
#: Messages of one page, of those that are looked through for one of ours.
_LOOK_BACK: Final = 200
#: Pages of them that are looked through at most: a busy channel has more, and reading is metered.
_PAGES: Final = 20
_SIGNATURE: Final = "X-Slack-Signature"
_STAMP: Final = "X-Slack-Request-Timestamp"
_THROTTLED: Final = 429
_SERVER_ERROR: Final = 500

#: Slack's words for errors → what they mean (docs.slack.dev/reference/methods/chat.postMessage#errors).
_REFUSED: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "org_login_required",
    }
)
_LATER: Final = frozenset({"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"})
_MAYBE: Final = frozenset({"internal_error", "fatal_error", "request_timeout"})
_ADVICE: Final[dict[str, str]] = {
    "channel_not_found": "there is no such channel, or the bot cannot see it: check the name, and invite the bot",
    "not_in_channel": "the bot is not in the channel: invite it with /invite",
    "is_archived": "the channel is archived",
    "msg_too_long": "the message is too long",
    "no_text": "the message is empty",
    "restricted_action": "the workspace's settings forbid the bot to post there",
    "thread_not_found": "the thread is gone",
}


class _HostClock(Clock):
    """slack_sdk's clock, by the host's."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def now(self) -> float:
        return self._host.now() / 1_000_000


class SlackConnector(Connector[SlackSettings], WebhookSource, StreamSource, Backfill, MediaSource, Replier, Notifier):
    """One Slack workspace."""

    def __init__(self, settings: SlackSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        clock = _HostClock(host)
        secrets = [settings.signing_secret, settings.previous_signing_secret]
        self._verifiers = [
            SignatureVerifier(secret.get_secret_value(), clock) for secret in secrets if secret is not None
        ]
        self._self = events.Self(
            user=settings.bot_user_id, app=settings.app_id, agent_channels=frozenset(settings.agent_channels)
        )
        self._client: AsyncWebClient | None = None
        #: Scopes of the bot token, as the last answer told.
        self._granted: frozenset[str] = frozenset()

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make the client, on the host's session, without retries of its own."""
        self._client = AsyncWebClient(
            token=self.settings.bot_token.get_secret_value(),
            base_url=self.settings.api_url,
            session=self.host.http,
            retry_handlers=[],
        )

    async def check(self) -> None:
        """See that the token works, and that it belongs to the user whose doings are taken for ours."""
        answer = await self._call("auth.test", {}, writes=False)
        if answer.get("user_id") != self.settings.bot_user_id:
            raise CredentialsRefused(
                f"The token belongs to user {answer.get('user_id')}, not to bot_user_id {self.settings.bot_user_id}: what Baton"
                " writes would be taken for a person's. Set bot_user_id to the id of the app's bot user."
            )

    async def close(self) -> None:
        """Forget the client; the session is the host's."""
        self._client = None

    async def examine(self) -> Examination:
        """Look which scopes the token has, and whether the app-level token opens a socket."""
        await self._call("auth.test", {}, writes=False)
        lacking = [scope for scope in SPEC.capabilities.scopes if scope not in self._granted]
        findings = [
            Finding(
                subject="scopes",
                good=not lacking,
                sentence=f"The app lacks {', '.join(lacking)}." if lacking else "The app has the scopes that it needs.",
                advice="Add them under OAuth & Permissions, and install the app again." if lacking else "",
            )
        ]
        too_many = sorted(self._granted - set(SPEC.capabilities.scopes))
        if too_many:
            sentence = f"The app also has {', '.join(too_many)}, which Baton does not need."
            advice = "Take away under OAuth & Permissions what nothing else needs."
            findings.append(Finding(subject="least privilege", good=True, sentence=sentence, advice=advice))
        if self.streaming:
            await self._socket_url()
            findings.append(
                Finding(subject="socket", good=True, sentence="Slack opens a socket for the app-level token.")
            )
        return Examination(findings=tuple(findings))

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the signature over the raw body (v0), and that the time stamp is of the last five minutes."""
        stamp, signature = delivery.header(_STAMP), delivery.header(_SIGNATURE)
        if not stamp or not signature:
            raise DeliveryRejected("The request is not signed, or more than once.")
        if not (stamp.isascii() and stamp.isdigit() and signature.isascii()):
            # The verifier raises on such; what cannot be read proves nothing.
            raise DeliveryRejected("The signature's headers cannot be read.")
        try:
            proven = any([each.is_valid(delivery.body, stamp, signature) for each in self._verifiers])  # noqa: C419 (same time for all)
        except (ValueError, UnicodeError, OverflowError):
            proven = False
        if not proven:
            raise DeliveryRejected("The signature does not fit, or is too old.")

    def lane(self, delivery: Delivery) -> str:
        """Return the channel's lane."""
        return events.lane_of(delivery)

    def acknowledge(self, delivery: Delivery) -> Ack:
        """Answer the check of the address with its challenge, everything else with an empty 200."""
        challenge = events.challenge_of(delivery)
        return Ack() if challenge is None else Ack(body=challenge.encode(), content_type="text/plain")

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events`."""
        return events.parse_delivery(delivery, self._self)

    # --- stream, poll, files -----------------------------------------------------------------------------------------
    @property
    def streaming(self) -> bool:
        """Whether events come over a socket."""
        return self.settings.app_token is not None

    async def listen(self, since: Cursor | None, emit: Emit) -> None:  # noqa: ARG002 (Slack's sockets have no memory)
        """Listen on sockets, one after another: Slack closes each after some hours."""
        while True:
            await listening.listen(await self._socket_url(), self.host, emit)

    async def _socket_url(self) -> str:
        token = self.settings.app_token
        if token is None:
            raise PermanentFailure("Socket Mode needs app_token.")
        answer = await self._call("apps.connections.open", {}, writes=False, token=token.get_secret_value())
        return str(answer["url"])

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Hand on what was written since in the conversations that the bot is in."""
        return await polling.backfill(
            lambda method, arguments: self._call(method, arguments, writes=False), since, self.host, emit
        )

    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (a link suffices)
        """Stream a file from Slack's servers; the token goes nowhere else."""
        address = urlsplit(attachment.url)
        api = urlsplit(self.settings.api_url)
        ours = (address.scheme, address.netloc) == (api.scheme, api.netloc)
        slacks = address.scheme == "https" and (address.hostname or "").endswith(".slack.com")
        if not (ours or slacks):
            raise PermanentFailure("the file is not on Slack's servers")
        headers = {"Authorization": f"Bearer {self.settings.bot_token.get_secret_value()}"}
        try:
            async with self.host.http.get(attachment.url, headers=headers, allow_redirects=False) as answer:
                if answer.status == _THROTTLED or answer.status >= _SERVER_ERROR:
                    raise TemporaryFailure("Slack does not give the file just now.")
                # Without the scope files:read, Slack leads to its log-in page instead of refusing.
                if answer.status != 200 or answer.content_type == "text/html" != attachment.media_type:  # noqa: PLR2004 (OK)
                    raise PermanentFailure(
                        "Slack does not give the file: it is gone, or the scope files:read is missing"
                    )
                async for chunk in answer.content.iter_chunked(65_536):
                    yield chunk
        except (aiohttp.ClientError, TimeoutError):
            raise TemporaryFailure("Slack's file server cannot be reached.") from None

    # --- way out -----------------------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Post a reply on its thread."""
        return _posted(await self._call("chat.postMessage", replies.reply_message(reply)))

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Look for the reply on its thread, by the key in its metadata."""
        channel, stamp = replies.split_thread(reply.thread)
        return await self._find(channel, stamp, reply.key)

    async def notify(self, notice: Notice) -> Receipt:
        """Post a notice to a channel, or to a person by their id."""
        return _posted(await self._call("chat.postMessage", replies.notice_message(notice)))

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Look for the notice in its channel, by the key in its metadata."""
        channel = notice.destination
        if channel.startswith("#"):
            channel = await self._conversation("name", channel.removeprefix("#"), "public_channel,private_channel")
            if not channel:
                raise OutcomeUnknown(
                    f"Slack shows no channel {notice.destination}, so nobody can tell whether the notice is there."
                )
        elif channel.startswith(_PEOPLE):
            # Posting takes a person's id, reading wants that of the direct conversation, which the first post opens.
            channel = await self._conversation("user", channel, "im")
            if not channel:
                return None
        return await self._find(channel, "", notice.key)

    async def _conversation(self, key: str, value: str, types: str) -> str:
        """Return the id of a conversation by its name or its person; empty when Slack shows none."""
        cursor = ""
        while True:
            arguments: dict[str, Any] = {"limit": 200, "exclude_archived": True, "types": types}
            answer = await self._call(
                "conversations.list", {**arguments, **({"cursor": cursor} if cursor else {})}, writes=False
            )
            for channel in answer.get("channels") or []:
                if channel.get(key) == value:
                    return str(channel["id"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return ""

    async def _find(self, channel: str, stamp: str, key: str) -> Receipt | None:
        method = "conversations.replies" if stamp else "conversations.history"
        arguments: dict[str, Any] = {"channel": channel, "limit": _LOOK_BACK, "include_all_metadata": True}
        if stamp:
            arguments["ts"] = stamp
        for _ in range(_PAGES):
            answer = await self._call(method, arguments, writes=False)
            for message in answer.get("messages") or []:
                mark = message.get("metadata") or {}
                if mark.get("event_type") == replies.MARK and (mark.get("event_payload") or {}).get("key") == key:
                    return _posted({"channel": channel, "ts": message["ts"], "message": message})
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not answer.get("has_more"):
                return None
            if not cursor:
                break
            arguments["cursor"] = cursor
        raise OutcomeUnknown("The conversation is longer than what Slack shows: look there for the message.")

    # --- calls -------------------------------------------------------------------------------------------------------
    async def _call(
        self, method: str, arguments: dict[str, Any], *, writes: bool = True, token: str | None = None
    ) -> Mapping[str, Any]:
        """Call the Web API; what goes wrong comes out as an error of the contract. No message of ours is quoted."""
        client = self._client
        if client is None:
            raise TemporaryFailure("The connection to Slack is not open.")
        try:
            headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
            answer = (
                await client.api_call(method, json=arguments, headers=headers)
                if writes
                else await client.api_call(method, params=arguments, headers=headers)
            )
        except SlackApiError as error:
            raise _judged(error, writes=writes) from None
        except aiohttp.ClientConnectorError:
            raise TemporaryFailure("Slack cannot be reached.") from None
        except (TimeoutError, aiohttp.ClientError, SlackClientError, ValueError) as error:
            sentence = f"No whole answer came from Slack ({type(error).__name__})."
            raise unanswered(sentence, writes=writes) from None
        granted = {name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes")
        if granted is not None and token is None:
            self._granted = frozenset(scope.strip() for scope in granted.split(","))
        found: Any = answer.data
        if not isinstance(found, dict):
            raise unanswered("Slack's answer was no JSON object.", writes=writes)
        return found  # pyright: ignore[reportUnknownVariableType]


def _judged(error: SlackApiError, *, writes: bool) -> Exception:
    response: Any = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data: Any = getattr(response, "data", None)
    word = str(data.get("error", "")) if isinstance(data, dict) else ""  # pyright: ignore[reportUnknownMemberType]
    seconds = retry_after(headers)
    if status == _THROTTLED or word in _LATER:
        return TemporaryFailure("Slack wants to be asked later.", retry_after=seconds)
    if status == 503:  # noqa: PLR2004 (Service Unavailable: it was not taken)
        return TemporaryFailure("Slack is not available.", retry_after=seconds)
    if word in _REFUSED:
        return CredentialsRefused(f"Slack refuses our credentials ({word}): check bot_token and the app's scopes.")
    if status >= _SERVER_ERROR or word in _MAYBE or not word:
        return unanswered(f"Slack answered {word or status}.", writes=writes)
    return PermanentFailure(
        f"Slack refused it ({word}): {_ADVICE.get(word, 'see the method page of Slack for this word')}."
    )


def _posted(answer: Mapping[str, Any]) -> Receipt:
    channel, stamp = str(answer["channel"]), str(answer["ts"])
    root = str((answer.get("message") or {}).get("thread_ts") or stamp)
    return Receipt(ids=(ForeignId(kind="message", id=f"{channel}:{stamp}"),), thread=f"{channel}:{root}")
