"""`baton policy coverage`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import (
    Failure,
    WrongInput,
    bad,
    good,
    instant,
    json_option,
    paragraph,
    policy_option,
    print_json,
    several,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.gaps import Gap, Watch
    from routing.policy import Policy

_DAY: Final = 86_400_000_000


@click.command()
@click.option("--days", type=click.IntRange(1, 366), default=28, show_default=True, help="How many days are looked at.")
@click.option(
    "--from",
    "first",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The first of them (UTC), like 2026-12-01; today when it is left out.",
)
@click.option(
    "--longest", metavar="DURATION", default=None, help="Gaps in which nobody waits longer are in order, like 16h."
)
@policy_option
@config_option
@json_option
def coverage(
    days: int, first: datetime | None, longest: str | None, policy_file: Path | None, config: Path, *, as_json: bool
) -> None:
    """Say when a case that comes to a ladder's step has to wait until somebody's hours begin.

    Every minute is answered for: a step hears of a case at once within its hours, or when another stands in outside of them. One
    that asks people passes a case on while none of them works. Weekends and holidays count as the calendars have them. Steps that
    send nobody a notice are told besides: there a case is found only by who looks into the helpdesk. Exit code 1 when there are
    gaps; a step without a notice is none.
    """
    from routing.gaps import watches

    outline = read_outline(config, policy_file)
    start = _start(first)
    found = watches(outline.policy.ladders, start, start + days * _DAY, outline.policy.people)
    allowed = _longest(longest)
    gaps = {(each.ladder, each.step): [gap for gap in each.gaps if gap.wait > allowed] for each in found}
    left = sum(map(len, gaps.values()))
    if as_json:
        steps = [_values(each, outline.policy) for each in found]
        print_json({"ok": not left, "from": start, "days": days, "steps": steps})
    else:
        _tell(found, gaps)
        _tell_quiet(found, outline.policy)
        quiet = sum(each.quiet > 0 for each in found)
        click.echo(bad(_gaps(left, days, quiet)) if left else good(_in_order(days, longest, quiet)))
    if left:
        raise SystemExit(Failure.exit_code)


def _gaps(count: int, days: int, quiet: int) -> str:
    besides = f", and {several(quiet, 'step')} without a notice" if quiet else ""
    return f"{several(count, 'gap')} in {several(days, 'day')}{besides}."


def _in_order(days: int, longest: str | None, quiet: int) -> str:
    heard = "at once" if longest is None else f"within {longest}"
    if not quiet:
        return f"Somebody hears of every case {heard}, on each of {several(days, 'day')}."
    return (
        f"No gap in {several(days, 'day')}: but for {several(quiet, 'step')} without a notice, somebody hears {heard}."
    )


def _start(first: datetime | None) -> int:
    from gateway.clock import SystemClock

    if first is None:
        return SystemClock().now() // _DAY * _DAY
    return round(first.replace(tzinfo=UTC).timestamp()) * 1_000_000


def _longest(text: str | None) -> int:
    from gateway.slips import duration_meant
    from routing.expression import parse_duration

    if text is None:
        return 0
    duration = parse_duration(text)
    if duration is None:
        raise WrongInput(f"{text!r} is no duration: write {duration_meant(text) or '90s, 15m, 2h or 1d'}")
    return duration


def _tell(found: Sequence[Watch], gaps: dict[tuple[str, int], list[Gap]]) -> None:
    from routing.shown import span_of

    rows: list[tuple[str, ...]] = []
    for watch in found:
        own = gaps[watch.ladder, watch.step]
        worst = max(own, key=lambda gap: gap.wait, default=None)
        told = f"{span_of(worst.wait)}, from {instant(worst.start)} to {instant(worst.heard)}" if worst else "-"
        share = f"{100 * watch.share:.0f} %" if watch.quiet < 1 else "no notice"
        rows.append((watch.ladder, watch.name, share, str(len(own)), told))
    if rows:
        table(rows, ("ladder", "step", "heard at once", "gaps", "longest wait (UTC)"))
    if any(gaps.values()):
        paragraph(
            'Write outside_hours = "redirect:N" to a step that is there, or "continue", into a step that leaves gaps.'
        )


def _tell_quiet(found: Sequence[Watch], policy: Policy) -> None:
    """Say where a case stands of which nobody is told, and who finds it there."""
    rows = [
        (
            watch.ladder,
            watch.name,
            f"{100 * watch.quiet:.0f} %",
            "; ".join(place for _, place in _places(watch, policy)),
            f"{' or '.join(watch.unheard)}, who got it" if watch.unheard else "whoever looks there",
        )
        for watch in found
        if watch.quiet > 0
    ]
    if rows:
        click.echo()
        table(rows, ("ladder", "step", "without a notice", "then it stands in", "and is found by"))
        paragraph(
            'Write notify = ["CONNECTION:CHANNEL"] into such a step, or to the agents whom it asks, unless somebody watches the'
            " helpdesk."
        )


def _places(watch: Watch, policy: Policy) -> list[tuple[int, str]]:
    """Return the steps at which cases stand without a notice, as indexes, each with its place in the helpdesk."""
    from routing.matrix.words import group, where

    ladder = policy.ladders[watch.ladder]
    users = [rule for rule in policy.escalating if rule.ladder == ladder.id]
    places: list[tuple[int, str]] = []
    for at in watch.stands:
        stage = ladder.stage(at)
        # At the first step a rule may name another group.
        named = dict.fromkeys(group(rule, stage) for rule in users) if at == 0 else {}
        places.append((at, where(stage, *(named or (stage.target.place,)))))
    return places


def _values(watch: Watch, policy: Policy) -> dict[str, Any]:
    return {
        "ladder": watch.ladder,
        "step": watch.name,
        "share": round(watch.share, 4),
        "gaps": [
            {"start": gap.start, "end": gap.end, "heard": gap.heard, "waits_at": gap.at + 1} for gap in watch.gaps
        ],
        "without_notice": round(watch.quiet, 4),
        "stands_in": [{"step": at + 1, "place": place} for at, place in _places(watch, policy)],
        "unheard": list(watch.unheard),
    }
