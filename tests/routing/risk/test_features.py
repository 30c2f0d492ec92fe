"""SG-11: features are transparent, the same in any language, and never what somebody wrote or who they are."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import pytest
from hypothesis import given

from gateway.model import (
    Activity,
    ActivityKind,
    Channel,
    EffectKind,
    Party,
    Priority,
    Profile,
    SlaClock,
    SlaClocks,
    SlaMetric,
    altered,
)
from gateway.model.waiting import Waiting
from routing.risk.features import features_of, looked_at
from routing.snapshot import Snapshot
from tests.routing.situations import LIVE, situations
from tests.routing.values import CATCH_ALL, MINUTE, NOW, activity, case, message, outcome, policy, snapshot, timer

HOUR: Final = 60 * MINUTE
#: Every kind of feature that there is; the documentation lists them.
KINDS: Final = {
    *("channel", "priority", "customer_messages", "agent_messages", "bot_turns", "bot_fallbacks", "reopened"),
    *("repeated_question", "age", "unanswered_for", "follow_up", "sentiment", "sentiment_trend", "sla", "sla_missed"),
    *("sla_at_risk", "business_hours", "weekday", "hour_utc", "tier", "tag"),
}
WORD: Final = re.compile(r"[a-z_]+=[^@\n]{1,40}")


@given(situations())
def test_features_are_known_words_and_the_same_for_the_same(situation: tuple[Snapshot, Activity]) -> None:
    before, what = situation
    found = features_of(before, what, NOW)
    assert found == features_of(before, what, NOW)
    assert {each.partition("=")[0] for each in found} <= KINDS
    assert all(WORD.fullmatch(each) for each in found)


def test_no_text_and_no_identifier_of_anybody_is_a_feature() -> None:
    canary = "canary"
    party = Party(kind="canary_user", value="canary-1", name="Canary", email="canary@example.com")
    what = message(f"{canary} 4711", sender=party, subject=canary, thread=canary, message_id=canary)
    known = case(
        subject=canary,
        customer=party,
        last_agent=("desk", canary),
        last_thread=canary,
        tags=("billing", "canary@example.com", "order 12345", "x" * 60),
    )
    profile = Profile(values={"tier": "Gold", "organization": canary, "tags": [canary]}, read_at=NOW)
    found = features_of(snapshot(LIVE, case=known, profile=profile), what, NOW)
    assert not [each for each in found if canary in each.casefold()]
    assert {each for each in found if each.startswith(("tag=", "tier="))} == {"tag=billing", "tier=gold"}


def test_the_same_in_every_language() -> None:
    texts = ("Where is my parcel?", "Wo ist mein Paket?", "我的包裹在哪里?")
    assert len({features_of(snapshot(LIVE), message(text, language=""), NOW) for text in texts[1:]}) == 1


def test_what_is_known_of_a_case_is_told_by_its_size() -> None:
    at = round(datetime.fromisoformat("2026-11-24T13:30:00+00:00").timestamp()) * 1_000_000
    clocks = tuple(
        SlaClock(
            metric=metric,
            began_at=at - 3 * HOUR,
            target=4 * HOUR,
            used=0,
            resumed_at=at - 3 * HOUR,
            risk_at=at - MINUTE,
            due_at=at + due,
        )
        for metric, due in ((SlaMetric.NEXT, HOUR), (SlaMetric.RESOLUTION, -1))
    )
    known = case(
        channel=Channel.EMAIL,
        priority=Priority.P2,
        opened_at=at - 30 * HOUR,
        customer_messages=4,
        agent_messages=1,
        bot_fallbacks=9,
        reopened=1,
        sentiment=0.2,
        waiting=Waiting(begun_at=1, asked_at=1, unanswered_at=at - 2 * HOUR),
        sla=SlaClocks(id="standard", digest="", calendar="office", read_at=at, epoch=1, clocks=clocks),
        follows="another",
    )
    office = policy('[calendar.office]\ntz = "Europe/Berlin"\nmon = ["09:00-17:00"]\n' + CATCH_ALL)
    what = message("", received_at=at, occurred_at=at)
    assert set(features_of(snapshot(office, case=known), what, at)) == {
        *("channel=email", "priority=P2", "customer_messages=4-7", "agent_messages=1", "bot_fallbacks=8+"),
        *("reopened=1", "age=1d-3d", "unanswered_for=1h-4h", "follow_up=yes", "sentiment=neutral"),
        *("sla=standard", "sla_at_risk=next", "sla_missed=resolution"),
        *("business_hours=no", "weekday=tue", "hour_utc=12-16"),
    }


@pytest.mark.parametrize(("before", "trend"), [(None, None), (0.9, "falling"), (-0.9, "rising"), (0.0, None)])
def test_the_trend_of_sentiment_is_told_when_it_turns(before: float | None, trend: str | None) -> None:
    """The lexicon scores the word at 0.0 or so: the mean moves towards it."""
    rules = policy("[lexicon.de]\nnaja = 0.01\n" + CATCH_ALL)
    what = message("naja", language="de")
    found = features_of(snapshot(rules, case=case(sentiment=before)), what, NOW)
    assert [each for each in found if each.startswith("sentiment_trend=")] == (
        [f"sentiment_trend={trend}"] if trend else []
    )


def test_only_what_rules_may_look_upon_is_asked_about() -> None:
    assert looked_at(message())
    assert looked_at(timer("sla:x:first:breached:1"))
    assert looked_at(outcome("e", None, effect_kind=EffectKind.LOOKUP.value))
    assert not looked_at(outcome("e", None))
    assert not looked_at(timer("ack:e:0"))
    assert not looked_at(activity(ActivityKind.DELIVERY_REPORT))
    assert not looked_at(altered(message(), own=True))
