"""When the core asks for a profile, and what conditions make of one (SG-9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Activity, ActivityKind, EffectKind, Lookup, Mode, Priority, Profile, altered
from gateway.toml import Problems
from routing.decide import decide
from routing.expression import parse_duration
from routing.lookup import AGAIN, MOST_WAITING
from routing.signals.customer import Customer, CustomerRules
from routing.snapshot import Snapshot
from tests.routing.situations import situations
from tests.routing.values import (
    CATCH_ALL,
    NOW,
    SECOND,
    answer,
    connections,
    message,
    outcome,
    play,
    policy,
    snapshot,
    timer,
)

DAY: Final = parse_duration("1d") or 0
VIP: Final = """
[customer]
vip = ["gold"]

[[rule]]
id = "vip"
do = "none"
when.all = ["customer.vip"]
set = { priority = "P1" }
"""
RULES: Final = policy(VIP + CATCH_ALL)
ABOUT: Final = CustomerRules(connection="crm", fresh_for=DAY, vip=frozenset({"gold", "vip"}))


def customer(values: Mapping[str, object], age: int = 0) -> Customer:
    return Customer(ABOUT, Profile(values=values, read_at=NOW - age), NOW)


# --- when it is asked --------------------------------------------------------------------------------------------------
@given(situations())
def test_a_look_up_is_made_only_when_it_is_needed_and_none_is_out(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    made = decide(start, what, NOW)
    asked = [effect for effect in made.effects if effect.kind is EffectKind.LOOKUP]
    assert len(asked) <= 1
    for effect in asked if what.kind is not ActivityKind.OUTCOME else ():
        before, after = start.case.lookup, made.case.lookup
        assert start.askable
        assert start.profile is None or NOW - start.profile.read_at > DAY
        assert before is None or (before.failed_at is not None and NOW - before.failed_at >= AGAIN)
        assert after is not None
        assert (after.effect_id, after.connection, effect.connection) == (effect.id, "desk", "desk")
        assert [each.activity for each in after.waiting] == [(what.connection, what.dedupe)]
        assert [each.rules for each in after.waiting] == [tuple(step.rule for step in made.trace.steps)]


def test_an_answer_about_somebody_whom_the_customer_is_no_longer_is_asked_for_again() -> None:
    """Contacts were linked or parted on the way: what waits goes on waiting, and one look-up is out."""
    before, _ = play(snapshot(RULES, askable=True), message())
    lookup = before.case.lookup
    assert lookup is not None
    answer = outcome(lookup.effect_id, None, effect_kind="lookup")
    (again,) = decide(before, answer, NOW).effects
    assert again.kind is EffectKind.LOOKUP
    assert decide(before, answer, NOW).case.lookup == altered(lookup, effect_id=again.id)
    known = altered(before, profile=Profile(values={}, read_at=NOW))
    for told in (known, altered(before, askable=False)):
        made = decide(told, answer, NOW)
        assert (made.effects, made.case.lookup) == ((), None)


@given(situations())
def test_what_is_not_asked_for_costs_nothing(situation: tuple[Snapshot, Activity]) -> None:
    """Without a condition that reads `customer.…` nobody is asked, and what is known is told to nobody."""
    start, what = situation
    quiet = altered(start, policy=policy(CATCH_ALL), case=altered(start.case, lookup=None))
    assert quiet.policy.customer is None
    made = decide(quiet, what, NOW)
    assert made.case.lookup is None
    assert all(effect.kind is not EffectKind.LOOKUP and not effect.profile for effect in made.effects)


def test_the_mode_of_the_connection_does_not_matter() -> None:
    start = snapshot(RULES, askable=True, connections=connections(desk=Mode.OBSERVE))
    (effect,) = decide(start, message(), NOW).effects
    assert (effect.kind, effect.connection, effect.mode) == (EffectKind.LOOKUP, "desk", Mode.LIVE)


def test_a_flood_of_messages_leaves_the_newest_waiting() -> None:
    start = snapshot(RULES, askable=True)
    flood = [message(dedupe=f"e{number}") for number in range(MOST_WAITING + 5)]
    end, decisions = play(start, *flood)
    assert sum(len(each.effects) for each in decisions) == 1
    assert end.case.lookup is not None
    assert [each.activity[1] for each in end.case.lookup.waiting] == [each.dedupe for each in flood[5:]]


def test_a_look_up_at_another_connection_does_not_keep_the_one_that_is_named_now_from_being_asked() -> None:
    """As after a reload that names another `profile_from`, or when the old connection was removed."""
    start = snapshot(RULES, askable=True)
    start = altered(start, case=altered(start.case, lookup=Lookup(effect_id="old", connection="crm")))
    made = decide(start, message(), NOW)
    assert [effect.connection for effect in made.effects] == ["desk"]


# --- what a profile says -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"tier": "Gold"}, "tier Gold"),
        ({"tags": ["new", "VIP"]}, "tag VIP"),
        ({"tier": "basic", "tags": []}, ""),
        ({"tier": "golden"}, ""),
        ({"tier": True, "tags": "vip"}, ""),
        ({}, ""),
    ],
)
def test_a_vip_is_one_by_tier_or_tag(values: dict[str, object], why: str) -> None:
    known = customer(values)
    assert (known.vip, known.vip_for) == (bool(why), why)


def test_nobody_who_is_unknown_is_a_vip_or_none() -> None:
    assert Customer(ABOUT, None, NOW).vip is None
    assert Customer(ABOUT, None, NOW).wanted


@pytest.mark.parametrize(("age", "stale"), [(0, False), (DAY, False), (DAY + 1, True), (-5, False)])
def test_a_profile_is_stale_after_its_time_and_counts_all_the_same(age: int, stale: bool) -> None:
    known = customer({"tier": "gold"}, age)
    assert (known.profile_stale, known.wanted, known.vip) == (stale, stale, True)
    assert known.profile_age == max(0, age)


@pytest.mark.parametrize(
    ("values", "number"),
    [
        *(({"value": 12}, 12.0), ({"value": "12.5"}, 12.5), ({"value": True}, None), ({"value": "much"}, None)),
        *(({"value": "nan"}, None), ({"value": float("inf")}, None), ({"value": 10**400}, None), ({}, None)),
    ],
)
def test_what_a_customer_is_worth_is_a_number_or_unknown(values: dict[str, object], number: float | None) -> None:
    assert customer(values).value == number


@pytest.mark.parametrize(
    ("values", "language"),
    [({"locale": "de-AT"}, "de"), ({"language": "EN"}, "en"), ({"locale": "pt_BR"}, "pt"), ({"language": " "}, None)],
)
def test_a_language_is_two_letters(values: dict[str, object], language: str | None) -> None:
    assert customer(values).language == language


def test_people_are_told_with_the_age_and_the_trace_names_nobody() -> None:
    known = customer({"tier": "gold", "organization": "Ann\nSmith Ltd.", "value": 125_000}, 3 * 3600 * SECOND)
    assert known.facts() == (
        ("VIP", "tier gold"),
        ("Tier", "gold"),
        ("Organization", "Ann Smith Ltd."),
        ("Value", "125,000"),
        ("Profile", "crm, 3h old"),
    )
    told = {
        name: known.evidence(f"customer.{name}") for name in ("vip", "tier", "value", "organization", "profile_age")
    }
    assert told == {
        "vip": "tier gold (crm, 3h old)",
        "tier": "gold (crm, 3h old)",
        "value": "125000 (crm, 3h old)",
        "organization": "known (crm, 3h old)",
        "profile_age": "(crm, 3h old)",
    }


_values: Final = st.dictionaries(
    st.sampled_from(("tier", "organization", "language", "locale", "value", "tags")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=5,
    ),
)


@given(_values, st.integers(-(10**18), 10**18))
def test_whatever_a_profile_holds_every_field_can_be_read(values: dict[str, object], age: int) -> None:
    known = customer(values, age)
    assert known.tier is None or known.tier.strip()
    assert isinstance(known.vip, bool)
    assert all(isinstance(tag, str) for tag in known.tags)
    assert known.value is None or known.value - known.value == 0
    assert all("\n" not in value and len(value) < 200 for _, value in known.facts())
    for name in ("vip", "tier", "value", "organization", "language", "tags", "profile_age", "profile_stale"):
        assert isinstance(known.evidence(f"customer.{name}"), str)


SLA_OF_VIPS: Final = """
[customer]
vip = ["gold"]
[[rule]]
id = "late"
when.all = ["sla.event == 'breached'"]
do = "none"
[[rule]]
id = "rest"
catch_all = true
do = "none"
[[sla]]
id = "vips"
when.all = ["customer.vip"]
first = "1h"
[[sla]]
id = "others"
first = "4h"
"""


def test_an_sla_that_asks_who_the_customer_is_has_them_looked_up() -> None:
    made = decide(snapshot(policy(SLA_OF_VIPS), askable=True), message("hello"), NOW)
    assert [effect.kind for effect in made.effects] == [EffectKind.LOOKUP]
    assert made.case.sla is not None
    assert made.case.sla.id == "others"


def test_an_sla_that_asks_for_vips_needs_to_know_who_is_one() -> None:
    with pytest.raises(Problems) as caught:
        policy(SLA_OF_VIPS.replace('vip = ["gold"]', ""))
    (problem,) = caught.value.problems
    assert (problem.line, problem.sentence) == (
        12,
        'a condition reads customer.vip: say which tiers or tags that is, [customer] vip = ["gold", …]',
    )


LATE_VIPS: Final = """
[customer]
vip = ["gold"]
[[rule]]
id = "late-vip"
when.all = ["sla.event == 'breached'", "customer.vip"]
do = "none"
set = { priority = "P1" }
[[rule]]
id = "rest"
catch_all = true
do = "none"
[[sla]]
id = "all"
first = "1h"
"""


@pytest.mark.parametrize("answered", [False, True])
def test_a_deadline_is_looked_at_again_when_the_answer_comes_unless_the_customer_has_theirs_by_then(
    *, answered: bool
) -> None:
    unknown = Profile(values={}, read_at=NOW - 2 * DAY)
    start, (begun,) = play(
        snapshot(policy(LATE_VIPS), askable=False, profile=unknown), message("hello", received_at=NOW)
    )
    (breach,) = [each for each in begun.timers if ":breached:" in each.name]
    late = altered(timer(breach.name), received_at=breach.due_at)
    before, (asked,) = play(altered(start, askable=True), late)
    assert asked.case.lookup is not None
    assert asked.case.priority is None
    if answered:
        told = answer("here you are", received_at=breach.due_at)
        before, _ = play(before, told)
    known = Profile(values={"tier": "gold"}, read_at=breach.due_at)
    came = altered(outcome(asked.case.lookup.effect_id, None, effect_kind="lookup"), received_at=breach.due_at)
    made = decide(altered(before, profile=known, waiting=(late,)), came, breach.due_at)
    assert made.case.priority == (None if answered else Priority.P1)
