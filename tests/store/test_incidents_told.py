"""Groups: who is told of an incident, how often, and what is said and done of one that is over or only tried."""

from __future__ import annotations

from gateway.model import ActivityKind, CaseStatus, TicketChange, TicketFacts, TicketStatus, altered
from gateway.store import Store
from tests.routing.values import MINUTE, NOW, policy, ticket
from tests.store.outage import POLICY, Outage, notes, replies, says
from tests.store.test_incidents import asked, opened

_MANY = ("ann", "bob", "cat", "dan")


# --- once a person ---------------------------------------------------------------------------------------------------
def link(desk: Outage, one: str, other: str) -> None:
    """Say that two customers are one person."""
    desk.store.link_contacts(contact_of(desk, one), contact_of(desk, other), "cli:test", "the same", NOW)


def contact_of(desk: Outage, who: str) -> str:
    """Return the contact of a customer, or the one that it is linked into."""
    case = desk.case_of(who).case.id
    return next(view.id for view in desk.store.contacts() if case in view.cases)


def told(desk: Outage, *who: str) -> list[str]:
    """Return what was sent to some customers, whatever the case."""
    cases = [each for each in desk.store.cases(100) if each.customer is not None and each.customer.value in who]
    return [text for each in cases if (history := desk.store.history(each.id)) is not None for text in replies(history)]


def test_a_person_with_several_addresses_is_told_once(store: Store) -> None:
    """Groups: who had written over two of them before it opened, and who writes over a third afterwards."""
    desk = Outage(store)
    for number, who in enumerate(("ann", "ann2")):
        desk.take(says(who, at=NOW + number))
    link(desk, "ann2", "ann")
    for number, who in enumerate(("bob", "cat")):
        desk.take(says(who, at=NOW + MINUTE + number))
    (incident,) = desk.incidents()
    assert (incident.customers, incident.cases) == (3, 4)
    assert len(told(desk, "ann", "ann2")) == 1
    desk.take(says("ann3", "Hello", at=NOW + 2 * MINUTE))
    link(desk, "ann3", "ann2")
    desk.take(says("ann3", at=NOW + 3 * MINUTE, number=1))
    assert desk.case_of("ann3").case.incident is not None
    assert not told(desk, "ann3")
    assert len(told(desk, "bob")) == len(told(desk, "cat")) == 1


def test_contacts_that_are_linked_once_one_of_them_was_told_are_one_person_from_then_on(store: Store) -> None:
    """Groups: and once they are parted, another who is told on their own, in a new case."""
    desk = opened(store)
    desk.take(says("dan", "Hello", at=NOW + 4 * MINUTE))
    dan = contact_of(desk, "dan")
    link(desk, "dan", "ann")
    desk.take(says("dan", at=NOW + 5 * MINUTE, number=1))
    assert not told(desk, "dan")
    store.unlink_contact(dan, "cli:test", "two people", NOW)
    desk.take(says("dan", at=NOW + 6 * MINUTE, thread="C1/new"))
    assert told(desk, "dan") == ["We know of it, Dan."]


def test_two_people_in_one_merged_case_are_told_each(store: Store) -> None:
    """Groups: to merge cases says that the matter is one, and not that the people are."""
    desk = opened(store)
    desk.take(says("dan", "Hello", at=NOW + 4 * MINUTE))
    store.merge(desk.case_of("ann").case.id, desk.case_of("dan").case.id, "cli:test", NOW)
    desk.take(says("dan", at=NOW + 5 * MINUTE, number=1))
    assert told(desk, "dan") == ["We know of it, Dan."]


def test_a_customer_whom_no_reply_could_reach_is_told_where_one_can(store: Store) -> None:
    """Groups: to belong to it is not to have heard of it."""
    desk = Outage(store)
    desk.take(altered(says("ann", thread="C1/quiet"), kind=ActivityKind.CONSENT, consent=False))
    desk.take(says("ann", at=NOW + 1, number=1, thread="C1/quiet"))
    for number, who in enumerate(("bob", "cat")):
        desk.take(says(who, at=NOW + 2 + number))
    assert not told(desk, "ann")
    desk.take(says("ann", at=NOW + MINUTE, number=2, thread="C1/new"))
    desk.take(says("ann", at=NOW + 2 * MINUTE, number=3, thread="C1/newer"))
    assert told(desk, "ann") == ["We know of it, Ann."]


class _Nameless(Outage):
    """A desk to which nobody's contact is known."""

    def _settle(self, now: int) -> None:
        for table in ("threads", "cases"):
            self.store._engine.write(lambda t, table=table: t.run(f"UPDATE {table} SET contact_id = NULL"))  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        super()._settle(now)


def test_customers_without_a_contact_are_told_once_for_each_address(store: Store) -> None:
    """Groups: nobody is taken for another, and one address hears of it once."""
    desk = _Nameless(store)
    for number, who in enumerate(("ann", "bob", "cat")):
        desk.take(says(who, at=NOW + number))
    for number in range(2):
        desk.take(says("ann", at=NOW + MINUTE + number, thread=f"C1/new{number}"))
    (incident,) = desk.incidents()
    assert (incident.customers, incident.cases) == (5, 5)
    assert [len(told(desk, who)) for who in ("ann", "bob", "cat")] == [1, 1, 1]


# --- over ------------------------------------------------------------------------------------------------------------
_OVER = policy(POLICY.source.replace('resolve_after = "2h"', 'reply_when_over = "It works again, {{customer.name}}."'))


def ended(store: Store) -> Outage:
    """Return a desk at which an incident of three customers, one with two cases, was closed by hand."""
    desk = Outage(store, _OVER)
    for number, who in enumerate(_MANY[:3]):
        desk.take(says(who, at=NOW + number * MINUTE))
    desk.take(says("ann", at=NOW + 3 * MINUTE, thread="C1/new"))
    desk.take(says("dan", "Hello", at=NOW + 3 * MINUTE))
    bobs = f"T-{desk.case_of('bob').case.id}"
    facts = TicketFacts(id=bobs, change=TicketChange.STATUS, status=TicketStatus.SOLVED)
    solved = altered(ticket(TicketChange.STATUS), ticket=facts, thread=bobs, dedupe="solved")
    desk.take(altered(solved, occurred_at=NOW + 4 * MINUTE, received_at=NOW + 4 * MINUTE))
    store.close_incident(desk.incidents()[0].id, "cli:ada", "mended", NOW + 5 * MINUTE)
    desk._settle(NOW + 5 * MINUTE)
    return desk


def test_whoever_was_told_that_it_began_is_told_once_that_it_is_over(store: Store) -> None:
    """Groups: not whose case is resolved already, and not in each of their cases."""
    desk = ended(store)
    assert told(desk, "ann") == ["We know of it, Ann.", "It works again, Ann."]
    assert told(desk, "bob") == ["We know of it, Bob."]
    assert told(desk, "cat") == ["We know of it, Cat.", "It works again, Cat."]
    assert not told(desk, "dan")


def test_cases_stay_as_they_are_when_their_incident_is_over(store: Store) -> None:
    """Groups: open, with a note in their tickets, and rules look at them as before."""
    desk = ended(store)
    (incident,) = desk.incidents()
    ann = desk.case_of("ann")
    over = f"Incident Service outage: chat (ticket T-{incident.id} https://desk.example/T-{incident.id}) is over."
    first = next(
        history
        for case in store.cases()
        if (history := store.history(case.id)) is not None
        and case.customer
        and case.customer.value == "ann"
        and history.tickets
    )
    assert notes(first)[-1] == over
    assert over not in notes(desk.case_of("bob"))
    assert ann.case.status is first.case.status is CaseStatus.OPEN
    desk.take(says("ann", "Still down", at=NOW + 60 * MINUTE, thread="C1/new", number=1))
    assert [each.rule for each in desk.case_of("ann").episodes] == ["broken"]


def test_what_belonged_to_an_incident_that_is_over_does_not_count_for_the_next(store: Store) -> None:
    """SG-8: one who thanks, or still complains, within the window is no burst; as many others as ever are."""
    desk = ended(store)
    desk.take(says("ann", "It was down for me, thanks", at=NOW + 6 * MINUTE, number=2))
    assert len(desk.incidents()) == 1
    for number, who in enumerate(("dan", "eve")):
        desk.take(says(who, at=NOW + 7 * MINUTE + number, number=3))
    _, second = desk.incidents()
    assert (second.opened_at, second.customers) == (NOW + 7 * MINUTE + 1, 3)
    assert told(desk, "cat") == ["We know of it, Cat.", "It works again, Cat."]


# --- tried -----------------------------------------------------------------------------------------------------------
def tried(store: Store) -> Outage:
    """Return a desk whose incident is in observe mode."""
    return Outage(store, policy(POLICY.source.replace('id = "outage"\n', 'id = "outage"\nmode = "observe"\n')))


def test_an_incident_in_observe_mode_does_nothing_and_says_once_a_case_what_it_would_do(store: Store) -> None:
    """Groups: the customers are counted, nobody is told, and no rule is held back."""
    desk = tried(store)
    for number, who in enumerate((*_MANY, "cat")):
        desk.take(says(who, at=NOW + number * MINUTE, number=number))
    assert not desk.incidents()
    assert not told(desk, *_MANY)
    assert [desk.case_of(who).case.incident for who in _MANY] == [None] * 4
    assert [[each.rule for each in desk.case_of(who).episodes] for who in _MANY] == [["broken"]] * 4
    said = [decision.trace.sentence for activity, decision in desk.decisions if activity.connection != "baton"]
    assert [("would be open" in each) for each in said] == [False, False, True, True, False]
    assert (
        "Incident Service outage would be open, by 3 customers within 10m, and the case belong to it (held back: broken):"
        " its mode is observe, so nothing is done." in said[2]
    )
    assert [burst.customers for _, decision in desk.decisions for burst in decision.trace.bursts] == [1, 2, 3, 4, 4]


def test_an_incident_in_observe_mode_is_not_opened_by_hand(store: Store) -> None:
    """Groups: what is asked for is answered, and nothing comes of it."""
    desk = tried(store)
    desk.take(says("ann"))
    store.open_incident(asked(), NOW + MINUTE)
    desk._settle(NOW + MINUTE)
    assert not desk.incidents()
    assert desk.decisions[-1][1].trace.sentence == (
        "Incident Service outage would be opened: its mode is observe, so nothing is done."
    )


def test_an_open_incident_that_is_only_tried_by_now_takes_nobody_and_holds_nothing_back(store: Store) -> None:
    """Groups: it ends as ever."""
    opened(store)
    desk = tried(store)
    desk.take(says("dan", at=NOW + 3 * MINUTE))
    desk.take(says("cat", at=NOW + 4 * MINUTE, number=1))
    assert desk.case_of("dan").case.incident is None
    assert [[each.rule for each in desk.case_of(who).episodes] for who in ("cat", "dan")] == [["broken"]] * 2
    desk.pass_time(NOW + 300 * MINUTE)
    assert desk.incidents()[0].closed_at is not None
