"""The escalation matrix as SVG: a row for each rule that escalates, a column for each step; phrases, SLAs and teams below."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from routing.matrix.words import (
    asked,
    conditions,
    counted,
    group,
    hours,
    phrases,
    stands,
    targets,
    times,
    told,
    where,
    wishes,
)
from routing.people import People, Team
from routing.policy import Ladder, Policy, Rule, Sla, Stage
from routing.shown import duration_of

#: Sizes in pixels. Letters are of one width, so that a text's length is known without a font.
_LETTER: Final = 7
_LINE: Final = 16
_PAD: Final = 8
_COLUMN: Final = 250
_GAP: Final = 22
_HEAD: Final = 56
_WIDE: Final = (_COLUMN - 2 * _PAD) // _LETTER
_COLOURS: Final = {"P1": "#f8d0cc", "P2": "#fbe3c0", "P3": "#fbf5c4", "P4": "#dcecd8"}
_STEP: Final = "#dbe8f6"
_END: Final = "#e4e0ec"
_SLA: Final = "#e0f0ee"
_TEAM: Final = "#f0e8dc"
_PHRASES: Final = "#eef0d8"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A box with lines of text; the first one is bold."""

    lines: tuple[str, ...]
    colour: str

    @property
    def height(self) -> int:
        return len(self.lines) * _LINE + 2 * _PAD


def svg(policy: Policy) -> str:
    """Return the picture as one self-contained file: no script, no font, nothing from elsewhere."""
    rows = [
        (_rule_box(rule), _stage_boxes(policy.ladders[rule.ladder], rule, policy.people))
        for rule in policy.escalating
        if rule.ladder
    ]
    columns = 1 + max((len(boxes) for _, boxes in rows), default=0)
    width = _GAP + columns * (_COLUMN + _GAP)
    parts: list[str] = []
    top = _HEAD
    for first, boxes in rows:
        height = max(box.height for box in (first, *boxes))
        for number, box in enumerate((first, *boxes)):
            left = _GAP + number * (_COLUMN + _GAP)
            parts += _drawn(box, left, top, height)
            if number:
                parts.append(_arrow(left - _GAP, top + height // 2))
        top += height + _PAD
    if not rows:
        parts.append(_text("No rule of this policy escalates.", _GAP, top))
        top += _LINE
    kept = [
        _Box(lines=_wrapped((f"sensitive: {each.name}", f"group {each.group}")), colour=_END)
        for each in policy.sensitivities
    ]
    said = [
        _Box(lines=_wrapped((f"phrases {name}", f"for {', '.join(users)}", ", ".join(listed))), colour=_PHRASES)
        for name, listed, users in phrases(policy)
    ]
    below = (
        said,
        [_sla_box(each) for each in policy.slas],
        kept,
        [_team_box(each) for each in policy.people.teams.values()],
    )
    for row in (each[at : at + columns] for each in below for at in range(0, len(each), columns)):
        height = max(box.height for box in row)
        for number, box in enumerate(row):
            parts += _drawn(box, _GAP + number * (_COLUMN + _GAP), top, height)
        top += height + _PAD
    return "\n".join(_document(width, top + _GAP, parts)) + "\n"


def _document(width: int, height: int, parts: Iterable[str]) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" font-family="monospace" font-size="11.5">'
    )
    yield "<title>Escalation matrix</title>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield _text("Escalation matrix", _GAP, 26, bold=True, size=16)
    yield _text("Rules from the top; the first that matches counts. Steps from the left.", _GAP, 44)
    yield from parts
    yield "</svg>"


# --- what stands in the boxes ----------------------------------------------------------------------------------------
def _wrapped(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        line for text in texts for line in textwrap.wrap(" ".join(text.split()), _WIDE, break_on_hyphens=False)
    )


def _rule_box(rule: Rule) -> _Box:
    priority = rule.set.priority.value if rule.set.priority is not None else ""
    kind = rule.type.value if rule.type is not None else ""
    facts = ", ".join(each for each in (priority, kind) if each)
    mode = f"mode {rule.mode.value}" if rule.mode.value != "live" else ""
    later = f"waits {duration_of(rule.suspend)} for the case to solve itself" if rule.suspend is not None else ""
    lines = _wrapped((rule.id, facts, mode, later, rule.set.reason))
    return _Box(lines=lines, colour=_COLOURS.get(priority, "#f0f0f0"))


def _sla_box(sla: Sla) -> _Box:
    every, either = conditions(sla)
    for_ = [f"if {each}" for each in every] + ([f"if one of {', '.join(either)}"] if either else [])
    aims = (f"{what} {within}, at risk after {risk}" for what, within, risk in targets(sla))
    inside = [] if sla.calendar is None else [f"time counts: {counted(sla)}"]
    lines = _wrapped((f"SLA {sla.id}", *(for_ or ["every case"]), *aims, *inside, f"clocks stand while: {stands(sla)}"))
    return _Box(lines=lines, colour=_SLA)


def _team_box(team: Team) -> _Box:
    inside = [] if team.calendar is None else [f"hours of {team.calendar.name}"]
    other = [f"else team {team.fallback}"] if team.fallback else []
    return _Box(
        lines=_wrapped((f"team {team.name}", ", ".join(team.members), team.strategy.value, *inside, *other)),
        colour=_TEAM,
    )


def _stage_boxes(ladder: Ladder, rule: Rule, people: People) -> list[_Box]:
    stages = (*ladder.steps, ladder.final)
    return [_stage_box(ladder, number, stage, rule, people) for number, stage in enumerate(stages)]


def _stage_box(ladder: Ladder, number: int, stage: Stage, rule: Rule, people: People) -> _Box:
    end = ladder.at_end(number)
    name = f"{ladder.id}, the end" if end else f"{ladder.id}, step {number + 1}"
    place = stage.target.place if number else group(rule, stage)
    heard = [f"tells {each}" for each in told(stage, people)] or ["tells nobody"]
    again = [f"the steps are repeated {ladder.repeat} times"] if end and ladder.repeat else []
    inside = [] if stage.calendar is None else [hours(ladder, stage)]
    whom = [f"asks {asked(stage)}", *wishes(stage)] if stage.asks is not None else []
    texts = (name, where(stage, place), *whom, *heard, *times(stage), *inside, *again)
    return _Box(lines=_wrapped(texts), colour=_END if end else _STEP)


# --- drawing ---------------------------------------------------------------------------------------------------------
def _drawn(box: _Box, left: int, top: int, height: int) -> Iterator[str]:
    yield (
        f'<rect x="{left}" y="{top}" width="{_COLUMN}" height="{height}" rx="4" fill="{box.colour}" stroke="#666666"/>'
    )
    for number, line in enumerate(box.lines):
        yield _text(line, left + _PAD, top + _PAD + 11 + number * _LINE, bold=number == 0)


def _arrow(left: int, middle: int) -> str:
    tip = left + _GAP - 2
    return f'<path d="M{left + 2} {middle}H{tip}m-6 -4l6 4l-6 4" fill="none" stroke="#666666"/>'


def _text(text: str, left: int, base: int, *, bold: bool = False, size: int = 0) -> str:
    weight = ' font-weight="bold"' if bold else ""
    larger = f' font-size="{size}"' if size else ""
    return f'<text x="{left}" y="{base}"{weight}{larger} fill="#1a1a1a">{_safe(text)}</text>'


def _safe(text: str) -> str:
    """Return a text for XML, which cannot hold control characters, not even escaped."""
    return escape("".join(each if each.isprintable() else "\ufffd" for each in text))
