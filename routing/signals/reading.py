"""The signals of one activity, each worked out when somebody first asks for it, and kept with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from typing import Final

from gateway.model import Activity, ActivityKind, Case
from gateway.model.life import is_customers
from routing.signals.attempts import REMEMBERED, alike, fingerprint
from routing.signals.customer import NOBODY, Customer
from routing.signals.requests import Requests, distress_in, requests_in, requests_of
from routing.signals.sentiment import Feeling, Scorer, feeling, mean_after

#: Fields of the case that need each message of the customer to be looked at, once a policy asks for them.
REMEMBERING: Final = frozenset({"case.repeated_question", "case.sentiment"})


class Signals:
    """What an activity says of itself. The names are those of the fields `message.…` that conditions read."""

    def __init__(self, activity: Activity, lexicons: Mapping[str, Scorer], customer: Customer = NOBODY) -> None:
        """Look at nothing yet."""
        self._activity = activity
        self._lexicons = lexicons
        #: What is known of the customer: the fields `customer.…`.
        self.customer = customer

    @cached_property
    def requests(self) -> Requests:
        """Return what is asked for."""
        return requests_of(self._activity)

    @property
    def wants_person(self) -> bool:
        """Return whether a person is asked for; a manager is one."""
        return bool(self.requests.person)

    @property
    def wants_manager(self) -> bool:
        """Return whether somebody is asked for who decides."""
        return bool(self.requests.manager)

    @cached_property
    def distress_words(self) -> tuple[str, ...]:
        """Return the phrases of distress that occur."""
        return distress_in(self._activity.reply_text)

    @property
    def distress(self) -> bool:
        """Return whether the writer may be in danger."""
        return bool(self.distress_words)

    @cached_property
    def feeling(self) -> Feeling:
        """Return how the writer feels, and how that is known."""
        return feeling(self._activity.reply_text, self._activity.language, self._lexicons)

    @property
    def sentiment(self) -> float | None:
        """Return how the writer feels, from -1 to 1; None when unknown."""
        return self.feeling.score

    def evidence(self, field: str) -> str:
        """Return in a few words what a signal stands on; empty for a field that is no signal, or has none.

        Only our own words, numbers and languages stand here, so that it may be kept with a decision.
        """
        match field:
            case "message.wants_person":
                return "; ".join(self.requests.person)
            case "message.wants_manager":
                return "; ".join(self.requests.manager)
            case "message.distress":
                return "; ".join(self.distress_words)
            case "message.sentiment":
                return f"{self.sentiment:g} ({self.feeling.why})" if self.sentiment is not None else self.feeling.why
            case _:
                return self.customer.evidence(field) if field.startswith("customer.") else ""


def remember(case: Case, signals: Signals, activity: Activity, needed: AbstractSet[str]) -> Case:
    """Return the case with what the signals of a customer's message leave behind, as far as the policy asks for it."""
    if activity.kind is not ActivityKind.MESSAGE or not is_customers(activity):
        return case
    if "case.sentiment" in needed:
        case = replace(case, sentiment=mean_after(case.sentiment, signals.sentiment))
    if "case.repeated_question" in needed and (mark := fingerprint(activity.reply_text)):
        again = sum(alike(mark, earlier) for earlier in case.asked)
        case = replace(case, asked=(*case.asked, mark)[-REMEMBERED:], repeated_question=again)
    return case


def consume(case: Case, at: int) -> Case:
    """Return the case with all its evidence spent: from `at` on, microseconds of Baton's clock, only newer counts."""
    return replace(
        case,
        spent_at=at,
        bot_turns=0,
        bot_fallbacks=0,
        reopened=0,
        sentiment=None,
        asked=(),
        repeated_question=0,
    )


def of_text(text: str, language: str, lexicons: Mapping[str, Scorer]) -> dict[str, dict[str, object]]:
    """Return the signals of a text alone, by name: the value (None when unknown), and the evidence."""
    feels = feeling(text, language, lexicons)
    requests = requests_in(text)
    distress = distress_in(text)
    return {
        "wants_person": {"value": bool(requests.person), "evidence": list(requests.person)},
        "wants_manager": {"value": bool(requests.manager), "evidence": list(requests.manager)},
        "distress": {"value": bool(distress), "evidence": list(distress)},
        "sentiment": {"value": feels.score, "evidence": [feels.why]},
        "language": {"value": language or None, "evidence": []},
    }
