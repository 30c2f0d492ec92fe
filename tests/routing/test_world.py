"""A case in memory goes as the same case goes through the real store: PO-4's tests are of the gateway, and not of themselves."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    Audience,
    Channel,
    Decision,
    Evidence,
    Mode,
    Party,
    Role,
    TicketChange,
    TicketStatus,
    altered,
)
from gateway.store import open_store
from gateway.store.ports import CaseHistory
from routing.account import Verdict, accounts
from routing.outside import Outside
from routing.policy import Policy
from routing.replay import INTERNAL, evidence, story
from routing.snapshot import Snapshot
from routing.world import TICKET_ID, World
from tests.routing.situations import RULES
from tests.routing.stored import Stored, at
from tests.routing.values import (
    AGENT,
    BOT,
    CATCH_ALL,
    CUSTOMER,
    LADDER,
    NOW,
    SECOND,
    answer,
    connections,
    message,
    policy,
    pressed,
    ticket,
)

#: Three steps, hours that open and close, reminders and repetition.
LADDERS: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-17:00"]
tue = ["08:00-17:00"]
wed = ["00:00-24:00"]
[ladder.second]
repeat = 1
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "queue:desk/One"
notify = ["chat:#one"]
ack_within = "15m"
reply_within = "10m"
ack_ttl = "30m"
[[ladder.second.step]]
target = "queue:desk/Two"
notify = ["chat:#two"]
ack_within = "1h"
calendar = "office"
outside_hours = "redirect:3"
[[ladder.second.step]]
target = "queue:desk/Three"
notify = ["chat:#three"]
ack_within = "2h"
calendar = "office"
"""
#: Where who asks for a manager comes to, beside the ladder of the others.
MANAGERS: Final = """
[ladder.managers]
final = { target = "queue:desk/Directors", notify = ["chat:#directors"] }
[[ladder.managers.step]]
target = "queue:desk/Managers"
notify = ["chat:#managers"]
ack_within = "37m"
"""
POLICY: Final = policy(RULES.replace("MODE", "live") + CATCH_ALL + LADDERS + MANAGERS)
OTHER: Final = policy(RULES.replace("MODE", "live") + CATCH_ALL + LADDER + MANAGERS)
#: A VIP, SLAs, and people who are asked. No time of an SLA is a sum of a ladder's: of two deadlines at one instant the store may
#: take either first.
WITH_PEOPLE: Final = policy(
    """
[customer]
profile_from = "desk"
vip = ["gold"]
fresh_for = "1h"
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-17:00"]
tue = ["08:00-17:00"]
wed = ["08:00-17:00"]
[skill.billing]
[agent.anna]
ids = { desk = "7" }
notify = ["chat:@anna"]
skills = { billing = 1 }
capacity = { chat = 1 }
calendar = "office"
manager = "carla"
[agent.ben]
ids = { desk = "8" }
notify = ["chat:@ben"]
manager = "carla"
[agent.carla]
ids = { desk = "9" }
[team.duty]
members = ["anna", "ben"]
[[rule]]
id = "vip"
do = "escalate"
ladder = "second"
when.all = ["sender.role == 'customer'", "customer.vip"]
set = { priority = "P2" }
[[rule]]
id = "person"
do = "escalate"
ladder = "second"
when.all = ["sender.role == 'customer'", "message.wants_person"]
[[rule]]
id = "late"
do = "escalate"
ladder = "second"
when.all = ["sla.event == 'breached'", "sla.metric != 'resolution'"]
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["channel == 'chat'"]
"""
    + CATCH_ALL
    + """
[[sla]]
id = "urgent"
when.all = ["case.priority == 'P2'"]
first = "617s"
next = "1823s"
pause = ["pending"]
[[sla]]
id = "usual"
first = "3643s"
next = "7283s"
resolution = "86539s"
calendar = "office"
[ladder.second]
repeat = 1
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "team:duty"
in = "desk/Duty"
skills = [{ name = "billing" }]
relax_after = [{ after = "5m", drop = true }]
ack_within = "15m"
ack_ttl = "30m"
[[ladder.second.step]]
target = "manager_of:assignee"
ack_within = "10m"
"""
)
ADA: Final = Party(kind="email", value="ada@example.com", name="Ada", role=Role.CUSTOMER, evidence=Evidence.VERIFIED)
#: Stands for the newest notice, which only the case itself knows.
NOTICE: Final = "notice"
PRESSER: Final[dict[str, Any]] = {"sender": AGENT, "thread": "C9/9"}

#: For so long what comes after an end reopens the case; later the store begins another one.
ONE_CASE: Final = 6 * 86_400 * SECOND


def told_of(change: TicketChange, status: TicketStatus | None = None, **changes: Any) -> Activity:
    """Return a change of the case's ticket."""
    made = ticket(change, status, thread=TICKET_ID, **changes)
    assert made.ticket is not None
    return altered(made, ticket=altered(made.ticket, id=TICKET_ID))


HAPPENINGS: Final = (
    message("hello"),
    message("a real person please"),
    message("I was charged twice"),
    message(
        "and in the helpdesk",
        connection="desk",
        channel=Channel.HELPDESK,
        thread=TICKET_ID,
        ticket=told_of(TicketChange.COMMENTED).ticket,
    ),
    answer("On it.", thread=TICKET_ID),
    answer("psst", thread=TICKET_ID, audience=Audience.INTERNAL),
    message("Did not get that.", sender=BOT),
    pressed("alpha"),
    pressed("acknowledge", reference=NOTICE, **PRESSER),
    pressed("escalate_further", reference=NOTICE, **PRESSER),
    told_of(TicketChange.TAGS, tags=("escalate_further",)),
    told_of(TicketChange.TAGS, tags=()),
    told_of(TicketChange.STATUS, TicketStatus.SOLVED),
    told_of(TicketChange.STATUS, TicketStatus.OPEN),
)
#: Seconds between two happenings: moments, the ladder's times, a night, a weekend.
WAITS: Final = (1, 60, 599, 601, 899, 900, 1801, 3600, 7300, 43_200, 260_000)


@st.composite
def tales(draw: st.DrawFn) -> list[Activity]:
    """Return what happens to a case, each thing with its instant; a customer begins on the chat."""
    first = draw(st.sampled_from(HAPPENINGS[:3]))
    rest = draw(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(WAITS)), max_size=8))
    instant = NOW
    told = [at(first, NOW, 0)]
    for number, (what, wait) in enumerate(rest, 1):
        if instant + wait * SECOND > NOW + ONE_CASE:
            break
        instant += wait * SECOND
        told.append(at(what, instant, number))
    return told


def shown(decision: Decision) -> tuple[object, ...]:
    """Return what a decision says, without ids."""
    return (
        decision.trace.result,
        decision.trace.sentence,
        decision.trace.steps,
        [(each.kind, each.connection, each.mode, each.destination, each.title, each.text) for each in decision.effects],
        [(each.name, each.due_at) for each in decision.timers],
        decision.case,
        decision.episode,
    )


def lived(
    tale: list[Activity], patience: int, directory: str, rules: Policy = POLICY, outside: Outside | None = None
) -> tuple[Stored, list[Activity], int]:
    """Let a tale happen in a real store; return it with the tale as it was told, and its end."""
    around = outside or Outside()
    made = Stored(
        open_store(f"sqlite:///{Path(directory) / 'baton.db'}"),
        rules,
        connections(),
        customer=around.customer,
        roster=around.roster,
    )
    told: list[Activity] = []
    for each in tale:
        made.pass_time(each.received_at)
        notices = [effect.id for _, decision in made.decisions for effect in decision.effects if effect.buttons]
        if each.reference == NOTICE and not notices:
            continue
        happened = altered(each, reference=notices[-1]) if each.reference == NOTICE else each
        made.take(happened)
        told.append(happened)
    end = tale[-1].received_at + patience * SECOND
    made.pass_time(end)
    return made, told, end


@settings(max_examples=25, deadline=None)
@given(tales())
def test_a_case_in_memory_goes_as_the_same_case_in_the_store(tale: list[Activity]) -> None:
    with TemporaryDirectory() as directory:
        real, told, end = lived(tale, 300_000, directory)
        history = real.history()
        real.store.close()
    goes_alike(World(POLICY, connections(), at=NOW, case_id=history.case.id), real, told, end, history)


@settings(max_examples=25, deadline=None)
@given(
    tales(),
    st.sampled_from(({"tier": "gold"}, {"tags": ["other"]}, {})),
    st.dictionaries(st.sampled_from(("anna", "ben", "carla")), st.booleans()),
)
def test_a_customer_and_agents_in_memory_are_known_as_they_are_to_the_store(
    tale: list[Activity], customer: dict[str, object], roster: dict[str, bool]
) -> None:
    """Look-ups and what waits for them, whom a step asks, and the clocks of SLAs."""
    proven = [altered(each, sender=ADA) if each.sender == CUSTOMER else each for each in tale]
    outside = Outside(customer=customer, roster=roster)
    with TemporaryDirectory() as directory:
        real, told, end = lived(proven, 300_000, directory, WITH_PEOPLE, outside)
        history = real.history()
        real.store.close()
    world = World(WITH_PEOPLE, connections(), at=NOW, case_id=history.case.id, outside=outside)
    goes_alike(world, real, told, end, history)
    assert any(effect.effect.kind.value == "lookup" for effect in history.effects)


def goes_alike(world: World, real: Stored, told: list[Activity], end: int, history: CaseHistory) -> None:
    """Check that a case in memory is decided on as it was in the store, from the first thing to the last."""
    made: list[Decision] = []
    decided = world._decide

    def deciding(activity: Activity, snapshot: Snapshot) -> Decision:
        made.append(decided(activity, snapshot))
        return made[-1]

    # A look into every decision, which the world itself tells only in part.
    vars(world)["_decide"] = deciding
    for each in told:
        world.pass_time(each.received_at)
        world.take(each)
    world.pass_time(end)
    for own, (activity, theirs) in zip(made, real.decisions, strict=True):
        assert shown(own) == shown(theirs), activity
    assert world.timers == history.timers


@settings(max_examples=25, deadline=None)
@given(tales())
def test_the_account_of_a_stored_case_is_what_was_decided(tale: list[Activity]) -> None:
    """PO-7."""
    with TemporaryDirectory() as directory:
        real, _, _ = lived(tale, 90_000, directory)
        history = real.history()
        real.store.close()
    stored = [(each.activity, str((each.trace or {})["policy"])) for each in history.activities]
    told = list(accounts(stored, history.case.id, {POLICY.digest: POLICY}.__getitem__, connections()))
    assert [shown(account.decision) for account in told] == [shown(each) for _, each in real.decisions]
    for account in told:
        matched = [rule.step.rule for rule in account.rules if rule.verdict is Verdict.MATCHED]
        assert matched == [step.rule for step in account.decision.trace.steps]
        assert [rule.step.rule for rule in account.rules] == [rule.id for rule in POLICY.rules]
        asked = {rule.verdict for rule in account.rules}
        assert (Verdict.NONE_ASKED in asked) == (not matched)


@settings(max_examples=10, deadline=None)
@given(tales())
def test_a_stored_case_that_is_replayed_under_its_policy_goes_as_it_went(tale: list[Activity]) -> None:
    """PO-5."""
    with TemporaryDirectory() as directory:
        real, happened, end = lived(tale, 90_000, directory)
        history = real.history()
        real.store.close()
    said = [each.activity for each in history.activities]
    made = story(said, POLICY, connections(), case_id=history.case.id, until=end)
    assert made.rules == tuple(
        tuple(step.rule for step in decision.trace.steps)
        for activity, decision in real.decisions
        if activity.connection != "baton"
    )
    assert made.rule == (history.episodes[0].rule if history.episodes else "")
    assert made.notices == sum(effect.effect.kind.value == "notify" for effect in history.effects)
    assert made.replies == sum(effect.effect.kind.value == "reply" for effect in history.effects)
    assert made == story(said, POLICY, connections(), case_id=history.case.id, until=end)
    assert evidence(each for each in said if each.kind not in INTERNAL) == evidence(happened)


def test_two_policies_tell_two_stories_of_one_case() -> None:
    tale = [at(message("a real person please"), NOW, 1)]
    end = NOW + 3600 * SECOND
    here = story(tale, POLICY, connections(), case_id="c", until=end)
    there = story(tale, OTHER, connections(), case_id="c", until=end)
    assert (here.path[0], here.escalated) == ("1", True)
    assert (there.path, there.notices, there.priority) == (("1", "final"), 2, "P3")
    quiet = story(tale, OTHER, connections(chat=Mode.OBSERVE, desk=Mode.OBSERVE), case_id="c", until=end)
    assert (quiet.escalated, quiet.notices) == (True, 0)
