"""Steps that ask a team: who of it gets the case, and what happens when nobody can."""

from __future__ import annotations

from typing import Final

from gateway.model import (
    Channel,
    Decision,
    EpisodeState,
    Mode,
    Party,
    Role,
    altered,
)
from routing.people import Load, Presence, Staff
from routing.snapshot import Snapshot
from tests.routing.desk import EVENING, POLICY, RULES, agent, assigned, late, refund, start, told
from tests.routing.values import (
    CATCH_ALL,
    LINK,
    MINUTE,
    NOW,
    answer,
    connections,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    timer,
)

TEAMS: Final = """
[skill.billing]
[agent.ann]
ids = { desk = "1" }
notify = ["chat:@ann"]
skills = { billing = 3 }
capacity = { chat = 1 }
[agent.ben]
ids = { desk = "2", chat = "U2" }
notify = ["chat:@ben"]
skills = { billing = 2 }
[agent.cy]
ids = { desk = "3" }
notify = ["chat:@cy"]
[team.first]
members = ["ann", "ben", "cy"]
[team.second]
members = ["cy"]
[[rule]]
id = "help"
do = "escalate"
ladder = "people"
when.all = ["sender.role == 'customer'"]
[ladder.people]
repeat = 1
final = { target = "queue:desk/End" }
[[ladder.people.step]]
target = "team:first"
ack_within = "30m"
"""


def asked(text: str, staff: Staff | None = None) -> tuple[Snapshot, Decision]:
    where, (made,) = play(snapshot(policy(text + CATCH_ALL), staff=staff or Staff()), message(channel=Channel.CHAT))
    return where, made


def step(**keys: str) -> str:
    return TEAMS + "".join(f"{key} = {value}\n" for key, value in keys.items())


def test_as_1_the_team_gives_a_case_to_one_who_knows_enough_and_has_room() -> None:
    """AS-1: required skills, capacity, fairness."""
    billing = '[{ name = "billing", level = 3 }]'
    assert assigned(asked(step(skills=billing))[1]) == ("ann",)
    full = Staff(loads={"ann": Load(open={Channel.CHAT: 1})})
    where, made = asked(step(skills=billing), full)
    assert made.trace.skipped_why == ((0, "nobody of team first can take it"),)
    assert made.trace.candidates_considered == (
        ("ann", "no room for one more chat case"),
        ("ben", "billing 3 is wanted, and theirs is 2"),
        ("cy", "billing 3 is wanted, and theirs is 0"),
    )
    assert made.episode is not None
    assert where.episode is not None
    assert (made.episode.step, told(made)) == (1, [("handoff", "End", None)])
    recent = Staff(loads={"ann": Load(last_at=5), "ben": Load(last_at=3), "cy": Load(last_at=4)})
    assert assigned(asked(TEAMS, recent)[1]) == ("ben",)


def test_as_3_strategies() -> None:
    """AS-3: all, round_robin, least_loaded, best_skill; nobody there is the next step."""
    where, everybody = asked(step(strategy='"all"'))
    assert assigned(everybody) == ("ann", "ben", "cy")
    assert told(everybody) == [("handoff", "", "")]
    _, (stands,) = play(where, outcome(everybody.effects[0].id, everybody.episode))
    assert [effect.destination for effect in stands.effects] == ["@ann", "@ben", "@cy"]
    assert assigned(asked(step(strategy='"best_skill"', prefer='[{ name = "billing", level = 1 }]'))[1]) == ("ann",)
    busy = Staff(loads={"ann": Load(open={}), "ben": Load(last_at=9)})
    assert assigned(asked(step(strategy='"least_loaded"'), busy)[1]) == ("ann",)


def test_who_did_not_take_it_is_asked_again_last() -> None:
    where, made = asked(TEAMS)
    where, (second,) = play(where, altered(timer(f"ack:{made.episode.id if made.episode else ''}:0"), dedupe="t1"))
    assert (assigned(made), assigned(second)) == (("ann",), ("ben",))


def test_another_team_stands_in_when_nobody_of_the_first_is_there() -> None:
    text = TEAMS.replace('members = ["ann", "ben", "cy"]', 'members = ["ann", "ben"]\nfallback = "second"')
    away = Staff(presence={name: Presence(available=False, read_at=NOW - MINUTE) for name in ("ann", "ben")})
    _, made = asked(text, away)
    assert assigned(made) == ("cy",)
    assert made.trace.candidates_considered[0] == ("ann", "away, as of 60 s ago")


def test_as_6_presence_that_is_too_old_is_not_believed() -> None:
    """AS-6: the roster is cached with its age."""
    old = Staff(presence={"ann": Presence(available=False, read_at=NOW - 11 * MINUTE)})
    assert assigned(asked(TEAMS, old)[1]) == ("ann",)


def test_a_team_that_is_off_duty_is_passed_over_and_one_that_waits_is_chosen_for_its_hours() -> None:
    hours = '[calendar.night]\ntz = "Europe/Berlin"\nmon = ["02:00-03:00"]\n'
    text = hours + TEAMS.replace("[team.first]\n", '[team.first]\ncalendar = "night"\n')
    assert asked(text)[1].trace.skipped_why == ((0, "team first is off duty"),)
    waits = text + 'calendar = "night"\n'
    _, made = asked(waits)
    assert made.episode is not None
    assert (made.episode.hushed, made.episode.assigned) == (True, ("ann",))


def test_skills_are_given_up_step_by_step_while_nobody_has_them() -> None:
    wanted = step(
        skills='[{ name = "billing", level = 5 }]',
        relax_after='[{ after = "10m", level = 3 }, { after = "20m", drop = true }]',
    )
    full = Staff(loads={"ann": Load(open={Channel.CHAT: 1})})
    where, made = asked(wanted, full)
    assert made.episode is not None
    assert (made.episode.step, made.episode.assigned, told(made)) == (0, (), [("handoff", "", None)])
    assert [(each.name.partition(":")[0], each.due_at - NOW) for each in made.timers] == [
        ("relax", 10 * MINUTE),
        ("ack", 30 * MINUTE),
    ]
    again = timer(f"relax:{made.episode.id}:0")
    where, (first,) = play(where, altered(again, dedupe="r1", received_at=NOW + 10 * MINUTE))
    assert (assigned(first), first.trace.result) == ((), "relaxed")
    assert first.timers[0].due_at == NOW + 20 * MINUTE
    where = altered(where, tickets=(LINK,))
    where, (second,) = play(where, altered(again, dedupe="r2", received_at=NOW + 20 * MINUTE))
    assert assigned(second) == ("ben",)
    assert told(second) == [("update", "", "2"), ("notify", "@ben", None)]
    _, (third,) = play(where, altered(again, dedupe="r3", received_at=NOW + 21 * MINUTE))
    assert third.effects == ()


def test_when_nothing_more_can_be_given_up_it_goes_on() -> None:
    wanted = step(skills='[{ name = "billing", level = 5 }]', relax_after='[{ after = "10m", level = 4 }]')
    where, made = asked(wanted)
    assert made.episode is not None
    _, (gone,) = play(where, altered(timer(f"relax:{made.episode.id}:0"), received_at=NOW + 10 * MINUTE))
    assert gone.episode is not None
    assert gone.trace.skipped_why[0] == (0, "nobody of team first can take it")
    assert f"ack:{made.episode.id}:0" in gone.cancelled


def test_who_takes_it_has_it_in_the_helpdesk_as_well() -> None:
    where, _ = asked(step(strategy='"all"'))
    ben = Party(kind="slack_user", value="U2", name="Ben", role=Role.CUSTOMER)
    where = altered(where, tickets=(LINK,))
    where, (taken,) = play(where, pressed("acknowledge", "n1", reference="n1", sender=ben, dedupe="a1"))
    assert taken.episode is not None
    assert (taken.episode.state, taken.episode.assigned) == (EpisodeState.ACKNOWLEDGED, ("ben",))
    assert told(taken) == [("update", "", "2")]


def test_on_a_step_that_asks_a_group_nobody_is_given_the_ticket_and_it_is_taken_from_nobody() -> None:
    text = TEAMS.replace('target = "team:first"', 'target = "queue:desk/First"') + 'ack_ttl = "1h"\n'
    where, made = asked(text)
    ben = Party(kind="slack_user", value="U2", name="Ben", role=Role.CUSTOMER)
    where = altered(where, tickets=(LINK,))
    where, (taken,) = play(where, pressed("acknowledge", "n1", reference="n1", sender=ben, dedupe="a1"))
    assert (assigned(taken), told(taken)) == ((), [("update", "", None)])
    assert made.episode is not None
    _, (gone,) = play(where, timer(f"ttl:{made.episode.id}:0"))
    assert told(gone)[0] == ("update", "First", None)


def test_a_button_or_an_answer_of_a_stranger_changes_no_assignment() -> None:
    where, _ = asked(TEAMS)
    where = altered(where, tickets=(LINK,))
    for taking in (pressed("acknowledge", reference="n1", dedupe="a1"), answer(sender=agent("99"), dedupe="a2")):
        _, (taken,) = play(where, taking)
        assert assigned(taken) == ("ann",)


def test_manager_of_assignee_climbs_from_whom_was_asked_before() -> None:
    text = POLICY.replace('target = "team:duty"', 'target = "manager_of:assignee"') + CATCH_ALL
    where, (made,) = play(start(policy(text)), refund("900"))
    _, second = late(made, where, 15)
    assert (assigned(made), assigned(second)) == (("carla",), ("dora",))
    _, (skipped,) = play(start(policy(text)), refund("900", now=EVENING))
    assert skipped.trace.skipped_why == (
        (0, "carla is off duty"),
        (1, "it was assigned to no agent whom the policy names"),
    )


def test_an_agent_who_has_no_id_in_the_helpdesk_is_told_and_the_ticket_is_left() -> None:
    text = TEAMS.replace('ids = { desk = "1" }\n', "")
    _, made = asked(text)
    assert told(made) == [("handoff", "", "")]


def test_an_episode_keeps_the_people_it_began_with() -> None:
    """PO-10: whoever left the policy meanwhile is still asked by episodes that began with them."""
    where, (made,) = play(start(), refund("900"))
    newer = policy(POLICY.replace('members = ["anna", "adam"]', 'members = ["adam"]') + CATCH_ALL)
    _, second = late(made, altered(where, policy=newer, episode_policy=RULES), 15)
    assert assigned(second) == ("anna",)
    _, second = late(made, altered(where, policy=newer), 15)
    assert assigned(second) == ("adam",), "where the older policy cannot be read any more, the new one holds"


def test_in_observe_mode_nothing_is_assigned_outside() -> None:
    _, (made,) = play(start(connections=connections(desk=Mode.OBSERVE)), refund("900"))
    assert {effect.mode for effect in made.effects if effect.connection == "desk"} == {Mode.OBSERVE}
    assert assigned(made) == ("carla",)
