"""What calls to staff may cost in a day: reserved before they are made, counted as billed once that is told. Never exceeded."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.twilio.connector_voice import TwilioVoiceConnector
from connectors.twilio.prices import LONGEST_CALL, OVER, cost_of_call, listed_call
from connectors.twilio.sandbox_account import SMS_NUMBER
from connectors.twilio.settings import TwilioVoiceSettings
from gateway.sdk import OutcomeUnknown, PermanentFailure
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.twilio.test_notices import EVE, VoiceSetUp, notice
from tests.connectors.twilio.test_twilio import DAY

FAY: Final = "+4915550901"
RATE: Final = Decimal("0.10")
_MONEY: Final = st.decimals(min_value=0, max_value=10, places=4)


def made(**more: Any) -> TwilioVoiceSettings:
    return TwilioVoiceSettings(account_sid="AC1", auth_token=SecretStr("t"), **more)


# --- what a call costs -----------------------------------------------------------------------------------------------
@given(
    price=_MONEY,
    status=st.sampled_from([*sorted(OVER), "queued", "ringing", "in-progress"]),
    seconds=st.integers(0, LONGEST_CALL),
    runs=st.integers(0, LONGEST_CALL),
)
def test_a_call_of_ours_never_counts_for_more_than_was_reserved_for_it(
    price: Decimal, status: str, seconds: int, runs: int
) -> None:
    """While it rings, while they speak, and after it is over: what was reserved covers all of it."""
    prices = {"call": price}
    reserved = cost_of_call(EVE, prices)
    assert reserved is not None
    counted = listed_call(status, seconds if status in OVER else None, runs, EVE, None, prices)
    assert counted.count == reserved.count == 1
    assert counted.cost <= reserved.cost
    assert counted.cost == (0 if status in OVER - {"completed"} else reserved.cost)


@pytest.mark.parametrize(
    ("status", "seconds", "runs", "billed", "cost"),
    [
        ("completed", 61, 600, None, "0.20"),
        ("completed", 0, 600, None, "0.10"),
        ("completed", 61, 600, "-0.07", "0.07"),
        ("in-progress", None, 3601, None, "6.10"),
        ("queued", None, 1, None, "0.10"),
        ("no-answer", 0, 600, None, "0"),
        ("busy", None, 600, "-0.01", "0.01"),
    ],
)
def test_calls_of_others_count_as_they_were_billed_or_for_as_long_as_they_run(
    status: str, seconds: int | None, runs: int, billed: str | None, cost: str
) -> None:
    assert listed_call(status, seconds, runs, EVE, billed, {"call": RATE}).cost == Decimal(cost)


def test_the_longest_beginning_of_a_number_prices_its_minute() -> None:
    prices = made(daily_cost=1, prices={"call": 0.02, "call +49": 0.1, "call +4915": 0.3}).prices
    costs = [cost_of_call(number, prices) for number in (EVE, "+4930100", "+15550100")]
    assert [each and each.cost for each in costs] == [Decimal("0.3"), Decimal("0.1"), Decimal("0.02")]
    assert cost_of_call("+15550100", {"call +49": RATE}) is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"daily_cost": 5}, "daily_cost and prices belong together"),
        ({"prices": {"call": 0.01}}, "daily_cost and prices belong together"),
        ({"daily_cost": 5, "prices": {"sms": 0.01}}, 'no price of "sms": a key is call, or that and .*"call \\+49"'),
        ({"daily_cost": 5, "prices": {"call 49": 0.01}}, 'no price of "call 49"'),
        ({"daily_cost": 5, "prices": {"call": -1}}, 'price of "call" is -1: a price is 0 or more'),
        ({"daily_calls": 0}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_cap_is_refused_with_a_sentence(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        made(**more)


# --- calls -----------------------------------------------------------------------------------------------------------
class TestCapOfCalls(VoiceSetUp):
    async def capped(self, sandbox: Any, host: FakeHost, cost: str | None, **more: Any) -> TwilioVoiceConnector:
        money = {} if cost is None else {"daily_cost": cost, "prices": {"call": str(RATE)}}
        connector = self.make({**self.values(sandbox), **money, **more}, host)
        assert isinstance(connector, TwilioVoiceConnector)
        await connector.open()
        return connector

    @pytest.fixture(autouse=True)
    def noon(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        sandbox.rate = RATE

    async def test_a_call_that_is_over_the_cap_is_not_made_and_the_sentence_says_what_to_do(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        """The dead letter says it; that the ladder goes on, `test_staff` shows. A call that nobody took costs nothing."""
        connector = await self.capped(sandbox, host, "0.25")
        for number in range(2):
            await connector.notify(notice(sandbox, f"k{number}"))
        with pytest.raises(PermanentFailure, match=r"spent 0\.20 of its 0\.25 USD .* about 0\.10: raise daily_cost"):
            await connector.notify(notice(sandbox, "k2"))
        assert len(sandbox.calls_made) == 2
        sandbox.ends(EVE, "no-answer")
        await connector.notify(notice(sandbox, "k2"))
        with pytest.raises(PermanentFailure, match="daily_cost"):
            await connector.notify(notice(sandbox, "k3"))
        host.time += DAY // 2
        await connector.notify(notice(sandbox, "k4"))
        assert len(sandbox.calls_made) == 4

    async def test_what_was_billed_counts_also_that_of_others_and_after_a_restart(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        others = sandbox.begins(SMS_NUMBER, FAY, "outbound-api")
        sandbox.ended(others, "completed", 150, tells=False)
        first = await self.capped(sandbox, host, "0.45")
        await first.notify(notice(sandbox, "k0"))
        sandbox.bills()
        again = await self.capped(sandbox, host, "0.45")
        with pytest.raises(PermanentFailure, match=r"spent 0\.40 of its 0\.45"):
            await again.notify(notice(sandbox, "k1"))

    async def test_whoever_calls_us_costs_nothing(self, sandbox: Any, host: FakeHost) -> None:
        for _ in range(5):
            sandbox.call_elsewhere("+4915550100")
        await (await self.capped(sandbox, host, "0.10")).notify(notice(sandbox))

    async def test_the_cap_in_number_holds_without_prices(self, sandbox: Any, host: FakeHost) -> None:
        connector = await self.capped(sandbox, host, None, daily_calls=1)
        await connector.notify(notice(sandbox, "k0"))
        sandbox.ends(EVE, "busy")
        with pytest.raises(PermanentFailure, match=r"made 1 of its 1 calls of the day .*: raise daily_calls"):
            await connector.notify(notice(sandbox, "k1"))

    async def test_a_number_that_no_price_covers_is_not_called(self, sandbox: Any, host: FakeHost) -> None:
        connector = await self.capped(sandbox, host, "5", prices={"call +1": "0.01"})
        with pytest.raises(PermanentFailure, match=r"no price covers call \+491…") as told:
            await connector.notify(notice(sandbox))
        assert EVE not in str(told.value)
        assert sandbox.calls_made == []

    async def test_a_cap_in_another_currency_than_the_bills_is_said(self, sandbox: Any, host: FakeHost) -> None:
        connector = await self.capped(sandbox, host, "5", currency="EUR")
        await connector.notify(notice(sandbox, "k0"))
        sandbox.ends(EVE)
        sandbox.bills()
        with pytest.raises(PermanentFailure, match="bills this account in USD, and the connection's cap is in EUR"):
            await connector.notify(notice(sandbox, "k1"))

    async def test_a_call_is_cut_before_a_second_minute_begins(self, sandbox: Any, host: FakeHost) -> None:
        await (await self.capped(sandbox, host, None)).notify(notice(sandbox))
        sandbox.ends(EVE, seconds=4_000)
        assert sandbox.bills() == 1
        assert Decimal(sandbox.calls_made[0]["price"]) == -RATE

    async def test_a_call_whose_answer_is_lost_holds_its_money_until_it_is_settled(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        connector = await self.capped(sandbox, host, "0.10")
        lost = notice(sandbox, "k0")
        sandbox.faults.add("calls.create", FaultKind.RESET_BEFORE)
        with pytest.raises(OutcomeUnknown):
            await connector.notify(lost)
        with pytest.raises(PermanentFailure, match="daily_cost"):
            await connector.notify(notice(sandbox, "k1"))
        assert await connector.settle_notice(lost) is None
        await connector.notify(lost)
        assert await connector.settle_notice(lost) is not None
        with pytest.raises(PermanentFailure, match="daily_cost"):
            await connector.notify(notice(sandbox, "k1"))
        assert len(sandbox.calls_made) == 1

    async def test_a_call_that_twilio_refuses_holds_nothing(self, sandbox: Any, host: FakeHost) -> None:
        connector = await self.capped(sandbox, host, "0.10")
        for key in ("k0", "k1"):
            with pytest.raises(PermanentFailure, match="21211"):
                await connector.notify(notice(sandbox, key, destination="nobody"))
        await connector.notify(notice(sandbox, "k2"))

    @pytest.mark.parametrize("seed", range(6))
    async def test_whatever_happens_the_bill_never_exceeds_the_cap(
        self, sandbox: Any, host: FakeHost, seed: int
    ) -> None:
        """Several calls at a time, lost answers, calls that nobody takes or that last, late bills, restarts."""
        dice = random.Random(seed)
        cap = RATE * dice.randint(2, 6)
        connector = await self.capped(sandbox, host, str(cap))
        asked = refused = 0
        for turn in range(12):
            for _ in range(dice.choice([0, 0, 1])):
                sandbox.faults.add("calls.create", dice.choice([FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER]))
            keys = [f"{turn}-{each}" for each in range(dice.randint(1, 4))]
            told = await asyncio.gather(
                *(connector.notify(notice(sandbox, key, destination=dice.choice([EVE, FAY]))) for key in keys),
                return_exceptions=True,
            )
            asked += len(told)
            refused += sum(isinstance(each, PermanentFailure) for each in told)
            assert all(
                not isinstance(each, BaseException) or isinstance(each, (PermanentFailure, OutcomeUnknown))
                for each in told
            )
            assert at_worst(sandbox) <= cap
            for row in [row for row in sandbox.calls_made if row["status"] == "queued"]:
                if dice.random() < 0.5:
                    sandbox.ends(row["to"], dice.choice(["completed", "busy", "no-answer"]), dice.randint(1, 300))
            if dice.random() < 0.5:
                sandbox.bills()
            if dice.random() < 0.3:
                connector = await self.capped(sandbox, host, str(cap))
        assert 0 < refused < asked


def at_worst(sandbox: Any) -> Decimal:
    """Return what all calls cost when everybody who is still called picks up, and nobody hangs up."""
    return sum(
        (
            -Decimal(row["price"]) if row["price"] else RATE
            for row in sandbox.calls_made
            if row["status"] in {"queued", "completed"}
        ),
        Decimal(0),
    )
