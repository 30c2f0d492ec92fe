"""The same as `pairs`, for steps of ladders on which no case stays."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import DUTY, USED, Pair, duty

#: Everybody works then.
DAYS: Final = '[calendar.days]\ntz = "Europe/Berlin"\nmon = ["09:00-17:00"]\n'
#: Half of the time it is so in Berlin as well, in winter for an hour of it.
LATE: Final = '[calendar.late]\ntz = "UTC"\nmon = ["HERE"]\n'
SKILL: Final = "[skill.billing]\n"
BOB: Final = '[agent.bob]\nids = { desk = "12" }\nHERE[[rule]]\nid = "done"\ndo = "none"\nwhen.all = ["actor.agent == \'bob\'"]\n'
BOSS: Final = '[[ladder.up.step]]\ntarget = "manager_of:actor"\nack_within = "5m"\n'
URGENT: Final = USED.replace('ladder = "second"', 'ladder = "up"\nset.priority = "HERE"') + DUTY.replace(
    "ANNA", ""
).replace("TEAM", "").replace(
    "STEP", '[[ladder.up.step]]\ntarget = "queue:desk/x"\nack_within = "5m"\nmin_priority = "P2"'
)


PASSED: Final[list[Pair]] = [
    Pair(
        duty(step='skip_if = "case.reopened > 1 or HERE"'),
        "not (case.reopened > 1)",
        "not (case.reopened > 0)",
        "step 1 of ladder up is always passed over: case.reopened > 1 or not (case.reopened > 1) always holds",
    ),
    Pair(
        # A priority may be missing, and then no comparison with it holds.
        duty(step="skip_if = \"HERE or case.priority != 'P1'\""),
        "not (case.priority != 'P1')",
        "case.priority == 'P1'",
        "step 1 of ladder up is always passed over",
    ),
    Pair(
        # There is one in the team.
        duty(step='skip_if = "team.free < HERE"'),
        "2",
        "1",
        "step 1 of ladder up is always passed over: team.free < 2 always holds",
    ),
    Pair(
        duty(anna="skills = { billing = HERE }", step='skills = [{ name = "billing", level = 3 }]') + SKILL,
        "2",
        "3",
        "step 1 of ladder up reaches nobody: nobody of team duty knows billing 3",
    ),
    Pair(
        duty(
            anna="skills = { billing = 2 }",
            step='skills = [{ name = "billing", level = 4 }]\nrelax_after = [{ after = "2m", level = HERE }]',
        )
        + SKILL,
        "3",
        "2",
        "step 1 of ladder up reaches nobody: nobody of team duty knows billing 3",
    ),
    Pair(
        duty(step='skills = [{ name = "billing" }]', team='fallback = "more"')
        + SKILL
        + '[agent.ben]\nids = { desk = "11" }\nHERE\n[team.more]\nmembers = ["ben"]\n',
        "",
        "skills = { billing = 1 }",
        "nobody of team duty and of those that stand in knows billing 1",
    ),
    Pair(
        duty(anna='calendar = "late"', step='calendar = "days"') + DAYS + LATE,
        "16:00-20:00",
        "15:00-20:00",
        "nobody of team duty who knows enough works within its hours and the team's, not in a year from now",
    ),
    Pair(
        duty(step='calendar = "days"')
        .replace("team:duty", "agent:anna")
        .replace('[team.duty]\nmembers = ["anna"]', "")
        .replace('notify = ["chat:@anna"]', 'notify = ["chat:@anna"]\ncalendar = "late"')
        + DAYS
        + LATE,
        "00:00-07:00",
        "00:00-08:00",
        "anna does not work within its hours, not in a year from now",
    ),
    Pair(
        duty() + BOB + BOSS,
        "",
        'manager = "anna"\n',
        "step 2 of ladder up reaches nobody: no agent has a manager",
    ),
    Pair(
        URGENT,
        "P2",
        "P3",
        "no case comes to step 1 of ladder up: every rule gives it P2 at least, and so it goes straight to step 2",
    ),
]
