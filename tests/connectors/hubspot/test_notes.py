"""Notes of HubSpot and names of files: pure."""

from __future__ import annotations

import hashlib
from pathlib import Path

from connectors.hubspot import tickets
from connectors.hubspot.polled import plain
from connectors.hubspot.sandbox_state import LONGEST_NOTE
from gateway.sdk import (
    File,
)
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
