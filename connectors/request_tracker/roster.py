"""Who works in RT: the members of its groups. REST2 does not tell who holds OwnTicket, and RT knows no presence and no skills."""

from __future__ import annotations

import json
from typing import Any, Final

from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.transport import AbsentError, Api, DeniedError
from gateway.sdk import PermanentFailure, Roster, RosterEntry

_PAGE: Final = 100
_MOST_PAGES: Final = 50
#: Groups within one group that are looked into, at most.
_DEEPEST: Final = 50


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
        for user in sorted(await _members(api, groups[name], set())):
            member_of.setdefault(user, []).append(name)
    agents = [
        await _agent(api, user, names)
        for user, names in sorted(member_of.items())
        if user.lower() != settings.user.lower()
    ]
    # A rule's group is a queue of RT: its groups are of people.
    queues = {str(each["id"]): str(each["Name"]) for each in await _pages(api, "queues", "all", fields="Name")}
    return Roster(agents=tuple(agent for agent in agents if agent is not None), read_at=now, groups=queues)


async def _groups(api: Api) -> dict[str, str]:
    condition = [{"field": "Domain", "operator": "=", "value": "UserDefined"}]
    found = await _pages(api, "groups", query=json.dumps(condition), fields="Name,Domain")
    return {str(each["Name"]): str(each["id"]) for each in found if each.get("Domain") == "UserDefined"}


async def _pages(api: Api, *path: str, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.get(*path, **asked, page=page, per_page=_PAGE)
        items = answer.get("items") or []
        found += items
        if not items:
            break
    return found


async def _members(api: Api, group: str, seen: set[str]) -> set[str]:
    """Return the names of a group's users, those of groups within it as well.

    RT's own list of members wants AdminGroupMembership, the right to change it; what a group shows of itself only SeeGroup.
    """
    if group in seen or len(seen) > _DEEPEST:
        return set()
    seen.add(group)
    users: set[str] = set()
    try:
        members = (await api.get("group", group)).get("Members") or []
    except (AbsentError, DeniedError):
        return users
    for member in members:
        if member.get("type") == "user":
            users.add(str(member["id"]))
        elif member.get("type") == "group":
            users |= await _members(api, str(member["id"]), seen)
    return users


async def _agent(api: Api, user: str, groups: list[str]) -> RosterEntry | None:
    """Return an agent; None for one who is disabled or hidden."""
    try:
        found = await api.get("user", user)
    except (AbsentError, DeniedError):
        return None
    name = str(found.get("Name") or user)
    if str(found.get("Disabled") or "0") == "1":
        return None
    return RosterEntry(id=name, name=str(found.get("RealName") or name), groups=tuple(groups))
