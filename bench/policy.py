"""A policy of 100 rules, as a company that has used Baton for a year would have it: most look at words, some at fields."""

from __future__ import annotations

from typing import Final

from gateway.model import Channel, Mode
from routing.load import load_policy
from routing.policy import ConnectionFacts, Policy

RULES: Final = 100

#: The connections of the measurements.
FACTS: Final = {
    "support": ConnectionFacts(
        name="support", channel=Channel.CHAT, mode=Mode.LIVE, roles=frozenset({"reply", "notify"})
    ),
    "desk": ConnectionFacts(name="desk", channel=Channel.HELPDESK, mode=Mode.LIVE, roles=frozenset({"handoff"})),
}


def policy_text(rules: int = RULES) -> str:
    """Return the policy's text: rules on topics, one that sees a case grow long, and at last the mirror of all chats."""
    topics = rules - 3
    lines = ["[phrases]"]
    lines += [
        f'topic_{number} = ["zebra number {number}", "crate {number} leaks", "code {number} refused"]'
        for number in range(topics)
    ]
    for number in range(topics):
        field = ("customer", "agent")[number % 2]
        lines += [
            "",
            "[[rule]]",
            f'id = "topic-{number}"',
            'type = "functional"',
            f"when.all = [\"sender.role == '{field}'\", \"message.phrases contains 'topic_{number}'\"]",
            'do = "escalate"',
            'ladder = "second-line"',
            f'set = {{ priority = "P{2 + number % 3}", tags = ["topic-{number}"], reason = "Topic {number} came up." }}',
        ]
    lines += [
        "",
        "[[rule]]",
        'id = "many-messages"',
        'type = "automated"',
        'when.all = ["case.channel == \'chat\'", "case.customer_messages >= 1000", "case.agent_messages == 0"]',
        'do = "escalate"',
        'ladder = "second-line"',
        'set = { priority = "P3", reason = "The customer wrote a thousand times." }',
        "",
        "[[rule]]",
        'id = "keep-chats"',
        "when.all = [\"channel == 'chat'\"]",
        'do = "mirror"',
        'target = "desk"',
        "",
        "[[rule]]",
        'id = "everything-else"',
        "catch_all = true",
        'do = "none"',
        "",
        "[ladder.second-line]",
        'final = { target = "queue:desk/Escalations" }',
        "[[ladder.second-line.step]]",
        'target = "queue:desk/Second line"',
        'notify = ["support:#second-line"]',
        'ack_within = "15m"',
    ]
    return "\n".join(lines) + "\n"


def policy() -> Policy:
    """Return the compiled policy."""
    return load_policy(policy_text(), "escalation.toml", FACTS)
