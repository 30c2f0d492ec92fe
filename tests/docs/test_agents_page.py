"""What the page about agents and teams promises of its policies is so, and so is the sample of the shipped policy."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    Case,
    Channel,
    Decision,
    EffectKind,
    Party,
    Role,
    Thread,
    TicketChange,
    TicketFacts,
    TicketLink,
)
from gateway.toml import Problems
from routing.decide import decide
from routing.load import load_policy
from routing.people import UNKNOWN, Load, Staff
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.docs.tables import DOCS
from tests.docs.test_policy_page import FACTS, SHIPPED

PAGE: Final = (DOCS / "how-to" / "agents-and-teams.md").read_text()
BLOCKS: Final[list[str]] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def read(text: str) -> Policy:
    return load_policy(text, "escalation.toml", FACTS)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


def by(agent: str, now: str = "2026-11-24T10:00", **facts: Any) -> Activity:
    """Return what an agent does on a ticket of Zendesk, on a Tuesday."""
    change = TicketChange.FIELDS if "fields" in facts else TicketChange.TAGS
    return Activity(
        kind=ActivityKind.TICKET,
        connection="zendesk",
        channel=Channel.HELPDESK,
        thread="ticket:55",
        dedupe="e1",
        occurred_at=at(now),
        received_at=at(now),
        sender=Party(kind="zendesk_user", value=agent, role=Role.AGENT),
        ticket=TicketFacts(id="55", change=change, **facts),
    )


def made(policy: Policy, what: Activity, staff: Staff = UNKNOWN) -> Decision:
    before = Snapshot(
        policy=policy,
        episode_policy=None,
        case=Case(id="018bcfe5-6800-7000-8000-000000000001", channel=Channel.HELPDESK, connection="zendesk"),
        episode=None,
        tickets=(TicketLink(connection="zendesk", ticket_id="55", adopted=True),),
        thread=Thread(id="t1", connection="zendesk", key="ticket:55", channel=Channel.HELPDESK),
        connections=FACTS,
        staff=staff,
    )
    return decide(before, what, what.received_at)


def assignees(decision: Decision) -> list[str | None]:
    return [effect.assignee for effect in decision.effects if effect.kind is EffectKind.HANDOFF]


def test_refunds_over_500_go_to_the_manager_on_duty_in_working_hours_and_else_to_the_duty_team() -> None:
    policy = read(BLOCKS[0])
    in_hours = made(policy, by("9001", fields={"360004711": "900"}))
    assert assignees(in_hours) == ["9002"]
    assert in_hours.episode is not None
    assert in_hours.episode.acknowledge_by == at("2026-11-24T10:15")
    assert assignees(made(policy, by("9001", "2026-11-27T18:30", fields={"360004711": "900"}))) == ["9003"]
    assert made(policy, by("9001", fields={"360004711": "400"})).effects == ()


def test_whoever_needs_a_skill_that_they_do_not_have_passes_the_case_on() -> None:
    policy = read(BLOCKS[1])
    assert assignees(made(policy, by("9004", tags=("invoice",)))) == ["9003"]
    assert made(policy, by("9003", tags=("invoice",))).effects == ()
    full = Staff(loads={"anna": Load(open={Channel.HELPDESK: 10})})
    waiting = made(policy, by("9004", tags=("invoice",)), full)
    assert [(each.destination, each.assignee) for each in waiting.effects] == [("Billing", None)]
    assert waiting.episode is not None
    assert waiting.episode.relax_at == at("2026-11-24T10:10")


def with_condition(shown: str) -> Policy:
    found = re.search(r'when\.all = \["authority\.action.*\]', BLOCKS[0])
    assert found is not None
    return read(BLOCKS[0].replace(found[0], shown))


def test_the_conditions_that_are_shown_apart_are_conditions() -> None:
    tight, missed, for_everybody = re.findall(r"`(when\.all = \[.*?\])`", PAGE)
    assert with_condition(missed).clock_rules, "a missed SLA lets the rule look"
    policy = with_condition(for_everybody)
    assert made(policy, by("9999", fields={"360004711": "501"})).trace.skipped_why
    assert made(policy, by("9999", fields={"360004711": "500"})).effects == ()
    assert made(with_condition(tight), by("9001", fields={"360004711": "500"})).effects == ()


def test_an_amount_that_cannot_be_read_passes_and_the_tight_form_stops_it() -> None:
    tight, *_ = re.findall(r"`(when\.all = \[.*?\])`", PAGE)
    unread, stranger = by("9001", fields={"360004711": "1,200"}), by("9999", fields={"360004711": "900"})
    loose, strict = read(BLOCKS[0]), with_condition(tight)
    for what, asked in ((unread, "9002"), (stranger, "9003")):
        assert made(loose, what).effects == ()
        assert assignees(made(strict, what)) == [asked]
    alone = strict.source.replace("authority = { refund = 5000 }", "authority = { refund = 1 }")
    assert assignees(made(read(alone), unread)) == ["9002"], "whatever the manager's limit is"


def test_the_mistake_that_is_shown_is_told_like_that() -> None:
    shown = re.search(
        r"^(escalation\.toml:\d+:\d+: there is no agent (\w+): did you mean (\w+)\?)$", PAGE, re.MULTILINE
    )
    assert shown is not None
    with pytest.raises(Problems) as caught:
        read(BLOCKS[0].replace(f'"{shown[3]}"', f'"{shown[2]}"', 1))
    assert str(caught.value) == shown[1]


def uncommented() -> str:
    """Return the shipped policy with the signs taken off its sample, and the sample's rule where rules stand."""
    begin, end = SHIPPED.index("# [authority.refund]"), SHIPPED.index("# --- ladders ---")
    sample = re.sub(r"^# ?", "", SHIPPED[begin:end], flags=re.MULTILINE)
    people, _, rule = sample.partition("[[rule]]")
    whole = SHIPPED[:begin] + people + SHIPPED[end:]
    catch_all = '[[rule]]\nid = "everything-else"'
    assert whole.count(catch_all) == 1
    return whole.replace(catch_all, f"[[rule]]{rule}\n{catch_all}")


def test_the_sample_of_the_shipped_policy_works_once_its_signs_are_taken_off() -> None:
    policy = read(uncommented())
    assert assignees(made(policy, by("9001", fields={"360004711": "900"}))) == ["9002"]
    assert not assignees(made(policy, by("9001", fields={"360004711": "500"})))
    assert assignees(made(policy, by("9001", fields={"360004711": "1,200"}))) == ["9002"]
