"""What a HubSpot account holds, as far as the connector sees it: records with their history, associations, files, messages.

Where HubSpot documents a pain it is here: unique values that conflict, unknown properties and options that are refused by name, a
search that lags and gives no more than 10,000 records, limits of calls. How long the search lags is not documented; eight seconds
are assumed. That a record's associations are listed at once is assumed as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

#: The search knows a change after so long at most, microseconds.
SEARCH_LAG: Final = 8 * 1_000_000
#: HubSpot-defined association types that are used: type → kinds.
TYPES: Final[dict[int, tuple[str, str]]] = {
    228: ("notes", "tickets"),
    16: ("tickets", "contacts"),
    280: ("contacts", "companies"),
}


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Properties by kind, as far as they are known here.
KNOWN: Final[dict[str, frozenset[str]]] = {
    "tickets": _names(
        "subject content createdate hs_lastmodifieddate hs_pipeline hs_pipeline_stage hs_ticket_priority hubspot_owner_id"
        " source_type hs_object_source hs_object_source_id support_group support_tags sla_due"
    ),
    "contacts": _names(
        "email firstname lastname lifecyclestage hubspot_owner_id hs_language createdate annualrevenue hs_ideal_customer_profile"
        " hs_lastmodifieddate hs_object_source hs_object_source_id"
    ),
    "companies": _names(
        "name domain lifecyclestage hubspot_owner_id annualrevenue hs_ideal_customer_profile createdate hs_lastmodifieddate"
        " hs_object_source hs_object_source_id"
    ),
    "emails": _names(
        "hs_email_direction hs_email_subject hs_email_text hs_email_html hs_email_from_email hs_email_from_firstname"
        " hs_email_from_lastname hs_timestamp hs_createdate hs_created_by hs_attachment_ids createdate hs_lastmodifieddate"
        " hs_object_source hs_object_source_id"
    ),
    "notes": _names(
        "hs_note_body hs_timestamp hs_attachment_ids hs_createdate hs_created_by createdate hs_lastmodifieddate"
        " hs_object_source hs_object_source_id hubspot_owner_id"
    ),
}
OPTIONS: Final[dict[str, frozenset[str]]] = {
    "hs_ticket_priority": frozenset({"LOW", "MEDIUM", "HIGH", "URGENT"}),
    "support_group": frozenset({"Billing", "Second line"}),
}
LONGEST_NOTE: Final = 65_536


class HubSpotRefusal(Exception):
    """An error answer."""

    def __init__(self, status: int, category: str, message: str, **further: Any) -> None:
        """Keep status, category and message of the answer."""
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = further.pop("headers", {})
        self.body = {"status": "error", "category": category, "message": message, "correlationId": "sandbox", **further}


@dataclass(slots=True, kw_only=True)
class Record:
    """One record of any kind."""

    id: str
    kind: str
    created_at: int
    properties: dict[str, str] = field(default_factory=dict[str, str])
    #: Property → its values, newest first.
    history: dict[str, list[dict[str, str]]] = field(default_factory=dict[str, list[dict[str, str]]])
    #: When it was changed, oldest first.
    changes: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who makes a change: what webhooks and histories say of it."""

    source: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that a webhook may tell."""

    record: Record
    #: ``creation``, ``propertyChange``, ``deletion``.
    what: str
    source: Source
    name: str = ""
    value: str = ""


class Portal:
    """One HubSpot account."""

    def __init__(self, now: Callable[[], int], *, portal_id: int, unique: str, told: Callable[[Change], None]) -> None:
        """Begin with a pipeline, two owners and no records; `unique` is the ticket property for external ids."""
        self.now = now
        self.portal_id = portal_id
        self.unique = unique
        #: How long the search takes at most to know of a change, microseconds.
        self.search_lag = SEARCH_LAG
        self.records: dict[str, dict[str, Record]] = {kind: {} for kind in KNOWN}
        self.links: set[tuple[str, str, str, str]] = set()
        self.files: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.pipelines: list[dict[str, Any]] = [
            {
                "id": "0",
                "label": "Support Pipeline",
                "stages": [
                    {"id": "1", "label": "New", "metadata": {"ticketState": "OPEN"}},
                    {"id": "2", "label": "Waiting on contact", "metadata": {"ticketState": "OPEN"}},
                    {"id": "3", "label": "Waiting on us", "metadata": {"ticketState": "OPEN"}},
                    {"id": "4", "label": "Closed", "metadata": {"ticketState": "CLOSED"}},
                ],
            }
        ]
        self.owners: list[dict[str, Any]] = [
            {
                "id": "7001",
                "email": "anna.agent@example.com",
                "firstName": "Anna",
                "lastName": "Agent",
                "userId": 8001,
                "archived": False,
                "teams": [
                    {"id": "1", "name": "Second line", "primary": True},
                    {"id": "2", "name": "Billing", "primary": False},
                ],
            },
            {
                "id": "7002",
                "email": "ole.owner@example.com",
                "firstName": "Ole",
                "lastName": "",
                "userId": 8002,
                "archived": False,
            },
        ]
        #: Properties that tickets have besides the known ones.
        self.ticket_properties: dict[str, dict[str, Any]] = {unique: {"hasUniqueValue": True}}
        self._told = told
        self._next = 40_000

    def begin_at(self, number: int) -> None:
        """Give ids above a number from now on."""
        self._next = number

    def number(self) -> str:
        """Return a fresh id."""
        self._next += 1
        return str(self._next)

    # --- records -----------------------------------------------------------------------------------------------------
    def find(self, kind: str, value: str, by: str = "") -> Record:
        """Return a record by id or unique property. Raises HubSpotRefusal."""
        if by and by not in self._unique(kind):
            raise HubSpotRefusal(400, "VALIDATION_ERROR", f"The property {by} is not a unique identifier")
        for record in self._of(kind).values():
            held = record.properties.get(by, "") if by else record.id
            if held == value or (by == "email" and held.lower() == value.lower()):
                return record
        raise HubSpotRefusal(404, "OBJECT_NOT_FOUND", "Object not found.")

    def create(
        self, kind: str, properties: Mapping[str, Any], source: Source, links: Iterable[tuple[str, str]] = ()
    ) -> Record:
        """Make a record; `links` are pairs of kind and id. Raises HubSpotRefusal."""
        links = list(links)
        self._check(kind, properties, None)
        for other, record_id in links:
            if record_id not in self._of(other):
                raise HubSpotRefusal(400, "VALIDATION_ERROR", "Some of the associated objects do not exist")
        now = self.now()
        record = Record(id=self.number(), kind=kind, created_at=now)
        self._of(kind)[record.id] = record
        fixed = {
            "createdate": iso(now),
            "hs_createdate": iso(now),
            "hs_object_source": source.source,
            "hs_object_source_id": source.actor,
        }
        record.properties.update({name: value for name, value in fixed.items() if name in KNOWN[kind]})
        self._told(Change(record=record, what="creation", source=source))
        self._set(record, properties, source)
        for other, record_id in links:
            self.link(kind, record.id, other, record_id)
        return record

    def update(self, record: Record, properties: Mapping[str, Any], source: Source) -> None:
        """Change a record. Raises HubSpotRefusal."""
        self._check(record.kind, properties, record)
        self._set(record, properties, source)

    def delete(self, record: Record, source: Source) -> None:
        """Archive a record."""
        del self._of(record.kind)[record.id]
        self.links = {link for link in self.links if (record.kind, record.id) not in {link[:2], link[2:]}}
        self._told(Change(record=record, what="deletion", source=source))

    def link(self, kind: str, record_id: str, other: str, other_id: str) -> None:
        """Associate two records; an activity touches what it is put on."""
        self.links |= {(kind, record_id, other, other_id), (other, other_id, kind, record_id)}
        if kind in {"notes", "emails"}:
            self._touch(self._of(other)[other_id])

    def linked(self, kind: str, record_id: str, other: str) -> list[str]:
        """Return the ids of the records of a kind that a record is associated with."""
        found = {link[3] for link in self.links if link[:3] == (kind, record_id, other)}
        return sorted(found, key=int)

    def _set(self, record: Record, properties: Mapping[str, Any], source: Source) -> None:
        self._touch(record)
        for name, raw in properties.items():
            value = str(raw)
            if value.startswith(";") and name == "support_tags":
                before = [each for each in record.properties.get(name, "").split(";") if each]
                value = ";".join([*before, *(each for each in value.split(";") if each and each not in before)])
            if record.properties.get(name) == value:
                continue
            record.properties[name] = value
            version = {
                "value": value,
                "timestamp": iso(record.changes[-1]),
                "sourceType": source.source,
                "sourceId": source.actor,
            }
            record.history.setdefault(name, []).insert(0, version)
            self._told(Change(record=record, what="propertyChange", source=source, name=name, value=value))

    def _touch(self, record: Record) -> None:
        last = record.changes[-1] if record.changes else 0
        # No two changes at one millisecond, so that the order can be told.
        record.changes.append(max(self.now(), last + 1_000))
        record.properties["hs_lastmodifieddate"] = iso(record.changes[-1])

    def _check(self, kind: str, properties: Mapping[str, Any], record: Record | None) -> None:
        wrong: list[dict[str, Any]] = []
        known = KNOWN[kind] | (set(self.ticket_properties) if kind == "tickets" else set())
        for name, value in properties.items():
            if name not in known:
                wrong.append(_invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            elif name in OPTIONS and value not in OPTIONS[name]:
                wrong.append(_invalid(name, "INVALID_OPTION", f"{value} was not one of the allowed options"))
            elif name == "hs_note_body" and len(str(value)) > LONGEST_NOTE:
                wrong.append(_invalid(name, "INVALID_LONG", "The value is too long"))
        if wrong:
            raise HubSpotRefusal(400, "VALIDATION_ERROR", f"Property values were not valid: {json.dumps(wrong)}")
        for name in self._unique(kind) & set(properties):
            for other in self._of(kind).values():
                if other is not record and other.properties.get(name, "").lower() == str(properties[name]).lower():
                    self._conflict(kind, other)

    @staticmethod
    def _conflict(kind: str, other: Record) -> None:
        if kind == "contacts":
            raise HubSpotRefusal(409, "CONFLICT", f"Contact already exists. Existing ID: {other.id}")
        raise HubSpotRefusal(409, "CONFLICT", "A record with the same unique value exists already")

    def _unique(self, kind: str) -> set[str]:
        if kind == "tickets":
            return {name for name, given in self.ticket_properties.items() if given.get("hasUniqueValue")}
        return {"email"} if kind == "contacts" else set()

    def _of(self, kind: str) -> dict[str, Record]:
        found = self.records.get(kind)
        if found is None:
            raise HubSpotRefusal(400, "VALIDATION_ERROR", f"Unable to infer object type from: {kind}")
        return found

    # --- search ------------------------------------------------------------------------------------------------------
    def search(self, kind: str, asked: Mapping[str, Any]) -> tuple[list[tuple[str, Record]], int]:
        """Return a page of records, each with its last change as the index knows it, and how many are found.

        Filters by equality and by the last change only.
        """
        found: list[tuple[str, Record]] = []
        for record in self._of(kind).values():
            # Some are known sooner than others, so that the index fills in no order.
            lag = self.search_lag * (int(record.id) // 2 % 4 + 1) // 4
            known = [at for at in record.changes if at + lag <= self.now()]
            if known and self._fits(record, known[-1], asked):
                found.append((iso(known[-1]), record))
        found.sort(key=lambda pair: (pair[0], int(pair[1].id)))
        start, limit = int(asked.get("after") or 0), int(asked.get("limit") or 10)
        if start + limit > 10_000:
            raise HubSpotRefusal(400, "VALIDATION_ERROR", "The search gives no more than 10000 results")
        return found[start : start + limit], len(found)

    @staticmethod
    def _fits(record: Record, changed_at: int, asked: Mapping[str, Any]) -> bool:
        for each in asked["filterGroups"][0]["filters"]:
            name, operator, value = each["propertyName"], each["operator"], str(each["value"])
            if name == "hs_lastmodifieddate" and operator == "GTE":
                if changed_at // 1000 < int(value):
                    return False
            elif operator != "EQ" or record.properties.get(name) != value:
                return False
        return True

    # --- files -------------------------------------------------------------------------------------------------------
    def keep_file(self, folder: str, name: str, content: bytes, *, overwrite: bool) -> str:
        """Keep a file; one of the same folder and name is replaced when that is asked for, or stands beside it."""
        for file_id, file in self.files.items():
            if overwrite and (file["folder"], file["name"]) == (folder, name):
                file["content"] = content
                return file_id
        file_id = self.number()
        self.files[file_id] = {"folder": folder, "name": name, "content": content}
        return file_id


def _invalid(name: str, error: str, message: str) -> dict[str, Any]:
    return {"isValid": False, "message": message, "error": error, "name": name, "localizedErrorMessage": message}


def iso(at: int) -> str:
    """Return an instant as HubSpot writes it."""
    return datetime.fromtimestamp(at // 1000 / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at // 1000 % 1000:03d}Z"


def shown(record: Record, properties: Iterable[str], history: Iterable[str] = ()) -> dict[str, Any]:
    """Return a record as the API shows it: only what was asked for."""
    value: dict[str, Any] = {
        "id": record.id,
        "properties": {name: record.properties.get(name) for name in properties},
        "createdAt": iso(record.created_at),
        "updatedAt": iso(record.changes[-1]),
        "archived": False,
    }
    named = list(history)
    if named:
        value["propertiesWithHistory"] = {name: record.history.get(name, []) for name in named}
    return value


def words_of(body: str) -> str:
    """Return the words of a note, for people who look at the sandbox."""
    return re.sub(r"<[^>]+>", " ", body)
