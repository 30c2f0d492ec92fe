"""`baton policy replay`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import json_option, paragraph, print_json, several, table
from gateway.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.cli.replayed_incidents import Compared
    from gateway.loading import Outline
    from gateway.store.ports import CaseHistory, Store
    from routing.policy import Policy
    from routing.replay import Judgement, Replayed, Story

_MICRO: Final = 1_000_000
#: Cases that are shown with their differences; `--json` has all of them.
_SHOWN: Final = 20


@click.command()
@click.option(
    "--since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Cases in which something happened since then (UTC), like 2026-11-01.",
)
@click.option(
    "--candidate",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The policy that may come; without it the one in force is compared with itself of then.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=10_000, show_default=True, help="How many cases, newest first."
)
@config_option
@json_option
def replay(since: datetime, candidate: Path | None, limit: int, config: Path, *, as_json: bool) -> None:
    """Say what a policy would have made of the cases that are stored, and of how many something else.

    Nothing is changed and nobody is called. Over-escalated is what is over and no agent had to do anything for; under-escalated
    what was not escalated, and the customer judged badly or came back, or a target was missed. Of the rest that is open it is
    not known yet. Without --candidate, what was decided then is compared with what would be decided now. What was known of
    customers and agents then is not stored: nothing is known of them here. For incidents customers are counted anew, over the
    cases that are gone through.
    """
    from gateway.cli.reading import reading
    from routing.replay import judge

    outline = read_outline(config)
    other = read_outline(config, candidate) if candidate is not None else None
    begin = round(since.replace(tzinfo=UTC).timestamp()) * _MICRO
    with reading(config) as store:
        found, grouped = _replayed(store, outline, other, begin, limit)
    before = judge([(each.before, each.evidence) for each in found])
    after = judge([(each.after, each.evidence) for each in found])
    unknown = _unknown(outline.policy, other.policy if other is not None else outline.policy)
    if as_json:
        values = _values(found, before, after, compared=other is not None)
        print_json({**values, "incidents": grouped.values(), "not_stored": unknown})
        return
    _tell(found, before, after, compared=other is not None)
    grouped.tell("now" if other is not None else "then", "candidate" if other is not None else "now")
    if unknown:
        paragraph(
            f"How {' and '.join(unknown)} were then is not stored: rules and steps that ask for them were gone through as if"
            " nothing was known of them."
        )


def _unknown(*policies: Policy) -> list[str]:
    """Return of whom the policies want to know what no case keeps: it is looked up when needed, and changes."""
    asked = {
        "customers": any(each.customer for each in policies),
        "agents": any(each.people.agents for each in policies),
    }
    return [name for name, wanted in asked.items() if wanted]


def _replayed(
    store: Store, outline: Outline, other: Outline | None, begin: int, limit: int
) -> tuple[list[Replayed], Compared]:
    from gateway.cli.replayed_incidents import Compared, kept_cases, stored_incidents
    from gateway.clock import SystemClock

    now = SystemClock().now()
    histories = _histories(store, begin, limit)
    if not any(each.policy.incidents for each in (outline, other) if each is not None):
        return [_alone(each, outline, other, now) for each in histories], Compared()
    from routing.replay import Replayed, evidence
    from routing.replay_together import together

    kept = list(histories)
    cases = kept_cases(kept)
    own = together(cases, outline.policy, outline.facts, until=now)
    new = together(cases, other.policy, other.facts, until=now) if other is not None else None
    found: list[Replayed] = []
    for history in kept:
        number = history.case.id
        if history.case.stands_for_incident or number in own.parents or (new is not None and number in new.parents):
            # It is told of among the incidents: of one that never was nobody can say whether it was too much.
            continue
        before: Story = own.stories[number] if new is not None else _of_then(history)
        after = new.stories[number] if new is not None else own.stories[number].as_stored()
        did = evidence(each.activity for each in history.activities)
        found.append(Replayed(case_id=number, before=before, after=after, evidence=did))
    if new is None:
        return found, Compared(before=stored_incidents(store, kept), after=own.incidents)
    return found, Compared(before=own.incidents, after=new.incidents)


def _histories(store: Store, begin: int, limit: int) -> Iterator[CaseHistory]:
    """Yield what is stored of the cases in which something happened since an instant."""
    from gateway.model import CaseStatus

    for case in store.cases(limit):
        history = store.history(case.id) if case.last_activity_at >= begin else None
        if history is not None and case.status is not CaseStatus.MERGED:
            yield history


def _alone(history: CaseHistory, outline: Outline, other: Outline | None, now: int) -> Replayed:
    """Go through a case that has nothing to do with others."""
    from routing.outside import Outside
    from routing.replay import Replayed, evidence, story
    from routing.risk.traced import traced

    number, said = history.case.id, [each.activity for each in history.activities]
    outside = Outside(risks=traced((each.activity, each.trace) for each in history.activities))
    own = story(said, outline.policy, outline.facts, case_id=number, until=now, outside=outside)
    if other is not None:
        before, after = own, story(said, other.policy, other.facts, case_id=number, until=now, outside=outside)
    else:
        before, after = _of_then(history), own.as_stored()
    return Replayed(case_id=number, before=before, after=after, evidence=evidence(said))


def _of_then(history: CaseHistory) -> Story:
    """Return what is stored of what was decided then."""
    from routing.replay import Story, from_outside, incident_of

    outside = [each for each in history.activities if from_outside(each.activity)]
    return Story(
        rules=tuple(tuple(step["rule"] for step in _steps(each.trace)) for each in outside),
        rule=history.episodes[0].rule if history.episodes else "",
        ladder=history.episodes[-1].ladder if history.episodes else "",
        priority=history.case.priority.value if history.case.priority is not None else "",
        incident=incident_of(history.case),
    )


def _steps(trace: Any) -> Sequence[Any]:
    steps: Sequence[Any] = (trace or {}).get("steps", ())
    return steps


# --- for people ------------------------------------------------------------------------------------------------------
def _tell(found: Sequence[Replayed], before: Judgement, after: Judgement, *, compared: bool) -> None:
    from routing.replay import Change

    names = ("now", "candidate") if compared else ("then", "now")
    rows = [
        (name, str(each.escalated), str(each.over), str(each.under), str(each.unknown))
        for name, each in zip(names, (before, after), strict=True)
    ]
    table(rows, ("policy", "escalated", "over-escalated", "under-escalated", "not known yet"))
    differ = [each for each in found if each.change is not Change.SAME]
    counts = Counter(each.change.value for each in differ)
    told = ", ".join(f"{counts[change]} {_WORDS[change]}" for change in _WORDS if counts[change])
    click.echo(f"{several(len(found), 'case')}; {len(differ)} would go otherwise{f': {told}' if told else ''}.")
    for each in differ[:_SHOWN]:
        click.echo(f"  {each.case_id}")
        for name, was, would in each.differences():
            paragraph(f"{name}: {was} -> {would}", indent="      ", first="    ")
    if len(differ) > _SHOWN:
        click.echo(f"  and {len(differ) - _SHOWN} more: --json has all of them.")


_WORDS: Final[Mapping[str, str]] = {
    "added": "escalated anew",
    "removed": "escalated no more",
    "otherwise": "in another way",
}


# --- for programs ----------------------------------------------------------------------------------------------------
def _values(found: Sequence[Replayed], before: Judgement, after: Judgement, *, compared: bool) -> dict[str, Any]:
    counts = Counter(each.change.value for each in found)
    return {
        "compared": ["now", "candidate"] if compared else ["then", "now"],
        "cases": len(found),
        "before": plain(before),
        "after": plain(after),
        "changes": dict(counts),
        "differences": [
            {
                "case": each.case_id,
                "change": each.change.value,
                "differs": [{"what": name, "before": was, "after": would} for name, was, would in each.differences()],
            }
            for each in found
            if each.before != each.after
        ],
    }
