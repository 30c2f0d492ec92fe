"""PO-5, SG-8: what is counted anew in memory is what the store counted, by random sightings and by whole tales."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    Burst,
    Case,
    Decision,
    IncidentChange,
    IncidentFacts,
    Membership,
    Sighting,
    TicketChange,
    TicketFacts,
    TicketStatus,
    Trace,
    altered,
)
from gateway.store import Store, open_store
from gateway.store.ports import CaseView
from routing.grouping import Grouping
from routing.replay_together import Grouped, Kept, Together, together
from tests.routing.values import MINUTE, NOW, connections, ticket
from tests.store.acts import bring
from tests.store.outage import POLICY, Outage, says
from tests.store.test_incidents import alert, asked, watched

_WHO = ("ann", "bob", "cat", "dan", "eve")
#: What is given makes stores, and keeps nothing between them.
_MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: Whole tales take many transactions each.
_SOME = settings(_MANY, max_examples=8)


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes an empty store."""
    numbers = count()
    if request.param == "sqlite":
        return lambda: open_store(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}")
    server = request.getfixturevalue("postgres_server")
    return lambda: open_store(server.schema())


# --- the two groupings -----------------------------------------------------------------------------------------------
class _Both:
    """Decides at random, and lets the store and its twin in memory do what is decided."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.cases: dict[str, Case] = {}
        self.people: dict[str, str] = {}
        self.twin = Grouping(self.people, self.cases.get)
        self.sightings: dict[str, tuple[Sighting, ...]] = {}
        self.closes: set[str] = set()
        self.counted: list[tuple[tuple[Burst, ...], tuple[Burst, ...]]] = []

    def watch(self, _view: CaseView, activity: Activity) -> tuple[Sighting, ...]:
        return self.sightings.get(activity.dedupe, ())

    def step(self, view: CaseView, activity: Activity) -> Decision:
        case, facts = view.case, activity.incident
        self.twin.now = self.now
        if activity.connection != "baton":
            self.people[case.id] = activity.sender.value if activity.sender is not None else ""
        bursts = self.twin.count(self.watch(view, activity), case.id, activity.received_at)
        self.counted.append((view.bursts, bursts))
        steps: list[IncidentFacts] = []
        if facts is not None:
            if facts.change is IncidentChange.JOINED:
                case, steps = self.joined(case, facts.id, facts.name)
        elif bursts:
            (burst,) = bursts
            if burst.open is None and burst.customers > 1:
                made = f"{case.id}-{activity.dedupe}"
                opened = IncidentFacts(
                    change=IncidentChange.OPENED,
                    id=made,
                    name=burst.name,
                    title=burst.name,
                    fingerprint=burst.fingerprint,
                    window=self.watch(view, activity)[0].window,
                )
                case, steps = self.joined(case, made, burst.name)
                steps.insert(0, opened)
            elif burst.open is not None and activity.dedupe in self.closes:
                steps = [IncidentFacts(change=IncidentChange.CLOSED, id=burst.open.id, name=burst.name)]
            elif burst.open is not None:
                case, steps = self.joined(case, burst.open.id, burst.name, told=burst.open.told)
        self.cases[case.id] = case
        self.twin.take_over(steps, case.id, activity)
        trace = Trace(policy=POLICY.digest, result="none", sentence="")
        return Decision(case=case, episode=view.episode, effects=(), timers=(), trace=trace, incidents=tuple(steps))

    @staticmethod
    def joined(case: Case, number: str, name: str, *, told: bool = False) -> tuple[Case, list[IncidentFacts]]:
        heard = case.broadcasts if told or number in case.broadcasts else (*case.broadcasts, number)
        member = Membership(id=number, name=name, title=name)
        step = IncidentFacts(change=IncidentChange.JOINED, id=number, name=name)
        return altered(case, incident=member, broadcasts=heard), [step]


@_MANY
@given(
    st.lists(
        st.tuples(
            st.sampled_from(_WHO[:4]),
            st.sampled_from(("", "other")),
            st.integers(-3, 6),
            st.sampled_from(("", "chat", "desk")),
            st.sampled_from((MINUTE, 10 * MINUTE)),
            st.sampled_from((True, True, True, False)),
            st.sampled_from((False, False, False, True)),
        ),
        max_size=20,
    )
)
def test_both_count_random_sightings_alike(
    fresh: Callable[[], Store], tale: list[tuple[str, str, int, str, int, bool, bool]]
) -> None:
    """Late ones, those of one person in several cases, with and without a fingerprint; and who is told of what."""
    store = fresh()
    store.register(dict.fromkeys(connections()))
    store.save_policy(POLICY.digest, POLICY.source, 0)
    both = _Both(store)
    minute = 0
    for number, (who, thread, later, mark, window, counts, closes) in enumerate(tale):
        minute += max(later, 0)
        both.now = NOW + minute * MINUTE
        said = says(who, at=both.now + min(later, 0) * MINUTE, number=number, thread=f"C1/{who}{thread}")
        both.sightings[said.dedupe] = (Sighting(name="outage", fingerprint=mark, window=window, counts=counts),)
        if closes:
            both.closes.add(said.dedupe)
        bring(store, said)
        while store.apply(64, both.now, both.step, watch=both.watch).applied:
            pass
    assert not store.dead_letters()
    groups = both.twin.groups
    assert [theirs for theirs, _ in both.counted] == [ours for _, ours in both.counted]
    assert {(view.id, view.closed_at, view.last_at, view.customers, view.cases) for view in store.incidents()} == {
        (name, group.closed_at, group.known.last_at, both.twin.customers(name), len(group.cases))
        for name, group in groups.items()
    }
    store.close()


# --- whole tales -----------------------------------------------------------------------------------------------------
def again(desk: Outage, until: int) -> Together:
    """Go once more through everything that a desk's store keeps."""
    kept: list[Kept] = []
    for case in desk.store.cases(1000):
        history = desk.store.history(case.id)
        assert history is not None
        said = tuple((each.id, each.activity) for each in history.activities)
        kept.append(Kept(case_id=case.id, activities=said, person=history.person))
    return together(kept, desk.policy, desk.connections, until=until)


def as_it_was(desk: Outage) -> Sequence[tuple[object, ...]]:
    """Return the incidents of a desk as the store has them."""
    return sorted(
        (each.id, each.name, each.title, each.fingerprint, each.opened_at, each.closed_at, each.customers, each.cases)
        for each in desk.incidents()
    )


def as_it_is(made: Sequence[Grouped]) -> Sequence[tuple[object, ...]]:
    return sorted(
        (
            *(each.id, each.name, each.title, each.fingerprint, each.opened_at, each.closed_at, each.customers),
            len(each.cases),
        )
        for each in made
    )


_things = st.one_of(
    st.tuples(st.just("says"), st.sampled_from(_WHO), st.sampled_from(("down", "down", "angry and down", "Hello"))),
    st.tuples(st.just("elsewhere"), st.sampled_from(_WHO), st.just("down")),
    st.tuples(st.sampled_from(("solves", "opens", "closes", "alert", "over")), st.just(""), st.just("")),
)


@_SOME
@given(st.lists(st.tuples(_things, st.sampled_from((0, 1, 3, 8, 40, 130))), max_size=18))
def test_what_a_store_kept_gone_through_once_more_makes_the_same_incidents(
    fresh: Callable[[], Store], tale: list[tuple[tuple[str, str, str], int]]
) -> None:
    """PO-5: the same policy opens the same incidents at the same instants, with the same cases."""
    store = fresh()
    desk = watched(store)
    now = NOW
    for number, ((what, who, text), later) in enumerate(tale):
        now += later * MINUTE + 1
        desk.pass_time(now)
        _happens(desk, what, who, text, number, now)
    desk.pass_time(now + 600 * MINUTE)
    made = again(desk, now + 600 * MINUTE)
    assert as_it_is(made.incidents) == as_it_was(desk)
    for name, story in made.stories.items():
        history = store.history(name)
        assert history is not None
        assert story.incident == (history.case.incident.title if history.case.incident is not None else "")
        if name not in made.parents:
            assert story.rule == (history.episodes[0].rule if history.episodes else "")
            assert story.replies == sum(each.effect.kind.value == "reply" for each in history.effects)
    store.close()


def _happens(desk: Outage, what: str, who: str, text: str, number: int, now: int) -> None:
    newest = next(iter(desk.store.incidents(1)), None)
    if what == "says":
        desk.take(says(who, text, at=now, number=number, thread=f"C1/{who}{number % 2}"))
    elif what == "elsewhere":
        desk.take(altered(says(who, text, at=now, number=number), connection="desk", thread=f"T{who}"))
    elif what in {"alert", "over"}:
        desk.take(alert(number, over=what == "over", at=now))
    elif what == "opens":
        try:
            desk.store.open_incident(asked(title="Database"), now)
        except ValueError:
            return
        desk._settle(now)
    elif newest is not None and newest.closed_at is None:
        if what == "closes":
            desk.store.close_incident(newest.id, "cli:ada", "mended", now)
            desk._settle(now)
        elif newest.ticket:
            facts = TicketFacts(id=newest.ticket, change=TicketChange.STATUS, status=TicketStatus.SOLVED)
            solved = altered(ticket(TicketChange.STATUS), ticket=facts, thread=newest.ticket, dedupe=f"solved-{number}")
            desk.take(altered(solved, occurred_at=now, received_at=now))


@pytest.mark.parametrize("threshold", [2, 4])
def test_another_threshold_opens_earlier_or_not_at_all(store: Store, threshold: int) -> None:
    """PO-5: and which cases would have belonged to it."""
    desk = Outage(store)
    for number, who in enumerate(_WHO[:3]):
        desk.take(says(who, at=NOW + number * MINUTE))
    (was,) = desk.incidents()
    assert was.opened_at == NOW + 2 * MINUTE
    made = _under(desk, f"threshold = {threshold}")
    if threshold == 4:
        assert not made.incidents
        assert [made.stories[desk.case_of(who).case.id].rule for who in _WHO[:3]] == ["broken"] * 3
        return
    (incident,) = made.incidents
    assert incident.opened_at == NOW + MINUTE
    assert set(incident.cases) == {desk.case_of(who).case.id for who in _WHO[:3]}
    # Bob opens it now, and is escalated by himself no more; Ann was before.
    assert [made.stories[desk.case_of(who).case.id].rule for who in _WHO[:3]] == ["broken", "", ""]


def _under(desk: Outage, changed: str) -> Together:
    """Go through it with another policy."""
    from tests.routing.values import policy

    kept = desk.policy
    desk.policy = policy(POLICY.source.replace("threshold = 3", changed))
    try:
        return again(desk, NOW + 30 * MINUTE)
    finally:
        desk.policy = kept
