"""Who did it, what they may decide alone, and what they would have to know: against the agents whom the policy names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import Activity
from routing.people import Action, Agent, People

#: A number as people and fields write it, with what may stand around it: 900 · 900.50 · €1,234.50 · 1.234,50 EUR · -20.
_AMOUNT: Final = re.compile(r"[^\d.,'\u2019]{0,8}?(?P<number>\d[\d.,'\u2019\u00a0\u202f ]{0,24})[^\d.,]{0,8}")
_BLANKS: Final = str.maketrans("", "", "'\u2019\u00a0\u202f ")
_THREE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that somebody did, of which the policy says up to what amount it may be done."""

    #: The action, None when it was none.
    action: str | None = None
    #: Its amount; None when there is none, or it cannot be read.
    amount: float | None = None
    #: Up to what amount the agent may do it; None when no agent of the policy did.
    limit: float | None = None

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


def amount_in(text: str) -> float | None:
    """Return the amount that a field says, without its sign; None when it cannot be read for sure.

    A point or comma with three digits behind it may mean thousands or thousandths: alone, it is not read.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    number = found["number"].translate(_BLANKS)
    signs = "".join(sign for sign in number if sign in ".,")
    if not signs:
        return float(number)
    whole, _, rest = number.rpartition(signs[-1])
    if len(set(signs)) > 1:
        # Two signs: the last one begins the fraction, and the other parts thousands.
        parted = whole.split(signs[0])
        return _number(parted, rest) if signs.count(signs[-1]) == 1 and _thousands(parted) else None
    if len(signs) > 1:
        parted = number.split(signs[0])
        return _number(parted, "0") if _thousands(parted) else None
    return None if len(rest) == _THREE and whole.strip("0") else _number([whole], rest)


def _thousands(parts: Sequence[str]) -> bool:
    """Tell whether a number is parted into thousands."""
    return all(len(part) == _THREE for part in parts[1:])


def _number(parts: Sequence[str], rest: str) -> float | None:
    return float(f"{''.join(parts)}.{rest}") if rest.isdecimal() else None


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
    return Deed(action=action.name, amount=amount_in(value), limit=limit)
