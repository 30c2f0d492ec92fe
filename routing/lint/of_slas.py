"""SLAs that no case has."""

from __future__ import annotations

from routing.lint.finding import Examined
from routing.lint.logic import Alternative


def unreachable_slas(examined: Examined) -> None:
    """Note SLAs whose conditions cannot hold, or that those above leave no case."""
    above: list[tuple[int, Alternative]] = []
    for index, sla in enumerate(examined.policy.slas):
        ways = examined.of_slas[sla.id]
        if ways is None:
            continue
        possible = [way for way in ways if way.possible]
        takers = [next((at for at, wide in above if way.implies(wide)), None) for way in possible]
        if not possible:
            sentence = f"no case has SLA {sla.id}: its conditions contradict each other"
            if ("sla", index) not in examined.decided:
                examined.note("unreachable-sla", ("sla", index), sentence)
        elif None not in takers:
            taken = sorted({at for at in takers if at is not None})
            named = " and ".join(f"{examined.policy.slas[at].id} (line {examined.line('sla', at)})" for at in taken)
            sentence = f"no case has SLA {sla.id}: {named} applies before; move it up, or remove it"
            examined.note("unreachable-sla", ("sla", index), sentence)
        above += [(index, way) for way in possible]
