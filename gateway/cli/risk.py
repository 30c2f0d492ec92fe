"""`baton risk show|forget`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import good, instant, json_option, paragraph, print_json, several, table
from gateway.plain import plain

if TYPE_CHECKING:
    from gateway.store.ports import RiskStanding
    from routing.risk.model import RiskModel
    from routing.risk.rules import RiskRules

#: Features that are shown of those that raise the risk, and of those that lower it.
_SHOWN: Final = 12
_SMALLEST: Final = 0.05


@click.group()
def command() -> None:
    """Show what was learned of the risk that cases are escalated, or forget it.

    It is learned from cases that are over, on this installation alone; `risk.score` in the policy is what it says.
    """


@command.command()
@config_option
@json_option
def show(config: Path, *, as_json: bool) -> None:
    """Show whether the risk is known, from how many cases, how well it was foretold, and what raises it."""
    from gateway.cli.reading import reading
    from routing.risk.model import read, silence

    rules = read_outline(config).policy.risk
    with reading(config) as store:
        standing = store.risk()
    model, why = None, ""
    if standing.model:
        try:
            model = read(standing.model)
        except ValueError as error:
            why = f"the model cannot be read ({error}): `baton risk forget` begins anew"
    off = "the policy has no [risk], or it says enabled = false"
    why = why or (off if rules is None else silence(model, rules))
    if as_json:
        print_json(_values(standing, model, rules, why))
        return
    _tell(standing, model, why)


def _tell(standing: RiskStanding, model: RiskModel | None, why: str) -> None:
    if why:
        paragraph(f"The risk is unknown: {why}.")
    else:
        click.echo(good("The risk is known, and `risk.score` has it."))
    waiting = f"{several(standing.waiting, 'closed case')} will be learned from once the horizon has passed"
    if model is None or not model.cases:
        paragraph(f"Nothing was learned yet; {waiting}.")
        return
    paragraph(
        f"Model {standing.version}, learned from {several(model.cases, 'closed case')}, {model.escalated} of them escalated; "
        f"the last time at {instant(standing.learned_at)} UTC; {waiting}."
    )
    _tell_calibration(model)
    raising, lowering = _weights(model)
    for title, listed in (("Raises the risk", raising), ("Lowers the risk", lowering)):
        if listed:
            click.echo("")
            table(
                [(f"{row['amount']:+.2f}", str(row["cases"]), str(row["words"])) for row in listed],
                ("log odds", "cases", title),
            )


def _tell_calibration(model: RiskModel) -> None:
    from routing.risk.learning import calibration

    click.echo("")
    paragraph(f"The last {several(len(model.stream), 'case')}, each foretold before it was learned from:")
    table(
        [
            (f"{tier.low:.1f} to {tier.high:.1f}", str(tier.cases), f"{tier.foretold:.2f}", f"{tier.came:.2f}")
            for tier in calibration(model.stream)
        ],
        ("score", "cases", "mean score", "share escalated"),
    )


def _weights(model: RiskModel) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what each feature adds beside the mean of its kind: those that raise the risk, and those that lower it."""
    from routing.risk.model import words_of

    rows: list[dict[str, Any]] = [
        {
            "feature": name,
            "words": words_of(name.partition("=")[0], (name,)),
            "amount": model.amount(name),
            "cases": weight.cases,
        }
        for name, weight in model.weights.items()
    ]
    rows.sort(key=lambda row: (-abs(float(row["amount"])), row["feature"]))
    told = [row for row in rows if abs(float(row["amount"])) >= _SMALLEST]
    return [row for row in told if row["amount"] > 0][:_SHOWN], [row for row in told if row["amount"] < 0][:_SHOWN]


def _values(standing: RiskStanding, model: RiskModel | None, rules: RiskRules | None, why: str) -> dict[str, Any]:
    from routing.risk.learning import calibration

    raising, lowering = _weights(model) if model is not None else ([], [])
    return {
        "known": not why,
        "why_not": why or None,
        "version": standing.version,
        "learned_at": standing.learned_at or None,
        "cases": model.cases if model is not None else 0,
        "escalated": model.escalated if model is not None else 0,
        "waiting": standing.waiting,
        "at_least": rules.at_least if rules is not None else None,
        "calibration": plain(calibration(model.stream)) if model is not None else [],
        "raises": raising,
        "lowers": lowering,
    }


@command.command()
@config_option
@json_option
def forget(config: Path, *, as_json: bool) -> None:
    """Forget all that was learned, and what waits to be; it begins anew with the next cases that are closed."""
    from gateway.cli.writing import write

    result = write(config, "risk-forget", {})
    if as_json:
        print_json(result)
        return
    click.echo(f"What {several(int(result['forgotten']), 'closed case')} taught is forgotten.")
