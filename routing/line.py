"""Cases that wait for room in a team: who is offered a seat when one is free. Pure, over all cases at once.

First those who waited longer than their step's `max_wait`, the oldest first: however many urgent cases come, everybody is served.
Then the highest priority, and of one priority the oldest. A case that nobody has room for holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from gateway.model import Case, Channel, Episode
from routing.climbing import seat_name
from routing.people import Load, Staff
from routing.policy import Policy, Stage
from routing.resolving import Matter, ask

#: What stands behind every priority: a case that has none.
_LAST = "P9"


def rank(case: Case, episode: Episode, max_wait: int, now: int) -> tuple[int, str, int, str]:
    """Return what orders those who wait: the smallest is first."""
    since = episode.line_since or 0
    if now - since >= max_wait:
        return 0, "", since, case.id
    return 1, case.priority.value if case.priority is not None else _LAST, since, case.id


def offers(
    waiting: Iterable[tuple[Case, Episode]],
    policy_of: Callable[[str], Policy | None],
    staff: Staff,
    now: int,
    called: frozenset[str] = frozenset(),
) -> tuple[tuple[Case, Episode], ...]:
    """Return the cases that somebody has room for now, in their order; each one's seat is taken for those behind it.

    Those whose call is on its way, by its name, come before all others: the seat is theirs.
    """
    known = [(case, episode, found) for case, episode in waiting if (found := _stage(policy_of, episode)) is not None]
    known.sort(
        key=lambda each: (seat_name(each[1]) not in called, rank(each[0], each[1], each[2][1].max_wait, now)),
    )
    made: list[tuple[Case, Episode]] = []
    loads: dict[str, Load] = dict(staff.loads)
    for case, episode, (policy, stage) in known:
        if stage.asks is None:
            continue
        matter = matter_of(policy, case, episode, replace(staff, loads=loads), now)
        assigned = ask(stage, stage.asks, matter, episode.relaxed).assigned
        if not assigned:
            continue
        made.append((case, episode))
        if len(assigned) == 1:
            loads[assigned[0]] = _one_more(loads.get(assigned[0], Load()), case.channel, now)
    return tuple(made)


def matter_of(policy: Policy, case: Case, episode: Episode, staff: Staff, now: int) -> Matter:
    """Return what must be known to find people for a case whose turn it is."""
    return Matter(
        people=policy.people,
        staff=staff,
        now=now,
        channel=case.channel,
        actor=episode.actor,
        action=episode.action,
        amount=episode.amount,
        assigned=episode.assigned,
        asked=episode.asked,
        case=case,
        called=True,
    )


def _stage(policy_of: Callable[[str], Policy | None], episode: Episode) -> tuple[Policy, Stage] | None:
    """Return the step that an episode waits on, with its policy; None when that cannot be read any more."""
    policy = policy_of(episode.policy)
    ladder = policy.ladders.get(episode.ladder) if policy is not None else None
    if policy is None or ladder is None or ladder.at_end(episode.step):
        return None
    return policy, ladder.stage(episode.step)


def _one_more(load: Load, channel: Channel | None, now: int) -> Load:
    if channel is None:
        return replace(load, last_at=now)
    cases: Mapping[Channel, int] = {**load.open, channel: load.open.get(channel, 0) + 1}
    return Load(open=cases, last_at=now)
