"""For each lint, policies that it warns of, each with a neighbour that differs in one place and is in order."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pairs_of_activities import TOGETHER
from tests.routing.lint.pairs_of_passing import PASSED
from tests.routing.lint.pairs_of_people import PEOPLE
from tests.routing.lint.pairs_of_phrases import OF_PHRASES
from tests.routing.lint.pairs_of_precautions import PRECAUTIONS
from tests.routing.lint.pairs_of_ranges import RANGES
from tests.routing.lint.pieces import ALL, NIGHTS, OFFICE, ON_UP, USED, Pair, duty, rules, slas, up

PAIRS: Final[dict[str, list[Pair]]] = {
    "unreachable-rule": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]", ALL + '["HERE", "case.reopened > 1"]'),
            "channel == 'chat'",
            "channel == 'phone'",
            "rule r2 never matches: r1 (line 1) takes everything before; move it up, or remove it",
        ),
        Pair(
            rules(ALL + '["case.reopened >= 3"]', ALL + '["case.reopened HERE"]'),
            "> 2",
            ">= 2",
            "rule r2 never matches: r1 (line 1)",
        ),
        Pair(
            rules(ALL + '["message.wants_person"]', ALL + '["HERE"]'),
            "message.wants_manager",
            "message.distress",
            "rule r2 never matches: r1 (line 1)",
        ),
        Pair(
            rules(ALL + "[\"message.text contains 'lawyer'\"]", ALL + '["message.text contains HERE"]'),
            "'my lawyer'",
            "'lawyers'",
            "rule r2 never matches: r1 (line 1)",
        ),
        Pair(
            rules(
                ALL + "[\"message.phrases contains 'b'\"]",
                ALL + "[\"message.phrases contains 'a'\"]",
                more='[phrases]\na = ["very long words"]\nb = ["HERE", "other"]\n',
            ),
            "long words",
            "longer words",
            "rule r2 never matches: r1 (line 1)",
        ),
        Pair(
            rules(
                ALL + "[\"channel == 'chat'\"]",
                ALL + "[\"channel == 'email'\"]",
                'when.any = ["channel == \'chat\' and case.reopened > 1", "HERE"]',
            ),
            "channel == 'email'",
            "channel == 'phone'",
            "rule r3 never matches: r1 (line 1) and r2 (line 5) takes everything before",
        ),
        Pair(
            rules("HERE" + ALL + "[\"channel == 'chat'\"]", ALL + "[\"channel == 'chat'\"]").replace(
                '"r1"\ndo = "none"', '"r1"\ndo = "none"\nset = { tags = ["x"] }'
            ),
            "",
            "continue = true\n",
            "rule r2 never matches",
        ),
        Pair(
            rules(ALL + "[\"not (ticket.via == 'api')\"]", ALL + '["HERE"]'),
            "ticket.via != 'api'",
            "ticket.via in ['api', 'web']",
            "rule r2 never matches",
        ),
    ],
    "shadowed-rule": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]", 'when.any = ["HERE", "channel == \'phone\'"]'),
            "channel == 'chat'",
            "channel == 'email'",
            "one of the ways in which rule r2 would match never comes to it: r1 (line 1) takes it before",
        ),
    ],
    "never-true": [
        Pair(
            rules(ALL + '["channel == \'chat\'", "HERE"]'),
            "channel == 'email'",
            "channel != 'email'",
            "rule r1 never matches: its conditions contradict each other",
        ),
        Pair(rules(ALL + '["case.reopened > 3", "case.reopened HERE"]'), "< 4", "< 5", "rule r1 never matches"),
        Pair(rules(ALL + '["case.age > 2h", "case.age < HERE"]'), "90m", "121m", "rule r1 never matches"),
        Pair(
            rules(ALL + '["message.wants_manager", "HERE"]'),
            "not message.wants_person",
            "message.wants_person",
            "rule r1 never matches",
        ),
        Pair(
            rules(ALL + '["message.sentiment < -0.5 and HERE"]'),
            "message.sentiment > 0.5",
            "message.sentiment > -0.6",
            "rule r1 never matches",
        ),
        Pair(
            rules(ALL + "[\"ticket.tags contains 'vip'\", \"HERE (ticket.tags contains 'vip')\"]"),
            "not",
            "",
            "rule r1 never matches",
        ),
        Pair(
            rules(ALL + '["message.text contains \'my lawyer\'", "not (message.text contains HERE)"]'),
            "'lawyer'",
            "'lawyers'",
            "rule r1 never matches",
        ),
        Pair(
            rules(
                ALL
                + '["case.customer_messages HERE case.agent_messages", "not (case.customer_messages > case.agent_messages)"]'
            ),
            ">",
            "<",
            "rule r1 never matches",
        ),
        Pair(
            rules(ALL + "[\"sender.role in ['agent', 'bot']\", \"sender.role not in HERE\"]"),
            "['bot', 'agent', 'system']",
            "['bot']",
            "rule r1 never matches",
        ),
    ],
    "never-true-part": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]" + '\nwhen.any = ["HERE", "case.reopened > 1"]'),
            "channel == 'email'",
            "case.bot_turns > 3",
            "one of the ways in which rule r1 would match contradicts itself, and never holds",
        ),
    ],
    "never-together": TOGETHER,
    "never-together-part": [
        Pair(
            rules(ALL + "[\"activity.kind == 'ticket'\"]" + '\nwhen.any = ["HERE", "case.reopened > 1"]'),
            "button.action == 'help'",
            "ticket.via == 'web'",
            "one of the ways in which rule r1 would match never comes: activity.kind == 'ticket' can hold for a change of a"
            " ticket alone, button.action == 'help' for a message or a pressed button alone",
        ),
    ],
    "out-of-range": RANGES,
    "idle-rule": [
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]\ncontinue = true\nHERE"),
            'set = { group = "x" }',
            'set = { tags = ["x"] }',
            "rule r1 does nothing and continues: remove it, or let it set something or reply",
        ),
        Pair(
            rules(ALL + "[\"channel == 'chat'\"]\ncontinue = true\nHERE"),
            'set = { group = "x" }',
            'reply = "Hello."\nreply_buttons = [{ action = "talk_to_agent", label = "Talk to an agent" }]',
            "rule r1 does nothing and continues",
        ),
    ],
    "idle-connection": [
        Pair(
            '[[rule]]\nid = "keep"\ndo = "mirror"\ntarget = "HERE"\nwhen.all = ["channel == \'chat\'"]\n',
            "quiet",
            "desk",
            "rule keep goes to quiet, whose mode is observe: nothing arrives there",
        ),
        Pair(
            ON_UP + up(end="HERE", step="HERE"),
            "quiet",
            "desk",
            "rule used goes to quiet",
        ),
    ],
    "notes-make-no-ticket": [
        Pair(
            '[[rule]]\nid = "keep"\ndo = "mirror"\ntarget = "desk"\nmode = "HERE"\nwhen.all = ["channel == \'chat\'"]\n',
            "notes",
            "live",
            "rule keep makes no ticket in mode notes",
        ),
    ],
    "unused-ladder": [
        Pair(
            USED + up().replace("ladder.up", "ladder.HERE"),
            "up",
            "second",
            "no rule escalates on ladder up: remove it, or name it",
        ),
    ],
    "unused-calendar": [
        Pair(
            ON_UP + OFFICE + up(line="HERE"),
            "",
            'calendar = "office"\n',
            "nothing names calendar office",
        ),
        Pair(
            ON_UP + OFFICE + up(calendar="HERE"),
            "",
            'calendar = "office"\n',
            "nothing names calendar office",
        ),
        Pair(duty(anna="HERE") + OFFICE, "", 'calendar = "office"\n', "nothing names calendar office"),
        Pair(duty(team="HERE") + OFFICE, "", 'calendar = "office"\n', "nothing names calendar office"),
        Pair(OFFICE + slas("HERE"), "", 'calendar = "office"\n', "nothing names calendar office"),
    ],
    "unused-phrases": [
        Pair(
            rules(
                ALL + "[\"not (message.phrases contains 'HERE')\"]",
                "when.any = [\"message.phrases contains 'b' or message.distress\"]",
                more='[phrases]\na = ["one"]\nb = ["two"]\n',
            ),
            "b",
            "a",
            "no condition asks for the phrases a",
        ),
    ],
    "unused-lexicon": [
        Pair(
            rules(ALL + '["HERE"]', more="[lexicon.de]\nfurchtbar = -3\n"),
            "message.distress",
            "message.sentiment < -0.5",
            "lexicon.de is for nothing",
        ),
    ],
    "unheard-language": [
        Pair(
            rules(ALL + '["case.sentiment < -0.5"]', more="[lexicon.HERE]\nfurchtbar = -3\n"),
            "fr",
            "de",
            "no message is told to be in fr: add it to languages of [cases] in plugins.toml",
        ),
        Pair(
            rules(ALL + "[\"message.phrases contains 'a'\"]", more='[phrases.a]\nHERE = ["one"]\nany = ["two"]\n'),
            "fr",
            "de",
            "so these count only where nobody could tell the language: add it to languages of [cases] in plugins.toml",
        ),
    ],
    "unknown-connection": [
        Pair(
            rules(ALL + "[\"not (case.connection in ['HERE', 'desk'])\"]"),
            "chatt",
            "chat",
            "no connection chatt is switched on: did you mean chat?",
        ),
        Pair(
            rules("when.any = [\"connection == 'HERE' or message.distress\"]"),
            "dsk",
            "desk",
            "no connection dsk is switched on: did you mean desk?",
        ),
    ],
    **PEOPLE,
    "unlearned-risk": [
        Pair(
            rules(ALL + '["HERE"]'),
            "risk.score > 0.7",
            "message.distress",
            "rule r1 reads risk.score, which is never known: write a table [risk]",
        ),
        Pair(
            "[risk]\nenabled = HERE\n" + rules(ALL + '["risk.score > 0.7"]'),
            "false",
            "true",
            "rule r1 reads risk.score, which is never known: [risk] says enabled = false",
        ),
    ],
    "unused-customer": [
        Pair(
            '[customer]\nvip = ["gold"]\n' + rules(ALL + '["HERE"]'),
            "message.distress",
            "customer.vip",
            "no condition asks for customer.vip or the like, so nobody is asked about them",
        ),
    ],
    "unreachable-sla": [
        Pair(
            slas("when.all = [\"case.priority in ['P1', 'P2']\"]", "when.all = [\"case.priority == 'HERE'\"]"),
            "P2",
            "P3",
            "no case has SLA s2: s1 (line ",
        ),
        Pair(
            slas("when.all = [\"case.priority == 'P1'\", \"case.priority == 'HERE'\"]"),
            "P2",
            "P1",
            "no case has SLA s1: its conditions contradict each other",
        ),
    ],
    "no-incident": [
        Pair(
            rules(ALL + '["HERE"]'),
            "burst.customers > 2",
            "message.distress",
            "nothing is counted for burst.customers: write an [[incident]]",
        ),
    ],
    "silent-end": [
        Pair(
            ON_UP + up(notify="HERE", line='notify = ["chat:#x"]'),
            "",
            ', notify = ["chat:#y"]',
            "nobody is told when a case comes to the end of ladder up: add notify to final",
        ),
    ],
    "silent-ladder": [
        Pair(
            ON_UP + up(notify="HERE"),
            "",
            ', notify = ["chat:#y"]',
            "ladder up tells nobody",
        ),
        Pair(
            duty().replace('notify = ["chat:@anna"]', "HERE").replace(', notify = ["chat:#x"]', ""),
            "",
            'notify = ["chat:@anna"]',
            "ladder up tells nobody",
        ),
    ],
    "two-helpdesks": [
        Pair(
            ON_UP + up(end="HERE"),
            "quiet",
            "desk",
            "ladder up names the helpdesks desk, quiet: the ticket stays in the first one",
        ),
    ],
    "too-few-for-acks": [
        Pair(
            duty(step='min_acks = HERE\nmulti_ack = "team"'),
            "2",
            "1",
            "step 1 of ladder up wants 2 acknowledgements of team duty, and who may give one are 1",
        ),
    ],
    "passed-step": PASSED,
    "idle-preference": [
        Pair(
            duty(anna="skills = { billing = HERE }", step='prefer = [{ name = "billing", level = 3 }]')
            + "[skill.billing]\n",
            "2",
            "3",
            "step 1 of ladder up prefers billing 3, and nobody whom it may ask knows it",
        ),
    ],
    "overlapping-hours": [
        Pair(
            ON_UP + NIGHTS + up(calendar='calendar = "office"'),
            "06:00",
            "05:00",
            "the night of sun in calendar office reaches into the hours of mon",
        ),
    ],
    **OF_PHRASES,
    **PRECAUTIONS,
}
