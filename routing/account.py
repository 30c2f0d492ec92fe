"""The account of a case: for each thing that happened to it, what every rule of the policy made of it, and why.

What is stored of a case is gone through once more, with the instants that it had, so that conditions are seen as the rules saw
them. Deciding is pure: the same policy answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Activity, Decision, Episode, Risk, Trace, TraceStep
from routing.explain import explain, seen
from routing.outside import Outside
from routing.policy import ConnectionFacts, Ladder, Policy
from routing.snapshot import Snapshot
from routing.world import World


class Verdict(StrEnum):
    """What became of a rule."""

    MATCHED = "matched"
    #: It matched, and an incident keeps it from escalating.
    HELD_BACK = "held back"
    #: Its conditions do not hold.
    PASSED_OVER = "passed over"
    #: A rule above matched and does not continue.
    NOT_ASKED = "not asked"
    #: No rule looks at such an activity.
    NONE_ASKED = "none asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAccount:
    """What became of one rule."""

    step: TraceStep
    verdict: Verdict
    #: A sentence that says why.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAccount:
    """A step of the ladder that the case did not stop at."""

    #: The ladder, and the step as an index.
    ladder: str
    step: int
    #: A sentence that says why.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one activity led to, and why nothing else."""

    #: The activity.
    activity: Activity
    #: The policy that is asked, by the hash of its text.
    policy: str
    #: What came of it.
    decision: Decision
    #: What the rules saw: each field that the policy reads, None when it was missing. Empty when no rule was asked.
    seen: Mapping[str, object]
    #: Every rule of the policy, in order.
    rules: tuple[RuleAccount, ...]
    #: Steps that were left out.
    steps: tuple[StepAccount, ...]


def accounts(
    activities: Iterable[tuple[Activity, str]],
    case_id: str,
    policies: Callable[[str], Policy],
    connections: Mapping[str, ConnectionFacts],
    risks: Mapping[tuple[str, str], Risk] | None = None,
    counted: Mapping[tuple[str, str], Trace] | None = None,
) -> Iterator[Account]:
    """Yield the account of each activity of a case, in their order; each comes with the hash of the policy it was decided by.

    `policies` gives the policy of a hash; one that cannot be read any more is stood in for by another. `risks` are
    those that decisions were told, and `counted` traces that tell what was counted for incidents, by connection and dedupe key.
    """
    world: World | None = None
    outside = Outside(risks=risks or {})
    for activity, digest in activities:
        policy = policies(digest)
        if world is None:
            world = World(policy, connections, at=activity.received_at, case_id=case_id, outside=outside)
        world.policy = policy
        world.older[policy.digest] = policy
        before = world.episode
        snapshot, decision = world.recall(activity, (counted or {}).get((activity.connection, activity.dedupe)))
        yield Account(
            activity=activity,
            policy=policy.digest,
            decision=decision,
            seen=seen(snapshot, activity, world.now) if decision.trace.steps else {},
            rules=tuple(_rules(snapshot, activity, world.now, decision)),
            steps=tuple(_steps(snapshot, before, decision, world.now)),
        )


def _rules(snapshot: Snapshot, activity: Activity, now: int, decision: Decision) -> Iterator[RuleAccount]:
    rules = snapshot.policy.rules
    asked = bool(decision.trace.steps)
    held = {step.rule: step.held_back for step in decision.trace.steps if step.held_back}
    taker = ""
    for rule, step in zip(rules, explain(snapshot, activity, now), strict=True):
        if not asked:
            yield RuleAccount(step=step, verdict=Verdict.NONE_ASKED, why=decision.trace.sentence)
        elif step.matched:
            verdict, why = Verdict.MATCHED, "Its conditions hold."
            if rule.id in held:
                verdict, why = Verdict.HELD_BACK, f"Its conditions hold, and {held[rule.id]} holds its escalation back."
            yield RuleAccount(step=step, verdict=verdict, why=why)
            taker = taker or ("" if rule.goes_on else rule.id)
        elif taker:
            why = f"Rule {taker} stands above it, matched, and does not continue."
            yield RuleAccount(step=step, verdict=Verdict.NOT_ASKED, why=why)
        else:
            yield RuleAccount(step=step, verdict=Verdict.PASSED_OVER, why=_failed(step, len(rule.all)))


def _failed(step: TraceStep, count: int) -> str:
    """Return why a rule did not match: what of `all` does not hold, or that nothing of `any` does."""
    failed = [source for source, held in step.conditions[:count] if not held]
    if failed:
        return f"This does not hold: {'; '.join(failed)}."
    return f"None of these holds: {'; '.join(source for source, _ in step.conditions[count:])}."


def _steps(snapshot: Snapshot, before: Episode | None, decision: Decision, now: int) -> Iterator[StepAccount]:
    """Yield the steps before the one that was come to, which were left out: by their hours, or since they reach nobody."""
    episode = decision.episode
    known = (before.id, before.epoch) if before is not None else None
    if episode is None or known == (episode.id, episode.epoch):
        return
    policy = snapshot.episode_policy or snapshot.policy
    ladder = policy.ladders.get(episode.ladder)
    if ladder is None:
        return
    same = before is not None and (before.id, before.ladder) == (episode.id, episode.ladder)
    wanted = before.step + 1 if same and before is not None else 0
    # A ladder that begins anew, and one that asks a step anew, pass over steps that stand before the one they come from.
    passed = {number for number, _ in decision.trace.skipped_why if number < len(ladder.steps)}
    numbers = sorted(passed | {*range(wanted, min(episode.step, len(ladder.steps)))})
    yield from _left_out(ladder, numbers, decision, now)


def _left_out(ladder: Ladder, numbers: Iterable[int], decision: Decision, now: int) -> Iterator[StepAccount]:
    reached_nobody = dict(decision.trace.skipped_why)
    for number in numbers:
        calendar = ladder.steps[number].calendar
        if number in reached_nobody:
            why = reached_nobody[number]
        elif calendar is not None and not calendar.is_open(now):
            why = f"it is outside of the hours of {calendar.name}"
        else:
            why = "another step stands in for the one before"
        yield StepAccount(ladder=ladder.id, step=number, why=why)
