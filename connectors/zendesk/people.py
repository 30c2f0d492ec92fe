"""Who works in a Zendesk account, and what it knows of a customer.

Source: developer.zendesk.com/api-reference/ticketing/users/users, …/groups/group_memberships, …/organizations/organizations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from gateway.sdk import Contact, Evidence, Party, PermanentFailure, Profile, Roster, RosterEntry

#: Asks the API for a path and returns all its pages' rows under a name.
Pages = Callable[[str, str], Iterable[Mapping[str, Any]]]
#: Asks the API for a path and returns the object under a name.
Object = Callable[[str, str], Mapping[str, Any]]

_PROVEN: Final = frozenset({Evidence.VERIFIED, Evidence.ATTESTED})


def roster(pages: Pages, now: int) -> Roster:
    """Return the agents with the names of their groups. Who can take work now Zendesk tells only with its routing add-on."""
    groups = {each["id"]: str(each["name"]) for each in pages("groups.json", "groups")}
    belongs: dict[int, list[str]] = {}
    for each in pages("group_memberships.json", "group_memberships"):
        if each["group_id"] in groups:
            belongs.setdefault(each["user_id"], []).append(groups[each["group_id"]])
    users = pages("users.json?role[]=agent&role[]=admin", "users")
    agents = [
        RosterEntry(
            id=str(each["id"]), name=str(each.get("name") or ""), groups=tuple(sorted(belongs.get(each["id"], ())))
        )
        for each in users
        if each.get("active", True) and not each.get("suspended")
    ]
    return Roster(
        agents=tuple(sorted(agents, key=lambda agent: int(agent.id))),
        read_at=now,
        groups={str(number): name for number, name in groups.items()},
    )


def profile(pages: Pages, one: Object, contact: Contact, fields: Mapping[str, str], now: int) -> Profile:
    """Return what Zendesk knows of a contact, by our names; nothing when it does not know them.

    `fields` says what else to take: our name → ``user.KEY`` or ``organization.KEY`` of a custom field.
    """
    user = _user(pages, one, contact)
    if user is None:
        return Profile(values={}, read_at=now)
    organization: Mapping[str, Any] = {}
    if user.get("organization_id"):
        organization = one(f"organizations/{user['organization_id']}.json", "organization")
    tags = sorted({*(user.get("tags") or ()), *(organization.get("tags") or ())})
    values: dict[str, object] = {"tags": tags, "organization": organization.get("name"), "locale": user.get("locale")}
    sources = {"user": user.get("user_fields") or {}, "organization": organization.get("organization_fields") or {}}
    for name, path in fields.items():
        where, _, key = path.partition(".")
        values[name] = sources[where].get(key)
    return Profile(values={name: value for name, value in values.items() if value not in (None, [])}, read_at=now)


def _user(pages: Pages, one: Object, contact: Contact) -> Mapping[str, Any] | None:
    """Find the user by an id of Zendesk's, or by an address that is proven: what somebody typed could be anybody's."""
    for party in contact.parties:
        if party.kind == "zendesk_user" and party.value.isdigit():
            try:
                return one(f"users/{party.value}.json", "user")
            except PermanentFailure:
                continue
    for address in _addresses(contact.parties):
        found = list(pages(f"users/search.json?query=email:{address}", "users"))
        exact = [each for each in found if str(each.get("email") or "").lower() == address.lower()]
        if exact:
            return exact[0]
    return None


def _addresses(parties: Iterable[Party]) -> list[str]:
    given = [party.value if party.kind == "email" else party.email for party in parties if party.evidence in _PROVEN]
    return [address for address in given if address and address.isascii() and not set(address) & set(' "&?#:<>')]
