"""All conditions of a policy as one generated Python function, which says what rules match.

Only names from the table of fields and the `repr` of checked literals reach the generated source; a user's text never does.
The function runs without builtins of its own besides `len`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, cast

from gateway.model import Activity, Case
from routing.expression import Compare, Node, Not
from routing.fields import FIELDS, Kind
from routing.phrases import PhraseBook, canonical
from routing.signals.reading import Signals

#: (case, activity, now, book, canonical text, signals) → indexes of the rules that match, in order; it ends at the first rule
#: that does not continue.
Matcher: TypeAlias = Callable[[Case, Activity, int, PhraseBook, str, Signals], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as it was written, and as it was read."""

    source: str
    node: Node
    #: Says whether it alone holds. Not part of what the condition is.
    check: Matcher = field(init=False, repr=False, compare=False)
    #: The fields that it reads.
    fields: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile it: for explanations, beside the one function that holds all rules."""
        used: set[str] = set()
        source_of(self.node, used)
        object.__setattr__(self, "fields", frozenset(used))
        object.__setattr__(self, "check", _compile_alone(self.node))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matchable:
    """What the matcher needs of a rule: all of `all` and, unless empty, one of `any`."""

    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    goes_on: bool


def _local(field: str) -> str:
    """Return how the function's body reads a field: a local name, or the field itself when it costs time to know."""
    return FIELDS[field].source if FIELDS[field].lazy else "f_" + field.replace(".", "_")


def _comparison(node: Compare, used: set[str]) -> str:
    used.add(node.field)
    field = FIELDS[node.field]
    left = _local(node.field)
    guards = [f"{left} is not None"] if field.nullable else []
    if node.operator == "contains":
        value = canonical(str(node.value)) if field.kind is Kind.TEXT else str(node.value)
        return f"({value!r} in {left})"
    folded = field.folded or (node.other is not None and FIELDS[node.other].folded)
    if node.other is not None:
        used.add(node.other)
        right = _local(node.other)
        if FIELDS[node.other].nullable:
            guards.append(f"{right} is not None")
    else:
        right = repr(node.value)
    if folded:
        left, right = f"{left}.casefold()", right if node.other is None else f"{right}.casefold()"
    elif node.operator in {"==", "in"} and node.other is None:
        guards = []
    return "(" + " and ".join([*guards, f"{left} {node.operator} {right}"]) + ")"


def source_of(node: Node, used: set[str]) -> str:
    """Return a condition as Python, and note the fields that it reads."""
    if isinstance(node, Compare):
        return _comparison(node, used)
    if isinstance(node, Not):
        return f"(not {source_of(node.inner, used)})"
    return "(" + f" {node.word} ".join(source_of(part, used) for part in node.parts) + ")"


def fields_of(conditions: Iterable[Condition]) -> frozenset[str]:
    """Return the fields that conditions read."""
    return frozenset[str]().union(*(each.fields for each in conditions))


def needs_text(fields: frozenset[str]) -> bool:
    """Return whether any of these fields looks into the text."""
    return any(FIELDS[field].kind is Kind.TEXT or field == "message.phrases" for field in fields)


def compile_rules(rules: Sequence[Matchable]) -> Matcher:
    """Return the function that says which rules match."""
    used: set[str] = set()
    body: list[str] = []
    for index, rule in enumerate(rules):
        parts = [source_of(condition.node, used) for condition in rule.all]
        if rule.any:
            parts.append("(" + " or ".join(source_of(condition.node, used) for condition in rule.any) + ")")
        then = f"hits.append({index})" if rule.goes_on else f"return [*hits, {index}]"
        body.append(f"    if {' and '.join(parts) or 'True'}: {then}")
    return _function(used, body)


@cache
def field_reader(name: str) -> Callable[[Case, Activity, int, PhraseBook, str, Signals], object]:
    """Return a function that says what a field is, for accounts; None when it is missing."""
    lines = ["def read(case, activity, now, book, text, signals):", f"    return {FIELDS[name].source}"]
    names: dict[str, object] = {"__builtins__": {}, "len": len}
    exec(compile("\n".join(lines), "<field>", "exec"), names)  # noqa: S102 (the source is our own table's)
    return cast("Callable[[Case, Activity, int, PhraseBook, str, Signals], object]", names["read"])


def field_of_case(name: str, case: Case, now: int) -> object:
    """Return a field of the case at an instant, None when it is missing: such a field looks at no activity."""
    nothing = cast("Any", None)
    return field_reader(name)(case, nothing, now, nothing, "", nothing)


def _compile_alone(node: Node) -> Matcher:
    """Return a function whose answer is non-empty when one condition holds."""
    used: set[str] = set()
    return _function(used, [f"    if {source_of(node, used)}: return [0]"])


def _function(used: set[str], body: Sequence[str]) -> Matcher:
    head = [f"    {_local(name)} = {FIELDS[name].source}" for name in sorted(used) if not FIELDS[name].lazy]
    lines = ["def match(case, activity, now, book, text, signals):", "    hits = []", *head, *body, "    return hits"]
    names: dict[str, object] = {"__builtins__": {}, "len": len}
    exec(compile("\n".join(lines), "<rules>", "exec"), names)  # noqa: S102 (no user text reaches it, see above)
    return cast("Matcher", names["match"])
