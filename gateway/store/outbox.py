"""The way out: effects are claimed under a lease, finished behind a fence, and what became of them comes back as activities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Case,
    Channel,
    Effect,
    EffectKind,
    Episode,
    Receipt,
    Thread,
    TicketLink,
)
from gateway.model.activity import BATON_NAME
from gateway.store import codec
from gateway.store.bindings import bind_thread, internal_thread
from gateway.store.effects import CANCELLED, DONE, FAILED, OBSERVED, PENDING, SENDING, STUCK, UNKNOWN
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.inbound import append_internal, bury
from gateway.store.limits import frees_at
from gateway.store.mail_threads import keep_message_ids
from gateway.store.names import Names
from gateway.store.outcomes import outcome_of, tell
from gateway.store.profiles import Asked, keep_profile, people_of
from gateway.store.reports import Reports
from gateway.store.speakers import threads_by_id
from gateway.store.threads import TICKET
from gateway.store.tickets import unless_anothers
from gateway.store.values import ClaimedEffects, Destination, EffectResult, Verdict

#: Updates that go out in one call at most.
TOGETHER: Final = 50
_MICRO: Final = 1_000_000
_AFTERWARDS: Final = {
    Verdict.DONE: DONE,
    Verdict.RETRY: PENDING,
    Verdict.UNKNOWN: UNKNOWN,
    Verdict.FAILED: FAILED,
    Verdict.OBSERVED: OBSERVED,
    Verdict.CANCELLED: CANCELLED,
    Verdict.RETURNED: PENDING,
}

#: The oldest open effect of each case that may be tried now. An open one before it keeps it waiting; a look-up, which only
#: reads, neither waits nor keeps anything waiting.
_HEADS: Final = """
SELECT e.seq, e.id, e.case_id, e.kind, e.state, e.attempts, e.tries, e.batch FROM effects e
WHERE e.connection_id = ? AND e.state < 10 AND e.state IN (0, 2) AND e.due_at <= ?
AND NOT (e.rule IN (??text)) AND e.lease_until <= {clock}
AND (e.kind = 'lookup' OR NOT EXISTS (SELECT 1 FROM effects p WHERE p.connection_id = e.connection_id
    AND p.case_id = e.case_id AND p.seq < e.seq AND p.state < 10 AND p.kind <> 'lookup'))
ORDER BY e.seq LIMIT ?
"""


class Outbox:
    """Claims and results."""

    def __init__(self, engine: Engine, names: Names, entropy: Callable[[int], bytes]) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names
        self._entropy = entropy

    def _clock(self, now: int) -> str:
        own = self._engine.lease_now(now)
        return self._engine.lease_clock if own is None else str(int(own))

    # --- claims ------------------------------------------------------------------------------------------------------
    def claim(self, destinations: Sequence[Destination], now: int) -> Sequence[ClaimedEffects]:
        """Lease due effects; see `Store.claim`."""
        wanted = [d for d in destinations if d.free > 0]
        return self._engine.write(lambda t: self._claim(t, wanted, now)) if wanted else []

    def _claim(self, t: Transaction, destinations: Sequence[Destination], now: int) -> list[ClaimedEffects]:
        paused = {row[0] for row in t.rows("SELECT scope FROM pauses")}
        if "all" in paused:
            return []
        rules = {scope.removeprefix("rule:") for scope in paused if scope.startswith("rule:")}
        claimed: list[ClaimedEffects] = []
        for destination in destinations:
            number = self._names.find(destination.connection)
            if number is None or f"connection:{destination.connection}" in paused:
                continue
            if not t.rows(f"SELECT id FROM connections WHERE id = ? {self._engine.skip_locked}", number):
                continue
            claimed += self._claim_for(t, destination, number, rules, now)
        return claimed

    def _claim_for(
        self, t: Transaction, destination: Destination, number: int, rules: set[str], now: int
    ) -> list[ClaimedEffects]:
        budget = self._budget(t, destination, number, now)
        heads = t.rows(_HEADS.format(clock=self._clock(now)), number, now, sorted(rules), destination.free + 8)
        claimed: list[ClaimedEffects] = []
        for seq, effect_id, case_id, kind, state, attempts, tries, batch in heads:
            if len(claimed) == destination.free or budget <= 0:
                break
            reads = kind == EffectKind.LOOKUP.value
            release = None if reads else self._release(t, destination, number, case_id, now)
            if release is not None:
                t.run("UPDATE effects SET due_at = ? WHERE id = ?", release, effect_id)
                continue
            ids = self._together(t, number, case_id, seq, effect_id, kind, state, batch, now)
            claimed.append(self._lease(t, destination, number, case_id, ids, (state, attempts, tries), now))
            budget -= 1
        return claimed

    def _budget(self, t: Transaction, destination: Destination, number: int, now: int) -> float:
        left = math.inf
        for limit in destination.limits:
            if limit.scope == "connection":
                since = now - int(limit.seconds * _MICRO)
                used = t.rows("SELECT count(*) FROM calls WHERE connection_id = ? AND called_at > ?", number, since)
                left = min(left, limit.calls - used[0][0])
        if destination.limits:
            longest = max(limit.seconds for limit in destination.limits)
            t.run("DELETE FROM calls WHERE connection_id = ? AND called_at <= ?", number, now - int(longest * _MICRO))
        return left

    def _release(self, t: Transaction, destination: Destination, number: int, case_id: str, now: int) -> int | None:
        """Return when the limit on one ticket frees the next call, None when it is free now."""
        limits = (limit for limit in destination.limits if limit.scope == "ticket")
        freed = (frees_at(t, limit, number, case_id, now) for limit in limits)
        return next((at for at in freed if at is not None), None)

    def _together(
        self,
        t: Transaction,
        number: int,
        case_id: str,
        seq: int,
        effect_id: str,
        kind: str,
        state: int,
        batch: str | None,
        now: int,
    ) -> list[str]:
        """Return the effects that go out with a head: those it went out with before, or the updates right behind it."""
        if batch is not None:
            rows = t.rows(
                "SELECT id FROM effects WHERE connection_id = ? AND case_id = ? AND batch = ? AND state = ? ORDER BY seq",
                *(number, case_id, batch, state),
            )
            return [row[0] for row in rows]
        ids = [effect_id]
        if kind == EffectKind.UPDATE.value and state == PENDING:
            followers = t.rows(
                "SELECT id, kind, state, due_at, batch FROM effects WHERE connection_id = ? AND case_id = ? AND seq > ?"
                " AND state < 10 AND kind <> 'lookup' ORDER BY seq LIMIT ?",
                *(number, case_id, seq, TOGETHER - 1),
            )
            for follower, its_kind, its_state, due_at, its_batch in followers:
                if its_kind != kind or its_state != PENDING or due_at > now or its_batch is not None:
                    break
                ids.append(follower)
        return ids

    def _lease(
        self,
        t: Transaction,
        destination: Destination,
        number: int,
        case_id: str,
        ids: list[str],
        head: tuple[int, int, int],
        now: int,
    ) -> ClaimedEffects:
        state, attempts, tries = head
        settle = state == UNKNOWN
        t.run(
            f"UPDATE effects SET state = ?, attempts = ?, tries = ?, batch = ?, lease_until = {self._clock(now)} + ?"
            " WHERE id IN (??text)",
            *(UNKNOWN if settle else SENDING, attempts + 1, tries + 1, ids[0], int(destination.lease * _MICRO), ids),
        )
        docs = t.rows("SELECT doc FROM effects WHERE id IN (??text) ORDER BY seq", ids)
        effects = tuple(codec.effect_from(row[0]) for row in docs)
        reads = effects[0].kind is EffectKind.LOOKUP
        # A look-up is a call like others, but none on the case's ticket.
        called = (number, "" if reads else case_id, now)
        t.run("INSERT INTO calls (connection_id, case_id, called_at) VALUES (?, ?, ?)", *called)
        case, episode, tickets = self._surroundings(t, case_id, effects[0])
        place = self._place(t, number, case_id, effects[0])
        return ClaimedEffects(
            connection=destination.connection,
            effects=effects,
            attempt=attempts + 1,
            tries=tries + 1,
            settle=settle,
            case=case,
            episode=episode,
            tickets=tickets,
            astray=effects[0].kind is EffectKind.REPLY and place is not None and place.stranger,
            silenced=place is not None and place.silenced,
            asked=self._asked(t, number, case_id) if reads else None,
        )

    @staticmethod
    def _asked(t: Transaction, number: int, case_id: str) -> Asked | None:
        """Return whom a look-up of a case is about."""
        contact = t.rows("SELECT contact_id FROM cases WHERE id = ?", case_id)[0][0]
        return None if contact is None else people_of(t, [contact], number).get(contact)

    def _place(self, t: Transaction, number: int, case_id: str, effect: Effect) -> Thread | None:
        """Return the thread that a reply was written for, as its case sees it now; None of everything else."""
        if effect.kind is not EffectKind.REPLY:
            return None
        rows = t.rows(
            "SELECT t.id, k.contact_id FROM threads t JOIN cases k ON k.id = ? WHERE t.connection_id = ? AND t.key = ?",
            *(case_id, number, effect.destination),
        )
        return threads_by_id(t, self._names, [rows[0][0]], rows[0][1])[rows[0][0]] if rows else None

    def _surroundings(
        self, t: Transaction, case_id: str, effect: Effect
    ) -> tuple[Case, Episode | None, tuple[TicketLink, ...]]:
        root_id, doc = t.rows("SELECT root_id, doc FROM cases WHERE id = ?", case_id)[0]
        episodes = t.rows("SELECT doc FROM episodes WHERE id = ?", effect.episode_id) if effect.episode_id else []
        tickets = t.rows(
            "SELECT doc FROM tickets WHERE case_id IN (?, ?) ORDER BY (case_id <> ?), ticket_id",
            case_id,
            root_id,
            case_id,
        )
        return (
            codec.case_from(doc),
            codec.episode_from(episodes[0][0]) if episodes else None,
            tuple(codec.ticket_from(row[0]) for row in tickets),
        )

    # --- results -----------------------------------------------------------------------------------------------------
    def finish(self, results: Sequence[EffectResult], now: int) -> int:
        """Record results whose fence holds; see `Store.finish`."""
        if not results:
            return 0
        return self._engine.write(lambda t: sum(self._finish(t, result, now) for result in results))

    def _finish(self, t: Transaction, result: EffectResult, now: int) -> int:
        number = self._names.number(result.connection)
        rows = t.rows(
            "SELECT id, kind, case_id, state, doc FROM effects WHERE id IN (??text) AND connection_id = ? AND attempts = ?"
            f" AND state IN (1, 2) ORDER BY seq {self._engine.for_update}",
            *(list(result.effect_ids), number, result.attempt),
        )
        if len(rows) != len(result.effect_ids):
            return 0
        kind, case_id, was = rows[0][1], rows[0][2], rows[0][3]
        result = unless_anothers(t, number, case_id, result)
        state = _AFTERWARDS[result.verdict]
        if result.verdict is Verdict.RETURNED and was == UNKNOWN:
            state = UNKNOWN
        if result.verdict is Verdict.FAILED and kind == EffectKind.HANDOFF.value:
            state = STUCK
        # Sending and looking are counted apart: each begins anew when the other has ended.
        other_kind = (was == SENDING and state == UNKNOWN) or (was == UNKNOWN and state == PENDING)
        tries = "tries - 1" if result.verdict is Verdict.RETURNED else "0" if other_kind else "tries"
        receipt = codec.encode(result.receipt) if result.receipt is not None else None
        t.run(
            f"UPDATE effects SET state = ?, due_at = ?, lease_until = 0, tries = {tries}, receipt = ?, reason = ?"
            " WHERE id IN (??text)",
            *(state, result.due_at, receipt, result.reason, list(result.effect_ids)),
        )
        landed = result.verdict is Verdict.DONE
        if not landed and result.verdict is not Verdict.FAILED:
            return 1
        if result.learned is not None:
            keep_profile(t, number, *result.learned)
        effects = [codec.effect_from(row[4]) for row in rows]
        if landed and result.receipt is not None:
            self._keep_receipt(t, number, case_id, effects[0], result, result.receipt, now)
        if not landed and kind != EffectKind.LOOKUP.value:
            letters: list[Row] = [("effect", row[0], None, number, case_id, result.reason, now, "open") for row in rows]
            bury(t, letters)
        for effect in effects:
            outcome = outcome_of(effect, result.connection, landed=landed, receipt=result.receipt, reason=result.reason)
            tell(t, self._entropy, outcome, case_id, str(result.attempt), now)
        return 1

    def _keep_receipt(
        self,
        t: Transaction,
        number: int,
        case_id: str,
        effect: Effect,
        result: EffectResult,
        receipt: Receipt,
        now: int,
    ) -> None:
        """Enter what was written into the ledger, and bind the ticket and the thread on which answers will come."""
        t.insert(
            "foreign_ids",
            _FOREIGN,
            [(number, foreign.kind, foreign.id, case_id, effect.id) for foreign in receipt.ids],
            conflict="ON CONFLICT (connection_id, kind, foreign_id) DO NOTHING",
        )
        Reports(t, self._engine).messages_known(
            number,
            [foreign.id for foreign in receipt.ids],
            lambda: internal_thread(t, self._entropy, case_id, now),
        )
        if effect.kind is EffectKind.REPLY:
            self._keep_mail(t, number, effect, receipt)
        if receipt.ticket_id:
            link = TicketLink(connection=result.connection, ticket_id=receipt.ticket_id, adopted=False, url=receipt.url)
            t.insert(
                "tickets",
                TICKET,
                [(number, link.ticket_id, case_id, codec.encode(link))],
                conflict="ON CONFLICT (connection_id, ticket_id) DO NOTHING",
            )
        if receipt.thread:
            bind_thread(t, self._entropy, number, receipt.thread, case_id, now)

    @staticmethod
    def _keep_mail(t: Transaction, number: int, effect: Effect, receipt: Receipt) -> None:
        """Know the mail that was sent again when somebody answers it: it is of the thread that it went to."""
        threads = t.rows(
            "SELECT id FROM threads WHERE connection_id = ? AND key = ? AND channel = ?",
            *(number, effect.destination, Channel.EMAIL.value),
        )
        if threads:
            keep_message_ids(t, number, [foreign.id for foreign in receipt.ids], threads[0][0])

    def expire(self, now: int) -> int:
        """Turn `sending` effects whose lease ran out into `unknown`."""
        return self._engine.write(
            lambda t: t.run(
                f"UPDATE effects SET state = {UNKNOWN}, due_at = ?, lease_until = 0, tries = 0,"
                " reason = 'The lease ran out before an answer came.'"
                f" WHERE state = {SENDING} AND state < 10 AND lease_until <= {self._clock(now)}",
                now,
            )
        )

    # --- time --------------------------------------------------------------------------------------------------------
    def fire(self, now: int, limit: int) -> int:
        """Turn due timers into activities of their cases; each once, since the row goes in the same transaction."""

        def work(t: Transaction) -> int:
            due = t.rows(
                "SELECT case_id, name, due_at FROM timers WHERE due_at <= ? ORDER BY due_at, case_id, name LIMIT ? "
                + self._engine.skip_locked,
                *(now, limit),
            )
            for case_id, name, due_at in due:
                t.run("DELETE FROM timers WHERE case_id = ? AND name = ?", case_id, name)
                activity = Activity(
                    kind=ActivityKind.TIMER,
                    connection=BATON_NAME,
                    thread=case_id,
                    dedupe=f"timer:{case_id}:{name}:{due_at}",
                    occurred_at=due_at,
                    received_at=now,
                    name=name,
                )
                append_internal(t, self._entropy, case_id, activity, now)
            return len(due)

        return self._engine.write(work)

    def next_due(self) -> int | None:
        """Return when the next timer or waiting effect is due."""
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM timers UNION ALL"
                " SELECT min(due_at) AS due_at FROM effects WHERE state < 10 AND state IN (0, 2)) AS dues"
            )
        )
        return None if rows[0][0] is None else int(rows[0][0])


_FOREIGN: Final = (
    *(
        ("connection_id", "bigint"),
        ("kind", "text"),
        ("foreign_id", "text"),
        ("case_id", "text"),
        ("effect_id", "text"),
    ),
)
