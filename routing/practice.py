"""Past cases to practise on: the conversation up to the moment that mattered, what the policy decided there, and what came of it.

Whoever practises sees what was said until then and answers whether to escalate, and on which ladder. The answer is held against
two others: what the policy decided, and what hindsight says by what people did afterwards, as `policy replay` judges policies.
What was said stands as its sender left it: changed messages with their last text, deleted ones not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    Episode,
    Role,
    TicketStatus,
    effect_id,
)
from gateway.model.life import is_customers, speaks
from routing.replay import Evidence, evidence, mark_of, needed

_OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
_SPOKEN: Final = frozenset({ActivityKind.MESSAGE, ActivityKind.BUTTON, ActivityKind.CALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One activity of a case with its number, and the trace of its decision as it is stored; None when there is none."""

    number: int
    activity: Activity
    trace: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was said or happened, as whoever practises sees it."""

    #: When, UTC microseconds.
    at: int
    #: Who: ``customer``, ``agent``, ``bot``, ``system``, or ``baton``.
    who: str
    #: What was said, or what happened.
    text: str
    #: True when only agents could read it.
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What came of a case after the moment."""

    #: Seconds until an agent answered the customer, None when none did.
    answered_after: int | None = None
    #: Targets of the SLA that were missed, by their names.
    breached: tuple[str, ...] = ()
    #: How often the customer came back after it was resolved.
    reopened: int = 0
    #: The role of whoever resolved it last, empty when nobody did.
    resolved_by: str = ""
    #: How the customer judged, from 0 to 1; None when they did not.
    judged: float | None = None
    #: An agent had to do something; the customer judged badly or came back, or a target was missed; and it is over.
    agent_acted: bool = False
    went_wrong: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One past case up to the moment that mattered, with the answer."""

    case_id: str
    #: The activity at which it is to be decided, by its number.
    activity: int
    #: When that was, UTC microseconds.
    at: int
    #: The channel that the case began on, by its word.
    channel: str
    #: The conversation up to and with that activity.
    lines: tuple[Line, ...]
    #: The policy that decided, by its hash.
    policy: str
    #: The rule that escalated it there, and on which ladder; empty when it was not escalated.
    rule: str
    ladder: str
    #: Why, a sentence; and what the rule's signals stood on. Never a body.
    sentence: str
    evidence: tuple[str, ...]
    aftermath: Aftermath

    @property
    def escalated(self) -> bool:
        """Return whether the policy escalated it."""
        return bool(self.rule)

    @property
    def needed(self) -> bool | None:
        """Return whether it had to be escalated, by what people did; None while that is not known."""
        after = self.aftermath
        did = Evidence(agent_acted=after.agent_acted, went_wrong=after.went_wrong, over=after.over)
        return needed(did, escalated=self.escalated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody would have done."""

    escalate: bool
    #: The ladder, empty when none was named.
    ladder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How often answers were those of the policy, and those of hindsight."""

    #: Exercises that were answered.
    cases: int = 0
    #: As the policy decided whether to escalate; and of those that both escalate, on the same ladder.
    as_policy: int = 0
    both: int = 0
    same_ladder: int = 0
    #: Those of which hindsight knows; and as it says: the answers, and the policy itself.
    known: int = 0
    as_hindsight: int = 0
    policy_as_hindsight: int = 0


def score(given: Iterable[tuple[Exercise, Answer]]) -> Score:
    """Count."""
    answered = list(given)
    both = [(exercise, answer) for exercise, answer in answered if exercise.escalated and answer.escalate]
    return Score(
        cases=len(answered),
        as_policy=sum(exercise.escalated == answer.escalate for exercise, answer in answered),
        both=len(both),
        same_ladder=sum(exercise.ladder == answer.ladder for exercise, answer in both),
        known=sum(exercise.needed is not None for exercise, _ in answered),
        as_hindsight=sum(exercise.needed == answer.escalate for exercise, answer in answered),
        policy_as_hindsight=sum(exercise.needed == exercise.escalated for exercise, _ in answered),
    )


def exercise(
    case_id: str,
    channel: str,
    happened: Sequence[Happening],
    episodes: Sequence[Episode],
    said: Iterable[Line] = (),
) -> Exercise | None:
    """Return what can be practised on a case: up to its first escalation, or the last thing that a customer said.

    `said` is what Baton itself answered. None when no rule ever looked at anything that a customer did.
    """
    first = min(episodes, key=lambda each: (each.opened_at, each.id), default=None)
    place = _looked_at(happened) if first is None else _opened(case_id, happened, first)
    if place is None:
        return None
    moment = happened[place]
    at = moment.activity.received_at
    lines = [*_lines(happened, place), *(line for line in said if line.at < at)]
    if not any(line.who == Role.CUSTOMER.value for line in lines):
        # All of it was erased or deleted.
        return None
    trace: Mapping[str, Any] = moment.trace or {}
    return Exercise(
        case_id=case_id,
        activity=moment.number,
        at=at,
        channel=channel,
        lines=tuple(sorted(lines, key=lambda line: line.at)),
        policy=str(trace.get("policy", "")),
        rule=first.rule if first is not None else "",
        ladder=(first.began_on or first.ladder) if first is not None else "",
        sentence=str(trace.get("sentence", "")),
        evidence=tuple(
            f"{name}: {words}"
            for step in trace.get("steps", ())
            if first is not None and step.get("rule") == first.rule
            for name, words in step.get("evidence", ())
        ),
        aftermath=_aftermath([each.activity for each in happened], place),
    )


def _opened(case_id: str, happened: Sequence[Happening], episode: Episode) -> int | None:
    """Return the place of the activity that opened an episode."""
    for place, each in enumerate(happened):
        cause = f"{each.activity.connection}:{each.activity.dedupe}"
        if episode.id in {effect_id(case_id, cause, "episode", number) for number in (0, 1)}:
            return place
    return None


def _looked_at(happened: Sequence[Happening]) -> int | None:
    """Return the place of the last thing that a customer said and rules looked at."""
    places = [
        place
        for place, each in enumerate(happened)
        if is_customers(each.activity) and each.activity.kind in _SPOKEN and (each.trace or {}).get("steps")
    ]
    return places[-1] if places else None


def _lines(happened: Sequence[Happening], place: int) -> list[Line]:
    """Return what was said and happened up to a place, each text as it stands now."""
    now: dict[tuple[str, str], str | None] = {}
    for each in happened:
        activity = each.activity
        if activity.kind in {ActivityKind.EDIT, ActivityKind.DELETION}:
            deleted = activity.kind is ActivityKind.DELETION
            now[activity.connection, activity.message_id] = None if deleted else activity.text
    found: list[Line] = []
    for each in happened[: place + 1]:
        activity = each.activity
        text: str | None = activity.text
        if activity.message_id:
            text = now.get((activity.connection, activity.message_id), text)
        words = text if activity.kind is ActivityKind.MESSAGE else _happened(activity, text or "")
        if activity.own or not words:
            continue
        found.append(
            Line(
                at=activity.received_at,
                who=activity.sender.role.value if activity.sender is not None else "baton",
                text=words + _files(activity),
                internal=activity.kind is ActivityKind.MESSAGE and activity.audience is Audience.INTERNAL,
            )
        )
    return found


def _files(activity: Activity) -> str:
    count = len(activity.attachments)
    return f" [{count} {'file' if count == 1 else 'files'}]" if count else ""


def _happened(activity: Activity, text: str) -> str:
    """Return what happened that is no message, in words; empty for what tells nothing."""
    if activity.kind is ActivityKind.BUTTON and activity.button is not None:
        return f"[pressed the button {activity.button.action}]"
    if activity.kind is ActivityKind.CALL and activity.call is not None:
        return f"[call: {activity.call.change.value}] {text}".rstrip()
    if activity.kind is ActivityKind.TICKET and activity.ticket is not None:
        status = activity.ticket.status
        named = f", {status.value}" if status is not None else ""
        return f"[ticket: {activity.ticket.change.value}{named}] {text}".rstrip()
    if activity.kind is ActivityKind.SATISFACTION and activity.satisfaction is not None:
        return f"[judged {activity.satisfaction.score:g} of 1]"
    if (mark := mark_of(activity)) is not None:
        metric, missed = mark
        return f"[{metric}: {'missed' if missed else 'at risk'}]"
    return ""


def _aftermath(activities: Sequence[Activity], place: int) -> Aftermath:
    at = activities[place].received_at
    answered: int | None = None
    breached: list[str] = []
    reopened, resolved_by, over = 0, "", False
    judged: float | None = None
    for activity in activities[place + 1 :]:
        role = activity.sender.role if activity.sender is not None else None
        public = activity.kind is ActivityKind.MESSAGE and activity.audience is Audience.PUBLIC
        if role is Role.AGENT and public and not activity.own and answered is None:
            answered = (activity.received_at - at) // 1_000_000
        status = activity.ticket.status if activity.ticket is not None else None
        if status in _OVER and not over:
            over, resolved_by = True, role.value if role is not None else "system"
        elif over and speaks(activity):
            over, reopened = False, reopened + 1
        if (mark := mark_of(activity)) is not None and mark[1]:
            breached.append(mark[0])
        if activity.satisfaction is not None:
            judged = activity.satisfaction.score
    did = evidence(activities)
    return Aftermath(
        answered_after=answered,
        breached=tuple(dict.fromkeys(breached)),
        reopened=reopened,
        resolved_by=resolved_by,
        judged=judged,
        agent_acted=did.agent_acted,
        went_wrong=did.went_wrong,
        over=did.over,
    )
