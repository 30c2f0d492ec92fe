"""The way in: deliveries into the journal, and what parsing made of them into threads, cases and activities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.model import Activity, altered
from gateway.sdk import Delivery
from gateway.store import codec
from gateway.store.bindings import internal_thread
from gateway.store.case_rules import CaseRules
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.fresh import Fresh
from gateway.store.happened import Buried, Parsed
from gateway.store.names import BATON, Names
from gateway.store.queued import oldest_deliveries, stored
from gateway.store.reports import NOWHERE
from gateway.store.threads import ThreadCache, Threads
from gateway.store.values import JournalEntry, ParsedDelivery, SavedBatch, StoredDelivery

#: Version of the shape in which deliveries are kept.
SCHEMA_VERSION: Final = 1
#: Bodies longer than this, bytes, are kept once each by their hash.
BLOB_FROM: Final = 65_536
#: Headers that are never kept: they carry credentials.
SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
_CACHE: Final = 100_000
_DEFAULT: Final = CaseRules()

_DELIVERY: Final = (
    *(("connection_id", "bigint"), ("lane", "text"), ("received_at", "bigint"), ("schema_version", "bigint")),
)
_PAYLOAD: Final = (
    *(("delivery_id", "bigint"), ("endpoint", "text"), ("method", "text"), ("url", "text"), ("headers", "text")),
    *(("body", "bytea"), ("blob", "text"), ("traceparent", "text")),
)
ACTIVITY: Final = (
    *(("connection_id", "bigint"), ("dedupe", "text"), ("delivery_id", "bigint"), ("place", "bigint")),
    *(("thread_id", "text"), ("kind", "text"), ("received_at", "bigint")),
)
CONTENT: Final = (("activity_id", "bigint"), ("doc", "text"))


class _Rows:
    """The rows that deliveries become."""

    def __init__(self, entries: Sequence[JournalEntry], names: Names) -> None:
        self.deliveries: list[Row] = []
        #: Without the delivery's number, which is not known yet.
        self.payloads: list[Row] = []
        #: The deliveries as they stand in the store.
        self.kept: list[Delivery] = []
        blobs: dict[str, bytes] = {}
        for entry in entries:
            d = entry.delivery
            body: bytes | None = d.body
            blob = None
            if len(d.body) > BLOB_FROM:
                blob = hashlib.sha256(d.body).hexdigest()
                blobs[blob] = d.body
                body = None
            kept = tuple(pair for pair in d.headers if pair[0].lower() not in SECRET_HEADERS)
            self.kept.append(d if len(kept) == len(d.headers) else replace(d, headers=kept))
            number = names.number(d.connection)
            self.deliveries.append((number, entry.lane, d.received_at, SCHEMA_VERSION))
            self.payloads.append((d.endpoint, d.method, d.url, codec.encode(kept), body, blob, entry.traceparent))
        self.blobs: list[Row] = sorted(blobs.items())


class Inbound:
    """Journal and parsing."""

    def __init__(self, engine: Engine, names: Names, entropy: Callable[[int], bytes], parsed: Fresh[Activity]) -> None:
        """Work on an engine; `parsed` is where applying finds what was just parsed."""
        self._engine = engine
        self._names = names
        self._entropy = entropy
        self._threads = ThreadCache()
        self._fresh: Fresh[StoredDelivery] = Fresh(lambda each: len(each.delivery.body))
        self._parsed = parsed

    # --- journal -----------------------------------------------------------------------------------------------------
    def journal(self, entries: Sequence[JournalEntry]) -> Sequence[int]:
        """Make deliveries durable; see `Store.journal`."""
        rows = _Rows(entries, self._names)

        def work(t: Transaction) -> list[int]:
            numbers = self._insert(t, rows)
            written = zip(numbers, entries, rows.kept, strict=True)
            self._fresh.keep(
                (number, StoredDelivery(id=number, lane=entry.lane, attempts=0, delivery=kept))
                for number, entry, kept in written
            )
            return numbers

        with self._fresh.while_written():
            return self._engine.write(work, first=True)

    def journal_with_cursor(self, entries: Sequence[JournalEntry], connection: str, name: str, cursor: str) -> None:
        """Make deliveries durable and move a cursor; see `Store.journal_with_cursor`."""
        rows = _Rows(entries, self._names)

        def work(t: Transaction) -> None:
            if entries:
                self._insert(t, rows)
            t.run(
                "INSERT INTO cursors (connection_id, name, value) VALUES (?, ?, ?)"
                " ON CONFLICT (connection_id, name) DO UPDATE SET value = excluded.value",
                *(self._names.number(connection), name, cursor),
            )

        self._engine.write(work, first=True)

    def hold(self, connection: str, owner: str, until: int, now: int) -> bool:
        """Take or renew a lease; see `Store.hold`."""
        rows = self._engine.write(
            lambda t: t.rows(
                "INSERT INTO leases (connection_id, owner, until) VALUES (?, ?, ?) ON CONFLICT (connection_id)"
                " DO UPDATE SET owner = excluded.owner, until = excluded.until"
                " WHERE leases.owner = excluded.owner OR leases.until <= ? RETURNING owner",
                *(self._names.number(connection), owner, until, now),
            )
        )
        return bool(rows)

    def _insert(self, t: Transaction, rows: _Rows) -> list[int]:
        t.insert(
            "blobs", (("sha256", "text"), ("body", "bytea")), rows.blobs, conflict="ON CONFLICT (sha256) DO NOTHING"
        )
        numbers = [row[0] for row in t.insert("deliveries", _DELIVERY, rows.deliveries, returning="id")]
        t.insert("payloads", _PAYLOAD, [(number, *row) for number, row in zip(numbers, rows.payloads, strict=True)])
        self._engine.notify(t)
        return numbers

    # --- parsing -----------------------------------------------------------------------------------------------------
    def unparsed(self, limit: int, only: Sequence[str] | None = None) -> Sequence[StoredDelivery]:
        """Return the oldest deliveries that wait for parsing."""
        if only is None:
            return self._engine.read(lambda t: stored(t, self._names, "d.state = 0 ORDER BY d.id LIMIT ?", limit))
        wanted = [number for name in only if (number := self._names.find(name)) is not None]
        return self._engine.read(lambda t: oldest_deliveries(t, self._names, self._fresh, wanted, limit))

    def save_parsed(self, results: Sequence[ParsedDelivery], now: int, rules: CaseRules = _DEFAULT) -> SavedBatch:
        """Record what parsing made of deliveries; see `Store.save_parsed`."""
        if not results:
            return SavedBatch(parsed=0, fresh=0, duplicates=0, dead=0)
        ordered = sorted(results, key=lambda result: result.id)

        def work(t: Transaction) -> tuple[SavedBatch, ThreadCache]:
            # Made anew when the transaction is run again: what the first run made is gone.
            made = ThreadCache()
            turn = self._turn(t, ordered)
            threads = Threads(t, self._engine, self._names, self._entropy, self._threads, made, rules, now)
            return _Saving(t, threads, self._names, now, self._parsed).save(turn), made

        with self._parsed.while_written():
            saved, made = self._engine.write(work)
        self._threads.take(made, _CACHE)
        return saved

    def _turn(self, t: Transaction, ordered: Sequence[ParsedDelivery]) -> list[tuple[ParsedDelivery, int, int]]:
        """Return those whose turn it is, with connection and time: none that an earlier one of its lane precedes."""
        last = ordered[-1].id
        waiting = t.rows(
            "SELECT id, connection_id, lane, received_at FROM deliveries WHERE state = 0 AND id <= ? ORDER BY id "
            + self._engine.for_update,
            last,
        )
        by_id = {result.id: result for result in ordered}
        blocked: set[tuple[int, str]] = set()
        turn: list[tuple[ParsedDelivery, int, int]] = []
        for number, connection_id, lane, received_at in waiting:
            result = by_id.get(number)
            if result is None:
                blocked.add((connection_id, lane))
            elif (connection_id, lane) not in blocked:
                turn.append((result, connection_id, received_at))
        return turn


class _Saving:
    """One `save_parsed`."""

    def __init__(self, t: Transaction, threads: Threads, names: Names, now: int, parsed: Fresh[Activity]) -> None:
        self.t = t
        self.threads = threads
        self.names = names
        self.now = now
        self.parsed = parsed

    def save(self, turn: Sequence[tuple[ParsedDelivery, int, int]]) -> SavedBatch:
        events: list[tuple[int, int, int, str, Activity]] = []
        for result, connection_id, _ in turn:
            events += [
                (result.id, place, connection_id, codec.key_hash(activity.dedupe), activity)
                for place, activity in result.activities
            ]
        fresh, duplicates = self._sift(events)
        rows: list[Row] = []
        contents: list[Activity] = []
        if fresh:
            threads = self.threads.resolve([(connection_id, activity) for _, _, connection_id, _, activity in fresh])
            for number, (delivery_id, place, connection_id, digest, activity) in enumerate(fresh):
                rows.append(
                    (
                        *(connection_id, digest, delivery_id, place, threads[number], activity.kind.value),
                        activity.received_at,
                    )
                )
                bound = self.threads.bound.get(number)
                contents.append(activity if bound is None else altered(activity, thread=bound))
        self.threads.learn((connection_id, activity) for _, _, connection_id, _, activity in events)
        numbers = self.t.insert("activities", ACTIVITY, rows, returning="id")
        strays = [
            (numbers[number][0], connection_id, activity)
            for number, (_, _, connection_id, _, activity) in enumerate(fresh)
            if rows[number][4] == NOWHERE
        ]
        if strays:
            self.threads.reports.set_aside(strays)
        written = [(row[0], content) for row, content in zip(numbers, contents, strict=True)]
        self.t.insert("contents", CONTENT, [(number, codec.encode(content)) for number, content in written])
        self.parsed.keep(written)
        letters = self._bury(turn)
        marks = [
            (
                result.id,
                2 if result.unreadable is not None else 1,
                len(result.activities) + len(result.failures),
                duplicates.get(result.id, 0),
                len(result.failures),
            )
            for result, _, _ in turn
        ]
        columns = (("state", "bigint"), ("events", "bigint"), ("duplicates", "bigint"), ("dead", "bigint"))
        self.t.update("deliveries", ("id", "bigint"), columns, marks)
        return SavedBatch(
            parsed=len(turn),
            fresh=len(rows),
            duplicates=sum(duplicates.values()),
            dead=len(letters),
            events=tuple(
                Parsed(row[0], event[0], event[4].connection, event[4].kind.value)
                for row, event in zip(numbers, fresh, strict=True)
            ),
            letters=buried(letters, self.names),
        )

    def _sift(
        self, events: list[tuple[int, int, int, str, Activity]]
    ) -> tuple[list[tuple[int, int, int, str, Activity]], dict[int, int]]:
        """Part new events from known ones. An event that this very delivery brought before is neither."""
        duplicates: dict[int, int] = {}
        if not events:
            return [], duplicates
        known: dict[tuple[int, str], tuple[int, int]] = {
            (row[0], row[1]): (row[2], row[3])
            for row in self.t.rows(
                "SELECT connection_id, dedupe, delivery_id, place FROM activities WHERE connection_id IN (??bigint)"
                " AND dedupe IN (??text)",
                sorted({event[2] for event in events}),
                sorted({event[3] for event in events}),
            )
        }
        fresh: list[tuple[int, int, int, str, Activity]] = []
        for event in events:
            delivery_id, place, connection_id, digest, _ = event
            owner = known.get((connection_id, digest))
            if owner is None:
                known[connection_id, digest] = (delivery_id, place)
                fresh.append(event)
            elif owner != (delivery_id, place):
                duplicates[delivery_id] = duplicates.get(delivery_id, 0) + 1
        return fresh, duplicates

    def _bury(self, turn: Sequence[tuple[ParsedDelivery, int, int]]) -> list[Row]:
        letters: list[Row] = []
        for result, connection_id, _ in turn:
            if result.unreadable is not None:
                letters.append(
                    ("delivery", str(result.id), result.id, connection_id, None, result.unreadable, self.now, "open")
                )
            letters += [
                (
                    "event",
                    f"{result.id}/{failure.index}",
                    result.id,
                    connection_id,
                    None,
                    failure.reason,
                    self.now,
                    "open",
                )
                for failure in result.failures
            ]
        bury(self.t, letters)
        return letters


_LETTER: Final = (
    *(("kind", "text"), ("ref", "text"), ("delivery_id", "bigint"), ("connection_id", "bigint"), ("case_id", "text")),
    *(("reason", "text"), ("created_at", "bigint"), ("state", "text")),
)


def bury(t: Transaction, letters: Sequence[Row]) -> None:
    """Keep dead letters."""
    t.insert("dead_letters", _LETTER, letters)


def buried(letters: Sequence[Row], names: Names) -> tuple[Buried, ...]:
    """Return dead letters as the log tells of them."""
    return tuple(Buried(row[0], row[1], names.name(row[3]), row[4] or "", row[5]) for row in letters)


def append_internal(
    t: Transaction, entropy: Callable[[int], bytes], case_id: str, activity: Activity, now: int
) -> bool:
    """Append an internal activity to a case's internal thread; False when its dedupe key was known."""
    thread = internal_thread(t, entropy, case_id, now)
    rows = t.insert(
        "activities",
        ACTIVITY,
        [
            (
                BATON,
                codec.key_hash(activity.dedupe),
                None,
                None,
                thread,
                activity.kind.value,
                activity.received_at,
            )
        ],
        conflict="ON CONFLICT (connection_id, dedupe) DO NOTHING",
        returning="id",
    )
    t.insert("contents", CONTENT, [(row[0], codec.encode(altered(activity, thread=case_id))) for row in rows])
    return bool(rows)
