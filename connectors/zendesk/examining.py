"""What `baton doctor` asks Zendesk: the role of our user, what it lacks and what it has beyond need. Only reads.

Sources: developer.zendesk.com/api-reference/ticketing/users/users (`role`, `ticket_restriction`, `suspended`) and
…/account-configuration/custom_roles (Enterprise; any agent may list them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from connectors.zendesk.api import Api
from connectors.zendesk.calls import judged
from gateway.sdk import CredentialsRefused, Examination, Finding, PermanentFailure

#: What a custom role may hold that Baton never does, by Zendesk's names; besides all that begins with `manage_`.
_BEYOND: Final = (
    *("ticket_deletion", "ticket_merge", "ticket_redaction", "organization_editing", "moderate_forums"),
    *("view_deleted_tickets", "side_conversation_create", "voice_access"),
)
#: Values of a permission that allow nothing to be changed.
_HARMLESS: Final = (False, None, "", "none", "off", "readonly")


def examine(api: Api) -> Examination:
    """Return what was found. It blocks; raises errors of the contract where Zendesk cannot be asked at all."""
    me = api.object("users/me.json", "user")
    addresses = [str(each["email"]).lower() for each in api.pages("recipient_addresses.json", "recipient_addresses")]
    return Examination(
        findings=(*_role(me), *_restrictions(me), *_custom_role(me, api)),
        addresses=tuple(f"email:{each}" for each in addresses),
    )


def _role(me: Mapping[str, Any]) -> Iterable[Finding]:
    role = str(me.get("role") or "")
    staff, admin = role in {"agent", "admin"}, role == "admin"
    yield Finding(
        subject="role",
        good=staff,
        sentence=f"The user is {role or 'nobody'} in Zendesk.",
        advice="" if staff else "Make it an agent who may see all tickets and write internal notes.",
    )
    yield Finding(
        subject="poll",
        good=admin,
        sentence="The incremental export is for admins: what webhooks miss is found."
        if admin
        else "The incremental export is for admins, which the user is not: what webhooks miss stays missed.",
        advice="" if admin else "Make it an admin.",
    )
    if admin:
        yield Finding(
            subject="least privilege",
            good=True,
            sentence="An admin may change the account itself, which Baton never does: only the incremental export demands it.",
            advice="Where a lost webhook may stay lost, make it an agent with access to all tickets.",
        )


def _restrictions(me: Mapping[str, Any]) -> Iterable[Finding]:
    if me.get("suspended"):
        yield Finding(
            subject="user",
            good=False,
            sentence="The user is suspended: what it does is put aside.",
            advice="Lift the suspension.",
        )
    restriction = str(me.get("ticket_restriction") or "")
    if restriction:
        yield _partial(f"its access is set to {restriction!r}")


def _custom_role(me: Mapping[str, Any], api: Api) -> Iterable[Finding]:
    number = me.get("custom_role_id")
    if me.get("role") != "agent" or number is None:
        return
    try:
        roles = judged(lambda: list(api.pages("custom_roles.json", "custom_roles")), writes=False)
    except (PermanentFailure, CredentialsRefused):
        roles = []
    found = next((each for each in roles if each.get("id") == number), None)
    if found is None:
        yield Finding(
            subject="least privilege",
            good=True,
            sentence="Zendesk does not show what the user's custom role may do.",
            advice="See in Admin Center, People, Roles, that it may see, comment on and edit all tickets, and manage nothing.",
        )
        return
    may: Mapping[str, Any] = found.get("configuration") or {}
    name = str(found.get("name") or number)
    if may.get("ticket_access", "all") != "all":
        yield _partial(f"role {name!r} has ticket access {may['ticket_access']!r}")
    if may.get("ticket_editing") is False:
        yield Finding(
            subject="scopes",
            good=False,
            sentence=f"Role {name!r} may not edit tickets: no status, group, tags or priority can be set.",
            advice="Give it a role that may edit tickets; a light agent's may not.",
        )
    further = sorted(
        key for key, value in may.items() if (key.startswith("manage_") or key in _BEYOND) and value not in _HARMLESS
    )
    yield Finding(
        subject="least privilege",
        good=True,
        sentence=f"Role {name!r} may do more than Baton needs: {', '.join(further)}."
        if further
        else f"Role {name!r} may do nothing beyond what Baton needs, as far as was looked at.",
        advice="Take away what nothing else needs." if further else "",
    )


def _partial(why: str) -> Finding:
    return Finding(
        subject="scopes",
        good=False,
        sentence=f"The user does not see all tickets ({why}): handoffs to the others fail, and their events are not read.",
        advice="Let it see the tickets of all groups.",
    )
