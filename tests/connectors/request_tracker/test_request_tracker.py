"""Request Tracker keeps the contracts it claims, against its sandbox; `test_running_rt` does the same against a real one."""

from __future__ import annotations

import json
import random
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from connectors.request_tracker import SPEC, events
from connectors.request_tracker.html_text import text_of
from connectors.request_tracker.polling import Place
from connectors.request_tracker.sandbox import SECRET, RequestTrackerSandbox
from connectors.request_tracker.sandbox_told import signed
from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.tickets import changes, new_ticket
from gateway.host.session import loopback_doors
from gateway.model.altering import altered
from gateway.sdk import CredentialsRefused, File, Handoff, Mode, OutcomeUnknown, PermanentFailure, UnreadableDelivery
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import Fault, FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import CarryingContract
from tests.connectors.request_tracker import polls, suites
from tests.connectors.request_tracker.said import ticket_there, told
from tests.connectors.request_tracker.suites import new
from tests.connectors.slas import DUE, NOTHING_DUE


class SetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = RequestTrackerSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 2}


class TestSource(WebhookSourceContract, SetUp):
    deliveries = suites.DELIVERIES

    def body(self) -> bytes:
        transaction = {
            "id": 7,
            "type": "Create",
            "created": "2026-01-01 00:00:00",
            "creator": {"name": "ann@customer.example"},
            "content": "Help",
            "content_type": "text/plain",
        }
        return json.dumps(
            {"version": 1, "ticket_id": 5, "ticket": {"subject": "Hi"}, "transactions": [transaction]}
        ).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        return signed(body, at, secret or SECRET)

    def unknown_bodies(self) -> list[bytes]:
        body = json.loads(self.body())
        for kind in ("EmailRecord", "SetWatcher", "AddReminder", "SomethingNew"):
            body["transactions"] += [{**body["transactions"][0], "type": kind, "id": 8}]
        return [
            json.dumps({**body, "transactions": body["transactions"][1:]}).encode(),
            json.dumps({**body, "version": 2, "transactions": "of another shape"}).encode(),
        ]

    async def test_recorded_deliveries_mean_what_they_meant(self, connector: Any) -> None:
        elsewhere = {**GOOD, "url": "https://rt.example.com", "tags_field": "baton_tags"}
        await super().test_recorded_deliveries_mean_what_they_meant(self.make(elsewhere, connector.host))

    async def test_the_secret_before_is_accepted_while_both_stand(self, sandbox: Any, host: FakeHost) -> None:
        values = {**self.values(sandbox), "webhook_secret": "n" * 16, "previous_webhook_secret": SECRET}
        connector = self.make(values, host)
        await connector.verify(self.delivery(self.signed(self.body(), host.now()), self.body(), host))

    async def test_a_ticket_has_one_lane_whatever_people_write(self, connector: Any, host: FakeHost) -> None:
        body = json.loads(self.body())
        body["ticket"]["subject"] = '"ticket_id": 99'
        delivery = self.delivery({}, json.dumps(body, sort_keys=True).encode(), host)
        assert connector.lane(delivery) == "ticket:5"

    async def test_the_sandbox_tells_by_webhook_what_a_poll_tells(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        sandbox.agent_takes(ticket_id)
        sandbox.agent_comments(ticket_id, "Try &amp; see")
        sandbox.agent_sets_status(ticket_id, "resolved")
        heard: list[Any] = []
        for webhook in sandbox.webhooks.waiting:
            delivery = self.delivery(sandbox._sign(webhook), webhook.body, host)
            await connector.verify(delivery)
            heard += connector.parse(delivery)
        polled = [event for each in await told(connector, '{"at":0,"told":[]}') for event in connector.parse(each)]
        words = [
            (event.dedupe, event.change, event.sender, event.text, event.audience, event.occurred_at) for event in heard
        ]
        assert words
        assert words == [
            (
                event.dedupe,
                event.change,
                event.sender,
                event.text,
                event.audience,
                event.occurred_at // 1_000_000 * 1_000_000,
            )
            for event in polled
        ]


class TestNewTickets(suites.NewTickets, SetUp):
    async def test_a_field_that_rt_left_out_is_found_out(self, connector: Any, sandbox: Any, monkeypatch: Any) -> None:
        create = sandbox.desk.create

        def without_marker(given: dict[str, Any], by: str) -> Any:
            return create({**given, "CustomFields": {}}, by)

        monkeypatch.setattr(sandbox.desk, "create", without_marker)
        with pytest.raises(Exception, match="Ticket 1 was made, and Request Tracker did not keep baton_external_id"):
            await connector.hand_off(new(sandbox, "k"))

    async def test_a_write_that_may_still_land_is_not_sent_again(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        handoff = new(sandbox, "late")
        sandbox.faults.add("ticket.create", FaultKind.HANG, seconds=4)
        with pytest.raises(OutcomeUnknown):
            await connector.hand_off(handoff)
        with pytest.raises(OutcomeUnknown, match="may still be at it"):
            await connector.settle(handoff)
        host.time += 61 * 1_000_000
        assert await connector.settle(handoff) is None

    async def test_random_faults_leave_each_ticket_and_note_once(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        kinds = [Fault(kind=kind) for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
        routes = [
            "ticket.create",
            "ticket.comment",
            "ticket.show",
            "tickets.search",
            "ticket.attachments",
            "queue.show",
        ]
        for seed in range(20):
            handoff = new(sandbox, f"seed-{seed}")
            sandbox.faults.at_random(seed, 0.4, kinds, routes)
            for _ in range(60):
                try:
                    if await connector.settle(handoff) is not None:
                        break
                    await connector.hand_off(handoff)
                except Exception:
                    continue
            sandbox.faults.clear()
            (ticket_id,) = sandbox.tickets_with_external_id(handoff.external_id)
            assert sandbox.messages_with_key(handoff.key) == [(ticket_id, "Comment")]

    async def test_comments_that_are_hidden_from_us_are_found_out_and_none_is_written_twice(
        self, connector: Any, sandbox: Any
    ) -> None:
        sandbox.desk.shows_comments = False
        handoff = new(sandbox, "k")
        with pytest.raises(PermanentFailure, match="grant ShowTicketComments"):
            await connector.hand_off(handoff)
        sandbox.desk.shows_comments = True
        receipt = await connector.hand_off(handoff)
        assert sandbox.messages_with_key(handoff.key) == [(int(receipt.ticket_id), "Comment")]


class TestCreations(suites.Creations, SetUp):
    pass


class TestFiles(CarryingContract, SetUp):
    def handoff_with(self, sandbox: Any, key: str, files: tuple[File, ...], *, adopted: bool) -> Handoff:
        said = suites.packet(suites.entry("See the files", "", *files))
        if not adopted:
            return new(sandbox, key, packet=said)
        return suites.update(sandbox, key, ticket_there(sandbox), packet=said, entries=())

    def notes_on(self, sandbox: Any, ticket_id: str) -> str:
        parts = sandbox.desk.parts([each.id for each in sandbox.desk.history(int(ticket_id))])
        return "\n".join(part.content.decode() for part in parts if not part.filename)

    def files_on(self, sandbox: Any, ticket_id: str) -> list[bytes]:
        parts = sandbox.desk.parts([each.id for each in sandbox.desk.history(int(ticket_id))])
        return [part.content for part in parts if part.filename]


class TestUpdates(suites.Updates, SetUp):
    async def test_somebody_who_changes_the_ticket_meanwhile_is_not_overwritten(
        self, connector: Any, sandbox: Any, monkeypatch: Any
    ) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "x")
        put = connector._api.put

        async def slow(*path: Any, **given: Any) -> Any:
            sandbox.agent_comments(ticket_id, "meanwhile")
            return await put(*path, **given)

        monkeypatch.setattr(connector._api, "put", slow)
        with pytest.raises(Exception, match="at the same moment"):
            await connector.hand_off(suites.update(sandbox, "k", ticket_id))
        assert sandbox.ticket_now(ticket_id)["priority"] == 0


class TestReplies(suites.Replies, SetUp):
    pass


class TestPolls(polls.Polls, SetUp):
    async def test_a_token_of_somebody_else_is_refused(self, sandbox: Any, host: FakeHost) -> None:
        sandbox._token = "1-7-" + "0" * 32
        with pytest.raises(CredentialsRefused, match="token is not one of 'baton'"):
            await self.make(self.values(sandbox), host).check()


# --- settings ------------------------------------------------------------------------------------------------------------
GOOD: dict[str, Any] = {
    "url": "https://rt.example.com/rt/",
    "user": "baton",
    "token": "1-2-x",
    "webhook_secret": "s" * 16,
}


def made(**change: Any) -> RequestTrackerSettings:
    """Return settings as an admin writes them, with something changed."""
    return RequestTrackerSettings.model_validate({**GOOD, **change})


def test_an_address_of_this_machine_opens_its_port_and_no_other() -> None:
    settings = made(url="http://127.0.0.1:8123")
    assert loopback_doors(settings) == {8123}
    assert loopback_doors(made()) == frozenset()
    assert made().url == "https://rt.example.com/rt"


class TestSettings:
    bad: ClassVar[list[dict[str, Any]]] = [
        {"url": "http://rt.example.com"},
        {"url": "ftp://127.0.0.1"},
        {"url": "https://"},
        {"token": None},
        {"password": "p"},
        {"webhook_secret": "short"},
        {"external_id_field": "a' OR id > 0"},
        {"tags_field": "a}"},
        {"statuses": {"new": "asleep"}},
        {"priorities": {"P9": 1}},
    ]

    @pytest.mark.parametrize("change", bad, ids=[next(iter(each)) for each in bad])
    def test_wrong_settings_are_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            made(**change)

    def test_basic_authentication_is_the_other_way_in(self) -> None:
        assert made(token=None, password="p").password is not None


# --- pure parts ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello&nbsp;<b>Ann</b>,</p><p>fine&amp;good</p>", "Hello Ann,\n\nfine&good"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n\n- b"),
        ("<style>p {}</style><script>x()</script>seen", "seen"),
        ("<p>never <b>closed", "never closed"),
        ("", ""),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert text_of(html) == text


def test_a_cursor_holds_what_it_must_in_little_room() -> None:
    chance = random.Random(1)
    place = Place.read('{"at":1000,"told":[]}')
    times = {number: 900 + number // 40 for number in range(1, 4000) if chance.random() < 0.97}
    place.told = {number: Place.read(f'{{"at":{at},"told":[]}}').at for number, at in times.items()}
    cursor = place.write()
    assert Place.read(cursor).told == place.told
    assert len(cursor) < 8_000
    late = Place.read('{"at":2000,"told":[[1,9,1000],[10,10,1999]]}')
    assert set(Place.read(late.write()).told) == {10}


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"x", b'{"version":1}', b'{"version":1,"ticket_id":"x","ticket":{"a":1},"transactions":[]}'],
)
def test_bodies_of_another_shape_are_unreadable_or_nothing(body: bytes) -> None:
    from gateway.sdk import Delivery

    delivery = Delivery(connection="t", endpoint="", received_at=0, method="POST", url="", headers=(), body=body)
    try:
        assert list(events.parse_delivery(delivery, own_user="baton", url="u", statuses={})) == []
    except UnreadableDelivery as error:
        assert str(error)


def test_when_the_sla_is_due_stands_in_the_field_that_is_named_for_it() -> None:
    """RT keeps no empty value, so a sign stands for never; what stands there already is not set again."""
    settings = RequestTrackerSettings.model_validate(
        {**GOOD, "url": "https://rt.example.com", "sla_due_field": "sla_due"}
    )
    given = Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, sla=DUE)
    assert new_ticket(given, settings, "General")["CustomFields"]["sla_due"] == "2026-01-01T01:00:00Z"
    there = {"CustomFields": [{"name": "sla_due", "values": ["2026-01-01T01:00:00Z"]}]}
    assert changes(given, settings, there, None) == {}
    assert changes(altered(given, sla=NOTHING_DUE), settings, there, None) == {"CustomFields": {"sla_due": "-"}}
    assert changes(altered(given, sla=None), settings, there, None) == {}
    assert changes(altered(given, mode=Mode.NOTES), settings, {}, None) == {}
