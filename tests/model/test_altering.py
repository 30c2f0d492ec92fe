"""Altered values are what their fields say, and what was altered stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, fields

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
def test_an_altered_activity_differs_in_what_was_named_and_in_nothing_else(changes: dict[str, Any]) -> None:
    assert asdict(altered(_ACTIVITY, **changes)) == asdict(_ACTIVITY) | changes


def test_what_was_altered_stays_as_it_was_and_the_copy_is_frozen() -> None:
    other = altered(_ACTIVITY, thread="u")
    assert (_ACTIVITY.thread, other.thread) == ("t", "u")
    with pytest.raises(AttributeError):
        other.thread = "v"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_a_field_that_is_not_there_is_refused() -> None:
    wrong: dict[str, Any] = {"treahd": "u"}
    with pytest.raises(TypeError, match="treahd"):
        altered(_ACTIVITY, **wrong)


def test_cases_can_be_altered() -> None:
    case = Case(id="c", opened_at=1, last_activity_at=1, connection="support", channel=Channel.CHAT)
    resolved = altered(case, status=CaseStatus.RESOLVED)
    assert (resolved.status, resolved.id, resolved.channel) == (CaseStatus.RESOLVED, "c", Channel.CHAT)
