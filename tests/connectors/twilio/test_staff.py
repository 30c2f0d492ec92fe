"""Staff who are told by telephone, through a whole gateway: policy, outbox, Twilio, and the digit that takes the case.

AS-2 and AS-3 over SMS and voice; PO-8: the step's deadline goes on until somebody took it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest

from connectors.twilio.sandbox_account import SMS_NUMBER
from gateway.model import Activity, Case, Episode, EpisodeState
from gateway.testing.faults import FaultKind
from tests.connectors.twilio.test_gateway import ANNA, World, world

EVE, FAY = "+4915550900", "+4915550901"
POLICY: Final = f"""
[agent.eve]
notify = ["texts:{EVE}", "line:{EVE}"]
[agent.fay]
notify = ["texts:{FAY}"]

[[rule]]
id = "wants-person"
when.any = ["message.text contains 'person'"]
do = "escalate"
ladder = "desk"
set = {{ reason = "The customer asks for a person." }}

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.desk]
final = {{ target = "queue:zendesk/Escalations" }}
[[ladder.desk.step]]
target = "queue:zendesk/Second line"
notify = ["VIA:{EVE}"]
ack_within = "15m"
"""
TEXTS: Final = POLICY.replace("VIA", "texts")
CALLS: Final = POLICY.replace("VIA", "line")


async def escalated(there: World, by: str = ANNA) -> None:
    there.texts.person_texts(by, "My SECRET-BODY needs a person")
    await there.rest(but=("unknown",))


def episodes(there: World) -> list[Episode]:
    found = [there.gateway.store.history(case.id) for case in cases(there)]
    return [each.episodes[-1] for each in found if each is not None and each.episodes]


def cases(there: World) -> list[Case]:
    return list(there.gateway.store.cases())


def acknowledgements(there: World) -> list[Activity]:
    found = [there.gateway.store.history(case.id) for case in cases(there)]
    return [
        kept.activity
        for each in found
        if each is not None
        for kept in each.activities
        if kept.activity.button is not None and kept.activity.button.action == "acknowledge"
    ]


def told(there: World, number: str = EVE) -> list[str]:
    return [row["body"] for row in there.texts.messages if row["to"] == number]


async def test_a_text_is_answered_with_a_digit_and_the_one_who_answered_has_the_case(tmp_path: Path) -> None:
    """The whole way; the answer names the person by their number, and makes no case of a customer."""
    async with world(tmp_path, TEXTS) as there:
        await escalated(there)
        (text,) = told(there)
        assert text.startswith("escalation: The customer asks for a person. Reply 1 to take case ")
        assert "SECRET-BODY" not in text
        there.texts.staff_answers(EVE)
        await there.rest()
        (episode,) = episodes(there)
        assert episode.state is EpisodeState.ACKNOWLEDGED
        assert len(cases(there)) == 1
        assert [each.sender.value if each.sender else "" for each in acknowledgements(there)] == [EVE]
        assert "Acknowledged by eve." in str(there.zendesk.state())
        assert there.gateway.store.accounts().unaccounted == 0


@pytest.mark.parametrize("fault", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HALF_BODY])
async def test_a_text_whose_answer_was_lost_is_sent_once(tmp_path: Path, fault: FaultKind) -> None:
    """Its outcome is unknown, and is settled by looking: exactly one text, which can be answered."""
    async with world(tmp_path, TEXTS) as there:
        there.texts.faults.add("messages.create", fault)
        await escalated(there)
        await later(there)
        assert len(told(there)) == 1
        there.texts.staff_answers(EVE)
        await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.ACKNOWLEDGED]


async def later(there: World) -> None:
    """Let the time pass after which an unknown outcome is looked at."""
    for _ in range(3):
        there.clock.ahead += 60_000_000
        await there.rest(but=("unknown",))
    await there.rest()


async def test_only_the_number_that_was_told_can_take_it(tmp_path: Path) -> None:
    """Another of the staff, and a customer who knows the letters, take nothing; the customer's words are a case of theirs."""
    async with world(tmp_path, TEXTS) as there:
        await escalated(there)
        code = told(there)[0].partition("case ")[2][:6]
        there.texts.person_texts(FAY, f"1 {code}")
        there.texts.person_texts("+4915550777", f"1 {code}")
        await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.OPEN]
        assert len(cases(there)) == 2
        there.texts.person_texts(EVE, f"1 {code.lower()}.")
        await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.ACKNOWLEDGED]


@pytest.mark.parametrize("words", ["I want a person", "STOP", "1 ffffff", "3", "hello?", "1"])
async def test_what_staff_write_is_never_a_customers_case(tmp_path: Path, words: str) -> None:
    """Before any notice and after: nothing of a number that the policy tells becomes a case, and nothing is lost."""
    async with world(tmp_path, TEXTS) as there:
        there.texts.person_texts(EVE, words)
        await there.rest()
        assert cases(there) == []
        await escalated(there)
        there.texts.person_texts(FAY, words)
        await there.rest()
        assert len(cases(there)) == 1
        assert [each.state for each in episodes(there)] == [EpisodeState.OPEN]
        assert there.gateway.store.accounts().unaccounted == 0


async def test_the_newest_notice_is_meant_unless_its_letters_name_another(tmp_path: Path) -> None:
    """Two cases, one telephone."""
    async with world(tmp_path, TEXTS) as there:
        await escalated(there)
        await escalated(there, "+4915550101")
        first, second = told(there)
        assert first != second
        there.texts.person_texts(EVE, f"1 {first.partition('case ')[2][:6]}")
        await there.rest()
        states = {episode.case_id: episode.state for episode in episodes(there)}
        by_customer = {case.customer.value: states[case.id] for case in cases(there) if case.customer is not None}
        assert by_customer == {ANNA: EpisodeState.ACKNOWLEDGED, "+4915550101": EpisodeState.OPEN}
        there.texts.person_texts(EVE, "1")
        await there.rest()
        assert {each.state for each in episodes(there)} == {EpisodeState.ACKNOWLEDGED}


@pytest.mark.parametrize("fault", [None, FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER])
async def test_a_call_takes_a_digit_and_is_made_once_though_its_answer_was_lost(
    tmp_path: Path, fault: FaultKind | None
) -> None:
    """Voice: a short sentence, a digit, one call; the call itself makes no case."""
    async with world(tmp_path, CALLS) as there:
        if fault is not None:
            there.calls.faults.add("calls.create", fault)
        await escalated(there)
        await later(there)
        assert [row["to"] for row in there.calls.calls_made] == [EVE]
        assert "SECRET-BODY" not in str(there.calls.calls_made)
        heard = await there.calls.staff_answers(there.hook("line"), EVE)
        assert (heard.failures, heard.heard[-1]) == ([], "Thank you, I have noted that.")
        await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.ACKNOWLEDGED]
        assert len(cases(there)) == 1
        assert "Acknowledged by eve." in str(there.zendesk.state())


async def test_nobody_who_is_not_called_presses_the_key_of_a_call(tmp_path: Path) -> None:
    """A request for the same notice, signed as Twilio signs, but of a call to another number."""
    async with world(tmp_path, CALLS) as there:
        await escalated(there)
        there.calls.calls_made[0]["to"] = FAY
        await there.calls.staff_answers(there.hook("line"), FAY)
        await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.OPEN]
        assert await asyncio.to_thread(lambda: len(cases(there))) == 1


async def test_a_call_that_is_over_the_days_cap_is_not_made_and_the_ladder_goes_on(tmp_path: Path) -> None:
    """The refused call is a dead letter with its reason; the step's deadline runs, and the next ones are told."""
    both = CALLS.replace('"queue:zendesk/Escalations" }', f'"queue:zendesk/Escalations", notify = ["texts:{FAY}"] }}')
    async with world(tmp_path, both) as there:
        for _ in range(1000):
            there.calls.begins(SMS_NUMBER, FAY, "outbound-api")
        await escalated(there)
        assert [row for row in there.calls.calls_made if row["to"] == EVE] == []
        (letter,) = await asyncio.to_thread(there.gateway.store.dead_letters)
        assert "made 1000 of its 1000 calls of the day (UTC)" in letter.reason
        there.clock.ahead += 16 * 60 * 1_000_000
        async with asyncio.timeout(30):
            while not told(there, FAY):
                await there.rest()
        assert [each.state for each in episodes(there)] == [EpisodeState.OPEN]
