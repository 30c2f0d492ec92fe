"""What webhooks missed: the incremental export, as the event webhooks that would have told of it.

Sources: developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports (admins only; ten requests a minute;
the last minute is left out; the same ticket may come again, which the dedupe keys make harmless), …/tickets/ticket_comments and
…/tickets/ticket_audits (a hundred rows a page). The export names the tickets that changed; who said what is in their comments,
and who changed what in their audits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors.zendesk.events import FIELDS, PREFIX, SATISFACTION

Json: TypeAlias = Mapping[str, Any]
#: Asks the API for a path and returns the answer; and the answers of all pages.
Get: TypeAlias = Callable[[str], Json]
Pages: TypeAlias = Callable[[str], Iterable[Json]]

#: Comments and changes older than the poll's beginning by more than this are known already, seconds.
_OVERLAP: Final = 600
#: Tickets asked for with one request. Each costs two requests more, and Zendesk counts all of a minute together.
_TICKETS: Final = 50
_STAFF: Final = frozenset({"agent", "admin"})
#: What a rule of Zendesk's (trigger, automation) did carries this actor in webhooks.
_RULE: Final = "-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a poll stands."""

    #: What happened before was told, seconds since 1970.
    begin: int
    #: Zendesk's own cursor; empty at the beginning.
    place: str = ""
    #: Tickets behind that cursor that were told already, each with the time of its last change.
    told: tuple[str, ...] = ()

    @staticmethod
    def of(cursor: str) -> Stand:
        """Read a cursor."""
        begin, _, rest = cursor.partition("@")
        place, _, told = rest.partition("@")
        return Stand(begin=int(begin), place=place, told=tuple(told.split()))

    def cursor(self) -> str:
        """Return it as the host keeps it."""
        return f"{self.begin}@{self.place}" + (f"@{' '.join(self.told)}" if self.told else "")


def since_then(get: Get, pages: Pages, since: str | None, now: int) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield the events of one changed ticket after the other, oldest first, with the cursor after each. `now` in µs.

    Whatever ends it, the last cursor says how far it came. The first time nothing is told: what happened before Baton was there
    is none of its business.
    """
    beginning = Stand(begin=now // 1_000_000)
    if since is None:
        yield [], beginning.cursor()
        return
    stand = Stand.of(since)
    while True:
        where = f"cursor={stand.place}" if stand.place else f"start_time={stand.begin}"
        answer = get(f"incremental/tickets/cursor.json?per_page={_TICKETS}&{where}")
        for ticket in answer.get("tickets") or ():
            mark = f"{ticket['id']}:{ticket['updated_at']}"
            if mark not in stand.told:
                events = sorted(_told(pages, ticket, stand.begin - _OVERLAP), key=lambda event: event["time"])
                stand = replace(stand, told=(*stand.told, mark))
                yield events, stand.cursor()
        place, end = str(answer.get("after_cursor") or stand.place), answer.get("end_of_stream", True)
        stand = Stand(begin=beginning.begin if end else stand.begin, place=place)
        yield [], stand.cursor()
        if end:
            return


def _told(pages: Pages, ticket: Json, begin: int) -> Iterator[dict[str, Any]]:
    """Yield the events of one ticket."""
    if ticket.get("status") == "deleted":
        return
    comments: list[Json] = []
    users: dict[int, Json] = {}
    for page in pages(f"tickets/{ticket['id']}/comments.json?include=users"):
        comments += page.get("comments") or ()
        users |= {each["id"]: each for each in page.get("users") or ()}
    audits = [each for page in pages(f"tickets/{ticket['id']}/audits.json") for each in page.get("audits") or ()]
    detail = _detail(ticket, comments, users)
    changes, then, created = _changes(detail, audits)
    if audits:
        # Who made it, as webhooks say it: not who it is for.
        created["actor_id"] = str(audits[0]["author_id"])
    if _seconds(ticket["created_at"]) >= begin:
        yield _event("created", created, ticket["created_at"], f"poll-created-{ticket['id']}", {})
    for number, comment in enumerate(comments):
        if _seconds(comment["created_at"]) >= begin:
            # The first comment is the ticket's description, which its creation tells; its files are told apart.
            yield from _commented(comment, users, then.get(str(comment["id"]), detail), first=not number)
    for change in changes:
        if _seconds(change["time"]) >= begin:
            yield change
    rating = ticket.get("satisfaction_rating") or {}
    if rating.get("score") in {"good", "bad"}:
        yield {
            "type": SATISFACTION,
            "ticket_id": str(ticket["id"]),
            "requester_id": str(ticket["requester_id"]),
            "score": rating["score"],
            "comment": rating.get("comment") or "",
            "time": ticket["updated_at"],
        }


def _event(kind: str, detail: Json, at: str, number: str, event: Json) -> dict[str, Any]:
    return {
        "type": f"{PREFIX}ticket.{kind}",
        "id": number,
        "subject": f"zen:ticket:{detail['id']}",
        "time": at,
        "detail": detail,
        "event": event,
    }


# --- the ticket ------------------------------------------------------------------------------------------------------
def _detail(ticket: Json, comments: Iterable[Json], users: Mapping[int, Json]) -> dict[str, Any]:
    """Return a ticket as event webhooks show it (ids as text, states in capitals), with the address of who it is for."""
    first = next(iter(comments), {})
    texts = ("id", "requester_id", "assignee_id", "group_id", "organization_id", "external_id")
    requester = users.get(ticket["requester_id"]) or {}
    return {
        **{name: _text(ticket.get(name)) for name in texts},
        "actor_id": str(ticket.get("submitter_id") or ticket["requester_id"]),
        "submitter_id": _text(ticket.get("submitter_id")),
        "subject": ticket.get("subject") or ticket.get("raw_subject") or "",
        "description": ticket.get("description") or "",
        "status": str(ticket.get("status") or "").upper(),
        "priority": _capitals(ticket.get("priority")),
        "tags": list(ticket.get("tags") or ()),
        "via": {"channel": (ticket.get("via") or {}).get("channel") or ""},
        "is_public": first.get("public"),
        "updated_at": ticket["updated_at"],
        "requester": {"name": requester.get("name") or "", "email": requester.get("email") or ""},
    }


def _changes(
    detail: dict[str, Any], audits: list[Json]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the changes of a ticket as events, oldest first; the ticket as each comment left it, by its id; and as it was made.

    Each event shows the ticket as its update left it, as webhooks do: from the ticket of now, changes are taken back one by one.
    """
    now = dict(detail)
    found: list[dict[str, Any]] = []
    then: dict[str, dict[str, Any]] = {}
    for audit in reversed(audits):
        now["updated_at"] = audit["created_at"]
        shown = dict(now)
        for event in reversed(audit.get("events") or ()):
            if event.get("type") != "Change":
                then[str(event.get("id"))] = shown
                continue
            name, before = str(event.get("field_name")), event.get("previous_value")
            kind = FIELDS.get(name) or ("custom_field_changed" if name.isdigit() else "")
            if kind:
                actor = _RULE if (event.get("via") or {}).get("channel") == "rule" else str(audit["author_id"])
                told = _change(name, event.get("value"), before)
                number = f"poll-change-{event['id']}"
                found.append(_event(kind, {**shown, "actor_id": actor}, audit["created_at"], number, told))
            if name in now:
                now[name] = _shown(name, before)
    return found[::-1], then, now


def _change(name: str, value: Any, before: Any) -> dict[str, Any]:
    if name == "tags":
        return {}
    told = {"current": _shown(name, value), "previous": _shown(name, before)}
    return {**told, "custom_field": {"id": name}} if name.isdigit() else told


def _shown(name: str, value: Any) -> Any:
    """Return a value of an audit as event webhooks show it."""
    if name == "tags":
        return value.split() if isinstance(value, str) else list(value or ())
    return _capitals(value) if name in {"status", "priority"} else _text(value)


# --- comments --------------------------------------------------------------------------------------------------------
def _commented(
    comment: Json, users: Mapping[int, Json], detail: dict[str, Any], *, first: bool
) -> Iterator[dict[str, Any]]:
    """Yield a comment, and each of its files apart, as webhooks do."""
    author = users.get(comment["author_id"]) or {}
    actor = {**detail, "actor_id": str(comment["author_id"])}
    told = {
        "id": str(comment["id"]),
        "body": comment.get("plain_body") or comment.get("body") or "",
        "is_public": comment.get("public"),
        "author": {
            "id": str(comment["author_id"]),
            "name": author.get("name") or "",
            "is_staff": author.get("role") in _STAFF,
            "email": author.get("email") or "",
        },
    }
    if not first:
        yield _event("comment_added", actor, comment["created_at"], f"poll-comment-{comment['id']}", {"comment": told})
    for file in comment.get("attachments") or ():
        attachment = {
            "id": str(file["id"]),
            "filename": file.get("file_name") or "",
            "content_type": file.get("content_type") or "",
            "content_url": file.get("content_url") or "",
            "size": file.get("size"),
            "is_public": comment.get("public"),
        }
        event = {"comment": {"id": str(comment["id"]), "attachment": attachment}}
        yield _event(
            "attachment_linked_to_comment", actor, comment["created_at"], f"poll-attachment-{file['id']}", event
        )


# --- small things ----------------------------------------------------------------------------------------------------
def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _capitals(value: Any) -> str | None:
    return str(value).upper() if value else None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
