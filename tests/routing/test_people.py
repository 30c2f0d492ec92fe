"""Authority, expertise, and steps that ask people: from what somebody does to who is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    BotFacts,
    Channel,
    Decision,
    EffectKind,
    EpisodeState,
    Mode,
    Party,
    Role,
    TicketChange,
    TicketFacts,
)
from routing.explain import explain
from routing.people import Load, Presence, Staff
from routing.snapshot import Snapshot
from tests.routing.values import (
    CATCH_ALL,
    LINK,
    MINUTE,
    NOW,
    activity,
    answer,
    case,
    connections,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    timer,
)

POLICY: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]

[authority.refund]
fields = { desk = "4711", chat = "refund" }

[agent.bob]
ids = { desk = "7", chat = "B9" }
manager = "carla"
authority = { refund = 500 }
[agent.carla]
ids = { desk = ["8", "carla"] }
notify = ["chat:@carla"]
manager = "dora"
authority = { refund = 2000 }
calendar = "office"
[agent.dora]
ids = { desk = "9" }
notify = ["chat:@dora"]
authority = { refund = inf }
[agent.anna]
ids = { desk = "10", chat = "U10" }
notify = ["chat:@anna"]
[agent.adam]
ids = { desk = "11" }
notify = ["chat:@adam"]
[team.duty]
members = ["anna", "adam"]

[[rule]]
id = "refund-above-limit"
type = "hierarchical"
do = "escalate"
ladder = "managers"
when.all = ["authority.action == 'refund'", "authority.amount > authority.limit"]
set = { priority = "P2", reason = "The refund is above the agent's limit." }

[ladder.managers]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.managers.step]]
target = "manager_of:actor"
in = "desk/Managers"
ack_within = "15m"
[[ladder.managers.step]]
target = "team:duty"
ack_within = "15m"
"""
RULES: Final = policy(POLICY + CATCH_ALL)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


WORKING: Final = at("2026-03-03T10:00")  # a Tuesday
EVENING: Final = at("2026-03-06T18:30")  # a Friday


def agent(number: str) -> Party:
    return Party(kind="zendesk_user", value=number, name="Bob", role=Role.AGENT)


def refund(amount: str, *, by: str = "7", now: int = WORKING, field: str = "4711") -> Activity:
    facts = TicketFacts(id="55", change=TicketChange.FIELDS, fields={field: amount})
    return Activity(
        kind=ActivityKind.TICKET,
        connection="desk",
        channel=Channel.HELPDESK,
        thread="55",
        dedupe=f"f-{amount}",
        occurred_at=now,
        received_at=now,
        sender=agent(by),
        ticket=facts,
    )


def start(rules: Any = RULES, **changes: Any) -> Snapshot:
    """Return a case that came by mail and stands in the helpdesk as a ticket that Baton adopted."""
    link = replace(LINK, adopted=True)
    return snapshot(rules, case=case(channel=Channel.EMAIL), tickets=(link,), **changes)


def told(decision: Decision) -> list[tuple[str, str, str | None]]:
    return [(effect.kind.value, effect.destination, effect.assignee) for effect in decision.effects]


def late(decision: Decision, before: Snapshot, minutes: int) -> tuple[Snapshot, Decision]:
    """Let the deadline pass by which somebody must have taken it."""
    episode = decision.episode
    assert episode is not None
    assert episode.acknowledge_by is not None
    passed = replace(timer(f"ack:{episode.id}:{episode.epoch}"), received_at=episode.acknowledge_by)
    passed = replace(passed, dedupe=f"t{minutes}")
    where, (made,) = play(before, passed)
    return where, made


# --- authority (SG-5) ------------------------------------------------------------------------------------------------
def test_sg_5_a_refund_above_the_limit_goes_to_the_manager_and_one_below_to_nobody() -> None:
    """SG-5, use case: refund 900 by Bob (limit 500) → Carla; 400 → none."""
    where, (made,) = play(start(), refund("900"))
    assert made.trace.result == "escalate"
    assert made.trace.steps[0].evidence == (
        ("authority.amount", "refund of 900: bob up to 500"),
        ("authority.limit", "refund of 900: bob up to 500"),
    )
    assert made.episode is not None
    assert (made.episode.actor, made.episode.action, made.episode.amount) == ("bob", "refund", 900)
    assert made.episode.assigned == ("carla",)
    assert made.episode.acknowledge_by == WORKING + 15 * MINUTE
    assert told(made) == [("handoff", "Managers", "8")]
    _, (stands,) = play(where, replace(outcome(made.effects[0].id, made.episode), received_at=WORKING))
    assert told(stands) == [("notify", "@carla", None)]
    _, (none,) = play(start(), refund("400"))
    assert (none.trace.result, none.effects) == ("none", ())
    _, (equal,) = play(start(), refund("500.00"))
    assert equal.effects == ()


def test_use_case_the_manager_is_off_duty_so_the_duty_team_has_it_and_then_the_end() -> None:
    """Policy sample: manager off duty → duty team → final."""
    where, (made,) = play(start(), refund("900", now=EVENING))
    assert made.episode is not None
    assert (made.episode.step, made.episode.assigned) == (1, ("anna",))
    assert made.trace.skipped_why == ((0, "carla is off duty"),)
    assert made.trace.candidates_considered == (("carla", "off duty"), ("anna", ""), ("adam", "anna comes first"))
    assert made.trace.sentence.endswith("ladder managers. Step 1 is passed over: carla is off duty.")
    assert told(made) == [("handoff", "", "10")]
    where, (stands,) = play(where, replace(outcome(made.effects[0].id, made.episode), received_at=EVENING))
    assert told(stands) == [("notify", "@anna", None)]
    _, end = late(made, where, 15)
    assert end.trace.result == "final"
    assert told(end) == [("update", "End", ""), ("notify", "#leads", None)]
    assert end.episode is not None
    assert end.episode.assigned == ()


def test_in_working_hours_it_goes_from_the_manager_to_the_duty_team_in_fifteen_minutes() -> None:
    where, (made,) = play(start(), refund("900"))
    _, next_one = late(made, where, 15)
    assert told(next_one) == [("update", "", "10"), ("notify", "@anna", None)]
    assert next_one.effects[0].text == "Not acknowledged in time. Assigned to anna."


@pytest.mark.parametrize(("amount", "who"), [("501", "8"), ("2000", "8"), ("2001", "9"), ("1.000.000,00", "9")])
def test_as_7_the_amount_chooses_the_manager_who_may_decide_it(amount: str, who: str) -> None:
    """AS-7: managers whose own limit is too small are passed over."""
    _, (made,) = play(start(), refund(amount))
    assert told(made) == [("handoff", "Managers", who)]


def test_nobody_above_may_decide_it() -> None:
    rules = policy(POLICY.replace("authority = { refund = inf }\n", "") + CATCH_ALL)
    _, (made,) = play(start(rules), refund("5000"))
    assert made.trace.skipped_why == ((0, "no manager of bob may decide a refund of 5000"),)
    assert made.trace.candidates_considered[:2] == (
        ("carla", "may decide a refund of up to 2000 only"),
        ("dora", "may decide a refund of up to 0 only"),
    )


def test_the_highest_manager_of_all_has_none() -> None:
    rules = policy(POLICY.replace("authority = { refund = inf }", "authority = { refund = 3000 }") + CATCH_ALL)
    _, (made,) = play(start(rules), refund("5000", by="9"))
    assert made.trace.skipped_why == ((0, "dora has no manager"),)


def test_who_may_not_do_it_at_all_has_the_limit_0_and_of_a_stranger_none_is_known() -> None:
    _, (made,) = play(start(), refund("1", by="10"))
    assert made.trace.skipped_why == ((0, "anna has no manager"),)
    _, (stranger,) = play(start(), refund("9000", by="99"))
    assert stranger.effects == ()
    strict = policy(POLICY.replace("> authority.limit", "> 500") + CATCH_ALL)
    _, (asked,) = play(start(strict), refund("9000", by="99"))
    assert asked.trace.skipped_why == ((0, "no agent of the policy did it"),)
    assert told(asked) == [("handoff", "", "10")]


@pytest.mark.parametrize("amount", ["", "much", "1,200", "900 and 3"])
def test_an_amount_that_cannot_be_read_for_sure_is_missing_and_a_careful_rule_escalates_it(amount: str) -> None:
    _, (made,) = play(start(), refund(amount))
    assert made.effects == ()
    careful = policy(
        POLICY.replace("authority.amount > authority.limit", "not (authority.amount <= authority.limit)") + CATCH_ALL
    )
    _, (made,) = play(start(careful), refund(amount))
    assert bool(made.effects) is bool(amount), "a field that was cleared is no refund"


def test_another_field_is_no_refund_and_the_sign_of_an_amount_says_nothing() -> None:
    assert play(start(), refund("900", field="4712"))[1][0].effects == ()
    assert told(play(start(), refund("-900.00 EUR"))[1][0]) == [("handoff", "Managers", "8")]


def test_a_chatbots_own_limit_is_held_against_what_it_collected() -> None:
    """A bot is an agent of the policy like any other."""
    bot = Party(kind="bot", value="B9", role=Role.BOT)
    asks = Activity(
        kind=ActivityKind.HANDOFF_REQUEST,
        connection="chat",
        channel=Channel.CHAT,
        thread="C1/1",
        dedupe="h1",
        occurred_at=WORKING,
        received_at=WORKING,
        sender=bot,
        bot=BotFacts(fields={"refund": "900"}),
    )
    _, (made,) = play(snapshot(RULES), asks)
    assert [(e.destination, e.assignee) for e in made.effects if e.kind is EffectKind.HANDOFF] == [("Managers", "8")]
    _, (less,) = play(snapshot(RULES), replace(asks, bot=BotFacts(fields={"refund": "300"})))
    assert not [e for e in less.effects if e.kind is EffectKind.HANDOFF]


# --- expertise (SG-6) ------------------------------------------------------------------------------------------------
EXPERTISE: Final = """
[skill.billing]
level = 2
words = ["payment", "refunds"]
[skill.german]
[agent.bob]
ids = { desk = "7" }
skills = { billing = 1, german = 5 }
[agent.eve]
ids = { desk = "8" }
skills = { billing = 2 }
[[rule]]
id = "not-theirs"
type = "functional"
do = "escalate"
ladder = "second"
when.any = ["actor.lacks_skill", "bot.confidence < 0.4 and needed.skill == 'billing'"]
[ladder.second]
final = { target = "queue:desk/End" }
[[ladder.second.step]]
target = "queue:desk/Billing"
ack_within = "15m"
"""


def tagged(by: str, *tags: str) -> Activity:
    facts = TicketFacts(id="55", change=TicketChange.TAGS, tags=tags)
    return replace(refund("1", by=by), ticket=facts, dedupe=f"t{tags}")


def test_sg_6_a_ticket_that_needs_what_its_agent_does_not_know_is_escalated() -> None:
    """SG-6: needed skill against the actor's, at the level that the skill needs."""
    rules = policy(EXPERTISE + CATCH_ALL)
    assert told(play(start(rules), tagged("7", "Payment"))[1][0]) == [("handoff", "Billing", None)]
    for by, tags in (("8", ("payment",)), ("7", ("german",)), ("7", ("other",)), ("99", ("payment",))):
        assert play(start(rules), tagged(by, *tags))[1][0].effects == (), (by, tags)
    (step, _) = explain(start(rules), tagged("7", "billing"), NOW)
    assert step.evidence == (
        ("actor.lacks_skill", "billing is asked for; bob has level 1"),
        ("needed.skill", "billing is asked for; bob has level 1"),
    )


@pytest.mark.parametrize(("confidence", "fires"), [(0.2, True), (0.4, False), (None, False)])
def test_sg_6_a_bot_that_is_not_sure_of_what_needs_a_skill(confidence: float | None, fires: bool) -> None:
    """SG-6: the bot's confidence; one that it does not tell is missing, and a comparison with it false."""
    asks = activity(
        ActivityKind.HANDOFF_REQUEST,
        sender=Party(kind="bot", value="bot", role=Role.BOT),
        bot=BotFacts(confidence=confidence),
        extras={"skill": "refunds"},
    )
    _, (made,) = play(snapshot(policy(EXPERTISE + CATCH_ALL)), asks)
    assert any(effect.kind is EffectKind.HANDOFF for effect in made.effects) is fires


# --- teams (AS-1, AS-3, AS-6) ----------------------------------------------------------------------------------------
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


def assigned(made: Decision) -> tuple[str, ...]:
    assert made.episode is not None
    return made.episode.assigned


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
    where, (second,) = play(where, replace(timer(f"ack:{made.episode.id if made.episode else ''}:0"), dedupe="t1"))
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
    where, (first,) = play(where, replace(again, dedupe="r1", received_at=NOW + 10 * MINUTE))
    assert (assigned(first), first.trace.result) == ((), "relaxed")
    assert first.timers[0].due_at == NOW + 20 * MINUTE
    where = replace(where, tickets=(LINK,))
    where, (second,) = play(where, replace(again, dedupe="r2", received_at=NOW + 20 * MINUTE))
    assert assigned(second) == ("ben",)
    assert told(second) == [("update", "", "2"), ("notify", "@ben", None)]
    _, (third,) = play(where, replace(again, dedupe="r3", received_at=NOW + 21 * MINUTE))
    assert third.effects == ()


def test_when_nothing_more_can_be_given_up_it_goes_on() -> None:
    wanted = step(skills='[{ name = "billing", level = 5 }]', relax_after='[{ after = "10m", level = 4 }]')
    where, made = asked(wanted)
    assert made.episode is not None
    _, (gone,) = play(where, replace(timer(f"relax:{made.episode.id}:0"), received_at=NOW + 10 * MINUTE))
    assert gone.episode is not None
    assert gone.trace.skipped_why[0] == (0, "nobody of team first can take it")
    assert f"ack:{made.episode.id}:0" in gone.cancelled


def test_who_takes_it_has_it_in_the_helpdesk_as_well() -> None:
    where, _ = asked(step(strategy='"all"'))
    ben = Party(kind="slack_user", value="U2", name="Ben", role=Role.CUSTOMER)
    where = replace(where, tickets=(LINK,))
    where, (taken,) = play(where, pressed("acknowledge", "n1", reference="n1", sender=ben, dedupe="a1"))
    assert taken.episode is not None
    assert (taken.episode.state, taken.episode.assigned) == (EpisodeState.ACKNOWLEDGED, ("ben",))
    assert told(taken) == [("update", "", "2")]


def test_a_button_or_an_answer_of_a_stranger_changes_no_assignment() -> None:
    where, _ = asked(TEAMS)
    where = replace(where, tickets=(LINK,))
    for taking in (pressed("acknowledge", reference="n1", dedupe="a1"), answer(sender=agent("99"), dedupe="a2")):
        _, (taken,) = play(where, taking)
        assert assigned(taken) == ("ann",)


def test_manager_of_assignee_climbs_from_whom_was_asked_before() -> None:
    text = POLICY.replace('target = "team:duty"', 'target = "manager_of:assignee"') + CATCH_ALL
    where, (made,) = play(start(policy(text)), refund("900"))
    _, second = late(made, where, 15)
    assert (assigned(made), assigned(second)) == (("carla",), ("dora",))
    _, (skipped,) = play(start(policy(text)), refund("900", now=EVENING))
    assert skipped.trace.skipped_why == ((0, "carla is off duty"), (1, "nobody was asked before"))


def test_an_agent_who_has_no_id_in_the_helpdesk_is_told_and_the_ticket_is_left() -> None:
    text = TEAMS.replace('ids = { desk = "1" }\n', "")
    _, made = asked(text)
    assert told(made) == [("handoff", "", "")]


def test_an_episode_keeps_the_people_it_began_with() -> None:
    """PO-10: whoever left the policy meanwhile is still asked by episodes that began with them."""
    where, (made,) = play(start(), refund("900"))
    newer = policy(POLICY.replace('members = ["anna", "adam"]', 'members = ["adam"]') + CATCH_ALL)
    _, second = late(made, replace(where, policy=newer, episode_policy=RULES), 15)
    assert assigned(second) == ("anna",)
    _, second = late(made, replace(where, policy=newer), 15)
    assert assigned(second) == ("adam",), "where the older policy cannot be read any more, the new one holds"


def test_in_observe_mode_nothing_is_assigned_outside() -> None:
    _, (made,) = play(start(connections=connections(desk=Mode.OBSERVE)), refund("900"))
    assert {effect.mode for effect in made.effects if effect.connection == "desk"} == {Mode.OBSERVE}
    assert assigned(made) == ("carla",)
