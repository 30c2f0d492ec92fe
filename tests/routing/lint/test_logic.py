"""What lints say of conditions holds for every case and activity."""

from __future__ import annotations

from typing import Final

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.model import Activity, Case
from gateway.toml import nearest
from routing.compiling import Condition
from routing.expression import parse
from routing.fields import FIELDS, Kind
from routing.lint.logic import BOUNDS, COUNTS, Alternative, alternatives_of, phrases_within
from routing.lint.writing import ALL_FIELDS
from routing.phrases import PhraseBook, PhraseList, canonical
from routing.signals.reading import Signals
from tests.routing.strategies import PHRASES, Tree, activities, cases, trees, written
from tests.routing.values import NOW

LISTS: Final = {name: PhraseList.plain(each) for name, each in PHRASES.items()}
BOOK: Final = PhraseBook(LISTS)


def condition(tree: Tree) -> Condition:
    text = written(tree)
    return Condition(source=text, node=parse(text, nearest=nearest, sets={"message.phrases": frozenset(PHRASES)}))


def ways(of: Condition) -> tuple[Alternative, ...]:
    made = alternatives_of((of.node,), (), phrases_within(LISTS))
    assume(made is not None)
    return made or ()


def holds(of: Condition, case: Case, activity: Activity) -> bool:
    signals = Signals(activity, {})
    return bool(of.check(case, activity, NOW, BOOK, canonical(activity.reply_text), signals))


@given(trees(), cases(), activities())
def test_what_can_never_hold_never_holds(tree: Tree, case: Case, activity: Activity) -> None:
    made = condition(tree)
    if not any(way.possible for way in ways(made)):
        assert not holds(made, case, activity)


@given(trees(), trees(), st.lists(st.tuples(cases(), activities()), min_size=5, max_size=20))
def test_what_follows_holds_whenever_the_other_does(
    tree: Tree, other: Tree, situations: list[tuple[Case, Activity]]
) -> None:
    narrow, wide = condition(tree), condition(other)
    if all(any(way.implies(each) for each in ways(wide)) for way in ways(narrow)):
        for case, activity in situations:
            assert holds(wide, case, activity) or not holds(narrow, case, activity)


@given(trees(), cases(), activities())
def test_the_alternatives_together_are_the_condition(tree: Tree, case: Case, activity: Activity) -> None:
    made = condition(tree)

    def one(way: Alternative) -> bool:
        return all(
            holds(Condition(source="", node=literal.compare), case, activity) is literal.holds
            for literal in way.literals
        )

    assert any(map(one, ways(made))) is holds(made, case, activity)


def test_every_field_that_counts_is_a_number_that_is_never_missing() -> None:
    assert {(ALL_FIELDS[name].kind, ALL_FIELDS[name].nullable) for name in COUNTS} == {(Kind.NUMBER, False)}


@given(trees())
def test_everything_follows_from_itself(tree: Tree) -> None:
    made = ways(condition(tree))
    assert all(any(way.implies(each) for each in made) for way in made)


def test_every_number_is_a_count_or_has_its_bounds_or_is_known_to_have_none() -> None:
    numbers = {name for name, field in FIELDS.items() if field.kind in {Kind.NUMBER, Kind.DURATION}}
    # In a unit of somebody else's; and what is left of a target is less than nothing once it is missed.
    without = {"customer.value", "sla.first_left", "sla.next_left", "sla.resolution_left"}
    assert numbers == {name for name in (*COUNTS, *BOUNDS) if name in FIELDS} | without
    assert not COUNTS & BOUNDS.keys()
