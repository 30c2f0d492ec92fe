"""Who works here, and what HubSpot knows of a customer. Blocking, read-only."""

from __future__ import annotations

from typing import Any, Final

from connectors.hubspot import tickets
from connectors.hubspot.crm import Crm, Json
from connectors.hubspot.settings import HubSpotSettings
from gateway.sdk import Contact, Evidence, Profile, Roster, RosterEntry, proven_address

_CONTACT: Final = ("email", "firstname", "lastname", "lifecyclestage", "hubspot_owner_id", "hs_language", "createdate")
_COMPANY: Final = ("name", "domain", "lifecyclestage", "hubspot_owner_id")
#: How much an identifier is worth when a contact is looked for.
_RANK: Final = {Evidence.VERIFIED: 0, Evidence.ATTESTED: 1}


def roster(crm: Crm, settings: HubSpotSettings, now: int) -> Roster:
    """Return the owners, with their teams as groups; HubSpot does not say here who is at work.

    A rule's group is an owner, unless the settings name a property for it: what that one may hold is not asked for.
    """
    owners = [each for each in crm.owners() if not each.get("archived")]
    named = {str(each["id"]): str(each.get("email") or "") for each in owners}
    return Roster(
        agents=tuple(_agent(each) for each in owners), read_at=now, groups=None if settings.group_property else named
    )


def _agent(owner: Json) -> RosterEntry:
    name = " ".join(str(owner.get(key) or "") for key in ("firstName", "lastName")).strip()
    teams = [team for team in owner.get("teams") or () if team.get("name")]
    # The main team comes first.
    teams.sort(key=lambda team: not team.get("primary"))
    return RosterEntry(
        id=str(owner["id"]),
        name=name or str(owner.get("email") or owner["id"]),
        groups=tuple(str(team["name"]) for team in teams),
    )


def profile(crm: Crm, settings: HubSpotSettings, contact: Contact, now: int) -> Profile:
    """Return what HubSpot knows: of the contact, and of its main company. Empty when it is not known there."""
    further = [name for name in (settings.tier_property, settings.value_property) if name]
    found = _contact(crm, contact, [*_CONTACT, *further])
    if found is None:
        return Profile(values={}, read_at=now)
    own: Json = found.get("properties") or {}
    company = _company(crm, str(found["id"]), [*_COMPANY, *further])
    values: dict[str, Any] = {
        "contact": str(found["id"]),
        "name": tickets.names_of(own),
        "lifecycle_stage": own.get("lifecyclestage"),
        "language": own.get("hs_language"),
        "owner": own.get("hubspot_owner_id") or company.get("hubspot_owner_id"),
        "organization": company.get("name") or company.get("domain"),
        "organization_stage": company.get("lifecyclestage"),
        "tier": _first(settings.tier_property, company, own),
        "value": _number(_first(settings.value_property, company, own)),
    }
    return Profile(values={name: value for name, value in values.items() if value not in (None, "")}, read_at=now)


def _contact(crm: Crm, contact: Contact, properties: list[str]) -> Json | None:
    for party in contact.parties:
        if party.kind == "hubspot_contact":
            return crm.get("contacts", party.value, properties)
    for party in sorted(contact.parties, key=lambda each: _RANK.get(each.evidence, 2)):
        # Somebody who only claims an address is not shown whom it belongs to.
        address = proven_address(party)
        found = crm.get("contacts", address, properties, by="email") if address else None
        if found is not None:
            return found
    return None


def _company(crm: Crm, contact_id: str, properties: list[str]) -> Json:
    ids = crm.associated("contacts", [contact_id], "companies").get(contact_id, [])
    # Without labels nothing tells which is the main one: the oldest is taken.
    found = crm.get("companies", ids[0], properties) if ids else None
    return (found or {}).get("properties") or {}


def _first(name: str, *records: Json) -> object:
    return next((record[name] for record in records if name and record.get(name) not in (None, "")), None)


def _number(value: object) -> object:
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return value
