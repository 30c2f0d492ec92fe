"""What may be shown to the one who speaks on a thread: the public messages, our replies, and where the case stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.model import Activity, ActivityKind, Audience, Case, CaseStatus, EffectKind, Role
from gateway.sdk import Standing
from gateway.store import codec
from gateway.store.effects import DONE
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.names import Names
from gateway.store.values import Said

#: Kinds of activities that put, change or take away a message.
_KINDS: Final = [ActivityKind.MESSAGE.value, ActivityKind.EDIT.value, ActivityKind.DELETION.value]
#: Cases with all that were merged into or with them.
_CASES: Final = (
    "SELECT c.id, c.doc FROM cases c WHERE c.root_id IN (SELECT own.root_id FROM cases own WHERE own.id IN (??text))"
    " ORDER BY c.id"
)
#: Earlier matters of the same customer on a thread that are still shown, at most.
_EARLIER: Final = 20
_COLUMNS: Final = "SELECT a.id, a.received_at, t.doc FROM activities a JOIN contents t ON t.activity_id = a.id"


class Conversations:
    """Reads threads for those who speak on them. Nothing internal ever comes out of here."""

    def __init__(self, engine: Engine, names: Names) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names

    def said(self, connection: str, thread: str, limit: int) -> Sequence[Said]:
        """Return the newest public messages of a thread; see `Store.said`."""

        def work(t: Transaction) -> list[Said]:
            found = self._thread(t, connection, thread)
            if found is None:
                return []
            thread_id, *of = found
            cases = _cases(t, of)
            told = [
                *_folded(self._activities(t, thread_id, cases, limit)),
                *self._replies(t, connection, thread, cases),
            ]
            return [line for _, line in sorted(told, key=lambda each: each[0])][-limit:]

        return self._engine.read(work)

    def standing(self, connection: str, thread: str) -> Standing:
        """Return where a thread's case stands; see `Store.standing`."""

        def work(t: Transaction) -> Standing:
            found = self._thread(t, connection, thread)
            if found is None:
                return Standing()
            root, doc = t.rows(
                "SELECT c.id, c.doc FROM cases c JOIN cases own ON own.root_id = c.id WHERE own.id = ?", found[1]
            )[0]
            open_ones = "SELECT doc FROM episodes WHERE case_id = ? AND state <> 'closed'"
            episodes = [codec.episode_from(row[0]) for row in t.rows(open_ones, root)]
            tickets = t.rows("SELECT ticket_id FROM tickets WHERE case_id = ? ORDER BY connection_id, ticket_id", root)
            case = codec.case_from(doc)
            return Standing(
                case_id=root,
                state=_word(case, [each.state.value for each in episodes]),
                handed_off=bool(tickets),
                priority=case.priority.value if case.priority is not None else "",
                rule=episodes[0].rule if episodes else "",
                ticket=tickets[0][0] if tickets else "",
            )

        return self._engine.read(work)

    def _thread(self, t: Transaction, connection: str, thread: str) -> tuple[str, str, str] | None:
        rows = t.rows(
            "SELECT id, case_id, home_case_id FROM threads WHERE connection_id = ? AND key = ?",
            *(self._names.find(connection), thread),
        )
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    @staticmethod
    def _activities(t: Transaction, thread_id: str, cases: Sequence[str], limit: int) -> list[Row]:
        """Return applied ones by way of their cases and waiting ones by way of the thread: each has its index."""
        applied = t.rows(
            f"{_COLUMNS} WHERE a.case_id IN (??text) AND a.state = 1 AND a.thread_id = ? AND a.kind IN (??text)"
            " ORDER BY a.id DESC LIMIT ?",
            *(cases, thread_id, _KINDS, limit),
        )
        waiting = t.rows(
            f"{_COLUMNS} WHERE a.thread_id = ? AND a.state = 0 AND a.kind IN (??text) ORDER BY a.id DESC LIMIT ?",
            *(thread_id, _KINDS, limit),
        )
        return sorted({row[0]: row for row in (*applied, *waiting)}.values())

    def _replies(
        self, t: Transaction, connection: str, thread: str, cases: Sequence[str]
    ) -> list[tuple[tuple[int, int, int], Said]]:
        """Return replies that were sent. One that waits, or was never let out, is nobody's to see."""
        rows = t.rows(
            "SELECT seq, created_at, doc FROM effects WHERE case_id IN (??text) AND connection_id = ? AND kind = ?"
            " AND state = ? ORDER BY seq",
            *(cases, self._names.find(connection), EffectKind.REPLY.value, DONE),
        )
        told: list[tuple[tuple[int, int, int], Said]] = []
        for seq, created_at, doc in rows:
            effect = codec.effect_from(doc)
            if effect.destination == thread:
                author = self._agent(t, *effect.cause)
                line = Said(key=effect.id, at=created_at, text=effect.text, author=author, buttons=effect.buttons)
                told.append(((created_at, 1, seq), line))
        return told

    def _agent(self, t: Transaction, connection: str, dedupe: str) -> str:
        """Return the name of the agent whose words caused a reply, empty when Baton itself spoke."""
        rows = t.rows(
            "SELECT t.doc FROM activities a JOIN contents t ON t.activity_id = a.id WHERE a.connection_id = ?"
            " AND a.dedupe = ?",
            *(self._names.find(connection), codec.key_hash(dedupe)),
        )
        sender = codec.activity_from(rows[0][0]).sender if rows else None
        return sender.name if sender is not None and sender.role is Role.AGENT else ""


def _cases(t: Transaction, of: Sequence[str]) -> list[str]:
    """Return the cases that a thread's activities may stand in: its own and its first one, and those that they follow.

    A case follows another only when the same customer came back to it: a stranger who has the thread now begins anew.
    """
    found: dict[str, None] = {}
    wanted = list(of)
    for _ in range(_EARLIER):
        rows = t.rows(_CASES, wanted)
        found.update({row[0]: None for row in rows})
        wanted = [before for row in rows if (before := codec.case_from(row[1]).follows) and before not in found]
        if not wanted:
            break
    return sorted(found)


def _folded(rows: Iterable[Row]) -> list[tuple[tuple[int, int, int], Said]]:
    """Return messages as they stand now: changed ones with their last text, deleted ones not at all."""
    standing: dict[str, tuple[tuple[int, int, int], Activity]] = {}
    for number, received_at, doc in rows:
        activity = codec.activity_from(doc)
        if activity.audience is not Audience.PUBLIC or activity.own:
            continue
        key = activity.message_id or activity.dedupe
        before = standing.get(key)
        if activity.kind is ActivityKind.DELETION:
            standing.pop(key, None)
        elif activity.kind is ActivityKind.MESSAGE or before is not None:
            standing[key] = (before[0] if before is not None else (received_at, 0, number), activity)
    return [
        (
            place,
            Said(
                key=key,
                at=place[0],
                text=activity.text,
                sender=activity.sender,
                channel=activity.channel,
                attachments=activity.attachments,
            ),
        )
        for key, (place, activity) in standing.items()
    ]


def _word(case: Case, episodes: Sequence[str]) -> str:
    if case.status is CaseStatus.RESOLVED:
        return "resolved"
    if not episodes:
        return "open"
    return "escalated" if "open" in episodes else "acknowledged"
