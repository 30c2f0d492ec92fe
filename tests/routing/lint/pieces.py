"""Pieces of policies that lints are tried on: a ladder, people on duty, SLAs, rules by their conditions."""

from __future__ import annotations

from typing import Final, NamedTuple

#: Escalates on the ladder, so that it is used.
USED: Final = """
[[rule]]
id = "used"
do = "escalate"
ladder = "second"
when.all = ["message.attachments > 90"]
"""


#: A ladder of one step, with places for what differs.
UP: Final = """
[ladder.up]
CALENDAR
final = { target = "queue:END/x"END_NOTIFY }
[[ladder.up.step]]
target = "queue:STEP/x"
ack_within = "5m"
STEP_LINE
"""
ON_UP: Final = USED.replace('"second"', '"up"')
OFFICE: Final = '[calendar.office]\ntz = "UTC"\nmon = ["09:00-17:00"]\n'
NIGHTS: Final = '[calendar.office]\ntz = "UTC"\nsun = ["22:00-HERE"]\nmon = ["05:00-09:00"]\n'
#: A severity matrix, with a place for what differs.
MATRIX: Final = """
[severity.matrix]
high = { high = "CELL", medium = "P2", low = "P3" }
medium = { high = "P2", medium = "P3", low = "P4" }
low = { high = "P3", medium = "P4", low = "P4" }
"""
MUTE: Final = """
[[mute]]
id = "night"
until = UNTIL
author = "anna"
reason = "Maintenance."
"""


def up(
    *, calendar: str = "", end: str = "desk", notify: str = ', notify = ["chat:#x"]', step: str = "desk", line: str = ""
) -> str:
    """Return a ladder of one step."""
    text = UP.replace("CALENDAR", calendar).replace("END_NOTIFY", notify).replace("END", end)
    return text.replace("STEP_LINE", line).replace("STEP", step)


#: A duty team that a ladder asks, with places for what differs.
DUTY: Final = """
[agent.anna]
ids = { desk = "10" }
notify = ["chat:@anna"]
ANNA
[team.duty]
members = ["anna"]
TEAM
[ladder.up]
final = { target = "queue:desk/x", notify = ["chat:#x"] }
[[ladder.up.step]]
target = "team:duty"
ack_within = "5m"
STEP
"""


def duty(*, anna: str = "", team: str = "", step: str = "") -> str:
    """Return the duty team and its ladder."""
    return ON_UP + DUTY.replace("ANNA", anna).replace("TEAM", team).replace("STEP", step)


def slas(*conditions: str) -> str:
    """Return SLAs, each with its conditions."""
    return "".join(
        f'[[sla]]\nid = "s{number}"\nfirst = "1h"\n{condition}\n' for number, condition in enumerate(conditions, 1)
    )


class Pair(NamedTuple):
    """A policy's rules and more, and one place of it: as it is warned of, and as it is in order."""

    text: str
    bad: str
    good: str
    #: What is said of it.
    sentence: str


def rules(*conditions: str, more: str = "") -> str:
    """Return rules that do nothing, each with its conditions."""
    return (
        "".join(
            f'[[rule]]\nid = "r{number}"\ndo = "none"\n{condition}\n' for number, condition in enumerate(conditions, 1)
        )
        + more
    )


ALL: Final = "when.all = "
