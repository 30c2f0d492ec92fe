"""Conditions: what may stand otherwise at a vendor for a while, as a search that lags or webhooks that come twice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.testing.webhooks import WebhookSender

_YES: Final = frozenset({"yes", "true", "1", "on"})
_NO: Final = frozenset({"no", "false", "0", "off"})
#: Longest that somebody is made to wait, seconds: a day.
LONGEST: Final = 86_400.0


class Takes(StrEnum):
    """What is written for a condition."""

    SHARE = "a share, 0 to 1 or 0% to 100%"
    FLAG = "yes or no"
    SECONDS = "seconds"
    NUMBER = "a whole number from 1"
    LIMIT = "a whole number from 1, or none for no limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One of them: an attribute of the stand-in, with what it means and what may be written for it."""

    #: What happens with it, a sentence.
    does: str
    #: What is written for it.
    takes: Takes
    #: Whose attribute it is.
    owner: object
    #: The attribute's name.
    attribute: str
    #: What one of what is written is in the attribute: 1,000,000 where that counts microseconds.
    unit: int = 1

    @property
    def value(self) -> Any:
        """Return what stands now, in the unit that is written."""
        value: Any = getattr(self.owner, self.attribute)
        return value if value is None or isinstance(value, bool) or self.unit == 1 else value / self.unit

    def put(self, value: Any) -> None:
        """Have another value stand, in the unit that is written."""
        scaled = value if value is None or isinstance(value, bool) or self.unit == 1 else int(value * self.unit)
        setattr(self.owner, self.attribute, scaled)

    def read(self, text: str | None) -> Any:
        """Return the value that a text means; none stands for "yes, wholly". Raises ValueError for one that means nothing."""
        if self.takes is Takes.FLAG:
            word = (text or "yes").lower()
            if word not in _YES | _NO:
                raise ValueError(word)
            return word in _YES
        if self.takes is Takes.SHARE:
            return share(text or "1")
        if self.takes is Takes.SECONDS:
            return seconds(text or "")
        unlimited = self.takes is Takes.LIMIT and (text or "").lower() == "none"
        return None if unlimited else number(text or "", 1_000_000_000)


def share(text: str) -> float:
    """Return a share as a number from 0 to 1. Raises ValueError."""
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def seconds(text: str) -> float:
    """Return a number of seconds. Raises ValueError."""
    value = float(text)
    if not 0 <= value <= LONGEST:
        raise ValueError(text)
    return value


def number(text: str, most: int) -> int:
    """Return a whole number from 1 to the most that there may be. Raises ValueError."""
    value = int(text)
    if not 1 <= value <= most:
        raise ValueError(text)
    return value


def of_webhooks(sender: object) -> dict[str, Condition]:
    """Return the conditions under which a vendor sends its webhooks; none for one that sends none."""
    if not isinstance(sender, WebhookSender):
        return {}
    twice = "This share of webhooks comes twice."
    lost = "This share of webhooks never comes."
    mixed = "Webhooks that wait together are sent in any order; `baton sandbox` has them wait for two seconds then."
    return {
        "duplicates": Condition(does=twice, takes=Takes.SHARE, owner=sender, attribute="duplicates"),
        "dropped": Condition(does=lost, takes=Takes.SHARE, owner=sender, attribute="dropped"),
        "shuffled": Condition(does=mixed, takes=Takes.FLAG, owner=sender, attribute="shuffled"),
    }
