"""What is known of the customer, as conditions read it: the values of a profile, whatever an outside system put there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

from gateway.model import Profile

#: Longest word that is taken from a profile, characters: it stands in traces and notes.
_LONGEST: Final = 80
_SECOND: Final = 1_000_000
_UNITS: Final = (("d", 86_400 * _SECOND), ("h", 3_600 * _SECOND), ("m", 60 * _SECOND), ("s", _SECOND))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRules:
    """Where the policy's knowledge of customers comes from."""

    #: The connection that is asked.
    connection: str
    #: Microseconds after which a profile is stale: it still counts, and is asked for anew.
    fresh_for: int
    #: Tiers and tags that make a customer a VIP, folded.
    vip: frozenset[str]


class Customer:
    """A customer as far as they are known. The names are those of the fields `customer.…` that conditions read."""

    def __init__(self, rules: CustomerRules | None, profile: Profile | None, now: int) -> None:
        """Look at nothing yet. Without a profile everything is unknown."""
        self._rules = rules
        self._read_at = profile.read_at if profile is not None else None
        self._values: Mapping[str, object] = profile.values if profile is not None else {}
        self._now = now

    @property
    def tier(self) -> str | None:
        """Return the tier, in the other system's word."""
        return _word(self._values.get("tier"))

    @property
    def organization(self) -> str | None:
        """Return the organization's name."""
        return _word(self._values.get("organization"))

    @property
    def language(self) -> str | None:
        """Return the customer's language, by its two letters (ISO 639-1)."""
        word = _word(self._values.get("language")) or _word(self._values.get("locale"))
        return None if word is None else (word.replace("_", "-").partition("-")[0].casefold() or None)

    @property
    def value(self) -> float | None:
        """Return what the customer is worth, in the other system's unit."""
        given = self._values.get("value")
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            return None
        try:
            number = float(given)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Return the customer's tags."""
        given = self._values.get("tags")
        if not isinstance(given, list | tuple):
            return ()
        found = (_word(each) for each in cast("Iterable[object]", given))
        return tuple(each for each in found if each is not None)

    @property
    def vip(self) -> bool | None:
        """Return whether the tier or a tag is one of those that the policy names; None when nothing is known."""
        return None if self._read_at is None else bool(self.vip_for)

    @cached_property
    def vip_for(self) -> str:
        """Return what makes the customer a VIP: ``tier gold``, ``tag vip``; empty for nothing."""
        named = self._rules.vip if self._rules is not None else frozenset[str]()
        tier = self.tier
        if tier is not None and tier.casefold() in named:
            return f"tier {tier}"
        return next((f"tag {tag}" for tag in self.tags if tag.casefold() in named), "")

    @property
    def profile_age(self) -> int | None:
        """Return how old what is known is, microseconds; None when nothing is."""
        return None if self._read_at is None else max(0, self._now - self._read_at)

    @property
    def profile_stale(self) -> bool | None:
        """Return whether it is older than the policy allows; None when nothing is known."""
        age = self.profile_age
        return None if age is None or self._rules is None else age > self._rules.fresh_for

    @property
    def wanted(self) -> bool:
        """Return whether somebody should be asked: nothing is known, or it is stale."""
        return self._rules is not None and self.profile_stale is not False

    def evidence(self, field: str) -> str:
        """Return in a few words what a field `customer.…` stands on. Words of a class and numbers, never names."""
        age = self.profile_age
        if age is None or self._rules is None:
            return "unknown"
        told: object = {
            "customer.vip": self.vip_for or "no",
            "customer.tier": self.tier,
            "customer.value": None if self.value is None else f"{self.value:g}",
            "customer.language": self.language,
            # The name of an organization may be a person's.
            "customer.organization": "known" if self.organization else None,
        }.get(field, "")
        shown = "unknown" if told is None else str(told)
        return f"{shown} ({self._source(age)})".strip()

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return what people are told, label and value; nothing when nothing is known of them."""
        age = self.profile_age
        if age is None or not self._values:
            return ()
        told = (
            ("VIP", self.vip_for),
            ("Tier", self.tier),
            ("Organization", self.organization),
            ("Value", None if self.value is None else f"{self.value:,.10g}"),
            ("Profile", self._source(age)),
        )
        return tuple((label, value) for label, value in told if value)

    def _source(self, age: int) -> str:
        name = self._rules.connection if self._rules is not None else ""
        return f"{name}, {_told(age)} old{', stale' if self.profile_stale else ''}"


def _word(value: object) -> str | None:
    """Return a value of a profile as one short line; None for what is no word."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    line = " ".join(str(value).split())[:_LONGEST]
    return line or None


def _told(age: int) -> str:
    """Return an age in its largest whole unit: ``3h``."""
    return next((f"{age // length}{unit}" for unit, length in _UNITS if age >= length), "0s")


#: Nobody is known.
NOBODY: Final = Customer(None, None, 0)
