"""What `baton doctor` wants to know of an RT: version, user, queue, custom fields, rights. Only reads."""

from __future__ import annotations

from typing import Any, Final

from connectors.request_tracker.queues import Queue, read
from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.transport import AbsentError, Api, DeniedError
from gateway.sdk import Examination, Finding

#: Main versions that REST2 comes with and that this connector was made for.
_VERSIONS: Final = ("5.", "6.")
#: What a ticket's links tell of our rights on it.
_RIGHTS: Final = {"comment": "CommentOnTicket", "correspond": "ReplyToTicket"}


async def examined(api: Api, settings: RequestTrackerSettings, me: Any) -> Examination:
    """Look, and say what was found."""
    findings = [_version(await api.get("rt")), _privileged(settings, me)]
    try:
        queue = await read(api, settings.queue)
    except (AbsentError, DeniedError):
        findings.append(
            Finding(
                subject="queue",
                good=False,
                sentence=f"Request Tracker has no queue {settings.queue!r}, or hides it from our user.",
                advice="Make the queue, mend `queue`, or grant SeeQueue.",
            )
        )
        return Examination(findings=tuple(findings))
    findings += [_queue(queue), *_fields(settings, queue), *await _rights(api, queue)]
    return Examination(
        findings=tuple(findings), addresses=tuple(f"email:{address.lower()}" for address in queue.addresses)
    )


def _version(told: Any) -> Finding:
    version = str(told.get("Version") or "unknown")
    good = version.startswith(_VERSIONS)
    advice = "" if good else "This connector needs Request Tracker 5."
    return Finding(subject="version", good=good, sentence=f"It is Request Tracker {version}.", advice=advice)


def _privileged(settings: RequestTrackerSettings, me: Any) -> Finding:
    good = str(me.get("Privileged")) == "1"
    return Finding(
        subject="user",
        good=good,
        sentence=f"Baton works as {settings.user!r}, who is {'' if good else 'not '}privileged.",
        advice="" if good else "Let this user be granted rights (Admin, Users).",
    )


def _queue(queue: Queue) -> Finding:
    may = "may" if queue.creates else "may not"
    return Finding(
        subject="CreateTicket",
        good=queue.creates,
        sentence=f"Our user {may} create tickets in queue {queue.name!r}.",
        advice="" if queue.creates else "Grant CreateTicket on the queue.",
    )


def _fields(settings: RequestTrackerSettings, queue: Queue) -> list[Finding]:
    found: list[Finding] = []
    for key in ("external_id_field", "tags_field", "sla_due_field"):
        name: str = getattr(settings, key)
        if not name:
            continue
        good = name in queue.fields
        found.append(
            Finding(
                subject=key,
                good=good,
                sentence=f"Tickets of queue {queue.name!r} {'have' if good else 'have no'} custom field {name!r}"
                f"{'' if good else ' that our user sees'}.",
                advice="" if good else "Apply the field to the queue, and grant SeeCustomField on it.",
            )
        )
    return found


async def _rights(api: Api, queue: Queue) -> list[Finding]:
    """Look at the newest ticket of the queue: RT tells our rights by the links that it offers."""
    answer = await api.get("tickets", query=f"Queue = {queue.id}", orderby="id", order="DESC", per_page=1)
    newest = next(iter(answer.get("items") or []), None)
    if newest is None:
        return [
            Finding(
                subject="ShowTicket",
                good=False,
                sentence=f"Our user sees no ticket in queue {queue.name!r}: it is empty, or ShowTicket is missing.",
                advice="Make a ticket there, grant ShowTicket, and look again: only then can the other rights be seen.",
            )
        ]
    ticket = await api.get("ticket", str(newest["id"]))
    offered = {str(each.get("ref")) for each in ticket.get("_hyperlinks") or []}
    found = [Finding(subject="ShowTicket", good=True, sentence=f"Our user sees tickets in queue {queue.name!r}.")]
    for link, right in _RIGHTS.items():
        good = link in offered
        found.append(
            Finding(
                subject=right,
                good=good,
                sentence=f"Our user {'has' if good else 'lacks'} {right} on ticket {newest['id']}.",
                advice="" if good else f"Grant {right} on the queue.",
            )
        )
    return found
