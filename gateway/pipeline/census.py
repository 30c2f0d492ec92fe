"""Who has how much to do: counted over all cases now and then, and kept up to date with what this process decides meanwhile.

It spans cases, so no case's transaction writes it: it is what decisions may know of agents, and may be a little old. Another
replica's decisions of the last seconds are not in it. So where there may be others, whoever gives a case to somebody who can be
full, or has it wait for room, counts anew before it is written, and the replicas take turns at that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model import Activity, ActivityKind, Case, Channel, Decision, Episode, EpisodeState
from gateway.store.ports import Assigned, Staffing, Store
from routing.climbing import seat_name
from routing.people import UNKNOWN, Load, Presence, Staff

#: How long a count is believed before it is made anew, microseconds.
BELIEVED: Final = 10_000_000


class Census:
    """What is known of the agents of the policy. Used in one thread; only `presence` is set from elsewhere, as a whole."""

    def __init__(self, store: Store) -> None:
        """Know nobody yet."""
        self._store = store
        self._counted_at: int | None = None
        self._open: Counter[tuple[str, Channel | None]] = Counter()
        self._last: dict[str, int] = {}
        self._staff: Staff | None = None
        self._presence: Mapping[str, Presence] = {}
        #: Cases that wait for room in a team, by their ids.
        self.line: dict[str, tuple[Case, Episode]] = {}

    @property
    def presence(self) -> Mapping[str, Presence]:
        """Return whether agents are there, as far as rosters told."""
        return self._presence

    @presence.setter
    def presence(self, presence: Mapping[str, Presence]) -> None:
        self._presence = presence
        self._staff = None

    def look(self, now: int) -> None:
        """Count anew when the last count is too old. Before a batch, so that what was decided before is in it."""
        if self._counted_at is not None and 0 <= now - self._counted_at < BELIEVED:
            return
        self._count(self._store.assigned(), self._store.in_line())
        self._counted_at = now

    def recount(self, found: Staffing) -> None:
        """Take over what was counted while nobody else gave out room."""
        self._count(found.assigned, found.line)

    def _count(self, assigned: Sequence[Assigned], line: Sequence[tuple[Case, Episode]]) -> None:
        self._open = Counter()
        for each in assigned:
            self._open[each.agent, each.channel] += 1
            self._last[each.agent] = max(each.at, self._last.get(each.agent, 0))
        self.line = {case.id: (case, episode) for case, episode in line}
        self._staff = None

    @property
    def staff(self) -> Staff:
        """Return what decisions may know now."""
        if self._staff is None:
            self._staff = self._told()
        return self._staff

    def _told(self) -> Staff:
        names = {agent for agent, _ in self._open} | self._last.keys()
        loads = {
            name: Load(
                open={
                    channel: count
                    for (agent, channel), count in self._open.items()
                    if agent == name and channel is not None and count > 0
                },
                last_at=self._last.get(name),
            )
            for name in sorted(names)
        }
        line = frozenset(episode.waits_for for _, episode in self.line.values())
        known = loads or self._presence or line
        return Staff(loads=loads, presence=self._presence, line=line) if known else UNKNOWN

    def heed(self, before: Episode | None, decision: Decision) -> None:
        """Take in what was just decided: who has a case now, and who has it no longer."""
        self._line_up(decision)
        had, has = _holder(before), _holder(decision.episode)
        if had == has:
            return
        if had is not None:
            self._open[had] -= 1
        if has is not None and decision.episode is not None:
            self._open[has] += 1
            self._last[has[0]] = max(decision.episode.assigned_at or 0, self._last.get(has[0], 0))
        self._staff = None

    def _line_up(self, decision: Decision) -> None:
        """Take in whether the case waits for room now."""
        episode = decision.episode
        waits = episode is not None and episode.state is EpisodeState.OPEN and bool(episode.waits_for)
        if episode is not None and waits:
            self.line[decision.case.id] = (decision.case, episode)
            self._staff = None
        elif self.line.pop(decision.case.id, None) is not None:
            self._staff = None


def gives_out_room(before: Episode | None, activity: Activity, decision: Decision) -> bool:
    """Tell whether a decision gives a case to somebody or has it wait for room, or is the answer to a call."""
    if activity.kind is ActivityKind.TIMER and before is not None and activity.name == seat_name(before):
        return True
    episode = decision.episode
    if episode is None or episode.state is EpisodeState.CLOSED:
        return False
    has = _holder(episode)
    waited = before.waits_for if before is not None else ""
    return (has is not None and has != _holder(before)) or (episode.waits_for != waited and bool(episode.waits_for))


def _holder(episode: Episode | None) -> tuple[str, Channel | None] | None:
    """Return who alone has an episode's case; a case that several are asked for takes nobody's room yet."""
    if episode is None or episode.state is EpisodeState.CLOSED or len(episode.assigned) != 1:
        return None
    return episode.assigned[0], episode.channel
