"""Asking RT what happened: tickets by their last change, and of each the transactions that were not told yet.

Transactions get their numbers when they begin and are seen when they are committed, so that a smaller number may appear after a
larger one: the last minutes are read again each time, and the cursor remembers which of their transactions were told.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.request_tracker import events
from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.tickets import custom_values, id_of
from connectors.request_tracker.transport import AbsentError, Api, DeniedError

#: How far back from the newest change a poll reads again.
OVERLAP: Final = timedelta(seconds=120)
#: Items of a page; REST2 gives no more.
_PAGE: Final = 100
#: Tickets that one question about transactions names.
_TICKETS: Final = 50
#: Pages of one list that are read at most.
_MOST_PAGES: Final = 1_000
#: Longest text of a message that is taken over, characters.
_LONGEST: Final = 200_000


@dataclass(slots=True, kw_only=True)
class Place:
    """Where a poll stands."""

    #: Time of the newest change seen, as RT tells it (UTC, whole seconds).
    at: datetime
    #: Transactions of the last minutes that were told, with their times.
    told: dict[int, datetime] = field(default_factory=dict[int, datetime])

    @classmethod
    def read(cls, cursor: str) -> Place:
        """Return the place that a cursor names."""
        value = json.loads(cursor)
        return cls(
            at=datetime.fromtimestamp(value["at"], UTC),
            told={
                number: datetime.fromtimestamp(at, UTC)
                for first, last, at in value["told"]
                for number in range(first, last + 1)
            },
        )

    def write(self) -> str:
        """Return the place as a cursor: neighbours of one second share an item."""
        runs: list[list[int]] = []
        for number, at in sorted(self.told.items()):
            if at < self.at - OVERLAP:
                continue
            second = int(at.timestamp())
            if runs and runs[-1][1] == number - 1 and runs[-1][2] == second:
                runs[-1][1] = number
            else:
                runs.append([number, number, second])
        return json.dumps({"at": int(self.at.timestamp()), "told": runs}, separators=(",", ":"))


class Poll:
    """One poll."""

    def __init__(self, api: Api, settings: RequestTrackerSettings) -> None:
        """Take the API, and the settings by which tickets are read."""
        self._api = api
        self._settings = settings
        self._users: dict[str, Mapping[str, Any]] = {}
        self._queues: dict[str, str] = {}

    async def begin(self) -> Place:
        """Return the place of now: what happened before stays where it is."""
        place = Place(at=datetime.fromtimestamp(0, UTC))
        tickets, place.at = await self._tickets(place.at, only_newest=True)
        for found in (await self._news(tickets, place)).values():
            place.told.update(_times(found))
        return place

    async def changed(self, place: Place) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the body of each ticket's delivery, oldest change first, and move the place."""
        tickets, newest = await self._tickets(place.at, only_newest=False)
        news = await self._news(tickets, place)
        for ticket_id in tickets:
            found = [each for each in news.get(ticket_id, []) if int(each["id"]) not in place.told]
            if found:
                yield ticket_id, await self._body(ticket_id, found)
                place.told.update(_times(found))
        place.at = newest

    async def _tickets(self, at: datetime, *, only_newest: bool) -> tuple[list[str], datetime]:
        """Return the tickets that changed since shortly before an instant, oldest change first, and the newest change.

        With `only_newest`: since shortly before that newest change.
        """
        found: list[str] = []
        newest = at
        query = {"query": "id > 0", "orderby": "LastUpdated", "order": "DESC", "fields": "LastUpdated"}
        async for ticket in self._pages("tickets", **query):
            changed = _time(ticket.get("LastUpdated"))
            newest = max(newest, changed)
            if changed < (newest if only_newest else at) - OVERLAP:
                break
            found.append(str(ticket["id"]))
        return list(dict.fromkeys(reversed(found))), newest

    async def _news(self, tickets: list[str], place: Place) -> dict[str, list[Mapping[str, Any]]]:
        """Return the transactions of the last minutes by ticket, oldest first."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        types = " OR ".join(
            f"Type = '{kind}'" for kind in (*events.TYPES, *dict.fromkeys(kind for kind, _ in events.FIELDS))
        )
        fields = "Type,Field,OldValue,NewValue,Created,Creator,ObjectId"
        for at in range(0, len(tickets), _TICKETS):
            wanted = " OR ".join(f"ObjectId = {number}" for number in tickets[at : at + _TICKETS])
            query = f"ObjectType = 'RT::Ticket' AND ({wanted}) AND ({types})"
            async for each in self._pages("transactions", query=query, orderby="id", order="DESC", fields=fields):
                if _time(each.get("Created")) < place.at - OVERLAP:
                    break
                found.setdefault(str(each.get("ObjectId")), []).insert(0, each)
        return found

    async def _body(self, ticket_id: str, transactions: Iterable[Mapping[str, Any]]) -> bytes:
        ticket = await self._api.get("ticket", ticket_id)
        told = {
            "version": events.VERSION,
            "ticket_id": int(ticket_id),
            "ticket": {
                "subject": ticket.get("Subject"),
                "status": ticket.get("Status"),
                "queue": await self._queue(id_of(ticket.get("Queue"))),
                "owner": id_of(ticket.get("Owner")),
                "priority": ticket.get("Priority"),
                "external_id": next(iter(custom_values(ticket, self._settings.external_id_field)), "")
                or next((each["_url"] for each in ticket.get("_hyperlinks") or [] if _refers(each)), ""),
                "tags": custom_values(ticket, self._settings.tags_field) if self._settings.tags_field else None,
                "requestors": [await self._user(id_of(each)) for each in ticket.get("Requestor") or []],
            },
            "transactions": [await self._transaction(each) for each in transactions],
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()

    async def _transaction(self, given: Mapping[str, Any]) -> dict[str, Any]:
        kind = str(given.get("Type"))
        told = {
            "id": int(given["id"]),
            "type": kind,
            "field": given.get("Field") or "",
            "old": given.get("OldValue") or "",
            "new": given.get("NewValue") or "",
            "created": given.get("Created"),
            "creator": await self._user(id_of(given.get("Creator"))),
        }
        return {**told, **await self._message(str(given["id"]))} if kind in events.WORDS else told

    async def _message(self, transaction_id: str) -> dict[str, Any]:
        """Return the words of a transaction, and its files without their bytes."""
        parts = [
            part
            async for part in self._pages(
                f"transaction/{transaction_id}/attachments",
                fields="ContentType,Filename,ContentLength,Headers",
                orderby="id",
                order="ASC",
            )
        ]
        told: dict[str, Any] = {"files": [_file(part) for part in parts if part.get("Filename")]}
        for part in parts:
            if interface := _header(part, "X-RT-Interface"):
                told["via"] = interface
        for wanted in ("text/plain", "text/html"):
            texts = [each for each in parts if each.get("ContentType") == wanted and not each.get("Filename")]
            if texts and int(texts[0].get("ContentLength") or 0):
                whole = await self._api.get("attachment", str(texts[0]["id"]))
                content = base64.b64decode(str(whole.get("Content") or "")).decode("utf-8", "replace")
                return {**told, "content": content[:_LONGEST], "content_type": wanted}
        return told

    async def _user(self, name: str) -> Mapping[str, Any]:
        """Return a user as RT shows them to us; hidden ones by name only."""
        if name not in self._users:
            try:
                shown = await self._api.get("user", name) if name else {}
            except (AbsentError, DeniedError):
                shown = {}
            self._users[name] = {
                "name": name,
                "real_name": shown.get("RealName") or "",
                "email": shown.get("EmailAddress") or "",
                "privileged": 1 if str(shown.get("Privileged")) == "1" else 0,
            }
        return self._users[name]

    async def _queue(self, number: str) -> str:
        if number not in self._queues:
            try:
                self._queues[number] = str((await self._api.get("queue", number)).get("Name") or number)
            except (AbsentError, DeniedError):
                self._queues[number] = number
        return self._queues[number]

    async def _pages(self, path: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the items of a list.

        RT tells the number of pages only to those who may see everything, and leaves hidden items out of a page, so that a short
        page is not the last one: an empty one is.
        """
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._api.get(*path.split("/"), **query, page=page, per_page=_PAGE)
            items = answer.get("items") or []
            for item in items:
                yield item
            pages = answer.get("pages")
            if not items or (isinstance(pages, int | float) and page >= pages):
                return


def _times(transactions: Iterable[Mapping[str, Any]]) -> dict[int, datetime]:
    return {int(each["id"]): _time(each.get("Created")) for each in transactions}


def _file(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": int(part["id"]),
        "name": part["Filename"],
        "type": part.get("ContentType") or "",
        "size": int(part.get("ContentLength") or 0),
    }


def _header(part: Mapping[str, Any], name: str) -> str:
    for line in str(part.get("Headers") or "").splitlines():
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return ""


def _refers(each: Mapping[str, Any]) -> bool:
    return each.get("ref") == "refers-to" and str(each.get("_url")).startswith("baton:")


def _time(value: Any) -> datetime:
    """Return a time as RT tells it; the beginning of time where it tells none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
