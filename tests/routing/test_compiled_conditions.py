"""Conditions, compiled, agree with a plain interpreter that knows nothing of how they are compiled."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model import Activity, Burst, Case, Membership, Profile, Risk, SlaClock, SlaClocks, SlaMark, SlaMetric
from gateway.toml import nearest
from routing.compiling import Condition, Matchable, compile_rules
from routing.expression import DEEPEST, ExpressionError, Not, Several, parse
from routing.fields import FIELDS, Kind
from routing.phrases import PhraseBook, canonical
from routing.signals.customer import Customer, CustomerRules
from routing.signals.deadlines import SlaFacts
from routing.signals.distress import distress_in
from routing.signals.reading import Signals
from routing.signals.requests import requests_of
from routing.signals.sentiment import feeling
from routing.signals.solved import solved_by
from tests.routing.strategies import PEOPLE, PHRASES, Asks, Joined, Tree, Turned, activities, cases, trees, written
from tests.routing.values import MINUTE, NOW, SECOND, case, message, pressed

BOOK: Final = PhraseBook(PHRASES)
SETS: Final = {"message.phrases": frozenset(PHRASES)}
UNITS: Final = {"s": SECOND, "m": MINUTE, "h": 60 * MINUTE, "d": 24 * 60 * MINUTE}
COMPARE: Final[dict[str, Callable[[object, object], bool]]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}


#: What the SLA of some cases says: the first response is missed, the next one at risk, the case is over.
_CLOCKS: Final = SlaClocks(
    id="alpha",
    digest="",
    calendar="",
    read_at=NOW,
    epoch=1,
    clocks=tuple(
        SlaClock(
            metric=metric,
            began_at=NOW - 60 * MINUTE,
            target=target,
            used=0,
            resumed_at=None if metric is SlaMetric.RESOLUTION else NOW - 60 * MINUTE,
            risk_at=NOW,
            due_at=NOW - 60 * MINUTE + target,
            ended_at=NOW if metric is SlaMetric.RESOLUTION else None,
        )
        for metric, target in zip(SlaMetric, (15 * MINUTE, 120 * MINUTE, 15 * MINUTE), strict=True)
    ),
)
INCIDENT: Final[dict[str, object]] = {"burst.customers": 2, "incident.open": True, "incident.id": "alpha"}
SLA: Final[dict[str, object]] = {
    "sla.id": "alpha",
    "sla.event": "breached",
    "sla.metric": "first",
    "sla.first_left": -45 * MINUTE,
    "sla.next_left": 60 * MINUTE,
    "sla.resolution_left": None,
    "sla.at_risk": {"first", "next"},
    "sla.breached": {"first"},
}


#: What a model says of the risk of the same cases.
RISK: Final = Risk(score=0.5, model=1)
#: What may be known of a customer, and rules about it.
KNOWN: Final[tuple[Profile | None, ...]] = (
    None,
    Profile(values={}, read_at=NOW),
    Profile(values={"tier": "Alpha", "value": 6, "tags": ["beta", "ünï"]}, read_at=NOW - 90 * SECOND),
    Profile(
        values={"tier": "desk", "organization": "it's", "language": "ünï", "tags": []}, read_at=NOW - 2 * 3600 * SECOND
    ),
)
ABOUT: Final = CustomerRules(connection="desk", fresh_for=15 * MINUTE, vip=frozenset({"alpha"}))


def known(of: Case) -> Profile | None:
    """Return what is known of a case's customer: in these tests it depends on the case alone."""
    return KNOWN[of.customer_messages % len(KNOWN)]


def told(of: Case, name: str) -> object:
    """Return a value of the profile, None when there is none."""
    profile = known(of)
    return None if profile is None else profile.values.get(name)


def age(of: Case) -> int | None:
    profile = known(of)
    return None if profile is None else NOW - profile.read_at


def signals_of(of: Case, what: Activity) -> Signals:
    """Return the signals of an activity, of which one kind of dedupe key stands for a case with an SLA."""
    signals = Signals(what, {}, PEOPLE, Customer(ABOUT, known(of), NOW))
    if what.dedupe == "e1":
        signals.risk = RISK
        signals.incident = Membership(id="other", name="alpha", title="Outage")
        signals.bursts = (Burst(name="beta", fingerprint="", customers=2), Burst(name="x", fingerprint="", customers=1))
        signals.sla = SlaFacts(clocks=_CLOCKS, now=NOW, event=SlaMark.BREACHED, metric=SlaMetric.FIRST)
    return signals


# --- the plain interpreter -------------------------------------------------------------------------------------------
READ: Final[dict[str, Callable[[Case, Activity], object]]] = {
    "activity.kind": lambda of, what: what.kind,
    "channel": lambda of, what: what.channel,
    "connection": lambda of, what: what.connection,
    "message.text": lambda of, what: canonical(what.reply_text),
    "message.phrases": lambda of, what: {
        name for name, each in PHRASES.items() if any(canonical(one) in canonical(what.reply_text) for one in each)
    },
    "message.length": lambda of, what: len(what.reply_text),
    "message.attachments": lambda of, what: len(what.attachments),
    "message.wants_person": lambda of, what: bool(requests_of(what).person),
    "message.wants_manager": lambda of, what: bool(requests_of(what).manager),
    "message.distress": lambda of, what: bool(distress_in(what.reply_text)),
    "message.solved": lambda of, what: bool(solved_by(what)),
    "message.sentiment": lambda of, what: feeling(what.reply_text, what.language, {}).score,
    "message.language": lambda of, what: what.language or None,
    "bot.confidence": lambda of, what: what.bot.confidence if what.bot else None,
    "bot.intent": lambda of, what: (what.bot.intent or None) if what.bot else None,
    "actor.agent": lambda of, what: "ann" if anns(what) else None,
    "actor.skills": lambda of, what: ("beta",) if anns(what) else (),
    "actor.lacks_skill": lambda of, what: anns(what) and needed(what) == "vip",
    "needed.skill": lambda of, what: needed(what),
    "authority.action": lambda of, what: "refund" if amount(what) else None,
    "authority.amount": lambda of, what: AMOUNTS[amount(what)],
    "authority.limit": lambda of, what: 5 if amount(what) and anns(what) else None,
    "case.age": lambda of, what: NOW - of.opened_at,
    "case.impact": lambda of, what: of.impact or None,
    "case.urgency": lambda of, what: of.urgency or None,
    "case.sensitivity": lambda of, what: of.sensitive or None,
    "risk.score": lambda of, what: RISK.score if what.dedupe == "e1" else None,
    "customer.vip": lambda of, what: None if known(of) is None else told(of, "tier") == "Alpha",
    "customer.tier": lambda of, what: told(of, "tier"),
    "customer.value": lambda of, what: told(of, "value"),
    "customer.organization": lambda of, what: told(of, "organization"),
    "customer.language": lambda of, what: told(of, "language"),
    "customer.tags": lambda of, what: told(of, "tags") or (),
    "customer.profile_age": lambda of, what: age(of),
    "customer.profile_stale": lambda of, what: None if (old := age(of)) is None else old > 15 * MINUTE,
}
AMOUNTS: Final[dict[str, float | None]] = {"": None, "much": None, "6": 6, "5.00": 5, "19": 19}


def anns(what: Activity) -> bool:
    return what.connection == "chat" and what.sender is not None and what.sender.value == "U1"


def needed(what: Activity) -> str | None:
    tags = what.ticket.tags or () if what.ticket else ()
    return next((skill for skill in ("vip", "beta") if skill in tags), None)


def amount(what: Activity) -> str:
    name = "amount" if what.connection == "chat" else "other"
    told = what.ticket.fields if what.ticket and what.ticket.fields else what.bot.fields if what.bot else {}
    return str(told.get(name, ""))


def value_of(name: str, of: Case, what: Activity) -> object:
    """Return what a field is, read as its documentation has it; None when it has no value."""
    room, _, leaf = name.partition(".")
    if name in READ:
        return READ[name](of, what)
    if name in SLA:
        empty = () if FIELDS[name].kind is Kind.SET else None
        return SLA[name] if what.dedupe == "e1" else empty
    if name in INCIDENT:
        return INCIDENT[name] if what.dedupe == "e1" else {"burst.customers": 0, "incident.open": False}.get(name)
    found = getattr(of if room == "case" else getattr(what, room), leaf, None)
    return found or () if FIELDS[name].kind is Kind.SET else found


def literal(value: object, name: str) -> object:
    if FIELDS[name].kind is Kind.DURATION:
        text = str(value)
        return float(text[:-1]) * UNITS[text[-1]]
    return value


def holds(tree: Tree, of: Case, what: Activity) -> bool:
    if isinstance(tree, Turned):
        return not holds(tree.inner, of, what)
    if isinstance(tree, Joined):
        each = [holds(part, of, what) for part in tree.parts]
        return all(each) if tree.word == "and" else any(each)
    left = value_of(tree.field, of, what)
    if left is None:
        return False
    if tree.operator == "contains":
        is_text = FIELDS[tree.field].kind is Kind.TEXT
        return (canonical(str(tree.right)) if is_text else tree.right) in left  # type: ignore[operator]
    # A tier is the same whatever its case.
    folds = "customer.tier" in {tree.field, tree.other}

    def same(one: Any) -> Any:
        return str(one).casefold() if folds else one

    if isinstance(tree.right, tuple):
        among = any(same(left) == same(literal(each, tree.field)) for each in tree.right)
        return among if tree.operator == "in" else not among
    right = value_of(tree.other, of, what) if tree.other is not None else literal(tree.right, tree.field)
    return right is not None and COMPARE[tree.operator](same(left), same(right))


# --- what is promised ------------------------------------------------------------------------------------------------
def read(text: str) -> Condition:
    return Condition(source=text, node=parse(text, nearest=nearest, sets=SETS))


def check(condition: Condition, of: Case, what: Activity) -> bool:
    return bool(condition.check(of, what, NOW, BOOK, canonical(what.reply_text), signals_of(of, what)))


@given(trees(), cases(), activities(public=False))
@example(Turned(Asks("ticket.via", "!=", "alpha")), case(), message())
@example(Asks("channel", "==", other="case.channel"), case(channel=None), message(channel=None))
@example(Asks("button.value", "not in", ("a",)), case(), message())
def test_a_compiled_condition_says_what_the_plain_interpreter_says(tree: Tree, of: Case, what: Activity) -> None:
    assert check(read(written(tree)), of, what) is holds(tree, of, what), written(tree)


@given(
    st.lists(
        st.tuples(st.lists(trees(), max_size=2), st.lists(trees(), max_size=2), st.booleans()), min_size=1, max_size=6
    ),
    cases(),
    activities(),
)
def test_rules_match_in_order_up_to_the_first_that_does_not_continue(
    given_rules: list[tuple[list[Tree], list[Tree], bool]], of: Case, what: Activity
) -> None:
    rules = [
        Matchable(
            all=tuple(read(written(tree)) for tree in every),
            any=tuple(read(written(tree)) for tree in some),
            goes_on=goes_on,
        )
        for every, some, goes_on in given_rules
    ]
    expected: list[int] = []
    for index, (every, some, goes_on) in enumerate(given_rules):
        if all(holds(tree, of, what) for tree in every) and (not some or any(holds(tree, of, what) for tree in some)):
            expected.append(index)
            if not goes_on:
                break
    assert compile_rules(rules)(of, what, NOW, BOOK, canonical(what.reply_text), signals_of(of, what)) == expected


@given(trees(), st.data())
def test_blanks_and_needless_parentheses_change_nothing(tree: Tree, data: st.DataObject) -> None:
    text = written(tree)
    blank = data.draw(st.sampled_from((" ", "  ", "\t", " \n ")))
    spread = f"{blank}({blank}{text}{blank}){blank}"
    assert read(spread).node == read(text).node


def without_value() -> list[str]:
    return sorted(name for name, field in FIELDS.items() if field.nullable)


@pytest.mark.parametrize("name", without_value())
@pytest.mark.parametrize("sign", ["==", "!=", "in", "not in"])
def test_a_comparison_with_a_field_without_a_value_is_false(name: str, sign: str) -> None:
    word = min(FIELDS[name].words or {"alpha"})
    value = {Kind.NUMBER: "0", Kind.DURATION: "0s"}.get(FIELDS[name].kind, f"'{word}'")
    right = f"[{value}]" if "in" in sign else value
    nothing = message(channel=None, sender=None, dedupe="e2")
    if FIELDS[name].kind is Kind.FLAG:
        # A flag stands alone.
        assert not check(read(name), case(), nothing)
        assert not check(read(f"{name} == false"), case(), nothing)
        return
    assert not check(read(f"{name} {sign} {right}"), case(channel=None, priority=None), nothing)
    assert check(read(f"not {name} {sign} {right}"), case(channel=None, priority=None), nothing)


@pytest.mark.parametrize("text", ["== 'aLPHA'", "in ['x', 'ALPHA']", "== button.action"])
def test_a_tier_is_the_same_whatever_its_case(text: str) -> None:
    of, what = case(customer_messages=2), pressed("ALPHA")
    assert told(of, "tier") == "Alpha"
    assert check(read(f"customer.tier {text}"), of, what)
    assert not check(read(f"customer.tier {text.replace('==', '!=').replace('in [', 'not in [')}"), of, what)
    assert read("customer.tier == 'Gold'").node == read("customer.tier == 'gold'").node


def test_and_binds_closer_than_or() -> None:
    node = read("channel == 'chat' or channel == 'email' and sender.role == 'agent'").node
    assert isinstance(node, Several)
    assert node.word == "or"
    second = node.parts[1]
    assert isinstance(second, Several)
    assert second.word == "and"


def test_not_binds_closer_than_and() -> None:
    node = read("not channel == 'chat' and sender.role == 'agent'").node
    assert isinstance(node, Several)
    assert isinstance(node.parts[0], Not)


@pytest.mark.parametrize(
    "word", ["'; import os", "\\", "\\'", "{case.id}", "__import__", "\n", "\x00", "%s", "'''", "\u2028"]
)
def test_what_a_user_writes_in_quotation_marks_is_only_compared(word: str) -> None:
    condition = read(f'button.action == "{word}"')
    assert check(condition, case(), pressed(word))
    assert not check(condition, case(), pressed(word + "x"))


@pytest.mark.parametrize("wrap", [("(", ")"), ("not ", "")])
def test_conditions_nest_as_deep_as_is_said_and_no_deeper(wrap: tuple[str, str]) -> None:
    def nested(depth: int) -> str:
        return f"{wrap[0] * (depth - 1)}channel == 'chat'{wrap[1] * (depth - 1)}"

    read(nested(DEEPEST))
    with pytest.raises(ExpressionError, match="nested more than"):
        read(nested(DEEPEST + 1))


PIECES: Final = (
    *("channel", "message.length", "message.text", "message.phrases", "case.age", "case.tags", "case.priority"),
    *("==", "=", "!=", "<", "in", "contains", "not", "and", "or", "(", ")", "[", "]", ",", "true"),
    *("'chat'", "'person'", "'", '"', "1", "-1", "1.5", "30m", "1.5d", "é", "\u0663", "==="),
)
LONG: Final = "9" * 5000


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))
@example(f"message.length < {LONG}")
@example(f"message.length < {LONG}.5")
@example(f"case.age < {LONG}h")
@example(f"case.age < {LONG}.5d")
def test_any_text_is_a_condition_or_a_sentence_with_a_place(text: str) -> None:
    try:
        condition = read(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
        assert error.sentence
    else:
        assert check(condition, case(), message()) in {True, False}


@pytest.mark.parametrize("words", ["", "!!!", " ", "'"])
def test_words_that_could_be_found_anywhere_are_refused(words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read(f'message.text contains "{words}"')
    assert caught.value.offset == len("message.text contains ")
