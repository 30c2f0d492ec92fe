"""PO-6: a candidate's course beside the real one, over a real store: equal policies make equal courses, to the last word."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Activity, CaseStatus, Decision, Episode, EpisodeState, Priority
from gateway.model.altering import altered
from gateway.pipeline.shadow import Seen
from gateway.store import open_store
from gateway.store.ports import CaseHistory, CaseView
from routing.decide import decide
from routing.outside import Outside
from routing.people import UNKNOWN
from routing.policy import Policy
from routing.shadow import LATE, Course, Divergence, Past, Standing, differences, standing
from routing.snapshot import Snapshot
from routing.world import World
from tests.routing.stored import Stored, at
from tests.routing.test_world import ADA, NOTICE, OTHER, POLICY, WITH_PEOPLE, shown, tales
from tests.routing.values import CATCH_ALL, CUSTOMER, LADDER, NOW, SECOND, case, connections, message, policy

MINUTE: Final = 60 * SECOND
#: Ends whatever is still open in a tale.
PATIENCE: Final = 90_000 * SECOND


class Watched(Stored):
    """A store whose every decision is handed over with all that it was made from."""

    seen: list[Seen]

    def _decide(self, view: CaseView, activity: Activity, now: int) -> Decision:
        staff = self.census.staff if self.policy.people.agents else UNKNOWN
        snapshot = self._policies.snapshot(view, self._policies.direction, staff)
        decision = super()._decide(view, activity, now)
        assert decision == decide(snapshot, activity, now)
        self.seen.append(Seen(snapshot, activity, decision, now))
        return decision


def lived(
    tale: list[Activity], directory: str, rules: Policy, outside: Outside | None = None
) -> tuple[list[Seen], CaseHistory]:
    """Let a tale happen in a real store; return every decision of its case, and the case."""
    around = outside or Outside()
    store = open_store(f"sqlite:///{Path(directory) / 'baton.db'}")
    made = Watched(store, rules, connections(), customer=around.customer, roster=around.roster)
    made.seen = []
    for each in tale:
        made.pass_time(each.received_at)
        notices = [effect.id for _, decision in made.decisions for effect in decision.effects if effect.buttons]
        if each.reference == NOTICE and not notices:
            continue
        made.take(altered(each, reference=notices[-1]) if each.reference == NOTICE else each)
    made.pass_time(tale[-1].received_at + PATIENCE)
    history = made.history()
    store.close()
    return [each for each in made.seen if each.snapshot.case.id == history.case.id], history


def watched(course: Course) -> list[Decision]:
    """Return what a course decides, as it does."""
    made: list[Decision] = []
    decided = course._decide

    def deciding(activity: Activity, snapshot: Snapshot) -> Decision:
        made.append(decided(activity, snapshot))
        return made[-1]

    vars(course)["_decide"] = deciding
    return made


def follow(course: Course, seen: Seen) -> frozenset[Divergence]:
    return course.follow(seen.snapshot, seen.activity, seen.decision, seen.now)


def past_of(seen: list[Seen], history: CaseHistory) -> Past:
    """Return what the store has of a case before something happened to it."""
    return Past(
        activities=tuple(each.activity for each in seen),
        effects=frozenset(view.effect.id for view in history.effects),
        timers=history.timers,
    )


def alike(seen: list[Seen], rules: Policy) -> None:
    """Check that a candidate that says the same decides the same, to the last word, once for each decision."""
    course = Course(rules, seen[0].snapshot)
    made = watched(course)
    for each in seen:
        assert follow(course, each) == frozenset()
        assert shown(made[-1]) == shown(each.decision), each.activity
        assert made[-1].effects == each.decision.effects
    assert len(made) == len(seen), "one more decision for each, and no more"


@settings(max_examples=25, deadline=None)
@given(tales())
def test_an_equal_policy_makes_an_equal_course(tale: list[Activity]) -> None:
    with TemporaryDirectory() as directory:
        seen, _ = lived(tale, directory, POLICY)
    alike(seen, POLICY)


@settings(max_examples=25, deadline=None)
@given(
    tales(),
    st.sampled_from(({"tier": "gold"}, {"tags": ["other"]}, {})),
    st.dictionaries(st.sampled_from(("anna", "ben", "carla")), st.booleans()),
)
def test_what_is_known_of_customers_and_agents_is_known_to_the_candidate(
    tale: list[Activity], customer: dict[str, object], roster: dict[str, bool]
) -> None:
    """Look-ups are made by the gateway alone; their answers reach both."""
    proven = [altered(each, sender=ADA) if each.sender == CUSTOMER else each for each in tale]
    with TemporaryDirectory() as directory:
        seen, _ = lived(proven, directory, WITH_PEOPLE, Outside(customer=customer, roster=roster))
    alike(seen, WITH_PEOPLE)


@settings(max_examples=25, deadline=None)
@given(tales(), st.data())
def test_a_course_that_begins_in_the_middle_is_where_it_would_have_been(
    tale: list[Activity], data: st.DataObject
) -> None:
    """After a restart a case is gone through once more, and nothing is told twice."""
    with TemporaryDirectory() as directory:
        seen, history = lived(tale, directory, POLICY)
    for rules in (POLICY, OTHER):
        whole = Course(rules, seen[0].snapshot)
        middle = data.draw(st.integers(0, len(seen) - 1))
        for each in seen[:middle]:
            follow(whole, each)
        resumed = Course(rules, seen[middle].snapshot, past_of(seen[:middle], history))
        if middle:
            assert (resumed.standing, resumed.apart) == (whole.standing, whole.apart)
        for each in seen[middle:]:
            told = follow(whole, each)
            assert follow(resumed, each) == told
            assert resumed.standing == whole.standing
            assert rules is OTHER or not told


@settings(max_examples=25, deadline=None)
@given(tales())
def test_another_policy_takes_the_course_that_it_would_take_alone(tale: list[Activity]) -> None:
    """The oracle is the world in which `policy replay` goes through cases: it knows the candidate alone."""
    with TemporaryDirectory() as directory:
        seen, history = lived(tale, directory, POLICY)
    course = Course(OTHER, seen[0].snapshot)
    alone = World(OTHER, connections(), at=NOW, case_id=history.case.id)
    for each in seen:
        follow(course, each)
        alone.pass_time(each.now)
        if each.activity.connection != "baton":
            alone.take(each.activity)
        assert course.standing == standing(alone.case, alone.episode, OTHER), each.activity


# --- what differs ----------------------------------------------------------------------------------------------------
BROKEN: Final = """
[phrases]
broken = ["broken"]
[[rule]]
id = "broken"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'broken'"]
set = { priority = "P3" }
"""
QUIET: Final = policy(CATCH_ALL + LADDER)
LOUD: Final = policy(BROKEN + CATCH_ALL + LADDER)


def told(rules: Policy, candidate: Policy, *texts: str) -> tuple[Course, list[frozenset[Divergence]]]:
    """Let a customer write, a minute apart, and return what is told of each message."""
    with TemporaryDirectory() as directory:
        tale = [at(message(text), NOW + number * MINUTE, number) for number, text in enumerate(texts)]
        seen, _ = lived(tale, directory, rules)
    course = Course(candidate, seen[0].snapshot)
    found: list[frozenset[Divergence]] = []
    for each in seen:
        fresh = follow(course, each)
        if each.activity.text:
            found.append(fresh)
        elif fresh:
            found[-1] |= fresh
    return course, found


def test_an_escalation_of_the_candidate_alone_is_told_once_and_not_with_every_message() -> None:
    course, found = told(QUIET, LOUD, "hello", "it is broken", "it is broken", "still broken")
    assert found == [frozenset(), {Divergence.WOULD_ESCALATE}, frozenset(), frozenset()]
    assert course.standing == Standing(rule="broken", ladder="second", level="1", priority="P3")
    assert not course.real.escalated


def test_an_escalation_that_the_candidate_would_not_have_made_is_told_once() -> None:
    _, found = told(LOUD, QUIET, "hello", "it is broken", "broken!")
    assert found == [frozenset(), {Divergence.WOULD_NOT}, frozenset()]


def test_another_priority_and_another_ladder_are_told() -> None:
    other = policy((BROKEN + CATCH_ALL + LADDER).replace('"P3"', '"P1"').replace("second", "third"))
    _, found = told(LOUD, other, "it is broken")
    assert found == [{Divergence.LADDER, Divergence.PRIORITY}]


def test_a_deadline_of_the_candidate_alone_happens_without_anything_that_wakes_it() -> None:
    """Another step is told when it is reached, though nothing happens to the case."""
    quick = policy((BROKEN + CATCH_ALL + LADDER).replace('ack_within = "15m"', 'ack_within = "5m"'))
    with TemporaryDirectory() as directory:
        seen, _ = lived([at(message("it is broken"), NOW, 0)], directory, LOUD)
    course = Course(quick, seen[0].snapshot)
    for each in seen[:3]:
        assert follow(course, each) == frozenset()
    assert course.wake(NOW + 5 * MINUTE + LATE - 1) == frozenset()
    assert course.wake(NOW + 5 * MINUTE + LATE + 1) == {Divergence.LEVEL}
    assert course.wake(NOW + 7 * MINUTE + LATE) == frozenset()
    assert course.standing.level == "final"


@given(
    *(
        st.builds(
            Standing, **{name: st.sampled_from(("", "a", "b")) for name in ("rule", "ladder", "level", "priority")}
        ),
    )
    * 2
)
def test_two_standings_differ_when_something_differs_that_matters(one: Standing, other: Standing) -> None:
    found = differences(one, other)
    assert found == {
        {Divergence.WOULD_ESCALATE: Divergence.WOULD_NOT, Divergence.WOULD_NOT: Divergence.WOULD_ESCALATE}.get(
            kind, kind
        )
        for kind in differences(other, one)
    }
    assert differences(one, one) == frozenset()
    if one.escalated != other.escalated:
        assert len(found) == 1
    else:
        assert bool(found) == ((one.ladder, one.level, one.priority) != (other.ladder, other.level, other.priority))


def test_a_closed_escalation_is_none() -> None:
    closed = Episode(
        id="e",
        case_id="c",
        rule="broken",
        reasons=("broken",),
        ladder="second",
        step=0,
        policy=LOUD.digest,
        state=EpisodeState.CLOSED,
        opened_at=0,
    )
    held = altered(case(), priority=Priority.P2, status=CaseStatus.RESOLVED)
    assert standing(held, closed, LOUD) == Standing(priority="P2")
    opened = altered(closed, state=EpisodeState.OPEN, step=99)
    assert standing(held, opened, QUIET, LOUD) == Standing(rule="broken", ladder="second", level="final", priority="P2")
