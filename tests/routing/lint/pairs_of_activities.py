"""The same as `pairs`, for conditions on what nothing that happens carries together."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import ALL, Pair, rules

SLA: Final = '[[sla]]\nid = "usual"\nfirst = "1h"\n'

TOGETHER: Final[list[Pair]] = [
    Pair(
        rules(ALL + '["activity.kind == \'ticket\'", "HERE"]'),
        "bot.confidence < 0.5",
        "ticket.via == 'chat'",
        "rule r1 never matches: activity.kind == 'ticket' can hold for a change of a ticket alone, bot.confidence < 0.5 for a"
        " message or a bot's wish for a person alone",
    ),
    Pair(
        rules(ALL + "[\"activity.kind == 'HERE'\", \"call.change == 'voicemail'\"]"),
        "call",
        "message",
        "call.change == 'voicemail' for a message alone",
    ),
    Pair(
        rules(ALL + "[\"sla.event == 'breached'\", \"HERE == 'phone'\"]", more=SLA),
        "channel",
        "case.channel",
        "channel == 'phone' for anything but a clock of an SLA; of the case ask case.channel",
    ),
    Pair(
        # A comparison with what is missing is false, also one that something is not so.
        rules(ALL + '["sla.event == \'breached\'", "HERE"]', more=SLA),
        "sender.role != 'agent'",
        "not (sender.role == 'agent')",
        "rule r1 never matches",
    ),
    Pair(
        rules(ALL + "[\"activity.kind == 'HERE'\", \"sender.role in ['agent', 'bot']\"]"),
        "message",
        "ticket",
        "for anything but a message; no rule looks at messages of agents and of machines",
    ),
    Pair(
        rules(ALL + "[\"activity.kind == 'message'\", \"ticket.change == 'HERE'\"]"),
        "tags",
        "commented",
        "ticket.change == 'tags' for a change of a ticket alone",
    ),
    Pair(
        rules(ALL + "[\"activity.kind == 'HERE'\", \"message.text contains 'help'\"]"),
        "button",
        "message",
        "message.text contains 'help' for a message, a change of a ticket or a change of a call alone",
    ),
    Pair(
        # No two of them clash, but all three do.
        rules(ALL + '["activity.kind != \'button\'", "message.wants_manager", "HERE"]'),
        "sender.role == 'agent'",
        "sender.role == 'customer'",
        "activity.kind != 'button' can hold for anything but a pressed button, message.wants_manager for a",
    ),
]
