"""The signals of one activity, each worked out when somebody first asks for it, and kept with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Final

from gateway.model import Activity, ActivityKind, Burst, Case, Membership, Risk, altered
from gateway.model.life import is_customers
from routing.people import NOBODY, Agent, People
from routing.phrases import PhraseBook, canonical
from routing.signals.amounts import shown
from routing.signals.attempts import REMEMBERED, alike, fingerprint
from routing.signals.authority import Deed, deed_of, lacks, needed_skill
from routing.signals.customer import NOBODY as NO_CUSTOMER
from routing.signals.customer import Customer
from routing.signals.deadlines import NO_SLA, SlaFacts
from routing.signals.denied import said_of, sightings
from routing.signals.distress import distress_in
from routing.signals.requests import Requests, requests_in, requests_of
from routing.signals.sentiment import Feeling, Scorer, feeling, mean_after
from routing.signals.solved import solved_by, solved_in

#: Fields of the case that need each message of the customer to be looked at, once a policy asks for them.
REMEMBERING: Final = frozenset({"case.repeated_question", "case.sentiment"})
#: Nobody was asked for the risk.
NO_RISK: Final = Risk(evidence="unknown: nothing was learned")
#: Fields whose evidence is what the policy says of agents.
_OF_PEOPLE: Final = frozenset({"authority.amount", "authority.limit", "actor.lacks_skill", "needed.skill"})


class Signals:
    """What an activity says of itself. The names are those of the fields `message.…` that conditions read."""

    def __init__(
        self,
        activity: Activity,
        lexicons: Mapping[str, Scorer],
        people: People = NOBODY,
        customer: Customer = NO_CUSTOMER,
    ) -> None:
        """Look at nothing yet."""
        self._activity = activity
        self._lexicons = lexicons
        self._people = people
        #: What is known of the customer: the fields `customer.…`.
        self.customer = customer
        #: What the case's SLA says, for the fields `sla.…`.
        self.sla: SlaFacts = NO_SLA
        #: What a model says of the case's risk, for the field `risk.score`.
        self.risk: Risk = NO_RISK
        #: What was counted for incidents, and the open one that the case belongs to: `burst.…` and `incident.…`.
        self.bursts: tuple[Burst, ...] = ()
        self.incident: Membership | None = None

    @cached_property
    def tokens(self) -> str:
        """Return what was written as canonical tokens, in which conditions look for words and phrases."""
        return canonical(self._activity.reply_text)

    def phrases(self, book: PhraseBook, tokens: str) -> frozenset[str]:
        """Return the lists of a book of which a phrase occurs in the text's tokens that the writer does not deny."""
        language = self._activity.language
        found = book.names_in(tokens, language)
        return said_of(book, found, tokens, self._activity.reply_text, language) if found else found

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
    def solved_words(self) -> tuple[str, ...]:
        """Return what says that the matter is solved."""
        return solved_by(self._activity)

    @property
    def solved(self) -> bool:
        """Return whether the writer says that the matter is solved."""
        return bool(self.solved_words)

    @cached_property
    def feeling(self) -> Feeling:
        """Return how the writer feels, and how that is known."""
        return feeling(self._activity.reply_text, self._activity.language, self._lexicons)

    @property
    def sentiment(self) -> float | None:
        """Return how the writer feels, from -1 to 1; None when unknown."""
        return self.feeling.score

    # --- against the agents of the policy ----------------------------------------------------------------------------
    @cached_property
    def actor(self) -> Agent | None:
        """Return the agent who did it, None when it is nobody whom the policy names."""
        return self._people.who(self._activity.connection, self._activity.sender)

    @property
    def actor_name(self) -> str | None:
        """Return the name of the agent who did it."""
        return self.actor.name if self.actor is not None else None

    @property
    def actor_skills(self) -> frozenset[str]:
        """Return what the agent who did it knows well enough for its work."""
        if self.actor is None:
            return frozenset()
        return frozenset(name for name in self.actor.skills if not lacks(self.actor, name, self._people))

    @cached_property
    def needed_skill(self) -> str | None:
        """Return the skill that is asked for."""
        return needed_skill(self._activity, self._people)

    @property
    def actor_lacks_skill(self) -> bool:
        """Return whether the agent who did it is known, and does not know what is asked for."""
        return (
            self.actor is not None
            and self.needed_skill is not None
            and lacks(self.actor, self.needed_skill, self._people)
        )

    @cached_property
    def deed(self) -> Deed:
        """Return what was done of the actions that have a limit."""
        return deed_of(self._activity, self._people)

    @property
    def burst_customers(self) -> int:
        """Return the most distinct customers that were counted for an incident."""
        return max((burst.customers for burst in self.bursts), default=0)

    @property
    def grouped(self) -> bool:
        """Return whether the case belongs to an open incident."""
        return self.incident is not None

    @property
    def incident_id(self) -> str | None:
        """Return the open incident that the case belongs to, by its id in the policy."""
        return self.incident.name if self.incident is not None else None

    def evidence(self, field: str) -> str:
        """Return in a few words what a signal stands on; empty for a field that is no signal, or has none.

        Only our own words, numbers and languages stand here, so that it may be kept with a decision.
        """
        if field in _OF_PEOPLE:
            return self._deed_words() if field.startswith("authority.") else self._skill_words()
        match field:
            case "message.wants_person":
                return "; ".join(self.requests.person)
            case "message.wants_manager":
                return "; ".join(self.requests.manager)
            case "message.distress" | "message.solved":
                return "; ".join(self.distress_words if field == "message.distress" else self.solved_words)
            case "message.sentiment":
                return f"{self.sentiment:g} ({self.feeling.why})" if self.sentiment is not None else self.feeling.why
            case _:
                return self._told(field)

    def _told(self, field: str) -> str:
        """Return in a few words what a signal stands on that others worked out."""
        if field.startswith("customer."):
            return self.customer.evidence(field)
        if field.startswith(("burst.", "incident.")):
            return self._incident_words(field)
        return self.risk.evidence if field == "risk.score" else ""

    def _incident_words(self, field: str) -> str:
        if field == "burst.customers":
            return "; ".join(f"{each.customers} for incident {each.name}" for each in self.bursts if each.customers)
        return self.incident.words if self.incident is not None else ""

    def _deed_words(self) -> str:
        deed = self.deed
        if deed.action is None:
            return ""
        if deed.amount is None:
            amount = f"an amount that cannot be read ({deed.said.doubt})"
        else:
            amount = shown(deed.amount) + (f" (written {deed.said.written})" if deed.said.written else "")
        limit = "no agent of the policy" if deed.limit is None else f"{self.actor_name} up to {shown(deed.limit)}"
        return f"{deed.action} of {amount}: {limit}"

    def _skill_words(self) -> str:
        if self.needed_skill is None:
            return ""
        known = f"{self.actor.name} has level {self.actor.skills.get(self.needed_skill, 0)}" if self.actor else ""
        return f"{self.needed_skill} is asked for{'; ' if known else ''}{known}"


def remember(case: Case, signals: Signals, activity: Activity, needed: AbstractSet[str]) -> Case:
    """Return the case with what the signals of a customer's message leave behind, as far as the policy asks for it."""
    if activity.kind is not ActivityKind.MESSAGE or not is_customers(activity):
        return case
    if "case.sentiment" in needed:
        case = altered(case, sentiment=mean_after(case.sentiment, signals.sentiment))
    if "case.repeated_question" in needed and (mark := fingerprint(activity.reply_text)):
        again = sum(alike(mark, earlier) for earlier in case.asked)
        case = altered(case, asked=(*case.asked, mark)[-REMEMBERED:], repeated_question=again)
    return case


def consume(case: Case, at: int) -> Case:
    """Return the case with all its evidence spent: from `at` on, microseconds of Baton's clock, only newer counts."""
    return altered(
        case,
        spent_at=at,
        bot_turns=0,
        bot_fallbacks=0,
        reopened=0,
        sentiment=None,
        asked=(),
        repeated_question=0,
    )


def of_text(
    text: str, language: str, lexicons: Mapping[str, Scorer], book: PhraseBook | None = None
) -> dict[str, dict[str, object]]:
    """Return the signals of a text alone, by name: the value (None when unknown), and the evidence.

    With a book, the lists are among them of which a phrase counts; their evidence tells of those that do not, too.
    """
    feels = feeling(text, language, lexicons)
    requests = requests_in(text)
    distress = distress_in(text)
    solved = solved_in(text)
    told: dict[str, dict[str, object]] = {}
    if book is not None:
        tokens = canonical(text)
        said = said_of(book, book.names_in(tokens, language), tokens, text, language)
        told["phrases"] = {"value": sorted(said), "evidence": sightings(book, tokens, text, language)}
    return {
        "wants_person": {"value": bool(requests.person), "evidence": list(requests.person)},
        "wants_manager": {"value": bool(requests.manager), "evidence": list(requests.manager)},
        "distress": {"value": bool(distress), "evidence": list(distress)},
        "solved": {"value": bool(solved), "evidence": list(solved)},
        "sentiment": {"value": feels.score, "evidence": [feels.why]},
        "language": {"value": language or None, "evidence": []},
        **told,
    }
