"""One call to a connector, and what its outcome means for the effect."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from gateway.host.registry import PluginError
from gateway.model import Handoff, Notice, Receipt, Reply
from gateway.pipeline.outgoing import Outgoing
from gateway.pipeline.retry import MOST_ATTEMPTS, MOST_LOOKS, next_attempt, next_look
from gateway.sdk import (
    ConnectorError,
    CredentialsRefused,
    HandoffTarget,
    Notifier,
    OutcomeUnknown,
    PermanentFailure,
    Replier,
    TemporaryFailure,
)
from gateway.store.ports import ClaimedEffects, EffectResult, Verdict

_log: Final = logging.getLogger("baton.pipeline")

#: Seconds that an unknown outcome is left alone, beside the call's own time-out: a write may land late.
GRACE: Final = 5.0


async def send(connector: object, what: Outgoing) -> Receipt:
    """Have a connector write. Raises its errors; PermanentFailure when it cannot do such a thing."""
    if isinstance(what, Handoff) and isinstance(connector, HandoffTarget):
        return await connector.hand_off(what)
    if isinstance(what, Reply) and isinstance(connector, Replier):
        return await connector.reply(what)
    if isinstance(what, Notice) and isinstance(connector, Notifier):
        return await connector.notify(what)
    raise PermanentFailure(f"The connector cannot take a {type(what).__name__.lower()}.")


async def look(connector: object, what: Outgoing) -> Receipt | None:
    """Have a connector find out whether a write landed."""
    if isinstance(what, Handoff) and isinstance(connector, HandoffTarget):
        return await connector.settle(what)
    if isinstance(what, Reply) and isinstance(connector, Replier):
        return await connector.settle_reply(what)
    if isinstance(what, Notice) and isinstance(connector, Notifier):
        return await connector.settle_notice(what)
    raise PermanentFailure(f"The connector cannot take a {type(what).__name__.lower()}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the outcome of a call means."""

    result: EffectResult
    #: The word for counters: ``done``, ``retry``, ``unknown`` …
    outcome: str
    #: The sentence, when the vendor refused our credentials.
    refused: str | None = None
    #: True when a connector raised what no connector may raise.
    bug: bool = False
    #: True when the vendor asked us to slow down.
    throttled: bool = False


class Judge:
    """Turns receipts and errors of one claim into results."""

    def __init__(self, claim: ClaimedEffects, now: int) -> None:
        """Take the claim and the time of the outcome."""
        self._claim = claim
        self._now = now

    def result(
        self, verdict: Verdict, reason: str = "", *, receipt: Receipt | None = None, due_at: int = 0
    ) -> EffectResult:
        """Return a result for all effects of the claim."""
        return EffectResult(
            connection=self._claim.connection,
            effect_ids=tuple(effect.id for effect in self._claim.effects),
            attempt=self._claim.attempt,
            verdict=verdict,
            receipt=receipt,
            due_at=due_at,
            reason=reason,
        )

    def returned(self, reason: str, seconds: float = 0.0) -> Judgement:
        """Give the claim back: the attempt does not count."""
        due = self._now + int(seconds * 1_000_000)
        return Judgement(result=self.result(Verdict.RETURNED, reason, due_at=due), outcome="returned")

    def landed(self, receipt: Receipt) -> Judgement:
        """Take the receipt: it stands at the vendor."""
        return Judgement(result=self.result(Verdict.DONE, receipt=receipt), outcome="done")

    def absent(self) -> Judgement:
        """Send it again, as a new attempt: it certainly did not land."""
        reason = "The vendor does not have it: it is sent again."
        return Judgement(result=self.result(Verdict.RETRY, reason, due_at=self._now), outcome="retry")

    def lost(self, reason: str) -> Judgement:
        """Nobody knows whether it landed."""
        looks = self._claim.tries if self._claim.settle else 0
        if looks >= MOST_LOOKS:
            sentence = f"Its outcome stayed unknown after {looks} looks ({reason}): look into the vendor's system."
            return Judgement(result=self.result(Verdict.FAILED, sentence), outcome="failed")
        due = next_look(self._now, max(1, looks), 0.0 if self._claim.settle else GRACE)
        return Judgement(result=self.result(Verdict.UNKNOWN, reason, due_at=due), outcome="unknown")

    def error(self, error: Exception) -> Judgement:
        """Judge what a call raised. While settling, only a receipt or a clear no changes that the outcome is unknown."""
        sentence = str(error) or type(error).__name__
        if isinstance(error, CredentialsRefused):
            given_back = self.returned(sentence, seconds=5.0)
            return Judgement(result=given_back.result, outcome="refused", refused=sentence)
        if isinstance(error, TemporaryFailure):
            return self._temporary(error, sentence)
        if isinstance(error, PermanentFailure) and not self._claim.settle:
            return Judgement(result=self.result(Verdict.FAILED, sentence), outcome="failed")
        if isinstance(error, OutcomeUnknown | PermanentFailure | TimeoutError):
            return self.lost("No answer came in time." if isinstance(error, TimeoutError) else sentence)
        if isinstance(error, PluginError):
            return self.returned(sentence, seconds=5.0)
        return self._bug(error)

    def _temporary(self, error: TemporaryFailure, sentence: str) -> Judgement:
        due = next_attempt(self._now, self._claim.tries, error.retry_after)
        throttled = error.retry_after is not None
        if self._claim.settle:
            result = self.result(Verdict.UNKNOWN, sentence, due_at=due)
            return Judgement(result=result, outcome="unknown", throttled=throttled)
        if self._claim.tries >= MOST_ATTEMPTS:
            reason = f"Given up after {self._claim.tries} attempts: {sentence}"
            return Judgement(result=self.result(Verdict.FAILED, reason), outcome="failed", throttled=throttled)
        return Judgement(result=self.result(Verdict.RETRY, sentence, due_at=due), outcome="retry", throttled=throttled)

    def _bug(self, error: Exception) -> Judgement:
        """Take what no connector may raise for an unknown outcome: something may have been written."""
        word = "broke" if isinstance(error, ConnectorError) else "raised what no connector may raise"
        _log.error(
            "a connector %s",
            word,
            extra={"action": "connector_bug", "connection": self._claim.connection, "error": type(error).__name__},
        )
        lost = self.lost(f"The connector {word} ({type(error).__name__}).")
        return Judgement(result=lost.result, outcome=lost.outcome, bug=True)
