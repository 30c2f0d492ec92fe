"""Rules that never match, or match in vain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.model import Mode
from gateway.toml import did_you_mean
from routing.expression import Node, comparisons
from routing.lint.finding import Examined
from routing.lint.logic import Alternative
from routing.policy import Act, Rule

#: Fields whose values are names of connections.
_NAMING: Final = frozenset({"connection", "case.connection"})


def never_matching(examined: Examined) -> None:
    """Note rules that cannot match, and those of which rules above leave nothing or less than it looks."""
    above: list[tuple[int, Alternative]] = []
    for index, rule in enumerate(examined.policy.rules):
        ways = examined.ways[rule.id]
        if ways is None:
            continue
        possible = [way for way in ways if way.possible]
        if not possible:
            sentence = f"rule {rule.id} never matches: its conditions contradict each other"
            if ("rule", index) not in examined.decided:
                examined.note("never-true", ("rule", index), sentence)
            continue
        if len(possible) < len(ways) and ("rule", index) not in examined.decided:
            sentence = f"one of the ways in which rule {rule.id} would match contradicts itself, and never holds"
            examined.note("never-true-part", ("rule", index), sentence)
        if not rule.catch_all:
            # A deadline of an SLA lets only those rules look that ask for one: no other takes it from them.
            clocks = examined.policy.clock_rules
            takers = [each for each in above if index not in clocks or each[0] in clocks]
            _hidden(examined, index, rule, possible, takers)
        if not rule.goes_on:
            above += [(index, way) for way in possible]


def _hidden(
    examined: Examined, index: int, rule: Rule, ways: list[Alternative], above: list[tuple[int, Alternative]]
) -> None:
    takers = [next((at for at, wide in above if way.implies(wide)), None) for way in ways]
    taken = sorted({taker for taker in takers if taker is not None})
    if not taken:
        return
    named = " and ".join(f"{examined.policy.rules[at].id} (line {examined.line('rule', at)})" for at in taken)
    if None not in takers:
        sentence = f"rule {rule.id} never matches: {named} takes everything before; move it up, or remove it"
        examined.note("unreachable-rule", ("rule", index), sentence)
    else:
        sentence = f"one of the ways in which rule {rule.id} would match never comes to it: {named} takes it before"
        examined.note("shadowed-rule", ("rule", index), sentence)


def in_vain(examined: Examined) -> None:
    """Note rules that do nothing when they match."""
    let_out = any(facts.mode is not Mode.OBSERVE for facts in examined.connections.values())
    for index, rule in enumerate(examined.policy.rules):
        settings = rule.set
        sets = settings.priority or settings.tags or settings.impact or settings.urgency or rule.reply
        if rule.act is Act.NONE and rule.goes_on and not sets and rule.mode is not Mode.OBSERVE:
            sentence = f"rule {rule.id} does nothing and continues: remove it, or let it set something or reply"
            examined.note("idle-rule", ("rule", index), sentence)
        if rule.mode is Mode.OBSERVE or not let_out:
            # Who rehearses knows it.
            continue
        _of_mode(examined, index, rule)


def _of_mode(examined: Examined, index: int, rule: Rule) -> None:
    ladder = examined.policy.ladders.get(rule.ladder)
    name = ladder.steps[0].target.connection if ladder is not None else rule.target
    facts = examined.connections.get(name)
    if facts is None:
        return
    if facts.mode is Mode.OBSERVE:
        sentence = f"rule {rule.id} goes to {name}, whose mode is observe: nothing arrives there"
        examined.note("idle-connection", ("rule", index), sentence)
    elif rule.act is Act.MIRROR and Mode.NOTES in {facts.mode, rule.mode}:
        sentence = f"rule {rule.id} makes no ticket in mode notes: only tickets that stand already get a note"
        examined.note("notes-make-no-ticket", ("rule", index), sentence)


# --- names of connections --------------------------------------------------------------------------------------------
def unknown_connections(examined: Examined) -> None:
    """Note conditions that name connections which are not there."""
    known = examined.connections
    for index, rule in enumerate(examined.policy.rules):
        for key, conditions in (("all", rule.all), ("any", rule.any)):
            for number, condition in enumerate(conditions):
                for name in _named(condition.node):
                    if name not in known:
                        hint = did_you_mean(name, known, f"there are {', '.join(known) or 'none'}")
                        examined.note(
                            "unknown-connection",
                            ("rule", index, "when", key, number),
                            f"no connection {name} is switched on: {hint}",
                            value=True,
                        )


def _named(node: Node) -> Iterator[str]:
    for each in comparisons(node):
        if each.field in _NAMING and each.other is None:
            values = each.value if isinstance(each.value, tuple) else (each.value,)
            yield from (str(value) for value in values)
