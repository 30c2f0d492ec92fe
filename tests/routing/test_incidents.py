"""SG-8, groups, PO-1: whatever was counted and told, deciding is pure, nobody is told twice, and what is held back stays so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Burst,
    CaseStatus,
    EffectKind,
    EpisodeState,
    IncidentChange,
    IncidentFacts,
    Membership,
    OpenIncident,
)
from routing.decide import decide
from routing.incident_end import QUIET
from routing.incidents import watch
from routing.snapshot import Snapshot
from tests.routing.values import CASE_ID, LINK, NOW, activity, case, message, snapshot, timer
from tests.store.outage import POLICY

OTHER = "018bcfe5-6800-7000-8000-00000000000f"
OPEN = OpenIncident(id=OTHER, name="outage", title="Service outage", fingerprint="chat", customers=4, last_at=NOW)

_ids = st.sampled_from((CASE_ID, OTHER))
_members = st.none() | st.builds(
    Membership,
    id=_ids,
    name=st.sampled_from(("outage", "gone")),
    title=st.just("Outage"),
    open=st.booleans(),
    ticket=st.sampled_from(("", "T1")),
)
_bursts = st.lists(
    st.builds(
        Burst,
        name=st.sampled_from(("outage", "gone")),
        fingerprint=st.just("chat"),
        customers=st.integers(0, 5),
        open=st.none() | st.just(OPEN),
    ),
    max_size=2,
).map(tuple)
_facts = st.builds(
    IncidentFacts,
    change=st.sampled_from(IncidentChange),
    id=st.sampled_from(("", CASE_ID, OTHER)),
    name=st.sampled_from(("", "outage", "gone")),
    customers=st.integers(0, 9),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Activity]:
    """Return a case that may belong to an incident, and something that happens to it."""
    of = case(
        last_connection=draw(st.sampled_from(("", "chat"))),
        last_thread="C1/1",
        status=draw(st.sampled_from((CaseStatus.OPEN, CaseStatus.RESOLVED))),
        targets=draw(st.sampled_from(((), ("desk",)))),
        incident=draw(_members),
        broadcasts=draw(st.sampled_from(((), (OTHER,)))),
    )
    seen = snapshot(
        POLICY,
        case=of,
        tickets=draw(st.sampled_from(((), (LINK,)))),
        bursts=draw(_bursts),
        incident=draw(st.none() | st.just(OPEN)),
    )
    internal = activity(ActivityKind.INCIDENT, connection="baton", channel=None, sender=None, incident=draw(_facts))
    said = message(draw(st.sampled_from(("It is down", "I am angry", "down and angry", "Hello"))))
    return seen, draw(st.sampled_from((said, internal, timer(QUIET))))


@given(situations())
def test_deciding_on_incidents_is_pure_and_never_tells_a_customer_twice(made: tuple[Snapshot, Activity]) -> None:
    seen, what = made
    decision = decide(seen, what, NOW)
    assert decision == decide(seen, what, NOW)
    assert watch(seen, what, NOW) == watch(seen, what, NOW)
    told = [each for each in decision.effects if each.kind is EffectKind.REPLY and each.rule == "incident:outage"]
    assert len(told) <= 1
    member = decision.case.incident
    if told:
        assert member is not None
        assert member.id not in seen.case.broadcasts
        assert member.id in decision.case.broadcasts


@given(situations())
def test_a_rule_that_is_held_back_opens_no_episode_and_says_why(made: tuple[Snapshot, Activity]) -> None:
    seen, what = made
    decision = decide(seen, what, NOW)
    member = decision.case.incident
    joined = member is not None and member.open and member.name == "outage" and member.id != decision.case.id
    for step in decision.trace.steps:
        assert bool(step.held_back) is (step.rule == "broken" and joined)
    if joined and decision.episode is not None and decision.episode.state is not EpisodeState.CLOSED:
        assert decision.episode.rule != "broken"


@given(situations())
def test_only_an_open_incident_is_closed_and_only_one_of_the_policy_is_opened(
    made: tuple[Snapshot, Activity],
) -> None:
    seen, what = made
    decision = decide(seen, what, NOW)
    before = seen.case.incident
    for step in decision.incidents:
        assert step.id
        assert step.name in POLICY.incidents or step.change is IncidentChange.CLOSED
        if step.change is IncidentChange.CLOSED:
            assert before is not None
            assert (before.id, before.open) == (step.id, True)
