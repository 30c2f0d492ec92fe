"""A stand-in for Zendesk: its API as far as the connector uses it, and its signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import BasicAuth, web

from connectors.zendesk.sandbox_state import Account, SandboxTicket, ZendeskRefusal, iso, shown
from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

#: What an admin without an account writes into `plugins.toml`.
TOKEN: Final = "sandbox-token"
SECRET: Final = "sandbox-webhook-secret"
OWN_USER: Final = 4_001
EMAIL: Final = "baton@example.com"
#: What the incremental export leaves out: the last minute.
INCREMENTAL_LAG: Final = 60 * 1_000_000
#: Rows on a page.
PAGE: Final = 100


class ZendeskSandbox(Sandbox):
    """One Zendesk account, with people in it."""

    title = "Zendesk Support"

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, secret: str = SECRET) -> None:
        """Take the clock, the API token and the webhook's secret."""
        super().__init__(now=now)
        self.account = Account(now, own_user=OWN_USER)
        self.webhooks = WebhookSender(self._sign)
        #: False: webhooks of the connector's own doings are not sent, as with a webhook that a trigger filters.
        self.tells_own = True
        self._token = token
        self._secret = secret

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
                answer: web.Response = await handler(request)
            except ZendeskRefusal as refusal:
                return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
            return answer

        return handle

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
            self._tell_created(ticket, actor=OWN_USER)
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
        before = self.account.find(int(request.match_info["id"])).status
        ticket = self.account.update(int(request.match_info["id"]), given)
        if given.get("comment") and self.tells_own:
            self._tell_comment(ticket, ticket.comments[-1], actor=OWN_USER)
        if ticket.status != before and self.tells_own:
            self._tell_status(ticket, before, OWN_USER)
        return web.json_response({"ticket": shown(ticket), "audit": ticket.audits[-1]})

    async def _audits(self, request: web.Request) -> web.Response:
        audits = self.account.find(int(request.match_info["id"])).audits
        return web.json_response({"audits": audits, "next_page": None, "count": len(audits)})

    async def _comments(self, request: web.Request) -> web.Response:
        comments = self.account.find(int(request.match_info["id"])).comments
        answer: dict[str, Any] = {"comments": comments, "next_page": None, "count": len(comments)}
        if request.query.get("include") == "users":
            answer["users"] = [self.account.users[author] for author in sorted({c["author_id"] for c in comments})]
        return web.json_response(answer)

    async def _incremental(self, request: web.Request) -> web.Response:
        """Zendesk leaves the last minute out."""
        given = request.query
        start = int(given["cursor"]) if "cursor" in given else int(given["start_time"]) * 1_000_000
        until = self.now() - INCREMENTAL_LAG
        found = sorted((t for t in self.account.tickets.values() if start < t.updated_at <= until), key=_age)[:PAGE]
        after = found[-1].updated_at if found else start
        end = len(found) < PAGE
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

    async def _search(self, request: web.Request) -> web.Response:
        words = dict(part.split(":", 1) for part in request.query.get("query", "").split() if ":" in part)
        wanted = words.get("external_id")
        found = [shown(t) for t in self.account.searchable() if wanted is None or t.external_id == wanted]
        return web.json_response({"results": found, "next_page": None, "count": len(found)})

    # --- people ------------------------------------------------------------------------------------------------------
    def customer_writes(self, name: str, subject: str, text: str, *, via: str = "email") -> int:
        """Have a customer open a ticket by mail, form or chat, as they do without Baton; return its id."""
        customer = self.account.user(name, f"{name.lower().replace(' ', '.')}@customer.example")
        ticket = self.account.add(subject, text, author=customer, requester=customer, public=True, via=via)
        self._tell_created(ticket, actor=customer)
        return ticket.id

    def customer_attaches(self, ticket_id: int, name: str, body: str) -> None:
        """Have the ticket's customer send a file; Zendesk tells of it apart from the comment."""
        ticket = self.account.find(ticket_id)
        self.account.touch(ticket)
        before = ticket.status
        made = self.account.customer_comments(ticket, "See the file.")
        file = self.account.attach(made, name, body.encode())
        self._tell_comment(ticket, made, actor=ticket.requester_id)
        told = {"id": str(file["id"]), "filename": name, "content_type": file["content_type"]}
        told |= {"content_url": file["content_url"], "is_public": True}
        event = {"attachment": told, "comment": {"id": str(made["id"])}}
        self._tell(ticket, "attachment_linked_to_comment", ticket.requester_id, event)
        if ticket.status != before:
            self._tell_status(ticket, before, ticket.requester_id)

    def customer_judges(self, ticket_id: int, score: str, comment: str = "") -> None:
        """Have the ticket's customer say how they were served: good or bad. A trigger tells of it."""
        ticket = self.account.find(ticket_id)
        ticket.rating = (score, comment)
        self.account.touch(ticket)
        payload = {
            "type": "baton:satisfaction",
            "ticket_id": str(ticket_id),
            "requester_id": str(ticket.requester_id),
            "score": score.capitalize(),
            "comment": comment,
            "time": iso(self.now()),
        }
        body = json.dumps(payload).encode()
        self.webhooks.put(Webhook(endpoint="", body=body, headers={"Content-Type": "application/json"}))

    def customer_adds(self, ticket_id: int, text: str) -> None:
        """Have the ticket's customer write again."""
        ticket = self.account.find(ticket_id)
        self.account.touch(ticket)
        before = ticket.status
        made = self.account.customer_comments(ticket, text)
        self._tell_comment(ticket, made, actor=ticket.requester_id)
        if ticket.status != before:
            self._tell_status(ticket, before, ticket.requester_id)

    def agent_comments(self, ticket_id: int, text: str, *, name: str = "Anna Agent", public: bool = True) -> None:
        """Have an agent answer, or write an internal note."""
        agent = self.account.user(name, f"{name.lower().replace(' ', '.')}@example.com", "agent")
        ticket = self.account.find(ticket_id)
        self.account.touch(ticket)
        self._tell_comment(ticket, self.account.comment(ticket, agent, text, public=public), actor=agent)

    def agent_sets_status(self, ticket_id: int, status: str, *, name: str = "Anna Agent") -> None:
        """Have an agent change a ticket's state."""
        agent = self.account.user(name, f"{name.lower().replace(' ', '.')}@example.com", "agent")
        ticket = self.account.find(ticket_id)
        before, ticket.status = ticket.status, status
        self.account.touch(ticket)
        self._tell_status(ticket, before, agent)

    def agent_tags(self, ticket_id: int, tag: str, *, name: str = "Anna Agent") -> None:
        """Have an agent add a tag."""
        agent = self.account.user(name, f"{name.lower().replace(' ', '.')}@example.com", "agent")
        ticket = self.account.find(ticket_id)
        ticket.tags = sorted({*ticket.tags, tag})
        self.account.touch(ticket)
        self._tell(ticket, "tags_changed", agent, {"tags_added": [tag], "tags_removed": []})

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

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people in the account can be made to do."""
        customers = (self.customer_writes, self.customer_adds, self.customer_attaches, self.customer_judges)
        agents = (self.agent_comments, self.agent_sets_status, self.agent_tags)
        return {act.__name__: act for act in (*customers, *agents)}

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

    # --- webhooks ----------------------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        stamp = iso(self.now())
        digest = hmac.new(self._secret.encode(), stamp.encode() + webhook.body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }

    def _tell_created(self, ticket: SandboxTicket, *, actor: int) -> None:
        self._tell(ticket, "created", actor, {})

    def _tell_comment(self, ticket: SandboxTicket, comment: dict[str, Any], *, actor: int) -> None:
        author = self.account.users[comment["author_id"]]
        told = {
            "id": str(comment["id"]),
            "body": comment["body"],
            "is_public": comment["public"],
            "author": {
                "id": str(author["id"]),
                "is_staff": self.account.is_staff(int(author["id"])),
                "name": author["name"],
            },
        }
        self._tell(ticket, "comment_added", actor, {"comment": told})

    def _tell_status(self, ticket: SandboxTicket, before: str, actor: int) -> None:
        event = {"current": _capital(ticket.status), "previous": _capital(before)}
        self._tell(ticket, "status_changed", actor, event)

    def _tell(self, ticket: SandboxTicket, kind: str, actor: int, event: dict[str, Any]) -> None:
        now = self.now()
        detail = {
            "id": str(ticket.id),
            "actor_id": str(actor),
            "assignee_id": str(ticket.assignee_id) if ticket.assignee_id else None,
            "created_at": iso(ticket.created_at),
            "description": ticket.description,
            "external_id": ticket.external_id,
            "group_id": str(ticket.group_id) if ticket.group_id else None,
            "is_public": ticket.comments[0]["public"],
            "priority": _capital(ticket.priority) if ticket.priority else None,
            "requester_id": str(ticket.requester_id),
            "status": _capital(ticket.status),
            "subject": ticket.subject,
            "tags": ticket.tags,
            "updated_at": iso(ticket.updated_at),
            "via": {"channel": ticket.via},
        }
        payload = {
            "account_id": 777,
            "detail": detail,
            "event": event,
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ticket.id}/{kind}/{self.account.number()}")),
            "subject": f"zen:ticket:{ticket.id}",
            "time": iso(now),
            "type": f"zen:event-type:ticket.{kind}",
            "zendesk_event_version": "2022-11-06",
        }
        body = json.dumps(payload, separators=(",", ":")).encode()
        self.webhooks.put(Webhook(endpoint="", body=body, headers={"Content-Type": "application/json"}))


def _age(ticket: SandboxTicket) -> tuple[int, int]:
    return ticket.updated_at, ticket.id


def _capital(word: str) -> str:
    return word.upper()
