"""Why the open effects of a case are not settled, as far as the store knows: it asks what a claim asks, and leases nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import EffectKind
from gateway.sdk import RateLimit
from gateway.store.effects import PENDING, SENDING, STUCK, UNKNOWN
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.limits import frees_at
from gateway.store.names import Names

_OPEN: Final = (
    "SELECT seq, id, connection_id, kind, rule, state, due_at, lease_until, tries, batch FROM effects"
    " WHERE case_id = ? AND state < 10 ORDER BY seq"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What keeps one open effect. Several of these may be true at once."""

    #: The connection it goes to, by the name that it has now.
    connection: str
    #: It may be tried from then on, UTC microseconds.
    due_at: int
    #: It is in the hands of a gateway until then at most; None when it is in nobody's.
    leased_until: int | None = None
    #: True when it was given up, and what comes behind it waits for a person.
    stuck: bool = False
    #: Its open dead letter.
    letter: int | None = None
    #: The oldest open effect of the case and connection, which must be settled before; None when it is this one.
    behind: str | None = None
    #: True when it goes out in one call with that one.
    together: bool = False
    #: Pauses that hold it, scope and reason.
    pauses: tuple[tuple[str, str], ...] = ()
    #: The limit of the vendor that is used up, and until when.
    limit: tuple[RateLimit, int] | None = None


class Holds:
    """Asks what keeps open effects."""

    def __init__(self, engine: Engine, names: Names) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names

    def held(self, case_id: str, limits: Mapping[str, Sequence[RateLimit]], now: int) -> Mapping[str, Held]:
        """Return what keeps the open effects of a case; see `ForOperators.held`."""
        return self._engine.read(lambda t: self._held(t, case_id, limits, now))

    def _held(
        self, t: Transaction, case_id: str, limits: Mapping[str, Sequence[RateLimit]], now: int
    ) -> Mapping[str, Held]:
        rows = t.rows(_OPEN, case_id)
        if not rows:
            return {}
        pauses: list[tuple[str, str]] = [(row[0], row[1]) for row in t.rows("SELECT scope, reason FROM pauses")]
        letters: dict[str, int] = dict(
            t.rows(
                "SELECT ref, max(id) FROM dead_letters WHERE kind = 'effect' AND state = 'open' AND ref IN (??text) GROUP BY ref",
                [row[1] for row in rows],
            )
        )
        clock = self._clock(t, now)
        found: dict[str, Held] = {}
        for row in rows:
            _, effect_id, number, kind, rule, state, due_at, lease_until, _, _ = row
            connection = self._names.name(number)
            line = [other for other in rows if other[2] == number and other[3] != EffectKind.LOOKUP.value]
            first = line[0] if kind != EffectKind.LOOKUP.value and line[0] is not row else None
            scopes = {"all", f"connection:{connection}", f"rule:{rule}"}
            found[effect_id] = Held(
                connection=connection,
                due_at=int(due_at),
                leased_until=int(lease_until) if state == SENDING or lease_until > clock else None,
                stuck=state == STUCK,
                letter=letters.get(effect_id),
                behind=first[1] if first is not None else None,
                together=first is not None and _together(line, row, now),
                pauses=tuple(each for each in pauses if each[0] in scopes),
                limit=_limit(
                    t, number, "" if kind == EffectKind.LOOKUP.value else case_id, limits.get(connection, ()), now
                )
                if state in {PENDING, UNKNOWN}
                else None,
            )
        return found

    def _clock(self, t: Transaction, now: int) -> int:
        """Return the time that leases run by."""
        own = self._engine.lease_now(now)
        return int(t.rows(f"SELECT {self._engine.lease_clock}")[0][0]) if own is None else own


def _together(line: Sequence[Row], row: Row, now: int) -> bool:
    """Tell whether an effect goes out in one call with the first of its line: it did before, or is an update right behind it."""
    first = line[0]
    if first[9] is not None:
        return bool(row[9] == first[9] and row[5] == first[5])
    before = line[: line.index(row) + 1]
    return all(
        each[3] == EffectKind.UPDATE.value and each[5] == PENDING and each[6] <= now and each[9] is None
        for each in before
    )


def _limit(
    t: Transaction, number: int, case_id: str, limits: Sequence[RateLimit], now: int
) -> tuple[RateLimit, int] | None:
    """Return the limit that frees a call last, and when; None when a call is free now."""
    used_up: list[tuple[int, RateLimit]] = []
    for limit in limits:
        if limit.scope == "ticket" and not case_id:
            continue
        until = frees_at(t, limit, number, case_id, now)
        if until is not None:
            used_up.append((until, limit))
    if not used_up:
        return None
    until, limit = max(used_up, key=lambda each: each[0])
    return limit, until
