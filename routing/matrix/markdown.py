"""The escalation matrix as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from routing.matrix.words import conditions, does, group, hours, times, told
from routing.policy import Ladder, Policy, Rule

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def markdown(policy: Policy) -> str:
    """Return the rules, the ladders and the hours of a policy, as tables."""
    return "\n".join([*_rules(policy), *_ladders(policy), *_calendars(policy)]) + "\n"


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
    head = ("", "Rule", "Type", "When", "Then", "Priority", "Sets", "The customer is told")
    yield from _table(head, (_row(number, rule) for number, rule in enumerate(policy.rules, 1)))


def _row(number: int, rule: Rule) -> tuple[str, ...]:
    every, either = conditions(rule)
    when = [*map(code, every), *(["one of " + ", ".join(map(code, either))] if either else [])]
    sets = [
        *([f"group {plain(rule.set.group)}"] if rule.set.group else []),
        *([f"tags {plain(', '.join(rule.set.tags))}"] if rule.set.tags else []),
        *(f"{plain(name)} = {plain(value)}" for name, value in rule.set.fields.items()),
    ]
    then = [
        plain(does(rule)),
        *([f"mode {rule.mode.value}"] if rule.mode.value != "live" else []),
        *(["continues"] if rule.goes_on else []),
    ]
    return (
        str(number),
        f"**{plain(rule.id)}**" + (f"<br>{plain(rule.set.reason)}" if rule.set.reason else ""),
        rule.type.value if rule.type is not None else "",
        "<br>".join(when) or "whatever no other rule matched",
        ", ".join(then),
        rule.set.priority.value if rule.set.priority is not None else "",
        "<br>".join(sets),
        plain(rule.reply),
    )


def _ladders(policy: Policy) -> Iterator[str]:
    for ladder in policy.ladders.values():
        users = [rule for rule in policy.rules if rule.ladder == ladder.id]
        yield f"## Ladder {plain(ladder.id)}"
        yield ""
        yield f"For {', '.join(plain(rule.id) for rule in users)}." if users else "No rule escalates on it."
        if ladder.repeat:
            yield f"Its steps are gone through {ladder.repeat + 1} times before the end."
        yield ""
        head = ("Step", "Where", "Who is told", "Times", "Hours")
        yield from _table(head, _steps(ladder, users))


def _steps(ladder: Ladder, users: list[Rule]) -> Iterator[tuple[str, ...]]:
    for number, stage in enumerate((*ladder.steps, ladder.final)):
        groups = [stage.target.place]
        if number == 0:
            groups = list(dict.fromkeys(group(rule, stage) for rule in users)) or groups
        yield (
            "end" if ladder.at_end(number) else str(number + 1),
            f"{plain(stage.target.connection)}: {plain(' or '.join(groups))}",
            "<br>".join(map(plain, told(stage))) or "nobody",
            "<br>".join(times(stage)) or "until somebody takes it",
            plain(hours(ladder, stage)),
        )


def _calendars(policy: Policy) -> Iterator[str]:
    if not policy.calendars:
        return
    yield "## Hours"
    yield ""
    head = ("Calendar", "Zone", "Week", "Closed")
    yield from _table(head, ((plain(each.name), *map(plain, each.described())) for each in policy.calendars.values()))
