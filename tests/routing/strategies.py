"""Random cases, activities and conditions. Words come from small lists, so that conditions hold about as often as not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    BotFacts,
    ButtonChoice,
    Case,
    CaseStatus,
    Channel,
    Party,
    Priority,
    Role,
    TicketChange,
    TicketFacts,
    TicketStatus,
)
from routing.fields import FIELDS, Field, Kind
from routing.people import Action, Agent, People, Skill
from tests.routing.values import CASE_ID, MINUTE, NOW

#: Free words: of buttons, groups, tags, connections. Quotation marks are left out because no literal can hold both.
WORDS: Final = ("alpha", "beta", "Beta", "P1", "open", "", "ünï", "it's", "\\n", "{x}", "desk", "chat")
TAGS: Final = ("alpha", "beta", "vip", "ünï")
PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "person": ("real person", "a human"),
    "money": ("charged twice", "Geld zurück"),
    "bad": ("straße", "人"),
}
TEXTS: Final = (
    "",
    "hello",
    "a real person please",
    "I was charged   TWICE!",
    "surreal person",
    "GELD ZURÜCK",
    "STRASSE",
    "我要人工",
    "a\nhuman, charged twice",
)
SPOKEN: Final = ("hello", "real person", "charged twice", "person please", "real", "人", "Strasse")
NUMBERS: Final = (0, 1, 2, 5, 6, 19, -1, 1.5, 2.0)
DURATIONS: Final = ("0s", "90s", "15m", "1.5h", "2h", "1d")

#: Whom the policy names: whoever speaks here is Ann, in the chat.
PEOPLE: Final = People(
    agents={"ann": Agent(name="ann", ids={"chat": ("U1",)}, skills={"vip": 1, "beta": 3}, authority={"refund": 5})},
    skills={
        "vip": Skill(name="vip", level=2, words=frozenset({"vip"})),
        "beta": Skill(name="beta", words=frozenset({"beta"})),
    },
    actions={"refund": Action(name="refund", fields={"chat": "amount", "desk": "other"})},
    known={("chat", "u1"): "ann"},
)

_words = st.sampled_from(WORDS)
_tags = st.lists(st.sampled_from(TAGS), max_size=3, unique=True).map(tuple)


def parties() -> st.SearchStrategy[Party]:
    """Return random people and machines."""
    return st.builds(Party, kind=st.just("user"), value=st.just("U1"), role=st.sampled_from(Role))


def activities(*, public: bool = True) -> st.SearchStrategy[Activity]:
    """Return random activities of people and machines; the internal kinds as well unless `public`."""
    internal = {ActivityKind.TIMER, ActivityKind.OUTCOME, ActivityKind.INCIDENT}
    kinds = [kind for kind in ActivityKind if not public or kind not in internal]
    text = st.sampled_from(TEXTS)
    return st.builds(
        Activity,
        kind=st.sampled_from(kinds),
        connection=st.sampled_from(("chat", "desk")),
        thread=st.just("t1"),
        dedupe=st.sampled_from(("e1", "e2")),
        occurred_at=st.integers(NOW - MINUTE, NOW + MINUTE),
        received_at=st.just(NOW),
        channel=st.none() | st.sampled_from(Channel),
        sender=st.none() | parties(),
        audience=st.sampled_from(Audience),
        subject=text,
        text=text,
        reply_text=text,
        attachments=st.lists(st.builds(Attachment, id=st.just("f")), max_size=2).map(tuple),
        button=st.none() | st.builds(ButtonChoice, action=_words, value=_words),
        ticket=st.none() | facts(),
        bot=st.none() | bots(),
        own=st.booleans(),
        reference=st.none() | st.just("r1"),
    )


def facts() -> st.SearchStrategy[TicketFacts]:
    """Return what a helpdesk may say of a ticket."""
    return st.builds(
        TicketFacts,
        id=st.just("55"),
        change=st.sampled_from(TicketChange),
        status=st.none() | st.sampled_from(TicketStatus),
        priority=st.none() | _words,
        group=st.none() | _words,
        tags=st.none() | _tags,
        via=st.none() | _words,
        fields=st.sampled_from(({}, {"amount": "6"}, {"amount": "5.00"}, {"amount": "much"}, {"other": "6"})),
    )


def bots() -> st.SearchStrategy[BotFacts]:
    """Return what a chatbot may say of its turn."""
    return st.builds(
        BotFacts,
        confidence=st.none() | st.sampled_from((0.0, 0.4, 1.0)),
        intent=_words,
        fields=st.sampled_from(({}, {"amount": "19"})),
    )


def cases() -> st.SearchStrategy[Case]:
    """Return random cases."""
    return st.builds(
        Case,
        id=st.just(CASE_ID),
        status=st.sampled_from(CaseStatus),
        channel=st.none() | st.sampled_from(Channel),
        connection=st.sampled_from(("chat", "desk", "alpha")),
        priority=st.none() | st.sampled_from(Priority),
        impact=st.sampled_from(("", "low", "high")),
        urgency=st.sampled_from(("", "medium", "high")),
        severity=st.none() | st.sampled_from(Priority),
        sensitive=st.sampled_from(("", "", "alpha")),
        tags=_tags,
        opened_at=st.sampled_from((NOW, NOW - 90_000_000, NOW - 15 * MINUTE, NOW - 120 * MINUTE, NOW + MINUTE)),
        last_activity_at=st.just(NOW),
        customer_messages=st.integers(0, 7),
        agent_messages=st.integers(0, 2),
        last_connection=st.sampled_from(("", "chat", "desk")),
        last_thread=st.just("t1"),
        targets=st.sampled_from(((), ("desk",))),
        observed=st.sampled_from(((), ("desk",))),
    )


# --- conditions: a tree of our own, and the text that stands for it --------------------------------------------------
Plain: TypeAlias = str | int | float


@dataclass(frozen=True)
class Asks:
    """A field, an operator, and what stands on the right: a value, some values, or another field."""

    field: str
    operator: str
    right: Plain | tuple[Plain, ...] | bool | None = None
    other: str | None = None


@dataclass(frozen=True)
class Turned:
    """The opposite."""

    inner: Tree


@dataclass(frozen=True)
class Joined:
    """Two or more, joined with one word."""

    word: str
    parts: tuple[Tree, ...]


Tree: TypeAlias = Asks | Turned | Joined


def _literal(name: str, field: Field) -> st.SearchStrategy[Plain]:
    if field.kind is Kind.NUMBER:
        return st.sampled_from(NUMBERS)
    if field.kind is Kind.DURATION:
        return st.sampled_from(DURATIONS)
    if name == "message.phrases":
        return st.sampled_from(sorted(PHRASES))
    if field.kind is Kind.TEXT:
        return st.sampled_from(SPOKEN)
    if field.kind is Kind.SET:
        return st.sampled_from(TAGS if field.words is None else sorted(field.words))
    return st.sampled_from(sorted(field.words)) if field.words is not None else _words


@st.composite
def comparisons(draw: st.DrawFn) -> Asks:
    """Return one comparison that the language allows."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    field = FIELDS[name]
    if field.kind in {Kind.SET, Kind.TEXT}:
        return Asks(name, "contains", draw(_literal(name, field)))
    if field.kind is Kind.FLAG:
        flags = sorted(each for each, other in FIELDS.items() if other.kind is Kind.FLAG)
        operator = draw(st.sampled_from(("==", "=", "!=")))
        if draw(st.booleans()):
            return Asks(name, operator, other=draw(st.sampled_from(flags)))
        return Asks(name, operator, draw(st.booleans()))
    operators = ["==", "=", "!=", "in", "not in"]
    if field.kind in {Kind.NUMBER, Kind.DURATION}:
        operators += ["<", "<=", ">", ">="]
    operator = draw(st.sampled_from(operators))
    if operator in {"in", "not in"}:
        return Asks(name, operator, tuple(draw(st.lists(_literal(name, field), min_size=1, max_size=3))))
    others = sorted(each for each, other in FIELDS.items() if other.kind is field.kind)
    if draw(st.integers(0, 3)) == 0:
        return Asks(name, operator, other=draw(st.sampled_from(others)))
    return Asks(name, operator, draw(_literal(name, field)))


def trees() -> st.SearchStrategy[Tree]:
    """Return random conditions."""
    return st.recursive(
        comparisons(),
        lambda inner: st.one_of(
            st.builds(Turned, inner),
            st.builds(Joined, st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


def _value(value: object, field: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and FIELDS[field].kind is not Kind.DURATION:
        return f'"{value}"' if "'" in value else f"'{value}'"
    return str(value)


def written(tree: Tree, around: str = "") -> str:
    """Return a condition as a person writes it: parentheses only where they are needed."""
    if isinstance(tree, Asks):
        if tree.other is not None:
            return f"{tree.field} {tree.operator} {tree.other}"
        if isinstance(tree.right, tuple):
            return f"{tree.field} {tree.operator} [{', '.join(_value(each, tree.field) for each in tree.right)}]"
        return f"{tree.field} {tree.operator} {_value(tree.right, tree.field)}"
    if isinstance(tree, Turned):
        return f"not {written(tree.inner, 'not')}"
    text = f" {tree.word} ".join(written(part, tree.word) for part in tree.parts)
    binds = {"": 0, "or": 1, "and": 2, "not": 3}
    return f"({text})" if binds[around] > binds[tree.word] else text
