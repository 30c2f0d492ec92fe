"""A whole gateway beside a whole RT: the documented scrip, installed as the page says, reaches it; notes come back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.plain import plain
from gateway.store import codec, open_store
from tests.conftest import missing
from tests.connectors.request_tracker.real import RealDesk, wait_until
from tests.conserved import require_conserved_in
from tests.facilities import MissingFacilityError
from tests.prove.gateway_process import GatewayProcess, free_port
from tests.prove.verdicts import rows_of
from tests.running_rt import RunningRT, start_rt

pytestmark = pytest.mark.facility("rt")

POLICY = """
[phrases]
legal = ["my lawyer"]

[[rule]]
id = "legal"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.phrases contains 'legal'"]
do = "escalate"
ladder = "management"
set = { priority = "P1", tags = ["legal"], reason = "The customer speaks of legal steps." }

[[rule]]
id = "everything-else"
catch_all = true
do = "none"

[ladder.management]
final = { target = "queue:desk/Escalations" }
[[ladder.management.step]]
target = "queue:desk/Escalations"
ack_within = "12h"
"""


def plugins(gateway: GatewayProcess, rt: RunningRT) -> str:
    """Return the file that an admin writes."""
    return f"""
[gateway]
listen = "127.0.0.1:{gateway.port}"
data = "data"

[helpdesk.desk]
connector = "request_tracker"
mode = "live"
url = "{rt.url}"
user = "baton"
tags_field = "baton_tags"
token = {{ env = "TEST_RT_TOKEN" }}
webhook_secret = {{ env = "TEST_RT_SECRET" }}
"""


@pytest.fixture(scope="module")
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, RunningRT] | str]:
    directory: Path = tmp_path_factory.mktemp("gateway")
    gateway = GatewayProcess(directory=directory, port=free_port(), watched=False)
    try:
        rt = start_rt(webhook=f"{gateway.url}/hooks/desk")
    except MissingFacilityError as problem:
        yield str(problem)
        return
    (directory / "plugins.toml").write_text(plugins(gateway, rt))
    (directory / "escalation.toml").write_text(POLICY)
    gateway.environment = {"TEST_RT_TOKEN": rt.token, "TEST_RT_SECRET": rt.secret}
    try:
        gateway.start()
        yield gateway, rt
    finally:
        gateway.stop()
        rt.close()


@pytest.fixture
def beside(_beside: tuple[GatewayProcess, RunningRT] | str) -> Iterator[tuple[GatewayProcess, RunningRT]]:
    """A gateway and an RT that tells it. After each test nothing is unaccounted for (promise I4)."""
    if isinstance(_beside, str):
        missing("rt", _beside)
        raise AssertionError  # noqa: TRY004 (missing() has already ended the test)
    yield _beside
    require_conserved_in(f"sqlite:///{_beside[0].directory}/data/baton.db")


def activities(gateway: GatewayProcess, ticket_id: int) -> list[dict[str, Any]]:
    """Return the activities of a ticket's thread, in the order in which they were applied."""
    store = open_store(f"sqlite:///{gateway.directory}/data/baton.db", readonly=True)
    try:
        sql = (
            "SELECT c.doc, a.case_id FROM activities a JOIN contents c ON c.activity_id = a.id WHERE a.state = 1"
            " ORDER BY a.seq, a.id"
        )
        found = [
            {**plain(codec.activity_from(doc)), "case_id": case}
            for doc, case in rows_of(cast("Any", store)._engine, sql)
        ]
    finally:
        store.close()
    return [each for each in found if (each.get("ticket") or {}).get("id") == str(ticket_id)]


def test_a_ticket_made_by_mail_is_a_case_and_what_happens_on_it_reaches_the_gateway(
    beside: tuple[GatewayProcess, RunningRT],
) -> None:
    gateway, rt = beside
    desk = RealDesk(rt)
    ticket_id = desk.customer_writes("Ben Baker", "Broken", "It does not work, Grüße")
    created = wait_until(lambda: activities(gateway, ticket_id))[0]
    assert created["ticket"]["change"] == "created"
    assert created["text"].strip() == "It does not work, Grüße"
    assert (created["sender"]["email"], created["sender"]["role"]) == ("ben.baker@customer.example", "customer")
    assert created["ticket"]["via"] == "email"
    desk.agent_comments(ticket_id, "We look into it", public=True)
    desk.agent_comments(ticket_id, "Looks like the pump", public=False)
    desk.agent_sets_status(ticket_id, "stalled")

    def all_there() -> list[dict[str, Any]]:
        found = activities(gateway, ticket_id)
        return found if {"stalled"} & {(each["ticket"] or {}).get("status") for each in found} or len(found) > 4 else []

    found = wait_until(all_there)
    said = [(each["sender"]["value"], each["audience"], each["text"]) for each in found if each["text"]]
    assert said[1:] == [("anna", "public", "We look into it"), ("anna", "internal", "Looks like the pump")]
    assert len({each["case_id"] for each in found}) == 1


def test_an_escalation_is_a_note_on_that_very_ticket_with_what_the_rule_sets(
    beside: tuple[GatewayProcess, RunningRT],
) -> None:
    gateway, rt = beside
    desk = RealDesk(rt)
    before = rt.rows("SELECT count(*) FROM Tickets")
    ticket_id = desk.customer_writes("Cleo", "Refund", "Pay now, or my lawyer will write")
    wait_until(lambda: desk.ticket_now(ticket_id)["queue"] == "Escalations", 60)
    wait_until(lambda: "Comment" in desk.ticket_now(ticket_id)["messages"], 60)
    now = desk.ticket_now(ticket_id)
    assert (now["queue"], now["priority"], now["tags"]) == ("Escalations", 100, ["legal"])
    assert now["messages"] == ["Create", "Comment"]
    assert rt.rows("SELECT count(*) FROM Tickets") == [(before[0][0] + 1,)]
    ((content,),) = rt.rows(
        "SELECT a.Content FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId"
        " WHERE t.ObjectType = 'RT::Ticket' AND t.ObjectId = ? AND t.Type = 'Comment'",
        (ticket_id,),
    )
    text = content.decode() if isinstance(content, bytes) else content
    assert text.startswith("Escalated by Baton: The customer speaks of legal steps.")

    def own() -> list[dict[str, Any]]:
        return [each for each in activities(gateway, ticket_id) if each["own"]]

    # The scrip tells of Baton's own comment as well, and nothing comes of it.
    wait_until(lambda: any(each["ticket"]["change"] == "commented" for each in own()))
    assert desk.ticket_now(ticket_id)["messages"] == ["Create", "Comment"]


def test_a_webhook_without_the_secret_is_refused_and_leaves_nothing(beside: tuple[GatewayProcess, RunningRT]) -> None:
    gateway, _ = beside
    body = json.dumps({"version": 1, "ticket_id": 77_777, "ticket": {"subject": "x"}, "transactions": []}).encode()
    request = urllib.request.Request(f"{gateway.url}/hooks/desk", data=body, method="POST")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)
    assert activities(gateway, 77_777) == []


def test_rt_waits_for_nobody_when_the_gateway_is_away(beside: tuple[GatewayProcess, RunningRT]) -> None:
    gateway, rt = beside
    gateway.kill()
    try:
        desk = RealDesk(rt)
        ticket_id = desk.customer_writes("Dan", "Hello", "Anybody?")
        assert desk.ticket_now(ticket_id)["messages"] == ["Create"]
        assert f"Baton did not take what happened on ticket {ticket_id}" in rt.log
    finally:
        gateway.start()
