"""A stand-in for Request Tracker: REST2 as far as the connector uses it, and the documented scrip's signed webhooks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from connectors.request_tracker.sandbox_state import (
    FIELDS,
    OWN_NUMBER,
    OWN_USER,
    QUEUES,
    Desk,
    Refusal,
    SandboxTicket,
    SandboxTransaction,
    iso,
)
from connectors.request_tracker.sandbox_told import signed, told_of, told_transaction
from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

#: What somebody without an RT writes into `plugins.toml`.
TOKEN: Final = f"1-{OWN_NUMBER}-{'5a' * 16}"
SECRET: Final = "sandbox-webhook-secret"

_ROOT: Final = "/REST/2.0"
#: Name, method and path of each route: a proxy before a real RT has the same ones.
ROUTES: Final[tuple[tuple[str, str, str], ...]] = (
    ("rt", "GET", f"{_ROOT}/rt"),
    ("user.show", "GET", f"{_ROOT}/user/{{name}}"),
    ("queue.show", "GET", f"{_ROOT}/queue/{{name}}"),
    ("queues.all", "GET", f"{_ROOT}/queues/all"),
    ("groups.search", "GET", f"{_ROOT}/groups"),
    ("group.show", "GET", rf"{_ROOT}/group/{{id:\d+}}"),
    ("tickets.search", "GET", f"{_ROOT}/tickets"),
    ("ticket.create", "POST", f"{_ROOT}/ticket"),
    ("ticket.show", "GET", rf"{_ROOT}/ticket/{{id:\d+}}"),
    ("ticket.update", "PUT", rf"{_ROOT}/ticket/{{id:\d+}}"),
    ("ticket.comment", "POST", rf"{_ROOT}/ticket/{{id:\d+}}/comment"),
    ("ticket.correspond", "POST", rf"{_ROOT}/ticket/{{id:\d+}}/correspond"),
    ("transactions.search", "GET", f"{_ROOT}/transactions"),
    ("ticket.attachments", "GET", rf"{_ROOT}/ticket/{{id:\d+}}/attachments"),
    ("transaction.attachments", "GET", rf"{_ROOT}/transaction/{{id:\d+}}/attachments"),
    ("attachment.show", "GET", rf"{_ROOT}/attachment/{{id:\d+}}"),
)


class RequestTrackerSandbox(Sandbox):
    """One Request Tracker, with people in it."""

    title = "Request Tracker"
    variables = "RT"

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, secret: str = SECRET) -> None:
        """Take the clock, the auth token and the webhook's secret."""
        super().__init__(now=now)
        self.desk = self.ids = Desk(now)
        self.webhooks = WebhookSender(self._sign)
        #: Stands before each key and external id of a test: a real RT keeps what earlier tests wrote.
        self.salt = ""
        self._token = token
        self._secret = secret

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        return {"url": self.url, "user": OWN_USER, "tags_field": "baton_tags"}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"token": self._token, "webhook_secret": self._secret}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the API's routes."""
        handlers: dict[str, Callable[[web.Request], Any]] = {
            "rt": self._rt,
            "user.show": self._user,
            "queue.show": self._queue,
            "queues.all": self._queues,
            "groups.search": self._groups,
            "group.show": self._group,
            "tickets.search": self._search,
            "ticket.create": self._create,
            "ticket.show": self._show_ticket,
            "ticket.update": self._update,
            "ticket.comment": self._comment,
            "ticket.correspond": self._correspond,
            "transactions.search": self._transactions,
            "ticket.attachments": self._ticket_attachments,
            "transaction.attachments": self._transaction_attachments,
            "attachment.show": self._attachment,
        }
        return [(name, method, path, self._guarded(handlers[name])) for name, method, path in ROUTES]

    def _guarded(self, handler: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"token {self._token}":
                return web.Response(status=401, text="Authorization required")
            try:
                answer: web.Response = await handler(request)
            except Refusal as refusal:
                return web.json_response(refusal.body, status=refusal.status)
            return answer

        return handle

    # --- the API: reading --------------------------------------------------------------------------------------------
    async def _rt(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        return web.json_response({"Version": "5.0.3+sandbox"})

    async def _user(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        user = self.desk.users.get(name.lower())
        if user is None:
            raise Refusal(404, "Not Found")
        shown: dict[str, Any] = {
            "Name": user.name,
            "RealName": user.real_name,
            "EmailAddress": user.email,
            "Privileged": int(user.privileged),
            "_hyperlinks": [
                {"ref": "self", "type": "user", "id": user.id, "_url": f"{self.url}{_ROOT}/user/{user.id}"}
            ],
        }
        if user.name == OWN_USER:
            shown |= {"id": user.id, "Disabled": str(int(user.disabled))}
        return web.json_response(shown)

    async def _queue(self, request: web.Request) -> web.Response:
        number = self.desk.queue(request.match_info["name"])
        fields = [self._ref("customfield", each, name=name) for each, (name, _) in FIELDS.items()]
        shown = {
            "id": number,
            "Name": QUEUES[number],
            "Lifecycle": "default",
            "CorrespondAddress": "help@rt.test" if number == 1 else "",
            "CommentAddress": "",
            "TicketCustomFields": fields,
            "_hyperlinks": [{"ref": "create", "type": "ticket", "_url": f"{self.url}{_ROOT}/ticket?Queue={number}"}],
        }
        return web.json_response(shown)

    async def _queues(self, request: web.Request) -> web.Response:
        return self._page(request, [self._ref("queue", number, Name=name) for number, name in QUEUES.items()])

    async def _groups(self, request: web.Request) -> web.Response:
        named = {number: name for number, (name, _) in self.desk.groups.items()}
        return self._page(request, [self._ref("group", each, Name=named[each], Domain="UserDefined") for each in named])

    async def _group(self, request: web.Request) -> web.Response:
        found = self.desk.groups.get(int(request.match_info["id"]))
        if found is None:
            raise Refusal(404, "Not Found")
        return web.json_response({"Name": found[0], "Members": [self._ref("user", name) for name in found[1]]})

    async def _search(self, request: web.Request) -> web.Response:
        found = self.desk.search(request.query.get("query", ""))
        key: Callable[[SandboxTicket], Any] = (
            (lambda ticket: (ticket.updated, ticket.id))
            if request.query.get("orderby") == "LastUpdated"
            else (lambda ticket: ticket.id)
        )
        found.sort(key=key, reverse=request.query.get("order") == "DESC")
        return self._page(request, [self._ref("ticket", each.id, LastUpdated=iso(each.updated)) for each in found])

    async def _show_ticket(self, request: web.Request) -> web.Response:
        ticket = self.desk.ticket(int(request.match_info["id"]))
        return web.json_response(self._shown(ticket), headers={"ETag": self._tag(ticket)})

    async def _transactions(self, request: web.Request) -> web.Response:
        items = [
            self._ref(
                "transaction",
                each.id,
                Type=each.type,
                Field=each.field,
                OldValue=each.old,
                NewValue=each.new,
                Created=iso(each.created),
                Creator=self._ref("user", each.creator),
                ObjectId=str(each.ticket),
            )
            for each in self.desk.happened(request.query.get("query", ""))
        ]
        return self._page(request, items[::-1] if request.query.get("order") == "DESC" else items)

    async def _ticket_attachments(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        return self._attachments(request, [each.id for each in self.desk.history(number)])

    async def _transaction_attachments(self, request: web.Request) -> web.Response:
        return self._attachments(request, [int(request.match_info["id"])])

    def _attachments(self, request: web.Request, transactions: list[int]) -> web.Response:
        wanted = [str(each["value"]) for each in json.loads(request.query.get("query") or "[]")]
        items = [
            self._ref(
                "attachment",
                part.id,
                TransactionId=str(part.transaction),
                ContentType=part.content_type,
                Filename=part.filename,
                ContentLength=len(part.content),
                Headers=part.headers,
            )
            for part in self.desk.parts(transactions)
            if all(each in part.headers for each in wanted)
            and (self.desk.shows_comments or self.desk.transactions[part.transaction].type != "Comment")
        ]
        return self._page(request, items)

    async def _attachment(self, request: web.Request) -> web.Response:
        part = self.desk.attachments.get(int(request.match_info["id"]))
        if part is None:
            raise Refusal(404, "Not Found")
        return web.json_response({"id": part.id, "Content": base64.encodebytes(part.content).decode()})

    # --- the API: writing --------------------------------------------------------------------------------------------
    async def _create(self, request: web.Request) -> web.Response:
        ticket = self.desk.create(await request.json(), OWN_USER)
        self._tell(ticket, self.desk.history(ticket.id))
        location = {"Location": f"{_ROOT}/ticket/{ticket.id}"}
        return web.json_response(self._ref("ticket", ticket.id), status=201, headers=location)

    async def _update(self, request: web.Request) -> web.Response:
        ticket = self.desk.ticket(int(request.match_info["id"]))
        if request.headers.get("If-Match", self._tag(ticket)) != self._tag(ticket):
            raise Refusal(412, "Precondition Failed")
        made = self.desk.update(ticket, await request.json(), OWN_USER)
        self._tell(ticket, made)
        return web.json_response([f"Ticket {ticket.id}: {each.field or each.type} changed" for each in made])

    async def _comment(self, request: web.Request) -> web.Response:
        return await self._message(request, "Comment")

    async def _correspond(self, request: web.Request) -> web.Response:
        return await self._message(request, "Correspond")

    async def _message(self, request: web.Request, kind: str) -> web.Response:
        number = int(request.match_info["id"])
        if number not in self.desk.tickets:
            # RT does not look whether the ticket is there, only whether we may write to it.
            raise Refusal(400, "Permission Denied")
        ticket = self.desk.tickets[number]
        given, files = await _given(request)
        if given.get("Content") and not given.get("ContentType"):
            raise Refusal(400, "ContentType is a required field for application/json")
        made = self.desk.record(ticket, kind, OWN_USER)
        self.desk.attach(made, str(given["ContentType"]), str(given["Content"]).encode())
        for name, media_type, content in files:
            self.desk.attach(made, media_type, content, filename=name)
        told = [made]
        if kind == "Correspond" and ticket.status == "new":
            ticket.status = "open"
            told.append(self.desk.record(ticket, "Status", "RT_System", field="Status", old="new", new="open"))
        self._tell(ticket, told)
        said = "Comments added" if kind == "Comment" else "Correspondence added"
        return web.json_response([said], status=201, headers={"Location": f"{_ROOT}/transaction/{made.id}"})

    # --- how things are shown ----------------------------------------------------------------------------------------
    def _ref(self, kind: str, key: int | str, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "id": str(key), "_url": f"{self.url}{_ROOT}/{kind}/{key}", **fields}

    def _page(self, request: web.Request, items: list[dict[str, Any]]) -> web.Response:
        page, size = int(request.query.get("page", "1")), min(100, int(request.query.get("per_page", "20")))
        part = items[(page - 1) * size : page * size]
        # Who may not see everything is not told how much there is.
        answer = {"items": part, "count": len(part), "page": page, "per_page": size, "pages": None, "total": None}
        return web.json_response(answer)

    def _tag(self, ticket: SandboxTicket) -> str:
        return f'"{max((each.id for each in self.desk.history(ticket.id)), default=0)}"'

    def _shown(self, ticket: SandboxTicket) -> dict[str, Any]:
        links = [
            {"ref": ref, "_url": f"{self.url}{_ROOT}/ticket/{ticket.id}/{ref}"}
            for ref in ("history", "correspond", "comment")
        ]
        links += [{"ref": "refers-to", "type": "external", "_url": link} for link in ticket.links]
        return {
            "id": ticket.id,
            "Subject": ticket.subject,
            "Status": ticket.status,
            "Priority": str(ticket.priority),
            "Queue": self._ref("queue", ticket.queue),
            "Owner": self._ref("user", ticket.owner),
            "Requestor": [self._ref("user", name) for name in ticket.requestors],
            "Created": iso(ticket.created),
            "LastUpdated": iso(ticket.updated),
            "CustomFields": [
                self._ref("customfield", number, name=name, values=ticket.custom.get(name, []))
                for number, (name, _) in FIELDS.items()
            ],
            "_hyperlinks": links,
        }

    # --- people ------------------------------------------------------------------------------------------------------
    def customer_writes(self, name: str, subject: str, text: str, *, via: str = "Email") -> int:
        """Have a customer open a ticket by mail, as they do without Baton; return its number."""
        customer = self.desk.user(f"{name.lower().replace(' ', '.')}@customer.example", real_name=name)
        given = {"Queue": "General", "Subject": subject, "Requestor": [customer.name]}
        ticket = self.desk.create(given, customer.name)
        (made,) = self.desk.history(ticket.id)
        self.desk.attach(made, 'text/plain; charset="utf-8"', text.encode(), interface=via)
        self._tell(ticket, [made])
        return ticket.id

    def customer_adds(self, ticket_id: int, text: str) -> None:
        """Have the ticket's customer write again."""
        ticket = self.desk.ticket(ticket_id)
        made = self.desk.record(ticket, "Correspond", ticket.requestors[0])
        self.desk.attach(made, 'text/plain; charset="utf-8"', text.encode(), interface="Email")
        self._tell(ticket, [made])

    def agent_comments(self, ticket_id: int, text: str, *, name: str = "anna", public: bool = True) -> None:
        """Have an agent answer, or write an internal comment, in RT's own editor."""
        ticket = self.desk.ticket(ticket_id)
        made = self.desk.record(ticket, "Correspond" if public else "Comment", self._agent(name))
        self.desk.attach(made, 'text/html; charset="utf-8"', f"<p>{text}</p>".encode(), interface="Web")
        self._tell(ticket, [made])

    def agent_sets_status(self, ticket_id: int, status: str, *, name: str = "anna") -> None:
        """Have an agent change a ticket's status."""
        ticket = self.desk.ticket(ticket_id)
        self._tell(ticket, self.desk.update(ticket, {"Status": status}, self._agent(name)))

    def agent_takes(self, ticket_id: int, *, name: str = "anna") -> None:
        """Have an agent become a ticket's owner."""
        ticket = self.desk.ticket(ticket_id)
        agent = self._agent(name)
        self._tell(ticket, self.desk.update(ticket, {"Owner": agent}, agent))

    def _agent(self, name: str) -> str:
        return self.desk.user(name, real_name=name.capitalize(), privileged=True).name

    # --- questions ---------------------------------------------------------------------------------------------------
    def tickets_with_external_id(self, external_id: str) -> list[int]:
        """Return the tickets that carry an external id: more than one is a double."""
        found = self.desk.tickets.values()
        return [each.id for each in found if external_id in [*each.custom.get("baton_external_id", []), *each.links]]

    def messages_with_key(self, key: str) -> list[tuple[int, str]]:
        """Return ticket and type of the messages that carry one of our keys: more than one is a double."""
        found = [part for part in self.desk.attachments.values() if f'x-baton-key="{key}"' in part.headers]
        made = [self.desk.transactions[part.transaction] for part in found]
        return [(each.ticket, each.type) for each in made]

    def ticket_now(self, ticket_id: int) -> dict[str, Any]:
        """Return what stands on a ticket."""
        ticket = self.desk.ticket(ticket_id)
        return {
            "subject": ticket.subject,
            "status": ticket.status,
            "queue": QUEUES[ticket.queue],
            "owner": ticket.owner,
            "priority": ticket.priority,
            "tags": sorted(ticket.custom.get("baton_tags", [])),
            "requestors": ticket.requestors,
            "messages": [each.type for each in self.desk.history(ticket_id) if self.desk.parts([each.id])],
        }

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people at this RT can be made to do."""
        acts = (self.customer_writes, self.customer_adds, self.agent_comments, self.agent_sets_status, self.agent_takes)
        return {act.__name__: act for act in acts}

    def state(self) -> dict[str, Any]:
        """Return the whole state, for people."""
        return {
            "tickets": [{"id": each, **self.ticket_now(each)} for each in self.desk.tickets],
            "transactions": [told_transaction(self.desk, each) for each in self.desk.transactions.values()],
            "users": sorted(user.name for user in self.desk.users.values()),
            "queues": QUEUES,
            "webhooks_waiting": len(self.webhooks.waiting),
        }

    # --- webhooks ----------------------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        return signed(webhook.body, self.now(), self._secret)

    def _tell(self, ticket: SandboxTicket, transactions: Iterable[SandboxTransaction]) -> None:
        if body := told_of(self.desk, ticket, transactions):
            self.webhooks.put(Webhook(endpoint="", body=body, headers={"Content-Type": "application/json"}))


async def _given(request: web.Request) -> tuple[dict[str, Any], list[tuple[str, str, bytes]]]:
    """Return the message that a request brings, and its files: name, media type, bytes."""
    if not request.content_type.startswith("multipart/"):
        return await request.json(), []
    form = await request.post()
    files = [
        (each.filename, each.content_type, each.file.read())
        for each in form.getall("Attachments", [])
        if isinstance(each, web.FileField)
    ]
    return json.loads(str(form["JSON"])), files
