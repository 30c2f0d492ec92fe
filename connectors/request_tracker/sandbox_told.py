"""What the documented scrip tells of a ticket, in the stand-in's words, and how it signs."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from connectors.request_tracker.sandbox_state import QUEUES, Desk, SandboxTicket, SandboxTransaction, iso


def told_of(desk: Desk, ticket: SandboxTicket, transactions: Iterable[SandboxTransaction]) -> bytes:
    """Return the body of a webhook; empty when nothing of this is told."""
    told = [told_transaction(desk, each) for each in transactions if each.type != "SetWatcher"]
    if not told:
        return b""
    payload = {
        "version": 1,
        "ticket_id": ticket.id,
        "ticket": {
            "subject": ticket.subject,
            "status": ticket.status,
            "queue": QUEUES[ticket.queue],
            "owner": ticket.owner,
            "priority": str(ticket.priority),
            "external_id": next(iter([*ticket.custom.get("baton_external_id", []), *ticket.links]), ""),
            "tags": ticket.custom.get("baton_tags", []),
            "requestors": [_person(desk, name) for name in ticket.requestors],
        },
        "transactions": told,
    }
    return json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()


def told_transaction(desk: Desk, transaction: SandboxTransaction) -> dict[str, Any]:
    """Return one transaction."""
    told: dict[str, Any] = {
        "id": transaction.id,
        "type": transaction.type,
        "field": transaction.field,
        "old": transaction.old,
        "new": transaction.new,
        # The scrip hands on what stands in the database: UTC, without saying so.
        "created": iso(transaction.created).replace("T", " ").rstrip("Z"),
        "creator": _person(desk, transaction.creator),
    }
    parts = desk.parts([transaction.id])
    if transaction.type in {"Create", "Correspond", "Comment"}:
        told["files"] = [
            {"id": part.id, "name": part.filename, "type": part.content_type, "size": len(part.content)}
            for part in parts
            if part.filename
        ]
    for part in parts:
        if not part.filename:
            told |= {"content": part.content.decode(), "content_type": part.content_type}
            told["via"] = part.headers.partition("X-RT-Interface: ")[2].partition("\n")[0]
    return told


def _person(desk: Desk, name: str) -> dict[str, Any]:
    user = desk.user(name)
    shown = {"name": user.name, "real_name": user.real_name, "email": user.email}
    return {**shown, "privileged": int(user.privileged)}


def signed(body: bytes, at: int, secret: str) -> dict[str, str]:
    """Return the headers with which the documented scrip signs a body at an instant, UTC microseconds."""
    stamp = str(at // 1_000_000)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Baton-Timestamp": stamp, "X-Baton-Signature": f"v1={digest}"}
