"""A refund above the limit, from Zendesk's webhook to its ticket and a direct message in Slack; and what the doctor says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gateway.agents import compared
from gateway.sdk import Roster, RosterEntry
from routing.people import Agent, People
from tests.app.vendors import Vendors, serving
from tests.docs.test_agents_page import uncommented

FIELD: Final = 360_004_711


async def refund(vendors: Vendors, amount: str) -> Any:
    """Have Bob set a refund on the ticket of a customer; return the ticket."""
    account = vendors.zendesk.account
    people = [account.user(name, f"{name.lower()}@example.com", "agent") for name in ("Bob", "Carla", "Anna")]
    assert people == [9001, 9002, 9003], "the ids of the sample"
    number = vendors.zendesk.customer_writes("Gina Gold", "Money back", "It arrived broken.", via="email")
    assert set(await vendors.deliver()) == {200}
    vendors.zendesk.agent_sets_field(number, FIELD, amount, name="Bob")
    assert set(await vendors.deliver()) == {200}
    await vendors.rest()
    return vendors.zendesk.ticket(number)


async def test_use_case_a_refund_of_900_is_given_to_the_manager_who_is_told(tmp_path: Path) -> None:
    """SG-5, AS-7, the article's hierarchical escalation: from the raw webhook to the ticket's content."""
    async with serving(tmp_path, "live", policy=uncommented()) as vendors:
        ticket = await refund(vendors, "900.00")
        assert (ticket.assignee_id, ticket.priority) == (9002, "high")
        (note,) = [comment for comment in ticket.comments if not comment["public"]]
        assert "The refund is above the agent's limit." in note["body"]
        assert "It arrived broken." not in note["body"], "an adopted ticket has its words already"
        (told,) = vendors.slack.posts["DU0CARLA"]
        assert "The refund is above the agent's limit." in str(told)
        assert (await vendors.status())["accounts"]["unaccounted"] == 0


async def test_use_case_a_refund_of_400_is_nobodys_matter(tmp_path: Path) -> None:
    async with serving(tmp_path, "live", policy=uncommented()) as vendors:
        ticket = await refund(vendors, "400.00")
        assert (ticket.assignee_id, ticket.priority, len(ticket.comments)) == (None, None, 1)
        assert "DU0CARLA" not in vendors.slack.posts


# --- the doctor ------------------------------------------------------------------------------------------------------
PEOPLE: Final = People(
    agents={
        "bob": Agent(name="bob", ids={"desk": ("9001",)}),
        "carla": Agent(name="carla", ids={"desk": ("7", "Carla")}),
        "dora": Agent(name="dora", ids={"desk": ("dora@example.com",)}),
        "bot": Agent(name="bot", ids={"chatbot": ("bot",)}),
    }
)


def roster(*ids: str) -> Roster:
    return Roster(agents=tuple(RosterEntry(id=each, name=f"Agent {each}") for each in ids), read_at=0)


def test_the_doctor_names_the_agents_whose_ids_a_roster_does_not_have_and_shows_which_there_are() -> None:
    assert compared("desk", roster("9001", "CARLA"), PEOPLE).good
    wrong = compared("desk", roster("9002", "carla"), PEOPLE)
    assert not wrong.good
    assert wrong.sentence.startswith("The roster does not have bob (9001): ")
    assert wrong.advice.endswith("The roster has 9002 Agent 9002, carla Agent carla.")
    assert compared("desk", roster(), PEOPLE).advice.endswith("The roster has nobody.")


async def test_the_doctor_asks_the_helpdesk_itself(tmp_path: Path) -> None:
    import asyncio
    import json

    async with serving(tmp_path, "observe", policy=uncommented()) as vendors:
        for name in ("Bob", "Carla"):
            vendors.zendesk.account.user(name, f"{name.lower()}@example.com", "agent")
        done = await asyncio.to_thread(vendors.served.run, "doctor", "--json")
    (zendesk,) = [each for each in json.loads(done.stdout)["examined"] if each["connection"] == "zendesk"]
    (found,) = [finding for finding in zendesk["findings"] if finding["subject"] == "agents"]
    assert not found["good"]
    assert "The roster does not have anna (9003)" in found["sentence"]
    assert "9002 Carla" in found["advice"]
