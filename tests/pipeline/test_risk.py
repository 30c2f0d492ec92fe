"""SG-11: a gateway learns from its own closed cases in the background, speaks of it in decisions, and waits for no scorer."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.model import CaseStatus, Risk
from gateway.pipeline.risk import BATCH, Guarded, Risks
from gateway.store.ports import CaseHistory
from gateway.store.sqlstore import SqlStore
from routing.account import accounts
from routing.risk.model import RiskModel, assess, read
from routing.risk.rules import RiskRules
from routing.risk.traced import traced
from tests.pipeline.world import POLICY, World, stepping

DAY: Final = 86_400.0
RISKY: Final = """
[risk]
at_least = 50
horizon = "1d"

[[rule]]
id = "likely"
do = "escalate"
ladder = "second"
mode = "observe"
when.all = ["risk.score >= 0.5"]

[[rule]]
id = "keep"
"""
RULES: Final = POLICY.replace('[[rule]]\nid = "keep"\n', RISKY)
RULED: Final = RiskRules(at_least=50, horizon=1)


def scored(history: CaseHistory) -> list[Any]:
    """Return what the traces of a case say of its risk."""
    return [each.trace["risk"] for each in history.activities if each.trace and each.trace.get("risk")]


def knows(risks: Risks) -> bool:
    """Tell whether a model is known."""
    return risks._known[0] is not None


def of_thread(world: World, thread: str) -> CaseHistory:
    return next(each for each in world.histories() if any(one.key == thread for one in each.threads))


async def live(world: World, thread: str, *, patient: bool) -> None:
    """Let a customer write, once or twice and then be escalated, and the case be closed."""
    world.say("hello", thread)
    if not patient:
        world.say("hello", thread)
    await world.rest(until=world.clock.now() + 1)
    if not patient:
        world.say("help", thread)
    await world.rest(until=world.clock.now() + 1)
    solved = {"id": f"solved-{thread}", "thread": thread, "ticket": f"X{thread}", "status": "solved"}
    world.store.journal([world.entry(json.dumps(solved).encode(), lane=thread)])
    await world.rest(until=world.clock.now() + 1)


async def grow(world: World, cases: int) -> None:
    chance = random.Random(2)
    for number in range(cases):
        await live(world, f"t{number}", patient=chance.random() < 0.5)
    world.clock.advance(DAY + 1)


async def test_a_gateway_learns_from_its_closed_cases_once_and_then_speaks(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        risks = world.pipeline.applying.risks
        world.say("hello", "early")
        world.decide()
        (risk,) = scored(of_thread(world, "early"))
        assert risk["score"] is None
        assert risk["evidence"] == "unknown: learned from 0 of the 50 closed cases that are needed"
        await grow(world, 60)
        assert [each.status for each in world.store.cases(1)] == [CaseStatus.RESOLVED]
        assert world.store.risk().waiting == 60
        assert (risks.learn(), risks.learn(), risks.learn()) == (BATCH, 60 - BATCH, 0)
        risks.refresh()
        model = read(world.store.risk().model)
        assert model.cases == 60
        assert 20 < model.escalated < 40
        world.say("hello", "late")
        world.decide()
        (risk,) = scored(of_thread(world, "late"))
        assert risk["model"] == world.store.risk().version == 2
        assert 0 < risk["score"] < 1
        assert "by model 2, of 60 closed cases" in risk["evidence"]
        # A second message of a customer in a desk where these come before every escalation.
        world.say("hello", "late")
        world.decide()
        second = scored(of_thread(world, "late"))[1]
        assert second["score"] > risk["score"]
        assert "customer messages 2-3 (+" in second["evidence"]


async def test_a_case_is_explained_with_the_scores_that_it_had_when_the_model_has_moved_on(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        risks = world.pipeline.applying.risks
        await grow(world, 60)
        while risks.learn():
            pass
        risks.refresh()
        world.say("hello", "late")
        world.decide()
        history = of_thread(world, "late")
        (then,) = scored(history)
        world.store.forget_risk("anna", world.clock.now())
        risks.refresh()
        direction = world.pipeline.policies.direction
        (account, *_) = accounts(
            [(each.activity, direction.policy.digest) for each in history.activities],
            history.case.id,
            lambda _: direction.policy,
            direction.connections,
            traced((each.activity, each.trace) for each in history.activities),
        )
        assert account.seen["risk.score"] == then["score"]
        evidence = next(rule.step.evidence for rule in account.rules if rule.step.rule == "likely")
        assert evidence == (("risk.score", then["evidence"]),)


async def test_what_was_learned_outlives_the_process(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        await grow(world, 55)
        while world.pipeline.applying.risks.learn():
            pass
        written = world.vendor.written
    async with stepping(tmp_path, policy=RULES) as world:
        world.vendor.written = written
        assert world.pipeline.applying.risks.learn() == 0
        # Messages of the same ids would be known already.
        world._count = 10_000
        world.pipeline.applying.risks.refresh()
        world.say("hello", "new")
        world.decide()
        (risk,) = scored(of_thread(world, "new"))
        assert risk["score"] is not None


async def test_the_loop_learns_by_itself_and_a_model_that_is_none_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        risks = world.pipeline.applying.risks
        await grow(world, 51)
        async with asyncio.TaskGroup() as group:
            group.create_task(risks.run())
            while world.store.risk().waiting or not knows(risks):
                await asyncio.sleep(0.01)
            spoil(world)
            risks.bell.ring()
            while knows(risks):
                await asyncio.sleep(0.01)
            risks.close()
        assert "cannot be read" in caplog.text
        world.say("hello", "after")
        world.decide()
        (risk,) = scored(of_thread(world, "after"))
        assert risk["score"] is None


def spoil(world: World) -> None:
    """Put something else in the place of the model."""
    assert isinstance(world.store, SqlStore)
    world.store._engine.write(lambda t: t.run("UPDATE risk_models SET doc = 'os.system(1)', version = 99"))


# --- a scorer that fails or is slow ----------------------------------------------------------------------------------
class Odd:
    """A scorer that does what it is told."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.error: Exception | None = None
        self.asked = 0

    def __call__(self, model: RiskModel, version: int, features: Sequence[str], rules: RiskRules) -> Risk:
        self.asked += 1
        if self.error is not None:
            raise self.error
        assert self.gate.wait(20)
        return assess(model, version, features, rules)


KNOWN: Final = RiskModel(escalated=30, others=30)


def with_scorer(world: World, odd: Odd) -> Risks:
    risks = Risks(
        world.store, world.clock, rules=lambda: world.pipeline.policies.direction.policy.risk, scorer=odd, patience=0.05
    )
    risks._known = (KNOWN, 3)
    world.pipeline.applying.risks = risks
    return risks


async def test_a_scorer_that_hangs_makes_the_risk_unknown_and_keeps_no_case_waiting(tmp_path: Path) -> None:
    """SG-11: never blocks. The one that hangs costs one patience; those after it cost nothing, until it is back."""
    odd = Odd()
    async with stepping(tmp_path, policy=RULES) as world:
        risks = with_scorer(world, odd)
        for number in range(30):
            world.say("help", f"t{number}")
        async with asyncio.timeout(60):
            await asyncio.to_thread(world.decide)
        assert len(world.histories()) == 30
        assert odd.asked == 1
        for history in world.histories():
            (risk,) = scored(history)
            assert (risk["score"], risk["model"]) == (None, 3)
            assert risk["evidence"] == "unknown: the scorer did not answer within 0.05 s"
            assert [each.rule for each in history.episodes] == ["help"], "other rules act as ever"
        odd.gate.set()
        async with asyncio.timeout(60):
            while risks._scorer._answers.empty():
                await asyncio.sleep(0.01)
        world.say("hello", "back")
        world.decide()
        (risk,) = scored(of_thread(world, "back"))
        assert risk["score"] is not None
        risks.free()


async def test_a_scorer_that_fails_makes_the_risk_unknown_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = Odd()
    odd.gate.set()
    odd.error = ZeroDivisionError("a customer's words")
    async with stepping(tmp_path, policy=RULES) as world:
        risks = with_scorer(world, odd)
        world.say("hello", "t1")
        world.say("hello", "t2")
        world.decide()
        for history in world.histories():
            assert [each["evidence"] for each in scored(history)] == ["unknown: the scorer failed (ZeroDivisionError)"]
            assert not history.case.rehearsed
        assert caplog.text.count("its scorer failed") == 1
        assert "a customer's words" not in caplog.text
        odd.error = None
        world.say("hello", "t3")
        world.decide()
        assert scored(of_thread(world, "t3"))[0]["score"] is not None
        risks.free()


def test_answers_belong_to_their_questions_also_after_a_late_one() -> None:
    odd = Odd()
    guarded = Guarded(odd, 0.05)
    assert guarded(KNOWN, 1, [], RULED).score is None
    assert guarded(KNOWN, 2, [], RULED).evidence.startswith("unknown: the scorer did not answer")
    odd.gate.set()
    while guarded._answers.empty():
        pass
    assert guarded(KNOWN, 3, [], RULED).model == 3
    assert guarded(KNOWN, 4, [], RULED) == assess(KNOWN, 4, [], RULED)
    guarded.close()


async def test_without_the_table_nothing_is_learned_and_nobody_is_asked(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        await live(world, "t", patient=False)
        world.clock.advance(30 * DAY)
        assert world.store.risk().waiting == 0
        assert not scored(of_thread(world, "t"))
