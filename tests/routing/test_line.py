"""AS-4: what waits for room is offered highest priority first, then oldest; and a VIP starves nobody beyond `max_wait`."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Case, Channel, Decision, Episode, EpisodeState, Priority, altered
from routing.climbing import seat_name
from routing.line import offers
from routing.people import Load, Presence, Staff
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.routing.test_steps import failures, steps
from tests.routing.values import (
    MINUTE,
    NOW,
    case,
    message,
    open_episode,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    timer,
)

WAITS: Final = 'target = "team:first"\nwhen_full = "wait"\nmax_wait = "30m"'
TEXT: Final = steps(WAITS, 'target = "team:second"').replace(
    'ids = { desk = "2"', 'capacity = { chat = 1 }\nids = { desk = "2"'
)
RULES: Final = policy(TEXT)
FULL: Final = Staff(loads={name: Load(open={Channel.CHAT: 1}) for name in ("ann", "ben")})
LONGEST: Final = 30 * MINUTE


def room(*names: str) -> Staff:
    """Return who has room, of Ann and Ben, while others wait."""
    busy = {name: Load(open={Channel.CHAT: 1}) for name in ("ann", "ben") if name not in names}
    return Staff(loads=busy, line=frozenset({"first"}))


def escalated(staff: Staff) -> tuple[Snapshot, Decision]:
    where, (made,) = play(snapshot(RULES, staff=staff), message("help"))
    return where, made


# --- one case --------------------------------------------------------------------------------------------------------
def test_as_4_a_case_waits_on_its_step_while_all_who_could_take_it_are_full() -> None:
    """It stands in the helpdesk, its deadline runs, and it goes on when that passes."""
    where, made = escalated(FULL)
    episode = made.episode
    assert episode is not None
    assert (episode.step, episode.assigned, episode.waits_for, episode.line_since) == (0, (), "first", NOW)
    assert made.trace.sentence.endswith("It waits for room in team first.")
    assert [each.name for each in made.timers] == [f"ack:{episode.id}:0"]
    _, (late,) = play(where, timer(f"ack:{episode.id}:0"))
    assert late.episode is not None
    assert (late.episode.step, late.episode.assigned, late.episode.waits_for) == (1, ("cy",), "")


def test_as_4_when_its_turn_comes_it_is_given_to_whoever_has_room() -> None:
    """The ticket is assigned and they are told; a call that finds no room leaves it waiting."""
    where, made = escalated(FULL)
    assert made.episode is not None
    where, _ = play(where, altered(outcome(made.effects[0].id, made.episode), received_at=NOW))
    call = timer(seat_name(made.episode))
    _, (vain,) = play(where, call)
    assert vain.episode == where.episode
    assert vain.effects == ()
    _, (seated,) = play(altered(where, staff=room("ben")), call)
    assert seated.episode is not None
    assert (seated.episode.assigned, seated.episode.waits_for, seated.episode.line_since) == (("ben",), "", None)
    assert [(each.kind.value, each.destination, each.assignee) for each in seated.effects] == [
        ("update", "", "2"),
        ("notify", "@ben", None),
    ]


def test_as_4_who_comes_while_others_wait_waits_behind_them() -> None:
    """A newcomer takes no seat that somebody waits for."""
    _, made = escalated(room("ann", "ben"))
    assert made.episode is not None
    assert (made.episode.assigned, made.episode.waits_for) == ((), "first")


def test_who_takes_a_waiting_case_takes_it_out_of_the_line() -> None:
    where, made = escalated(FULL)
    assert made.episode is not None
    _, (taken,) = play(where, pressed("acknowledge", dedupe="a", reference="n1"))
    assert taken.episode is not None
    assert (taken.episode.state, taken.episode.waits_for) == (EpisodeState.ACKNOWLEDGED, "")
    assert seat_name(made.episode).startswith("seat:")


def test_where_nobody_is_there_at_all_it_does_not_wait() -> None:
    """Room comes back; people who are away may not. And without `when_full` nothing waits."""
    away = Staff(presence={name: Presence(available=False, read_at=NOW) for name in ("ann", "ben")})
    assert escalated(away)[1].trace.skipped_why == ((0, "nobody of team first can take it"),)
    test = '[[policy_test.event]]\nmessage = "help"\nexpect = { path = [PATH], assigned = [WHO] }\n'
    full = "open_cases = { ann = { chat = 1 }, ben = { chat = 1 } }"
    waits, goes = test.replace("PATH", "1").replace("WHO", ""), test.replace("PATH", "2").replace("WHO", '"cy"')
    assert failures(TEXT, waits, full) == []
    assert failures(TEXT.replace('when_full = "wait"\nmax_wait = "30m"', 'when_full = "next"'), goes, full) == []


# --- all of them -----------------------------------------------------------------------------------------------------
def of(number: int, priority: Priority | None, since: int) -> tuple[Case, Episode]:
    name = f"case-{number:03}"
    episode = open_episode(
        id=f"e-{number:03}", case_id=name, ladder="up", policy=RULES.digest, waits_for="first", line_since=since
    )
    return case(id=name, priority=priority), episode


def by_rules(digest: str) -> Policy | None:
    return RULES if digest == RULES.digest else None


@given(
    waiting=st.lists(st.tuples(st.sampled_from([*Priority, None]), st.integers(0, 60)), max_size=12),
    free=st.sets(st.sampled_from(["ann", "ben"])),
)
def test_as_4_seats_go_to_the_overdue_oldest_first_and_then_by_priority_and_age(
    waiting: list[tuple[Priority | None, int]], free: set[str]
) -> None:
    """AS-4, PT: as many as there are seats, and none of those who wait would have come before them."""
    line = [of(number, priority, NOW - ago * MINUTE) for number, (priority, ago) in enumerate(waiting)]
    made = offers(line, by_rules, room(*free), NOW)
    assert len(made) == min(len(line), len(free))
    chosen = {found.id for found, _ in made}
    for served, episode in made:
        for other, waits in line:
            if other.id in chosen:
                continue
            mine, theirs = NOW - (episode.line_since or 0), NOW - (waits.line_since or 0)
            if theirs >= LONGEST:
                assert mine >= theirs, "an overdue case is passed by a younger one"
            elif mine < LONGEST:
                assert (served.priority or "P9", -mine) <= (other.priority or "P9", -theirs)


@given(
    arrivals=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([Priority.P1, Priority.P4])), min_size=1, max_size=60
    ),
    every=st.integers(1, 4),
)
def test_as_4_a_vip_starves_nobody_beyond_max_wait(arrivals: list[tuple[int, Priority]], every: int) -> None:
    """AS-4, PT: a seat every few minutes, whatever comes. Who waited `max_wait` is served before all who came later."""
    now, number = NOW, 0
    line: dict[str, tuple[Case, Episode]] = {}
    left = list(arrivals)
    minute = 0
    while left or line:
        while left and left[0][0] <= minute % 4:
            each = of(number, left.pop(0)[1], now)
            line[each[0].id] = each
            number += 1
        if minute % every == 0 and line:
            overdue = {key: found for key, found in line.items() if now - (found[1].line_since or 0) >= LONGEST}
            ((served, episode),) = offers(line.values(), by_rules, room("ann"), now)
            if overdue:
                assert served.id in overdue
                assert episode.line_since == min(found[1].line_since or 0 for found in overdue.values())
            del line[served.id]
        minute += 1
        now += MINUTE


def test_a_case_of_a_policy_that_is_gone_holds_nobody_up() -> None:
    lost = of(1, Priority.P1, NOW - MINUTE)
    gone = (lost[0], altered(lost[1], policy="gone"))
    mine = of(2, Priority.P4, NOW)
    assert [found.id for found, _ in offers([gone, mine], by_rules, room("ann"), NOW)] == ["case-002"]
