"""PO-7: what became of each rule, and why steps were left out."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.model import Activity, ActivityKind
from routing.account import Account, Verdict, accounts
from routing.policy import Policy
from routing.world import World
from tests.routing.stored import at
from tests.routing.values import BOT, CATCH_ALL, connections, message, policy

RULES: Final = """
[[rule]]
id = "mark"
do = "none"
continue = true
when.all = ["message.attachments == 0"]
set = { tags = ["plain"] }
[[rule]]
id = "help"
do = "escalate"
ladder = "up"
when.all = ["channel == 'chat'", "message.wants_person"]
[[rule]]
id = "either"
do = "none"
when.all = ["channel == 'chat'"]
when.any = ["case.bot_fallbacks > 1", "case.reopened > 1"]
"""
LADDER: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
[ladder.up]
final = { target = "queue:desk/End" }
[[ladder.up.step]]
target = "queue:desk/One"
ack_within = "15m"
calendar = "office"
outside_hours = "redirect:3"
[[ladder.up.step]]
target = "queue:desk/Two"
ack_within = "15m"
[[ladder.up.step]]
target = "queue:desk/Three"
ack_within = "15m"
calendar = "office"
outside_hours = "redirect:final"
"""
POLICY: Final = policy(RULES + CATCH_ALL + LADDER)


def instant(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


def told(*activities: Activity, policies: dict[str, Policy] | None = None, digest: str = "") -> list[Account]:
    known = policies or {"": POLICY}
    return list(accounts([(each, digest) for each in activities], "c", known.__getitem__, connections()))


def verdicts(account: Account) -> list[tuple[str, str]]:
    return [(rule.step.rule, rule.why) for rule in account.rules]


def test_each_rule_says_why_it_was_passed_over_or_not_asked() -> None:
    hello, human = told(
        at(message("hello"), instant("2026-11-24T10:00"), 1),
        at(message("a human please"), instant("2026-11-24T10:01"), 2),
    )
    assert verdicts(hello) == [
        ("mark", "Its conditions hold."),
        ("help", "This does not hold: message.wants_person."),
        ("either", "None of these holds: case.bot_fallbacks > 1; case.reopened > 1."),
        ("rest", "Its conditions hold."),
    ]
    assert verdicts(human)[1:] == [
        ("help", "Its conditions hold."),
        ("either", "Rule help stands above it, matched, and does not continue."),
        ("rest", "Rule help stands above it, matched, and does not continue."),
    ]
    assert (hello.steps, human.steps) == ((), ())


def test_what_no_rule_is_asked_about_says_so() -> None:
    made = told(at(message("a human please", sender=BOT), instant("2026-11-24T10:00"), 1))[0]
    assert {rule.verdict for rule in made.rules} == {Verdict.NONE_ASKED}
    assert {rule.why for rule in made.rules} == {"A bot or the system did this: no rule looks at it."}
    assert made.seen == {}


def test_steps_outside_of_their_hours_are_named_with_what_stood_in() -> None:
    made = told(at(message("a human please"), instant("2026-11-25T10:00"), 1))[0]
    assert made.decision.episode is not None
    assert made.decision.episode.step == 3, "the end"
    assert [(step.ladder, step.step, step.why) for step in made.steps] == [
        ("up", 0, "it is outside of the hours of office"),
        ("up", 1, "another step stands in for the one before"),
        ("up", 2, "it is outside of the hours of office"),
    ]


def test_a_step_that_reaches_nobody_is_named_with_the_reason() -> None:
    people = """
[agent.anna]
ids = { desk = "10" }
calendar = "office"
[[ladder.up.step]]
target = "agent:anna"
ack_within = "15m"
[[ladder.up.step]]
target = "manager_of:actor"
ack_within = "15m"
"""
    of = policy(
        RULES
        + CATCH_ALL
        + LADDER.replace('"queue:desk/One"', '"agent:anna"').replace("redirect:3", "continue")
        + people
    )
    made = told(at(message("a human please"), instant("2026-11-25T10:00"), 1), policies={"": of})[0]
    assert [(step.step, step.why) for step in made.steps] == [(0, "anna is off duty")]


def test_a_step_that_is_left_out_on_the_way_up_is_named_as_well() -> None:
    start = instant("2026-11-24T16:40")
    world = World(POLICY, connections(), at=start, case_id="c")
    first = at(message("a human please"), start, 1)
    episode = world.take(first).decisions[0].episode
    assert episode is not None
    timers = [
        Activity(
            kind=ActivityKind.TIMER,
            connection="baton",
            thread="c",
            dedupe=f"t{epoch}",
            occurred_at=instant(when),
            received_at=instant(when),
            name=f"ack:{episode.id}:{epoch}",
        )
        for epoch, when in ((0, "2026-11-24T16:55"), (1, "2026-11-24T17:10"))
    ]
    opened, second, end = told(first, *timers)
    assert [account.decision.trace.result for account in (opened, second, end)] == ["escalate", "climbed", "final"]
    assert (opened.steps, second.steps) == ((), ())
    assert [(step.step, step.why) for step in end.steps] == [(2, "it is outside of the hours of office")]


def test_steps_of_the_ladder_that_a_case_moved_to_are_counted_from_its_first() -> None:
    boss = """
[[rule]]
id = "boss"
type = "hierarchical"
do = "escalate"
ladder = "managers"
when.all = ["message.wants_manager"]
"""
    managers = LADDER.partition("[ladder.up]")[2].replace("ladder.up", "ladder.managers")
    rules = policy(boss + RULES + CATCH_ALL + LADDER + "[ladder.managers]" + managers)
    opened, moved = told(
        at(message("a human please"), instant("2026-11-24T18:00"), 1),
        at(message("give me a manager"), instant("2026-11-24T18:05"), 2),
        policies={"": rules},
    )
    assert moved.decision.trace.result == "moved"
    outside = "it is outside of the hours of office"
    assert [(step.ladder, step.step, step.why) for step in opened.steps][:1] == [("up", 0, outside)]
    assert [(step.ladder, step.step, step.why) for step in moved.steps] == [
        ("managers", step.step, step.why) for step in opened.steps
    ]
    assert moved.steps
