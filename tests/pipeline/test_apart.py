"""Parsing in a process of its own: whatever a delivery does costs only that delivery."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConnectionConfig
from gateway.model import Channel, Mode
from gateway.pipeline.apart import Apart
from gateway.pipeline.child import Order
from gateway.sdk import Capabilities, ConnectorSpec, Delivery
from gateway.store.ports import ParsedDelivery, StoredDelivery
from gateway.testing.host import FakeHost
from tests.pipeline.greedy import Greedy, GreedySettings
from tests.pipeline.world import World, stepping


def order(body: bytes, number: int = 1) -> Order:
    delivery = Delivery(
        connection="line", endpoint="", received_at=5, method="FRAME", url="", headers=(("X-A", "b"),), body=body
    )
    return Order(
        stored=StoredDelivery(id=number, lane="l", delivery=delivery, attempts=0), channel=Channel.CHAT, most=10
    )


def said(text: str, **more: Any) -> bytes:
    return json.dumps({"text": text, **more}).encode()


@pytest.fixture
def apart() -> Iterator[Apart]:
    made = Apart("line", patience=20.0, cpu=2.0)
    yield made
    made.close()


@pytest.fixture
def source() -> Greedy:
    return Greedy(GreedySettings(), FakeHost())


def text_of(parsed: ParsedDelivery) -> str:
    assert parsed.unreadable is None
    ((_, activity),) = parsed.activities
    return activity.text


def process_of(parsed: ParsedDelivery) -> str:
    return text_of(parsed).rpartition(" ")[2]


def test_deliveries_are_parsed_in_order_and_in_one_other_process(apart: Apart, source: Greedy) -> None:
    done = apart.parse(source, [order(said(f"n{number}"), number) for number in range(300)])
    assert [each.id for each in done] == list(range(300))
    assert [text_of(each).split()[1] for each in done] == [f"n{number}" for number in range(300)]
    assert {process_of(each) for each in done} != {str(os.getpid())}
    assert process_of(apart.parse(source, [order(said("later"))])[0]) == process_of(done[0])
    assert apart.started == 1


def test_what_is_larger_than_a_pipe_goes_both_ways_without_a_standstill(apart: Apart, source: Greedy) -> None:
    done = apart.parse(source, [order(said("x" * 150_000 + str(number)), number) for number in range(12)])
    assert [len(text_of(each)) > 150_000 for each in done] == [True] * 12


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (b"spin", "Reading the delivery takes more than 2 seconds of processor time."),
        (b"spin in C", "Reading the delivery takes more than 2 seconds of processor time."),
        (b"eat", "Reading the delivery takes more than 256 MB of memory."),
        (b"leave", "The process that read the delivery ended (code 3)"),
        (b"crash", "The process that read the delivery ended by signal 11"),
        (b"deep", "The connector's parser failed (RecursionError"),
        (b"no json", "It is not JSON."),
        (b"print", "It is not JSON."),
        (b"ask", "The connector's parser failed (RuntimeError"),
        (said("a", half="\ud800"), "The connector's parser made a value that cannot be kept (UnicodeEncodeError)"),
    ],
)
def test_a_hostile_delivery_is_a_dead_letter_with_a_sentence_and_the_others_go_on(
    apart: Apart, source: Greedy, word: bytes, reason: str
) -> None:
    before = time.process_time()
    done = apart.parse(source, [order(said("before"), 1), order(word, 2), order(said("after"), 3)])
    assert [each.id for each in done] == [1, 2, 3]
    assert text_of(done[0]).startswith("said before")
    assert text_of(done[2]).startswith("said after")
    assert done[1].unreadable is not None
    assert done[1].unreadable.startswith(reason)
    assert not done[1].activities
    assert time.process_time() - before < 3, "the parent must wait, not work"


def test_one_that_sleeps_is_ended_by_the_clock(source: Greedy) -> None:
    apart = Apart("line", patience=1.0)
    try:
        apart.parse(source, [order(said("warm"))])
        done = apart.parse(source, [order(b"sleep", 1), order(said("after"), 2)])
        assert done[0].unreadable == "Reading the delivery took longer than 1 seconds."
        # The sleeper would have slept for ten minutes.
        assert text_of(done[1]).startswith("said after")
    finally:
        apart.close()


def test_a_process_that_has_grown_is_replaced_and_nobody_is_blamed(apart: Apart, source: Greedy) -> None:
    done = apart.parse(source, [order(b"swell", 1), *(order(said(f"n{number}"), number) for number in range(2, 30))])
    assert done[0].unreadable == "It is not JSON."
    assert [text_of(each).split()[1] for each in done[1:]] == [f"n{number}" for number in range(2, 30)]
    assert apart.started == 2


def test_new_settings_parse_in_a_new_process(apart: Apart) -> None:
    first = apart.parse(Greedy(GreedySettings(), FakeHost()), [order(said("a"))])
    second = apart.parse(Greedy(GreedySettings(opening="heard"), FakeHost()), [order(said("a"))])
    assert (text_of(first[0]).split()[0], text_of(second[0]).split()[0]) == ("said", "heard")
    assert process_of(first[0]) != process_of(second[0])


def test_secrets_of_the_environment_stay_with_the_parent(
    apart: Apart, source: Greedy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_TEST_SECRET", "hunter2")
    ((_, activity),) = apart.parse(source, [order(said("a"))])[0].activities
    assert activity.extras["secret"] == "none"


def test_a_source_that_cannot_be_sent_there_is_said_so(apart: Apart) -> None:
    class Local(Greedy):
        pass

    (done,) = apart.parse(Local(GreedySettings(), FakeHost()), [order(said("a"))])
    assert done.unreadable is not None
    assert done.unreadable.startswith("The connector cannot be taken into a process of its own")


def test_closing_is_safe_twice_and_the_next_delivery_starts_another(apart: Apart, source: Greedy) -> None:
    first = apart.parse(source, [order(said("a"))])
    apart.close()
    apart.close()
    assert process_of(apart.parse(source, [order(said("b"))])[0]) != process_of(first[0])


class _Bounded(World):
    """A world whose line is parsed apart."""

    def _load(self, spec: Any) -> Any:
        return Greedy if spec.name == "greedy" else super()._load(spec)

    def configs(self) -> list[ConnectionConfig]:
        spec = ConnectorSpec(
            name="greedy",
            title="Greedy",
            channels=frozenset({Channel.CHAT}),
            settings=GreedySettings,
            factory="",
            capabilities=Capabilities(parse_apart=True),
        )
        line = ConnectionConfig(
            name="line",
            channel=Channel.CHAT,
            spec=spec,
            mode=Mode.LIVE,
            enabled=True,
            renamed_from=None,
            settings=GreedySettings(),
        )
        return [line, *(each for each in super().configs() if each.name != "line")]


async def test_the_pipeline_keeps_lane_order_and_the_bytes_of_what_ended_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.pipeline.world.World", _Bounded)
    async with stepping(tmp_path) as world:
        bodies = [said("one"), b"leave", said("two"), said("three")]
        world.store.journal([world.entry(body, lane="t") for body in bodies])
        world.decide()
        texts = [
            applied.activity.text.split()[1]
            for history in world.histories()
            for applied in history.activities
            if applied.activity.text
        ]
        assert texts == ["one", "two", "three"]
        (letter,) = world.store.dead_letters()
        assert letter.reason.startswith("The process that read the delivery ended (code 3)")
        detail = world.store.dead_letter(letter.id)
        assert detail is not None
        assert detail.delivery is not None
        assert detail.delivery.delivery.body == b"leave"
