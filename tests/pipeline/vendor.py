"""A vendor that does what it is told and counts every write, and the connector that speaks to it.

The vendor keeps nothing from landing twice: whoever sends something again finds it there twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any

from gateway.model import Party, Role, TicketChange, TicketStatus
from gateway.sdk import (
    ButtonPressed,
    ChannelEvent,
    ChatMessage,
    ConnectionSettings,
    Connector,
    Contact,
    CredentialsRefused,
    Delivery,
    DeliveryRejected,
    Directory,
    Evidence,
    ForeignId,
    Handoff,
    HandoffTarget,
    Notice,
    Notifier,
    OutcomeUnknown,
    PermanentFailure,
    Profile,
    ProfileSource,
    Receipt,
    Replier,
    Reply,
    Roster,
    TemporaryFailure,
    TicketChanged,
    UnreadableDelivery,
    WebhookSource,
)


class Vendor:
    """The outside: what was written, and what is to go wrong next."""

    def __init__(self) -> None:
        #: How often each effect stands here, by its key.
        self.written: Counter[str] = Counter()
        #: Cases' tickets, by external id.
        self.tickets: dict[str, str] = {}
        #: What goes wrong next, by ``write`` and ``settle``; when it is empty, nothing does.
        self.plans: defaultdict[str, deque[str]] = defaultdict(deque[str])
        #: What always goes wrong, by the same names, when no plan is left.
        self.always: dict[str, str] = {}
        #: Every call: what it was, its key, and what came of it.
        self.calls: list[tuple[str, str, str]] = []
        #: Set, calls go on; cleared, they wait.
        self.open = asyncio.Event()
        self.open.set()
        #: Set, calls that hang before they wrote end; else it is their time-out that ends them.
        self.broken_off = asyncio.Event()
        self.at_work = 0
        #: Handoffs as they were handed over, each attempt.
        self.handoffs: list[Handoff] = []
        #: Notices as they were handed over, each attempt.
        self.notices: list[Notice] = []
        #: Replies as they were handed over, each attempt.
        self.replies: list[Reply] = []
        #: Who works here, and when that was read; None when nobody can be asked.
        self.roster: Roster | None = None
        #: What is known of customers, by any identifier of theirs.
        self.customers: dict[str, dict[str, object]] = {}
        #: By what customers were asked for, each attempt.
        self.asked: list[tuple[tuple[str, str], ...]] = []

    def plan(self, call: str, *outcomes: str) -> None:
        self.plans[call].extend(outcomes)

    def count(self, call: str) -> int:
        return sum(1 for what, _, _ in self.calls if what == call)

    async def write(self, keys: Iterable[str], case: str) -> str:
        """Let a write land, or go wrong; return its ticket, empty for what belongs onto none."""
        keys = list(keys)
        outcome = self._next("write", keys[0])
        self.at_work += 1
        try:
            await self.open.wait()
            return await self._write(outcome, keys, case)
        finally:
            self.at_work -= 1

    async def _write(self, outcome: str, keys: list[str], case: str) -> str:
        if outcome == "refuse":
            raise PermanentFailure("The vendor does not take it.")
        if outcome == "away":
            raise TemporaryFailure("The vendor is away.")
        if outcome == "limit":
            raise TemporaryFailure("Too many calls.", retry_after=600)
        if outcome == "login":
            raise CredentialsRefused("The vendor does not accept the token.")
        if outcome == "lost before":
            raise OutcomeUnknown("The connection broke.")
        if outcome == "hang before":
            await self.broken_off.wait()
            raise OutcomeUnknown("The connection broke.")
        self.written.update(keys)
        ticket = self.tickets.setdefault(case, f"T{len(self.tickets) + 1}") if case else ""
        if outcome == "lost after":
            raise OutcomeUnknown("The connection broke.")
        if outcome == "hang after":
            await asyncio.Event().wait()
        if outcome == "bug after":
            raise ZeroDivisionError
        return ticket

    async def settle(self, key: str) -> bool:
        """Say whether a write stands, or fail to."""
        outcome = self._next("settle", key)
        if outcome == "unknown":
            raise OutcomeUnknown("The vendor cannot say.")
        if outcome == "away":
            raise TemporaryFailure("The vendor is away.")
        if outcome == "refuse":
            raise PermanentFailure("The vendor does not take the question.")
        if outcome == "login":
            raise CredentialsRefused("The vendor does not accept the token.")
        if outcome == "hang":
            await asyncio.Event().wait()
        if outcome == "bug":
            raise ZeroDivisionError
        return bool(self.written[key])

    async def profile(self, contact: Contact, now: int) -> Profile:
        """Say what is known of somebody by the identifiers that are given, or fail to."""
        outcome = self._next("profile", contact.id)
        self.asked.append(tuple((party.kind, party.value) for party in contact.parties))
        self.at_work += 1
        try:
            await self.open.wait()
        finally:
            self.at_work -= 1
        if outcome == "refuse":
            raise PermanentFailure("The vendor does not show customers.")
        if outcome == "away":
            raise TemporaryFailure("The vendor is away.")
        if outcome == "login":
            raise CredentialsRefused("The vendor does not accept the token.")
        if outcome == "hang":
            await asyncio.Event().wait()
        if outcome == "bug":
            raise ZeroDivisionError
        names = {name for party in contact.parties for name in (party.value, party.email)}
        found = next((values for name, values in self.customers.items() if name in names), {})
        return Profile(values=found, read_at=now)

    def _next(self, call: str, key: str) -> str:
        plan = self.plans[call]
        outcome = plan.popleft() if plan else self.always.get(call, "ok")
        self.calls.append((call, key, outcome))
        return outcome


def _sender(said: dict[str, Any]) -> Party:
    """Return who speaks: anna of this vendor, unless it is said."""
    evidence = Evidence(said.get("evidence", "attested"))
    kind, value, role = (
        said.get("kind", "person"),
        said.get("value", said.get("who", "anna")),
        said.get("role", "customer"),
    )
    return Party(
        kind=kind,
        value=value,
        role=Role(role),
        evidence=evidence,
        name=said.get("name", ""),
        email=said.get("email", ""),
    )


class Settings(ConnectionSettings):
    """A connection to the vendor of these tests."""


class Peer(Connector[Settings], WebhookSource, HandoffTarget, Replier, Notifier, Directory, ProfileSource):
    """Everything at once: messages come in, handoffs, replies and notices go out."""

    vendor: Vendor

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def verify(self, delivery: Delivery) -> None:
        raise DeliveryRejected("Nobody knocks at this door.")

    def lane(self, delivery: Delivery) -> str:
        return "-"

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        if delivery.body == b"bug":
            raise ZeroDivisionError(delivery.body)
        try:
            said: dict[str, Any] = json.loads(delivery.body)
        except ValueError:
            raise UnreadableDelivery("It is not JSON.") from None
        if "action" in said:
            yield ButtonPressed(
                thread=said["thread"],
                dedupe=said["id"],
                occurred_at=delivery.received_at,
                sender=Party(kind="person", value="bert", role=Role.AGENT),
                reference=said["reference"],
                action=said["action"],
            )
            return
        if "ticket" in said:
            yield TicketChanged(
                thread=said["thread"],
                dedupe=said["id"],
                occurred_at=delivery.received_at,
                sender=Party(kind="person", value="bert", role=Role.AGENT),
                ticket_id=said["ticket"],
                change=TicketChange.STATUS,
                status=TicketStatus(said["status"]),
            )
            return
        for number in range(said.get("times", 1)):
            yield ChatMessage(
                thread=said["thread"],
                dedupe=f"{said['id']}/{number}" if number else said["id"],
                occurred_at=delivery.received_at,
                sender=_sender(said.get("sender", {}) | {key: said[key] for key in ("who", "role") if key in said}),
                message_id=said["id"],
                text=said["text"],
                extras={key: said[key] for key in ("claimed_email",) if key in said},
            )

    async def roster(self) -> Roster:
        if self.vendor.roster is None:
            raise TemporaryFailure("The vendor is away.")
        return self.vendor.roster

    async def profile(self, contact: Contact) -> Profile:
        return await self.vendor.profile(contact, self.host.now())

    async def hand_off(self, handoff: Handoff) -> Receipt:
        self.vendor.handoffs.append(handoff)
        keys = [entry.key for entry in handoff.entries] if handoff.packet is None else [handoff.key]
        ticket = await self.vendor.write(keys, handoff.external_id)
        return Receipt(ids=(ForeignId(kind="note", id=handoff.key),), ticket_id=ticket)

    async def settle(self, handoff: Handoff) -> Receipt | None:
        if not await self.vendor.settle(handoff.key):
            return None
        ticket = self.vendor.tickets[handoff.external_id]
        return Receipt(ids=(ForeignId(kind="note", id=handoff.key),), ticket_id=ticket)

    async def _small(self, what: Reply | Notice) -> Receipt:
        await self.vendor.write([what.key], "")
        return Receipt(ids=(ForeignId(kind="message", id=what.key),))

    async def _settle_small(self, what: Reply | Notice) -> Receipt | None:
        found = await self.vendor.settle(what.key)
        return Receipt(ids=(ForeignId(kind="message", id=what.key),)) if found else None

    async def reply(self, reply: Reply) -> Receipt:
        self.vendor.replies.append(reply)
        return await self._small(reply)

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        return await self._settle_small(reply)

    async def notify(self, notice: Notice) -> Receipt:
        self.vendor.notices.append(notice)
        return await self._small(notice)

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        return await self._settle_small(notice)
