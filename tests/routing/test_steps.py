"""The terms of a step: passed over (`skip_if`), come straight to (`min_priority`), taken by several (`min_acks`). AS-3, AS-2."""

from __future__ import annotations

from typing import Any, Final, cast

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Activity, Case
from gateway.toml import nearest
from routing.compiling import Condition, field_of_case
from routing.expression import parse
from routing.gaps import watches
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from routing.skipping import CASE_FIELDS, SkipIf
from tests.routing.strategies import Asks, Tree, Turned, cases, trees, written
from tests.routing.values import CATCH_ALL, MINUTE, NOW, connections, policy

PEOPLE: Final = """
[agent.ann]
ids = { desk = "1", chat = "U1" }
notify = ["chat:@ann"]
capacity = { chat = 1 }
[agent.ben]
ids = { desk = "2", chat = "U2" }
notify = ["chat:@ben"]
[agent.cy]
ids = { desk = "3", chat = "U3" }
notify = ["chat:@cy"]
[team.first]
members = ["ann", "ben"]
[team.second]
members = ["cy"]
[[rule]]
id = "fire"
do = "escalate"
ladder = "up"
when.all = ["message.text contains 'fire'"]
set = { priority = "P1" }
[[rule]]
id = "help"
do = "escalate"
ladder = "up"
when.all = ["message.text contains 'help'"]
set = { priority = "P3" }
"""
END: Final = """
[ladder.up]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
"""


def steps(*tables: str, head: str = "") -> str:
    ladder = END.replace("[ladder.up]\n", f"[ladder.up]\n{head}")
    made = "".join(f'[[ladder.up.step]]\nack_within = "10m"\n{table}\n' for table in tables)
    return PEOPLE + CATCH_ALL + ladder + made


def failures(rules: str, test: str, head: str = "") -> list[str]:
    made = policy(rules)
    text = f'[[policy_test]]\nname = "it"\nat = 2026-11-24T10:00:00+01:00\n{head}\n{test}'
    report = run_policy_tests(made, connections(), load_policy_tests(text, "a.test.toml", made, connections()))
    return [str(failure) for result in report.results for failure in result.failures]


# --- skip_if ---------------------------------------------------------------------------------------------------------
NOBODY_FREE: Final = steps(
    'target = "team:first"\nskip_if = "team.available == 0 or team.free < 2"',
    'target = "team:second"',
    'target = "queue:desk/Third"',
)


def test_as_3_a_step_is_passed_over_when_its_skip_if_holds_and_the_account_says_why() -> None:
    """AS-3, PO-7: by the team's state at that moment; the reason stands in trace, episode and policy test."""
    why = "skip_if holds: team.available == 0 or team.free < 2"
    event = '[[policy_test.event]]\nmessage = "help"\nexpect = {{ path = [{}], assigned = ["{}"], passed_over = {{ {} }} }}\n'
    assert failures(NOBODY_FREE, event.format(1, "ann", "")) == []
    assert failures(NOBODY_FREE, event.format(2, "cy", f'1 = "{why}"'), 'roster = { ben = "away" }') == []
    assert failures(NOBODY_FREE, event.format(2, "cy", f'1 = "{why}"'), "open_cases = { ann = { chat = 1 } }") == []


def test_a_skipped_queue_is_passed_over_on_every_round_and_by_a_person_too() -> None:
    """The case's own fields: what holds is asked each time the case comes to the step."""
    rules = steps(
        'target = "queue:desk/First"\nskip_if = "case.customer_messages > 1"',
        'target = "queue:desk/Second"\nskip_if = "case.age > 12m"',
        'target = "queue:desk/Third"',
        head="repeat = 1\n",
    )
    test = """
[[policy_test.event]]
message = "help"
expect = { path = [1], passed_over = {} }
[[policy_test.event]]
message = "hello?"
[[policy_test.event]]
wait = "10m"
expect = { path = [1, 2] }
[[policy_test.event]]
ticket = "tags"
tags = ["escalate_further"]
expect = { path = [1, 2, 3] }
[[policy_test.event]]
wait = "10m"
expect.path = [1, 2, 3, 3]
expect.passed_over = { 1 = "skip_if holds: case.customer_messages > 1", 2 = "skip_if holds: case.age > 12m" }
[[policy_test.event]]
wait = "10m"
expect = { path = [1, 2, 3, 3, "final"] }
"""
    assert failures(rules, test) == []


def test_po_3_a_step_that_nobody_of_its_team_works_at_is_no_gap_when_it_passes_the_case_on() -> None:
    """PO-3: `policy coverage` knows `skip_if` as far as calendars tell."""
    hours = '[calendar.day]\ntz = "UTC"\nmon = ["09:00-10:00"]\n'
    team = PEOPLE.replace("[team.first]\n", '[team.first]\ncalendar = "day"\n')
    step = '[[ladder.up.step]]\ntarget = "team:first"\nack_within = "10m"\n'
    waits = policy(hours + team + CATCH_ALL + END + step + 'calendar = "day"\n')
    skips = policy(hours + team + CATCH_ALL + END + step + 'skip_if = "team.available == 0"\n')
    week = 7 * 24 * 60 * MINUTE
    assert watches(waits.ladders, NOW, NOW + week, waits.people)[0].share < 0.01
    assert watches(skips.ladders, NOW, NOW + week, skips.people)[0].share == 1.0


def of_the_case(tree: Tree) -> bool:
    if isinstance(tree, Asks):
        return tree.field in CASE_FIELDS and (tree.other is None or tree.other in CASE_FIELDS)
    return all(map(of_the_case, (tree.inner,) if isinstance(tree, Turned) else tree.parts))


@given(tree=trees().filter(of_the_case), about=cases())
def test_skip_if_means_what_the_same_condition_of_a_rule_means(tree: Tree, about: Case) -> None:
    """Walked or compiled, a condition over the case says the same."""
    source = written(tree)
    node = parse(source, nearest=nearest, sets={})
    nothing = cast("Any", None)
    compiled = bool(
        Condition(source=source, node=node).check(about, cast("Activity", nothing), NOW, nothing, " ", nothing)
    )
    walked = SkipIf(source=source, node=node).holds(lambda name: field_of_case(name, about, NOW))
    assert walked == compiled


# --- min_priority ----------------------------------------------------------------------------------------------------
URGENT: Final = steps(
    'target = "team:first"',
    'target = "queue:desk/Second"\nmin_priority = "P2"',
    'target = "team:second"\nmin_priority = "P1"',
)


def test_an_urgent_case_goes_past_the_steps_below_the_one_that_is_meant_for_it() -> None:
    """AS-3: the entry level follows from the priority; less urgent cases come to every step."""
    straight = "a case of P1 goes straight to step 3"
    test = f"""
[[policy_test.event]]
message = "fire"
expect = {{ path = [3], assigned = ["cy"], passed_over = {{ 1 = "{straight}", 2 = "{straight}" }} }}
[[policy_test.event]]
wait = "10m"
expect = {{ path = [3, "final"] }}
"""
    assert failures(URGENT, test) == []
    slow = (
        '[[policy_test.event]]\nmessage = "help"\n[[policy_test.event]]\nwait = "20m"\nexpect = { path = [1, 2, 3] }\n'
    )
    assert failures(URGENT, slow) == []


def test_a_case_that_becomes_urgent_goes_up_at_once_unless_somebody_has_it() -> None:
    """Two rules on one episode: the higher level wins, and both reasons stand."""
    rises = """
[[policy_test.event]]
message = "help"
expect = { path = [1] }
[[policy_test.event]]
wait = "2m"
[[policy_test.event]]
message = "fire"
expect = { path = ["1 at 0s", "3 at 2m"], priority = "P1", timers = { ack = "10m" } }
"""
    assert failures(URGENT, rises) == []
    taken = """
[[policy_test.event]]
message = "help"
[[policy_test.event]]
press = "acknowledge"
actor = "ann"
[[policy_test.event]]
message = "fire"
expect = { path = [1], priority = "P1", episode = "acknowledged" }
"""
    assert failures(URGENT, taken) == []


# --- min_acks --------------------------------------------------------------------------------------------------------
TWO: Final = steps(
    'target = "team:first"\nstrategy = "all"\nmin_acks = 2\nmulti_ack = "team"\nreply_within = "5m"\nack_ttl = "30m"',
    'target = "team:second"',
)


def test_as_2_as_3_a_step_is_taken_once_enough_people_acknowledged_each_counting_once() -> None:
    """AS-3 (multi_ack), AS-2: until then its deadline goes on; then the customer is owed an answer."""
    test = """
[[policy_test.event]]
message = "help"
expect = { assigned = ["ann", "ben"], notify = ["chat:@ann", "chat:@ben"] }
[[policy_test.event]]
wait = "4m"
[[policy_test.event]]
press = "acknowledge"
actor = "ann"
expect = { result = "counted", episode = "open", acks = ["ann"], timers = { ack = "6m" }, effects = ["update desk"] }
[[policy_test.event]]
press = "acknowledge"
actor = "ann"
expect = { result = "counted", episode = "open", acks = ["ann"], effects = [] }
[[policy_test.event]]
press = "acknowledge"
actor = "cy"
expect = { result = "counted", episode = "open", acks = ["ann"], effects = [] }
[[policy_test.event]]
press = "acknowledge"
actor = "ben"
expect = { result = "acknowledged", episode = "acknowledged", acks = ["ann", "ben"], assigned = ["ann"] }
[[policy_test.event]]
wait = "1s"
expect = { timers = { reply = "299s", ttl = "1799s" } }
"""
    assert failures(TWO, test) == []


def test_too_few_acknowledgements_let_the_case_climb_and_do_not_count_on_the_next_step() -> None:
    """AS-2: assignment without enough acknowledgements escalates."""
    test = """
[[policy_test.event]]
message = "help"
[[policy_test.event]]
press = "acknowledge"
actor = "ben"
[[policy_test.event]]
wait = "10m"
expect = { path = ["1 at 0s", "2 at 10m"], acks = [], assigned = ["cy"], episode = "open" }
[[policy_test.event]]
press = "acknowledge"
actor = "cy"
expect = { episode = "acknowledged", assigned = ["cy"] }
"""
    assert failures(TWO, test) == []


def test_whom_the_policy_does_not_name_counts_where_anyone_may_and_an_answer_is_an_acknowledgement() -> None:
    """Two strangers are two people; who answers the customer acknowledges by it."""
    anyone = steps('target = "queue:desk/Second"\nnotify = ["chat:#second"]\nmin_acks = 3')
    test = """
[[policy_test.event]]
message = "help"
[[policy_test.event]]
press = "acknowledge"
name = "Eve"
expect = { acks = ["chat:Eve"] }
[[policy_test.event]]
press = "acknowledge"
name = "Fay"
expect = { acks = ["chat:Eve", "chat:Fay"], episode = "open" }
[[policy_test.event]]
message = "On it."
actor = "ben"
connection = "desk"
expect = { acks = ["chat:Eve", "chat:Fay", "ben"], episode = "acknowledged" }
"""
    assert failures(anyone, test) == []


@given(who=st.lists(st.sampled_from(["ann", "ben", "cy"]), max_size=6))
def test_a_case_is_taken_exactly_when_enough_different_people_of_the_team_acknowledged(who: list[str]) -> None:
    """AS-3: whoever presses in whatever order."""
    enough = {"ann", "ben"} <= set(who)
    presses = "".join(f'[[policy_test.event]]\npress = "acknowledge"\nactor = "{each}"\n' for each in who)
    state = "acknowledged" if enough else "open"
    event = f'[[policy_test.event]]\nwait = "1s"\nexpect = {{ episode = "{state}" }}\n'
    assert failures(TWO, f'[[policy_test.event]]\nmessage = "help"\n{presses}{event}') == []
