"""A stand-in for Slack: its Web API as far as the connector uses it, people who write, and its signed requests.

Slack's pains that are here: ids and time stamps that are text, the same message under two subscriptions, redelivery with
X-Slack-Retry-Num when no 200 came, errors as ``ok: false`` with status 200, reading that lags behind nothing but needs ids, and
histories without the answers in threads.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from connectors.slack import SPEC
from connectors.slack.sandbox_pressing import OTHER_BOT, count_answers, interaction, newest_with_button, press
from connectors.slack.sandbox_sending import SlackSender, Sockets
from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook

TOKEN: Final = "xoxb-sandbox-token"
SECRET: Final = "sandbox-signing-secret"
BOT_USER: Final = "U0BATON"
BOT_ID: Final = "B0BATON"
APP_ID: Final = "A0BATON"
APP_TOKEN: Final = "xapp-sandbox-token"
TEAM: Final = "T0SANDBOX"


def _between(messages: list[dict[str, Any]], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages after `oldest` and before `latest`."""
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    return [each for each in messages if oldest < float(each["ts"]) < latest]


class SlackSandbox(Sandbox):
    """One workspace, with people and channels in it."""

    title = "Slack"

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, secret: str = SECRET) -> None:
        """Take the clock, the bot token and the signing secret."""
        super().__init__(now=now)
        self._token = token
        self._secret = secret
        self._number = 0
        #: Channel id → name; direct conversations have ids with D and no name.
        self.channels: dict[str, str] = {"C0SUPPORT": "support", "C0SECOND": "second-line", "C0LEADS": "cx-leads"}
        self.posts: dict[str, list[dict[str, Any]]] = {channel: [] for channel in self.channels}
        self.webhooks = SlackSender(self._sign)
        #: False: Slack does not tell of the bot's own messages.
        self.tells_own = True
        #: Scopes of the bot token.
        self.scopes: tuple[str, ...] = SPEC.capabilities.scopes
        #: Files by their id.
        self.files: dict[str, bytes] = {}
        self._app_token = APP_TOKEN
        self.sockets = Sockets(self.webhooks)

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        return {"api_url": f"{self.url}/api/", "bot_user_id": BOT_USER, "app_id": APP_ID}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"bot_token": self._token, "signing_secret": self._secret}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the Web API's methods."""
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "conversations.list": self._list,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "users.conversations": self._list,
            "apps.connections.open": lambda _: self.sockets.opened(self.url),
        }
        return [
            *(
                (name, method, f"/api/{name}", self._method(name, work))
                for name, work in methods.items()
                for method in ("GET", "POST")
            ),
            ("socket", "GET", "/socket/{ticket}", self.sockets.serve),
            ("file", "GET", "/files/{file}", self._file),
        ]

    def _method(self, name: str, work: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
        token = self._app_token if name == "apps.connections.open" else self._token

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {token}":
                return web.json_response({"ok": False, "error": "invalid_auth"})
            given: dict[str, Any] = dict(request.query)
            if request.content_type == "application/json":
                given.update(await request.json())
            else:
                given.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
            return web.json_response(work(given), headers={"X-OAuth-Scopes": ",".join(self.scopes)})

        return handle

    # --- files ----------------------------------------------------------------------------------------------------------
    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        body = self.files.get(request.match_info["file"])
        return web.Response(status=404) if body is None else web.Response(body=body, content_type="application/pdf")

    # --- the Web API -------------------------------------------------------------------------------------------------
    def _auth_test(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 (takes nothing)
        return {"ok": True, "user_id": BOT_USER, "bot_id": BOT_ID, "team_id": TEAM, "user": "baton", "team": "Sandbox"}

    def _channel(self, name: str) -> str | None:
        if name in self.posts:
            return name
        if name.startswith(("U", "W")):
            # The first message to a person opens the direct conversation with them.
            self.posts.setdefault(f"D{name}", [])
            return f"D{name}"
        return next((channel for channel, each in self.channels.items() if each == name.removeprefix("#")), None)

    def _post_message(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(str(given.get("channel", "")))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        text = str(given.get("text", ""))
        if not text and not given.get("blocks"):
            return {"ok": False, "error": "no_text"}
        if len(text) > 40_000:
            return {"ok": False, "error": "msg_too_long"}
        message: dict[str, Any] = {
            "type": "message",
            "user": BOT_USER,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "text": text,
            "ts": self._stamp(),
        }
        for name in ("blocks", "metadata", "thread_ts"):
            if given.get(name):
                message[name] = given[name]
        self.posts[channel].append(message)
        if message.get("thread_ts"):
            count_answers(self.posts[channel], message["thread_ts"])
        if self.tells_own:
            self._tell(channel, message)
        return {"ok": True, "channel": channel, "ts": message["ts"], "message": message}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 (one page is enough here)
        names = {**dict.fromkeys(self.posts, ""), **self.channels}
        channels = [
            {"id": channel, "name": name, "is_im": channel.startswith("D"), **_person_of(channel)}
            for channel, name in names.items()
        ]
        return {"ok": True, "channels": channels, "response_metadata": {"next_cursor": ""}}

    def _shown(self, messages: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        """Return a page of messages, which are in the order in which Slack shows them."""
        limit, start = int(given.get("limit", 100)), int(given.get("cursor") or 0)
        with_metadata = str(given.get("include_all_metadata", "")).lower() in {"1", "true"}
        hidden = {"metadata"} if not with_metadata else set[str]()
        shown = [
            {name: value for name, value in each.items() if name not in hidden}
            for each in messages[start : start + limit]
        ]
        more = len(messages) > start + limit
        cursor = str(start + limit) if more else ""
        return {"ok": True, "messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what opened threads: no answers. Newest first; with `oldest` alone, the page next to it comes first."""
        channel = str(given.get("channel", ""))
        if channel not in self.posts:
            return {"ok": False, "error": "channel_not_found"}
        roots = [each for each in self.posts[channel] if each.get("thread_ts", each["ts"]) == each["ts"]]
        within = _between(roots, given)
        if given.get("oldest") and not given.get("latest"):
            # github.com/slackhq/slack-api-docs/issues/4: within the page it is still the newest that stands first.
            answer = self._shown(within, given)
            return {**answer, "messages": answer["messages"][::-1]}
        return self._shown(within[::-1], given)

    def _replies(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return a thread, oldest first. What opened it stands first, whatever `oldest` says."""
        channel, root = str(given.get("channel", "")), str(given.get("ts", ""))
        if channel not in self.posts:
            return {"ok": False, "error": "channel_not_found"}
        thread = [each for each in self.posts[channel] if root in {each["ts"], each.get("thread_ts")}]
        if not thread:
            return {"ok": False, "error": "thread_not_found"}
        opening = [each for each in thread if each["ts"] == root]
        return self._shown(opening + _between([each for each in thread if each["ts"] != root], given), given)

    # --- people ------------------------------------------------------------------------------------------------------
    def _stamp(self) -> str:
        """Return a time stamp that no other message has."""
        self._number += 1
        at = self.now()
        return f"{at // 1_000_000}.{(at % 1_000_000) // 1000:03d}{self._number % 1000:03d}"

    def person_writes(
        self,
        user: str,
        text: str,
        *,
        channel: str = "C0SUPPORT",
        thread: str | None = None,
        name: str = "",
        file: str = "",
    ) -> str:
        """Have somebody write in a channel, a thread or (channel D…) a direct conversation; return the time stamp."""
        self.posts.setdefault(channel, [])
        message: dict[str, Any] = {"type": "message", "user": user, "text": text, "ts": self._stamp()}
        if name:
            message["user_profile"] = {"real_name": name}
        if thread is not None:
            message["thread_ts"] = thread
        if file:
            number = f"F{self._number:06d}"
            self.files[number] = f"the bytes of {file}".encode()
            message["subtype"] = "file_share"
            message["files"] = [
                {
                    "id": number,
                    "name": file,
                    "mimetype": "application/pdf",
                    "size": len(self.files[number]),
                    "url_private": f"{self.url}/files/{number}",
                }
            ]
        self.posts[channel].append(message)
        if thread is not None:
            count_answers(self.posts[channel], thread)
        self._tell(channel, message)
        return str(message["ts"])

    def person_edits(self, channel: str, stamp: str, text: str) -> None:
        """Have somebody edit their message."""
        message = self._find(channel, stamp)
        before = dict(message)
        message["text"] = text
        message["edited"] = {"user": message["user"], "ts": self._stamp()}
        self._tell(
            channel,
            {"subtype": "message_changed", "hidden": True, "message": dict(message), "previous_message": before},
        )

    def person_deletes(self, channel: str, stamp: str) -> None:
        """Have somebody delete their message; a stone stays where answers hang from it."""
        message = self._find(channel, stamp)
        if message.get("reply_count"):
            said = {name: message[name] for name in ("type", "ts", "thread_ts", "reply_count", "latest_reply")}
            stone = {**said, "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted."}
            self.posts[channel][self.posts[channel].index(message)] = stone
        else:
            self.posts[channel].remove(message)
        if message.get("thread_ts", stamp) != stamp:
            count_answers(self.posts[channel], message["thread_ts"])
        self._tell(
            channel, {"subtype": "message_deleted", "hidden": True, "deleted_ts": stamp, "previous_message": message}
        )

    def bot_writes(self, name: str, text: str, *, channel: str = "C0SUPPORT") -> None:
        """Have another bot write."""
        message = {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": OTHER_BOT,
            "username": name,
            "text": text,
            "ts": self._stamp(),
        }
        self.posts[channel].append(message)
        self._tell(channel, message)

    def person_presses(
        self, user: str, action: str, *, channel: str, stamp: str, value: str = "", label: str = "", name: str = ""
    ) -> None:
        """Have somebody press a button of a message; what it carries and says is taken from the message, if it is there.

        Raises ValueError for a message of another app: Slack tells that app alone, and Baton never hears of it.
        """
        pressed = self._stamp()
        place = {"id": channel, "name": self.channels.get(channel, "directmessage")}
        trigger = f"{self._number}.{TEAM}.{hashlib.sha256(pressed.encode()).hexdigest()[:16]}"
        payload = {
            **press(self._find(channel, stamp), action, value=value, label=label, pressed=pressed),
            "team": {"id": TEAM},
            "user": {"id": user, "name": name or user.lower()},
            "api_app_id": APP_ID,
            "trigger_id": trigger,
            "channel": place,
            "container": {"type": "message", "message_ts": stamp, "channel_id": channel},
        }
        self.webhooks.put(interaction(payload))

    def agent_acknowledges(self, user: str, message: dict[str, Any], channel: str, *, name: str = "") -> None:
        """Have an agent press the first button of a notice of ours."""
        button = next(block for block in message["blocks"] if block["type"] == "actions")["elements"][0]
        self.person_presses(
            user,
            button["action_id"],
            channel=channel,
            stamp=message["ts"],
            value=button["value"],
            label=button["text"]["text"],
            name=name,
        )

    def agent_takes_case(self, user: str, channel: str = "cx-leads", *, name: str = "") -> None:
        """Have an agent press the first button of the newest notice with buttons in a channel, by the channel's name or id."""
        number = self._channel(channel) or channel
        self.agent_acknowledges(user, newest_with_button(self.messages(number)), number, name=name)

    def _find(self, channel: str, stamp: str) -> dict[str, Any]:
        return next(message for message in self.posts[channel] if message["ts"] == stamp)

    # --- questions ---------------------------------------------------------------------------------------------------
    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Return what stands in a channel, oldest first; the channel by id or name."""
        return self.posts[self._channel(channel) or channel]

    def posts_with_key(self, key: str) -> int:
        """Return how many messages carry one of our keys: more than one is a double."""
        return sum(
            1
            for messages in self.posts.values()
            for message in messages
            if (message.get("metadata") or {}).get("event_payload", {}).get("key") == key
        )

    def writes(self) -> int:
        """Return how many posts reached the workspace, whatever was answered."""
        return self.count("chat.postMessage")

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people in the workspace can be made to do."""
        acts = (self.person_writes, self.person_edits, self.person_deletes, self.person_presses, self.agent_takes_case)
        return {act.__name__: act for act in (*acts, self.bot_writes, self.checks_address, self.admin_changes_scope)}

    def admin_changes_scope(self, scope: str, *, granted: bool = False) -> None:
        """Have an admin take a scope from the bot token, or grant it."""
        self.scopes = (*(each for each in self.scopes if each != scope), *((scope,) if granted else ()))

    def state(self) -> dict[str, Any]:
        """Return the whole state, for people."""
        return {"channels": self.channels, "messages": self.posts, "requests_waiting": len(self.webhooks.waiting)}

    # --- requests of Slack -------------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        stamp = str(self.now() // 1_000_000)
        text = b"v0:" + stamp.encode() + b":" + webhook.body
        digest = hmac.new(self._secret.encode(), text, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    def _tell(self, channel: str, message: dict[str, Any]) -> None:
        event = {
            "type": "message",
            "channel": channel,
            "channel_type": "im" if channel.startswith("D") else "channel",
            "event_ts": message.get("ts") or self._stamp(),
            **message,
        }
        event.setdefault("ts", event["event_ts"])
        self._number += 1
        payload = {
            "token": "legacy",
            "team_id": TEAM,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{self._number:08d}",
            "event_time": self.now() // 1_000_000,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }
        body = json.dumps(payload, separators=(",", ":")).encode()
        self.webhooks.put(Webhook(endpoint="events", body=body, headers={"Content-Type": "application/json"}))

    def checks_address(self) -> None:
        """Have Slack check the address of the events, as it does when an admin enters it."""
        body = json.dumps({"token": "legacy", "challenge": "challenge-me", "type": "url_verification"}).encode()
        self.webhooks.put(Webhook(endpoint="events", body=body, headers={"Content-Type": "application/json"}))


def _person_of(channel: str) -> dict[str, str]:
    """Return whom a direct conversation is with, as far as it was opened by a message to them."""
    return {"user": channel[1:]} if channel.startswith(("DU", "DW")) else {}
