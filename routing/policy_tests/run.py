"""Playing policy tests, and what came of them: passed or failed, and what of the policy they reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.model import Mode
from routing.happened import Happened, together
from routing.policy import ConnectionFacts, Policy
from routing.policy_tests.compare import differences
from routing.policy_tests.values import Event, Place, PolicyTest
from routing.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that is not as a test expects it."""

    #: Where the expectation stands in the file.
    place: Place
    #: Its key.
    key: str
    #: What was expected, and what came, as somebody would write it into the file.
    wanted: str
    got: str
    #: What Baton said of the decision, to see why.
    said: str = ""

    def __str__(self) -> str:
        """Return a sentence."""
        return f"expected {self.key} = {self.wanted}, but it is {self.got}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one test."""

    test: PolicyTest
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Return whether everything was as expected."""
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What of a policy was reached: its rules, and the steps of its ladders with their ends."""

    #: Names of all rules; of a step, ``LADDER/1`` or ``LADDER/final``.
    rules: tuple[str, ...]
    steps: tuple[str, ...]
    #: Those that no test reached.
    missed_rules: tuple[str, ...]
    missed_steps: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Return the share of rules and steps that were reached, 0 to 100."""
        whole = len(self.rules) + len(self.steps)
        return 100 * (whole - len(self.missed_rules) - len(self.missed_steps)) / whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all tests."""

    results: tuple[Result, ...]
    coverage: Coverage

    @property
    def passed(self) -> bool:
        """Return whether every test passed."""
        return all(result.passed for result in self.results)


#: Microseconds.
_SECOND: Final = 1_000_000


@dataclass(slots=True)
class _Reached:
    rules: set[str] = field(default_factory=set[str])
    steps: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])


def run_policy_tests(policy: Policy, connections: Mapping[str, ConnectionFacts], tests: Iterable[PolicyTest]) -> Report:
    """Play tests on a policy. Connections are live, unless a test says otherwise."""
    reached = _Reached()
    results = tuple(_run(policy, connections, test, reached) for test in tests)
    return Report(results=results, coverage=_coverage(policy, reached))


def _run(policy: Policy, connections: Mapping[str, ConnectionFacts], test: PolicyTest, reached: _Reached) -> Result:
    facts = {name: replace(each, mode=test.modes.get(name, Mode.LIVE)) for name, each in connections.items()}
    world = World(policy, facts, at=test.at, given=test.case, down=test.down, outside=test.outside)
    failures: list[Failure] = []
    for event in test.events:
        if who := _stranger(world, event):
            failures.append(who)
            continue
        happened = _play(world, event)
        if event.expect is None:
            continue
        told = [sentence for each in happened.decisions for sentence in (each.trace.sentence, *each.trace.notes)]
        # A notice may lack because a mute held it as soon as the ticket stood, or at an earlier event, and does so still.
        held = [world.muted[name] for name in world.timers if name in world.muted]
        said = " ".join(dict.fromkeys((*told, *held)))
        failures += [
            Failure(place=event.expect.places[key], key=key, wanted=wanted, got=got, said=said)
            for key, wanted, got in differences(event.expect.wanted, happened, world)
        ]
    reached.rules |= world.matched
    reached.steps |= world.reached
    return Result(test=test, failures=tuple(failures))


def _stranger(world: World, event: Event) -> Failure | None:
    """Return what is wrong when an agent presses a button of a notice where nobody would know them."""
    connection = world.told_over
    if not event.actor or not event.press or connection is None:
        return None
    if world.policy.people.id_on(connection, event.actor):
        return None
    return Failure(
        place=(event.line, 1),
        key="actor",
        wanted=f"somebody with an id on {connection}, where the newest notice went",
        got=f"{event.actor}, who has no id on {connection}: give one in [agent.{event.actor}], or name another agent",
    )


def _play(world: World, event: Event) -> Happened:
    """Play an event. Tests count to the second: whatever is due in the one that time passes to happens."""
    if event.wait is not None or event.until is not None:
        until = event.until if event.until is not None else world.now + (event.wait or 0)
        until -= until % _SECOND
        return world.pass_time(until, within=_SECOND - 1)
    return together(
        world.press(event.press, event.name, event.actor) if event.activity is None else world.happen(event.activity)
        for _ in range(event.times)
    )


def _coverage(policy: Policy, reached: _Reached) -> Coverage:
    rules = tuple(rule.id for rule in policy.escalating)
    steps = {
        (ladder.id, number): f"{ladder.id}/{'final' if ladder.at_end(number) else number + 1}"
        for ladder in policy.ladders.values()
        for number in range(len(ladder.steps) + 1)
    }
    return Coverage(
        rules=rules,
        steps=tuple(steps.values()),
        missed_rules=tuple(name for name in rules if name not in reached.rules),
        missed_steps=tuple(name for key, name in steps.items() if key not in reached.steps),
    )
