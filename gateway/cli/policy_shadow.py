"""`baton policy shadow`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline, read_premises
from gateway.cli.terminal import WrongFiles, instant, json_option, paragraph, print_json, several, table
from gateway.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.loading import Outline
    from gateway.store.ports import Diverged, ShadowView

#: How a candidate may differ, for people. `routing.shadow.Divergence` has the same words for programs.
_KINDS: Final[Mapping[str, str]] = {
    "would_escalate": "only the candidate escalates",
    "would_not_escalate": "the candidate would not escalate",
    "other_ladder": "another ladder",
    "other_level": "another step of the ladder",
    "other_priority": "another priority",
}
#: What a wrong file means for a gateway that runs.
_REFUSED: Final = (
    "`baton reload` refuses that and changes nothing: a gateway that runs goes on with the policies that it has."
)


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many divergences, newest first."
)
@config_option
@json_option
def shadow(limit: int, config: Path, *, as_json: bool) -> None:
    """Say where the policy that is tried on live traffic would have decided otherwise.

    It is the one that `shadow` in [gateway] of plugins.toml names, or else the one that was tried last. What people wrote is not
    shown: `baton cases show CASE` tells of a case. Exit code 2 when a file is wrong: a reload refuses it, and what was tried
    before goes on.
    """
    from gateway.cli.reading import reading

    file = read_premises(config).shadow
    looked = _look(config, file) if file is not None else _Looked()
    with reading(config) as store:
        view = store.shadow(looked.digest, limit) if looked.digest is not None or file is None else None
        # A file with mistakes was never taken over: what is tried is what stood there before.
        last = store.shadow(None, limit) if view is None and looked.problems else None
    if as_json:
        remarks = {"warnings": list(looked.warnings), "problems": list(looked.problems)}
        print_json(_values(file, looked.digest, view or last) | remarks)
    else:
        _say(file, view, last, looked)
    if looked.problems and as_json:
        raise SystemExit(WrongFiles.exit_code)
    if looked.problems:
        raise WrongFiles([*looked.problems, _REFUSED])


def _say(file: Path | None, view: ShadowView | None, last: ShadowView | None, looked: _Looked) -> None:
    for warning in looked.warnings:
        click.echo(f"warning: {warning}", err=True)
    if view is not None:
        _tell(file, view)
    elif last is not None:
        _tell(None, last, "the last one that was tried,")
    elif file is None:
        paragraph('No policy was tried: write shadow = "candidate.toml" in [gateway], and then `baton reload`.')
    elif looked.problems:
        paragraph(f"{file.name} as it stands now was not asked yet, and no policy was tried before it.")
    else:
        paragraph(
            f"{file.name} as it stands now was not asked yet: `baton reload` takes it over, and from then on it is asked about"
            " everything that happens."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What the files say of the candidate."""

    #: Its hash, None for a file with mistakes.
    digest: str | None = None
    #: What it asks for and cannot be told as long as it is only tried.
    warnings: tuple[str, ...] = ()
    #: What keeps a reload from taking it over.
    problems: tuple[str, ...] = ()


def _look(config: Path, file: Path) -> _Looked:
    from gateway.loading import shown
    from routing.lint import lint

    problems: list[str] = []
    read: list[Outline | None] = []
    for policy in (None, file):
        try:
            read.append(read_outline(config, policy))
        except WrongFiles as error:
            read.append(None)
            problems += [line for line in error.lines if line not in problems]
    live, tried = read
    digest = tried.policy.digest if tried is not None else None
    if live is None or tried is None:
        return _Looked(digest=digest, problems=tuple(problems))
    found = lint(tried.policy, shown(file), tried.facts, tried.languages, live=live.policy)
    return _Looked(digest=digest, warnings=tuple(str(each) for each in found if each.lint == "unlearned-risk"))


# --- for people ------------------------------------------------------------------------------------------------------
def _tell(file: Path | None, view: ShadowView, what: str = "which is not tried any more,") -> None:
    compared = sum(each.compared for each in view.tried)
    missed = sum(each.missed for each in view.tried)
    failed = sum(each.failed for each in view.tried)
    candidate = view.tried[0].candidate[:12]
    name = f"{file.name} ({candidate})" if file is not None else f"Policy {candidate}, {what}"
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
