"""The escalation matrix: golden files beside this one, and texts of a policy that could break a drawing.

`BATON_UPDATE_GOLDENS=1 pytest tests/routing` writes the files anew; look at them before you keep them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.load import load_policy
from routing.matrix import markdown, svg
from routing.matrix.markdown import code, plain
from routing.policy import Policy
from tests.routing.policy_tests.test_mutants import FACTS, SHIPPED
from tests.routing.values import CATCH_ALL, LADDER, golden, policy
from tests.store.outage import POLICY as INCIDENTS

GOLDENS: Final = Path(__file__).parent / "goldens"
EVIL: Final = """
[[rule]]
id = "help"
type = "functional"
do = "escalate"
ladder = "up"
mode = "notes"
continue = true
when.all = ["message.text contains '<script> | `x` && \\\\'", 'not (ticket.tags contains "a|b")']
when.any = ["channel == 'chat'", "case.age > 90m"]
set.priority = "P1"
set.group = "<b>"
set.tags = ["a_b", "*c*"]
set.fields = { "x|y" = "<&>" }
set.reason = "Read [this](x) <now> & \\"here\\"\\nor | never"
reply = "<{{customer.name}}> & #{{ticket.id}}"
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
mode = "observe"
when.all = ["channel == 'chat'"]
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-12:00", "13:00-17:00"]
sat = ["22:00-06:00"]
sun = ["00:00-24:00"]
country = "DE"
subdivision = "BY"
holidays = ["2026-12-24"]
exceptions = { "2026-12-31" = ["09:00-12:00"], "2026-12-30" = [] }
[ladder.up]
calendar = "office"
repeat = 2
final = { target = "queue:desk/<End>" }
[[ladder.up.step]]
target = "queue:desk/A & B"
notify = ["chat:#one", "chat:#<two>"]
ack_within = "90s"
outside_hours = "redirect:2"
[[ladder.up.step]]
target = "queue:desk/C"
ack_within = "1.5h"
reply_within = "1h"
ack_ttl = "2d"
outside_hours = "redirect:final"
"""
PEOPLE: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
[skill.billing]
level = 2
[authority.refund]
fields = { desk = "4711" }
[agent.bob]
ids = { desk = "7" }
authority = { refund = 1500.5 }
manager = "dora"
[agent.dora]
ids = { desk = "9" }
notify = ["chat:@dora"]
authority = { refund = inf }
calendar = "office"
[agent.anna]
ids = { desk = "10" }
skills = { billing = 3 }
capacity = { chat = 3, helpdesk = 10 }
[team.duty]
members = ["anna", "dora"]
fallback = "night"
calendar = "office"
[team.night]
members = ["bob"]
strategy = "all"
[[rule]]
id = "refund"
do = "escalate"
ladder = "managers"
when.all = ["authority.amount > authority.limit"]
[ladder.managers]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.managers.step]]
target = "manager_of:actor"
in = "desk/Managers"
ack_within = "15m"
[[ladder.managers.step]]
target = "team:duty"
skills = [{ name = "billing" }]
ack_within = "15m"
[[ladder.managers.step]]
target = "manager_of:assignee"
ack_within = "15m"
[[ladder.managers.step]]
target = "agent:anna"
notify = ["chat:#x"]
ack_within = "15m"
[[sla]]
id = "urgent"
when.any = ["case.priority == 'P1'", "case.channel == 'phone'"]
first = "15m"
next = "1h"
at_risk = "5m"
calendar = "office"
[[sla]]
id = "usual"
resolution = "2d"
pause = ["pending", "on_hold"]
"""
#: What a step wants of whom it asks, and phrases that are asked for by a rule, a sensitivity and nobody.
WISHES: Final = """
[phrases]
legal = ["my lawyer", "a `court` | <b>"]
health = { any = ["my doctor"], de = ["mein Arzt"], negation = false }
unused = ["never shown"]
[sensitivity.health]
group = "Health"
when.any = ["message.phrases contains 'health'"]
[skill.billing]
level = 2
[skill.crm]
[agent.anna]
ids = { desk = "10" }
skills = { billing = 3, crm = 1 }
[team.duty]
members = ["anna"]
[[rule]]
id = "legal"
do = "escalate"
ladder = "up"
when.all = ["message.phrases contains 'legal' or message.phrases contains 'health'", "not (message.phrases contains 'legal')"]
[ladder.up]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.up.step]]
target = "team:duty"
skills = [{ name = "billing", level = 4 }]
prefer = [{ name = "crm" }, { name = "billing", level = 5 }]
strategy = "best_skill"
relax_after = [{ after = "5m", level = 3 }, { after = "90m", drop = true }]
ack_within = "2h"
[[ladder.up.step]]
target = "team:duty"
strategy = "all"
ack_within = "15m"
"""
POLICIES: Final = {
    "shipped": load_policy(SHIPPED, "escalation.toml", FACTS),
    "evil": policy(EVIL + CATCH_ALL),
    "bare": policy(CATCH_ALL + LADDER),
    "people": policy(PEOPLE + CATCH_ALL),
    "incidents": INCIDENTS,
    "wishes": policy(WISHES + CATCH_ALL),
}


@pytest.mark.parametrize("name", POLICIES)
def test_the_matrix_in_markdown(name: str) -> None:
    made = markdown(POLICIES[name])
    assert made == golden(GOLDENS / f"{name}.md", made)


@pytest.mark.parametrize("name", POLICIES)
def test_the_matrix_as_a_picture(name: str) -> None:
    made = svg(POLICIES[name])
    assert made == golden(GOLDENS / f"{name}.svg", made)


@pytest.mark.parametrize("name", POLICIES)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name: str) -> None:
    width = 0
    for line in markdown(POLICIES[name]).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert not line.startswith("|") or not width or cells == width, line
        width = cells if line.startswith("|") else 0


def texts(drawing: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", POLICIES)
def test_every_rule_that_escalates_and_every_step_of_its_ladder_stands_in_the_picture(name: str) -> None:
    of, shown = POLICIES[name], texts(svg(POLICIES[name]))
    for rule in of.rules:
        assert (rule.id in shown) == bool(rule.ladder)
        if rule.ladder:
            ladder = of.ladders[rule.ladder]
            names = [f"{ladder.id}, step {number + 1}" for number in range(len(ladder.steps))]
            assert {*names, f"{ladder.id}, the end"} <= set(shown)


@pytest.mark.parametrize("made", [markdown, svg])
def test_what_a_step_wishes_and_the_phrases_that_are_asked_for_stand_in_both(made: Callable[[Policy], str]) -> None:
    told = made(POLICIES["wishes"]).replace("\\", "")
    shown = " ".join(texts(told)) if made is svg else told
    wishes = ("rather who know crm 1, billing 5", "strategy best_skill", "after 5m level 3 is enough", "strategy all")
    for words in (
        *wishes,
        "after 90m no skill is wanted",
        "my lawyer",
        "my doctor",
        "sensitive health",
        "mein Arzt (de)",
        "health (denied ones, too)",
    ):
        assert words in shown
    assert "never shown" not in shown


def test_no_line_leaves_its_box_and_nothing_comes_from_elsewhere() -> None:
    for each in POLICIES.values():
        made = svg(each)
        assert not re.search(r"<script|href|url\(|<image|<style|@import", made)
        assert all(len(line) * 7 <= 700 for line in texts(made))
        boxes = [int(width) for width in re.findall(r'<rect x="\d+" y="\d+" width="(\d+)"', made)]
        lines = re.findall(r'<text x="\d+" y="(\d+)"[^>]*>(.*?)</text>', made)
        assert not boxes or all(len(html.unescape(text)) * 7 <= 234 for y, text in lines if int(y) > 50)


@given(st.text(st.characters(exclude_characters='"\\\r\n', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120))
def test_whatever_a_reason_says_the_picture_is_xml_and_shows_it(reason: str) -> None:
    text = EVIL.replace('"Read [this](x) <now> & \\"here\\"\\nor | never"', f'"{reason}"')
    shown = texts(svg(policy(text + CATCH_ALL)))
    readable = "".join(each if each.isprintable() else "\ufffd" for each in " ".join(reason.split()))
    assert readable.replace(" ", "") in "".join(shown).replace(" ", "")


@pytest.mark.parametrize(
    ("text", "shown"), [("a|b", "`a\\|b`"), ("a`b", "`` a`b ``"), ("a``b", "``` a``b ```"), ("x", "`x`")]
)
def test_code_stays_code(text: str, shown: str) -> None:
    assert code(text) == shown


def test_texts_stay_texts() -> None:
    assert plain("a_b *c* <d> [e](f) `g` | #h\nnext") == r"a\_b \*c\* \<d\> \[e\](f) \`g\` \| \#h next"
