"""The same as `pairs`, for teams, agents, skills and authority."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import ALL, Pair, duty, rules

PEOPLE: Final[dict[str, list[Pair]]] = {
    "unused-team": [
        Pair(
            duty(team='HERE\n[team.night]\nmembers = ["anna"]'),
            "",
            'fallback = "night"',
            'no step asks team night: remove it, or write target = "team:night" into a step',
        ),
    ],
    "unused-agent": [
        Pair(
            duty().replace('members = ["anna"]', 'members = ["anna"HERE]') + '[agent.ben]\nids = { desk = "11" }\n',
            "",
            ', "ben"',
            "nothing asks agent ben: put them into a team that a step asks, or remove them",
        ),
        Pair(
            duty() + '[agent.ben]\nids = { desk = "11" }\n' + rules(ALL + '["HERE"]'),
            "message.distress",
            "actor.lacks_skill",
            "nothing asks agent ben",
        ),
        Pair(
            duty() + "[agent.ben]\nHERE\n" + rules(ALL + '["actor.lacks_skill"]'),
            'notify = ["chat:@ben"]',
            'ids = { desk = "11" }',
            "nothing asks agent ben",
        ),
        Pair(
            duty() + '[agent.ben]\nids = { desk = "11" }\nmanager = "anna"\n'
            '[[ladder.up.step]]\ntarget = "HERE"\nack_within = "5m"\n',
            "queue:desk/y",
            "manager_of:actor",
            "nothing asks agent ben",
        ),
        Pair(
            duty() + '[agent.ben]\nids = { desk = "11" }\n[[ladder.up.step]]\ntarget = "HERE"\nack_within = "5m"\n',
            "agent:anna",
            "agent:ben",
            "nothing asks agent ben",
        ),
    ],
    "unused-skill": [
        Pair(
            duty(step="HERE") + "[skill.billing]\n",
            "",
            'prefer = [{ name = "billing" }]',
            "nothing wants the skill billing",
        ),
        Pair(
            "[skill.billing]\n" + rules(ALL + '["HERE"]'),
            "message.distress",
            "needed.skill == 'billing'",
            "nothing wants the skill billing",
        ),
    ],
    "unused-authority": [
        Pair(
            '[authority.refund]\nfields = { desk = "4711" }\n' + rules(ALL + '["HERE"]'),
            "message.distress",
            "authority.amount > 500",
            "no condition asks for authority, so authority.refund is for nothing",
        ),
    ],
}
