"""Teams, agents, skills, actions and customers whom nothing in the policy asks for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from typing import Final

from routing.lint.finding import Examined
from routing.people import Asked, Whom, with_fallbacks
from routing.policy import Policy

#: What fields begin with that look at who did something.
_OF_DOERS: Final = ("authority.", "actor.")


def unused_people(examined: Examined) -> None:
    """Note whom the policy names and never asks, and what it says of them in vain."""
    policy = examined.policy
    people = policy.people
    asked = tuple(_asked(policy))
    teams = {name for each in asked if each.whom is Whom.TEAM for name in with_fallbacks(people, each.name)}
    for name in people.teams:
        if name not in teams:
            sentence = f'no step asks team {name}: remove it, or write target = "team:{name}" into a step'
            examined.note("unused-team", ("team", name), sentence)
    for name in _idle(policy, asked, teams):
        sentence = f"nothing asks agent {name}: put them into a team that a step asks, or remove them"
        examined.note("unused-agent", ("agent", name), sentence)
    wanted = {need.skill for each in asked for need in (*each.skills, *each.prefer)}
    for name in people.skills:
        if name not in wanted and not _reads(policy, ("needed.", "actor.lacks_skill")):
            sentence = (
                f'nothing wants the skill {name}: write skills = [{{ name = "{name}" }}] into a step, or remove it'
            )
            examined.note("unused-skill", ("skill", name), sentence)
    for name in people.actions:
        if not _reads(policy, ("authority.",)):
            sentence = f"no condition asks for authority, so authority.{name} is for nothing"
            examined.note("unused-authority", ("authority", name), sentence)
    if policy.customer is None and "customer" in tomllib.loads(policy.source):
        examined.note(
            "unused-customer",
            ("customer",),
            "no condition asks for customer.vip or the like, so nobody is asked about them",
        )


def _asked(policy: Policy) -> Iterator[Asked]:
    climbed = {rule.ladder for rule in policy.escalating}
    for name, ladder in policy.ladders.items():
        if name in climbed:
            yield from (stage.asks for stage in ladder.steps if stage.asks is not None)


def _idle(policy: Policy, asked: Iterable[Asked], teams: Iterable[str]) -> Iterator[str]:
    """Yield the agents who could as well not be there."""
    agents, listed = policy.people.agents, tuple(asked)
    busy = {name for team in teams for name in policy.people.teams[team].members}
    busy |= {each.name for each in listed if each.whom is Whom.AGENT}
    if any(each.whom is Whom.MANAGER_OF for each in listed):
        busy |= {agent.manager for agent in agents.values()} | {
            agent.name for agent in agents.values() if agent.manager
        }
    if _reads(policy, _OF_DOERS):
        busy |= {agent.name for agent in agents.values() if agent.ids}
    yield from (name for name in agents if name not in busy)


def _reads(policy: Policy, beginnings: tuple[str, ...]) -> bool:
    return any(name.startswith(beginnings) for name in policy.reads)
