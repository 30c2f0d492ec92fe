"""What may stand in a log line, and what may not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import TemporaryFailure
from gateway.telemetry.logs import configure_logs, error_words
from gateway.telemetry.redaction import Redaction

SECRET = 'canary/s3cret+"quoted"'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log into a text that can be read, and leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    out = io.StringIO()
    configure_logs(Redaction([SECRET]), stream=out, terminal=False)
    yield out
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_ids(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("gateway.x").info("delivery refused", connection="support", case_id="c1", attempt=2)
    (line,) = lines(stream)
    assert line["event"] == "delivery refused"
    assert (line["connection"], line["case_id"], line["attempt"], line["level"]) == ("support", "c1", 2, "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "spelling", [SECRET, json.dumps(SECRET), repr(SECRET), "https://x/?q=canary%2Fs3cret%2B%22quoted%22"]
)
def test_no_spelling_of_a_secret_gets_through(stream: io.StringIO, spelling: str) -> None:
    structlog.stdlib.get_logger("gateway.x").warning(f"got {spelling}", detail={"deep": [spelling]})
    logging.getLogger("connectors.x").warning("got %s", spelling)
    assert "s3cret" not in stream.getvalue()
    assert len(lines(stream)) == 2


@pytest.mark.parametrize(
    "shape",
    [
        "xoxb-1234-abcdef",
        "Authorization: Bearer abcdefgh12345",
        "Basic dXNlcjpwYXNzd29yZA==",
        "postgresql://baton:hunter2@db/baton",
        "https://h/x?token=hunter2&y=1",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_shapes_that_secrets_have_are_cut_though_nobody_named_them(stream: io.StringIO, shape: str) -> None:
    logging.getLogger("x").warning("%s", shape)
    for part in ("hunter2", "abcdef", "dXNlcj"):
        assert part not in stream.getvalue()


def test_bodies_are_withheld_whoever_logs_them(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("gateway.x").info(
        "x", body="dear sir", text="hello", raw=b"bytes", nested={"payload": "more"}
    )
    for part in ("dear sir", "hello", "bytes withheld)x", "more"):
        assert part not in stream.getvalue()


def test_an_error_is_its_class_and_its_places(stream: io.StringIO) -> None:
    try:
        raise KeyError("what the customer wrote")
    except KeyError:
        structlog.stdlib.get_logger("gateway.x").exception("it broke", connection="support")
        logging.getLogger("library").exception("it broke too")
    ours, theirs = lines(stream)
    for line in (ours, theirs):
        assert line["error"] == "KeyError"
        assert any("test_logs.py" in place for place in line["error_at"])
    assert "what the customer wrote" not in stream.getvalue()


def test_our_own_sentences_are_kept() -> None:
    assert error_words(TemporaryFailure("the helpdesk is busy")) == "TemporaryFailure: the helpdesk is busy"
    assert error_words(FileNotFoundError(2, "No such file or directory", "/secret/path")) == (
        "FileNotFoundError: No such file or directory"
    )
    assert error_words(ValueError("what the customer wrote")) == "ValueError"
    assert error_words(ExceptionGroup("x", [ValueError("a"), TemporaryFailure("b")])) == (
        "ExceptionGroup: ValueError; TemporaryFailure: b"
    )


def test_noisy_libraries_speak_only_when_it_matters(stream: io.StringIO) -> None:
    for name in ("aiohttp.access", "slack_sdk.web", "urllib3.connectionpool", "zenpy.lib.api"):
        logging.getLogger(name).info("POST https://x/?q=everything")
    assert stream.getvalue() == ""


def test_a_storm_of_equal_lines_is_counted_instead_of_written(stream: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("gateway.x")
    for attempt in range(500):
        log.warning("vendor is away", attempt=attempt)
    log.warning("another thing")
    assert len(lines(stream)) == 21


def test_a_terminal_gets_friendly_lines_without_secrets() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    handlers = root.handlers
    try:
        configure_logs(Redaction([SECRET]), stream=out, terminal=True)
        structlog.stdlib.get_logger("gateway.x").info(f"hello {SECRET}", connection="support")
    finally:
        root.handlers = handlers
        structlog.reset_defaults()
    assert "support" in out.getvalue()
    assert "s3cret" not in out.getvalue()
    assert not out.getvalue().startswith("{")


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    redaction = Redaction([secret])
    cleaned = redaction.text(before + secret + after)
    assert secret not in cleaned or secret in before + "***" + after


def test_the_registry_shows_no_secret() -> None:
    assert SECRET not in repr(Redaction([SECRET]))


@pytest.mark.parametrize("terminal", [False, True])
def test_many_lines_of_one_record_are_each_a_line_without_secrets(terminal: bool) -> None:
    out = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logs(Redaction([SECRET]), stream=out, terminal=terminal)
        many = [{"case_id": f"c{number}", "reason": SECRET} for number in range(50)]
        logging.getLogger("baton.events").info("decided", extra={"lines": many})
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    written = out.getvalue().splitlines()
    assert len(written) == 50
    assert "s3cret" not in out.getvalue()
    assert all(f"c{number}" in line and "decided" in line for number, line in enumerate(written))
    if not terminal:
        line = json.loads(written[7])
        assert (line["event"], line["level"], line["logger"], line["case_id"]) == (
            *("decided", "info", "baton.events", "c7"),
        )
        assert line["timestamp"].endswith("Z")
