"""The life of an event in the log: one line for each thing that happened to it, with ids and nothing that anybody wrote."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.model import EffectKind
from gateway.telemetry.logs import configure_logs
from gateway.telemetry.redaction import Redaction
from tests.pipeline.world import World, stepping


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log into a text that can be read, and leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    out = io.StringIO()
    configure_logs(Redaction(["canary-secret"]), stream=out, terminal=False)
    yield out
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO, *events: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in found if line["event"] in events]


def decide(world: World) -> None:
    """Parse and apply everything that waits, and tell of it as the loops do."""
    parsing, applying = world.pipeline.parsing, world.pipeline.applying
    while (saved := parsing._turn(world.pipeline._parsing_sides())) is not None:
        world.pipeline._batch_saved(saved)
    while (batch := applying._turn()).applied or batch.dead:
        world.pipeline._batch_applied(batch)


async def test_an_event_is_told_from_its_delivery_to_the_vendor(tmp_path: Path, stream: io.StringIO) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "away")
        world.say("help, I am canary Anna")
        decide(world)
        await world.dispatch()
        (case,) = world.store.cases()
        effects = world.effects(EffectKind.HANDOFF)
        world.clock.advance(5)
        await world.dispatch()
    (parsed,) = lines(stream, "parsed")
    (decided,) = [line for line in lines(stream, "decided") if line["kind"] == "message"]
    assert (parsed["connection"], parsed["kind"], parsed["level"]) == ("line", "message", "info")
    assert parsed["activity_id"] == decided["activity_id"]
    assert (decided["case_id"], decided["result"], decided["rule"]) == (case.id, "escalate", "help")
    sent = [line for line in lines(stream, "sent", "not sent") if line["effect_id"] == effects[0].effect.id]
    assert [(line["attempt"], line["outcome"], line.get("reason")) for line in sent][:2] == [
        (1, "retry", "The vendor is away."),
        (2, "done", None),
    ]
    assert {line["case_id"] for line in sent} == {case.id}
    assert {line["connection"] for line in sent} == {"desk"}
    assert "canary" not in stream.getvalue()


async def test_no_line_of_an_event_is_left_out_in_a_storm(tmp_path: Path, stream: io.StringIO) -> None:
    async with stepping(tmp_path) as world:
        for number in range(60):
            world.say(thread=f"t{number}")
            decide(world)
    assert len({line["activity_id"] for line in lines(stream, "decided")}) == 60


async def test_each_new_dead_letter_is_a_warning_with_its_reason(tmp_path: Path, stream: io.StringIO) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "refuse")
        world.store.journal([world.entry(b"no message")])
        world.say("help")
        decide(world)
        await world.dispatch()
        letters = world.store.dead_letters()
        told = lines(stream, "a dead letter")
        assert {line["level"] for line in told} == {"warning"}
        assert {line["reason"] for line in told} == {letter.reason for letter in letters}
        assert {line["kind"] for line in told} >= {"delivery", "handoff"}


async def test_an_error_of_the_rules_is_a_warning_too(
    tmp_path: Path, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stepping(tmp_path) as world:

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("gateway.pipeline.applying.decide", broken)
        world.say()
        decide(world)
        (letter,) = world.store.dead_letters()
        (line,) = lines(stream, "a dead letter")
        assert (line["kind"], line["case_id"], line["reason"]) == ("activity", letter.case_id, letter.reason)


async def test_a_level_that_is_off_makes_no_lines(tmp_path: Path, stream: io.StringIO) -> None:
    logging.getLogger().setLevel("WARNING")
    async with stepping(tmp_path) as world:
        world.say("help")
        decide(world)
        await world.dispatch()
    assert stream.getvalue() == ""
