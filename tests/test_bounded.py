"""The guard against too much work cuts it off."""

from __future__ import annotations

import re
import signal

import pytest

from tests.bounded import TooMuchWorkError, bounded_work


def _for_ever() -> None:
    while True:
        pass


def test_a_loop_and_a_regular_expression_are_cut_off() -> None:
    with pytest.raises(TooMuchWorkError), bounded_work(0.05):
        _for_ever()
    with pytest.raises(TooMuchWorkError), bounded_work(0.05):
        re.search("(a+)+b", "a" * 200)


def test_what_is_done_in_time_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with bounded_work():
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 0
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    assert signal.getsignal(signal.SIGPROF) is before
