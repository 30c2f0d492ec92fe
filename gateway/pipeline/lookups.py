"""Look-ups: a connection is asked what it knows of a customer. It only reads, so it may be asked again at any time.

Nobody is asked by what was only claimed: whom a look-up is about comes from the store, with proven identifiers alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, cast

from gateway.host.connection import Connection
from gateway.host.registry import PluginError
from gateway.model import Profile
from gateway.pipeline.calls import Judge, Judgement
from gateway.pipeline.retry import next_attempt
from gateway.sdk import ConnectorError, CredentialsRefused, PermanentFailure, ProfileSource, TemporaryFailure
from gateway.store.ports import Asked, ClaimedEffects, Verdict

_log: Final = logging.getLogger("baton.pipeline")

#: Longest that a look-up may take, seconds, when the connector itself would wait longer.
PATIENCE: Final = 5.0
#: Tries before it comes to nothing: some minutes. The next message asks again.
MOST_TRIES: Final = 8
#: What is kept of a profile at most: values, words of a list, characters of a word.
VALUES: Final = 50
WORDS: Final = 200
LONGEST: Final = 500


async def look_up(connection: Connection | None, claim: ClaimedEffects, now: Callable[[], int]) -> Judgement:
    """Ask a connection about the customer of a claim, and say what that means for the effect."""
    if connection is None:
        return Judge(claim, now()).returned("The connection was removed.", seconds=5.0)
    asked = claim.asked
    if asked is None or not asked.contact.parties:
        reason = "Nothing of the customer is proven that they could be known by."
        return Judgement(result=Judge(claim, now()).result(Verdict.FAILED, reason), outcome="failed")
    if asked.profile is not None and asked.profile.read_at >= claim.effects[0].due_at:
        # Another case of the same person was answered meanwhile.
        return _learned(claim, asked, asked.profile, now())
    patience = min(connection.config.spec.capabilities.call_timeout, PATIENCE)
    try:
        async with connection.calling() as connector, asyncio.timeout(patience):
            if not isinstance(connector, ProfileSource):
                raise PermanentFailure("The connector knows no customers.")
            profile = await connector.profile(asked.contact)
            made = kept(profile, now())
    except asyncio.CancelledError:
        return Judge(claim, now()).returned("The gateway was shut down while it was asked.")
    except Exception as error:  # noqa: BLE001 (every error has its meaning, and what has none is a bug)
        judgement = _missed(claim, error, now())
        if judgement.refused is not None:
            connection.refused(judgement.refused)
        else:
            connection.failed(error)
        return judgement
    connection.succeeded()
    return _learned(claim, asked, made, now())


def kept(profile: Profile, now: int) -> Profile:
    """Return what is kept of a profile: words, numbers, flags and lists of words under short names, not from the future."""
    values: dict[str, object] = {}
    for name, value in list(profile.values.items())[:VALUES]:
        made = _value(value)
        if made is not None and len(str(name)) <= LONGEST:
            values[str(name)] = made
    return Profile(values=values, read_at=min(profile.read_at, now))


def _value(value: object) -> object:
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        words = [each[:LONGEST] for each in cast("Iterable[object]", value) if isinstance(each, str)]
        return sorted(words)[:WORDS] if isinstance(value, set | frozenset) else words[:WORDS]
    return None


def _learned(claim: ClaimedEffects, asked: Asked, profile: Profile, now: int) -> Judgement:
    result = replace(Judge(claim, now).result(Verdict.DONE), learned=(asked, profile))
    return Judgement(result=result, outcome="done")


def _missed(claim: ClaimedEffects, error: Exception, now: int) -> Judgement:
    """Judge what a look-up raised: it only reads, so whatever is unclear is asked again."""
    sentence = str(error) or type(error).__name__
    judge = Judge(claim, now)
    if isinstance(error, CredentialsRefused):
        return Judgement(result=judge.returned(sentence, seconds=5.0).result, outcome="refused", refused=sentence)
    if isinstance(error, PluginError):
        return judge.returned(sentence, seconds=5.0)
    bug = not isinstance(error, ConnectorError | TimeoutError)
    if bug:
        sentence = f"The connector raised what no connector may raise ({type(error).__name__})."
        _log.error(
            "a connector raised what no connector may raise",
            extra={"action": "connector_bug", "connection": claim.connection, "error": type(error).__name__},
        )
    elif isinstance(error, TimeoutError):
        sentence = "No answer came in time."
    if isinstance(error, PermanentFailure) or claim.tries >= MOST_TRIES:
        return Judgement(result=judge.result(Verdict.FAILED, sentence), outcome="failed", bug=bug)
    wish = error.retry_after if isinstance(error, TemporaryFailure) else None
    result = judge.result(Verdict.RETRY, sentence, due_at=next_attempt(now, claim.tries, wish))
    return Judgement(result=result, outcome="retry", bug=bug, throttled=wish is not None)
