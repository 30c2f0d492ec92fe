"""The people of a Zendesk account, what they can be made to do, and the signed webhooks that tell of it.

Source of the webhooks' shapes: developer.zendesk.com/api-reference/webhooks/event-types/ticket-events. Each change of one update
comes as an event of its own; all carry the ticket as the update left it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.zendesk.sandbox_state import Account, SandboxTicket, facts, iso
from gateway.testing.sandbox import Sandbox
from gateway.testing.webhooks import Webhook, WebhookSender

#: Fields of audits → events that tell of their change. A custom field has the name `custom_field_changed`.
_TOLD: Final = {
    "status": "status_changed",
    "priority": "priority_changed",
    "group_id": "group_assignment_changed",
    "assignee_id": "agent_assignment_changed",
    "subject": "subject_changed",
    "requester_id": "requester_changed",
    "tags": "tags_changed",
}
#: States in which a ticket waits for its customer, or for nobody: their comment opens it again.
_WAITING: Final = frozenset({"pending", "solved"})


class People(Sandbox):
    """Customers and agents of one account."""

    def __init__(self, now: Callable[[], int], account: Account, secret: str) -> None:
        """Take the clock, the account and the webhook's secret."""
        super().__init__(now=now)
        self.account = self.ids = account
        self.webhooks = WebhookSender(self._sign)
        self._secret = secret

    # --- customers ---------------------------------------------------------------------------------------------------
    def customer_writes(self, name: str, subject: str, text: str, *, via: str = "email") -> int:
        """Have a customer open a ticket by mail, form or chat, as they do without Baton; return its id."""
        customer = self.account.user(name, f"{name.lower().replace(' ', '.')}@customer.example")
        ticket = self.account.add(subject, text, author=customer, requester=customer, public=True, via=via)
        self.account.audit(ticket, customer, before=None, comment=ticket.comments[-1])
        self.tell_created(ticket, actor=customer)
        return ticket.id

    def customer_adds(self, ticket_id: int, text: str) -> None:
        """Have the ticket's customer write again: a ticket that waited for them, or was solved, is open then."""
        self._customer_comments(self.account.find(ticket_id), text)

    def customer_attaches(self, ticket_id: int, name: str, body: str) -> None:
        """Have the ticket's customer send a file; Zendesk tells of it apart from the comment."""
        ticket = self.account.find(ticket_id)
        made = self._customer_comments(ticket, "See the file.")
        file = self.account.attach(made, name, body.encode())
        told = {"id": str(file["id"]), "filename": name, "content_type": file["content_type"]}
        told |= {"content_url": file["content_url"], "is_public": True}
        event = {"comment": {"attachment": told, "id": str(made["id"])}}
        self.tell(ticket, "attachment_linked_to_comment", ticket.requester_id, event)

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

    def _customer_comments(self, ticket: SandboxTicket, text: str) -> dict[str, Any]:
        before = facts(ticket)
        self.account.touch(ticket)
        made = self.account.comment(ticket, ticket.requester_id, text, public=True)
        if ticket.status in _WAITING:
            ticket.status = "open"
        self._done(ticket, ticket.requester_id, before, made)
        return made

    # --- agents ------------------------------------------------------------------------------------------------------
    def agent_opens(
        self, customer: str, subject: str, text: str, *, name: str = "Anna Agent", public: bool = True
    ) -> int:
        """Have an agent open a ticket for a customer, with a public first comment or an internal one; return its id."""
        agent = self._agent(name)
        requester = self.account.user(customer, f"{customer.lower().replace(' ', '.')}@customer.example")
        ticket = self.account.add(subject, text, author=agent, requester=requester, public=public, via="web")
        self.account.audit(ticket, agent, before=None, comment=ticket.comments[-1])
        self.tell_created(ticket, actor=agent)
        return ticket.id

    def agent_comments(self, ticket_id: int, text: str, *, name: str = "Anna Agent", public: bool = True) -> None:
        """Have an agent answer, or write an internal note."""
        ticket, agent = self.account.find(ticket_id), self._agent(name)
        before = facts(ticket)
        self.account.touch(ticket)
        self._done(ticket, agent, before, self.account.comment(ticket, agent, text, public=public))

    def agent_sets_status(self, ticket_id: int, status: str, *, name: str = "Anna Agent") -> None:
        """Have an agent change a ticket's state."""
        self._agent_sets(ticket_id, name, status=status)

    def agent_sets_priority(self, ticket_id: int, priority: str, *, name: str = "Anna Agent") -> None:
        """Have an agent change a ticket's priority: low, normal, high or urgent."""
        self._agent_sets(ticket_id, name, priority=priority)

    def agent_moves(self, ticket_id: int, group: str, *, name: str = "Anna Agent") -> None:
        """Have an agent give a ticket to another group."""
        number = next(number for number, each in self.account.groups.items() if each == group)
        self._agent_sets(ticket_id, name, group_id=number)

    def agent_takes(self, ticket_id: int, *, name: str = "Anna Agent") -> None:
        """Have an agent become a ticket's assignee."""
        self._agent_sets(ticket_id, name, assignee_id=self._agent(name))

    def agent_renames(self, ticket_id: int, subject: str, *, name: str = "Anna Agent") -> None:
        """Have an agent change a ticket's subject."""
        self._agent_sets(ticket_id, name, subject=subject)

    def agent_tags(self, ticket_id: int, tag: str, *, name: str = "Anna Agent") -> None:
        """Have an agent add a tag."""
        tags = sorted({*self.account.find(ticket_id).tags, tag})
        self._agent_sets(ticket_id, name, tags=tags)

    def agent_sets_field(self, ticket_id: int, field: int, value: str, *, name: str = "Anna Agent") -> None:
        """Have an agent change a custom field, by its number."""
        fields = {**self.account.find(ticket_id).custom_fields, field: value}
        self._agent_sets(ticket_id, name, custom_fields=fields)

    def agent_merges(self, ticket_id: int, target_id: int, *, name: str = "Anna Agent") -> None:
        """Have an agent merge a ticket into another one, by which it is closed."""
        ticket = self.account.find(ticket_id)
        self._agent_sets(ticket_id, name, status="closed")
        self.tell(ticket, "merged", self._agent(name), {"target_ticket_id": str(target_id)})

    def agent_deletes(self, ticket_id: int, *, name: str = "Anna Agent") -> None:
        """Have an agent delete a ticket."""
        ticket = self.account.find(ticket_id)
        self.account.touch(ticket)
        ticket.status = "deleted"
        self.tell(ticket, "soft_deleted", self._agent(name), {})

    def admin_changes_role(self, role: str = "agent") -> None:
        """Have an admin make Baton's user an agent or an admin: agents are given no incremental export."""
        if role not in {"agent", "admin"}:
            raise ValueError("a role is agent or admin")
        self.account.users[self.account.own_user]["role"] = role

    def _agent(self, name: str) -> int:
        return self.account.user(name, f"{name.lower().replace(' ', '.')}@example.com", "agent")

    def _agent_sets(self, ticket_id: int, name: str, **values: Any) -> None:
        ticket, agent = self.account.find(ticket_id), self._agent(name)
        before = facts(ticket)
        self.account.touch(ticket)
        for field, value in values.items():
            setattr(ticket, field, value)
        self._done(ticket, agent, before)

    def _done(
        self, ticket: SandboxTicket, actor: int, before: dict[str, Any], comment: dict[str, Any] | None = None
    ) -> None:
        self.account.audit(ticket, actor, before=before, comment=comment)
        self.tell_audit(ticket)

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people in the account can be made to do."""
        customers = (self.customer_writes, self.customer_adds, self.customer_attaches, self.customer_judges)
        agents = (
            self.agent_opens,
            self.agent_comments,
            self.agent_sets_status,
            self.agent_tags,
            self.agent_sets_priority,
        )
        further = (self.agent_moves, self.agent_takes, self.agent_renames, self.agent_sets_field)
        ends = (self.agent_merges, self.agent_deletes, self.admin_changes_role)
        return {act.__name__: act for act in (*customers, *agents, *further, *ends)}

    # --- webhooks ----------------------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        stamp = iso(self.now())
        digest = hmac.new(self._secret.encode(), stamp.encode() + webhook.body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }

    def tell_created(self, ticket: SandboxTicket, *, actor: int) -> None:
        """Tell that a ticket was made."""
        self.tell(ticket, "created", actor, {})

    def tell_audit(self, ticket: SandboxTicket) -> None:
        """Tell what the newest audit of a ticket holds, each thing by an event of its own."""
        audit = ticket.audits[-1]
        for event in audit["events"]:
            if event["type"] == "Comment":
                self.tell(ticket, "comment_added", audit["author_id"], {"comment": self._comment(event)})
                continue
            name = str(event["field_name"])
            told = _changed(name, event["value"], event.get("previous_value"))
            self.tell(ticket, _TOLD.get(name, "custom_field_changed"), audit["author_id"], told)

    def _comment(self, comment: Mapping[str, Any]) -> dict[str, Any]:
        author = int(comment["author_id"])
        return {
            "id": str(comment["id"]),
            "body": comment["body"],
            "is_public": comment["public"],
            "author": {
                "id": str(author),
                "is_staff": self.account.is_staff(author),
                "name": self.account.users[author]["name"],
            },
        }

    def tell(self, ticket: SandboxTicket, kind: str, actor: int, event: dict[str, Any]) -> None:
        """Send an event webhook."""
        detail = {
            "id": str(ticket.id),
            "actor_id": str(actor),
            "assignee_id": str(ticket.assignee_id) if ticket.assignee_id else None,
            "brand_id": "301",
            "created_at": iso(ticket.created_at),
            "description": ticket.description,
            "external_id": ticket.external_id,
            "form_id": "401",
            "group_id": str(ticket.group_id) if ticket.group_id else None,
            "is_public": ticket.comments[0]["public"],
            "organization_id": None,
            "priority": ticket.priority.upper() if ticket.priority else None,
            "requester_id": str(ticket.requester_id),
            "status": ticket.status.upper(),
            "subject": ticket.subject,
            "submitter_id": str(ticket.submitter_id),
            "tags": ticket.tags or None,
            "type": None,
            "updated_at": iso(ticket.updated_at),
            "via": {"channel": ticket.via},
        }
        payload = {
            "account_id": 777,
            "detail": detail,
            "event": {
                **event,
                "meta": {"sequence": {"id": f"{ticket.id}-{len(ticket.audits)}", "position": 1, "total": 1}},
            },
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ticket.id}/{kind}/{self.account.number()}")),
            "subject": f"zen:ticket:{ticket.id}",
            "time": iso(self.now()),
            "type": f"zen:event-type:ticket.{kind}",
            "zendesk_event_version": "2022-11-06",
        }
        body = json.dumps(payload, separators=(",", ":")).encode()
        self.webhooks.put(Webhook(endpoint="", body=body, headers={"Content-Type": "application/json"}))


def _changed(name: str, value: Any, before: Any) -> dict[str, Any]:
    """Return what an event says of a change: ids as text, states and priorities in capitals."""
    if name == "tags":
        was, now = set(before or ()), set(value or ())
        return {"added": {"tags": sorted(now - was)}, "removed": {"tags": sorted(was - now)}}
    current, previous = (None if each is None else str(each) for each in (value, before))
    if name in {"status", "priority"}:
        current, previous = (each.upper() if each else None for each in (current, previous))
    told: dict[str, Any] = {"current": current, "previous": previous}
    if name.isdigit():
        told["custom_field"] = {"id": name, "title": f"Field {name}", "type": "text"}
    return told
