"""What happens in a policy test is what happens in the gateway, and what is not as expected is told with its place."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

import pytest

from routing.policy import Policy
from routing.policy_tests import schema
from routing.policy_tests.compare import _GOT
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import Report, run_policy_tests
from tests.routing.values import CATCH_ALL, LADDER, connections, policy

RULES: Final = """
[[rule]]
id = "mark"
do = "none"
continue = true
when.all = ["message.attachments > 1"]
set = { tags = ["files"] }
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.wants_person"]
set = { priority = "P3", tags = ["person"], group = "People", fields = { topic = "help" }, reason = "A person is wanted." }
reply = "Your reference is #{{ticket.id}}."
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["channel == 'chat'"]
"""
SLA: Final = """
[[sla]]
id = "usual"
first = "2h"
[agent.anna]
ids = { desk = "10" }
"""
INCIDENT: Final = """
[[incident]]
id = "outage"
when.all = ["message.text contains 'down'"]
window = "10m"
threshold = 3
ladder = "second"
inhibit = ["help"]
reply = "We know of it, {{customer.name}}."
resolve_after = "1h"
"""
POLICY: Final = policy(RULES + CATCH_ALL + LADDER + SLA + INCIDENT)
OFFICE: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
fri = ["09:00-17:00"]
[ladder.second]
calendar = "office"
repeat = 1
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
ack_within = "15m"
[[ladder.second.step]]
target = "queue:desk/Third line"
ack_within = "1h"
"""
WEEKEND: Final = policy(RULES + CATCH_ALL + OFFICE)


def played(events: str, *, rules: Policy = POLICY, head: str = "", at: str = "2026-11-24T10:00:00+01:00") -> Report:
    text = f'[[policy_test]]\nname = "it"\nat = {at}\n{head}\n{events}'
    return run_policy_tests(rules, connections(), load_policy_tests(text, "a.test.toml", rules, connections()))


def failures(report: Report) -> list[str]:
    return [f"{failure.place[0]}: {failure}" for result in report.results for failure in result.failures]


def event(expect: dict[str, Any], **keys: Any) -> str:
    def shown(value: object) -> str:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {shown(each)}" for key, each in value.items()) + "}"
        if isinstance(value, list):
            return f"[{', '.join(map(shown, value))}]"
        return json.dumps(value)

    lines = [f"{key} = {shown(value)}" for key, value in keys.items()]
    lines += [f"expect.{key} = {shown(value)}" for key, value in expect.items()]
    return "\n".join(["[[policy_test.event]]", *lines, ""])


HELP: Final = "a human please"


def test_an_escalation_over_a_weekend_waits_for_the_morning() -> None:
    """PO-4: path with times, notices and deadlines, in the hours of a calendar."""
    report = played(
        event(
            {
                "path": ["1 at 0s"],
                "notify": [],
                "reply": "Your reference is #1001.",
                "timers": {"ack": "3795m", "open": "63h"},
            },
            message=HELP,
        )
        + event(
            {"notify": ["chat:#second"], "result": "opened"}, until=datetime.fromisoformat("2026-11-30T09:00+01:00")
        )
        + event({"path": [1, 2], "group": "Third line", "notify": []}, wait="15m")
        + event({"path": [1, 2, 1], "notify": ["chat:#second"]}, wait="1h")
        + event({"path": [1, 2, 1, 2, "final"], "result": "final", "notify": ["chat:#leads"], "timers": {}}, wait="1d"),
        rules=WEEKEND,
        at="2026-11-27T18:00:00+01:00",
    )
    assert failures(report) == []
    assert report.coverage.missed_steps == ()
    assert report.coverage.missed_rules == ("mark", "keep", "rest")


def test_everything_that_can_be_expected_is_told_when_it_is_otherwise() -> None:
    wrong: dict[str, Any] = {
        "rules": ["mark"],
        "result": "none",
        "ladder": "",
        "episode": "closed",
        "path": [1, "final at 3m"],
        "assigned": ["anna"],
        "acks": ["anna"],
        "passed_over": {"1": "nobody is there"},
        "status": "resolved",
        "priority": "P1",
        "tags": [],
        "group": "Nobody",
        "fields": {"topic": "none"},
        "reason": "",
        "notify": ["chat:#other"],
        "titles": [],
        "reply": "Goodbye.",
        "effects": ["handoff desk observe"],
        "timers": {"ack": "16m"},
        "sla": {"id": "usual", "first": "1h"},
        "at_risk": {"first": "1h"},
        "incident": "outage",
        "held_back": ["help"],
        "case": {"customer_messages": 2},
    }
    assert set(wrong) == set(schema.EXPECT) == set(_GOT) | {"case"}
    told = failures(played(event(wrong, message=HELP, attachments=2)))
    assert told == [
        '8: expected rules = ["mark"], but it is ["mark", "help"]',
        '9: expected result = "none", but it is "escalate"',
        '10: expected ladder = "", but it is "second"',
        '11: expected episode = "closed", but it is "open"',
        '12: expected path = ["1", "final at 3m"], but it is ["1"]',
        '13: expected assigned = ["anna"], but it is []',
        '14: expected acks = ["anna"], but it is []',
        '15: expected passed_over = { 1 = "nobody is there" }, but it is {}',
        '16: expected status = "resolved", but it is "open"',
        '17: expected priority = "P1", but it is "P3"',
        '18: expected tags = [], but it is ["files", "person"]',
        '19: expected group = "Nobody", but it is "People"',
        '20: expected fields = { topic = "none" }, but it is { topic = "help" }',
        '21: expected reason = "", but it is "A person is wanted."',
        '22: expected notify = ["chat:#other"], but it is ["chat:#second"]',
        '23: expected titles = [], but it is ["P3 escalation: A person is wanted."]',
        '24: expected reply = "Goodbye.", but it is "Your reference is #{{ticket.id}}."',
        '25: expected effects = ["handoff desk observe"], but it is ["handoff desk", "notify chat", "reply chat"]',
        '26: expected timers = { ack = "16m" }, but it is { ack = "15m" }',
        '27: expected sla = { id = "usual", first = "1h" }, but it is { id = "usual", first = "2h" }',
        '28: expected at_risk = { first = "1h" }, but it is { first = "90m" }',
        '29: expected incident = "outage", but it is ""',
        '30: expected held_back = ["help"], but it is []',
        "31: expected case = customer_messages: 2, but it is customer_messages: 1",
    ]


def test_everything_that_can_be_expected_passes_when_it_is_so() -> None:
    right: dict[str, Any] = {
        "rules": ["mark", "help"],
        "result": "escalate",
        "ladder": "second",
        "episode": "open",
        "path": ["1 at 0s"],
        "assigned": [],
        "acks": [],
        "passed_over": {},
        "status": "open",
        "priority": "P3",
        "tags": ["person", "files"],
        "group": "People",
        "fields": {"topic": "help"},
        "reason": "A person is wanted.",
        "notify": ["chat:#second"],
        "titles": ["P3 escalation: A person is wanted."],
        "reply": "Your reference is #{{ticket.id}}.",
        "effects": ["handoff desk", "notify chat", "reply chat"],
        "timers": {"ack": "900s"},
        "sla": {"id": "usual", "first": "7200s"},
        "at_risk": {"first": "90m"},
        "incident": "",
        "held_back": [],
        "case": {"customer_messages": 1, "last_connection": "chat"},
    }
    assert set(right) == set(schema.EXPECT)
    assert failures(played(event(right, message=HELP, attachments=2))) == []


@pytest.mark.parametrize(
    ("head", "effects"),
    [
        ("", ["handoff desk", "notify chat", "reply chat"]),
        ('modes = { desk = "observe" }', ["handoff desk observe", "notify chat observe"]),
        ('modes = { chat = "observe" }', ["handoff desk", "notify chat observe", "reply chat observe"]),
        ('modes = { chat = "notes" }', ["handoff desk", "notify chat notes", "reply chat observe"]),
        # Whoever stands at the end of the ladder hears that the ticket could not be written; nobody is promised anything.
        ('down = ["desk"]', ["handoff desk", "notify chat"]),
    ],
)
def test_connections_go_as_far_as_the_test_says(head: str, effects: list[str]) -> None:
    assert failures(played(event({"effects": effects}, message=HELP), head=head)) == []


def test_a_case_begins_as_the_test_says_and_every_kind_of_event_comes_to_the_rules() -> None:
    report = played(
        event({"case": {"customer_messages": 4}, "rules": ["keep"]}, message="hello")
        + event({"rules": ["help"]}, button="talk_to_agent", value="x")
        + event({"result": "acknowledged", "episode": "acknowledged"}, press="acknowledge", name="Grace")
        + event({"result": "final", "path": [1, "final"]}, press="escalate_further", name="Ada")
        + event({"result": "further"}, press="escalate_further")
        + event({"result": "follow"}, edit="hello, all")
        + event({"result": "follow"}, deletion=True)
        + event({"result": "consent"}, consent=False)
        + event({"rules": ["keep"]}, satisfaction=0.2)
        + event({"rules": ["keep"], "case": {"bot_fallbacks": 0}}, handoff_request="no idea")
        + event(
            {"result": "machine", "case": {"bot_fallbacks": 2}}, message="What?", role="bot", fallback=True, times=2
        )
        + event({"rules": ["help"], "result": "joined"}, call="digits", digits="0")
        + event({"rules": ["rest"]}, ticket="priority", priority="high", via="web", group="G", role="agent")
        + event({"result": "agent"}, message="psst", role="agent", internal=True)
        + event({"status": "resolved", "episode": "closed"}, ticket="status", status="solved")
        + event({"status": "open"}, message="again", language="en", subject="Again"),
        head="case = { customer_messages = 3 }",
    )
    assert failures(report) == []


def test_each_text_is_a_case_of_its_own() -> None:
    report = played(
        event({"rules": ["help"]}, message="{{each}}"), head='each = ["a human please", "hello", "an agent!"]'
    )
    assert [(result.test.name, result.passed) for result in report.results] == [
        ("it: a human please", True),
        ("it: hello", False),
        ("it: an agent!", True),
    ]


def test_the_same_test_gives_the_same_result_byte_for_byte() -> None:
    """PO-1."""
    text = event({"rules": []}, message=HELP) + event({"path": []}, wait="1d")
    assert failures(played(text)) == failures(played(text))


VIPS: Final = policy(
    """
[customer]
profile_from = "desk"
vip = ["gold"]
[[rule]]
id = "vip"
do = "escalate"
ladder = "second"
when.all = ["customer.vip"]
"""
    + CATCH_ALL
    + LADDER
)


@pytest.mark.parametrize(
    ("head", "effects", "rules"),
    [
        ('customer = { tier = "gold" }', ["lookup desk", "handoff desk", "notify chat"], ["rest", "vip"]),
        ('customer = { tier = "gold", known = true }', ["lookup desk", "handoff desk", "notify chat"], ["rest", "vip"]),
        ('customer = { tier = "gold", known = false }', [], ["rest"]),
        ("customer = { known = false }", [], ["rest"]),
        ("", [], ["rest"]),
    ],
)
def test_a_customer_whom_the_channel_does_not_prove_is_nobody_whatever_the_helpdesk_has(
    head: str, effects: list[str], rules: list[str]
) -> None:
    """PO-4: as in the gateway, where a Slack user is nobody's customer until an operator links them."""
    assert failures(played(event({"rules": rules, "effects": effects}, message="hello"), rules=VIPS, head=head)) == []


def test_the_risk_is_what_the_test_says_and_unknown_where_it_says_nothing() -> None:
    """SG-11."""
    likely = '[risk]\n[[rule]]\nid = "likely"\ndo = "escalate"\nladder = "second"\nwhen.all = ["risk.score >= 0.7"]\n'
    rules = policy(likely + CATCH_ALL + LADDER)
    for head, matched in (("risk = 0.7", "likely"), ("risk = 0.69", "rest"), ("risk = 1", "likely"), ("", "rest")):
        assert failures(played(event({"rules": [matched]}, message="hello"), rules=rules, head=head)) == [], head


@pytest.mark.parametrize(("topic", "rule"), [("payment", "money"), ("Billing", "money"), ("parcel", "keep")])
def test_the_topic_that_a_bot_names_is_a_skill_that_is_needed(topic: str, rule: str) -> None:
    """SG-6: as the page says how a test gives it."""
    money = '[skill.billing]\nwords = ["payment"]\n' + RULES.replace(
        "message.wants_person", "needed.skill == 'billing'"
    )
    rules = policy(money.replace('"help"', '"money"', 1) + CATCH_ALL + LADDER)
    gives_up = event({"rules": [rule]}, handoff_request="I may not.", activity={"extras": {"skill": topic}})
    assert failures(played(gives_up, rules=rules)) == []


def test_a_case_joins_an_incident_that_is_open_or_opens_it_with_the_customers_that_a_test_names() -> None:
    """PO-4, SG-8: what is held back, what the customer is told once, and what follows when it is over."""
    for head, joins in (
        ('incidents = { outage = "open" }', True),
        ("incidents = { outage = 2 }", True),
        ("incidents = { outage = 1 }", False),
        ("", False),
    ):
        told = {"reply": "We know of it, {{customer.name}}.", "held_back": ["help"], "episode": "none"}
        usual = {"reply": "Your reference is #{{ticket.id}}.", "held_back": [], "episode": "open"}
        report = played(
            event({"incident": "outage" if joins else "", **(told if joins else usual)}, message=f"It is down, {HELP}")
            + (event({"reply": "", "held_back": ["help"]}, message=f"Still down, {HELP}") if joins else "")
            + (event({"incident": "", "result": "incident"}, incident_over="outage") if joins else "")
            + (event({"episode": "open", "held_back": []}, message=HELP) if joins else ""),
            head=head,
        )
        assert failures(report) == [], head


def test_the_parent_of_an_incident_climbs_its_ladder_and_ends_it() -> None:
    """PO-4: the incident's own chain, from its opening to its end after the last message."""
    report = played(
        event(
            {"path": ["1 at 0s"], "notify": ["chat:#second"], "timers": {"ack": "15m", "incident": "1h"}},
            incident="outage",
        )
        + event({"path": [1, "final at 15m"]}, wait="15m")
        + event({"status": "resolved", "episode": "closed", "incident": "", "timers": {}}, wait="45m")
    )
    assert failures(report) == []
    assert "incident:outage" not in report.coverage.missed_rules
