"""Whether the agents of the policy are those of a helpdesk: what the doctor says of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.sdk import Finding, Roster
from routing.people import People

#: People of a roster that are named at most.
_NAMED: Final = 20


def people_on(connection: str, people: People) -> bool:
    """Tell whether an agent of the policy has an id on a connection."""
    return any(connection in agent.ids for agent in people.agents.values())


def examine_agents(connection: str, roster: Roster, people: People) -> Sequence[Finding]:
    """Compare the agents who have an id on a connection with its roster."""
    return (compared(connection, roster, people),) if people_on(connection, people) else ()


def compared(connection: str, roster: Roster, people: People) -> Finding:
    """Return what a roster says of the agents of the policy. An address proves nothing here: rosters have ids."""
    there = {entry.id.casefold() for entry in roster.agents}
    named = {name: agent.ids[connection] for name, agent in people.agents.items() if connection in agent.ids}
    missing = [
        f"{name} ({', '.join(ids)})"
        for name, ids in named.items()
        if not any("@" in each or each.casefold() in there for each in ids)
    ]
    if not missing:
        return Finding(subject="agents", good=True, sentence=f"The roster has all {len(named)} agents of the policy.")
    shown = ", ".join(f"{entry.id} {entry.name}" for entry in roster.agents[:_NAMED])
    more = " …" if len(roster.agents) > _NAMED else ""
    return Finding(
        subject="agents",
        good=False,
        sentence=f"The roster does not have {', '.join(missing)}: nobody can be given a ticket under an id that is not there.",
        advice=f"Mend their ids in escalation.toml. The roster has {shown or 'nobody'}{more}.",
    )
