"""The one moment of a case's life that it is learned from, and whether it was escalated after that.

Moments are the 1st, 2nd, 4th, 8th … message of the customer, and the making of a ticket, as long as nothing was escalated. Each
that a case has had is as likely to be the one that is kept, by a hash of the case: so no case counts more than another, and
nothing is known of what comes when it is chosen.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from gateway.model import ActivityKind, CaseStatus, EpisodeState, RiskPoint, SlaMark, TicketChange, altered
from gateway.model.life import is_customers
from routing.draft import Draft
from routing.risk.rules import SCORE, RiskRules

_MOMENTS: Final = frozenset({1, 2, 4, 8, 16, 32})


def settle(draft: Draft) -> None:
    """Note what became of the case since its moment, and whether this is a moment to be learned from."""
    rules = draft.snapshot.policy.risk
    point = draft.case.risk
    if rules is None and point is None:
        # For a policy without, this is all that it costs.
        return
    if rules is None:
        # What happens meanwhile is not noted, so that it could teach something wrong.
        point = None
    elif point is not None and point.escalated_at is None:
        point = _since(draft, point)
    if rules is not None and (point is None or (point.escalated_at is None and not point.forced)) and _is_moment(draft):
        point = _chosen(draft, point, rules)
    if point is not draft.case.risk:
        draft.change_case(risk=point)


def _since(draft: Draft, point: RiskPoint) -> RiskPoint:
    """Return a point with what came of it: an escalation that rules on the risk alone demanded proves nothing."""
    clocks = draft.case.sla.clocks if draft.case.sla is not None else ()
    missed = [each.due_at for each in clocks if each.reached(SlaMark.BREACHED, draft.now) and each.due_at is not None]
    after = [at for at in missed if at > point.at]
    if after:
        return altered(point, escalated_at=min(after))
    episode = draft.episode
    if episode is None or episode.opened_at < point.at:
        return point
    rules = draft.policy.by_id
    by_risk = all(name in rules and SCORE in rules[name].signals for name in episode.reasons)
    if not by_risk:
        return altered(point, escalated_at=draft.now)
    return point if point.forced else altered(point, forced=True)


def _is_moment(draft: Draft) -> bool:
    activity, case = draft.activity, draft.case
    escalated = draft.episode is not None and draft.episode.state is not EpisodeState.CLOSED
    if not draft.snapshot.features or escalated or case.status is not CaseStatus.OPEN or activity.own:
        return False
    if activity.kind is ActivityKind.TICKET:
        return activity.ticket is not None and activity.ticket.change is TicketChange.CREATED
    return activity.kind is ActivityKind.MESSAGE and is_customers(activity) and case.customer_messages in _MOMENTS


def _chosen(draft: Draft, point: RiskPoint | None, rules: RiskRules) -> RiskPoint:
    passed = 1 if point is None else point.passed + 1
    if point is not None and crc32(f"{draft.case.id}:{passed}".encode()) % passed:
        return altered(point, passed=passed)
    return RiskPoint(features=draft.snapshot.features, at=draft.now, until=draft.now + rules.horizon, passed=passed)
