"""The same as `pairs`, for severity, sensitive cases, mutes and templates."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import ALL, MATRIX, MUTE, ON_UP, Pair, rules, up

PRECAUTIONS: Final[dict[str, list[Pair]]] = {
    "unused-severity": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]\ncontinue = true\nset = { impact = 'high'HERE }")
            + MATRIX.replace("CELL", "P1"),
            "",
            ", urgency = 'high'",
            "no rule sets urgency, and no field of a ticket holds it",
        ),
    ],
    "odd-severity": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]\ncontinue = true\nset = { impact = 'high', urgency = 'high' }")
            + MATRIX.replace("CELL", "HERE"),
            "P4",
            "P1",
            "and impact high with urgency high only P4: more harm is less urgent here",
        ),
    ],
    "idle-sensitivity": [
        Pair(
            '[sensitivity.fraud]\nwhen.all = ["channel == \'chat\'", "channel == \'HERE\'"]\ngroup = "Fraud"\n',
            "email",
            "chat",
            "sensitivity fraud marks no case",
        ),
    ],
    "idle-mute": [
        Pair(
            MUTE.replace("UNTIL", "2027-01-01T00:00:00Z")
            + "when.all = [\"case.channel == 'chat'\", \"case.channel == 'HERE'\"]\n",
            "email",
            "chat",
            "mute night holds nothing",
        ),
    ],
    "expired-mute": [
        Pair(
            MUTE.replace("UNTIL", "HERE"),
            "2026-11-24T09:00:00Z",
            "2026-11-24T09:00:01Z",
            "mute night is over since 2026-11-24 09:00 UTC: remove it",
        ),
    ],
    "unused-template": [
        Pair(
            '[template.short]\ntitle = "{{case.id}}"\n' + ON_UP + up(line='notify = ["chat:#y"]\nHERE'),
            "",
            'message = "short"',
            "no step names template short",
        ),
    ],
}
