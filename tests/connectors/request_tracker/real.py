"""A proxy before a running RT: the sandbox's routes and faults, with the real RT behind; questions go to its database."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
import uuid
from typing import Any, Final

import aiohttp
from aiohttp import web

from connectors.request_tracker.sandbox import ROUTES
from gateway.testing.sandbox import Handler, Sandbox
from tests.running_rt import RunningRT

_CARRIED: Final = ("Authorization", "Accept", "Content-Type", "If-Match")
_ANSWERED: Final = ("Content-Type", "ETag", "Location")


class RealDesk(Sandbox):
    """One running RT, behind a proxy that can lose answers."""

    title = "Request Tracker, the real one"

    def __init__(self, rt: RunningRT) -> None:
        """Take the RT."""
        super().__init__()
        self.rt = rt
        #: RT keeps what earlier tests wrote: what one test writes carries a mark of its own.
        self.salt = uuid.uuid4().hex[:12]
        self._session: aiohttp.ClientSession | None = None

    async def stop(self) -> None:
        """Stop the proxy; RT goes on."""
        await super().stop()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def settings(self) -> dict[str, str]:
        return {"url": self.url, "user": "baton", "tags_field": "baton_tags"}

    def secrets(self) -> dict[str, str]:
        return {"token": self.rt.token, "webhook_secret": self.rt.secret}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [(name, method, path, self._forward) for name, method, path in ROUTES]

    def state(self) -> dict[str, Any]:
        return {"tickets": [row[0] for row in self.rt.rows("SELECT id FROM Tickets")]}

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        body = await request.read()
        headers = {name: request.headers[name] for name in _CARRIED if name in request.headers}
        url = f"{self.rt.url}{request.raw_path}"
        # Whoever asked may hang up; what reached RT runs to its end all the same, as it would without a proxy.
        async with self._session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            kept = {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    # --- people --------------------------------------------------------------------------------------------------------
    def customer_writes(self, name: str, subject: str, text: str) -> int:
        """Have a customer write a mail to RT."""
        marked = f"{subject} {uuid.uuid4().hex[:8]}"
        address = f"{name.lower().replace(' ', '.')}@customer.example"
        self.rt.mail(
            f"From: {name} <{address}>\nTo: help@rt.test\nSubject: {marked}\nMessage-ID: <{uuid.uuid4()}@customer.example>\n\n"
            f"{text}\n".encode()
        )
        ((number,),) = self.rt.rows("SELECT id FROM Tickets WHERE Subject = ?", (marked,))
        return int(number)

    def quick_ticket(self, name: str, subject: str, text: str) -> int:
        """Have Anna open a ticket for a customer: much faster than a mail, where only the ticket matters."""
        given = {
            "Queue": "General",
            "Subject": subject,
            "Content": text,
            "Requestor": [f"{name.lower()}@customer.example"],
        }
        return int(self.anna("POST", "ticket", given)["id"])

    def customer_adds(self, ticket_id: int, text: str) -> None:
        """Have the ticket's customer answer by mail."""
        (customer,) = self.ticket_now(ticket_id)["requestors"]
        self.rt.mail(
            f"From: {customer}\nTo: help@rt.test\nSubject: Re: [rt.test #{ticket_id}] again\n"
            f"Message-ID: <{uuid.uuid4()}@customer.example>\n\n{text}\n".encode()
        )

    def agent_comments(self, ticket_id: int, text: str, *, public: bool = True) -> None:
        """Have Anna answer, or comment, in HTML as RT's own editor does."""
        given = {"Content": f"<p>{text}</p>", "ContentType": "text/html"}
        self.anna("POST", f"ticket/{ticket_id}/{'correspond' if public else 'comment'}", given)

    def agent_sets_status(self, ticket_id: int, status: str) -> None:
        """Have Anna change a ticket's status."""
        self.anna("PUT", f"ticket/{ticket_id}", {"Status": status})

    def agent_takes(self, ticket_id: int) -> None:
        """Have Anna become a ticket's owner."""
        self.anna("PUT", f"ticket/{ticket_id}", {"Owner": "anna"})

    def anna(self, method: str, path: str, given: dict[str, Any]) -> Any:
        """Call RT as Anna."""
        login = base64.b64encode(b"anna:password").decode()
        request = urllib.request.Request(
            f"{self.rt.url}/REST/2.0/{path}",
            data=json.dumps(given).encode(),
            method=method,
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    # --- questions, to RT's own database ---------------------------------------------------------------------------------
    def tickets_with_external_id(self, external_id: str) -> list[int]:
        return self.rt.tickets_with(external_id) or [
            int(row[0])
            for row in self.rt.rows(
                "SELECT LocalBase FROM Links WHERE Type = 'RefersTo' AND Target = ?", (external_id,)
            )
        ]

    def messages_with_key(self, key: str) -> list[tuple[int, str]]:
        return self.rt.messages_with(key)

    def ticket_now(self, ticket_id: int) -> dict[str, Any]:
        ((subject, status, queue, owner, priority),) = self.rt.rows(
            "SELECT t.Subject, t.Status, q.Name, u.Name, t.Priority FROM Tickets t JOIN Queues q ON q.id = t.Queue"
            " JOIN Users u ON u.id = t.Owner WHERE t.id = ?",
            (ticket_id,),
        )
        tags = self.rt.rows(
            "SELECT v.Content FROM ObjectCustomFieldValues v JOIN CustomFields f ON f.id = v.CustomField"
            " WHERE f.Name = 'baton_tags' AND v.ObjectType = 'RT::Ticket' AND v.ObjectId = ? AND v.Disabled = 0",
            (ticket_id,),
        )
        requestors = self.rt.rows(
            "SELECT u.Name FROM Groups g JOIN GroupMembers m ON m.GroupId = g.id JOIN Users u ON u.id = m.MemberId"
            " WHERE g.Domain = 'RT::Ticket-Role' AND g.Name = 'Requestor' AND g.Instance = ?",
            (ticket_id,),
        )
        messages = self.rt.rows(
            "SELECT DISTINCT t.id, t.Type FROM Transactions t JOIN Attachments a ON a.TransactionId = t.id"
            " WHERE t.ObjectType = 'RT::Ticket' AND t.ObjectId = ? AND t.Type IN ('Create', 'Correspond', 'Comment')"
            " AND length(coalesce(a.Content, '')) > 0 ORDER BY t.id",
            (ticket_id,),
        )
        return {
            "subject": subject,
            "status": status,
            "queue": queue,
            "owner": owner,
            "priority": priority,
            "tags": sorted(row[0] for row in tags),
            "requestors": [row[0] for row in requestors],
            "messages": [row[1] for row in messages],
        }


def wait_until(what: Any, seconds: float = 30.0) -> Any:
    """Return what a question answers as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found
