"""SG-8 and groups: distinct customers are counted over cases, and their cases have one parent, one ticket and one broadcast."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    CaseStatus,
    Channel,
    EffectKind,
    EpisodeState,
    IncidentChange,
    IncidentFacts,
    IncidentReported,
    Party,
    Role,
    TicketChange,
    TicketFacts,
    TicketStatus,
    Trace,
    altered,
)
from gateway.sdk import Packet
from gateway.store import Store, open_store
from gateway.store.ports import CaseHistory
from normalizers import normalize
from routing.account import accounts
from routing.packet import build_packet
from tests.routing.values import MINUTE, NOW, connection, connections, policy, ticket
from tests.store.outage import POLICY, THRESHOLD, WINDOW, Outage, notes, replies, says

_MANY = ("ann", "bob", "cat", "dan")


# --- the count -------------------------------------------------------------------------------------------------------
def first_burst(told: list[tuple[str, int]]) -> int | None:
    """Return at which message, of (customer, minute) in order, there are enough distinct customers; by brute force."""
    for number, (_, now) in enumerate(told):
        if len({who for who, at in told[: number + 1] if at > now - WINDOW // MINUTE}) >= THRESHOLD:
            return number
    return None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_MANY), st.integers(0, 6), st.sampled_from(("", "other"))), max_size=14))
def test_an_incident_opens_with_the_first_customer_too_many_within_the_window(
    tale: list[tuple[str, int, str]],
) -> None:
    """SG-8: whoever writes again, in whatever case of theirs, counts once."""
    told: list[tuple[str, int]] = []
    with TemporaryDirectory() as directory:
        desk = Outage(open_store(f"sqlite:///{Path(directory) / 'baton.db'}"))
        minute = 0
        opened = None
        for number, (who, later, thread) in enumerate(tale):
            minute += later
            told.append((who, minute))
            desk.take(says(who, at=NOW + minute * MINUTE, number=number, thread=f"C1/{who}{thread}"))
            if opened is None and desk.incidents():
                opened = number
        count = len(desk.incidents())
        desk.store.close()
    assert opened == first_burst(told)
    assert count == (0 if opened is None else 1)


def test_one_customer_who_writes_ten_times_is_one(store: Store) -> None:
    """SG-8."""
    desk = Outage(store)
    for number in range(10):
        desk.take(says("ann", at=NOW + number, number=number, thread=f"C1/{number % 3}"))
    bursts = [burst.customers for _, decision in desk.decisions for burst in decision.trace.bursts]
    assert bursts == [1] * 10
    assert not desk.incidents()


def test_customers_with_other_fingerprints_are_not_counted_together(store: Store) -> None:
    """SG-8: the same words on another connection are another matter here."""
    desk = Outage(store)
    for number, who in enumerate(_MANY):
        over = says(who, at=NOW + number)
        desk.take(over if number % 2 else altered(over, connection="desk", thread=f"T{number}"))
    assert not desk.incidents()


def test_two_people_who_prove_to_be_one_count_once(store: Store) -> None:
    """SG-8: a person is the contacts that are linked when it is counted."""
    desk = Outage(store)
    desk.take(says("ann"))
    desk.take(says("bob", at=NOW + 1))
    one, other = (view.id for view in store.contacts())
    store.link_contacts(one, other, "cli:test", "the same", NOW)
    desk.take(says("cat", at=NOW + 2))
    assert not desk.incidents()
    desk.take(says("dan", at=NOW + 3))
    assert [view.customers for view in desk.incidents()] == [3]


# --- the group -------------------------------------------------------------------------------------------------------
def opened(store: Store) -> Outage:
    """Return a desk with three customers and an incident."""
    desk = Outage(store)
    for number, who in enumerate(_MANY[:3]):
        desk.take(says(who, at=NOW + number * MINUTE))
    return desk


def test_cases_have_one_parent_with_one_ticket_and_their_own_ladders_end(store: Store) -> None:
    """SG-8, groups: the first two were escalated by themselves, the third is the one too many."""
    desk = opened(store)
    (incident,) = desk.incidents()
    assert (incident.name, incident.fingerprint, incident.customers, incident.cases) == ("outage", "chat", 3, 3)
    parent = desk.parent()
    assert parent.case.subject == "Incident: Service outage: chat"
    assert [(each.ladder, each.state) for each in parent.episodes] == [("major", EpisodeState.OPEN)]
    assert incident.ticket == f"T-{incident.id}"
    assert [each.effect.kind for each in parent.effects].count(EffectKind.HANDOFF) == 1
    for who in ("ann", "bob"):
        history = desk.case_of(who)
        assert [each.state for each in history.episodes] == [EpisodeState.CLOSED]
        assert not history.timers
        assert f"Part of incident Service outage: chat, case {incident.id}." in notes(history)[0]
        assert f"T-{incident.id}" in notes(history)[-1]
    cat = desk.case_of("cat")
    assert not cat.episodes
    assert not cat.tickets
    assert "broken" in cat.case.tags
    assert {desk.case_of(who).case.incident.id for who in _MANY[:3]} == {incident.id}  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess]


def test_what_customers_are_told_is_no_reply_of_the_parent(store: Store) -> None:
    """Groups: the parent has no customer, so that nothing is missing when none is told there."""
    told = [str((each.trace or {}).get("sentence")) for each in opened(store).parent().activities]
    assert any("It is the parent case of incident" in each for each in told)
    assert not [each for each in told if "reply" in each]


def test_each_customer_is_told_once(store: Store) -> None:
    """Groups: one broadcast for each case, however often its customer writes, and also for those who come later."""
    desk = opened(store)
    for number in range(3):
        desk.take(says("ann", at=NOW + 5 * MINUTE + number, number=number))
        desk.take(says("dan", at=NOW + 6 * MINUTE + number, number=number))
    for who in _MANY:
        assert replies(desk.case_of(who)) == [f"We know of it, {who.title()}."]
    (incident,) = desk.incidents()
    assert incident.customers == 4


def test_a_customer_with_several_cases_is_told_once(store: Store) -> None:
    """Groups: whoever begins a new thread has heard of it already."""
    desk = opened(store)
    for number in range(3):
        desk.take(says("ann", at=NOW + 5 * MINUTE + number, thread=f"C1/new{number}"))
    cases = [
        desk.store.history(case.id) for case in desk.store.cases(100) if case.customer and case.customer.value == "ann"
    ]
    assert len(cases) == 4
    assert sum(len(replies(each)) for each in cases if each is not None) == 1
    assert all(each is not None and each.case.incident is not None for each in cases)


def test_a_rule_that_is_held_back_says_so_and_others_escalate(store: Store) -> None:
    """Groups: the trace names the incident."""
    desk = opened(store)
    desk.take(says("ann", "Still down", at=NOW + 5 * MINUTE))
    trace = next(decision.trace for _, decision in reversed(desk.decisions) if decision.trace.steps)
    (broken,) = (each for each in trace.steps if each.rule == "broken")
    assert "Service outage: chat" in broken.held_back
    assert trace.result == "held_back"
    desk.take(says("ann", "I am angry, it is down", at=NOW + 6 * MINUTE))
    assert [each.rule for each in desk.case_of("ann").episodes] == ["broken", "angry"]


def test_a_case_whose_own_episode_ends_may_be_escalated_by_another_rule_at_once(store: Store) -> None:
    """Groups: both episodes are kept, the one that ends and the one that begins."""
    desk = Outage(store)
    for number, who in enumerate(("ann", "bob")):
        desk.take(says(who, at=NOW + number))
    desk.take(says("cat", "down", at=NOW + 20 * MINUTE))
    desk.take(says("bob", "down", at=NOW + 21 * MINUTE, number=2))
    desk.take(says("ann", "down and angry", at=NOW + 22 * MINUTE, number=3))
    episodes = desk.case_of("ann").episodes
    assert [(each.rule, each.state) for each in episodes] == [
        ("broken", EpisodeState.CLOSED),
        ("angry", EpisodeState.OPEN),
    ]


def test_the_incident_ends_with_its_parents_ticket(store: Store) -> None:
    """Groups: rules look at the cases as before, and the next burst is another incident."""
    desk = opened(store)
    (incident,) = desk.incidents()
    number = f"T-{incident.id}"
    facts = TicketFacts(id=number, change=TicketChange.STATUS, status=TicketStatus.SOLVED)
    desk.take(
        altered(ticket(TicketChange.STATUS), ticket=facts, thread=number, dedupe="solved", received_at=NOW + WINDOW)
    )
    (incident,) = desk.incidents()
    assert incident.closed_at is not None
    parent = desk.parent()
    assert parent.case.status is CaseStatus.RESOLVED
    assert [each.state for each in parent.episodes] == [EpisodeState.CLOSED]
    for who in _MANY[:3]:
        member = desk.case_of(who).case.incident
        assert member is not None
        assert not member.open
    desk.take(says("ann", "down again", at=NOW + 60 * MINUTE, number=9))
    assert [each.state for each in desk.case_of("ann").episodes][-1] is EpisodeState.OPEN
    actions = [row["action"] for row in store.audit_trail()]
    assert [each for each in reversed(actions) if str(each).startswith("incident")] == [
        "incident.open",
        "incident.close",
    ]


def test_the_incident_ends_when_nobody_wrote_for_long_enough(store: Store) -> None:
    """Groups: resolve_after counts from the last message that belongs to it."""
    desk = opened(store)
    desk.take(says("dan", at=NOW + 100 * MINUTE))
    desk.pass_time(NOW + 219 * MINUTE)
    assert desk.incidents()[0].closed_at is None
    desk.pass_time(NOW + 220 * MINUTE)
    assert desk.incidents()[0].closed_at == NOW + 220 * MINUTE


def test_the_packet_of_a_case_that_belongs_to_an_incident_names_it(store: Store) -> None:
    """Groups: whoever reads the ticket of a case that another rule escalates sees where the matter is dealt with."""
    desk = opened(store)
    (incident,) = desk.incidents()
    desk.take(says("ann", "I am angry, it is down", at=NOW + 5 * MINUTE))
    for who, named in (("ann", True), ("", False)):
        packet = packet_of(desk.case_of(who) if who else desk.parent())
        assert (f"Part of incident Service outage: chat (ticket T-{incident.id}" in packet.reason) is named


def packet_of(history: CaseHistory) -> Packet:
    """Return what is written into the ticket of a case's newest escalation."""
    return build_packet(
        case=history.case,
        episode=history.episodes[-1],
        policy=POLICY,
        rule_id=history.episodes[-1].rule,
        activities=[each.activity for each in history.activities],
        complete=True,
    )


def test_the_account_of_a_case_says_what_was_decided_with_the_counts_of_then(store: Store) -> None:
    """PO-7: of each case, the parent included, gone through once more with what its traces keep."""
    desk = opened(store)
    desk.take(says("ann", "down", at=NOW + 5 * MINUTE))
    desk.pass_time(NOW + 200 * MINUTE)
    for case in store.cases():
        history = store.history(case.id)
        assert history is not None
        stored = [(each.activity, str((each.trace or {})["policy"])) for each in history.activities]
        counted = {
            (each.activity.connection, each.activity.dedupe): msgspec.convert(each.trace, Trace)
            for each in history.activities
        }
        told = list(accounts(stored, case.id, {POLICY.digest: POLICY}.__getitem__, connections(), counted=counted))
        decided = desk.decisions_of(case.id)
        assert [each.decision.trace for each in told] == [each.trace for each in decided]
        assert [each.decision.case.incident for each in told] == [each.case.incident for each in decided]


# --- by hand ---------------------------------------------------------------------------------------------------------
def asked(**changes: str) -> IncidentFacts:
    """Return what a person asks for."""
    return IncidentFacts(change=IncidentChange.OPENED, **({"name": "outage", "by": "cli:ada"} | changes))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_an_incident_that_is_opened_by_hand_takes_who_wrote_lately_and_who_writes_then(store: Store) -> None:
    """Groups: no threshold; and one of a fingerprint is enough."""
    desk = Outage(store)
    desk.take(says("ann"))
    store.open_incident(asked(title="Database"), NOW + MINUTE)
    desk.pass_time(NOW + MINUTE)
    desk._settle(NOW + MINUTE)
    desk.take(says("bob", at=NOW + 2 * MINUTE))
    (incident,) = desk.incidents()
    assert (incident.title, incident.opened_by, incident.customers) == ("Database", "cli:ada", 2)
    assert [replies(desk.case_of(who)) for who in ("ann", "bob")] == [
        ["We know of it, Ann."],
        ["We know of it, Bob."],
    ]
    notice = next(each.effect for each in desk.parent().effects if each.effect.kind is EffectKind.NOTIFY)
    assert notice.title == "P1 escalation: Incident Database, one matter of many customers"
    assert packet_of(desk.parent()).reason == "Incident Database, one matter of many customers"
    with pytest.raises(ValueError, match="Incident Database is open already"):
        store.open_incident(asked(), NOW + 3 * MINUTE)


def test_an_incident_is_closed_by_hand_once(store: Store) -> None:
    """Groups."""
    desk = opened(store)
    (incident,) = desk.incidents()
    store.close_incident(incident.id, "cli:ada", "mended", NOW + 4 * MINUTE)
    desk._settle(NOW + 4 * MINUTE)
    assert desk.incidents()[0].closed_at == NOW + 4 * MINUTE
    with pytest.raises(ValueError, match="is over already"):
        store.close_incident(incident.id, "cli:ada", "mended", NOW + 5 * MINUTE)
    with pytest.raises(ValueError, match="There is no incident nobody"):
        store.close_incident("nobody", "cli:ada", "", NOW)


# --- from outside ----------------------------------------------------------------------------------------------------
def alert(number: int, *, over: bool = False, at: int = NOW, connection: str = "watch", thread: str = "a") -> Activity:
    """Return what a system that watches others says."""
    event = IncidentReported(
        thread=thread,
        dedupe=f"{thread}-{number}",
        occurred_at=at,
        sender=Party(kind="alertmanager", value="baton", name="Alertmanager", role=Role.SYSTEM),
        over=over,
        title="The shop does not answer",
        url="https://alertmanager.example",
    )
    return normalize(event, connection=connection, channel=Channel.HELPDESK, received_at=at)


def watched(store: Store) -> Outage:
    """Return a desk whose incident is opened by a connection as well."""
    text = POLICY.source.replace('id = "outage"\n', 'id = "outage"\nopened_by = ["watch"]\n')
    facts = connections() | {
        "watch": connection("watch", Channel.HELPDESK),
        "other": connection("other", Channel.HELPDESK),
    }
    return Outage(store, policy(text, facts), facts)


def test_an_alert_opens_an_incident_and_ends_it(store: Store) -> None:
    """Groups, by webhook: its own case is the parent, with the alert's title and page in the ticket."""
    desk = watched(store)
    desk.take(says("ann"))
    desk.take(alert(1, at=NOW + MINUTE))
    desk.take(alert(2, at=NOW + 2 * MINUTE))
    desk.take(says("bob", at=NOW + 3 * MINUTE))
    (incident,) = desk.incidents()
    assert (incident.title, incident.opened_by, incident.customers) == ("The shop does not answer", "watch", 2)
    parent = desk.parent()
    assert parent.case.subject == "Incident: The shop does not answer"
    assert [each.ladder for each in parent.episodes] == ["major"]
    assert replies(desk.case_of("bob")) == ["We know of it, Bob."]
    desk.take(alert(3, over=True, at=NOW + 5 * MINUTE))
    assert desk.incidents()[0].closed_at == NOW + 5 * MINUTE
    assert desk.parent().case.status is CaseStatus.RESOLVED


def test_an_alert_that_fires_again_opens_its_incident_again_and_nobody_is_told_twice(store: Store) -> None:
    """Groups, by webhook: an alert that flaps makes one ticket and one message."""
    desk = watched(store)
    for number in range(0, 6, 2):
        desk.take(alert(number, at=NOW + number * MINUTE))
        desk.take(says("ann", at=NOW + number * MINUTE + 1, number=number))
        desk.take(alert(number + 1, over=True, at=NOW + (number + 1) * MINUTE))
        member = desk.case_of("ann").case.incident
        assert member is not None
        assert not member.open
    desk.take(alert(9, at=NOW + 9 * MINUTE))
    (incident,) = desk.incidents()
    assert incident.closed_at is None
    assert replies(desk.case_of("ann")) == ["We know of it, Ann."]
    assert len(desk.parent().tickets) == 1


def test_an_alert_joins_an_incident_that_customers_opened_and_does_not_end_it(store: Store) -> None:
    """Groups, by webhook: one parent, whoever came first."""
    desk = watched(store)
    for number, who in enumerate(_MANY[:3]):
        desk.take(says(who, at=NOW + number))
    desk.take(alert(1, at=NOW + MINUTE))
    desk.take(alert(2, over=True, at=NOW + 2 * MINUTE))
    (incident,) = desk.incidents()
    assert (incident.closed_at, incident.opened_by) == (None, "rules")
    assert (incident.customers, incident.cases) == (3, 4)


def test_an_alert_of_a_connection_that_opens_nothing_is_kept_and_does_nothing(store: Store) -> None:
    """Groups, by webhook."""
    desk = watched(store)
    desk.take(alert(1, connection="other"))
    assert not desk.incidents()
    assert desk.decisions[-1][1].trace.sentence == "No [[incident]] of the policy is opened by other."
