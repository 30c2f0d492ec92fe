"""A stand-in for HubSpot: its API as far as the connector uses it, and its signed webhooks in arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from connectors.hubspot import SPEC
from connectors.hubspot.sandbox_records import Records
from connectors.hubspot.sandbox_state import HubSpotRefusal, Portal, Record, Source, iso, shown, words_of
from connectors.hubspot.sandbox_webhooks import Teller
from gateway.testing.conditions import Condition, Takes
from gateway.testing.sandbox import Handler, Sandbox, system_now

#: What an admin without an account writes into `plugins.toml`.
TOKEN: Final = "pat-sandbox-token"
SECRET: Final = "sandbox-client-secret"
PORTAL: Final = 62_515
APP: Final = 54_321
UNIQUE: Final = "baton_external_id"
#: Calls in ten seconds, and searches in one, of an account that pays.
BURST: Final = 190
SEARCHES: Final = 5

_OURS: Final = Source(source="INTEGRATION", actor=str(APP))
#: What reads although it is no GET.
_READS: Final = frozenset({"search", "batch.read", "associations.read", "token.info", "oauth.token"})


class HubSpotSandbox(Sandbox):
    """One HubSpot account, with people in it."""

    title = "HubSpot"

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, secret: str = SECRET) -> None:
        """Take the clock, the app's token and its client secret."""
        super().__init__(now=now)
        self.teller = Teller(now, secret=secret, portal_id=PORTAL, app_id=APP)
        self.webhooks = self.teller.sender
        self.portal = self.ids = Portal(now, portal_id=PORTAL, unique=UNIQUE, told=self.teller.tell)
        self._records = Records(self.portal, _OURS)
        #: Calls in ten seconds; None for no limit, as where the clock stands still.
        self.burst: int | None = BURST if now is system_now else None
        self.scopes = {*SPEC.capabilities.scopes}
        self.tokens = {token}
        self._token = token
        self._secret = secret
        self._times: list[int] = []
        self._searches: list[int] = []

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        return {"portal_id": str(PORTAL), "app_id": str(APP), "api_url": self.url}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"access_token": self._token, "client_secret": self._secret}

    def conditions(self) -> dict[str, Condition]:
        """Return what may stand otherwise in the account."""
        lags = "The search takes up to so long to know of a change."
        full = "The account takes so many calls in ten seconds, and answers 429 to more."
        return {
            **super().conditions(),
            "search_lag": Condition(
                does=lags, takes=Takes.SECONDS, owner=self.portal, attribute="search_lag", unit=1_000_000
            ),
            "calls_in_ten_seconds": Condition(does=full, takes=Takes.LIMIT, owner=self, attribute="burst"),
        }

    def writes(self) -> int:
        """Return how many writes reached the account, whatever was answered."""
        return sum(1 for call in self.calls if call.method != "GET" and call.route not in _READS)

    # --- routes ------------------------------------------------------------------------------------------------------
    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the API's routes, the dated ones beside those with a number."""
        found: list[tuple[str, str, str, Handler]] = []
        record = r"/{id:[^/]+}"
        for objects in ("/crm/v3/objects/{kind}", "/crm/objects/{version}/{kind}"):
            found += [
                ("batch.upsert", "POST", f"{objects}/batch/upsert", self._guarded(self._records.upsert)),
                ("batch.read", "POST", f"{objects}/batch/read", self._guarded(self._records.read)),
                ("search", "POST", f"{objects}/search", self._guarded(self._records.search)),
                ("create", "POST", objects, self._guarded(self._records.create)),
                ("get", "GET", objects + record, self._guarded(self._records.get)),
                ("update", "PATCH", objects + record, self._guarded(self._records.update)),
            ]
        for pair in ("/crm/v4/associations/{kind}/{other}", "/crm/associations/{version}/{kind}/{other}"):
            found += [
                ("associate", "POST", f"{pair}/batch/associate/default", self._guarded(self._records.associate)),
                ("associations.read", "POST", f"{pair}/batch/read", self._guarded(self._records.associations)),
            ]
        for head, tail, end in (("/crm/v3/", "", "/"), ("/crm/", "/{version}", "")):
            found += [
                ("pipelines", "GET", f"{head}pipelines{tail}/{{kind}}", self._guarded(self._pipelines)),
                ("property", "GET", f"{head}properties{tail}/{{kind}}/{{name}}", self._guarded(self._property)),
                ("owners", "GET", f"{head}owners{tail}{end}", self._guarded(self._owners)),
            ]
        for version in ("v3", "{version}"):
            found += [
                ("files.upload", "POST", f"/files/{version}/files", self._guarded(self._upload)),
                ("files.address", "GET", f"/files/{version}/files/{{id}}/signed-url", self._guarded(self._address)),
            ]
        for channel in (
            "/conversations/v3/custom-channels/{channel}",
            "/conversations/custom-channels/{version}/{channel}",
        ):
            found.append(("messages", "POST", f"{channel}/messages", self._guarded(self._publish)))
        return [
            *found,
            ("files.bytes", "GET", "/signed/{id}", self._bytes),
            ("token.info", "POST", "/oauth/v2/private-apps/get/access-token-info", self._guarded(self._token_info)),
            ("token.info", "POST", "/oauth/{version}/token/introspect", self._guarded(self._introspect)),
            ("oauth.token", "POST", "/oauth/{version}/token", self._renew),
        ]

    def _guarded(self, handler: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._admit(request)
                answer: web.Response = await handler(request)
            except HubSpotRefusal as refusal:
                return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
            return answer

        return handle

    def _admit(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if given.removeprefix("Bearer ") not in self.tokens or not given.startswith("Bearer "):
            raise HubSpotRefusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        self._limit(request)
        needed = _scope_of(request)
        if needed and needed not in self.scopes:
            context = {"requiredGranularScopes": [needed]}
            errors = [{"message": "One or more of the following scopes are required.", "context": context}]
            raise HubSpotRefusal(
                403, "MISSING_SCOPES", "This app hasn't been granted all required scopes", errors=errors
            )

    def _limit(self, request: web.Request) -> None:
        if self.burst is None:
            return
        now = self.now()
        self._times = [at for at in self._times if now - at < 10_000_000]
        self._searches = [at for at in self._searches if now - at < 1_000_000]
        search = request.path.endswith("/search")
        if len(self._times) >= self.burst or (search and len(self._searches) >= SEARCHES):
            policy = "SECONDLY" if len(self._times) < self.burst else "TEN_SECONDLY_ROLLING"
            message = f"You have reached your {policy.lower()} limit."
            raise HubSpotRefusal(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)
        self._times.append(now)
        if search:
            self._searches.append(now)

    # --- the account -------------------------------------------------------------------------------------------------
    async def _token_info(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        return web.json_response({"hubId": PORTAL, "appId": APP, "scopes": sorted(self.scopes)})

    async def _introspect(self, request: web.Request) -> web.Response:
        given = await request.post()
        if given.get("token") not in self.tokens or given.get("client_secret") != self._secret:
            raise HubSpotRefusal(400, "VALIDATION_ERROR", "missing or invalid")
        return web.json_response({"active": True, "hub_id": PORTAL, "app_id": APP, "scopes": sorted(self.scopes)})

    async def _renew(self, request: web.Request) -> web.Response:
        given = await request.post()
        right = given.get("refresh_token") == self._token and given.get("client_secret") == self._secret
        if not right or given.get("grant_type") != "refresh_token" or not given.get("client_id"):
            return web.json_response({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"}, status=400)
        made = f"access-{len(self.tokens)}"
        self.tokens.add(made)
        return web.json_response({"access_token": made, "expires_in": 1800, "token_type": "bearer"})

    async def _pipelines(self, request: web.Request) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        return web.json_response({"results": self.portal.pipelines})

    async def _property(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "hs_ticket_priority":
            options = [{"value": word, "label": word} for word in ("LOW", "MEDIUM", "HIGH", "URGENT")]
            return web.json_response({"name": name, "type": "enumeration", "options": options, "hasUniqueValue": False})
        found = self.portal.ticket_properties.get(name)
        if found is None:
            raise HubSpotRefusal(404, "OBJECT_NOT_FOUND", f"property {name} does not exist")
        return web.json_response({"name": name, "type": "string", "options": [], **found})

    async def _owners(self, request: web.Request) -> web.Response:
        email = request.query.get("email")
        found = [each for each in self.portal.owners if email is None or each["email"] == email]
        return web.json_response({"results": found})

    # --- files, messages ---------------------------------------------------------------------------------------------
    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file, options = form["file"], json.loads(str(form["options"]))
        content = file.file.read() if isinstance(file, web.FileField) else b""
        name, folder = str(form["fileName"]), str(form["folderPath"])
        file_id = self.portal.keep_file(folder, name, content, overwrite=bool(options.get("overwrite")))
        return web.json_response({"id": file_id, "name": name, "access": options.get("access")}, status=201)

    async def _address(self, request: web.Request) -> web.Response:
        file = self.portal.files.get(request.match_info["id"])
        if file is None:
            raise HubSpotRefusal(404, "OBJECT_NOT_FOUND", "No file")
        address = f"{self.url}/signed/{request.match_info['id']}"
        return web.json_response({"url": address, "name": file["name"], "size": len(file["content"])})

    async def _bytes(self, request: web.Request) -> web.Response:
        return web.Response(body=self.portal.files[request.match_info["id"]]["content"])

    async def _publish(self, request: web.Request) -> web.Response:
        given = await request.json()
        for known in self.portal.messages:
            if known["integrationIdempotencyId"] == given["integrationIdempotencyId"]:
                return web.json_response(known)
        thread = given["integrationThreadId"]
        same = [each for each in self.portal.messages if each["integrationThreadId"] == thread]
        conversation = same[0]["conversationsThreadId"] if same else self.portal.number()
        message = {**given, "id": self.portal.number(), "conversationsThreadId": conversation}
        self.portal.messages.append(message)
        return web.json_response(message)

    # --- people ------------------------------------------------------------------------------------------------------
    def customer_writes(self, name: str, subject: str, text: str, *, via: str = "EMAIL") -> str:
        """Have a customer open a ticket by mail, form or chat, as they do without Baton; return its id."""
        source = Source(source="CONVERSATIONS" if via == "CHAT" else via)
        address = f"{name.lower().replace(' ', '.')}@customer.example"
        first, _, last = name.partition(" ")
        try:
            contact = self.portal.find("contacts", address, "email")
        except HubSpotRefusal:
            given = {"email": address, "firstname": first, "lastname": last}
            contact = self.portal.create("contacts", given, source)
        given = {"subject": subject, "content": text, "hs_pipeline": "0", "hs_pipeline_stage": "1", "source_type": via}
        return self.portal.create("tickets", given, source, [("contacts", contact.id)]).id

    def agent_notes(self, ticket_id: str, text: str) -> str:
        """Have an agent write an internal note; return its id."""
        given = {"hs_note_body": f"<p>{text}</p>", "hs_timestamp": iso(self.now()), "hs_created_by": "8001"}
        return self.portal.create("notes", given, _AGENT, [("tickets", ticket_id)]).id

    def mail(self, ticket_id: str, text: str, *, direction: str = "INCOMING_EMAIL", sender: str = "") -> str:
        """Have an e-mail be logged on a ticket: the customer's, or with ``EMAIL`` an agent's; return its id."""
        incoming = direction == "INCOMING_EMAIL"
        given = {
            "hs_email_direction": direction,
            "hs_email_text": text,
            "hs_email_from_email": sender,
            "hs_timestamp": iso(self.now()),
            "hs_created_by": "" if incoming else "8001",
        }
        source = Source(source="EMAIL_INTEGRATION") if incoming else _AGENT
        return self.portal.create("emails", given, source, [("tickets", ticket_id)]).id

    def agent_sets(self, ticket_id: str, name: str, value: str) -> None:
        """Have an agent change a property (``hs_pipeline_stage``, ``hubspot_owner_id``, ``hs_ticket_priority``)."""
        self.portal.update(self.portal.find("tickets", ticket_id), {name: value}, _AGENT)

    def agent_deletes(self, ticket_id: str) -> None:
        """Have an agent delete a ticket."""
        self.portal.delete(self.portal.find("tickets", ticket_id), _AGENT)

    def agent_replies(self, integration_thread: str, text: str) -> str:
        """Have an agent answer in the inbox, in the conversation of a custom channel; return the message's id."""
        message_id = self.portal.number()
        conversation = next(
            each["conversationsThreadId"]
            for each in self.portal.messages
            if each["integrationThreadId"] == integration_thread
        )
        self.teller.answer(message_id, conversation, integration_thread, text)
        return message_id

    def admin_changes_scope(self, scope: str, *, granted: bool = False) -> None:
        """Have an admin take a scope from the app, or grant it."""
        (self.scopes.add if granted else self.scopes.discard)(scope)

    # --- questions ---------------------------------------------------------------------------------------------------
    def tickets_with_external_id(self, external_id: str) -> list[str]:
        """Return the tickets that carry an external id: more than one is a double."""
        found = self.portal.records["tickets"].values()
        return [each.id for each in found if each.properties.get(UNIQUE) == external_id]

    def notes_with_key(self, key: str) -> int:
        """Return how many notes carry one of our keys: more than one is a double."""
        reference = f"Baton reference {key}<"
        return sum(reference in each.properties["hs_note_body"] for each in self.portal.records["notes"].values())

    def contacts_with(self, address: str) -> list[str]:
        """Return the contacts of an address: more than one is a double."""
        return [each.id for each in self.portal.records["contacts"].values() if each.properties.get("email") == address]

    def ticket(self, ticket_id: str) -> Record:
        """Return a ticket."""
        return self.portal.find("tickets", ticket_id)

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people in the account can be made to do."""
        acts = (
            self.customer_writes,
            self.agent_notes,
            self.mail,
            self.agent_sets,
            self.agent_deletes,
            self.agent_replies,
            self.admin_changes_scope,
        )
        return {act.__name__: act for act in acts}

    def state(self) -> dict[str, Any]:
        """Return the whole state, for people."""
        kinds = {
            kind: [shown(each, each.properties) for each in of.values()] for kind, of in self.portal.records.items()
        }
        for note in kinds["notes"]:
            note["words"] = words_of(str(note["properties"].get("hs_note_body")))
        return {
            **kinds,
            "associations": sorted("/".join(link) for link in self.portal.links),
            "messages": self.portal.messages,
            "files": {key: f"{file['folder']}/{file['name']}" for key, file in self.portal.files.items()},
            "webhooks_waiting": len(self.webhooks.waiting),
        }


_CHANNEL_SCOPE: Final = "conversations.custom_channels.write"
_AGENT: Final = Source(source="CRM_UI", actor="userId:8001")


#: Scopes by the beginning of the path …
_BY_PATH: Final = {
    "/files": "files",
    "/crm/v3/owners": "crm.objects.owners.read",
    "/crm/owners": "crm.objects.owners.read",
    "/conversations": _CHANNEL_SCOPE,
}
#: … and by the kind of record, to read and to write.
_BY_KIND: Final = {
    "tickets": ("tickets", "tickets"),
    "contacts": ("crm.objects.contacts.read", "crm.objects.contacts.write"),
    "companies": ("crm.objects.companies.read", "crm.objects.companies.write"),
    "notes": ("crm.objects.contacts.read", "crm.objects.contacts.write"),
    "emails": ("sales-email-read", "crm.objects.contacts.write"),
}


def _scope_of(request: web.Request) -> str:
    """Return the scope that a request needs; empty for none."""
    for beginning, scope in _BY_PATH.items():
        if request.path.startswith(beginning):
            return scope
    writes = request.method != "GET" and not request.path.endswith(("/read", "/search"))
    return _BY_KIND.get(request.match_info.get("kind", ""), ("", ""))[writes]
