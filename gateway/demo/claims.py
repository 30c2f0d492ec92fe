"""What is claimed, and the claims that every part of the day makes of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import Activity, ActivityKind, Role
from gateway.store.ports import Store
from gateway.store.values import CaseHistory

_OK: Final = range(200, 300)
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence, and whether it holds."""

    #: The sentence that is printed.
    sentence: str
    #: True when what was asked answers for it.
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseProof:
    """A case with what is claimed of it."""

    history: CaseHistory
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Everything that is claimed of a part of the day."""

    cases: tuple[CaseProof, ...]
    #: Claims about the part as a whole.
    whole: tuple[Claim, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Return all claims."""
        return (*(claim for case in self.cases for claim in case.claims), *self.whole)

    @property
    def broken(self) -> tuple[Claim, ...]:
        """Return the claims that do not hold."""
        return tuple(claim for claim in self.claims if not claim.holds)


# --- what every part claims ------------------------------------------------------------------------------------------
def histories_of(store: Store) -> list[CaseHistory]:
    """Return all cases with their history, the first one first."""
    cases = sorted(store.cases(1_000), key=lambda case: case.opened_at)
    return [history for case in cases if (history := store.history(case.id)) is not None]


def echoes(histories: Sequence[CaseHistory]) -> Iterable[Claim]:
    """Claim that what Baton wrote came back to it as the vendors' events, and moved nothing."""
    own = [applied for history in histories for applied in history.activities if applied.activity.own]
    still = all((applied.trace or {}).get("result") == "own" for applied in own)
    yield Claim(
        sentence=f"{len(own)} writes of Baton's own came back as events; no rule looked at them",
        holds=bool(own) and still,
    )


def refusals(refused: Mapping[str, int]) -> Iterable[Claim]:
    """Claim that each thing that a stranger sent was refused; what it was, and the status that it got."""
    for words, status in refused.items():
        yield Claim(sentence=f"{words}: answered {status}", holds=status == _UNAUTHORIZED)


def repetitions(store: Store, answers: Sequence[int], genuine: int) -> Iterable[Claim]:
    """Claim that requests which a stranger sent again were taken, and added nothing; each brings one event."""
    duplicates = store.accounts().events_duplicate
    sentence = f"{len(answers)} deliveries of {genuine} genuine requests: {duplicates} duplicates added nothing"
    yield Claim(sentence=sentence, holds=all(map(is_ok, answers)) and duplicates == len(answers) - genuine)


def dead_letters(store: Store, rubbish: int) -> Iterable[Claim]:
    """Claim that what nobody can read was kept."""
    letters = store.dead_letters()
    details = [store.dead_letter(letter.id) for letter in letters]
    kept = all(
        detail is not None and detail.delivery is not None and detail.delivery.delivery.body for detail in details
    )
    sentence = f"{times(len(letters), 'dead letter')}: what nobody can read, kept with its bytes"
    yield Claim(sentence=sentence, holds=len(letters) == rubbish and kept)


def conservation(store: Store) -> Iterable[Claim]:
    """Claim that everything that was accepted is somewhere, and that the audit was not changed."""
    accounts = store.accounts()
    sentence = (
        f"{accounts.events} events = {accounts.events_duplicate} duplicates + {accounts.events_dead} dead + "
        f"{accounts.activities - accounts.activities_internal} activities; unaccounted: {accounts.unaccounted}"
    )
    yield Claim(sentence=sentence, holds=accounts.unaccounted == 0)
    yield Claim(sentence="the audit's chain of hashes holds", holds=store.verify_audit() is None)


# --- small things ----------------------------------------------------------------------------------------------------
def said(history: CaseHistory) -> list[Activity]:
    """Return what people and bots said in a case; what machines and Baton itself wrote left out."""
    activities = [applied.activity for applied in history.activities]
    return [
        each
        for each in activities
        if each.kind is ActivityKind.MESSAGE
        and each.sender is not None
        and each.sender.role is not Role.SYSTEM
        and not each.own
    ]


def times(count: int, word: str) -> str:
    """Return a number of things in words."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def is_ok(status: int) -> bool:
    """Tell whether a status is what HTTP calls success."""
    return status in _OK
