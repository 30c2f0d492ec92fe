"""What the rules cost: the policy's one generated function beside conditions written in Python, and beside expression libraries.

All rules are looked at, as when none ends the search, and all sides must find the same rules for every situation. A library that
is not installed is not measured, and the page says so.
"""

from __future__ import annotations

import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from bench.conditions import KNOWN, NOW, Test, Written, flat_context, joined, policy_text, rules, situations
from gateway.model import Activity, Case
from routing.load import load_policy
from routing.signals.reading import Signals

#: Returns the indexes of the rules that match.
Side: TypeAlias = Callable[[Case, Activity], list[int]]
#: The number of rules.
COUNTS: Final = (10, 100, 1_000, 10_000)
#: Beyond this many rules a library is not asked: it would take minutes.
_MOST: Final = 1_000


def generated(written: Sequence[Written]) -> Side:
    """Return the policy's own way."""
    policy = load_policy(policy_text(written), "escalation.toml", {})
    last = len(written)

    def side(case: Case, activity: Activity) -> list[int]:
        signals = Signals(activity, policy.lexicons)
        return [each for each in policy.match(case, activity, NOW, policy.book, " ", signals) if each != last]

    return side


def by_hand(written: Sequence[Written]) -> Side:
    """Return what a programmer would write: a function for each rule, and a loop over them."""
    names: dict[str, Any] = {}
    for number, rule in enumerate(written):
        body = joined(rule, word="and", either="or", render=Test.python)
        exec(f"def rule_{number}(case, activity, now):\n    return {body}", names)
    functions = [names[f"rule_{number}"] for number in range(len(written))]
    return lambda case, activity: [number for number, function in enumerate(functions) if function(case, activity, NOW)]


def _guarded(test: Test, text: str) -> str:
    return f"{test.field.plain} != null and {text}" if test.field.nullable and not test.field.many else text


def rule_engine(written: Sequence[Written]) -> Side:
    """Return rule-engine (PyPI), one rule object each."""
    library: Any = importlib.import_module("rule_engine")
    made = [
        library.Rule(joined(rule, word="and", either="or", render=lambda test: _guarded(test, test.flat())))
        for rule in written
    ]

    def side(case: Case, activity: Activity) -> list[int]:
        context = flat_context(case, activity)
        return [number for number, rule in enumerate(made) if rule.matches(context)]

    return side


def simpleeval(written: Sequence[Written]) -> Side:
    """Return simpleeval (PyPI), expressions parsed beforehand."""
    library: Any = importlib.import_module("simpleeval")
    evaluator = library.EvalWithCompoundTypes()
    made = [
        evaluator.parse(
            joined(
                rule, word="and", either="or", render=lambda test: _guarded(test, test.flat()).replace("null", "None")
            )
        )
        for rule in written
    ]

    def side(case: Case, activity: Activity) -> list[int]:
        evaluator.names = flat_context(case, activity)
        return [number for number, node in enumerate(made) if evaluator.eval("", previously_parsed=node)]

    return side


def datalogic(written: Sequence[Written]) -> Side:
    """Return datalogic-py (PyPI): JSONLogic in Rust, the situation handed over once for all rules."""
    library: Any = importlib.import_module("datalogic_py")
    engine = library.Engine()

    def logic(test: Test) -> Any:
        if test.field.nullable:
            return {"and": [{"!==": [{"var": test.field.plain}, None]}, test.json()]}
        return test.json()

    made = []
    for rule in written:
        parts = [logic(each) for each in rule.all]
        if rule.any:
            parts.append({"or": [logic(each) for each in rule.any]})
        made.append(engine.compile({"and": parts}))
    session = engine.session()

    def side(case: Case, activity: Activity) -> list[int]:
        data = library.DataHandle(json.dumps(flat_context(case, activity)))
        return [number for number, rule in enumerate(made) if session.evaluate_truthy(rule, data)]

    return side


def cel(written: Sequence[Written]) -> Side:
    """Return cel-expr-python (PyPI): Google's CEL in C++, one expression that lists all rules' answers."""
    library: Any = importlib.import_module("cel_expr_python.cel")
    kinds = {
        field.plain: library.Type.List(library.Type.STRING)
        if field.many
        else (library.Type.INT if field.numbers else library.Type.DYN if field.nullable else library.Type.STRING)
        for field in KNOWN
    }
    environment = library.NewEnv(variables=kinds)
    size = 200
    texts = [
        joined(rule, word="&&", either="||", render=lambda test: _guarded(test, test.flat()).replace(" and ", " && "))
        for rule in written
    ]
    made = [
        environment.compile("[" + ", ".join(texts[start : start + size]) + "]") for start in range(0, len(texts), size)
    ]

    def side(case: Case, activity: Activity) -> list[int]:
        activation = environment.Activation(flat_context(case, activity))
        answers: list[Any] = []
        for expression in made:
            answers += expression.eval(activation).plain_value()
        return [number for number, answer in enumerate(answers) if answer is True]

    return side


LIBRARIES: Final[dict[str, Callable[[Sequence[Written]], Side]]] = {
    "cel-expr-python": cel,
    "datalogic-py": datalogic,
    "rule-engine": rule_engine,
    "simpleeval": simpleeval,
}


def cost(side: Side, cases: Sequence[tuple[Case, Activity]], turns: int) -> float:
    """Return microseconds for one situation."""
    begun = time.perf_counter()
    for _ in range(turns):
        for case, activity in cases:
            side(case, activity)
    return (time.perf_counter() - begun) / (turns * len(cases)) * 1e6


def measured(count: int, rounds: int) -> Iterator[tuple[str, float, float, list[float]]]:
    """Yield, for each other side, its name, both costs in microseconds, and the ratios (ours to theirs) turn by turn."""
    written, cases = rules(count), situations(100)
    ours = generated(written)
    expected = [ours(*each) for each in cases]
    sides: dict[str, Side] = {"conditions in Python": by_hand(written)}
    if count <= _MOST:
        for name, build in LIBRARIES.items():
            try:
                sides[name] = build(written)
            except ModuleNotFoundError:
                print(f"{name} is not measured: it is not installed")
    turns = max(1, 2_000 // count)
    for name, theirs in sides.items():
        found = [theirs(*each) for each in cases]
        if found != expected:
            message = f"{name} finds other rules than the policy does"
            raise RuntimeError(message)
        few = 1 if name != "conditions in Python" else turns
        pairs = [(cost(ours, cases, turns), cost(theirs, cases, few)) for _ in range(rounds)]
        yield (
            name,
            statistics.median(each[0] for each in pairs),
            statistics.median(each[1] for each in pairs),
            sorted(mine / other for mine, other in pairs),
        )
