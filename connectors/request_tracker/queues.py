"""Queues of RT and the custom fields that their tickets have, believed for some minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.request_tracker.transport import Api

#: How long what RT told of a queue is believed, microseconds.
_BELIEVED: Final = 600 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One queue, as our user sees it."""

    #: RT's number.
    id: str
    #: Its name.
    name: str
    #: Custom fields of its tickets that our user sees, by name.
    fields: frozenset[str]
    #: True when our user may create tickets in it.
    creates: bool
    #: Mail addresses that RT answers from and reads, in that queue.
    addresses: tuple[str, ...]


class Queues:
    """All queues that were asked for."""

    def __init__(self, api: Api, now: Callable[[], int]) -> None:
        """Take the API and the clock."""
        self._api = api
        self._now = now
        self._known: dict[str, tuple[int, Queue]] = {}

    async def get(self, name: str) -> Queue:
        """Return a queue by name or number. Raises `AbsentError` or `DeniedError`."""
        known = self._known.get(name)
        if known is None or self._now() - known[0] > _BELIEVED:
            known = (self._now(), await read(self._api, name))
            # What lacks something is asked for again each time: somebody may be mending it.
            if known[1].fields:
                self._known[name] = known
        return known[1]


async def read(api: Api, name: str) -> Queue:
    """Return a queue by name or number, as RT tells it now. Raises `AbsentError` or `DeniedError`."""
    found = await api.get("queue", name)
    return Queue(
        id=str(found["id"]),
        name=str(found.get("Name") or name),
        fields=frozenset(str(each.get("name")) for each in found.get("TicketCustomFields") or []),
        creates=any(each.get("ref") == "create" for each in found.get("_hyperlinks") or []),
        addresses=tuple(str(found[key]) for key in ("CorrespondAddress", "CommentAddress") if found.get(key)),
    )
