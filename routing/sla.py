"""The SLA of a case: which one applies, what its clocks say when something happens, and the timers by which they are heard.

The first SLA of the policy in force whose conditions hold applies, whatever other ones would say. It is looked at with everything
that happens to a case, so that a rule that raises the priority changes it at once, and a reload with the next thing that happens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import CaseStatus, EffectKind, SlaClock, SlaClocks, SlaMark, Timer, altered
from gateway.model.sla import TIMER_PREFIX, TITLES, look_name
from routing.clocks import clocks_of, counted, marks_ahead, with_left
from routing.draft import Draft
from routing.policy import Sla

_SHOWN: Final = frozenset({EffectKind.HANDOFF, EffectKind.UPDATE, EffectKind.NOTIFY})


def concerns(draft: Draft) -> bool:
    """Tell whether there is anything to do for SLAs: for a policy without, this is all that it costs."""
    return bool(draft.snapshot.policy.slas) or draft.case.sla is not None


def is_timer(name: str) -> bool:
    """Tell whether a timer is one of an SLA."""
    return name.startswith(TIMER_PREFIX)


def timer_name(case_id: str, clock: SlaClock, mark: SlaMark) -> str:
    """Return the name of the timer that fires when a clock reaches a mark."""
    return f"{TIMER_PREFIX}{case_id}:{clock.metric.value}:{mark.value}:{clock.epoch}"


def look(draft: Draft) -> Sla | None:
    """Read the clocks of the case as it is now, for the conditions of rules; return the SLA that applies."""
    sla = _applying(draft)
    activity = draft.activity
    clocks = clocks_of(draft.case, sla, draft.snapshot.case.sla, at=activity.received_at, now=draft.now)
    draft.change_case(sla=clocks)
    hours = sla.calendar if sla is not None else None
    draft.signals.sla = replace(draft.signals.sla, clocks=clocks, hours=hours, now=draft.now)
    return sla


def _applying(draft: Draft) -> Sla | None:
    policy = draft.snapshot.policy
    if policy.match_sla is None:
        return None
    found = policy.match_sla(draft.case, draft.activity, draft.now, policy.book, " ", draft.signals)
    return policy.slas[found[0]] if found else None


def reached(draft: Draft) -> bool:
    """Take the firing of a timer; True when a clock that is owed reached a mark just now, so that rules look."""
    look(draft)
    clocks = draft.case.sla
    if draft.activity.name == look_name(draft.case.id):
        draft.say("timer", "The clocks of the case are read anew.")
        return False
    if draft.case.status is CaseStatus.OPEN:
        for clock, mark, _ in marks_ahead(clocks):
            # The name is enough: the wall clock may have been set back since the timer fired.
            if timer_name(draft.case.id, clock, mark) != draft.activity.name:
                continue
            if mark is SlaMark.AT_RISK and clock.reached(SlaMark.BREACHED, draft.now):
                draft.say("timer", "The clock of an SLA is past its target already: rules hear of that.")
                return False
            draft.signals.sla = replace(draft.signals.sla, event=mark, metric=clock.metric)
            return True
    draft.say("timer", "A deadline passed that nobody waits for any more.")
    return False


def recall(draft: Draft) -> None:
    """Let rules that look again at an earlier activity see the mark that it told of, while its clock still runs."""
    about, clocks = draft.about, draft.case.sla
    event, metric = None, None
    if is_timer(about.name) and clocks is not None and draft.case.status is CaseStatus.OPEN:
        for clock in clocks.clocks:
            for mark in SlaMark:
                if clock.ended_at is None and timer_name(draft.case.id, clock, mark) == about.name:
                    event, metric = mark, clock.metric
    draft.signals.sla = replace(draft.signals.sla, event=event, metric=metric)


def told(draft: Draft) -> str:
    """Return in a sentence what a clock reached."""
    facts = draft.signals.sla
    name = TITLES[facts.metric] if facts.metric is not None else "target"
    how = "was missed" if facts.event is SlaMark.BREACHED else "is at risk"
    return f"The {name} of SLA {facts.id} {how}."


def settle(draft: Draft) -> None:
    """Read the clocks once everything is decided, set and drop their timers, and write them beside what goes out."""
    sla = look(draft)
    before, case_id = draft.snapshot.case.sla, draft.case.id
    clocks = _with_told(draft)
    if clocks is not None:
        clocks, draft.targets = counted(clocks, draft.now)
    draft.change_case(sla=clocks)
    ahead = {timer_name(case_id, clock, mark): when for clock, mark, when in marks_ahead(clocks)}
    behind = {timer_name(case_id, clock, mark) for clock, mark, _ in marks_ahead(before)}
    draft.timers += [Timer(name=name, due_at=when) for name, when in ahead.items() if name not in behind]
    draft.cancelled += sorted(behind - ahead.keys() - {draft.activity.name})
    if clocks is not None and clocks.clocks:
        clocks = with_left(clocks, sla.calendar if sla is not None else None, draft.now)
        draft.effects = [altered(effect, sla=clocks) if effect.kind in _SHOWN else effect for effect in draft.effects]


def _with_told(draft: Draft) -> SlaClocks | None:
    """Return the clocks, with what rules have just heard counted as told, also when they changed the SLA upon it.

    Who heard that a target was missed need not hear that it is at risk.
    """
    clocks, facts = draft.case.sla, draft.signals.sla
    if clocks is None or facts.event is None:
        return clocks
    heard = tuple(SlaMark) if facts.event is SlaMark.BREACHED else (facts.event,)

    def has_heard(clock: SlaClock, mark: SlaMark) -> bool:
        this = timer_name(draft.case.id, clock, facts.event or mark) == draft.activity.name
        return mark in clock.told or (mark in heard and (this or clock.reached(mark, draft.now)))

    return altered(
        clocks,
        clocks=tuple(
            altered(clock, told=tuple(mark for mark in SlaMark if has_heard(clock, mark)))
            if clock.metric is facts.metric
            else clock
            for clock in clocks.clocks
        ),
    )
