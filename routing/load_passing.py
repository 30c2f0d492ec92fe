"""On what terms a case stays on a step: when it is passed over, for whom it is, and what makes the case taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.model import Priority
from gateway.toml import nearest
from routing import schema
from routing.expression import ExpressionError, parse
from routing.fields import FIELDS
from routing.people import AbsentOwner, Asked, MultiAck, Strategy, WhenFull, Whom
from routing.policy import MAX_WAIT, Ladder, Stage
from routing.reader import Path, Reader
from routing.skipping import AGENT_FIELDS, CASE_FIELDS, TEAM_FIELDS, SkipIf

_ALL: Final = {**TEAM_FIELDS, **AGENT_FIELDS, **CASE_FIELDS}


def read_terms(
    reader: Reader, path: Path, table: Mapping[str, Any], asks: Asked | None, *, number: int
) -> dict[str, Any]:
    """Return the fields of a step's `Stage` that say on what terms a case stays on it; `number` is its index."""
    return {
        "skip_if": _skip_if(reader, path, table, asks),
        "min_priority": _min_priority(reader, path, table, number=number),
        **_acks(reader, path, table, asks),
        "reassigns": _absent_owner(reader, path, table, asks),
        **_line(reader, path, table, asks),
    }


def read_by_steps(ladders: Mapping[str, Ladder]) -> frozenset[str]:
    """Return the fields of rules that the steps of ladders read as well."""
    conditions = [stage.skip_if for ladder in ladders.values() for stage in ladder.steps if stage.skip_if is not None]
    return frozenset[str]().union(*(each.fields for each in conditions)) & FIELDS.keys()


def check_order(reader: Reader, path: Path, steps: Sequence[Stage]) -> None:
    """Note steps for urgent cases that none of them comes straight to, since a later step is for the same ones."""
    for number, stage in enumerate(steps):
        wanted = stage.min_priority
        if wanted is None:
            continue
        later = [
            other
            for other, each in enumerate(steps)
            if other > number and each.min_priority is not None and each.min_priority.value >= wanted.value
        ]
        if later:
            reader.note(
                (*path, "step", number, "min_priority"),
                f"no case comes straight to step {number + 1}: those of {wanted.value} go on to step {later[-1] + 1}, which is"
                f" for {steps[later[-1]].min_priority} and up",
                value=True,
            )


# --- passed over -----------------------------------------------------------------------------------------------------
def _skip_if(reader: Reader, path: Path, table: Mapping[str, Any], asks: Asked | None) -> SkipIf | None:
    if "skip_if" not in table:
        return None
    here = (*path, "skip_if")
    text = reader.string(path, table, "skip_if")
    if not isinstance(table["skip_if"], str):
        return None
    try:
        made = SkipIf(source=text, node=parse(text, nearest=nearest, sets={}, fields=_ALL))
    except ExpressionError as error:
        reader.note(here, error.sentence, value=True, offset=error.offset + 1)
        return None
    whom = asks.whom if asks is not None else None
    for fields, wanted, target in ((TEAM_FIELDS, Whom.TEAM, "team:NAME"), (AGENT_FIELDS, Whom.AGENT, "agent:NAME")):
        named = sorted(made.fields & fields.keys())
        if named and whom is not wanted:
            reader.note(here, f'only a step with target = "{target}" knows {named[0]}', value=True)
            return None
    return made


def _min_priority(reader: Reader, path: Path, table: Mapping[str, Any], *, number: int) -> Priority | None:
    word = reader.word(path, table, "min_priority", [each.value for each in Priority])
    if word is None:
        return None
    if number == 0:
        reader.note(
            (*path, "min_priority"),
            "every case comes to the first step: min_priority is for a later one, to come to at once",
        )
        return None
    return Priority(word)


# --- taken -----------------------------------------------------------------------------------------------------------
def _acks(reader: Reader, path: Path, table: Mapping[str, Any], asks: Asked | None) -> dict[str, Any]:
    count = table.get("min_acks", 1)
    if type(count) is not int or not 1 <= count <= schema.MOST_ACKS:
        sentence = f"min_acks must be a whole number from 1 to {schema.MOST_ACKS}"
        reader.note((*path, "min_acks"), sentence, value=True)
        count = 1
    if asks is None:
        # A step with a queue has no `multi_ack`: that was told already.
        return {"min_acks": count}
    word = reader.word(path, table, "multi_ack", [each.value for each in MultiAck])
    if word is not None and asks.whom is not Whom.TEAM:
        reader.note((*path, "multi_ack"), 'only a step with target = "team:NAME" has multi_ack')
    elif word is not None and "min_acks" not in table and reader.lacks(path, table, "min_acks"):
        reader.note((*path, "multi_ack"), "say how many must acknowledge: min_acks = 2")
    return {"min_acks": count, "acks_of_team": word == MultiAck.TEAM}


def _line(reader: Reader, path: Path, table: Mapping[str, Any], asks: Asked | None) -> dict[str, Any]:
    if asks is None:
        return {}
    word = reader.word(path, table, "when_full", [each.value for each in WhenFull])
    waits = word == WhenFull.WAIT
    if word is not None and asks.whom is not Whom.TEAM:
        reader.note((*path, "when_full"), 'only a step with target = "team:NAME" has when_full')
    longest = reader.duration(path, table, "max_wait") if "max_wait" in table else None
    if "max_wait" in table and word is None and reader.lacks(path, table, "when_full"):
        reader.note((*path, "max_wait"), 'only a case that waits for room has max_wait: write when_full = "wait"')
    return {"waits_for_room": waits, "max_wait": longest or MAX_WAIT}


def _absent_owner(reader: Reader, path: Path, table: Mapping[str, Any], asks: Asked | None) -> bool:
    if asks is None:
        return False
    word = reader.word(path, table, "absent_owner", [each.value for each in AbsentOwner])
    if word == AbsentOwner.REASSIGN and asks.strategy is Strategy.ALL:
        reader.note(
            (*path, "absent_owner"), "a step that asks all at once asks nobody anew: remove absent_owner, or strategy"
        )
    return word == AbsentOwner.REASSIGN
