"""Files that came with messages: their bytes by hash, and for each what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model import Activity, Attachment, Effect, EffectKind, altered
from gateway.store import codec
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.file_values import FileBytes, WantedFile
from gateway.store.names import Names
from gateway.store.queued import stored
from gateway.store.values import StoredDelivery

_FILE: Final = (
    *(("activity_id", "bigint"), ("place", "bigint"), ("sha256", "text"), ("size", "bigint"), ("note", "text")),
)


class Files:
    """Reads and writes of files."""

    def __init__(self, engine: Engine, names: Names) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names

    def wanted(self, effects: Sequence[Effect], limit: int) -> Sequence[WantedFile]:
        """Return what goes out with effects and has not been fetched; see `Store.wanted_files`."""

        def work(t: Transaction) -> list[WantedFile]:
            rows = [row for effect in effects for row in self._said(t, effect, limit)]
            found: dict[tuple[int, int], WantedFile] = {}
            for activity_id, connection_id, delivery_id, doc in rows:
                for place, each in enumerate(codec.activity_from(doc).attachments):
                    found[activity_id, place] = WantedFile(
                        activity_id=activity_id,
                        place=place,
                        connection=self._names.name(connection_id),
                        delivery_id=delivery_id,
                        attachment=each,
                    )
            known = outcomes(t, sorted({key[0] for key in found}))
            return [file for key, file in found.items() if key not in known]

        return self._engine.read(work)

    def _said(self, t: Transaction, effect: Effect, limit: int) -> list[Row]:
        """Return the activities with files that an effect carries: of a handoff all up to its cause, else its cause."""
        connection, dedupe = effect.cause
        cause = (self._names.find(connection), codec.key_hash(dedupe))
        columns = "SELECT a.id, a.connection_id, a.delivery_id, t.doc FROM activities a"
        having = " AND a.delivery_id IS NOT NULL"
        if effect.kind is not EffectKind.HANDOFF:
            return t.rows(
                f"{columns} JOIN contents t ON t.activity_id = a.id WHERE a.connection_id = ? AND a.dedupe = ?{having}",
                *cause,
            )
        return t.rows(
            f"{columns} JOIN contents t ON t.activity_id = a.id JOIN cases c ON c.id = a.case_id"
            " JOIN cases own ON own.root_id = c.root_id WHERE own.id = ? AND a.state = 1 AND a.id <="
            f" (SELECT id FROM activities WHERE connection_id = ? AND dedupe = ?){having} ORDER BY a.id DESC LIMIT ?",
            *(effect.case_id, *cause, limit),
        )

    def delivery(self, delivery_id: int) -> StoredDelivery | None:
        """Return a delivery with its bytes."""
        found = self._engine.read(lambda t: stored(t, self._names, "d.id = ?", delivery_id))
        return found[0] if found else None

    def keep(self, file: WantedFile, body: FileBytes | None, note: str) -> None:
        """Keep a file's bytes by their hash, or why there are none; see `Store.keep_file`."""
        digest, size = (body.sha256, body.size) if body is not None else ("", file.attachment.size)

        def work(t: Transaction) -> None:
            if body is not None:
                # The transaction may run again: each time from the beginning.
                body.source.seek(0)
                t.keep_blob(digest, body.size, body.source)
            t.insert(
                "files",
                _FILE,
                [(file.activity_id, file.place, digest, size, note)],
                conflict="ON CONFLICT (activity_id, place) DO NOTHING",
            )

        self._engine.write(work)


def outcomes(t: Transaction, activity_ids: Sequence[int]) -> Mapping[tuple[int, int], tuple[str, int | None, str]]:
    """Return hash, size and note of the files of some activities, by activity and place."""
    if not activity_ids:
        return {}
    rows = t.rows(
        "SELECT activity_id, place, sha256, size, note FROM files WHERE activity_id IN (??bigint)", list(activity_ids)
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}


def with_files(t: Transaction, rows: Sequence[tuple[int, str]]) -> list[Activity]:
    """Return activities (number and document) with what became of their files."""
    activities = [(number, codec.activity_from(doc)) for number, doc in rows]
    known = outcomes(t, [number for number, activity in activities if activity.attachments])
    if not known:
        return [activity for _, activity in activities]
    return [
        altered(
            activity,
            attachments=tuple(_settled(each, known.get((number, at))) for at, each in enumerate(activity.attachments)),
        )
        for number, activity in activities
    ]


def _settled(attachment: Attachment, outcome: tuple[str, int | None, str] | None) -> Attachment:
    if outcome is None:
        return attachment
    digest, size, note = outcome
    return altered(attachment, sha256=digest or attachment.sha256, size=size, kept=bool(digest), note=note)
