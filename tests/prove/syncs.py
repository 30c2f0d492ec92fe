"""Under strace: between reading a request and answering it with 200, its bytes reached the log and the log was synced."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.facilities import strace_binary
from tests.prove.proof import Figures, Proof, Size
from tests.prove.world import world

_SENDERS: Final = 4
#: Characters of each call's data that are shown: a whole request, a whole page of the log.
_SHOWN: Final = 9_000
#: `123 call(...) = result`, or its two halves when another thread's call came between.
_LINE: Final = re.compile(r"^(?P<pid>\d+)\s+(?P<call>[a-z0-9_]+)\((?P<rest>.*)$")
_RESUMED: Final = re.compile(r"^(?P<pid>\d+)\s+<\.\.\. (?P<call>[a-z0-9_]+) resumed>(?P<rest>.*)$")
_EVENT: Final = re.compile(r"(Ev\d+\.\d+x\d+)\b")
_FILE: Final = re.compile(r"^\d+<(TCP\S*?\]|[^>]*)>")


@dataclass(slots=True, kw_only=True)
class Trace:
    """What strace saw, in the order in which it happened."""

    #: Event → socket on which its request came and still waits for an answer.
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    #: Events whose bytes were written to the log and not synced yet.
    written: set[str] = field(default_factory=set[str])
    #: Events whose bytes were synced since the request came.
    synced: set[str] = field(default_factory=set[str])
    answered: int = 0
    syncs: int = 0
    #: 200s without a sync before.
    early: list[str] = field(default_factory=list[str])

    def see(self, call: str, rest: str) -> None:
        """Take in one finished call."""
        found = _FILE.match(rest)
        name = found[1] if found else ""
        if call in {"recvfrom", "read", "recvmsg"} and name.startswith("TCP"):
            for event in _EVENT.findall(rest):
                self.waiting[event] = name
        elif call in {"pwrite64", "write", "pwritev"} and name.endswith("-wal"):
            self.written |= {event for event in _EVENT.findall(rest) if event in self.waiting}
        elif call in {"fdatasync", "fsync"} and name.endswith("-wal"):
            self.syncs += 1
            self.synced |= self.written
            self.written.clear()
        elif call in {"sendto", "write", "sendmsg", "writev"} and name.startswith("TCP") and "HTTP/1.1 200" in rest:
            self.answer(name)

    def answer(self, name: str) -> None:
        for event in [event for event, socket in self.waiting.items() if socket == name]:
            del self.waiting[event]
            self.answered += 1
            if event not in self.synced:
                self.early.append(event)
            self.synced.discard(event)
            self.written.discard(event)


def calls(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield each call with its arguments, at the moment at which it counts.

    A write to a socket counts when it begins, everything else when it has ended: that is the stricter reading.
    """
    begun: dict[str, str] = {}
    for line in lines:
        if resumed := _RESUMED.match(line):
            rest = begun.pop(resumed["pid"], "") + resumed["rest"]
            if resumed["call"] not in {"sendto", "sendmsg"}:
                yield resumed["call"], rest
        elif found := _LINE.match(line):
            if found["rest"].endswith("<unfinished ...>"):
                begun[found["pid"]] = found["rest"].removesuffix("<unfinished ...>")
                if found["call"] in {"sendto", "sendmsg"}:
                    yield found["call"], found["rest"]
            else:
                yield found["call"], found["rest"]


async def trace(size: Size, directory: Path) -> Figures:
    """Play it."""
    seconds = size.pick(4, 15, 60)
    figures = Figures()
    output = directory / "strace"
    async with world(directory) as this:
        this.gateway.wrapper = (
            strace_binary(),
            *("-f", "-qq", "-yy", "-s", str(_SHOWN), "-o", os.fspath(output)),
            *("-e", "trace=read,recvfrom,recvmsg,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync"),
        )
        await asyncio.to_thread(this.gateway.start, seconds=90)
        sending = asyncio.create_task(this.send_all(_SENDERS, 4))
        await asyncio.sleep(seconds)
        await this.finish(sending)
        await asyncio.to_thread(this.gateway.stop)
        wanted = len([key for key in this.ledger.acknowledged if "/" in key])
    seen = Trace()
    with output.open(errors="replace") as file:
        for call, rest in calls(iter(file)):
            seen.see(call, rest)
    figures.tries, figures.unit = seen.answered, "answer"
    figures.at_least("requests answered with 200 that strace saw", seen.answered, wanted)
    figures.at_least("syncs of the log", seen.syncs, 1)
    figures.none_of("answered before its bytes were synced", seen.early)
    return figures


def run(size: Size, directory: Path) -> Figures:
    """Run the proof."""
    return asyncio.run(trace(size, directory))


PROOF: Final = Proof(
    name="sync_before_200",
    promise="Each 200 is sent after a sync of the log that follows the write of that very request's bytes (SQLite).",
    limits="What the disk does with a sync is not seen from here; on PostgreSQL the server syncs, by its own"
    " `synchronous_commit`.",
    run=run,
    needs=frozenset({"strace"}),
)
