"""The states of a connection, in virtual time: how it comes up, falls, is tried again, and ends."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from typing import Any

import pytest

from gateway.host import connection as connection_module
from gateway.host.connection import IN_A_ROW, POLL
from gateway.host.registry import PluginError
from gateway.host.status import ConnectionState
from gateway.model import Channel, Mode
from gateway.sdk import PermanentFailure, TemporaryFailure
from tests.host.bench import Bench, breathe, running
from tests.host.troubled import Troubled

OK, DEGRADED, FAILED, REFUSED, ABSENT, CLOSED, STARTING = (
    ConnectionState.OK,
    ConnectionState.DEGRADED,
    ConnectionState.FAILED,
    ConnectionState.CREDENTIALS_REFUSED,
    ConnectionState.ABSENT,
    ConnectionState.CLOSED,
    ConnectionState.STARTING,
)


def longest(low: float, high: float) -> float:
    """Leave nothing to chance: each wait is as long as it may be."""
    return high


async def test_making_one_opens_nothing_and_says_that_it_starts() -> None:
    bench = Bench()
    assert bench.state is STARTING
    assert not bench.connection.ready
    assert bench.connection.source is not None, "what was journaled can be parsed while the vendor is away"
    assert bench.life.said == ["made 1"]


async def test_it_opens_and_is_checked_before_it_is_called_ok() -> None:
    async with running() as bench:
        assert bench.life.said == ["made 1", "open 1", "check 1"]
        assert bench.states == [OK]
        assert bench.connection.ready
        status = bench.connection.status
        assert (status.error, status.last_success_at) == ("", bench.clock.now())
        assert (status.name, status.connector, status.channel, status.mode) == (
            *("line", "troubled", Channel.CHAT, Mode.OBSERVE),
        )


async def test_one_that_never_worked_has_failed_and_one_that_did_is_degraded() -> None:
    async with running("away") as bench:
        assert bench.states == [FAILED]
        assert bench.connection.status.error == "The vendor is away."
        never = bench.connection.status
        assert never.last_success_at is None
        bench.life.trouble = ""
        await bench.pass_time(130)
        assert bench.states == [FAILED, OK]
        assert bench.connection.status.error == ""
        worked = bench.connection.status.last_success_at
        assert worked is not None
        bench.life.trouble = "away"
        bench.connection.refused("The token was withdrawn.")
        await bench.pass_time(61)
        assert bench.connection.status.last_success_at == worked
        assert bench.states == [FAILED, OK, REFUSED, DEGRADED]


async def test_it_is_tried_again_later_and_later_and_always_with_a_new_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", longest)
    async with running("away") as bench:
        begun, tries = bench.clock.now(), [0]
        for _ in range(400):
            seen = bench.opened
            await bench.pass_time(1)
            tries += [(bench.clock.now() - begun) // 1_000_000] * (bench.opened - seen)
        gaps = [later - earlier for earlier, later in pairwise(tries)]
        assert gaps[:6] == [1, 2, 4, 8, 16, 32]
        assert set(gaps[6:]) == {60}
        assert bench.life.made in {bench.opened, bench.opened + 1}
        # The old object is closed when the new one is made: never two open at once, and none forgotten.
        closed = [word for word in bench.life.said if word.startswith("close")]
        assert closed == [f"close {number}" for number in range(1, len(closed) + 1)]
        assert len(closed) >= bench.opened - 1


async def test_waits_differ_by_chance() -> None:
    """A hundred connections to one vendor that was away must not come back in the same second."""
    async with running("away") as bench:
        begun: list[int] = []
        for _ in range(600):
            seen = bench.opened
            await bench.pass_time(1)
            begun += [bench.clock.now()] * (bench.opened - seen)
        gaps = {later - earlier for earlier, later in pairwise(begun)}
        assert len(gaps) > 5


async def test_after_it_worked_it_is_tried_soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting begins anew after each success: an old series of failures is no reason to wait a minute now."""
    monkeypatch.setattr("random.uniform", longest)
    async with running("away", stream=True) as bench:
        await bench.pass_time(100)
        bench.life.trouble = "listen"
        await bench.pass_time(60)
        assert OK in bench.states
        bench.life.said.clear()
        await bench.pass_time(2)
        assert bench.opened >= 1


async def test_refused_credentials_are_tried_rarely_and_nothing_is_sent_meanwhile() -> None:
    async with running("login") as bench:
        assert bench.state is REFUSED
        assert not bench.connection.ready
        assert bench.connection.status.error == "The vendor does not accept the token."
        await bench.pass_time(59)
        assert bench.opened == 1
        await bench.pass_time(3600 - 59, step=10)
        # 1, 2, 4, 8, then 15 minutes: five times in an hour, where an account may be locked after ten.
        assert 4 <= bench.opened <= 8
        bench.life.trouble = ""
        await bench.pass_time(900, step=10)
        assert bench.state is OK


async def test_credentials_refused_in_a_call_hold_the_connection_at_once() -> None:
    async with running() as bench:
        bench.connection.refused("The vendor does not accept the token any more.")
        assert not bench.connection.ready
        assert bench.connection.status.error == "The vendor does not accept the token any more."
        await bench.pass_time(58)
        assert bench.opened == 1
        await bench.pass_time(3)
        assert bench.opened == 2
        assert bench.state is OK


async def test_credentials_refused_in_a_call_start_a_stream_anew_as_well() -> None:
    async with running(stream=True) as bench:
        await breathe()
        bench.connection.refused("The vendor does not accept the token any more.")
        await bench.pass_time(58)
        assert (bench.opened, bench.state) == (1, REFUSED)
        await bench.pass_time(3)
        assert (bench.opened, bench.state) == (2, OK)


async def test_a_reload_does_not_wait() -> None:
    async with running("login") as bench:
        bench.life.trouble = ""
        bench.connection.hurry()
        await breathe()
        assert bench.state is OK
        assert bench.clock.monotonic() == 0


async def test_a_reload_of_a_connection_in_order_shortens_no_later_wait() -> None:
    async with running() as bench:
        bench.connection.hurry()
        await breathe()
        bench.connection.refused("The token was withdrawn.")
        await bench.pass_time(58)
        assert bench.opened == 1


async def test_one_that_hangs_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "OPEN_TIMEOUT", 0.02)
    async with running("hang") as bench:
        async with asyncio.timeout(60):
            while bench.state is not FAILED:
                await asyncio.sleep(0.01)
        assert bench.connection.status.error == "TimeoutError"
        bench.life.trouble = ""
        await bench.pass_time(3)
        assert bench.state is OK


@pytest.mark.parametrize("trouble", ["open", "check", "listen"])
async def test_a_bug_of_a_connector_is_a_failure_like_any_other(trouble: str) -> None:
    async with running(trouble, stream=True) as bench:
        assert bench.connection.status.error == f"a bug of theirs in {trouble}"
        assert bench.state is (DEGRADED if trouble == "listen" else FAILED)
        bench.life.trouble = ""
        await bench.pass_time(3)
        assert bench.state is OK


async def test_a_bug_while_closing_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with running("away") as bench:
        bench.life.trouble = "close"
        await bench.pass_time(3)
        assert bench.state is OK
    assert bench.state is CLOSED
    assert [record for record in caplog.records if getattr(record, "action", "") == "close_failed"]


async def test_a_stream_that_ends_is_opened_anew() -> None:
    async with running("ends", stream=True) as bench:
        await bench.pass_time(30)
        assert bench.opened > 2
        bench.life.trouble = "read"
        await bench.pass_time(61)
        assert bench.emitted == [b"frame"]
        assert bench.state is OK


async def test_a_stream_is_not_listened_to_without_somebody_to_hand_deliveries_to() -> None:
    async with running("read") as bench:
        assert not [word for word in bench.life.said if word.startswith("listen")]
        assert bench.state is OK


async def test_each_change_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A vendor that is away for a night must not fill the log."""
    caplog.set_level(logging.INFO, "baton.host")
    async with running("away") as bench:
        await bench.pass_time(900, step=5)
        bench.life.trouble = ""
        await bench.pass_time(61)
    said = [getattr(record, "state", "") for record in caplog.records if record.name == "baton.host"]
    assert said == ["failed", "ok", "closed"]


async def test_one_that_cannot_be_made_is_absent_and_not_tried() -> None:
    bench = Bench("made")
    assert bench.state is ABSENT
    assert bench.connection.status.error == "connector troubled failed when it was made: ZeroDivisionError"
    assert (bench.connection.webhook, bench.connection.source, bench.connection.ready) == (None, None, False)
    await bench.connection.run()
    with pytest.raises(PluginError, match="failed when it was made"):
        async with bench.connection.calling():
            pass
    await bench.connection.close()


async def test_one_that_cannot_be_made_anew_is_absent_and_its_closed_object_is_left_alone() -> None:
    """`open` is for new objects: a closed one may do anything."""
    async with running("away") as bench:
        bench.life.trouble = "made"
        await bench.pass_time(200)
        assert bench.life.said == ["made 1", "open 1", "made 2", "close 1"]
        assert bench.state is ABSENT
        assert bench.connection.status.error == "connector troubled failed when it was made: ZeroDivisionError"
        assert bench.connection.source is None


async def test_closing_waits_for_the_call_in_work() -> None:
    async with running() as bench:
        told: list[str] = []
        async with asyncio.TaskGroup() as group:
            async with bench.connection.calling():
                closing = group.create_task(bench.connection.close())
                await breathe()
                assert not closing.done()
                assert not [word for word in bench.life.said if word.startswith("close")]
                told.append("written")
            await closing
        assert told == ["written"]
        assert bench.life.said[-1] == "close 1"
        assert bench.state is CLOSED


async def test_a_call_in_work_ends_on_the_object_it_began_on() -> None:
    """A stream that broke is no reason to cut off a write: its outcome would be unknown for nothing."""
    async with running() as bench:
        async with bench.connection.calling() as connector:
            bench.connection.refused("The token was withdrawn.")
            await bench.pass_time(1000, step=10)
            assert isinstance(connector, Troubled)
            assert f"close {connector.number}" not in bench.life.said
        await bench.pass_time(61)
        assert "close 1" in bench.life.said


async def test_closing_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as bench, bench.connection.calling():
        await bench.connection.close(grace=0.02)
        assert bench.state is CLOSED
    assert [record for record in caplog.records if getattr(record, "action", "") == "connection_closed_busy"]


async def test_closing_twice_is_safe_and_nothing_can_be_called_afterwards() -> None:
    async with running() as bench:
        await bench.connection.close()
        await bench.connection.close()
        with pytest.raises(PluginError):
            async with bench.connection.calling():
                pass


async def test_a_new_mode_needs_no_new_connection() -> None:
    async with running() as bench:
        bench.connection.set_mode(Mode.LIVE)
        assert bench.connection.status.mode is Mode.LIVE
        assert bench.life.made == 1


async def test_the_host_side_frees_its_session_and_its_threads() -> None:
    async with running() as bench:
        host: Any = bench.life.host
        session = host.http
        assert host.http is session
        assert await host.run_blocking(lambda: 7) == 7
    assert session.closed
    assert host._threads is None


AWAY = TemporaryFailure("The vendor is away.")


async def test_one_whose_calls_fail_in_a_row_is_degraded_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as bench:
        caplog.clear()  # that it opened is heard, too, where an earlier test has the loggers tell of what is well
        for _ in range(IN_A_ROW - 1):
            bench.connection.failed(AWAY)
        assert (bench.state, bench.connection.status.error) == (OK, "The vendor is away.")
        with caplog.at_level(logging.INFO, "baton.host"):
            bench.connection.failed(AWAY)
            bench.connection.failed(TemporaryFailure("It is still away."))
            assert (bench.state, bench.connection.status.error) == (DEGRADED, "It is still away.")
            assert bench.connection.ready, "only a call can show that it works again"
            bench.clock.advance(5)
            bench.connection.succeeded()
        status = bench.connection.status
        assert (status.state, status.error, status.last_success_at) == (OK, "", bench.clock.now())
        said = [(record.levelname, record.__dict__["state"], record.__dict__["error"]) for record in caplog.records]
        assert said == [("WARNING", "degraded", "The vendor is away."), ("INFO", "ok", "")]


async def test_what_works_in_between_begins_the_count_anew() -> None:
    async with running() as bench:
        for _ in range(3 * IN_A_ROW):
            bench.connection.failed(AWAY)
            bench.connection.failed(PermanentFailure("It does not take this one."))
            bench.connection.succeeded()
        assert bench.states == [OK]


async def test_what_the_vendor_does_not_take_is_no_sign_that_it_is_down() -> None:
    async with running() as bench:
        for _ in range(2 * IN_A_ROW):
            bench.connection.failed(PermanentFailure("It does not take this one."))
        assert (bench.states, bench.connection.status.error) == ([OK], "")


async def test_what_comes_in_is_a_success_and_mends_no_way_out() -> None:
    async with running() as bench:
        for _ in range(IN_A_ROW):
            bench.connection.failed(AWAY)
        bench.clock.advance(5)
        bench.connection.heard()
        bench.connection.succeeded(POLL)
        assert (bench.state, bench.connection.status.last_success_at) == (DEGRADED, bench.clock.now())


async def test_an_error_of_no_contract_is_told_by_its_kind_alone() -> None:
    async with running() as bench:
        bench.connection.failed(ValueError("what the customer wrote"))
        assert bench.connection.status.error == "The connector raised what no connector may raise (ValueError)."
        bench.connection.failed(TimeoutError())
        assert bench.connection.status.error == "No answer came in time."


async def test_one_that_fell_and_came_back_has_forgotten_what_failed() -> None:
    async with running() as bench:
        for _ in range(IN_A_ROW):
            bench.connection.failed(AWAY)
        bench.connection.refused("The token was withdrawn.")
        assert (bench.state, bench.connection.status.error) == (REFUSED, "The token was withdrawn.")
        await bench.pass_time(61)
        assert (bench.state, bench.connection.status.error) == (OK, "")
