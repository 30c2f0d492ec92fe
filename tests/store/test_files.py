"""Files that came with messages, and leases on what a connection does by itself."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Final

import pytest

from gateway.model import Activity, Attachment, EffectKind, altered
from gateway.store import Store, open_store
from gateway.store.engine import PART
from gateway.store.ports import FileBytes, WantedFile
from tests.store.acts import NOW, SECOND, apply_all, bring, emitting, keep, message

FILES: Final = (Attachment(id="f1", name="a.pdf", size=3), Attachment(id="f2", name="b.pdf"))


def with_files(key: str, files: tuple[Attachment, ...] = FILES) -> Activity:
    return altered(message(key), attachments=files)


def held(body: bytes) -> FileBytes:
    return FileBytes(sha256=hashlib.sha256(body).hexdigest(), size=len(body), source=BytesIO(body))


def test_what_goes_out_wants_its_files_until_something_is_known_of_each(store: Store) -> None:
    bring(store, with_files("m1"), message("m2"), with_files("m3", FILES[:1]))
    store.apply(2, NOW, keep)
    store.apply(1, NOW, emitting(EffectKind.HANDOFF, EffectKind.UPDATE))
    history = store.history(store.cases()[0].id)
    assert history is not None
    handoff, update = (view.effect for view in history.effects)
    wanted = store.wanted_files([handoff], 100)
    assert sorted((file.connection, file.attachment.id) for file in wanted) == [
        ("chat", "f1"),
        ("chat", "f1"),
        ("chat", "f2"),
    ]
    (one,) = store.wanted_files([update], 100)
    assert one.attachment == FILES[0]
    delivery = store.delivery(one.delivery_id)
    assert delivery is not None
    assert delivery.delivery.body == b"{}"
    for file in wanted:
        store.keep_file(file, None if file.attachment.id == "f2" else held(b"abc"), "too large" if file.place else "")
        store.keep_file(file, held(b"other"), "")  # what is known stays
    assert store.wanted_files([handoff, update], 100) == []
    activities, _ = store.transcript(handoff, 100)
    first = activities[0].attachments
    digest = hashlib.sha256(b"abc").hexdigest()
    assert (first[0].kept, first[0].sha256, first[0].size, first[0].note) == (True, digest, 3, "")
    assert (first[1].kept, first[1].sha256, first[1].note) == (False, "", "too large")
    assert store.causes([update])[update.id].attachments[0].kept
    assert store.blob(digest) == b"abc"


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 8 * PART, 8 * PART + 1, 20 * PART])
def test_bytes_come_out_as_they_went_in_in_parts_of_whatever_size(store: Store, size: int) -> None:
    body = random.Random(size).randbytes(size)
    bring(store, with_files("m1"), with_files("m2"))
    store.apply(1, NOW, keep)
    store.apply(1, NOW, emitting(EffectKind.HANDOFF))
    history = store.history(store.cases()[0].id)
    assert history is not None
    (handoff,) = (view.effect for view in history.effects)
    for file in store.wanted_files([handoff], 100):
        # The same bytes twice are kept once; the source was read before.
        bytes_again = held(body)
        bytes_again.source.read()
        store.keep_file(file, bytes_again, "")
    digest = hashlib.sha256(body).hexdigest()
    assert store.blob(digest) == body
    to = BytesIO(b"what stood there before" * PART)
    assert store.copy_blob(digest, to)
    assert to.getvalue() == body


class _Waiting(BytesIO):
    """Read only once another one is read as well, so that both found nothing kept."""

    def __init__(self, body: bytes, together: threading.Barrier) -> None:
        super().__init__(body)
        self._together = together

    def read(self, size: int | None = -1, /) -> bytes:
        # SQLite has one writer: there the other one never comes.
        with contextlib.suppress(threading.BrokenBarrierError):
            self._together.wait(timeout=0.5)
        return super().read(size)


def test_two_who_keep_the_same_bytes_at_one_moment_keep_them_once(store: Store) -> None:
    bring(store, with_files("m1", FILES[:1]), with_files("m2", FILES[:1]))
    store.apply(1, NOW, keep)
    store.apply(1, NOW, emitting(EffectKind.HANDOFF))
    history = store.history(store.cases()[0].id)
    assert history is not None
    effect = history.effects[0].effect
    body, together = b"the same", threading.Barrier(2)
    digest = hashlib.sha256(body).hexdigest()

    def keeping(file: WantedFile) -> None:
        store.keep_file(file, FileBytes(sha256=digest, size=len(body), source=_Waiting(body, together)), "")

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(keeping, store.wanted_files([effect], 100))) == [None, None]
    assert store.blob(digest) == body
    assert store.wanted_files([effect], 100) == []


def test_bytes_that_nobody_kept_are_not_there(store: Store) -> None:
    assert store.blob("0" * 64) is None
    assert not store.copy_blob("0" * 64, BytesIO())
    assert store.delivery(77) is None


def test_messages_without_files_want_none(store: Store) -> None:
    bring(store, message("m1"))
    store.apply(1, NOW, emitting(EffectKind.HANDOFF))
    apply_all(store)
    history = store.history(store.cases()[0].id)
    assert history is not None
    assert store.wanted_files([view.effect for view in history.effects], 100) == []


def test_a_lease_has_one_owner_at_a_time(store: Store) -> None:
    until = NOW + 30 * SECOND
    assert store.hold("chat", "one", until, NOW)
    assert not store.hold("chat", "two", until, NOW + SECOND)
    assert store.hold("desk", "two", until, NOW)
    assert store.hold("chat", "one", until + 10 * SECOND, NOW + 29 * SECOND)
    assert not store.hold("chat", "two", until, NOW + 31 * SECOND)
    assert store.hold("chat", "two", until + 60 * SECOND, NOW + 40 * SECOND)
    assert not store.hold("chat", "one", until, NOW + 41 * SECOND)


def test_a_lease_outlives_who_took_it(url: str) -> None:
    store = open_store(url)
    store.register({"chat": None})
    assert store.hold("chat", "one", NOW + 30 * SECOND, NOW)
    store.close()
    again = open_store(url)
    again.register({"chat": None})
    assert not again.hold("chat", "two", NOW + 60 * SECOND, NOW + 29 * SECOND)
    again.close()
