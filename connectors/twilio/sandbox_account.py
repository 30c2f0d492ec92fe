"""A stand-in for an account of Twilio: who may call its API, how it lists, errs and numbers things, and how it signs and sends.

Twilio's pains that are here: ids that say nothing, dates of RFC 2822 that lack while a message is queued, lists in pages that
lead to the next by a path, errors whose meaning is a number in the body, webhooks that are tried once and then lost for ever,
and a signature over the public URL that knows no separator and no time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from aiohttp import web

from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

ACCOUNT: Final = "AC" + "5a" * 16
TOKEN: Final = "sandbox-auth-token"
SMS_NUMBER: Final = "+4930555001"
WHATSAPP: Final = "whatsapp:+4930555001"
API: Final = f"/2010-04-01/Accounts/{ACCOUNT}"
FORM: Final = "application/x-www-form-urlencoded"


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return how Twilio signs a form: HMAC-SHA1 over the URL and all names and values, sorted."""
    named: dict[str, set[str]] = {}
    for name, value in fields:
        named.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(named) for value in sorted(named[name]))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key with which calls may be made instead of with the auth token."""

    secret: str
    #: ``main``, ``standard`` or ``restricted``.
    kind: str = "restricted"
    #: What a restricted one may see, by the names in the API's paths.
    resources: frozenset[str] = frozenset()

    def may(self, resource: str) -> bool:
        """Return whether it may see a resource; the account's own name is empty."""
        if self.kind == "restricted":
            return resource in self.resources
        return self.kind == "main" or resource not in {"", "Keys"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioWebhook(Webhook):
    """One request of Twilio's, to an address with a query."""

    #: The query behind the address, without its question mark.
    query: str = ""


class TwilioSender(WebhookSender):
    """Twilio's way of sending: signed over the address in its Console, once, and lost when nobody takes it."""

    def __init__(self, token: str, public: str) -> None:
        """Take the token, and the public address of the hook that the Console knows."""
        super().__init__(lambda _: {})
        self._token = token
        #: The hook's address in the Console, for which requests are signed; empty: the one that they are sent to.
        self.public = public

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        """Return the headers of a form that is sent to a public address."""
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        return {"Content-Type": FORM, "X-Twilio-Signature": signature(self._token, url, fields)}

    def address(self, webhook: Webhook) -> str:
        """Return what stands behind the hook's address."""
        query = webhook.query if isinstance(webhook, TwilioWebhook) else ""
        return (f"/{webhook.endpoint}" if webhook.endpoint else "") + (f"?{query}" if query else "")

    async def deliver(self, session: aiohttp.ClientSession, url: str, webhook: Webhook) -> int:
        """Send one request; 0 when no answer came."""
        status, _ = await self.ask(session, url, self.address(webhook), webhook.body)
        return status

    async def ask(self, session: aiohttp.ClientSession, url: str, address: str, body: bytes) -> tuple[int, str]:
        """Send one request and return the answer's status and text; 0 when none came."""
        headers = self.sign((self.public or url) + address, body)
        try:
            async with session.post(url + address, data=body, headers=headers) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""


class TwilioAccountSandbox(Sandbox):
    """What the account of text messages and that of calls share."""

    title = "Twilio"
    variables = "TWILIO"
    #: Lists of the account that are empty here: what they hold is another sandbox's matter.
    elsewhere: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, public: str = "") -> None:
        """Take the clock, the auth token, and the hook's address in the Console where requests are sent to another."""
        super().__init__(now=now)
        self._token = token
        self._made = 0
        self.ids = self
        self.numbers = [SMS_NUMBER]
        #: API keys by their SID.
        self.keys: dict[str, ApiKey] = {}
        #: The account as the API shows it: ``owner_account_sid`` is another one's for a sub-account.
        self.about = {"owner_account_sid": ACCOUNT, "status": "active", "type": "Full"}
        #: What takes calls when nobody answers at the hook: the address of a TwiML Bin.
        self.fallback = "https://handler.twilio.com/twiml/EH1"
        self.webhooks = TwilioSender(token, public)

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        return {"api_url": self.url, "account_sid": ACCOUNT, "notify_from": SMS_NUMBER}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"auth_token": self._token}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the routes that both kinds of account have."""
        return [
            ("numbers.list", "GET", f"{API}/IncomingPhoneNumbers.json", self.api(self._numbers)),
            ("account", "GET", f"{API}.json", self.api(self._account)),
            ("keys.list", "GET", f"{API}/Keys.json", self.api(self._listing("keys"))),
            *(
                (f"{name.lower()}.list", "GET", f"{API}/{name}.json", self.api(self._listing(name.lower())))
                for name in ("Applications", *self.elsewhere)
            ),
        ]

    def begin_at(self, number: int) -> None:
        """Give SIDs that no smaller number gave."""
        self._made = number

    # --- for those who build on it -----------------------------------------------------------------------------------
    def sid(self, prefix: str) -> str:
        """Return a new SID: two letters and 32 hexadecimal digits."""
        self._made += 1
        return prefix + hashlib.md5(f"{prefix}{self._made}".encode()).hexdigest()  # noqa: S324 (no secret)

    def stamp(self, instant: int | None = None) -> str:
        """Return an instant as Twilio writes dates."""
        return format_datetime(
            datetime.fromtimestamp((self.now() if instant is None else instant) // 1_000_000, tz=UTC)
        )

    def api(self, work: Callable[[web.Request, Mapping[str, Any]], web.StreamResponse]) -> Handler:
        """Return the handler of a route: only for who has the account's credentials."""

        async def handle(request: web.Request) -> web.StreamResponse:
            resource = request.path.removeprefix(API).removesuffix(".json").strip("/").partition("/")[0]
            allowed = self._allowed(request.headers.get("Authorization", ""), resource)
            if allowed is None:
                return problem(401, 20003, "Authenticate")
            if not allowed:
                return problem(403, 70051, "Authorization Error")
            given: dict[str, Any] = dict(request.query)
            given.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
            return work(request, given)

        return handle

    def _allowed(self, login: str, resource: str) -> bool | None:
        """Return whether a login may see a resource, None when it is none."""
        if login == _basic(ACCOUNT, self._token):
            return True
        return next((key.may(resource) for sid, key in self.keys.items() if login == _basic(sid, key.secret)), None)

    def page(self, name: str, rows: list[dict[str, Any]], given: Mapping[str, Any], path: str) -> web.Response:
        """Return one page of a list, newest first, and the path that leads to the next."""
        size = min(int(given.get("PageSize", 50)), 1000)
        number = int(given.get("Page", 0))
        shown = rows[number * size : (number + 1) * size]
        query = {key: value for key, value in given.items() if key not in {"Page", "PageToken"}}
        following = f"{path}?{urlencode({**query, 'Page': number + 1, 'PageToken': f'PA{number}'})}"
        more = (number + 1) * size < len(rows)
        answer = {name: shown, "page": number, "page_size": size, "uri": path, "start": number * size}
        return web.json_response({**answer, "next_page_uri": following if more else None, "previous_page_uri": None})

    def _account(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:  # noqa: ARG002 (takes nothing)
        return web.json_response({"sid": ACCOUNT, **self.about})

    def _listing(self, name: str) -> Callable[[web.Request, Mapping[str, Any]], web.Response]:
        """Return the handler of a list of which nobody needs more than whether it may be read."""
        return lambda request, given: self.page(name, [], given, request.path)

    def _numbers(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:
        rows = [
            {
                "sid": f"PN{index:032x}",
                "account_sid": ACCOUNT,
                "phone_number": number,
                "sms_url": self.webhooks.public,
                "voice_url": self.webhooks.public,
                "status_callback": f"{self.webhooks.public}/status" if self.webhooks.public else "",
                "voice_fallback_url": self.fallback,
            }
            for index, number in enumerate(self.numbers)
        ]
        return self.page("incoming_phone_numbers", rows, given, request.path)

    def state(self) -> dict[str, Any]:
        """Return the state, for people."""
        return {"numbers": self.numbers}


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def problem(status: int, code: int, message: str) -> web.Response:
    """Return an error as Twilio words it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return web.json_response({"code": code, "message": message, "more_info": more, "status": status}, status=status)


def sought(rows: Iterable[dict[str, Any]], given: Mapping[str, Any], stamps: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows that a list's filters leave, newest first; `stamps`: a filter's name → the row's field in µs."""
    found = [
        row for row in rows if all(not given.get(name) or row[name.lower()] == given[name] for name in ("To", "From"))
    ]
    for name, key in stamps.items():
        after, before = given.get(f"{name}>"), given.get(f"{name}<")
        if after:
            found = [row for row in found if row[key] is not None and row[key] >= _instant(after)]
        if before:
            found = [row for row in found if row[key] is not None and row[key] <= _instant(before)]
    return found[::-1]


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the API shows it: without what only the sandbox knows."""
    return {name: value for name, value in row.items() if not name.startswith("_")}


def path_of(url: str) -> str:
    """Return path and query of a URL."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _instant(text: str) -> int:
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * 1_000_000
