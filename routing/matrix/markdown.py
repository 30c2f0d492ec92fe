"""The escalation matrix as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final

from routing.fingerprints import written
from routing.matrix import precautions
from routing.matrix.words import (
    asked,
    conditions,
    counted,
    does,
    group,
    hours,
    phrases,
    stands,
    targets,
    times,
    told,
    where,
    wishes,
)
from routing.people import Agent, People, Team
from routing.policy import Incident, Ladder, Policy, Rule, Sla
from routing.shown import duration_of

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def markdown(policy: Policy) -> str:
    """Return the rules, the ladders, the SLAs, the people and the hours of a policy, as tables."""
    parts = (_rules, _vips, _risk, _phrases, _severity, _incidents, _ladders, _slas, _precautions, _people, _calendars)
    return "\n".join(line for part in parts for line in part(policy)) + "\n"


def plain(text: str) -> str:
    """Return a text of the policy as Markdown that shows just this text, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code within a table."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padded = f" {text} " if "`" in text else text
    return f"{ticks}{padded}{ticks}".replace("|", "\\|")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _rules(policy: Policy) -> Iterator[str]:
    yield "# Escalation matrix"
    yield ""
    yield "Rules are looked at from the top; the first that matches counts, unless it continues."
    yield ""
    if len({rule.ladder for rule in policy.rules if rule.ladder}) > 1:
        yield (
            "A case that is escalated already moves to the ladder of a rule that outranks the one it climbs by: hierarchical"
            " before every other type, then the more urgent one while nobody has taken the case."
        )
        yield ""
    head = ("", "Rule", "Type", "When", "Then", "Priority", "Sets", "The customer is told")
    yield from _table(head, (_row(number, rule) for number, rule in enumerate(policy.rules, 1)))


def _phrases(policy: Policy) -> Iterator[str]:
    asked_for = phrases(policy)
    if asked_for:
        yield "## Phrases"
        yield ""
        yield "They are looked for as whole words in what is written; what the writer denies does not count, but"
        yield "where the list says so. A phrase with a language counts in that one, and where the language is not known."
        yield ""
        head = ("List", "Phrases", "For")
        yield from _table(
            head,
            (
                (f"**{plain(name)}**", ", ".join(map(code, listed)), plain(", ".join(users)))
                for name, listed, users in asked_for
            ),
        )


def _vips(policy: Policy) -> Iterator[str]:
    if policy.customer is not None and policy.customer.vip:
        words = ", ".join(sorted(policy.customer.vip))
        yield f"A VIP is a customer whose tier or tag in {plain(policy.customer.connection)} is one of: {plain(words)}."
        yield ""


def _severity(policy: Policy) -> Iterator[str]:
    grid = precautions.severity(policy)
    if grid is not None:
        yield "## Severity"
        yield ""
        yield from _plain_table(grid)
        if boosted := precautions.boosted(policy):
            yield plain(boosted)
            yield ""


def _precautions(policy: Policy) -> Iterator[str]:
    for title, grid in (("Sensitive cases", precautions.sensitive(policy)), ("Mutes", precautions.mutes(policy))):
        if grid is not None:
            yield f"## {title}"
            yield ""
            yield from _plain_table(grid)


def _plain_table(grid: precautions.Grid) -> Iterator[str]:
    head, rows = grid
    yield from _table(head, (map(plain, row) for row in rows))


def _risk(policy: Policy) -> Iterator[str]:
    if policy.risk is not None:
        yield (
            f"The risk of escalation is learned from closed cases, and known once there are {policy.risk.at_least} of them;"
            f" what comes within {duration_of(policy.risk.horizon)} counts."
        )
        yield ""


def _row(number: int, rule: Rule) -> tuple[str, ...]:
    sets = [
        *([f"group {plain(rule.set.group)}"] if rule.set.group else []),
        *([f"tags {plain(', '.join(rule.set.tags))}"] if rule.set.tags else []),
        *(f"{plain(name)} = {plain(value)}" for name, value in rule.set.fields.items()),
        *(f"{key} {level}" for key, level in (("impact", rule.set.impact), ("urgency", rule.set.urgency)) if level),
    ]
    then = [
        plain(does(rule)),
        *([f"mode {rule.mode.value}"] if rule.mode.value != "live" else []),
        *(["continues"] if rule.goes_on else []),
        *([f"<br>playbook: <{rule.playbook}>"] if rule.playbook else []),
    ]
    return (
        str(number),
        f"**{plain(rule.id)}**" + (f"<br>{plain(rule.set.reason)}" if rule.set.reason else ""),
        rule.type.value if rule.type is not None else "",
        "<br>".join(_when(rule)) or "whatever no other rule matched",
        ", ".join(then),
        rule.set.priority.value if rule.set.priority is not None else "",
        "<br>".join(sets),
        plain(rule.reply),
    )


def _when(of: Rule | Sla | Incident) -> list[str]:
    every, either = conditions(of)
    return [*map(code, every), *(["one of " + ", ".join(map(code, either))] if either else [])]


def _incidents(policy: Policy) -> Iterator[str]:
    if not policy.incidents:
        return
    yield "## Incidents"
    yield ""
    yield "Customers with one matter are counted together: so many of them open an incident, which has a case of its own."
    yield ""
    head = ("Incident", "Messages that count", "Opens with", "Then", "Holds back", "Customers are told", "Ends")
    yield from _table(head, map(_incident, policy.incidents.values()))


def _incident(incident: Incident) -> tuple[str, ...]:
    alike = f"<br>the same {code(written(incident.fingerprint))}" if incident.fingerprint else ""
    opened = [f"{incident.threshold} customers within {duration_of(incident.window)}", *sorted(incident.opened_by)]
    quiet = f" or {duration_of(incident.resolve_after)} after its last message" if incident.resolve_after else ""
    return (
        f"**{plain(incident.id)}**" + (f"<br>{plain(incident.title)}" if incident.title != incident.id else ""),
        "<br>".join(_when(incident)) + alike,
        plain(" or ".join(opened)),
        plain(does(incident.rule))
        + (f", {incident.rule.set.priority.value}" if incident.rule.set.priority else "")
        + (", mode observe" if incident.observed else ""),
        plain(", ".join(sorted(incident.inhibit))),
        plain(incident.reply)
        + (f"<br>at its end: {plain(incident.reply_when_over)}" if incident.reply_when_over else ""),
        f"with its case{quiet}",
    )


def _ladders(policy: Policy) -> Iterator[str]:
    for ladder in policy.ladders.values():
        users = [rule for rule in policy.escalating if rule.ladder == ladder.id]
        yield f"## Ladder {plain(ladder.id)}"
        yield ""
        yield f"For {', '.join(plain(rule.id) for rule in users)}." if users else "No rule escalates on it."
        if ladder.playbook:
            yield f"Playbook: <{ladder.playbook}>."
        if ladder.repeat:
            yield f"Its steps are gone through {ladder.repeat + 1} times before the end."
        yield ""
        head = ("Step", "Where", "Who is asked", "Who is told", "Times", "Hours")
        yield from _table(head, _steps(ladder, users, policy.people))


def _steps(ladder: Ladder, users: list[Rule], people: People) -> Iterator[tuple[str, ...]]:
    for number, stage in enumerate((*ladder.steps, ladder.final)):
        groups = [stage.target.place]
        if number == 0:
            groups = list(dict.fromkeys(group(rule, stage) for rule in users)) or groups
        yield (
            "end" if ladder.at_end(number) else str(number + 1),
            plain(where(stage, *groups)),
            "<br>".join(map(plain, (asked(stage), *wishes(stage)))),
            "<br>".join(map(plain, told(stage, people))) or "nobody",
            "<br>".join(map(plain, times(stage))) or "until somebody takes it",
            plain(hours(ladder, stage)),
        )


def _slas(policy: Policy) -> Iterator[str]:
    if not policy.slas:
        return
    yield "## SLAs"
    yield ""
    yield "They are looked at from the top; the first that applies to a case counts."
    yield ""
    head = ("", "SLA", "For", "Targets", "Time counts", "Clocks stand while")
    yield from _table(head, (_sla(number, sla) for number, sla in enumerate(policy.slas, 1)))


def _sla(number: int, sla: Sla) -> tuple[str, ...]:
    aims = (f"{what} {within}, at risk after {risk}" for what, within, risk in targets(sla))
    return (
        str(number),
        f"**{plain(sla.id)}**",
        "<br>".join(_when(sla)) or "every case",
        "<br>".join(aims),
        plain(counted(sla)),
        plain(stands(sla)),
    )


def _people(policy: Policy) -> Iterator[str]:
    people = policy.people
    if people.teams:
        yield "## Teams"
        yield ""
        yield from _table(("Team", "Members", "Who gets a case", "Hours", "Else"), map(_team, people.teams.values()))
    if people.agents:
        yield "## Agents"
        yield ""
        head = ("Agent", "Knows", "Decides alone", "Manager", "Has room for", "Hours")
        yield from _table(head, map(_agent, people.agents.values()))


def _team(team: Team) -> tuple[str, ...]:
    return (
        f"**{plain(team.name)}**",
        plain(", ".join(team.members)),
        plain(team.strategy.value),
        plain(team.calendar.name if team.calendar is not None else "always"),
        plain(f"team {team.fallback}" if team.fallback else ""),
    )


def _agent(agent: Agent) -> tuple[str, ...]:
    return (
        f"**{plain(agent.name)}**",
        plain(", ".join(f"{skill} {level}" for skill, level in agent.skills.items())),
        "<br>".join(plain(f"{action} up to {_limit(limit)}") for action, limit in agent.authority.items()),
        plain(agent.manager),
        plain(", ".join(f"{most} {channel.value}" for channel, most in agent.capacity.items())),
        plain(agent.calendar.name if agent.calendar is not None else "always"),
    )


def _limit(limit: float) -> str:
    return "any amount" if math.isinf(limit) else f"{limit:,.10g}"


def _calendars(policy: Policy) -> Iterator[str]:
    if not policy.calendars:
        return
    yield "## Hours"
    yield ""
    head = ("Calendar", "Zone", "Week", "Closed")
    yield from _table(head, ((plain(each.name), *map(plain, each.described())) for each in policy.calendars.values()))
