"""SG-11, predicted escalation on a log that others kept: learned from the earlier incidents, asked about the later ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import risk


@pytest.fixture
def log(reference: Path) -> Path:
    path = reference / "escalation" / "incident_event_log" / "incident_event_log.open.csv"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return path


def test_what_is_escalated_later_is_foretold(log: Path) -> None:
    for name, asked, came, ours, theirs in risk.measured(log):
        beside = f"logistic regression {theirs.auc:.3f}" if theirs is not None else "scikit-learn is not installed"
        recall = ", ".join(f"{each:.2f}" for each in ours.recall)
        print(f"{name}: {came} of {asked}, AUC {ours.auc:.3f} ({beside}), recall at 10, 20, 30 % flagged {recall}")
        assert asked > 100
        assert ours.auc >= 0.70
        assert all(share > flagged for share, flagged in zip(ours.recall, risk.FLAGGED, strict=True))
        if theirs is not None:
            assert ours.auc >= theirs.auc - 0.05


def test_the_split_is_by_time_and_nothing_of_the_outcome_is_known_beforehand(log: Path) -> None:
    found = risk.incidents(log)
    earlier, later = risk.split(found)
    assert [*earlier, *later] == found
    known = {each.partition("=")[0] for incident in found for each in incident.features}
    assert not known & {
        "made_sla",
        "closed_code",
        "resolved_by",
        "resolved_at",
        "closed_at",
        "sys_mod_count",
        "caller_id",
    }
