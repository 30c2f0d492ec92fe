"""Why a gateway is not ready: what `baton status` and the log say of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from gateway.cli.commands import baton
from gateway.clock import SystemClock
from gateway.store import StoreUnavailable
from tests.app.gateways import quiet, running


class Ahead(SystemClock):
    """Lets the second pass in which an answer is believed."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def disk_with(free: float) -> Callable[[object], SimpleNamespace]:
    return lambda _: SimpleNamespace(total=1_000_000, free=int(1_000_000 * free))


async def test_a_full_disk_is_told_with_its_figure_and_the_key_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ahead()
    async with running(tmp_path, clock=clock) as (gateway, knocker):
        with capture_logs() as lines:
            monkeypatch.setattr(shutil, "disk_usage", disk_with(0.013))
            for _ in range(3):
                clock.ahead += 2
                assert (await knocker.get("/readyz"))[0] == 503
            status = await gateway.operate("status", {})
            assert status["obstacles"] == ["disk"]
            (reason,) = status["reasons"]
            for part in ("1.3%", "2.0%", "gateway.limits.disk_free", "make room"):
                assert part in reason
            monkeypatch.setattr(shutil, "disk_usage", disk_with(0.5))
            clock.ahead += 2
            assert (await knocker.get("/readyz"))[0] == 200
        told = [
            (line["log_level"], line.get("obstacles"), line.get("reason")) for line in lines if "ready" in line["event"]
        ]
        assert told == [("warning", ["disk"], reason), ("info", None, None)]


async def test_a_store_that_is_away_is_told_with_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Ahead()
    async with running(tmp_path, clock=clock) as (gateway, _):

        def away() -> None:
            raise StoreUnavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(gateway.store, "pauses", away)
            clock.ahead += 2
            assert dict(await gateway.readiness.obstacles()) == {"store": "The store cannot be asked: the disk is full"}


def test_the_command_prints_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = (
        "deliveries",
        "deliveries_pending",
        "activities",
        "activities_pending",
        "dead_letters_open",
        "unaccounted",
    )
    answer: dict[str, object] = {
        "obstacles": ["disk"],
        "reasons": ["1.3% of the disk is free: make room."],
        "listening": "x",
        "public_url": "y",
        "store": "sqlite",
        "connections": [],
        "pauses": {},
        "accounts": dict.fromkeys(counts, 0),
    }

    def ask(*_: object) -> dict[str, object]:
        return answer

    monkeypatch.setattr("gateway.cli.status.ask", ask)
    (tmp_path / "plugins.toml").write_text("[gateway]\n")
    result = CliRunner().invoke(baton, ["status", "--config", str(tmp_path / "plugins.toml")])
    assert result.exit_code == 0, result.output
    assert "not ready: disk" in result.output
    assert "1.3% of the disk is free: make room." in result.output


async def test_what_operators_do_stands_in_the_log_without_their_words(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        await knocker.send(b"rubbish")
        await quiet(gateway)
        (letter,) = gateway.store.dead_letters()
        with capture_logs() as lines:
            await gateway.operate("pause", {"scope": "all", "actor": "cli:anna", "reason": "canary"})
            await gateway.operate("resume", {"scope": "all", "actor": "cli:anna"})
            await gateway.operate("dead-letter-discard", {"id": letter.id, "actor": "cli:anna", "reason": "canary"})
        told = [line for line in lines if line["event"] == "an operator acted"]
        assert [(line["action"], line["actor"]) for line in told] == [
            ("pause", "cli:anna"),
            ("resume", "cli:anna"),
            ("dead-letter-discard", "cli:anna"),
        ]
        assert (told[0]["scope"], told[1]["was_paused"], told[2]["id"]) == ("all", True, letter.id)
        assert "canary" not in repr(lines)
