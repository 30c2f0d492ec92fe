"""Groups: which cases are resolved with their incident, and what of its own keeps one open."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given

from gateway.cli.replayed_incidents import kept_cases
from gateway.model import (
    Activity,
    ActivityKind,
    CaseStatus,
    EpisodeState,
    IncidentChange,
    IncidentFacts,
    Membership,
    altered,
)
from gateway.store import Store
from routing.decide import decide
from routing.replay_together import _Desk
from routing.snapshot import Snapshot
from tests.routing.test_incidents import situations
from tests.routing.values import MINUTE, NOW, activity, case, connections, policy, snapshot
from tests.store.outage import Outage, notes, says
from tests.store.test_incidents_told import _MANY, _OVER, told

_RESOLVES: Final = policy(_OVER.source.replace('id = "outage"\n', 'id = "outage"\nresolve_cases = true\n'))


def closing(desk: Outage, *more: Activity) -> None:
    """Have three customers write, then whatever else comes, and the incident closed by hand."""
    for number, who in enumerate(_MANY[:3]):
        desk.take(says(who, at=NOW + number * MINUTE))
    for each in more:
        desk.take(each)
    desk.store.close_incident(desk.incidents()[0].id, "cli:ada", "mended", NOW + 9 * MINUTE)
    desk._settle(NOW + 9 * MINUTE)


def sentences(desk: Outage, who: str) -> str:
    return " ".join(decision.trace.sentence for decision in desk.decisions_of(desk.case_of(who).case.id))


def test_cases_are_resolved_with_their_incident_where_the_policy_says_so(store: Store) -> None:
    """Groups: a case that nothing of its own keeps open; its ticket and customer hear of it once, and it comes back."""
    desk = Outage(store, _RESOLVES)
    closing(desk, says("bob", "It is still down", at=NOW + 4 * MINUTE, number=1))
    for who in _MANY[:3]:
        case = desk.case_of(who)
        assert case.case.status is CaseStatus.RESOLVED
        assert case.case.resolved_at is not None
        assert told(desk, who) == [f"We know of it, {who.title()}.", f"It works again, {who.title()}."]
        assert not [each for each in case.episodes if each.state is not EpisodeState.CLOSED]
    assert notes(desk.case_of("ann"))[-1].endswith(" is over: the case is resolved with it.")
    assert "is over: the case is resolved with it." in sentences(desk, "ann")
    desk.take(says("ann", "I want my money back", at=NOW + 20 * MINUTE, number=2))
    assert desk.case_of("ann").case.status is CaseStatus.OPEN


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ([says("ann", "I am angry", at=NOW + 4 * MINUTE, number=1)], "it is escalated by angry"),
        ([says("ann", "Where is my parcel?", at=NOW + 4 * MINUTE, number=1)], "its customer said more than"),
        (
            [
                says("ann", "Where is my parcel?", at=NOW + 4 * MINUTE, number=1),
                says("ann", "And it is down", at=NOW + 5 * MINUTE, number=2),
            ],
            "its customer said more than",
        ),
    ],
)
def test_a_case_with_something_of_its_own_stays_open(store: Store, more: list[Activity], why: str) -> None:
    """Groups: what its customer needs besides is a person's to see."""
    desk = Outage(store, _RESOLVES)
    closing(desk, *more)
    ann = desk.case_of("ann")
    assert ann.case.status is CaseStatus.OPEN
    assert f"The case stays open: {why}" in sentences(desk, "ann")
    assert desk.case_of("cat").case.status is CaseStatus.RESOLVED


def test_a_case_whose_incident_was_over_before_it_came_into_it_stays_open(store: Store) -> None:
    """Groups: what its customer said has no answer yet."""
    desk = Outage(store, _RESOLVES)
    closing(desk)
    (incident,) = desk.incidents()
    facts = IncidentFacts(change=IncidentChange.CLOSED, id=incident.id, name="outage", title=incident.title)
    seen = snapshot(_RESOLVES, case=case(incident=Membership(id=incident.id, name="outage", title="x")))
    what = activity(ActivityKind.INCIDENT, connection="baton", channel=None, sender=None, incident=facts)
    late = decide(seen, what, NOW)
    assert late.case.status is CaseStatus.OPEN
    assert decide(seen, altered(what, incident=altered(facts, by="rules")), NOW).case.status is CaseStatus.RESOLVED


def test_replayed_together_the_same_cases_are_resolved(store: Store) -> None:
    """PO-9: what is counted anew ends as it did, and under a policy that does not say so stays open."""
    desk = Outage(store, _RESOLVES)
    closing(
        desk,
        says("ann", "Where is my parcel?", at=NOW + 4 * MINUTE, number=1),
        says("dan", at=NOW + 5 * MINUTE),
    )
    histories = [found for each in store.cases() if (found := store.history(each.id)) is not None]
    for rules, resolved in ((_RESOLVES, ("bob", "cat", "dan")), (_OVER, ())):
        made = _Desk(kept_cases(histories), rules, connections())
        made.told(NOW + 60 * MINUTE)
        ended = {
            world.case.customer.value
            for course in made._courses.values()
            if (world := course.world).case is not None
            and world.case.customer is not None
            and world.case.status is CaseStatus.RESOLVED
        }
        assert ended == set(resolved)


@given(situations())
def test_nothing_but_the_end_of_the_parent_resolves_a_case_and_never_one_with_an_episode(
    made: tuple[Snapshot, Activity],
) -> None:
    """Groups: whatever was counted and told, deciding is pure."""
    seen, what = made
    seen = resolving(seen)
    decision = decide(seen, what, NOW)
    assert decision == decide(seen, what, NOW)
    before, facts = seen.case, what.incident
    if (
        before.status is CaseStatus.OPEN
        and decision.case.status is CaseStatus.RESOLVED
        and not before.stands_for_incident
    ):
        assert facts is not None
        assert facts.change is IncidentChange.CLOSED
        assert facts.by
        assert before.last_counted == before.customer_messages
        assert decision.episode is None or decision.episode.state is EpisodeState.CLOSED


def resolving(seen: Snapshot) -> Snapshot:
    return altered(seen, policy=_RESOLVES)
