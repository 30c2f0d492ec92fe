"""One log line for each thing that happens to an event: parsed, decided, sent, given up.

Lines of one batch are one record, so that many cost little; a level that is off costs nothing. Outside of any transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from gateway.model import EffectKind
from gateway.store.ports import Verdict

if TYPE_CHECKING:
    from gateway.pipeline.calls import Judgement
    from gateway.store.happened import Buried
    from gateway.store.ports import AppliedBatch, ClaimedEffects, SavedBatch

#: The logger of these lines. They are never left out as repeats.
_log: Final = logging.getLogger("baton.events")


def tell_parsed(batch: SavedBatch) -> None:
    """Log what came out of deliveries."""
    if batch.events and _log.isEnabledFor(logging.INFO):
        _lines(logging.INFO, "parsed", [each._asdict() for each in batch.events])
    _tell_letters(batch.letters)


def tell_applied(batch: AppliedBatch) -> None:
    """Log what was decided."""
    if batch.decided and _log.isEnabledFor(logging.INFO):
        _lines(logging.INFO, "decided", [each._asdict() for each in batch.decided])
    _tell_letters(batch.letters)


def tell_sent(claim: ClaimedEffects, judgement: Judgement) -> None:
    """Log what came of one attempt to send, or to find out whether something was sent."""
    result = judgement.result
    kind = claim.effects[0].kind
    given_up = result.verdict is Verdict.FAILED and kind is not EffectKind.LOOKUP
    level = logging.WARNING if given_up else logging.INFO
    if not _log.isEnabledFor(level):
        return
    fields: dict[str, Any] = {
        "case_id": claim.case.id,
        "connection": claim.connection,
        "kind": kind.value,
        "attempt": claim.tries,
        "settling": claim.settle,
        "outcome": judgement.outcome,
    }
    if result.reason:
        fields["reason"] = result.reason
    if claim.effects[0].rule:
        fields["rule"] = claim.effects[0].rule
    event = "a dead letter" if given_up else "sent" if judgement.outcome == "done" else "not sent"
    _lines(level, event, [{"effect_id": effect.id, **fields} for effect in claim.effects])


def _tell_letters(letters: Iterable[Buried]) -> None:
    if letters and _log.isEnabledFor(logging.WARNING):
        _lines(logging.WARNING, "a dead letter", [each._asdict() for each in letters])


def _lines(level: int, event: str, lines: list[dict[str, Any]]) -> None:
    _log.log(level, event, extra={"lines": lines})
