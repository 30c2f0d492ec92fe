"""What the drawings say of severity, sensitive cases, mutes and templates."""

from __future__ import annotations

from collections.abc import Iterable

from routing.policy import Policy
from routing.precautions import Mute, Sensitivity
from routing.severity_values import LEVELS
from routing.shown import instant_of

#: The head of a table, and its rows.
Grid = tuple[tuple[str, ...], list[tuple[str, ...]]]


def severity(policy: Policy) -> Grid | None:
    """Return the matrix: a row for each impact, a column for each urgency; None when there is none."""
    if policy.severity is None:
        return None
    down = tuple(reversed(LEVELS))
    matrix = policy.severity.matrix
    rows = [(f"impact {impact}", *(matrix[impact, urgency].value for urgency in down)) for impact in down]
    return ("", *(f"urgency {urgency}" for urgency in down)), rows


def boosted(policy: Policy) -> str:
    """Return in a sentence whose cases are more severe; empty for nobody's."""
    if policy.severity is None or not policy.severity.boost:
        return ""
    return f"One class more for customers whose tier or tag is one of: {', '.join(sorted(policy.severity.boost))}."


def sensitive(policy: Policy) -> Grid | None:
    """Return what is sensitive, and where it goes."""
    rows: list[tuple[str, ...]] = [(each.name, _when(each), each.group) for each in policy.sensitivities]
    return (("Sensitive", "When", "Private group"), rows) if rows else None


def mutes(policy: Policy) -> Grid | None:
    """Return which notices are held."""
    rows: list[tuple[str, ...]] = [
        (
            each.id,
            _when(each) or "every case",
            ", ".join(sorted(each.rules)) or "all",
            instant_of(each.until),
            f"{each.author}: {each.reason}",
        )
        for each in policy.mutes
    ]
    return (("Mute", "Cases", "Rules", "Until", "Why"), rows) if rows else None


def _when(of: Sensitivity | Mute) -> str:
    parts: list[str] = [each.source for each in of.all]
    if of.any:
        parts.append(f"one of {_listed(each.source for each in of.any)}")
    return "; ".join(parts)


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)
