"""The incidents of `baton policy replay`: as they were or are, and as another policy makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from gateway.cli.terminal import instant, table
from gateway.plain import plain
from gateway.store.ports import CaseHistory, Store
from routing.replay_together import Grouped, Kept
from routing.risk.traced import traced

#: Incidents that are shown of each policy; `--json` has all of them, with their cases.
_SHOWN: Final = 20
_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The incidents of both sides, the oldest first."""

    before: Sequence[Grouped] = ()
    after: Sequence[Grouped] = ()

    def values(self) -> dict[str, Any]:
        """Return them for programs."""
        return {"before": plain(tuple(self.before)), "after": plain(tuple(self.after))}

    def tell(self, before: str, after: str) -> None:
        """Print them for people; nothing where there are none."""
        if not self.before and not self.after:
            return
        sides = ((before, self.before), (after, self.after))
        told = ", ".join(f"{name} {len(side)}" for name, side in sides)
        click.echo(f"Incidents: {told}.")
        rows = [
            (name, each.title, instant(each.opened_at), _over(each), str(each.customers), str(len(each.cases)))
            for name, side in sides
            for each in side[-_SHOWN:]
        ]
        table(rows, ("policy", "incident", "opened (UTC)", "over (UTC)", "customers", "cases"))


def _over(incident: Grouped) -> str:
    return instant(incident.closed_at) if incident.closed_at is not None else "-"


def kept_cases(histories: Sequence[CaseHistory]) -> list[Kept]:
    """Return what is stored of some cases, and whose they are, by the contacts that are linked now."""
    return [
        Kept(
            case_id=each.case.id,
            activities=tuple((one.id, one.activity) for one in each.activities),
            person=each.person,
            risks=traced((one.activity, one.trace) for one in each.activities),
        )
        for each in histories
    ]


def stored_incidents(store: Store, histories: Sequence[CaseHistory]) -> Sequence[Grouped]:
    """Return the incidents that some cases belong to, or stand for, as they were."""
    members: dict[str, list[str]] = {}
    for history in histories:
        member = history.case.incident
        if member is not None:
            cases = members.setdefault(member.id, [])
            if member.id != history.case.id:
                cases.append(history.case.id)
    return tuple(
        Grouped(
            id=each.id,
            name=each.name,
            title=each.title,
            fingerprint=each.fingerprint,
            opened_at=each.opened_at,
            closed_at=each.closed_at,
            customers=each.customers,
            cases=tuple(members[each.id]),
        )
        for each in reversed(store.incidents(_ALL))
        if each.id in members
    )
