"""`baton cases list|show|merge|unmerge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import WrongInput, instant, json_option, paragraph, print_json, print_list
from gateway.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.cli.holds import Hold
    from gateway.model import Membership
    from gateway.store.ports import AppliedActivity, CaseHistory, EffectView, Store

_REASON = "Why; it stands in the audit."
#: What happens at a deadline, by how its name begins.
_DUE: Final = {
    "ack": "it goes on, unless somebody took it",
    "open": "the step's working hours begin: its people are told",
    "reply": "who took it is reminded, unless the customer has an answer",
    "ttl": "it is taken no longer, unless the customer has an answer",
    "relax": "fewer skills are asked for",
    "suspend": "it is escalated, unless it has solved itself",
    "unmute": "a mute ends: what it held is told",
    "incident": "the incident closes, unless messages still come for it",
}
#: States in which nothing more comes of an effect.
_SETTLED: Final = frozenset({"done", "cancelled", "observed"})
#: Where the mark stands in the name of an SLA's deadline.
_MARK: Final = 2


@click.group()
def command() -> None:
    """Show cases, and why they were escalated or not; merge those that are one matter."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@config_option
@json_option
def list_(limit: int, config: Path, *, as_json: bool) -> None:
    """List cases, newest first."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        cases = store.cases(limit)
    print_list(
        cases,
        lambda case: (
            case.id,
            case.status.value,
            case.priority.value if case.priority else "-",
            case.connection,
            instant(case.last_activity_at),
        ),
        ("case", "status", "prio", "began on", "last activity (UTC)"),
        nothing="There is no case yet.",
        as_json=as_json,
    )


@command.command()
@click.argument("case_id", metavar="CASE")
@config_option
@json_option
def show(case_id: str, config: Path, *, as_json: bool) -> None:
    """Show one case: what happened, why it was escalated or not, and what became of it outside.

    Of what is not settled yet it says why. What people wrote is not shown; --json has everything.
    """
    from gateway.cli.reading import reading

    with reading(config) as store:
        history = store.history(case_id)
        if history is None:
            message = f"there is no case {case_id}: `baton cases list` shows those that there are"
            raise WrongInput(message)
        why = _why(store, history, config)
    if not as_json:
        _show(history, why)
        return
    values = plain(history)
    for effect in values["effects"]:
        effect["holds"] = plain(why.get(effect["effect"]["id"], ()))
    print_json(values)


@command.command()
@click.argument("case_id", metavar="CASE")
@click.argument("into", metavar="INTO")
@click.option("--reason", required=True, help=_REASON)
@config_option
@json_option
def merge(case_id: str, into: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Merge a case into another: what comes over its threads joins that one from now on.

    What happened before stays where it is, and so do tickets. `baton cases unmerge CASE` gives everything back.
    """
    from gateway.cli.writing import write

    result = write(config, "case-merge", {"case": case_id, "into": into, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Case {case_id} is merged into {into}.")
    if result["threads_of_others"]:
        paragraph("It now holds threads of somebody else than its customer: it hears them, and does not answer them.")


@command.command()
@click.argument("case_id", metavar="CASE")
@click.option("--reason", required=True, help=_REASON)
@config_option
@json_option
def unmerge(case_id: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Undo a merge: the case has its threads, and what came over them, back."""
    from gateway.cli.writing import write

    result = write(config, "case-unmerge", {"case": case_id, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Case {case_id} stands for itself again, apart from {result['from']}.")


def _why(store: Store, history: CaseHistory, config: Path) -> Mapping[str, tuple[Hold, ...]]:
    """Return why the open effects of a case are not settled; nobody is asked when all are."""
    from gateway.cli.around import look_around
    from gateway.cli.holds import holds
    from gateway.clock import SystemClock

    # One that failed may be open as well: it keeps what comes behind it.
    if all(view.state in _SETTLED for view in history.effects):
        return {}
    around, limits = look_around(config)
    now = SystemClock().now()
    return holds(history, store.held(history.case.id, limits, now), around, now)


def _show(history: CaseHistory, why: Mapping[str, tuple[Hold, ...]] | None = None) -> None:
    case = history.case
    click.echo(f"Case {case.id} is {case.status.value}, priority {case.priority.value if case.priority else '-'}.")
    if history.merged_into is not None:
        click.echo(f"  is merged into case {history.merged_into}: what comes in stands there")
    if case.follows:
        click.echo(f"  follows case {case.follows}, which was over for too long to be reopened")
    _show_incident(case.id, case.incident)
    for label, words in case.sla.lines() if case.sla is not None else ():
        click.echo(f"  {label}: {words}")
    for thread in history.threads:
        whose = ", of somebody else" if thread.stranger else ""
        click.echo(f"  thread {thread.key} on {thread.connection}{whose}")
    for ticket in history.tickets:
        kind = "was there before" if ticket.adopted else "made by Baton"
        click.echo(f"  ticket {ticket.ticket_id} on {ticket.connection} ({kind})")
    for merged in history.merged:
        click.echo(f"  holds case {merged}, merged into it")
    for activity in history.activities:
        _show_activity(activity)
    for effect in history.effects:
        _show_effect(effect, (why or {}).get(effect.effect.id, ()))
    for name, due_at in history.timers.items():
        click.echo(f"  {instant(due_at)}: {_due(name)}")


def _show_incident(case_id: str, member: Membership | None) -> None:
    if member is None:
        return
    own = member.id == case_id
    over = "" if member.open else ", which is over"
    what = (
        f"stands for {member.words}{over}"
        if own
        else f"belongs to {member.words}{over}: its parent is case {member.id}"
    )
    click.echo(f"  {what}")


def _due(name: str) -> str:
    """Return what happens when a timer fires, in words; its name where there are none."""
    from gateway.model import SlaMark, SlaMetric
    from gateway.model.sla import TITLES

    kind, *rest = name.split(":")
    if kind == "sla" and len(rest) > _MARK and rest[1] in set(SlaMetric) and rest[_MARK] in set(SlaMark):
        mark = "is at risk" if rest[_MARK] == SlaMark.AT_RISK else "is missed"
        return f"the SLA's {TITLES[SlaMetric(rest[1])]} {mark}"
    return _DUE.get(kind, name)


def _show_activity(applied: AppliedActivity) -> None:
    activity = applied.activity
    who = activity.sender.role.value if activity.sender and not activity.own else "baton"
    name = f" {activity.name}" if activity.name else ""
    what = f"{activity.kind.value}{name} of {who} on {activity.connection}"
    click.echo(f"{applied.seq:>4} {instant(activity.occurred_at)} {what}")
    sentence = (applied.trace or {}).get("sentence")
    if sentence:
        paragraph(str(sentence), indent="       ")
    notes: Any = (applied.trace or {}).get("notes", ())
    for note in notes:
        paragraph(str(note), indent="       ")


def _show_effect(view: EffectView, why: tuple[Hold, ...]) -> None:
    from gateway.model import DeliveryState

    effect = view.effect
    rule = f", rule {effect.rule}" if effect.rule else ""
    click.echo(f"  {effect.kind.value} to {effect.connection}: {view.state.value}{rule}")
    if view.receipt and view.receipt.ticket_id:
        click.echo(f"       ticket {view.receipt.ticket_id} {view.receipt.url}".rstrip())
    progress = view.progress
    if progress is not None and progress.state is not None:
        failed = progress.state is DeliveryState.FAILED
        said = (
            f" ({progress.code} {progress.reason}".rstrip() + ")" if failed and progress.code + progress.reason else ""
        )
        paragraph(f"the channel reports: {progress.state.value}{said}", indent="       ")
    if view.reason and not why:
        paragraph(view.reason, indent="       ")
    for hold in why:
        paragraph(hold.sentence, indent="       ")
