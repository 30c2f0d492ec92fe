"""What a Zendesk account holds, as far as the connector sees it: tickets, comments, audits, users, groups.

Where Zendesk documents a pain it is here: limits on updates, keys that expire, a search that lags, safe updates that conflict,
closed tickets that stay closed. How long an idempotency key lives is not documented; two hours are believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

KEY_LIFE: Final = 2 * 3600 * 1_000_000
SEARCH_LAG: Final = 120 * 1_000_000
UPDATES: Final = 30
UPDATE_WINDOW: Final = 600 * 1_000_000
ACCOUNT_UPDATES: Final = 100
ACCOUNT_WINDOW: Final = 60 * 1_000_000


class ZendeskRefusal(Exception):
    """An error answer."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Keep status, body and headers of the answer."""
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass(slots=True, kw_only=True)
class SandboxTicket:
    """One ticket."""

    id: int
    subject: str
    requester_id: int
    #: Who made it: the author of its first comment.
    submitter_id: int = 0
    created_at: int
    updated_at: int
    description: str = ""
    external_id: str | None = None
    status: str = "new"
    priority: str | None = None
    group_id: int | None = None
    assignee_id: int | None = None
    via: str = "api"
    #: The closed ticket that this one follows.
    follows: int | None = None
    #: The customer's judgement: score and comment.
    rating: tuple[str, str] | None = None
    tags: list[str] = field(default_factory=list[str])
    custom_fields: dict[int, str] = field(default_factory=dict[int, str])
    comments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    audits: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    updates: list[int] = field(default_factory=list[int])


class Account:
    """A Zendesk account."""

    def __init__(self, now: Callable[[], int], *, own_user: int) -> None:
        """Begin with the integration's user and three groups."""
        self.now = now
        self.own_user = own_user
        self.users: dict[int, dict[str, Any]] = {
            own_user: {"id": own_user, "name": "Baton", "email": "baton@example.com", "role": "admin"}
        }
        self.groups: dict[int, str] = {501: "Second line", 502: "Escalations", 503: "Billing"}
        self.tickets: dict[int, SandboxTicket] = {}
        #: How long the search does not know a new ticket, microseconds.
        self.search_lag = SEARCH_LAG
        self.account_updates: list[int] = []
        #: Bytes of files by their id, and uploads that no comment has named yet, by their token.
        self.files: dict[int, bytes] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        #: Address that files are shown under.
        self.address = ""
        self.organizations: dict[int, dict[str, Any]] = {}
        #: Which agents are in which groups: agent's and group's id.
        self.memberships: list[tuple[int, int]] = []
        #: Custom roles, as an account on the Enterprise plan has them; None on another plan.
        self.custom_roles: list[dict[str, Any]] | None = None
        #: Addresses that this account answers mail of.
        self.recipient_addresses: list[str] = ["support@sandbox.zendesk.com"]
        self._keys: dict[str, tuple[int, int, str]] = {}
        self._next_user = 9_000
        self._next_ticket = 1_000
        self._next_id = 70_000

    def begin_at(self, number: int) -> None:
        """Give ids above a number from now on."""
        self._next_user = self._next_ticket = self._next_id = number

    def number(self) -> int:
        """Return a fresh id for a comment or an audit."""
        self._next_id += 1
        return self._next_id

    # --- users -------------------------------------------------------------------------------------------------------
    def user(self, name: str, email: str | None, role: str = "end-user") -> int:
        """Return the user of an address; make it when there is none. Without an address it is a new one, as Zendesk does."""
        for known in self.users.values():
            if email is not None and known["email"] == email:
                return int(known["id"])
        self._next_user += 1
        self.users[self._next_user] = {"id": self._next_user, "name": name, "email": email, "role": role}
        return self._next_user

    def is_staff(self, user_id: int) -> bool:
        """Return whether a user is an agent."""
        return self.users.get(user_id, {}).get("role") in {"agent", "admin"}

    # --- tickets -----------------------------------------------------------------------------------------------------
    def add(
        self,
        subject: str,
        text: str,
        *,
        author: int,
        requester: int,
        public: bool,
        via: str,
        external_id: str | None = None,
    ) -> SandboxTicket:
        """Make a ticket with its first comment."""
        self._next_ticket += 1
        # Zendesk tells whole seconds, everywhere the same ones of one update.
        now = self.now() // 1_000_000 * 1_000_000
        ticket = SandboxTicket(
            id=self._next_ticket,
            subject=subject,
            requester_id=requester,
            submitter_id=author,
            description=text,
            created_at=now,
            updated_at=now,
            via=via,
            external_id=external_id,
        )
        self.tickets[ticket.id] = ticket
        self.comment(ticket, author, text, public=public)
        return ticket

    def comment(self, ticket: SandboxTicket, author: int, text: str, *, public: bool) -> dict[str, Any]:
        """Add a comment."""
        made = {
            "id": self.number(),
            "type": "Comment",
            "author_id": author,
            "body": text,
            "plain_body": text,
            "public": public,
            "created_at": iso(ticket.updated_at),
            "attachments": list[object](),
        }
        ticket.comments.append(made)
        return made

    def audit(
        self,
        ticket: SandboxTicket,
        author: int,
        *,
        before: dict[str, Any] | None,
        comment: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Write an audit row: what an update, or the creation (`before` is None), did to a ticket."""
        number = self.number()
        events: list[dict[str, Any]] = []
        if comment is not None:
            events.append({**comment, "type": "Comment", "audit_id": number})
        for name, value in facts(ticket).items():
            if before is None and value not in (None, []):
                events.append({"id": self.number(), "type": "Create", "field_name": name, "value": value})
            elif before is not None and before.get(name) != value:
                change = {"field_name": name, "value": value, "previous_value": before.get(name)}
                events.append({"id": self.number(), "type": "Change", **change})
        ticket.audits.append(
            {
                "id": number,
                "ticket_id": ticket.id,
                "author_id": author,
                "created_at": iso(ticket.updated_at),
                "metadata": {"system": {}, "custom": metadata or {}},
                "events": events,
                "via": {"channel": "api"},
            }
        )

    def touch(self, ticket: SandboxTicket) -> None:
        """Move the ticket's time stamp; it never stands still, as Zendesk's whole seconds would."""
        ticket.updated_at = max(self.now() // 1_000_000 * 1_000_000, ticket.updated_at + 1_000_000)

    def find(self, ticket_id: int) -> SandboxTicket:
        """Return a ticket. Raises ZendeskRefusal."""
        if ticket_id not in self.tickets:
            raise ZendeskRefusal(404, {"error": "RecordNotFound", "description": "Not found"})
        return self.tickets[ticket_id]

    # --- what the API does -------------------------------------------------------------------------------------------
    def create(self, given: dict[str, Any], key: str | None, fingerprint: str) -> tuple[SandboxTicket, str]:
        """Create a ticket by the API; with a key that is known, return the one it made: ``hit`` instead of ``miss``."""
        if key is not None:
            known = self._keys.get(key)
            if known is not None and self.now() - known[1] < KEY_LIFE:
                if known[2] != fingerprint:
                    raise ZendeskRefusal(400, {"error": "IdempotencyKeyMismatch", "description": "other parameters"})
                return self.tickets[known[0]], "hit"
        self._check_group(given)
        self._check_assignee(given)
        comment = given.get("comment") or {}
        requester = given.get("requester") or {}
        requester_id = int(given.get("requester_id") or 0) or self.own_user
        if requester.get("email"):
            requester_id = self.user(str(requester.get("name", "")), str(requester["email"]))
        elif requester.get("name"):
            requester_id = self.user(str(requester["name"]), None)
        ticket = self.add(
            str(given.get("subject", "")),
            str(comment.get("body", "")),
            author=self.own_user,
            requester=requester_id,
            public=bool(comment.get("public", True)),
            via="api",
            external_id=given.get("external_id"),
        )
        source = given.get("via_followup_source_id")
        if source is not None:
            if self.find(int(source)).status != "closed":
                details = {"base": [{"description": "Follow-up source must be closed"}]}
                raise ZendeskRefusal(422, {"error": "RecordInvalid", "details": details})
            ticket.follows = int(source)
        self._attach(ticket.comments[-1], comment)
        self._set(ticket, given)
        ticket.tags = sorted(set(given.get("tags") or []))
        metadata = dict(given.get("metadata") or {})
        self.audit(ticket, self.own_user, before=None, comment=ticket.comments[-1], metadata=metadata)
        if key is not None:
            self._keys[key] = (ticket.id, self.now(), fingerprint)
        return ticket, "miss"

    def update(self, ticket_id: int, given: dict[str, Any]) -> SandboxTicket:
        """Update a ticket by the API. Raises ZendeskRefusal."""
        ticket = self.find(ticket_id)
        self._limit(ticket)
        if ticket.status == "closed":
            details = {"status": [{"description": "Status: closed prevents ticket update"}]}
            raise ZendeskRefusal(422, {"error": "RecordInvalid", "description": "Record invalid", "details": details})
        if given.get("safe_update") and str(given.get("updated_stamp")) != iso(ticket.updated_at):
            raise ZendeskRefusal(409, {"error": "UpdateConflict", "description": "Safe update prevented the update"})
        self._check_group(given)
        self._check_assignee(given)
        comment, made, before = given.get("comment"), None, facts(ticket)
        self.touch(ticket)
        if comment:
            made = self.comment(
                ticket, self.own_user, str(comment.get("body", "")), public=bool(comment.get("public", True))
            )
            self._attach(made, comment)
        self._set(ticket, given)
        ticket.tags = sorted({*ticket.tags, *(given.get("additional_tags") or [])})
        metadata = dict(given.get("metadata") or {})
        self.audit(ticket, self.own_user, before=before, comment=made, metadata=metadata)
        return ticket

    def upload(self, name: str, media_type: str, body: bytes) -> str:
        """Keep an upload until a comment names its token."""
        number = self.number()
        self.files[number] = body
        token = f"up-{number}"
        self.uploads[token] = self._shown_file(number, name, media_type)
        return token

    def _shown_file(self, number: int, name: str, media_type: str) -> dict[str, Any]:
        return {
            "id": number,
            "file_name": name,
            "content_type": media_type,
            "content_url": f"{self.address}/attachments/{number}",
            "size": len(self.files[number]),
        }

    def attach(self, comment: dict[str, Any], name: str, body: bytes) -> dict[str, Any]:
        """Put a file on a comment, and return it as the API shows it."""
        number = self.number()
        self.files[number] = body
        made = self._shown_file(number, name, "application/pdf")
        comment["attachments"].append(made)
        return made

    def _attach(self, made: dict[str, Any], given: dict[str, Any]) -> None:
        for token in given.get("uploads") or []:
            made["attachments"].append(self.uploads.pop(str(token)))

    def _set(self, ticket: SandboxTicket, given: dict[str, Any]) -> None:
        ticket.priority = given.get("priority", ticket.priority)
        ticket.status = given.get("status", ticket.status)
        group = given.get("group_id", ticket.group_id)
        ticket.group_id = int(group) if group is not None else None
        if "assignee_id" in given:
            ticket.assignee_id = int(given["assignee_id"]) if given["assignee_id"] is not None else None
        elif "assignee_email" in given:
            ticket.assignee_id = self._agent(str(given["assignee_email"]))
        for each in given.get("custom_fields") or []:
            ticket.custom_fields[int(each["id"])] = str(each["value"])

    def _check_group(self, given: dict[str, Any]) -> None:
        group = given.get("group_id")
        if group is not None and int(group) not in self.groups:
            details = {"group": [{"description": "Group is not valid"}]}
            raise ZendeskRefusal(422, {"error": "RecordInvalid", "description": "Record invalid", "details": details})

    def _agent(self, address: str) -> int | None:
        found = [user for user in self.users.values() if user["email"] == address and user["role"] != "end-user"]
        return int(found[0]["id"]) if found else None

    def _check_assignee(self, given: dict[str, Any]) -> None:
        """Refuse an assignee who is no agent."""
        number, address = given.get("assignee_id"), given.get("assignee_email")
        known = self.users.get(int(number)) if number is not None else None
        staff = known is not None and known["role"] != "end-user"
        if (number is not None and not staff) or (address is not None and self._agent(str(address)) is None):
            details = {"assignee": [{"description": "Assignee is not valid"}]}
            raise ZendeskRefusal(422, {"error": "RecordInvalid", "description": "Record invalid", "details": details})

    def _limit(self, ticket: SandboxTicket) -> None:
        now = self.now()
        self.account_updates = [at for at in self.account_updates if now - at < ACCOUNT_WINDOW]
        ticket.updates = [at for at in ticket.updates if now - at < UPDATE_WINDOW]
        full = len(ticket.updates) >= UPDATES or len(self.account_updates) >= ACCOUNT_UPDATES
        if full:
            window = ticket.updates if len(ticket.updates) >= UPDATES else self.account_updates
            length = UPDATE_WINDOW if window is ticket.updates else ACCOUNT_WINDOW
            seconds = max(1, (window[0] + length - now) // 1_000_000)
            raise ZendeskRefusal(429, {"error": "TooManyRequests"}, {"Retry-After": str(seconds)})
        ticket.updates.append(now)
        self.account_updates.append(now)

    def searchable(self) -> list[SandboxTicket]:
        """Return the tickets that the search knows already."""
        return [ticket for ticket in self.tickets.values() if self.now() - ticket.created_at >= self.search_lag]


def facts(ticket: SandboxTicket) -> dict[str, Any]:
    """Return what audits tell changes of, by the names that they use."""
    fields = {str(number): value for number, value in sorted(ticket.custom_fields.items())}
    names = ("subject", "status", "priority", "group_id", "assignee_id", "requester_id")
    return {**{name: getattr(ticket, name) for name in names}, "tags": list(ticket.tags), **fields}


def iso(at: int) -> str:
    """Return an instant as Zendesk writes it."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(ticket: SandboxTicket) -> dict[str, Any]:
    """Return a ticket as the API shows it."""
    source = {"from": {"ticket_id": ticket.follows}, "rel": "follow_up"} if ticket.follows is not None else {}
    rating = ticket.rating or ("unoffered", "")
    return {
        "id": ticket.id,
        "external_id": ticket.external_id,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status,
        "priority": ticket.priority,
        "group_id": ticket.group_id,
        "assignee_id": ticket.assignee_id,
        "requester_id": ticket.requester_id,
        "tags": ticket.tags,
        "via": {"channel": ticket.via, "source": source},
        "submitter_id": ticket.submitter_id,
        "satisfaction_rating": {"score": rating[0], "comment": rating[1]},
        "custom_fields": [{"id": number, "value": value} for number, value in sorted(ticket.custom_fields.items())],
        "created_at": iso(ticket.created_at),
        "updated_at": iso(ticket.updated_at),
    }
