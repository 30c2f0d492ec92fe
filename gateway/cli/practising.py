"""How a past case is put to somebody who practises, what they answer, and what they are told then."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.terminal import WrongFiles, bad, good, instant, paragraph, several

if TYPE_CHECKING:
    from pathlib import Path

    from routing.practice import Answer, Exercise, Score

#: Characters of one message that are shown.
_LONGEST: Final = 2_000
#: What could speak to the terminal instead of to whoever reads: a customer wrote it.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SHAPE: Final = 'write {"case": "…", "escalate": true, "ladder": "…"}'


class Ended(Exception):
    """Who practises has enough."""


def show(exercise: Exercise, number: int, count: int) -> None:
    """Show a case up to the moment that matters."""
    title = f"Case {number} of {count}: {exercise.case_id}, on {exercise.channel or 'an unknown channel'}"
    click.echo(click.style(title, bold=True))
    for line in exercise.lines:
        who = f"{line.who} (internal)" if line.internal else line.who
        words = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line.text)
        cut = f"{words[:_LONGEST]} […]" if len(words) > _LONGEST else words
        for row, part in enumerate(filter(None, map(str.strip, cut.splitlines()))):
            paragraph(part, indent="      ", first=f"  {instant(line.at)} {who}: " if row == 0 else "      ")


def ask(ladders: Sequence[str]) -> Answer:
    """Ask what to do. Raises `Ended` when somebody has enough."""
    from routing.practice import Answer

    escalate = _choice("Escalate? (y, n, q to end)", ("y", "n", "q"))
    if escalate == "q":
        raise Ended
    if escalate == "n":
        return Answer(escalate=False)
    for number, name in enumerate(ladders, 1):
        click.echo(f"  {number} {name}")
    chosen = _choice(f"On which ladder? (1 to {len(ladders)})", tuple(map(str, range(1, len(ladders) + 1))))
    return Answer(escalate=True, ladder=ladders[int(chosen) - 1])


def _choice(question: str, words: Sequence[str]) -> str:
    try:
        return str(click.prompt(question, type=click.Choice(words), show_choices=False))
    except click.Abort:
        raise Ended from None


def tell(exercise: Exercise, answer: Answer) -> None:
    """Tell what the policy decided, and what came of it."""
    same = exercise.escalated == answer.escalate
    click.echo((good if same else bad)(f"  You: {_said(answer.escalate, answer.ladder)}."))
    if exercise.escalated:
        paragraph(f"  The policy: rule {exercise.rule} escalated it on ladder {exercise.ladder}.", indent="    ")
    else:
        paragraph(f"  The policy: not escalated. {exercise.sentence}", indent="    ")
    for each in exercise.evidence:
        paragraph(each, indent="      ", first="    ")
    paragraph(f"  What came of it: {'; '.join(_aftermath(exercise))}.", indent="    ")
    if exercise.needed is None:
        click.echo("  In hindsight: not known yet, the case is open.")
        click.echo()
        return
    right = exercise.needed == answer.escalate
    needed = "somebody had to act" if exercise.escalated else "it went wrong"
    spared = "nobody had to act" if exercise.escalated else "it went well"
    click.echo((good if right else bad)(f"  In hindsight: {needed if exercise.needed else spared}."))
    click.echo()


def _said(escalate: bool, ladder: str) -> str:  # noqa: FBT001 (the answer itself)
    return f"escalate on {ladder or 'any ladder'}" if escalate else "do not escalate"


def _aftermath(exercise: Exercise) -> list[str]:
    from routing.shown import span_of

    after = exercise.aftermath
    answered = after.answered_after
    told = [
        "no agent answered the customer"
        if answered is None
        else f"an agent answered {span_of(answered * 1_000_000)} later"
    ]
    told += [f"the SLA's {each} target was missed" for each in after.breached]
    told += [f"the customer came back {several(after.reopened, 'time')} after its end"] if after.reopened else []
    told.append(f"resolved by {_ARTICLES.get(after.resolved_by, after.resolved_by)}" if after.resolved_by else "open")
    told += [f"judged {after.judged:g} of 1"] if after.judged is not None else []
    return told


_ARTICLES: Final = {"agent": "an agent", "customer": "the customer", "bot": "a bot", "system": "the helpdesk itself"}


def tell_score(score: Score) -> None:
    """Tell how often answers were right."""
    click.echo(click.style(f"{several(score.cases, 'case')}:", bold=True))
    ladders = f", in {score.same_ladder} of {score.both} on the same ladder" if score.both else ""
    paragraph(f"As the policy: {score.as_policy} of {score.cases}{ladders}.", indent="    ", first="  ")
    paragraph(
        f"As hindsight says: {score.as_hindsight} of {score.known}; the policy itself:"
        f" {score.policy_as_hindsight} of {score.known}."
        + (f" Of {score.cases - score.known} it is not known yet." if score.known < score.cases else ""),
        indent="    ",
        first="  ",
    )


def read_answers(file: Path) -> dict[str, Answer]:
    """Return prepared answers by their case. Raises `WrongFiles` with every line that cannot be read."""
    from routing.practice import Answer

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFiles([f"{file} cannot be read: {error}"]) from None
    found: dict[str, Answer] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row = _row(line)
        problem = row if isinstance(row, str) else _problem(row, found)
        if problem:
            wrong.append(f"{file}:{number}:1: {problem}: {_SHAPE}")
        elif not isinstance(row, str):
            found[row["case"]] = Answer(escalate=row["escalate"], ladder=row.get("ladder", ""))
    if wrong:
        raise WrongFiles(wrong)
    if not found:
        raise WrongFiles([f"{file}:1:1: there is no answer in it: {_SHAPE}"])
    return found


def _row(line: str) -> dict[str, Any] | str:
    try:
        row = json.loads(line)
    except ValueError as error:
        return f"this is no JSON ({error})"
    return row if isinstance(row, dict) else "this is no JSON object"  # pyright: ignore[reportUnknownVariableType]


def _problem(row: dict[str, Any], found: dict[str, Answer]) -> str:
    """Return what is wrong with an answer, empty when nothing is."""
    unknown = [key for key in row if key not in {"case", "escalate", "ladder"}]
    if unknown:
        return f'there is no key "{unknown[0]}"'
    if not isinstance(row.get("case"), str):
        return "case must be the id of a case"
    if not isinstance(row.get("escalate"), bool):
        return "escalate must be true or false"
    if not isinstance(row.get("ladder", ""), str):
        return "ladder must be the name of a ladder"
    if row.get("ladder") and not row["escalate"]:
        return "what is not escalated goes on no ladder"
    return f"case {row['case']} is answered twice" if row["case"] in found else ""
