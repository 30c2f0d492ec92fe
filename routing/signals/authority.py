"""Who did it, what they may decide alone, and what they would have to know: against the agents whom the policy names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model import Activity
from routing.people import Action, Agent, People
from routing.signals.amounts import NONE, Amount, read_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that somebody did, of which the policy says up to what amount it may be done."""

    #: The action, None when it was none.
    action: str | None = None
    #: What is said of its amount.
    said: Amount = NONE
    #: Up to what amount the agent may do it; None when no agent of the policy did.
    limit: float | None = None

    @property
    def amount(self) -> float | None:
        """Its amount; None when there is none, or it cannot be read."""
        return self.said.value

    @property
    def exceeds(self) -> bool:
        """Tell whether it is more than the agent may."""
        return self.amount is not None and self.limit is not None and self.amount > self.limit


def deed_of(activity: Activity, people: People) -> Deed:
    """Return what an activity did: the first action of the policy that is above its limit, or else the first."""
    fields = _told(activity)
    if not fields:
        return Deed()
    actor = people.who(activity.connection, activity.sender)
    deeds = [_deed(fields, action, activity.connection, actor) for action in people.actions.values()]
    found = [deed for deed in deeds if deed is not None]
    return next((deed for deed in found if deed.exceeds), found[0] if found else Deed())


def needed_skill(activity: Activity, people: People) -> str | None:
    """Return the skill that a chatbot, or a tag of the ticket, asks for; the first of the policy when there are several."""
    asked = {str(activity.extras.get("skill") or "").casefold()}
    if activity.ticket is not None:
        asked |= {tag.casefold() for tag in activity.ticket.tags or ()}
    return next((name for name, skill in people.skills.items() if skill.words & asked), None)


def lacks(agent: Agent, skill: str, people: People) -> bool:
    """Tell whether an agent does not know enough of a skill for its work."""
    return agent.skills.get(skill, 0) < people.skills[skill].level


def _told(activity: Activity) -> Mapping[str, str]:
    """Return the fields that an activity brought: changed on a ticket, or collected by a chatbot."""
    if activity.ticket is not None and activity.ticket.fields:
        return activity.ticket.fields
    return activity.bot.fields if activity.bot is not None else {}


def _deed(fields: Mapping[str, str], action: Action, connection: str, actor: Agent | None) -> Deed | None:
    field = action.fields.get(connection)
    value = fields.get(field, "").strip() if field is not None else ""
    if not value:
        return None
    limit = actor.limit(action.name) if actor is not None else None
    return Deed(action=action.name, said=read_amount(value), limit=limit)
