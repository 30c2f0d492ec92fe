"""PO-2: each lint has a policy that it warns of, and a neighbour of that policy that is in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from gateway.model import Channel, Mode
from routing.lint import LINTS, Finding, lint
from routing.load import load_policy
from tests.routing.lint.pairs import PAIRS
from tests.routing.lint.pieces import ALL, USED, Pair, rules
from tests.routing.values import CATCH_ALL, LADDER, connection, connections, policy

ROOT: Final = Path(__file__).parents[3]
FACTS: Final = connections() | {"quiet": connection("quiet", Channel.HELPDESK, "handoff", mode=Mode.OBSERVE)}
#: The instant at which the lints look.
LOOKED_AT: Final = 1_795_510_800_000_000
CASES: Final = [(name, number) for name, pairs in PAIRS.items() for number in range(len(pairs))]


def found(pair: Pair, here: str) -> tuple[Finding, ...]:
    text = pair.text.replace("HERE", here)
    # Rules stand together, the catch-all last; the ladder is there unless the policy has its own.
    head, mark, rest = text.partition("[phrases]")
    if "[[rule]]" not in text:
        text = USED + text
    elif mark:
        text = head + CATCH_ALL + mark + rest
    if CATCH_ALL not in text:
        text += CATCH_ALL
    if "[ladder.second]" not in text and '"second"' in text:
        text += LADDER
    return lint(policy(text, FACTS), "escalation.toml", FACTS, ("de", "en"), now=LOOKED_AT)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_lint_warns_of_its_policy_and_not_of_the_neighbour(name: str, number: int) -> None:
    pair = PAIRS[name][number]
    bad = found(pair, pair.bad)
    assert [each.lint for each in bad] == [name], list(map(str, bad))
    assert pair.sentence in str(bad[0])
    assert re.fullmatch(rf"escalation\.toml:\d+:\d+: .+ \[{name}\]", str(bad[0]))
    good = found(pair, pair.good)
    assert name not in [each.lint for each in good], list(map(str, good))


def test_every_lint_has_a_policy_that_it_warns_of() -> None:
    assert list(PAIRS) == list(LINTS)


def test_the_shipped_policy_is_warned_of_nothing() -> None:
    facts = {
        "support-slack": connection("support-slack", Channel.CHAT, "reply", "notify"),
        "zendesk": connection("zendesk", Channel.HELPDESK, "handoff", "reply", "profile"),
    }
    shipped = load_policy((ROOT / "escalation.toml").read_text(encoding="utf-8"), "escalation.toml", facts)
    assert lint(shipped, "escalation.toml", facts) == ()


def test_while_nothing_is_let_out_modes_are_no_matter() -> None:
    quiet = connections(chat=Mode.OBSERVE, desk=Mode.OBSERVE)
    text = '[[rule]]\nid = "keep"\ndo = "mirror"\ntarget = "desk"\nwhen.all = ["channel == \'chat\'"]\n' + CATCH_ALL
    assert lint(policy(text), "f", quiet) == ()


def test_a_rule_above_takes_nothing_from_one_that_hears_of_deadlines_unless_it_hears_of_them_too() -> None:
    late = ALL + '["sla.event == \'breached\'", "case.reopened == 1"]'
    more = '[[sla]]\nid = "usual"\nfirst = "1h"\n'
    assert lint(policy(rules(ALL + '["case.reopened == 1"]', late) + CATCH_ALL + more), "f", connections()) == ()
    also = rules(ALL + "[\"sla.event == 'breached'\"]", late) + CATCH_ALL + more
    assert [each.lint for each in lint(policy(also), "f", connections())] == ["unreachable-rule"]


def test_what_is_tried_out_hides_nothing() -> None:
    text = rules('mode = "observe"\nwhen.all = ["channel == \'chat\'"]', ALL + "[\"channel == 'chat'\"]")
    assert lint(policy(text + CATCH_ALL), "f", connections()) == ()


def test_a_rule_with_too_many_ways_to_look_at_is_left_alone() -> None:
    either = " or ".join(f"case.reopened == {number}" for number in range(20))
    text = rules(ALL + f'["{either}", "{either}"]', ALL + '["case.reopened == 1"]') + CATCH_ALL
    assert lint(policy(text), "f", connections()) == ()
