"""The poll: which tickets changed, read whole. Blocking; the connector hands on what comes out.

HubSpot's search lags behind by seconds, sometimes more, and in no order. So each poll begins some minutes before where the last
one ended, and the cursor remembers which versions of which tickets it has told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.hubspot import events
from connectors.hubspot.crm import BATCH_WITH_HISTORY, Crm, Json
from connectors.hubspot.polled import HISTORY
from connectors.hubspot.settings import HubSpotSettings
from gateway.sdk import Cursor

#: How far a poll goes back behind its cursor, milliseconds: the search may lag so long.
OVERLAP: Final = 5 * 60 * 1000
#: Notes and e-mails of one ticket that are read, the newest of each.
NEWEST: Final = 20
#: Versions that a cursor remembers at most, the newest: what it forgets is told again, which is harmless.
_REMEMBERED: Final = 2_000

_MODIFIED: Final = "hs_lastmodifieddate"
_TICKET: Final = (
    "subject",
    "content",
    "createdate",
    _MODIFIED,
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_priority",
    "hubspot_owner_id",
    "source_type",
    "hs_object_source",
    "hs_object_source_id",
)
_NOTE: Final = (
    "hs_note_body",
    "hs_timestamp",
    "hs_createdate",
    "hs_created_by",
    "hs_created_by_user_id",
    "hs_attachment_ids",
    "hs_object_source",
    "hs_object_source_id",
)
_MAIL: Final = (
    "hs_email_direction",
    "hs_email_subject",
    "hs_email_text",
    "hs_email_html",
    "hs_email_from_email",
    "hs_email_from_firstname",
    "hs_email_from_lastname",
    "hs_timestamp",
    "hs_createdate",
    "hs_created_by",
    "hs_created_by_user_id",
    "hs_attachment_ids",
    "hs_object_source",
    "hs_object_source_id",
)
_CONTACT: Final = ("email", "firstname", "lastname")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a poll stands."""

    #: The latest change that was told, milliseconds since 1970.
    at: int
    #: Which versions were told of tickets that changed shortly before: ticket → its last change, milliseconds.
    told: Mapping[str, int]

    @staticmethod
    def of(cursor: Cursor | None, now: int) -> Stand:
        """Return where a cursor stands; without one, or with one that cannot be read, it is now (UTC microseconds)."""
        try:
            value = json.loads(cursor or "")
            return Stand(at=int(value["at"]), told={str(key): int(at) for key, at in value["told"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return Stand(at=now // 1000, told={})

    def after(self, told: Mapping[str, int]) -> Stand:
        """Return where it stands after more was told."""
        at = max((self.at, *told.values()))
        kept = {key: each for key, each in {**self.told, **told}.items() if each >= at - OVERLAP}
        newest = sorted(kept.items(), key=lambda pair: (pair[1], pair[0]))[-_REMEMBERED:]
        return Stand(at=at, told=dict(newest))

    def cursor(self) -> Cursor:
        """Return it as the host keeps it."""
        return json.dumps({"at": self.at, "told": dict(self.told)}, separators=(",", ":"), sort_keys=True)


class Poll:
    """Reads changed tickets of one account, page by page."""

    def __init__(self, crm: Crm, settings: HubSpotSettings) -> None:
        """Take the account's records and the settings."""
        self._crm = crm
        self._settings = settings
        further = (settings.external_id_property, settings.group_property)
        watched = settings.watched_properties
        self._properties = tuple(dict.fromkeys((*_TICKET, *(each for each in further if each), *watched)))
        self._history = tuple(dict.fromkeys((*HISTORY, *watched)))

    def pages(self, stand: Stand) -> Iterator[tuple[list[bytes], Stand]]:
        """Yield what changed since then: bodies of deliveries, and where the poll stands after them."""
        since = low = stand.at - OVERLAP
        after = ""
        while True:
            answer = self._crm.search(
                "tickets",
                [{"propertyName": _MODIFIED, "operator": "GTE", "value": str(low)}],
                _MODIFIED,
                [_MODIFIED],
                limit=BATCH_WITH_HISTORY,
                after=after,
            )
            versions = {str(each["id"]): _modified(each) for each in answer.get("results") or ()}
            new = {key: at for key, at in versions.items() if stand.told.get(key) != at}
            if new:
                stand = stand.after(new)
                yield self._whole(list(new), since), stand
            after = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
            if not after or not versions:
                return
            # Pages by number would skip a ticket whenever an earlier one changes meanwhile and moves to the end: the next page is
            # asked for by the time that this one ended at. Only where all are of one instant is it asked for by its number.
            last = list(versions.values())[-1]
            if last > low:
                low, after = last, ""

    def _whole(self, ids: list[str], since: int) -> list[bytes]:
        found = self._crm.read("tickets", ids, self._properties, history=self._history)
        ids = [str(each["id"]) for each in found]
        contacts = self._contacts(ids)
        notes = self._activities("notes", ids, _NOTE)
        mails = self._activities("emails", ids, _MAIL) if self._settings.read_emails else {}
        return [
            _body(
                {
                    "ticket": {**ticket, "propertiesWithHistory": _recent(ticket.get("propertiesWithHistory"), since)},
                    "contact": contacts.get(str(ticket["id"])),
                    "notes": notes.get(str(ticket["id"]), []),
                    "emails": mails.get(str(ticket["id"]), []),
                }
            )
            for ticket in found
        ]

    def _contacts(self, ids: list[str]) -> dict[str, Json]:
        of = {key: others[0] for key, others in self._crm.associated("tickets", ids, "contacts").items() if others}
        known = {str(each["id"]): each for each in self._crm.read("contacts", sorted(set(of.values())), _CONTACT)}
        return {key: known[contact] for key, contact in of.items() if contact in known}

    def _activities(self, kind: str, ids: list[str], properties: Sequence[str]) -> dict[str, list[Json]]:
        of = {key: others[-NEWEST:] for key, others in self._crm.associated("tickets", ids, kind).items()}
        wanted = sorted({each for others in of.values() for each in others})
        known = {str(each["id"]): each for each in self._crm.read(kind, wanted, properties)}
        return {key: [known[each] for each in others if each in known] for key, others in of.items()}


def _modified(ticket: Json) -> int:
    properties = ticket.get("properties") or {}
    return events.instant(properties.get(_MODIFIED) or ticket.get("updatedAt")) // 1000


def _recent(history: Any, since: int) -> dict[str, list[Json]]:
    """Return the newest value of each property and those since the poll's beginning: the rest was told before."""
    return {
        name: [
            each
            for number, each in enumerate(versions or ())
            if number == 0 or events.instant(each.get("timestamp")) // 1000 >= since
        ]
        for name, versions in (history or {}).items()
    }


def _body(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
