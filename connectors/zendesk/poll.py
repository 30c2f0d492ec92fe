"""What webhooks missed: the incremental export, as the event webhooks that would have told of it.

Source: developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports (ten requests a minute; the last
minute is left out; the same ticket may come again, which the dedupe keys make harmless).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.zendesk.events import PREFIX, SATISFACTION

#: Asks the API for a path and returns the answer.
Get = Callable[[str], Mapping[str, Any]]
#: Comments older than the poll's beginning by more than this are known already, seconds.
_OVERLAP: Final = 600
_OVER: Final = frozenset({"solved", "closed"})
_STAFF: Final = frozenset({"agent", "admin"})


def since_then(get: Get, since: str | None, now: int) -> tuple[list[dict[str, Any]], str]:
    """Return the events of what changed since a cursor, oldest first, and the new cursor. `now` in µs.

    The first time nothing is told: what happened before Baton was there is none of its business.
    """
    if since is None:
        return [], f"{now // 1_000_000}@"
    begin, _, place = since.partition("@")
    events: list[dict[str, Any]] = []
    while True:
        where = f"cursor={place}" if place else f"start_time={begin}"
        answer = get(f"incremental/tickets/cursor.json?{where}")
        for ticket in answer.get("tickets") or ():
            events += _told(get, ticket, int(begin) - _OVERLAP)
        place = str(answer.get("after_cursor") or place)
        if answer.get("end_of_stream", True):
            return sorted(events, key=lambda event: event["time"]), f"{now // 1_000_000}@{place}"


def _told(get: Get, ticket: Mapping[str, Any], begin: int) -> Iterator[dict[str, Any]]:
    """Yield the events of one ticket."""
    if ticket.get("status") == "deleted":
        return
    answer = get(f"tickets/{ticket['id']}/comments.json?include=users")
    comments: list[Mapping[str, Any]] = list(answer.get("comments") or ())
    users: dict[int, Mapping[str, Any]] = {each["id"]: each for each in answer.get("users") or ()}
    detail = _detail(ticket, comments)
    if _seconds(ticket["created_at"]) >= begin:
        yield _event("created", detail, ticket["created_at"], f"poll-created-{ticket['id']}", {})
    # The first comment is the ticket's description, which its creation tells.
    for comment in comments[1:]:
        if _seconds(comment["created_at"]) >= begin:
            told = _comment(comment, users)
            number = f"poll-comment-{comment['id']}"
            actor = {**detail, "actor_id": str(comment["author_id"])}
            yield _event("comment_added", actor, comment["created_at"], number, {"comment": told})
    if ticket.get("status") in _OVER:
        number = f"poll-{ticket['id']}-{ticket['status']}-{ticket['updated_at']}"
        state = {"current": str(ticket["status"]).upper()}
        yield _event("status_changed", {**detail, "actor_id": "-1"}, ticket["updated_at"], number, state)
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


def _event(kind: str, detail: Mapping[str, Any], at: str, number: str, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": f"{PREFIX}ticket.{kind}",
        "id": number,
        "subject": f"zen:ticket:{detail['id']}",
        "time": at,
        "detail": detail,
        "event": event,
    }


def _detail(ticket: Mapping[str, Any], comments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a ticket as event webhooks show it: ids as text, states in capitals."""
    first = next(iter(comments), {})
    texts = ("id", "requester_id", "assignee_id", "group_id", "organization_id", "external_id")
    return {
        **{name: str(ticket[name]) if ticket.get(name) is not None else None for name in texts},
        "actor_id": str(ticket.get("submitter_id") or ticket["requester_id"]),
        "subject": ticket.get("subject") or ticket.get("raw_subject") or "",
        "description": ticket.get("description") or "",
        "status": str(ticket.get("status") or "").upper(),
        "priority": str(ticket["priority"]).upper() if ticket.get("priority") else None,
        "tags": list(ticket.get("tags") or ()),
        "via": {"channel": (ticket.get("via") or {}).get("channel") or ""},
        "is_public": first.get("public"),
        "updated_at": ticket["updated_at"],
    }


def _comment(comment: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    author = users.get(comment["author_id"]) or {}
    return {
        "id": str(comment["id"]),
        "body": comment.get("plain_body") or comment.get("body") or "",
        "is_public": comment.get("public"),
        "author": {
            "id": str(comment["author_id"]),
            "name": author.get("name") or "",
            "is_staff": author.get("role") in _STAFF,
        },
        "attachments": [
            {
                "id": str(file["id"]),
                "filename": file.get("file_name") or "",
                "content_type": file.get("content_type") or "",
                "content_url": file.get("content_url") or "",
                "size": file.get("size"),
            }
            for file in comment.get("attachments") or ()
        ],
    }


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
