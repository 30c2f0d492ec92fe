"""A process of its own that carries large files through a store and prints how much memory each way took at its peak.

The peak is the kernel's (`VmHWM`, reset between the ways), so that what SQLite and libpq hold counts as well.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from gateway.clock import SystemClock
from gateway.host.hostside import HostSide
from gateway.model import Attachment, EffectKind, altered
from gateway.pipeline.files import Files
from gateway.sdk import MediaSource
from gateway.store import Store, open_store
from tests.store.acts import NOW, bring, emitting, message

_STATUS = Path("/proc/self/status")


class _Vendor(MediaSource):
    """Gives files of one size, each of other bytes, in pieces as a socket does."""

    def __init__(self, size: int) -> None:
        self._size = size

    async def fetch(self, attachment: Attachment, delivery: Any) -> AsyncIterator[bytes]:
        piece = attachment.id.encode() * 65_536
        for start in range(0, self._size, len(piece)):
            yield piece[: self._size - start]
            await asyncio.sleep(0)


class _Connection:
    def __init__(self, vendor: _Vendor) -> None:
        self._vendor = vendor

    @asynccontextmanager
    async def calling(self) -> AsyncGenerator[_Vendor]:
        yield self._vendor


class _Things:
    """What the host asks the store for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        return await asyncio.to_thread(self._store.copy_blob, sha256, to)


def peak() -> int:
    """Return the most memory that was used since the last reset, bytes."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def fresh_peak() -> int:
    """Return the memory in use, from which on the peak counts anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


async def measured(work: Callable[[], Awaitable[object]]) -> int:
    """Return by how much some work raises the memory in use, at most, bytes."""
    before = fresh_peak()
    await work()
    return peak() - before


async def main(url: str, size: int, count: int) -> None:
    store = open_store(url)
    store.register({"chat": None, "desk": None})
    # What runs for the first time takes memory of its own: once with small files before it is measured.
    await carried(store, "small", 2_000_000, 1)
    print(json.dumps(await carried(store, "large", size, count)))
    store.close()


async def carried(store: Store, key: str, size: int, count: int) -> dict[str, int]:
    files = tuple(Attachment(id=chr(97 + number) + key[0], name=f"{number}.bin") for number in range(count))
    bring(store, altered(message(key, thread=key), attachments=files))
    store.apply(1, NOW, emitting(EffectKind.HANDOFF))
    histories = [store.history(case.id) for case in store.cases()]
    effects = [view.effect for history in histories if history is not None for view in history.effects]
    effect = next(effect for effect in effects if effect.cause[1] == key)
    connections: Any = {"chat": _Connection(_Vendor(size))}
    bringing = Files(store, SystemClock(), connections=lambda: connections, in_thread=asyncio.to_thread, largest=size)
    brought = await measured(lambda: bringing.bring([effect], size))
    activities, _ = store.transcript(effect, 10)
    kept = activities[-1].attachments
    assert [file.size for file in kept if file.kept] == [size] * count, kept
    things: Any = _Things(store)
    host = HostSide("desk", SystemClock(), None, things)

    async def out() -> None:
        for file in kept:
            with await host.blob_file(file.sha256) as body:
                assert body.seek(0, 2) == size

    return {"brought": brought, "given": await measured(out)}


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
