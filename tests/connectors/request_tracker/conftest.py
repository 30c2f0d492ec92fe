"""The running RT that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.facilities import MissingFacilityError, start_rt
from tests.running_rt import RunningRT


@pytest.fixture(scope="session")
def _rt() -> Iterator[RunningRT | str]:
    try:
        rt = start_rt()
    except MissingFacilityError as problem:
        yield str(problem)
    else:
        yield rt
        rt.close()


@pytest.fixture
def running_rt(_rt: RunningRT | str) -> RunningRT:
    """Debian's Request Tracker, running."""
    if not isinstance(_rt, RunningRT):
        missing("rt", _rt)
        raise AssertionError  # noqa: TRY004 (missing() has already ended the test)
    return _rt
