"""The process in which deliveries of a connector that wants it are parsed: bounded in time and memory, and thrown away at will.

It speaks frames over its standard input and output: a length of four bytes, then MessagePack. The first frame says what parses;
each further one is a delivery, and is answered by one frame, in order. Its parent is `gateway.pipeline.apart`.
"""

from __future__ import annotations

import logging
import os
import pickle
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import msgspec

from gateway.model import Channel
from gateway.pipeline.parsing import parse_delivery
from gateway.sdk import Source
from gateway.store.values import ParsedDelivery, StoredDelivery

#: Processor time that one delivery may take, seconds (promise I15).
CPU_SECONDS: Final = 5.0
#: Memory that parsing may take beyond what the process takes idle, bytes (promise I15).
MEMORY: Final = 256 * 1024 * 1024
#: A process that has grown by this much is replaced before the next delivery, so that each has its whole allowance.
_SWOLLEN: Final = MEMORY // 4
LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One delivery to parse."""

    #: The delivery.
    stored: StoredDelivery
    #: The kind of channel of its connection.
    channel: Channel
    #: How many events it may bring.
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one delivery."""

    #: What it says.
    parsed: ParsedDelivery
    #: True when the process ends with this answer: what was sent after it must be sent to another one.
    last: bool = False


order_from: Final = msgspec.msgpack.Decoder(Order).decode
answer_from: Final = msgspec.msgpack.Decoder(Answer).decode
encode: Final = msgspec.msgpack.Encoder().encode


class _NoHost:
    """What a connector gets here in place of its host: parsing is pure, so it needs no more than its name."""

    def __init__(self, connection: str) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"Parsing is pure: host.{name} cannot be used in it.")


def framed(data: bytes) -> bytes:
    """Return bytes as a frame."""
    return LENGTH.pack(len(data)) + data


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def _size() -> int:
    """Return the address space that this process takes, bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _answer(source: Source, order: Order, idle: int) -> Answer:
    stored = order.stored
    try:
        parsed = parse_delivery(stored, source, order.channel, order.most)
        encode(parsed)
    except (UnicodeEncodeError, TypeError, OverflowError) as error:
        why = type(error).__name__
        sentence = f"The connector's parser made a value that cannot be kept ({why}): this is a fault of the code."
        parsed = ParsedDelivery(id=stored.id, lane=stored.lane, unreadable=sentence)
    except MemoryError:
        sentence = f"Reading the delivery takes more than {MEMORY // 1024**2} MB of memory."
        return Answer(parsed=ParsedDelivery(id=stored.id, lane=stored.lane, unreadable=sentence), last=True)
    return Answer(parsed=parsed, last=_size() > idle + _SWOLLEN)


def main() -> None:
    """Answer until the parent ends, or until this process has grown too large."""
    logging.disable(logging.CRITICAL)  # the parent says what became of a delivery
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's affair
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whose default is the end of the process, even within C code
    frames, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a parser that prints must not disturb the frames
    first = _read(frames)
    if first is None:
        return
    made, settings, connection, cpu = pickle.loads(first)  # noqa: S301 (it comes from our own parent)
    source: Source = made(settings, _NoHost(connection))
    idle = _size()
    resource.setrlimit(resource.RLIMIT_AS, (idle + MEMORY, idle + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (data := _read(frames)) is not None:
        signal.setitimer(signal.ITIMER_PROF, cpu)
        answer = _answer(source, order_from(data), idle)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(framed(encode(answer)))
        if answer.last:
            return


if __name__ == "__main__":
    # Imported under its own name, so that both processes mean the same classes.
    from gateway.pipeline.child import main as run

    run()
