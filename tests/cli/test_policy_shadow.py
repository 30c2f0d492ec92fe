"""PO-6, `baton policy shadow`: what is told of a policy that is tried; and `baton check` reads it as strictly as the policy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateway.cli.check import _remarks
from gateway.cli.commands import baton
from gateway.cli.policy_shadow import _KINDS
from gateway.loading import load_outline, load_setup
from gateway.store import open_store
from gateway.store.ports import Diverged, Tried
from routing.shadow import Divergence
from tests.app.gateways import ENVIRON, PLUGINS, specs, write

POLICY: Final = '[[rule]]\nid = "rest"\ndo = "none"\ncatch_all = true\n'
DIGEST: Final = hashlib.sha256(POLICY.encode()).hexdigest()
#: 2026-01-01, UTC.
NEW_YEAR: Final = 1_767_225_600_000_000
REAL: Final = {"rule": "", "ladder": "", "level": "", "priority": ""}
CANDIDATE: Final = {"rule": "broken", "ladder": "second", "level": "1", "priority": "P3"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a policy, a candidate, and an empty store."""
    (tmp_path / "plugins.toml").write_text('[gateway]\nshadow = "candidate.toml"\n')
    (tmp_path / "escalation.toml").write_text(POLICY)
    (tmp_path / "candidate.toml").write_text(POLICY)
    (tmp_path / "baton-data").mkdir()
    keep(tmp_path)
    return tmp_path


def keep(place: Path, *tries: tuple[Tried, list[Diverged]]) -> None:
    store = open_store(f"sqlite:///{place / 'baton-data' / 'baton.db'}")
    for tried, diverged in tries:
        store.keep_shadow(tried, diverged)
    store.close()


def tried(candidate: str = DIGEST, *, missed: int = 0, failed: int = 0) -> Tried:
    return Tried(
        candidate=candidate,
        policy="old",
        compared=7,
        missed=missed,
        failed=failed,
        began_at=NEW_YEAR,
        seen_at=NEW_YEAR + 60_000_000,
    )


def run(place: Path, *words: str) -> tuple[int, str, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words), prog_name="baton")
    return result.exit_code, " ".join(result.stdout.split()), result.stderr


def told(place: Path) -> Any:
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    return json.loads(runner.invoke(baton, ["policy", "shadow", "--json"], prog_name="baton").stdout)


def test_every_kind_has_its_words() -> None:
    assert set(_KINDS) == set(Divergence)


def test_where_nothing_was_tried_it_is_said_what_to_write(place: Path) -> None:
    code, output, _ = run(place, "policy", "shadow")
    assert (code, output.startswith("candidate.toml as it stands now was not asked yet: `baton reload`")) == (0, True)
    assert told(place)["candidate"] == DIGEST
    (place / "plugins.toml").write_text("[gateway]\n")
    code, output, _ = run(place, "policy", "shadow")
    assert (code, 'write shadow = "candidate.toml" in [gateway]' in output) == (0, True)
    assert told(place) == {
        "file": None,
        "candidate": None,
        "tried": [],
        "divergences": {},
        "newest": [],
        "warnings": [],
        "problems": [],
    }


def test_what_differs_is_counted_and_the_newest_are_shown(place: Path) -> None:
    diverged = Diverged(case_id="a-case", seq=3, at=NEW_YEAR, kind="would_escalate", real=REAL, candidate=CANDIDATE)
    keep(place, (tried(missed=1, failed=2), [diverged]))
    code, output, _ = run(place, "policy", "shadow")
    assert code == 0
    assert (
        f"candidate.toml ({DIGEST[:12]}) was asked 7 times from 2026-01-01 00:00:00 to 2026-01-01 00:01:00 (UTC), and never"
        " acted. It missed 1 decision, since it was too slow. It broke 2 times: the log says when." in output
    )
    assert "only the candidate escalates 1 1" in output
    assert (
        "2026-01-01 00:00:00 a-case only the candidate escalates: not escalated, no priority -> broken on second at 1, P3"
        in output
    )
    report = told(place)
    assert report["divergences"] == {"would_escalate": {"times": 1, "cases": 1}}
    assert report["newest"][0]["candidate"] == CANDIDATE


def test_a_candidate_that_was_changed_since_is_another_one(place: Path) -> None:
    keep(place, (tried("other"), []))
    assert "was not asked yet" in run(place, "policy", "shadow")[1]
    (place / "plugins.toml").write_text("[gateway]\n")
    code, output, _ = run(place, "policy", "shadow")
    assert (code, output.startswith("Policy other, which is not tried any more, was asked 7 times")) == (0, True)
    assert "It would have decided nothing otherwise." in output


def test_a_candidate_that_is_not_there_is_told(place: Path) -> None:
    (place / "candidate.toml").unlink()
    for words in (("policy", "shadow"), ("check",)):
        code, _, errors = run(place, *words)
        assert code == 2
        assert "candidate.toml:1:1: there is no such file" in errors


REFUSED: Final = (
    "`baton reload` refuses that and changes nothing: a gateway that runs goes on with the policies that it has."
)


def test_a_candidate_with_mistakes_is_not_said_to_be_taken_over_and_what_was_tried_before_is_told(place: Path) -> None:
    (place / "candidate.toml").write_text(POLICY.replace("none", "nothing"))
    code, output, errors = run(place, "policy", "shadow")
    assert (code, errors.splitlines()[-1]) == (2, REFUSED)
    assert "candidate.toml:3:" in errors
    assert output == "candidate.toml as it stands now was not asked yet, and no policy was tried before it."
    keep(place, (tried(), []))
    code, output, errors = run(place, "policy", "shadow")
    assert (code, "candidate.toml:3:" in errors) == (2, True)
    assert output.startswith(f"Policy {DIGEST[:12]}, the last one that was tried, was asked 7 times")
    report = told(place)
    assert ("candidate.toml:3:" in report["problems"][0], report["candidate"]) == (True, DIGEST)
    (place / "candidate.toml").write_text(POLICY)
    assert run(place, "policy", "shadow")[::2] == (0, ""), "the mistake is mended"


def test_a_mistake_in_the_policy_in_force_keeps_a_reload_from_taking_a_candidate_over(place: Path) -> None:
    (place / "escalation.toml").write_text(POLICY.replace("none", "nothing"))
    code, output, errors = run(place, "policy", "shadow")
    assert (code, "escalation.toml:3:" in errors, errors.splitlines()[-1]) == (2, True, REFUSED)
    assert "takes it over" not in output


def test_a_candidate_of_several_files_goes_by_the_hash_of_all_of_them(place: Path) -> None:
    (place / "more.toml").write_text('[phrases]\nlegal = ["my lawyer"]\n')
    (place / "candidate.toml").write_text('include = ["more.toml"]\n' + POLICY)
    keep(place, (tried(told(place)["candidate"]), []))
    code, output, _ = run(place, "policy", "shadow")
    assert (code, "candidate.toml (" in output, "was asked 7 times" in output) == (0, True, True)
    policy = load_outline(
        place / "plugins.toml", specs=specs(), environ=ENVIRON, policy=place / "candidate.toml"
    ).policy
    assert told(place)["candidate"] == policy.digest


def test_check_looks_for_lints_in_the_candidate_too(tmp_path: Path) -> None:
    plugins = PLUGINS.replace("[gateway]\n", '[gateway]\nshadow = "candidate.toml"\n')
    path = write(tmp_path, plugins)
    twice = '[[rule]]\nid = "{}"\ndo = "none"\nwhen.all = ["channel == \'chat\'"]\n'
    (tmp_path / "candidate.toml").write_text(twice.format("one") + twice.format("two") + POLICY)
    setup = load_setup(path, specs=specs(), environ=ENVIRON)
    assert [line for line in _remarks(setup) if "candidate.toml:5:" in line and "two" in line]


#: A candidate that asks for the risk, and has it learned as far as it can.
RISKY: Final = (
    '[[rule]]\nid = "likely"\ndo = "none"\nset = { tags = ["x"] }\nwhen.all = ["risk.score > 0.7"]\n'
    + POLICY
    + "[risk]\n"
)
UNLEARNED: Final = (
    "rule likely reads risk.score, which is never known: this policy is only tried, and the one in force has no [risk]:"
    " write it there too"
)


def test_a_risk_that_only_the_candidate_has_learned_is_never_known_and_that_is_said(place: Path) -> None:
    (place / "candidate.toml").write_text(RISKY)
    code, _, errors = run(place, "policy", "shadow")
    assert (code, f"candidate.toml:1:1: {UNLEARNED}" in errors) == (0, True)
    assert [UNLEARNED in line for line in told(place)["warnings"]] == [True]
    candidate = str(place / "candidate.toml")
    assert UNLEARNED in run(place, "policy", "check", "--policy", candidate)[2]
    (place / "escalation.toml").write_text(POLICY + "[risk]\n")
    assert run(place, "policy", "shadow")[2] == ""
    assert "risk" not in run(place, "policy", "check", "--policy", candidate)[2]


def test_check_says_so_too(tmp_path: Path) -> None:
    path = write(tmp_path, PLUGINS.replace("[gateway]\n", '[gateway]\nshadow = "candidate.toml"\n'))
    (tmp_path / "candidate.toml").write_text(RISKY)
    setup = load_setup(path, specs=specs(), environ=ENVIRON)
    assert [line for line in _remarks(setup) if UNLEARNED in line]


def test_check_reads_the_candidate_as_strictly_as_the_policy(place: Path) -> None:
    (place / "candidate.toml").write_text(POLICY.replace("none", "nothing"))
    code, _, errors = run(place, "check")
    assert code == 2
    assert "candidate.toml:3:" in errors
