"""Who works in RT: the members of its groups. REST2 does not tell who holds OwnTicket, and RT knows no presence and no skills."""

from __future__ import annotations

import json
from typing import Any, Final

from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.transport import AbsentError, Api, DeniedError
from gateway.sdk import PermanentFailure, Roster, RosterEntry

_PAGE: Final = 100
_MOST_PAGES: Final = 50


async def roster_of(api: Api, settings: RequestTrackerSettings, now: int) -> Roster:
    """Return the roster. Raises PermanentFailure for a group that is not there or hidden."""
    groups = await _groups(api)
    wanted = settings.agent_groups or tuple(sorted(groups))
    lacking = [name for name in wanted if name not in groups]
    if lacking:
        raise PermanentFailure(
            f"Request Tracker has no group {', '.join(lacking)}, or hides it from our user: mend agent_groups or grant SeeGroup."
        )
    member_of: dict[str, list[str]] = {}
    for name in wanted:
        for member in await _items(api, f"group/{groups[name]}/members", recursively=1, groups=0):
            if member.get("type") == "user":
                member_of.setdefault(str(member["id"]), []).append(name)
    agents = [await _agent(api, user, names) for user, names in sorted(member_of.items())]
    return Roster(agents=tuple(agent for agent in agents if agent is not None), read_at=now)


async def _groups(api: Api) -> dict[str, str]:
    condition = [{"field": "Domain", "operator": "=", "value": "UserDefined"}]
    found = await _items(api, "groups", query=json.dumps(condition), fields="Name,Domain")
    return {str(each["Name"]): str(each["id"]) for each in found if each.get("Domain") == "UserDefined"}


async def _agent(api: Api, user: str, groups: list[str]) -> RosterEntry | None:
    """Return an agent; None for one who is disabled, who is hidden, or who is ourselves."""
    try:
        found = await api.get("user", user)
    except (AbsentError, DeniedError):
        return None
    name = str(found.get("Name") or user)
    if str(found.get("Disabled") or "0") == "1":
        return None
    return RosterEntry(id=name, name=str(found.get("RealName") or name), groups=tuple(groups))


async def _items(api: Api, path: str, **query: str | int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.get(*path.split("/"), **query, page=page, per_page=_PAGE)
        items = answer.get("items") or []
        found += items
        pages = answer.get("pages")
        if not items or (isinstance(pages, int | float) and page >= pages):
            break
    return found
