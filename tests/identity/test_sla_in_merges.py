"""SG-7: clocks of SLAs while cases are merged, and after that was undone: as if it had never been."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import ActivityKind, Party, Role, SlaClock, SlaMetric, TicketStatus
from routing.load import load_policy
from tests.identity.desk import MINUTE, Desk
from tests.identity.policies import POLICY

HOUR: Final = 60 * MINUTE
AGENT: Final = Party(kind="slack_user", value="U9", name="Grace", role=Role.AGENT)
SLA: Final = """
[[sla]]
id = "standard"
first = "1h"
next = "2h"
resolution = "1d"
pause = ["pending"]
"""


def with_sla(desk: Desk) -> Desk:
    assert desk._policies is not None
    direction = desk._policies.direction
    policy = load_policy(POLICY + SLA, "escalation.toml", direction.connections)
    desk._policies.swap(replace(direction, policy=policy))
    return desk


def tick(desk: Desk, amount: int) -> None:
    """Let time pass, and every deadline that is due then be reached."""
    until = desk.now + amount
    while (due := desk.store.next_due()) is not None and due <= until:
        desk.now = max(desk.now, due)
        if not desk.store.fire(desk.now, 64):
            break
        desk.decide()
    desk.now = until


def clocks(desk: Desk, case_id: str) -> dict[SlaMetric, SlaClock]:
    found = desk.history(case_id).case.sla
    assert found is not None
    return {clock.metric: clock for clock in found.clocks}


def heard(desk: Desk, case_id: str) -> list[str]:
    """Return the marks of clocks that rules were let look at."""
    applied = desk.history(case_id).activities
    return [
        str((each.trace or {})["sentence"])
        for each in applied
        if each.activity.kind is ActivityKind.TIMER and (each.trace or {})["result"] == "sla"
    ]


def two(desk: Desk) -> tuple[str, str]:
    desk.team("U1", "t1", "hello")
    tick(desk, 10 * MINUTE)
    desk.team("U2", "t2", "hello")
    one, other = sorted(case.id for case in desk.store.cases())
    return one, other


def answer(desk: Desk, thread: str) -> None:
    desk.bring(desk.activity("team", thread, AGENT, "Good morning."))


def test_while_a_case_is_merged_only_the_clocks_of_the_one_that_holds_it_count(desk: Desk) -> None:
    one, other = two(with_sla(desk))
    desk.store.merge(other, one, "op", desk.now)
    tick(desk, 3 * HOUR)
    assert heard(desk, one) == [
        "The first response of SLA standard is at risk.",
        "The first response of SLA standard was missed.",
    ]
    assert heard(desk, other) == []


def test_after_a_merge_was_undone_each_case_hears_what_it_had_yet_to_hear(desk: Desk) -> None:
    """The deadlines of the merged case passed, unheard, while another case held it."""
    one, other = two(with_sla(desk))
    before = clocks(desk, other)[SlaMetric.FIRST]
    desk.store.merge(other, one, "op", desk.now)
    tick(desk, 3 * HOUR)
    desk.store.unmerge(other, "op", desk.now)
    tick(desk, MINUTE)
    assert heard(desk, other) == ["The first response of SLA standard was missed."]
    assert len(heard(desk, one)) == 2, "what was heard is not heard again"
    after = clocks(desk, other)[SlaMetric.FIRST]
    assert (after.began_at, after.due_at) == (before.began_at, before.due_at)


def test_an_answer_to_the_one_customer_leaves_the_other_waiting_once_the_cases_are_parted(desk: Desk) -> None:
    one, other = two(with_sla(desk))
    desk.store.merge(other, one, "op", desk.now)
    tick(desk, 5 * MINUTE)
    answer(desk, "t1")
    assert clocks(desk, one)[SlaMetric.FIRST].ended_at == desk.now
    desk.store.unmerge(other, "op", desk.now)
    tick(desk, MINUTE)
    assert clocks(desk, other)[SlaMetric.FIRST].ended_at is None
    tick(desk, 2 * HOUR)
    assert heard(desk, other)[-1] == "The first response of SLA standard was missed."
    assert heard(desk, one) == []


def test_what_a_ticket_said_while_cases_were_one_stays_with_the_case_of_the_ticket(desk: Desk) -> None:
    with_sla(desk)
    desk.team("U1", "t1", "help")
    desk.dispatch()
    tick(desk, MINUTE)
    desk.team("U2", "t2", "hello")
    one, other = sorted(case.id for case in desk.store.cases())
    desk.store.merge(other, one, "op", desk.now)
    desk.ticket_status(one, TicketStatus.PENDING)
    desk.store.unmerge(other, "op", desk.now)
    tick(desk, MINUTE)
    assert clocks(desk, one)[SlaMetric.FIRST].due_at is None
    assert clocks(desk, other)[SlaMetric.FIRST].due_at is not None


def test_an_installation_without_slas_has_no_more_to_do_at_an_undoing(desk: Desk) -> None:
    one, other = two(desk)
    desk.store.merge(other, one, "op", desk.now)
    desk.store.unmerge(other, "op", desk.now)
    assert desk.store.next_due() is None
