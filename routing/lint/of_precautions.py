"""Severity that never comes about or turns round, precautions that no case meets, mutes that are over, templates nobody names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from routing.lint.finding import Examined
from routing.lint.logic import alternatives_of, phrases_within
from routing.precautions import Mute, Sensitivity
from routing.severity_values import LEVELS, Severity
from routing.shown import instant_of

_SIDES: Final = ("impact", "urgency")


def severities(examined: Examined) -> None:
    """Note a matrix that nothing fills, and one in which more harm is less urgent."""
    severity = examined.policy.severity
    if severity is None:
        return
    for side in _SIDES:
        told = any(getattr(rule.set, side) for rule in examined.policy.rules)
        if not told and not severity.fields[side]:
            sentence = f"no rule sets {side}, and no field of a ticket holds it: the matrix never says anything"
            examined.note("unused-severity", ("severity",), sentence)
            break
    # A cell is told once, also when it is odd beside both its neighbours.
    steps = {upper: (lower, lesser, more) for (lower, lesser), (upper, more) in _steps(severity)}
    for upper, (lower, lesser, more) in steps.items():
        sentence = f"{_cell(lower)} is {lesser}, and {_cell(upper)} only {more}: more harm is less urgent here"
        examined.note("odd-severity", ("severity", "matrix", *upper), sentence, value=True)


def _cell(at: tuple[str, str]) -> str:
    return f"impact {at[0]} with urgency {at[1]}"


def _steps(severity: Severity) -> Iterator[tuple[tuple[tuple[str, str], str], tuple[tuple[str, str], str]]]:
    """Yield each two neighbours of the matrix of which the higher one is less urgent."""
    for at, priority in severity.matrix.items():
        for side in (0, 1):
            rank = LEVELS.index(at[side])
            if rank + 1 == len(LEVELS):
                continue
            up = (LEVELS[rank + 1], at[1]) if side == 0 else (at[0], LEVELS[rank + 1])
            # The numbers of priorities rise as they get less urgent.
            if severity.matrix[up].value > priority.value:
                yield (at, priority.value), (up, severity.matrix[up].value)


def precautions(examined: Examined) -> None:
    """Note precautions whose conditions contradict each other, and mutes that are over."""
    for each in examined.policy.sensitivities:
        if ("sensitivity", each.name) not in examined.decided and _never(examined, each):
            examined.note(
                "idle-sensitivity",
                ("sensitivity", each.name),
                f"sensitivity {each.name} marks no case: its conditions contradict each other",
            )
    for number, mute in enumerate(examined.policy.mutes):
        if ("mute", number) not in examined.decided and _never(examined, mute):
            sentence = f"mute {mute.id} holds nothing: its conditions contradict each other"
            examined.note("idle-mute", ("mute", number), sentence)
        if examined.now is not None and mute.until <= examined.now:
            sentence = (
                f"mute {mute.id} is over since {instant_of(mute.until)}: remove it, or say until when it holds now"
            )
            examined.note("expired-mute", ("mute", number, "until"), sentence, value=True)


def _never(examined: Examined, of: Sensitivity | Mute) -> bool:
    within = phrases_within(examined.policy.phrases)
    ways = alternatives_of((each.node for each in of.all), (each.node for each in of.any), within)
    return ways is not None and not any(way.possible for way in ways)


def templates(examined: Examined) -> None:
    """Note templates that no step and no end names."""
    values = tomllib.loads(examined.policy.source)
    named = set(_named(values))
    for name in values.get("template", {}):
        if name not in named:
            sentence = f'no step names template {name}: remove it, or write message = "{name}" into a step or an end'
            examined.note("unused-template", ("template", name), sentence)


def _named(values: Mapping[str, Any]) -> Iterator[str]:
    for ladder in values.get("ladder", {}).values():
        yield from (str(stage["message"]) for stage in (*ladder["step"], ladder["final"]) if "message" in stage)
