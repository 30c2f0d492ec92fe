"""Whose text messages are staff's: the numbers that the policy tells. What they say answers a notice, and never makes a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from gateway.model import Activity, Channel
from gateway.model.staff import said_by_staff
from gateway.store.ports import ParsedDelivery
from routing.policy import Policy

_PHONE: Final = "phone"


def heard(parsed: ParsedDelivery, policy: Policy) -> ParsedDelivery:
    """Return what a delivery says, with what staff said in it told apart from what customers say."""
    numbers = staff_numbers(policy)
    if not numbers or not any(_is_theirs(activity, numbers) for _, activity in parsed.activities):
        return parsed
    activities = tuple(
        (place, said_by_staff(activity) if _is_theirs(activity, numbers) else activity)
        for place, activity in parsed.activities
    )
    return replace(parsed, activities=activities)


@lru_cache(maxsize=4)
def staff_numbers(policy: Policy) -> frozenset[str]:
    """Return the telephone numbers that a policy tells of cases, whatever connection it does so over."""
    return frozenset(place for place in _places(policy) if place.startswith("+"))


def _places(policy: Policy) -> Iterator[str]:
    for ladder in policy.ladders.values():
        for stage in (*ladder.steps, ladder.final):
            yield from (address.place for address in stage.notify)
    for agent in policy.people.agents.values():
        yield from (address.place for address in agent.notify)
        yield from (each for ids in agent.ids.values() for each in ids)


def _is_theirs(activity: Activity, numbers: frozenset[str]) -> bool:
    sender = activity.sender
    return (
        activity.channel is Channel.MESSAGING
        and sender is not None
        and sender.kind == _PHONE
        and sender.value in numbers
        and not activity.own
    )
