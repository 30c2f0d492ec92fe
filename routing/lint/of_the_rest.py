"""Ladders, calendars, phrases and lexicons that nobody uses, or that reach nobody."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from routing import schema
from routing.expression import Node, comparisons
from routing.lint.finding import Examined
from routing.load_calendar import interval_of
from routing.people import tells
from routing.phrases import Phrase
from routing.policy import Incident, Rule
from routing.precautions import Sensitivity
from routing.signals.denied import always_with

_DAY: Final = 86_400
_HEAR: Final = "languages of [cases] in plugins.toml"
_FEELING: Final = frozenset({"message.sentiment", "case.sentiment"})


# --- what nobody uses ------------------------------------------------------------------------------------------------
def unused(examined: Examined) -> None:
    """Note what stands in the file and is used by nothing."""
    policy = examined.policy
    climbed = {rule.ladder for rule in policy.escalating}
    for name in policy.ladders:
        if name not in climbed:
            examined.note(
                "unused-ladder", ("ladder", name), f"no rule escalates on ladder {name}: remove it, or name it"
            )
    named = set(_calendars(tomllib.loads(policy.source)))
    for name in policy.calendars:
        if name not in named:
            sentence = f'nothing names calendar {name}: remove it, or write calendar = "{name}" into a ladder, a step or an SLA'
            examined.note("unused-calendar", ("calendar", name), sentence)
    asking: tuple[Rule | Incident | Sensitivity, ...] = (
        *policy.rules,
        *policy.incidents.values(),
        *policy.sensitivities,
    )
    asked = {name for each in asking for condition in (*each.all, *each.any) for name in _phrases(condition.node)}
    for name in policy.phrases:
        if name not in asked:
            sentence = (
                f"no condition asks for the phrases {name}: remove them, or write message.phrases contains '{name}'"
            )
            examined.note("unused-phrases", ("phrases", name), sentence)
    for name in policy.lexicons:
        if not _FEELING & policy.reads:
            sentence = f"no condition asks for message.sentiment or case.sentiment, so lexicon.{name} is for nothing"
            examined.note("unused-lexicon", ("lexicon", name), sentence)
        elif name not in examined.languages:
            sentence = f"no message is told to be in {name}: add it to {_HEAR}"
            examined.note("unheard-language", ("lexicon", name), sentence)


def _calendars(values: Mapping[str, Any]) -> Iterator[str]:
    ladders = values.get("ladder", {}).values()
    steps = (step for ladder in ladders for step in ladder["step"])
    people = (table for kind in ("agent", "team") for table in values.get(kind, {}).values())
    tables = (*ladders, *steps, *values.get("sla", ()), *people)
    yield from (str(table["calendar"]) for table in tables if "calendar" in table)


def _phrases(node: Node) -> Iterator[str]:
    return (str(each.value) for each in comparisons(node) if each.field == "message.phrases")


# --- ladders ---------------------------------------------------------------------------------------------------------
def silent(examined: Examined) -> None:
    """Note ladders that end where nobody hears of it."""
    for name, ladder in examined.policy.ladders.items():
        stages = (*ladder.steps, ladder.final)
        if not any(stage.notify or tells(stage.asks, examined.policy.people) for stage in stages):
            sentence = (
                f"ladder {name} tells nobody: add notify to a step or to final, or people must look into the queue"
            )
            examined.note("silent-ladder", ("ladder", name), sentence)
        elif not ladder.final.notify:
            sentence = f"nobody is told when a case comes to the end of ladder {name}: add notify to final"
            examined.note("silent-end", ("ladder", name, "final"), sentence)
        desks = dict.fromkeys(stage.target.connection for stage in stages)
        if len(desks) > 1:
            sentence = f"ladder {name} names the helpdesks {', '.join(desks)}: the ticket stays in the first one"
            examined.note("two-helpdesks", ("ladder", name), sentence)


# --- calendars -------------------------------------------------------------------------------------------------------
def overlapping(examined: Examined) -> None:
    """Note intervals past midnight that reach into those of the next day; the loader sees those of one day."""
    for name, table in tomllib.loads(examined.policy.source).get("calendar", {}).items():
        week = [[interval_of(text) for text in table.get(day, ())] for day in schema.DAYS]
        for number, (day, intervals) in enumerate(zip(schema.DAYS, week, strict=True)):
            last = max((each[1] for each in intervals if each is not None), default=0) - _DAY
            following = (number + 1) % len(week)
            first = min((each[0] for each in week[following] if each is not None), default=_DAY)
            if last > first:
                later = list(schema.DAYS)[following]
                sentence = f"the night of {day} in calendar {name} reaches into the hours of {later}"
                examined.note("overlapping-hours", ("calendar", name, day), sentence)


# --- phrases ---------------------------------------------------------------------------------------------------------
def repeated(examined: Examined) -> None:
    """Note phrases that stand twice, or that a shorter one of their list makes superfluous."""
    seen: dict[str, list[tuple[str, Phrase]]] = {}
    for name, listed in examined.policy.phrases.items():
        for phrase in listed.phrases:
            path = ("phrases", name, *phrase.place)
            stands = seen.setdefault(phrase.words, [])
            first = next((each for each in stands if _alike(examined, each, (name, phrase))), None)
            stands.append((name, phrase))
            if first is not None:
                where, other = first
                line = examined.line("phrases", where, *other.place)
                sentence = f"{phrase.text!r} stands in the list {where} already, in line {line}"
                examined.note("duplicate-phrase", path, sentence, value=True)
                continue
            shorter = (each for each in listed.phrases if each.words != phrase.words)
            wider = next((each.text for each in shorter if always_with(each, listed, phrase, listed)), None)
            if wider is not None:
                sentence = f"{phrase.text!r} is superfluous: {wider!r} is found wherever it is"
                examined.note("covered-phrase", path, sentence, value=True)


def _alike(examined: Examined, one: tuple[str, Phrase], other: tuple[str, Phrase]) -> bool:
    """Tell whether two phrases of the same words can count in one message, and are denied alike."""
    lists = examined.policy.phrases
    languages = {one[1].language, other[1].language}
    return lists[one[0]].negation is lists[other[0]].negation and ("" in languages or len(languages) == 1)


def unheard(examined: Examined) -> None:
    """Note phrases of a language that no message is told to be in."""
    told = examined.languages if len(examined.languages) > 1 else ()
    for name, listed in examined.policy.phrases.items():
        for language in dict.fromkeys(phrase.language for phrase in listed.phrases):
            if not language or language in told:
                continue
            if told:
                counts, hint = "only where nobody could tell the language", f"add it to {_HEAR}"
            else:
                counts, hint = "in every message", f"name two languages or more, it among them, in {_HEAR}"
            sentence = f"no message is told to be in {language}, so these count {counts}: {hint}"
            examined.note("unheard-language", ("phrases", name, language), sentence)
