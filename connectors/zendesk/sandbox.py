"""A stand-in for Zendesk: its API as far as the connector uses it, and its signed webhooks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from aiohttp import BasicAuth, web

from connectors.zendesk.sandbox_people import People
from connectors.zendesk.sandbox_state import Account, SandboxTicket, ZendeskRefusal, shown
from gateway.testing.conditions import Condition, Takes
from gateway.testing.sandbox import Handler, system_now

#: What an admin without an account writes into `plugins.toml`.
TOKEN: Final = "sandbox-token"
SECRET: Final = "sandbox-webhook-secret"
OWN_USER: Final = 4_001
EMAIL: Final = "baton@example.com"
#: What the incremental export leaves out: the last minute.
INCREMENTAL_LAG: Final = 60 * 1_000_000
MINUTE: Final = 60 * 1_000_000
#: Rows on a page, and on a page of the export.
PAGE: Final = 100
MOST: Final = 1_000


class ZendeskSandbox(People):
    """One Zendesk account, with people in it."""

    title = "Zendesk Support"

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, secret: str = SECRET) -> None:
        """Take the clock, the API token and the webhook's secret."""
        super().__init__(now, Account(now, own_user=OWN_USER), secret)
        #: False: webhooks of the connector's own doings are not sent, as with a webhook that a trigger filters.
        self.tells_own = True
        #: Requests that the account takes in a minute, all together; None: as many as come. Zendesk's plans allow 200 to 2,500.
        self.requests_a_minute: int | None = None
        self._requests: list[int] = []
        self._token = token

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; files are shown under the address that results."""
        await super().start(host, port)
        self.account.address = self.url

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        return {"subdomain": "sandbox", "email": EMAIL, "api_url": self.url, "user_id": str(OWN_USER)}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"api_token": self._token, "webhook_secret": self._secret}

    def conditions(self) -> dict[str, Condition]:
        """Return what may stand otherwise in the account."""
        lags = "The search does not know new tickets for so long."
        full = "The account takes so many requests in a minute, and answers 429 to more."
        return {
            **super().conditions(),
            "search_lag": Condition(
                does=lags, takes=Takes.SECONDS, owner=self.account, attribute="search_lag", unit=1_000_000
            ),
            "requests_a_minute": Condition(does=full, takes=Takes.LIMIT, owner=self, attribute="requests_a_minute"),
        }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the API's routes."""
        handlers: list[tuple[str, str, str, Callable[[web.Request], Any]]] = [
            ("users.me", "GET", "/api/v2/users/me.json", self._me),
            ("groups.list", "GET", "/api/v2/groups.json", self._groups),
            ("tickets.create", "POST", "/api/v2/tickets.json", self._create),
            ("tickets.list", "GET", "/api/v2/tickets.json", self._list),
            ("tickets.show", "GET", r"/api/v2/tickets/{id:\d+}.json", self._show_ticket),
            ("tickets.update", "PUT", r"/api/v2/tickets/{id:\d+}.json", self._update),
            ("tickets.audits", "GET", r"/api/v2/tickets/{id:\d+}/audits.json", self._audits),
            ("tickets.comments", "GET", r"/api/v2/tickets/{id:\d+}/comments.json", self._comments),
            ("search", "GET", "/api/v2/search.json", self._search),
            ("incremental", "GET", "/api/v2/incremental/tickets/cursor.json", self._incremental),
            ("uploads", "POST", "/api/v2/uploads.json", self._upload),
            ("attachments", "GET", r"/attachments/{id:\d+}", self._attachment),
            ("users.list", "GET", "/api/v2/users.json", self._users),
            ("users.search", "GET", "/api/v2/users/search.json", self._users_search),
            ("users.show", "GET", r"/api/v2/users/{id:\d+}.json", self._user),
            ("organizations.show", "GET", r"/api/v2/organizations/{id:\d+}.json", self._organization),
            ("group_memberships", "GET", "/api/v2/group_memberships.json", self._memberships),
            ("custom_roles", "GET", "/api/v2/custom_roles.json", self._roles),
            ("recipient_addresses", "GET", "/api/v2/recipient_addresses.json", self._addresses),
        ]
        return [(name, method, path, self._guarded(handler)) for name, method, path, handler in handlers]

    def _guarded(self, handler: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                login = BasicAuth.decode(request.headers.get("Authorization", ""))
            except ValueError:
                login = None
            if login is None or login.login != f"{EMAIL}/token" or login.password != self._token:
                return web.json_response({"error": "Couldn't authenticate you"}, status=401)
            try:
                self._count_request()
                answer: web.Response = await handler(request)
            except ZendeskRefusal as refusal:
                return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
            return answer

        return handle

    def _count_request(self) -> None:
        now = self.now()
        self._requests = [at for at in self._requests if now - at < MINUTE]
        if self.requests_a_minute is not None and len(self._requests) >= self.requests_a_minute:
            seconds = max(1, (self._requests[0] + MINUTE - now) // 1_000_000)
            raise ZendeskRefusal(429, {"error": "APIRateLimitExceeded"}, {"Retry-After": str(seconds)})
        self._requests.append(now)

    # --- the API -----------------------------------------------------------------------------------------------------
    async def _me(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        return web.json_response({"user": self.account.users[OWN_USER]})

    async def _groups(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        groups = [{"id": number, "name": name} for number, name in self.account.groups.items()]
        return web.json_response({"groups": groups, "next_page": None, "count": len(groups)})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.read()
        given: dict[str, Any] = json.loads(body)["ticket"]
        key = request.headers.get("Idempotency-Key")
        ticket, lookup = self.account.create(given, key, hashlib.sha256(body).hexdigest())
        if lookup == "miss" and self.tells_own:
            self.tell_created(ticket, actor=OWN_USER)
        headers = {"x-idempotency-lookup": lookup} if key is not None else {}
        answer = {"ticket": shown(ticket), "audit": ticket.audits[0]}
        return web.json_response(answer, status=201, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("external_id")
        found = [shown(t) for t in self.account.tickets.values() if wanted is None or t.external_id == wanted]
        return web.json_response({"tickets": found, "next_page": None, "count": len(found)})

    async def _show_ticket(self, request: web.Request) -> web.Response:
        return web.json_response({"ticket": shown(self.account.find(int(request.match_info["id"])))})

    async def _update(self, request: web.Request) -> web.Response:
        given: dict[str, Any] = (await request.json())["ticket"]
        ticket = self.account.update(int(request.match_info["id"]), given)
        if self.tells_own:
            self.tell_audit(ticket)
        return web.json_response({"ticket": shown(ticket), "audit": ticket.audits[-1]})

    async def _audits(self, request: web.Request) -> web.Response:
        answer, _ = self._page(request, "audits", self.account.find(int(request.match_info["id"])).audits)
        return web.json_response(answer)

    async def _comments(self, request: web.Request) -> web.Response:
        answer, comments = self._page(request, "comments", self.account.find(int(request.match_info["id"])).comments)
        if request.query.get("include") == "users":
            answer["users"] = [self.account.users[author] for author in sorted({c["author_id"] for c in comments})]
        return web.json_response(answer)

    @staticmethod
    def _page(
        request: web.Request, name: str, rows: list[dict[str, Any]]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return a page of rows as Zendesk answers it, and its rows: a hundred at most, with the next page's address."""
        page = int(request.query.get("page", 1))
        size = min(int(request.query.get("per_page", PAGE)), PAGE)
        part = rows[(page - 1) * size : page * size]
        more = request.rel_url.update_query(page=page + 1)
        following = f"https://sandbox.zendesk.com{more}" if len(rows) > page * size else None
        return {name: part, "next_page": following, "count": len(rows)}, part

    async def _incremental(self, request: web.Request) -> web.Response:
        """Zendesk leaves the last minute out, and gives it to admins only."""
        if self.account.users[OWN_USER]["role"] != "admin":
            return web.json_response({"error": "Forbidden"}, status=403)
        given = request.query
        size = min(int(given.get("per_page", MOST)), MOST)
        start = int(given["cursor"]) if "cursor" in given else int(given["start_time"]) * 1_000_000
        until = self.now() - INCREMENTAL_LAG
        found = sorted((t for t in self.account.tickets.values() if start < t.updated_at <= until), key=_age)[:size]
        after = found[-1].updated_at if found else start
        end = len(found) < size
        return web.json_response(
            {"tickets": [shown(t) for t in found], "after_cursor": str(after), "end_of_stream": end}
        )

    async def _upload(self, request: web.Request) -> web.Response:
        name = request.query.get("filename", "")
        token = self.account.upload(name, request.headers.get("Content-Type", ""), await request.read())
        return web.json_response({"upload": {"token": token, "attachment": self.account.uploads[token]}}, status=201)

    async def _attachment(self, request: web.Request) -> web.Response:
        body = self.account.files.get(int(request.match_info["id"]))
        return web.Response(status=404) if body is None else web.Response(body=body)

    async def _users(self, request: web.Request) -> web.Response:
        roles = set(request.query.getall("role[]", []))
        found = [user for user in self.account.users.values() if not roles or user["role"] in roles]
        page = int(request.query.get("page", 1))
        more = f"https://sandbox.zendesk.com/api/v2/users.json?{'&'.join(f'role[]={each}' for each in sorted(roles))}"
        following = f"{more}&page={page + 1}" if len(found) > page * PAGE else None
        return web.json_response({"users": found[(page - 1) * PAGE : page * PAGE], "next_page": following})

    async def _users_search(self, request: web.Request) -> web.Response:
        wanted = request.query.get("query", "").removeprefix("email:").lower()
        # The search is loose, as Zendesk's: whoever asks must compare.
        found = [user for user in self.account.users.values() if wanted.split("@")[0] in (user["email"] or "")]
        return web.json_response({"users": found, "next_page": None})

    async def _user(self, request: web.Request) -> web.Response:
        user = self.account.users.get(int(request.match_info["id"]))
        if user is None:
            return web.json_response({"error": "RecordNotFound"}, status=404)
        return web.json_response({"user": user})

    async def _organization(self, request: web.Request) -> web.Response:
        return web.json_response({"organization": self.account.organizations[int(request.match_info["id"])]})

    async def _memberships(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        rows = [{"user_id": user, "group_id": group} for user, group in self.account.memberships]
        return web.json_response({"group_memberships": rows, "next_page": None})

    async def _addresses(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        rows = [{"id": number, "email": each} for number, each in enumerate(self.account.recipient_addresses)]
        return web.json_response({"recipient_addresses": rows, "next_page": None})

    async def _roles(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        if self.account.custom_roles is None:
            return web.json_response({"error": "Forbidden"}, status=403)
        return web.json_response({"custom_roles": self.account.custom_roles, "next_page": None})

    async def _search(self, request: web.Request) -> web.Response:
        words = dict(part.split(":", 1) for part in request.query.get("query", "").split() if ":" in part)
        wanted = words.get("external_id")
        found = [shown(t) for t in self.account.searchable() if wanted is None or t.external_id == wanted]
        return web.json_response({"results": found, "next_page": None, "count": len(found)})

    # --- questions ---------------------------------------------------------------------------------------------------
    def tickets_with_external_id(self, external_id: str) -> list[int]:
        """Return the tickets that carry an external id: more than one is a double."""
        return [ticket.id for ticket in self.account.tickets.values() if ticket.external_id == external_id]

    def notes_with_key(self, key: str) -> int:
        """Return how many audits carry one of our keys: more than one is a double."""
        return sum(
            1
            for ticket in self.account.tickets.values()
            for audit in ticket.audits
            if audit["metadata"]["custom"].get("baton_key") == key
        )

    def ticket(self, ticket_id: int) -> SandboxTicket:
        """Return a ticket."""
        return self.account.find(ticket_id)

    def writes(self) -> int:
        """Return how many writes reached the account, whatever was answered."""
        return sum(1 for call in self.calls if call.method != "GET")

    def state(self) -> dict[str, Any]:
        """Return the whole state, for people."""
        return {
            "tickets": [
                {**shown(t), "comments": t.comments, "audits": t.audits} for t in self.account.tickets.values()
            ],
            "users": list(self.account.users.values()),
            "groups": self.account.groups,
            "webhooks_waiting": len(self.webhooks.waiting),
        }


def _age(ticket: SandboxTicket) -> tuple[int, int]:
    return ticket.updated_at, ticket.id
