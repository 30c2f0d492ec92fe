"""`baton policy shadow`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline, read_premises
from gateway.cli.terminal import WrongFiles, instant, json_option, paragraph, print_json, several, table
from gateway.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.store.ports import Diverged, ShadowView

#: How a candidate may differ, for people. `routing.shadow.Divergence` has the same words for programs.
_KINDS: Final[Mapping[str, str]] = {
    "would_escalate": "only the candidate escalates",
    "would_not_escalate": "the candidate would not escalate",
    "other_ladder": "another ladder",
    "other_level": "another step of the ladder",
    "other_priority": "another priority",
}


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many divergences, newest first."
)
@config_option
@json_option
def shadow(limit: int, config: Path, *, as_json: bool) -> None:
    """Say where the policy that is tried on live traffic would have decided otherwise.

    It is the one that `shadow` in [gateway] of plugins.toml names, or else the one that was tried last. What people wrote is not
    shown: `baton cases show CASE` tells of a case.
    """
    from gateway.cli.reading import reading

    premises = read_premises(config)
    digest = _digest(premises.shadow) if premises.shadow is not None else None
    with reading(config) as store:
        view = store.shadow(digest, limit)
    warnings = _never_known(config, premises.shadow) if premises.shadow is not None else []
    if as_json:
        print_json(_values(premises.shadow, digest, view) | {"warnings": warnings})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if view is None and premises.shadow is not None:
        paragraph(
            f"{premises.shadow.name} as it stands now was not asked yet: `baton reload` takes it over, and from then on it is"
            " asked about everything that happens."
        )
    elif view is None:
        paragraph('No policy was tried: write shadow = "candidate.toml" in [gateway], and then `baton reload`.')
    else:
        _tell(premises.shadow, view)


def _digest(file: Path) -> str:
    """Return the hash that a policy file goes by. Raises `WrongFiles`."""
    import hashlib

    from gateway.loading import read_text
    from gateway.toml import Problems

    try:
        return hashlib.sha256(read_text(file).encode()).hexdigest()
    except Problems as error:
        raise WrongFiles(error.problems) from None


def _never_known(config: Path, file: Path) -> list[str]:
    """Return what the candidate asks for and cannot be told as long as it is only tried."""
    from gateway.loading import shown
    from routing.lint import lint

    try:
        live, tried = read_outline(config), read_outline(config, file)
    except WrongFiles:
        # `baton check` tells of that; what was counted is told all the same.
        return []
    found = lint(tried.policy, shown(file), tried.facts, tried.languages, live=live.policy)
    return [str(each) for each in found if each.lint == "unlearned-risk"]


# --- for people ------------------------------------------------------------------------------------------------------
def _tell(file: Path | None, view: ShadowView) -> None:
    compared = sum(each.compared for each in view.tried)
    missed = sum(each.missed for each in view.tried)
    failed = sum(each.failed for each in view.tried)
    candidate = view.tried[0].candidate[:12]
    name = f"{file.name} ({candidate})" if file is not None else f"Policy {candidate}, which is not tried any more,"
    paragraph(
        f"{name} was asked {several(compared, 'time')} from {instant(min(each.began_at for each in view.tried))} to"
        f" {instant(max(each.seen_at for each in view.tried))} (UTC), and never acted."
        + (f" It missed {several(missed, 'decision')}, since it was too slow." if missed else "")
        + (f" It broke {several(failed, 'time')}: the log says when." if failed else "")
    )
    if not view.counts:
        paragraph("It would have decided nothing otherwise.")
        return
    rows = [
        (_KINDS[kind], str(view.counts[kind][0]), str(view.counts[kind][1])) for kind in _KINDS if kind in view.counts
    ]
    table(rows, ("what differs", "times", "cases"))
    click.echo()
    table([_row(each) for each in view.newest], ("when (UTC)", "case", "what differs: it is -> it would be"))


def _row(each: Diverged) -> tuple[str, str, str]:
    return (
        instant(each.at),
        each.case_id,
        f"{_KINDS[each.kind]}: {_words(each.real)} -> {_words(each.candidate)}",
    )


def _words(side: Mapping[str, str]) -> str:
    priority = side.get("priority") or "no priority"
    if not side.get("rule"):
        return f"not escalated, {priority}"
    return f"{side['rule']} on {side['ladder']} at {side['level']}, {priority}"


# --- for programs ----------------------------------------------------------------------------------------------------
def _values(file: Path | None, digest: str | None, view: ShadowView | None) -> dict[str, Any]:
    return {
        "file": None if file is None else str(file),
        "candidate": digest if view is None else view.tried[0].candidate,
        "tried": [] if view is None else plain(view.tried),
        "divergences": {}
        if view is None
        else {kind: {"times": times, "cases": cases} for kind, (times, cases) in view.counts.items()},
        "newest": [] if view is None else plain(view.newest),
    }
