"""What notices say: templates of the policy in their places, and the playbook of a rule or of its ladder."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Decision, EffectKind, EpisodeState, Priority, altered
from routing.packet import build_packet
from routing.policy import Policy
from routing.template import NOTICE_PATHS, PATHS
from tests.routing.values import (
    CATCH_ALL,
    CUSTOMER,
    LINK,
    MINUTE,
    NOW,
    case,
    message,
    open_episode,
    outcome,
    play,
    policy,
    snapshot,
    timer,
)

TEXT: Final = """
[template.short]
title = "{{case.priority}} {{rule.id}} {{ladder.id}}/{{ladder.step}} ({{notice.why}})"
text = "{{rule.playbook}} {{ticket.url}}"
[template.end]
title = "Nobody took {{case.subject}}"
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
RULE
when.all = ["message.text contains 'help'"]
set = { priority = "P2", reason = "Somebody asks." }
[ladder.second]
LADDER
final = { target = "queue:desk/End", notify = ["chat:#leads"], message = "end" }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
message = "short"
ack_within = "15m"
reply_within = "1h"
"""
WIKI: Final = "https://wiki.example/help"


def rules(rule: str = "", ladder: str = "") -> Policy:
    return policy(TEXT.replace("RULE", rule).replace("LADDER", ladder) + CATCH_ALL)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(each.title, each.details) for each in decision.effects if each.kind is EffectKind.NOTIFY]


def test_a_step_says_what_its_template_says_and_the_end_what_its_own_says() -> None:
    start = snapshot(rules(f'playbook = "{WIKI}"'))
    where, (first,) = play(start, message("help", subject="Printer"))
    where, (landed,) = play(altered(where, tickets=(LINK,)), outcome("e9", first.episode))
    assert told(landed) == [("P2 help second/1 ()", f"{WIKI} https://desk.example/55")]
    assert where.episode is not None
    _, (late,) = play(where, altered(timer(f"ack:{where.episode.id}:0"), received_at=NOW + 15 * MINUTE))
    assert told(late) == [("Nobody took Printer", "")]


def test_a_template_can_say_why_now() -> None:
    taken = open_episode(state=EpisodeState.ACKNOWLEDGED, answer_by=NOW, held_until=NOW + MINUTE)
    held = snapshot(rules(), case=case(priority=Priority.P2), episode=taken, tickets=(LINK,))
    _, (made,) = play(held, timer("reply:episode-1:0"))
    assert told(made) == [("P2 help second/1 (taken, but not answered in time)", " https://desk.example/55")]


def test_where_the_ticket_could_not_be_written_baton_says_so_in_its_own_words() -> None:
    where, (first,) = play(snapshot(rules()), message("help"))
    _, (lost,) = play(where, outcome("e9", first.episode, landed=False))
    assert told(lost) == [("P2 escalation: Somebody asks.; the ticket could not be written", "")]


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_title_is_one_line_and_what_customers_write_is_no_place(name: str, subject: str) -> None:
    text = TEXT.replace("Nobody took {{case.subject}}", "{{case.subject}}|{{customer.name}}").replace("RULE", "")
    made = policy(text.replace("LADDER", "").replace('message = "short"', 'message = "end"') + CATCH_ALL)
    customer = altered(CUSTOMER, name=f"{name}{{{{rule.id}}}}")
    where, (first,) = play(snapshot(made), message("help", subject=f"x{subject}", sender=customer))
    _, (landed,) = play(altered(where, tickets=(LINK,)), outcome("e9", first.episode))
    ((title, _),) = told(landed)
    assert "\n" not in title
    assert "{{rule.id}}" in title


def test_a_notice_may_name_all_that_a_reply_may() -> None:
    assert set(PATHS) < set(NOTICE_PATHS)
    everything = " ".join(f"{{{{{path}}}}}" for path in NOTICE_PATHS)
    made = policy(
        TEXT.replace("Nobody took {{case.subject}}", everything).replace("RULE", "").replace("LADDER", "") + CATCH_ALL
    )
    final = made.ladders["second"].final.message
    assert final is not None
    assert final.title == everything


@pytest.mark.parametrize(
    ("rule", "ladder", "expected"),
    [
        ("", "", ""),
        (f'playbook = "{WIKI}"', "", WIKI),
        ("", f'playbook = "{WIKI}"', WIKI),
        (f'playbook = "{WIKI}"', 'playbook = "https://wiki.example/ladder"', WIKI),
    ],
)
def test_the_packet_names_the_playbook_of_the_rule_or_else_of_its_ladder(rule: str, ladder: str, expected: str) -> None:
    made = rules(rule, ladder)
    packet = build_packet(case=case(), episode=None, policy=made, rule_id="help", activities=(), complete=True)
    assert packet.playbook == expected
    assert made.playbook("gone") == ""
