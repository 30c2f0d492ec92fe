"""The day's cap in money: estimated by the admin's prices before sending, counted as billed once Twilio tells it."""

from __future__ import annotations

import asyncio
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.prices import CHANNELS, Spent, cost_of, cost_of_call, listed, price_of
from connectors.twilio.sandbox_account import SMS_NUMBER
from connectors.twilio.segments import segments
from connectors.twilio.settings import TwilioSettings, TwilioVoiceSettings
from gateway.sdk import PermanentFailure
from gateway.testing.host import FakeHost
from tests.connectors.twilio.test_twilio import ANNA, BEN, DAY, TwilioSetUp, answer_to

PRICES = {"sms": 0.01, "sms +49": 0.1, "sms +4930": 0.5, "whatsapp": 0.005}
_MONEY = st.decimals(min_value=0, max_value=10, places=4)
_DIGITS = st.text("0123456789", min_size=1, max_size=6)


def made(**more: Any) -> TwilioSettings:
    return TwilioSettings(account_sid="AC1", auth_token=SecretStr("t"), **more)


# --- prices ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("to", "price"),
    [("+4930123456", "0.5"), ("+4915550100", "0.1"), ("+15550100", "0.01"), ("whatsapp:+4915550100", "0.005")],
)
def test_the_longest_beginning_of_a_number_of_its_channel_prices_it(to: str, price: str) -> None:
    assert price_of(to, made(daily_cost=1, prices=PRICES).prices) == Decimal(price)


def key_of(channel: str, digits: str) -> str:
    return f"{channel} +{digits}" if digits else channel


@given(
    number=_DIGITS.map(lambda rest: f"+{rest}"),
    channel=st.sampled_from(CHANNELS),
    prices=st.dictionaries(
        st.builds(key_of, st.sampled_from(CHANNELS), st.text("0123456789", max_size=4)),
        _MONEY,
        max_size=8,
    ),
)
def test_a_price_is_that_of_the_longest_key_that_covers_the_address_or_there_is_none(
    number: str, channel: str, prices: dict[str, Decimal]
) -> None:
    address = number if channel == "sms" else f"{channel}:{number}"
    covering = [
        key
        for key in prices
        if key == channel or (key.startswith(f"{channel} ") and number.startswith(key.partition(" ")[2]))
    ]
    assert price_of(address, prices) == (prices[max(covering, key=len)] if covering else None)


@given(text=st.text(max_size=500), price=_MONEY, billed=st.one_of(st.none(), _MONEY.map(lambda each: f"-{each:f}")))
def test_a_text_costs_its_segments_and_a_sent_one_what_twilio_billed(
    text: str, price: Decimal, billed: str | None
) -> None:
    prices = {"sms": price}
    cost = cost_of(text, ANNA, prices)
    assert cost is not None
    assert (cost.count, cost.cost) == (segments(text, to=ANNA), segments(text, to=ANNA) * price)
    counted = listed(cost.count, ANNA, billed, prices)
    assert counted.cost == (cost.cost if billed is None else abs(Decimal(billed)))


def test_what_somebody_else_sent_where_no_price_is_counts_by_the_dearest() -> None:
    prices = {"sms +49": Decimal("0.1"), "whatsapp": Decimal("0.005")}
    assert cost_of("x", "+15550100", prices) is None
    assert listed(2, "+15550100", None, prices).cost == Decimal("0.2")


# --- settings --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"daily_cost": 5}, "daily_cost and prices belong together"),
        ({"prices": {"sms": 0.01}}, "daily_cost and prices belong together"),
        ({"daily_cost": 5, "prices": {"sms 49": 0.01}}, 'no price of "sms 49".*"sms \\+49"'),
        ({"daily_cost": 5, "prices": {"fax": 0.01}}, 'no price of "fax".*sms, whatsapp'),
        ({"daily_cost": 5, "prices": {"sms": -0.01}}, 'price of "sms" is -0.01: a price is 0 or more'),
        ({"daily_cost": 5, "prices": {"sms": "nan"}}, "prices"),
        ({"daily_cost": 0, "prices": {"sms": 0.01}}, "greater than 0"),
        ({"daily_cost": 5, "prices": {"sms": 0.01}, "currency": "usd"}, "currency"),
    ],
)
def test_what_makes_no_cap_in_money_is_refused_with_a_sentence(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        made(**more)


def test_prices_are_exact_as_they_were_written() -> None:
    assert made(daily_cost=1, prices={"sms": 0.0079}).prices == {"sms": Decimal("0.0079")}


def test_the_documented_cap_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs/connectors/twilio.md").read_text(encoding="utf-8")
    texts, calls = (block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "daily_cost" in block)
    settings = made(**tomllib.loads(texts))
    assert settings.daily_cost == 25
    assert price_of(ANNA, settings.prices) == Decimal("0.0885")
    voice = TwilioVoiceSettings(account_sid="AC1", auth_token=SecretStr("t"), **tomllib.loads(calls))
    assert cost_of_call(ANNA, voice.prices) == Spent(1, Decimal("0.15"))


# --- replies ---------------------------------------------------------------------------------------------------------
class TestCapInMoney(TwilioSetUp):
    def capped(self, sandbox: Any, host: FakeHost, cost: float, **more: Any) -> TwilioConnector:
        values = {**self.values(sandbox), "daily_cost": cost, "prices": PRICES, **more}
        connector = self.make(values, host)
        assert isinstance(connector, TwilioConnector)
        return connector

    async def test_what_would_cost_more_than_is_left_is_not_sent_until_the_cap_is_raised_or_the_day_is_over(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        host.time += DAY // 2
        connector = self.capped(sandbox, host, 0.35)
        await connector.open()
        await connector.reply(answer_to(text="y" * 161))
        with pytest.raises(
            PermanentFailure, match=r"spent 0\.2 of its 0\.35 USD .* costs about 0\.2: raise daily_cost"
        ):
            await connector.reply(answer_to(text="z" * 161, key="k-2"))
        await connector.reply(answer_to(text="short", key="k-3"))
        with pytest.raises(PermanentFailure, match="daily_cost"):
            await connector.reply(answer_to(text="!", key="k-4"))
        await connector.reply(answer_to("+15550100", text="to where it is cheap", key="k-5"))
        raised = self.capped(sandbox, host, 0.45)
        await raised.open()
        await raised.reply(answer_to(text="!", key="k-4"))
        host.time += DAY // 2
        await connector.reply(answer_to(text="a new day", key="k-6"))
        assert [sandbox.sent(text) for text in ("z" * 161, "!", "a new day")] == [0, 1, 1]

    async def test_what_was_sent_counts_as_it_was_billed(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        sandbox.rate = Decimal("0.3")
        sandbox._row(SMS_NUMBER, ANNA, "by others", "outbound-api", "queued")
        sandbox.messages[-1].update(_callback="", _free=True)
        sandbox.carries()
        connector = self.capped(sandbox, host, 0.35)
        await connector.open()
        with pytest.raises(PermanentFailure, match=r"spent 0\.3 of its 0\.35"):
            await connector.reply(answer_to())

    async def test_replies_of_the_same_moment_keep_within_the_cap_together(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        connector = self.capped(sandbox, host, 0.25)
        await connector.open()
        replies = [connector.reply(answer_to(text=f"number {each}", key=f"k-{each}")) for each in range(5)]
        told = await asyncio.gather(*replies, return_exceptions=True)
        assert sum(isinstance(each, PermanentFailure) for each in told) == 3
        assert len(sandbox.messages) == 2

    async def test_each_sender_has_its_own_money(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        sandbox.person_texts(BEN, "Hello")
        connector = self.capped(sandbox, host, 0.1)
        await connector.open()
        await connector.reply(answer_to())
        await connector.reply(answer_to(BEN, key="k-2", last_message_at=host.now()))
        with pytest.raises(PermanentFailure, match="daily_cost"):
            await connector.reply(answer_to(key="k-3"))

    async def test_a_reply_that_no_price_covers_is_not_sent(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.capped(sandbox, host, 5, prices={"sms +1": 0.01})
        await connector.open()
        with pytest.raises(PermanentFailure, match=r"no price covers sms \+491…") as told:
            await connector.reply(answer_to())
        assert ANNA not in str(told.value)
        assert sandbox.messages == []

    async def test_a_cap_in_another_currency_than_the_bills_is_said(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        connector = self.capped(sandbox, host, 5, currency="EUR")
        await connector.open()
        await connector.reply(answer_to())
        sandbox.carries()
        with pytest.raises(PermanentFailure, match="bills this account in USD, and the connection's cap is in EUR"):
            await connector.reply(answer_to(key="k-2"))

    async def test_the_cap_in_segments_holds_beside_it(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        connector = self.capped(sandbox, host, 100, daily_messages=1)
        await connector.open()
        await connector.reply(answer_to())
        with pytest.raises(PermanentFailure, match="daily_messages"):
            await connector.reply(answer_to(key="k-2"))
