"""Altered values are what `dataclasses.replace` makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Activity, ActivityKind, Case, CaseStatus, Channel, altered

_ACTIVITY = Activity(
    kind=ActivityKind.MESSAGE,
    connection="support",
    thread="t",
    dedupe="d",
    occurred_at=1,
    received_at=2,
    channel=Channel.CHAT,
    sender=None,
)
_NAMES = [each.name for each in fields(Activity)]


@given(st.dictionaries(st.sampled_from(_NAMES), st.integers()))
def test_an_altered_activity_is_what_replace_makes(changes: dict[str, Any]) -> None:
    assert altered(_ACTIVITY, **changes) == replace(_ACTIVITY, **changes)


def test_what_was_altered_stays_as_it_was_and_the_copy_is_frozen() -> None:
    other = altered(_ACTIVITY, thread="u")
    assert (_ACTIVITY.thread, other.thread) == ("t", "u")
    with pytest.raises(FrozenInstanceError):
        other.thread = "v"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_a_field_that_is_not_there_is_refused() -> None:
    wrong: dict[str, Any] = {"treahd": "u"}
    with pytest.raises(TypeError, match="Activity has no field treahd"):
        altered(_ACTIVITY, **wrong)


def test_a_value_that_checks_itself_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        number: int

        def __post_init__(self) -> None:
            assert self.number > 0

    with pytest.raises(TypeError, match="Checked"):
        altered(Checked(1), number=-1)


def test_cases_can_be_altered() -> None:
    case = Case(id="c", opened_at=1, last_activity_at=1, connection="support", channel=Channel.CHAT)
    assert altered(case, status=CaseStatus.RESOLVED) == replace(case, status=CaseStatus.RESOLVED)
