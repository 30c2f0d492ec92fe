"""One mistake is one sentence: a good policy, broken in one place, is told what is wrong there, and nothing that only follows."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from gateway.model import Channel
from gateway.toml import Problems, nearest
from routing.load import load_policy
from tests.routing.breaking import Broken, broken
from tests.routing.test_bad_policies import GOOD
from tests.routing.values import connection, connections

ROOT: Final = Path(__file__).parents[2]
FACTS: Final = connections() | {
    "zendesk": connection("zendesk", Channel.HELPDESK, "handoff", "reply", "profile"),
    "support-slack": connection("support-slack", Channel.CHAT, "reply", "notify"),
    "shop-bot": connection("shop-bot", Channel.CHAT, "reply"),
    "mail": connection("mail", Channel.EMAIL, "reply", "notify"),
}
#: What the policy of the other tests leaves out.
MORE: Final = """
[customer]
profile_from = "desk"
fresh_for = "12h"
vip = ["gold"]
[risk]
enabled = true
at_least = 100
horizon = "3d"
[lexicon.de]
schlimm = -3
[[incident]]
id = "down"
title = "The shop is down"
when.any = ["message.phrases contains 'legal'"]
fingerprint = "channel"
window = "10m"
threshold = 5
ladder = "second"
priority = "P1"
tags = ["incident"]
inhibit = ["help"]
opened_by = ["chat"]
resolve_after = "1h"
reply = "We know of it, {{customer.name}}."
"""
POLICIES: Final = {
    "good": GOOD + MORE,
    "shipped": (ROOT / "escalation.toml").read_text(encoding="utf-8"),
    "desk": (ROOT / "tests" / "usecases" / "desk" / "escalation.toml").read_text(encoding="utf-8"),
}
BROKEN: Final = [([*POLICIES][index], each) for index, each in broken(*POLICIES.values())]


@cache
def told(text: str) -> Problems | None:
    try:
        load_policy(text, "escalation.toml", FACTS)
    except Problems as wrong:
        return wrong
    return None


@pytest.mark.parametrize("name", POLICIES)
def test_the_policy_is_good_as_it_stands(name: str) -> None:
    assert told(POLICIES[name]) is None


@pytest.mark.parametrize(
    ("policy", "each"), BROKEN, ids=[f"{name}:{each.line} {each.what[:60]}" for name, each in BROKEN]
)
def test_one_mistake_is_one_sentence_at_its_place(policy: str, each: Broken) -> None:
    wrong = told(each.text)
    if wrong is None:
        return
    lines = each.text.splitlines()
    for problem in wrong.problems:
        assert problem.file == "escalation.toml"
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    if each.name:
        # Whoever refers to a name that is there no more is told, each at their own place.
        elsewhere = [problem for problem in wrong.problems if problem.line != each.line]
        assert all(each.name in problem.sentence for problem in elsewhere), str(wrong)
    else:
        assert [problem.line for problem in wrong.problems] == [each.line], str(wrong)


def test_what_is_broken_is_mostly_seen() -> None:
    seen = Counter(told(each.text) is not None for _, each in BROKEN)
    assert seen[True] > 3 * seen[False], "free texts, tags and ids may be anything: the rest may not"


# --- what was meant --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("good", "written", "sentence"),
    [
        ("manager_of:actor", "manger_of:actor", "'manger_of:actor' is no target: did you mean manager_of:actor?"),
        ("manager_of:actor", "manager_of:acotr", "'acotr' is nobody whose manager could be asked: did you mean actor?"),
        ('"team:duty"', '"taem:duty"', "'taem:duty' is no target: did you mean team:duty?"),
        ("queue:desk/First", "quue:desk/First", "'quue:desk/First' is no target: did you mean queue:desk/First?"),
        ("queue:desk/First", "desk/First", "'desk/First' is no target: did you mean queue:desk/First?"),
        ("queue:desk/First", "queue:dekS/First", "plugins.toml has no enabled connection dekS: did you mean desk?"),
        ("chat:#first", "caht:#first", "plugins.toml has no enabled connection caht: did you mean chat?"),
        ("redirect:2", "redirct:2", "outside_hours cannot be 'redirct:2': did you mean redirect:2?"),
    ],
)
def test_the_nearest_target_is_told(good: str, written: str, sentence: str) -> None:
    wrong = told(GOOD.replace(good, written, 1))
    assert wrong is not None
    assert [problem.sentence for problem in wrong.problems] == [sentence]


def test_tables_under_a_mistyped_key_are_read_with_the_others_in_their_order() -> None:
    good = GOOD + '[[rule]]\nid = "late"\ncatch_all = true\ndo = "none"\n'
    wrong = told(good.replace('[[rule]]\nid = "mirror"', '[[ruel]]\nid = "mirror"\nmode = "liev"'))
    assert wrong is not None
    lines = good.splitlines()
    # One line is added above it.
    rest = lines.index('id = "rest"') + 1
    assert [str(problem).partition(": ")[2] for problem in wrong.problems] == [
        "a policy has no key ruel: did you mean rule?",
        "mode cannot be 'liev': did you mean live?",
        "rest catches all, so the rules after it never match: move it to the end",
    ]
    assert [problem.line for problem in wrong.problems][-1] == rest


def test_a_value_of_a_key_that_was_only_guessed_is_no_mistake_yet() -> None:
    wrong = told(GOOD.replace('country = "DE"\nsubdivision = "BY"', 'contry = "red"'))
    assert wrong is not None
    assert [problem.sentence for problem in wrong.problems] == ["a calendar has no key contry: did you mean country?"]


def test_two_letters_that_changed_places_are_seen_in_short_words() -> None:
    assert nearest("di", ["do", "id", "type"]) == "id"
    assert nearest("1P", ["P1", "P2"]) == "P1"
    assert nearest("xy", ["id", "do"]) is None
