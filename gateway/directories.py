"""Who works in a helpdesk, read live; and whether the groups that a policy names are there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.host.hostside import HostSide
from gateway.host.registry import load_class
from gateway.sdk import ConnectorError, Directory, Finding, Roster
from gateway.toml import QUOTED, did_you_mean
from routing.policy import Act, Policy

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.config import ConnectionConfig
    from gateway.host.registry import Specs

#: Longest that a roster is waited for, seconds: of a large helpdesk it takes many pages.
_LONGEST: Final = 120.0
#: Names of groups that are listed at most, where none is near.
_LISTED: Final = 20


class NoRosterError(Exception):
    """The roster cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A group that a policy names."""

    #: The connection of the helpdesk.
    connection: str
    #: The group, as the policy writes it.
    group: str
    #: Where the policy names it.
    where: str


def named_by(policy: Policy) -> Iterator[Named]:
    """Yield the groups that a policy names, in its order."""
    for rule in policy.rules:
        connection = rule.target
        if rule.act is Act.ESCALATE:
            # A rule's group stands for that of the first step, wherever that one goes.
            connection = policy.ladders[rule.ladder].stage(0).target.connection
        if rule.set.group and connection:
            yield Named(connection=connection, group=rule.set.group, where=f"Rule {rule.id}")
    for ladder in policy.ladders.values():
        for number, stage in enumerate(ladder.steps, 1):
            where = f"Step {number} of ladder {ladder.id}"
            yield Named(connection=stage.target.connection, group=stage.target.place, where=where)
        end = ladder.final.target
        yield Named(connection=end.connection, group=end.place, where=f"The end of ladder {ladder.id}")


def compared(named: Iterable[Named], roster: Roster) -> list[Finding]:
    """Return what there is to say about the groups that a policy names in one helpdesk."""
    groups = roster.groups
    wanted = [each for each in named if each.group]
    if groups is None or not wanted:
        return []
    # An id is as good as a name, and addresses are spelled with whatever capitals.
    known = {_spelled(each) for each in (*groups, *groups.values())}
    lacking = [each for each in wanted if _spelled(each.group) not in known]
    if not lacking:
        return [Finding(subject="groups", good=True, sentence="The groups that the policy names are there.")]
    names = sorted({name for name in groups.values() if name})
    listed = ", ".join(names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
    return [
        Finding(
            subject="groups",
            good=False,
            sentence=f'{each.where} names the group "{each.group}", and the helpdesk has none of that name.',
            advice=_capitalized(did_you_mean(each.group, names, f"there are {listed or 'none'}.", shown=QUOTED)),
        )
        for each in lacking
    ]


def _spelled(group: str) -> str:
    return group.lower() if "@" in group else group


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


async def read_roster(config: ConnectionConfig, specs: Specs, clock: Clock) -> Roster:
    """Open a connection and read its roster. Raises `NoRosterError` with a sentence, and PluginError."""
    host = HostSide(config.name, clock, config.settings)
    connector = None
    try:
        connector = load_class(specs, config.spec)(config.settings, host)
        if not isinstance(connector, Directory):
            message = f'connection "{config.name}" ({config.spec.title}) knows no agents'
            raise NoRosterError(message)
        async with asyncio.timeout(_LONGEST):
            await connector.open()
            return await connector.roster()
    except ConnectorError as error:
        raise NoRosterError(str(error)) from None
    except TimeoutError:
        message = f"no answer came within {_LONGEST:g} seconds"
        raise NoRosterError(message) from None
    finally:
        if connector is not None:
            await connector.close()
        await host.close()
