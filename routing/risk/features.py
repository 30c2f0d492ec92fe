"""What is known of a case at a moment, as features: words with a value, in any language the same.

No feature holds what somebody wrote, who they are, or who answered them. A tier and tags are words of classes; one that looks
like an address or a number is left out. What is as in most cases (no fallback, not reopened) has no
feature: explanations stay short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from gateway.model import Activity, ActivityKind, Case, SlaMark, count_in
from gateway.model.sla import TIMER_PREFIX
from routing.calendar import Calendar
from routing.draft import customer_of
from routing.signals.reading import REMEMBERING, Signals, remember
from routing.snapshot import Snapshot

_MICRO: Final = 1_000_000
_HOUR: Final = 3_600 * _MICRO
#: Names of spans, each with where it ends, microseconds.
_SPANS: Final = (
    ("under 15m", _HOUR // 4),
    ("15m-1h", _HOUR),
    ("1h-4h", 4 * _HOUR),
    ("4h-1d", 24 * _HOUR),
    ("1d-3d", 72 * _HOUR),
)
_LONGEST: Final = 40
_MOST_TAGS: Final = 10
#: What may be somebody's address or number is no word of a class.
_PERSONAL: Final = re.compile(r"@|[0-9]{5}")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: A part of a day, hours.
_PART: Final = 4
#: A change of the mean sentiment that counts.
_TURN: Final = 0.1
_BAD, _GOOD = -0.3, 0.3
_NEVER: Final = frozenset(
    {ActivityKind.DELIVERY_REPORT, ActivityKind.CONSENT, ActivityKind.EDIT, ActivityKind.DELETION}
)


def looked_at(activity: Activity) -> bool:
    """Tell whether rules may look upon an activity: of all others nobody asks for the risk."""
    if activity.own or activity.kind in _NEVER:
        return False
    if activity.kind is ActivityKind.OUTCOME:
        return activity.outcome is not None and activity.outcome.effect_kind == "lookup"
    return activity.kind is not ActivityKind.TIMER or activity.name.startswith(TIMER_PREFIX)


def features_of(snapshot: Snapshot, activity: Activity, now: int) -> tuple[str, ...]:
    """Return the features of a case as an activity leaves it, before rules change it."""
    case = count_in(snapshot.case, activity, snapshot.thread)
    policy, customer = snapshot.policy, customer_of(snapshot, now)
    case = remember(case, Signals(activity, policy.lexicons, policy.people, customer), activity, REMEMBERING)
    return (
        *_of_case(case, now),
        *_of_feeling(snapshot.case, case),
        *_of_sla(case, _hours(snapshot, case), now),
        *_of_time(now),
        *_words("tier", (customer.tier or "",)),
        *_words("tag", case.tags),
    )


def _of_case(case: Case, now: int) -> Iterator[str]:
    yield f"channel={case.channel.value if case.channel is not None else 'unknown'}"
    if case.priority is not None:
        yield f"priority={case.priority.value}"
    counts = {
        "customer_messages": case.customer_messages,
        "agent_messages": case.agent_messages,
        "bot_turns": case.bot_turns,
        "bot_fallbacks": case.bot_fallbacks,
        "reopened": case.reopened,
        "repeated_question": case.repeated_question,
    }
    for name, count in counts.items():
        if count > 0:
            yield f"{name}={_amount(count)}"
    yield f"age={_span(now - case.opened_at)}"
    if case.waiting.unanswered_at is not None:
        yield f"unanswered_for={_span(now - case.waiting.unanswered_at)}"
    if case.follows:
        yield "follow_up=yes"


def _of_feeling(before: Case, case: Case) -> Iterator[str]:
    if case.sentiment is None:
        return
    yield f"sentiment={'bad' if case.sentiment < _BAD else 'good' if case.sentiment > _GOOD else 'neutral'}"
    turn = case.sentiment - before.sentiment if before.sentiment is not None else 0.0
    if abs(turn) >= _TURN:
        yield f"sentiment_trend={'falling' if turn < 0 else 'rising'}"


def _of_sla(case: Case, hours: Calendar | None, now: int) -> Iterator[str]:
    if case.sla is not None and case.sla.id:
        yield from _words("sla", (case.sla.id,))
        for clock in case.sla.owed():
            if clock.reached(SlaMark.BREACHED, now):
                yield f"sla_missed={clock.metric.value}"
            elif clock.reached(SlaMark.AT_RISK, now):
                yield f"sla_at_risk={clock.metric.value}"
    if hours is not None:
        yield f"business_hours={'yes' if hours.is_open(now) else 'no'}"


def _hours(snapshot: Snapshot, case: Case) -> Calendar | None:
    """Return the working hours of the case's SLA; without, those of the policy where it has one calendar alone."""
    calendars = snapshot.policy.calendars
    if case.sla is not None and case.sla.calendar in calendars:
        return calendars[case.sla.calendar]
    return next(iter(calendars.values())) if len(calendars) == 1 else None


def _of_time(now: int) -> Iterator[str]:
    moment = datetime.fromtimestamp(now // _MICRO, UTC)
    first = moment.hour // _PART * _PART
    yield f"weekday={_DAYS[moment.weekday()]}"
    yield f"hour_utc={first:02d}-{first + _PART:02d}"


def _words(name: str, values: tuple[str, ...]) -> Iterator[str]:
    for value in values[:_MOST_TAGS]:
        word = " ".join(value.casefold().split())
        if word and len(word) <= _LONGEST and not _PERSONAL.search(word):
            yield f"{name}={word}"


def _amount(count: int) -> str:
    """Return a count by its size: 1, 2-3, 4-7, 8+."""
    low = 1 << (min(count, 8).bit_length() - 1)
    return "1" if low == 1 else f"{low}+" if low == 8 else f"{low}-{2 * low - 1}"  # noqa: PLR2004 (the last size)


def _span(micros: int) -> str:
    return next((name for name, end in _SPANS if micros < end), "over 3d")
