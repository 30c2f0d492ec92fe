"""`baton policy simulate`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.practising import Ended, ask, read_answers, show, tell, tell_score
from gateway.cli.terminal import WrongInput, json_option, paragraph, print_json
from gateway.plain import plain

if TYPE_CHECKING:
    from gateway.loading import Outline
    from gateway.store.ports import CaseHistory, Store
    from routing.practice import Answer, Exercise

_MICRO: Final = 1_000_000
#: Cases that are looked through for exercises, newest first.
_MOST: Final = 10_000
#: A case in which nothing happened for so long is over, whatever its ticket says, microseconds.
_QUIET: Final = 86_400_000_000


@click.command()
@click.option(
    "--since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Only cases in which something happened since then (UTC), like 2026-11-01.",
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True, help="How many cases.")
@click.option("--case", "case_ids", metavar="CASE", multiple=True, help="This case; may be given several times.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number chooses other cases.")
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help='Ask nobody: take JSON lines {"case", "escalate", "ladder"?}, and the cases from there.',
)
@config_option
@json_option
def simulate(
    since: datetime | None,
    limit: int,
    case_ids: tuple[str, ...],
    seed: int,
    answers: Path | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Practise on past cases: see what was said, decide, and hear what the policy decided and what came of it.

    What people wrote is shown, here and nowhere else, redacted as it would be for another vendor. Nothing is changed and nobody
    is called. With --json alone the exercises are printed, for a program that asks; with --answers the results.
    """
    from gateway.cli.reading import reading
    from routing.practice import score

    outline = read_outline(config)
    prepared = read_answers(answers) if answers is not None else {}
    begin = None if since is None else round(since.replace(tzinfo=UTC).timestamp()) * _MICRO
    named = list(dict.fromkeys((*case_ids, *prepared)))
    with reading(config) as store:
        exercises = _named(store, outline, named) if named else _chosen(store, outline, begin, limit, seed)
    ladders = tuple(outline.policy.ladders)
    if answers is not None:
        done = [(each, prepared[each.case_id]) for each in exercises if each.case_id in prepared]
        _check_ladders(done, ladders)
    elif as_json:
        print_json({"ladders": list(ladders), "exercises": [_question(each) for each in exercises]})
        return
    else:
        done = _practise(exercises, ladders)
    if as_json:
        print_json({"results": [_result(*each) for each in done], "score": plain(score(done))})
        return
    if answers is not None:
        for each, answer in done:
            click.echo(f"Case {each.case_id}")
            tell(each, answer)
    if done:
        tell_score(score(done))


# --- which cases -----------------------------------------------------------------------------------------------------
def _named(store: Store, outline: Outline, case_ids: Sequence[str]) -> list[Exercise]:
    """Return the exercises of some cases. Raises `WrongInput` for one that there is not, or that leaves nothing to decide."""
    found: list[Exercise] = []
    for case_id in case_ids:
        history = store.history(case_id)
        if history is None:
            message = f"there is no case {case_id}: `baton cases list` shows those that there are"
            raise WrongInput(message)
        made = _exercise(history, outline)
        if made is None:
            message = f"there is nothing to practise on in case {case_id}: no rule looked at what its customer said"
            raise WrongInput(message)
        found.append(made)
    return found


def _chosen(store: Store, outline: Outline, begin: int | None, limit: int, seed: int) -> list[Exercise]:
    """Return exercises of as many escalated cases as of others, as far as there are, in an order of the seed's own."""
    from gateway.clock import SystemClock
    from gateway.model import CaseStatus

    quiet_since = SystemClock().now() - _QUIET
    cases = [
        case
        for case in store.cases(_MOST)
        if (
            case.status is CaseStatus.RESOLVED
            or (case.status is CaseStatus.OPEN and case.last_activity_at < quiet_since)
        )
        and (begin is None or case.last_activity_at >= begin)
    ]
    cases.sort(key=lambda case: hashlib.sha256(f"{seed}:{case.id}".encode()).hexdigest())
    escalated: list[Exercise] = []
    others: list[Exercise] = []
    for case in cases:
        if min(len(escalated), len(others)) >= limit:
            break
        history = store.history(case.id)
        made = _exercise(history, outline) if history is not None else None
        if made is not None:
            (escalated if made.escalated else others).append(made)
    pairs = [each for pair in zip_longest(escalated, others) for each in pair if each is not None]
    # Not one of either in turn: who practises would know the next answer.
    return sorted(pairs[:limit], key=lambda each: hashlib.sha256(f"{each.case_id}:{seed}".encode()).hexdigest())


def _exercise(history: CaseHistory, outline: Outline) -> Exercise | None:
    """Return what can be practised on a case, with what people wrote redacted."""
    from dataclasses import replace

    from gateway.model import EffectKind
    from gateway.store.ports import EffectState
    from normalizers.redaction import Secret, redact
    from routing.practice import Happening, Line, exercise

    hidden = frozenset(Secret(each) for each in outline.premises.redact)
    made = exercise(
        history.case.id,
        history.case.channel.value if history.case.channel is not None else "",
        [Happening(number=each.seq, activity=each.activity, trace=each.trace) for each in history.activities],
        history.episodes,
        [
            Line(at=view.effect.due_at, who="baton", text=view.effect.text)
            for view in history.effects
            if view.effect.kind is EffectKind.REPLY and view.state is EffectState.DONE
        ],
    )
    if made is None:
        return None
    return replace(made, lines=tuple(replace(line, text=redact(line.text, hidden)) for line in made.lines))


def _check_ladders(done: Sequence[tuple[Exercise, Answer]], ladders: Sequence[str]) -> None:
    """Raise `WrongInput` at an answer with a ladder that the policy has not, and had not then."""
    from gateway.toml import QUOTED, did_you_mean

    for exercise, answer in done:
        if answer.ladder and answer.ladder not in {*ladders, exercise.ladder}:
            hint = did_you_mean(answer.ladder, ladders, f"the ladders are {', '.join(ladders)}", shown=QUOTED)
            message = f'case {exercise.case_id}: there is no ladder "{answer.ladder}": {hint}'
            raise WrongInput(message)


# --- for people ------------------------------------------------------------------------------------------------------
def _practise(exercises: Sequence[Exercise], ladders: Sequence[str]) -> list[tuple[Exercise, Answer]]:
    """Ask about each, until there are no more or somebody has enough."""
    if not exercises:
        paragraph("There is no case to practise on yet: rules must have looked at what a customer said.")
    done: list[tuple[Exercise, Answer]] = []
    for number, each in enumerate(exercises, 1):
        show(each, number, len(exercises))
        try:
            answer = ask(ladders)
        except Ended:
            break
        done.append((each, answer))
        tell(each, answer)
    return done


# --- for programs ----------------------------------------------------------------------------------------------------
def _question(each: Exercise) -> Mapping[str, Any]:
    return {
        "case": each.case_id,
        "activity": each.activity,
        "channel": each.channel,
        "lines": plain(each.lines),
    }


def _result(each: Exercise, answer: Answer) -> Mapping[str, Any]:
    """Return everything about an answer but what people wrote."""
    return {
        "case": each.case_id,
        "activity": each.activity,
        "answer": plain(answer),
        "policy": {
            "digest": each.policy,
            "escalated": each.escalated,
            "rule": each.rule,
            "ladder": each.ladder,
            "sentence": each.sentence,
            "evidence": list(each.evidence),
        },
        "aftermath": plain(each.aftermath),
        "needed": each.needed,
        "as_policy": each.escalated == answer.escalate,
        "same_ladder": each.ladder == answer.ladder if each.escalated and answer.escalate else None,
        "as_hindsight": each.needed == answer.escalate if each.needed is not None else None,
    }
