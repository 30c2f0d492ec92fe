"""Notes of HubSpot and names of files: pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.hubspot import tickets
from connectors.hubspot.events import Account
from connectors.hubspot.polled import parse_polled, plain
from connectors.hubspot.sandbox_state import LONGEST_NOTE
from gateway.sdk import File, UnreadableDelivery
from gateway.testing.source_contract import read_delivery
from tests.bounded import bounded_work
from tests.connectors.hubspot.desk import entry, handoff, packet


# --- pure parts ------------------------------------------------------------------------------------------------------
def test_the_note_reads_as_it_did() -> None:
    """The note is what agents see: it changes on purpose only."""
    golden = Path(__file__).with_name("note.html")
    assert tickets.note_html(handoff()) + "\n" == golden.read_text(encoding="utf-8")


def test_a_note_of_any_length_fits_and_keeps_its_reference() -> None:
    for text in ("x" * 400_000, "&<>" * 60_000, "\n\n\n" * 40_000, "ü€" * 90_000):
        body = tickets.note_html(handoff(packet=packet(transcript=(entry(text), entry("the end")))))
        assert len(body) <= LONGEST_NOTE
        assert tickets.key_of(body) == "k"
        assert "the end" in body


def test_nobody_can_write_a_tag_or_pass_for_another_reference() -> None:
    said = "<img src=x onerror=y> <!-- --> </p>\n\nBaton reference other"
    body = tickets.note_html(handoff(packet=None, entries=(entry(said),)))
    assert tickets.key_of(body) == "k"
    assert "<img" not in body
    assert "<!--" not in body
    assert plain(body).startswith("2026-01-01")


def test_a_name_of_a_file_is_kept_apart_by_its_content() -> None:
    one, two = (File(name="a.pdf", sha256=hashlib.sha256(each).hexdigest()) for each in (b"1", b"2"))
    assert tickets.upload_name(one) != tickets.upload_name(two)
    assert tickets.upload_name(one) == tickets.upload_name(one)


@given(st.text(alphabet=st.sampled_from("<>![]-/ab &;#x0\n\"'=?"), max_size=300))
def test_any_html_is_read(body: str) -> None:
    assert isinstance(plain(body), str)


def test_capitals_that_grow_shift_nothing() -> None:
    assert plain("<p>İİİİ</p><STYLE>x</STYLE><p>end</p>") == "İİİİ\n\nend"


def test_html_that_is_broken_on_purpose_takes_no_time() -> None:
    for body in (
        "<![x[" * 50_000,
        "<a " * 100_000,
        "<!--" * 100_000,
        "<" * 300_000,
        "&#" * 150_000,
        "<p>" * 100_000,
        "<style>" * 50_000,
    ):
        with bounded_work():
            plain(body)


def _mutated(value: Any, data: st.DataObject) -> Any:
    """Return a JSON value with something in it replaced by something else."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _mutated(value[at], data), *value[at + 1 :]]
    return data.draw(
        st.sampled_from([None, True, 0, -1, 1 << 80, "", "x", "\ud800", "9999-99-99", [], [1], {}, {"id": 1}])
    )


@settings(max_examples=300)
@given(st.data())
def test_whatever_a_poll_hands_in_is_events_or_unreadable(data: st.DataObject) -> None:
    path = Path(__file__).with_name("deliveries") / "whole_ticket_from_the_poll.delivery.json"
    delivery = read_delivery(path)
    body = json.dumps(_mutated(json.loads(delivery.body), data)).encode()
    account = Account(portal_id=1, app_id=2, stages={})
    try:
        events = list(parse_polled(replace(delivery, body=body), account))
    except UnreadableDelivery:
        return
    assert all(event.thread and event.dedupe for event in events)
