"""SG-11: `baton risk show|forget` over a real store, and what `baton policy explain` shows of the risk."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.model import CaseStatus, Decision, Lesson, Risk, RiskPoint, altered, count_in, move
from gateway.pipeline.risk import taught
from gateway.store import open_store
from gateway.store.ports import CaseView
from tests.store.acts import NOW, apply_all, bring, keep, message

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = "\n[risk]\nat_least = 50\n"
RULE: Final = '[[rule]]\nid = "likely"\ndo = "none"\ncontinue = true\nwhen.all = ["risk.score > 0.9"]\n\n'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the shipped files, a policy that asks for the risk, and an empty store."""
    (tmp_path / "plugins.toml").write_text((ROOT / "plugins.toml").read_text(encoding="utf-8"), encoding="utf-8")
    shipped = (ROOT / "escalation.toml").read_text(encoding="utf-8")
    (tmp_path / "escalation.toml").write_text(shipped.replace("[[rule]]", RULE + "[[rule]]", 1) + TABLE)
    (tmp_path / "baton-data").mkdir()
    open_store(database(tmp_path)).close()
    return tmp_path


def database(place: Path) -> str:
    return f"sqlite:///{place / 'baton-data' / 'baton.db'}"


def run(place: Path, *words: str) -> tuple[int, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words), prog_name="baton")
    return result.exit_code, result.stdout + result.stderr


def told(place: Path, *words: str) -> Any:
    code, output = run(place, *words, "--json")
    assert code == 0, output
    return json.loads(output)


def learn(place: Path, count: int) -> None:
    """Let closed cases teach: those on the telephone are escalated more often."""
    chance = random.Random(3)
    store = open_store(database(place))
    store.register({"chat": None})

    def step(view: CaseView, activity: Any) -> Decision:
        decision = keep(view, activity)
        phone = chance.random() < 0.5
        bad = chance.random() < (0.8 if phone else 0.2)
        point = RiskPoint(
            features=(f"channel={'phone' if phone else 'chat'}",),
            at=NOW,
            until=NOW,
            escalated_at=NOW if bad else None,
        )
        return altered(decision, case=move(altered(decision.case, risk=point), CaseStatus.RESOLVED, NOW))

    for number in range(count):
        bring(store, message(f"m{number}", thread=f"t{number}"))
    apply_all(store, step)
    while store.learn_risk(50, NOW, taught):
        pass
    store.close()


def nonsense(text: str, lessons: Sequence[Lesson]) -> str:
    return "no model"


def test_it_says_that_it_is_silent_and_why(place: Path) -> None:
    code, output = run(place, "risk", "show")
    assert code == 0
    assert "The risk is unknown: learned from 0 of the 50 closed cases that are needed." in output
    learn(place, 30)
    assert told(place, "risk", "show")["why_not"] == "learned from 30 of the 50 closed cases that are needed"


def test_it_shows_cases_calibration_and_weights_in_words(place: Path) -> None:
    learn(place, 200)
    _, output = run(place, "risk", "show")
    assert "The risk is known" in output
    assert "learned from 200 closed cases" in output
    assert "score       cases  mean score  share escalated" in output
    raises, lowers = output.index("Raises the risk"), output.index("Lowers the risk")
    assert raises < output.index("channel phone") < lowers < output.index("channel chat")
    values = told(place, "risk", "show")
    assert (values["known"], values["why_not"], values["cases"], values["at_least"]) == (True, None, 200, 50)
    assert sum(tier["cases"] for tier in values["calibration"]) == 200
    assert [row["words"] for row in values["raises"]] == ["channel phone"]


def test_what_was_learned_is_forgotten_and_that_is_audited(place: Path) -> None:
    learn(place, 60)
    code, output = run(place, "risk", "forget")
    assert (code, output.strip()) == (0, "What 60 closed cases taught is forgotten.")
    assert told(place, "risk", "show")["cases"] == 0
    store = open_store(database(place), readonly=True)
    assert store.audit_trail(1)[0]["action"] == "risk-forget"
    store.close()


def test_a_policy_without_the_table_and_a_model_that_is_none_are_told(place: Path) -> None:
    store = open_store(database(place))
    store.register({"chat": None})
    bring(store, message("m"))
    point = RiskPoint(features=("channel=chat",), at=NOW, until=NOW)
    apply_all(
        store,
        lambda view, activity: altered(
            keep(view, activity),
            case=move(altered(count_in(view.case, activity, view.thread), risk=point), CaseStatus.RESOLVED, NOW),
        ),
    )
    assert store.learn_risk(1, NOW, nonsense) == 1
    store.close()
    assert "`baton risk forget` begins anew" in told(place, "risk", "show")["why_not"]
    policy = place / "escalation.toml"
    policy.write_text(policy.read_text().replace(TABLE, "").replace(RULE, ""))
    run(place, "risk", "forget")
    assert told(place, "risk", "show")["why_not"] == "the policy has no [risk], or it says enabled = false"


def test_an_explanation_shows_the_score_and_what_weighed(place: Path) -> None:
    from gateway.cli.configuration import read_outline
    from routing.decide import decide
    from routing.snapshot import Snapshot

    outline = read_outline(place / "plugins.toml")
    store = open_store(database(place))
    store.register(dict.fromkeys(outline.facts))
    store.save_policy(outline.policy.digest, outline.policy.source, NOW)
    risk = Risk(
        score=0.93, model=4, evidence="0.93 by model 4, of 60 closed cases: raised by bot fallbacks 2-3 (+1.20)"
    )
    connection = next(iter(outline.facts))
    bring(store, altered(message("m"), connection=connection))

    def step(view: CaseView, activity: Any) -> Decision:
        where = Snapshot(
            policy=outline.policy,
            episode_policy=None,
            case=view.case,
            episode=None,
            tickets=(),
            thread=view.thread,
            connections=outline.facts,
            risk=risk,
        )
        return decide(where, activity, NOW)

    apply_all(store, step)
    (case,) = store.cases()
    store.close()
    _, output = run(place, "policy", "explain", case.id)
    flat = " ".join(output.split())
    assert "risk.score 0.93" in flat
    assert f"Risk of escalation: {risk.evidence}." in flat
    assert f"risk.score: {risk.evidence}" in flat
    values = told(place, "policy", "explain", case.id)["activities"][0]
    assert values["risk"] == {"score": 0.93, "model": 4, "evidence": risk.evidence}
    assert not values["doubts"]
