"""Who gets a case, against an oracle that compares everybody with everybody."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Channel
from routing.assignment import Assignment, Candidate, Wanted, assign
from routing.people import Need, Strategy

SKILLS: Final[list[str]] = ["billing", "german"]
CHANNELS: Final[list[Channel]] = [Channel.CHAT, Channel.EMAIL]

_skills = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5))
_needs = st.lists(
    st.builds(Need, skill=st.sampled_from(SKILLS), level=st.integers(1, 5)),
    max_size=2,
    unique_by=lambda need: need.skill,
).map(tuple)
_loads = st.dictionaries(st.sampled_from(CHANNELS), st.integers(0, 4))


@st.composite
def worlds(draw: st.DrawFn) -> list[Candidate]:
    """Return up to five agents."""
    return [
        Candidate(
            name=name,
            away=draw(st.sampled_from(("", "", "", "off duty"))),
            skills=draw(_skills),
            capacity=draw(st.dictionaries(st.sampled_from(CHANNELS), st.integers(1, 4))),
            open=draw(_loads),
            last_at=draw(st.none() | st.integers(0, 3)),
            asked=draw(st.booleans()),
        )
        for name in draw(st.lists(st.sampled_from("abcde"), max_size=5, unique=True))
    ]


def wants() -> st.SearchStrategy[Wanted]:
    """Return what a case may want."""
    return st.builds(
        Wanted,
        skills=_needs,
        prefer=_needs,
        channel=st.none() | st.sampled_from((*CHANNELS, Channel.PHONE)),
        strategy=st.sampled_from(Strategy),
    )


# --- the oracle: slow, and written from the sentences of the documentation -------------------------------------------
def can(who: Candidate, wanted: Wanted) -> bool:
    """Is there, knows all that is wanted, and is not over full with one case more."""
    if who.away:
        return False
    for need in wanted.skills:
        if who.skills.get(need.skill, 0) < need.level:
            return False
    if wanted.channel not in who.capacity:
        return True
    after = {channel: who.open.get(channel, 0) + (channel is wanted.channel) for channel in who.capacity}
    return filled(after, who) <= 1


def filled(cases: dict[Channel, int], who: Candidate) -> Fraction:
    total = Fraction(0)
    for channel, number in cases.items():
        for _ in range(number):
            total += Fraction(1, who.capacity[channel])
    return total


def before(one: Candidate, two: Candidate, wanted: Wanted, order: list[str]) -> bool:
    """Tell whether the one gets a case before the other, when both could."""
    liked = [sum(each.skills.get(need.skill, 0) >= need.level for need in wanted.prefer) for each in (one, two)]
    if liked[0] != liked[1]:
        return liked[0] > liked[1]
    if one.asked != two.asked:
        return two.asked
    if wanted.strategy is Strategy.LEAST_LOADED:
        loads = [filled({c: each.open.get(c, 0) for c in each.capacity}, each) for each in (one, two)]
        if loads[0] != loads[1]:
            return loads[0] < loads[1]
    if wanted.strategy is Strategy.BEST_SKILL:
        named = [need.skill for need in (*wanted.skills, *wanted.prefer)]
        knows = [sum(each.skills.get(name, 0) for name in named) for each in (one, two)]
        if knows[0] != knows[1]:
            return knows[0] > knows[1]
    times = [-1 if each.last_at is None else each.last_at for each in (one, two)]
    if times[0] != times[1]:
        return times[0] < times[1]
    return order.index(one.name) < order.index(two.name)


def by_oracle(world: list[Candidate], wanted: Wanted) -> tuple[str, ...]:
    able = [each for each in world if can(each, wanted)]
    if wanted.strategy is Strategy.ALL:
        return tuple(each.name for each in able)
    order = [each.name for each in world]
    best = [each.name for each in able if all(other is each or before(each, other, wanted, order) for other in able)]
    assert len(best) == min(1, len(able)), "one stands before all others"
    return tuple(best)


@settings(max_examples=500)
@given(worlds(), wants())
def test_as_1_the_one_who_gets_it_is_the_one_of_the_brute_force_oracle(world: list[Candidate], wanted: Wanted) -> None:
    """AS-1: required skills, preferred skills, room by channel, strategy, fairness."""
    assert assign(world, wanted).chosen == by_oracle(world, wanted)


@given(worlds(), wants())
def test_everybody_is_considered_and_only_the_chosen_have_no_reason_against_them(
    world: list[Candidate], wanted: Wanted
) -> None:
    made = assign(world, wanted)
    assert [name for name, _ in made.considered] == [each.name for each in world]
    assert tuple(name for name, why in made.considered if not why) == made.chosen


@given(worlds(), wants())
def test_skills_are_missing_when_giving_them_up_would_let_somebody_take_it(
    world: list[Candidate], wanted: Wanted
) -> None:
    made = assign(world, wanted)
    without = assign(world, Wanted(prefer=wanted.prefer, channel=wanted.channel, strategy=Strategy.ALL))
    if not made.chosen:
        assert made.skills_missing == bool(without.chosen)


@given(worlds().filter(lambda world: len(world) > 1), st.integers(2, 40))
def test_turn_by_turn_nobody_who_is_free_gets_two_more_than_another(world: list[Candidate], rounds: int) -> None:
    """Fairness: round robin gives each their turn."""
    free = [Candidate(name=each.name) for each in world]
    turns = dict.fromkeys((each.name for each in free), 0)
    last: dict[str, int] = {}
    for now in range(rounds):
        at = [Candidate(name=each.name, last_at=last.get(each.name)) for each in free]
        (chosen,) = assign(at, Wanted()).chosen
        turns[chosen] += 1
        last[chosen] = now
    assert max(turns.values()) - min(turns.values()) <= 1


def test_three_chats_or_ten_mails_fill_an_agent_and_so_does_a_mixture() -> None:
    def room(**cases: int) -> Assignment:
        load = {Channel(name): number for name, number in cases.items()}
        anna = Candidate(name="anna", capacity={Channel.CHAT: 3, Channel.EMAIL: 10}, open=load)
        return assign([anna], Wanted(channel=Channel.CHAT))

    assert room(chat=2).chosen == ("anna",)
    assert room(chat=3).chosen == ()
    assert room(chat=1, email=3).chosen == ("anna",)
    assert room(chat=1, email=4).considered == (("anna", "no room for one more chat case"),)
    assert room(phone=50).chosen == ("anna",), "of a channel that is not named, any number"
