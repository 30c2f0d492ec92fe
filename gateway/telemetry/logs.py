"""Log lines: JSON on standard error, friendly on a terminal; ids and no bodies; libraries routed through.

An error is logged as its class and the places it went through. Its message is kept only where the error is one of ours
or the system's: a library's message may quote what a customer wrote.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec
import structlog

if TYPE_CHECKING:
    from types import TracebackType

    from gateway.telemetry.redaction import Redaction

#: Libraries whose INFO lines name URLs, headers or bodies.
_NOISY: Final = ("aiohttp", "slack_sdk", "slack_bolt", "urllib3", "requests", "zenpy", "asyncio", "psycopg", "alembic")

_LONGEST: Final = 2_000
_REPEATS: Final = 20
_WINDOW: Final = 60.0
_FRAMES: Final = 12
_JSON: Final = msgspec.json.Encoder(enc_hook=str)
_IN_FRONT: Final = frozenset({"timestamp", "level", "event"})


def configure_logs(
    redaction: Redaction, *, level: str = "INFO", stream: TextIO | None = None, terminal: bool | None = None
) -> None:
    """Route every log line of this process through one handler. Called once, by whoever owns the process."""
    out = stream if stream is not None else sys.stderr
    friendly = out.isatty() if terminal is None else terminal
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=friendly, exception_formatter=structlog.dev.plain_traceback)
        if friendly
        else structlog.processors.JSONRenderer(sort_keys=False, default=str)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _describe_error,
            _Redact(redaction),
            renderer,
        ],
        # The text of the error is made by `_describe_error`, never by the standard formatter.
        keep_exc_info=False,
        keep_stack_info=False,
    )
    handler = _Handler(out, redaction, friendly=friendly)
    handler.setFormatter(formatter)
    handler.addFilter(_Repeats())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _Handler(logging.StreamHandler[TextIO]):
    """Writes records, each as a line.

    A record that brings many lines of equal form (`lines`) is written in one go, at a small part of the cost: a line for each
    event must not slow the events down. Of these lines only `reason` is a sentence; the rest is ids and words of ours.
    """

    def __init__(self, out: TextIO, redaction: Redaction, *, friendly: bool) -> None:
        super().__init__(out)
        self._redaction = redaction
        self._friendly = friendly

    def format(self, record: logging.LogRecord) -> str:
        lines: list[dict[str, Any]] | None = getattr(record, "lines", None)
        if lines is None:
            return super().format(record)
        head = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        written: list[str] = []
        for each in lines:
            line = {**head, **each, "timestamp": at}
            if "reason" in line:
                line["reason"] = self._redaction.text(line["reason"])
            written.append(_friendly(line) if self._friendly else _JSON.encode(line).decode())
        return self._redaction.known("\n".join(written))


def _friendly(line: dict[str, Any]) -> str:
    shown = " ".join(f"{name}={value}" for name, value in line.items() if name not in _IN_FRONT)
    return f"{line['timestamp']} [{line['level']}] {line['event']} {shown}"


class _Redact:
    """Last before the renderer: nothing is added afterwards."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        cleaned = self._redaction.fields(event)
        sentence = str(cleaned.get("event", ""))
        if len(sentence) > _LONGEST:
            cleaned["event"] = f"{sentence[:_LONGEST]} … ({len(sentence)} characters)"
        return cleaned


def _describe_error(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found: Any = event.pop("exc_info", None)
    event.pop("exception", None)
    if isinstance(found, BaseException):
        error: BaseException | None = found
    elif isinstance(found, tuple):
        error = found[1]
    else:
        error = sys.exc_info()[1] if found else None
    if error is not None:
        event["error"] = error_words(error)
        event["error_at"] = _places(error.__traceback__)
    return event


def error_words(error: BaseException) -> str:
    """Return what may be said of an error: its class, and its message when no stranger could have written it."""
    kind = type(error)
    if isinstance(error, BaseExceptionGroup):
        several: BaseExceptionGroup[BaseException] = error
        return f"{kind.__name__}: {'; '.join(error_words(each) for each in several.exceptions)}"
    if kind.__module__.split(".")[0] in {"gateway", "routing", "normalizers"}:
        return f"{kind.__name__}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind.__name__}: {error.strerror}"
    return kind.__name__


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


class _Repeats(logging.Filter):
    """Lets the first lines of a kind through each minute, then counts: an outage must not fill the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "lines"):
            # Each is another event's: an operator looks for that one.
            return True
        kind = (record.name, record.levelno, record.msg.get("event") if isinstance(record.msg, dict) else record.msg)
        now = monotonic()
        begun, count = self._seen.get(kind, (now, 0))
        if now - begun >= _WINDOW:
            skipped = count - _REPEATS
            if skipped > 0 and isinstance(record.msg, dict):
                record.msg = {**record.msg, "skipped_before": skipped}
            begun, count = now, 0
        if len(self._seen) > 1_000:  # noqa: PLR2004 (kinds of lines are few; this bounds a library that makes them up)
            self._seen.clear()
        self._seen[kind] = (begun, count + 1)
        return count < _REPEATS
