"""Predicted escalation on a log of incidents that others kept: learned from the earlier ones, asked about the later ones.

An incident is known by what its first row says; whether it was escalated, by the rows after it. Baton learns as the gateway does,
each incident once and in order; beside it stands scikit-learn's logistic regression over the same features, where there is one.
"""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from gateway.model import Lesson
from routing.risk.learning import learned

#: Where the log is, below the test data that others wrote.
LOG: Final = Path("escalation/incident_event_log/incident_event_log.open.csv")
#: Share of the incidents, the earliest, that is learned from.
LEARNED: Final = 0.7
FLAGGED: Final = (0.1, 0.2, 0.3)
_UNKNOWN: Final = {"?", ""}
_WORDS: Final = ("contact_type", "category", "subcategory", "u_symptom", "assignment_group", "location")
_RANKS: Final = ("priority", "impact", "urgency")
_RESAMPLED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as it was first known, and what became of it."""

    features: tuple[str, ...]
    #: It was handed on to another group, or its priority was raised.
    escalated: bool
    #: It was not resolved in time.
    missed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How well scores foretell."""

    auc: float
    #: AUC of 95 % of the resampled test sets: from, to.
    spread: tuple[float, float]
    #: Of those that were escalated, the share among so many flagged, for each of `FLAGGED`.
    recall: tuple[float, ...]


def shared_data() -> Path:
    """Return where test data of others stands: beside the project, or where BATON_SHARED_DATA says."""
    return Path(os.environ.get("BATON_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def incidents(path: Path) -> list[Incident]:
    """Return the incidents of a log, by the time at which they were opened."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["number"], []).append(row)
    ordered = sorted(rows.values(), key=lambda each: (_opened(each[0]), each[0]["number"]))
    return [_incident(each) for each in ordered]


def _incident(rows: Sequence[dict[str, str]]) -> Incident:
    first, last = rows[0], rows[-1]
    opened = _opened(first)
    features = [f"{name}={first[name].casefold()}" for name in _WORDS if first[name] not in _UNKNOWN]
    features += [f"{name}={first[name][0]}" for name in _RANKS if first[name] not in _UNKNOWN]
    features += [
        f"weekday={opened.weekday()}",
        f"hour={opened.hour // 4 * 4:02d}",
        f"state={first['incident_state'].casefold()}",
    ]
    features.append(f"reassigned={min(3, int(first['reassignment_count']))}")
    features.append(f"has_agent={'no' if first['assigned_to'] in _UNKNOWN else 'yes'}")
    moved = int(last["reassignment_count"]) > int(first["reassignment_count"])
    raised = min(int(each["priority"][0]) for each in rows) < int(first["priority"][0])
    return Incident(features=tuple(features), escalated=moved or raised, missed=last["made_sla"] == "FALSE")


def _opened(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["opened_at"], "%d-%m-%Y %H:%M")  # noqa: DTZ007 (only its order and hour count)


def split(found: Sequence[Incident]) -> tuple[Sequence[Incident], Sequence[Incident]]:
    """Return the earlier incidents, and the later ones."""
    cut = int(LEARNED * len(found))
    return found[:cut], found[cut:]


def ours(earlier: Sequence[Incident], later: Sequence[Incident], came: Callable[[Incident], bool]) -> list[float]:
    """Return Baton's scores of the later incidents."""
    model = learned(None, [Lesson(features=each.features, escalated=came(each)) for each in earlier])
    return [model.probability(model.total(each.features)) for each in later]


def regression(
    earlier: Sequence[Incident], later: Sequence[Incident], came: Callable[[Incident], bool]
) -> list[float] | None:
    """Return the scores of scikit-learn's logistic regression (as it comes); None where it is not installed."""
    try:
        linear: Any = import_module("sklearn.linear_model")
        extraction: Any = import_module("sklearn.feature_extraction")
    except ImportError:
        return None
    columns = extraction.DictVectorizer()
    known = columns.fit_transform([dict.fromkeys(each.features, 1) for each in earlier])
    asked = columns.transform([dict.fromkeys(each.features, 1) for each in later])
    model = linear.LogisticRegression(max_iter=1000).fit(known, [came(each) for each in earlier])
    return [float(row[1]) for row in model.predict_proba(asked)]


def auc(scores: Sequence[float], came: Sequence[bool]) -> float:
    """Return how often one that was escalated has a higher score than one that was not; equal scores count half."""
    yes = [score for score, each in zip(scores, came, strict=True) if each]
    no = [score for score, each in zip(scores, came, strict=True) if not each]
    return sum((one > other) + (one == other) / 2 for one in yes for other in no) / (len(yes) * len(no))


def judged(scores: Sequence[float], came: Sequence[bool]) -> Judged:
    """Return how well scores foretold what came."""
    chance = random.Random(1)
    many: list[float] = []
    while len(many) < _RESAMPLED:
        drawn = chance.choices(range(len(came)), k=len(came))
        if len({came[each] for each in drawn}) > 1:
            many.append(auc([scores[each] for each in drawn], [came[each] for each in drawn]))
    many.sort()
    ranked = [each for _, each in sorted(zip(scores, came, strict=True), key=lambda pair: -pair[0])]
    return Judged(
        auc=auc(scores, came),
        spread=(many[_RESAMPLED // 40], many[-_RESAMPLED // 40]),
        recall=tuple(sum(ranked[: round(share * len(ranked))]) / sum(came) for share in FLAGGED),
    )


def measured(path: Path) -> list[tuple[str, int, int, Judged, Judged | None]]:
    """Return, for both meanings of escalated: its name, how many were asked about, how many it came true for, and both sides."""
    earlier, later = split(incidents(path))
    meanings: dict[str, Callable[[Incident], bool]] = {
        "handed on or raised": lambda each: each.escalated,
        "SLA missed": lambda each: each.missed,
    }
    found: list[tuple[str, int, int, Judged, Judged | None]] = []
    for name, came in meanings.items():
        truth = [came(each) for each in later]
        theirs = regression(earlier, later, came)
        found.append(
            (
                name,
                len(truth),
                sum(truth),
                judged(ours(earlier, later, came), truth),
                judged(theirs, truth) if theirs is not None else None,
            )
        )
    return found
