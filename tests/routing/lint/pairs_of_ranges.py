"""The same as `pairs`, for comparisons that the values of their field decide."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import ALL, MUTE, ON_UP, Pair, duty, rules, slas, up

_RISK: Final = "[risk]\n"

RANGES: Final[list[Pair]] = [
    Pair(
        _RISK + rules(ALL + '["risk.score >= HERE"]'),
        "70",
        "0.7",
        "risk.score >= 70 never holds: risk.score is a number from 0 to 1, so write 0.7",
    ),
    Pair(_RISK + rules(ALL + '["risk.score <= HERE"]'), "70", "0.7", "risk.score <= 70 always holds"),
    # At its end a field that may be missing is asked whether it is there.
    Pair(_RISK + rules(ALL + '["risk.score >= HERE"]'), "-1", "0", "risk.score >= -1 always holds"),
    Pair(
        rules(ALL + '["case.reopened HERE 0"]'),
        "<",
        "<=",
        "case.reopened < 0 never holds: case.reopened is a whole number",
    ),
    Pair(rules(ALL + '["case.reopened == HERE"]'), "1.5", "1", "case.reopened == 1.5 never holds"),
    Pair(
        rules(ALL + '["case.agent_messages >= HERE"]'),
        "0",
        "1",
        "case.agent_messages >= 0 always holds: case.agent_messages is a whole number from 0 on",
    ),
    Pair(
        rules('when.any = ["message.sentiment < HERE", "message.distress"]'),
        "-1",
        "-0.9",
        "message.sentiment < -1 never holds: message.sentiment is a number from -1 to 1",
    ),
    Pair(rules(ALL + '["not (bot.confidence HERE)"]'), "!= 50", "!= 0.5", "bot.confidence != 50 always holds"),
    Pair(rules(ALL + '["bot.confidence in [HERE]"]'), "50, 60", "50, 0.6", "bot.confidence in [50, 60] never holds"),
    Pair(
        rules(ALL + '["case.age >= HERE"]'), "0s", "1s", "case.age >= 0s always holds: case.age is a duration from 0 on"
    ),
    Pair(
        rules(ALL + "[\"case.priority not in ['P1', 'P2', 'P3'HERE]\"]"),
        ", 'P4'",
        "",
        "case.priority not in ['P1', 'P2', 'P3', 'P4'] never holds: case.priority is one of P1, P2, P3, P4",
    ),
    Pair(slas(ALL + '["case.reopened HERE 0"]', ""), "<", "<=", "case.reopened < 0 never holds"),
    Pair(
        ON_UP.replace("second", "up") + up(line='skip_if = "case.reopened HERE 0"'),
        ">=",
        ">",
        "case.reopened >= 0 always holds",
    ),
    Pair(duty(step='skip_if = "team.available HERE"'), "< 0", "< 1", "team.available < 0 never holds"),
    Pair(
        '[sensitivity.fraud]\nwhen.any = ["case.sentiment < HERE"]\ngroup = "Fraud"\n',
        "-1",
        "0",
        "case.sentiment < -1 never holds",
    ),
    Pair(
        MUTE.replace("UNTIL", "2027-01-01T00:00:00Z") + 'when.all = ["case.reopened HERE 0"]\n',
        "<",
        "==",
        "case.reopened < 0 never holds",
    ),
    Pair(
        '[[incident]]\nid = "down"\nladder = "second"\nwindow = "1h"\nthreshold = 5\nwhen.all = ["bot.confidence < HERE"]\n',
        "0",
        "0.1",
        "bot.confidence < 0 never holds",
    ),
]
