"""Zendesk: files both ways, follow-ups of closed tickets, judgements, people, and what webhooks missed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from connectors.zendesk.sandbox import OWN_USER
from gateway.sdk import (
    Attachment,
    Contact,
    Cursor,
    Delivery,
    Evidence,
    File,
    Handoff,
    Mode,
    OutcomeUnknown,
    Party,
    PermanentFailure,
    SatisfactionGiven,
    TemporaryFailure,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import BEGINNING, FakeHost
from gateway.testing.target_contract import CarryingContract
from tests.connectors.zendesk.test_zendesk import ZendeskSetUp, entry, packet

BODY = b"%PDF the bill"
FILE = File(name="bill.pdf", media_type="application/pdf", size=len(BODY), sha256=hashlib.sha256(BODY).hexdigest())
BEGINNING_CURSOR = f"{BEGINNING // 1_000_000 - 60}@"
LOST = File(name="film.mov", note="not carried: larger than 25 MB")


def handoff(key: str = "k-1", **changes: Any) -> Handoff:
    values: dict[str, Any] = {
        "key": key,
        "case_id": "c",
        "external_id": "baton:c",
        "mode": Mode.LIVE,
        "subject": "Charged twice",
        "packet": packet(transcript=(replace(entry("See the bill"), files=(FILE, LOST)),)),
    }
    return Handoff(**{**values, **changes})


def hook(body: bytes) -> Delivery:
    return Delivery(connection="t", endpoint="", received_at=0, method="POST", url="", headers=(), body=body)


class Journal:
    def __init__(self) -> None:
        self.kept: list[Delivery] = []
        self.cursors: list[Cursor] = []

    async def emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        self.kept.append(delivery)
        if cursor is not None:
            self.cursors.append(cursor)


class TestCompleted(CarryingContract, ZendeskSetUp):
    def handoff_with(self, sandbox: Any, key: str, files: tuple[File, ...], *, adopted: bool) -> Handoff:
        number = sandbox.customer_writes("Ben", "Help", "It does not work") if adopted else None
        said = packet(transcript=(replace(entry("See the files"), files=files),))
        ticket_id = str(number) if number else None
        return handoff(key, packet=said, ticket_id=ticket_id, adopted=adopted)

    def notes_on(self, sandbox: Any, ticket_id: str) -> str:
        return "\n".join(each["body"] for each in sandbox.ticket(int(ticket_id)).comments)

    def files_on(self, sandbox: Any, ticket_id: str) -> list[bytes]:
        comments = sandbox.ticket(int(ticket_id)).comments
        return [sandbox.account.files[file["id"]] for each in comments for file in each["attachments"]]

    # --- files -------------------------------------------------------------------------------------------------------
    async def test_files_stand_on_the_ticket_byte_for_byte_and_the_others_are_named(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        host.blobs[FILE.sha256] = BODY
        receipt = await connector.hand_off(handoff())
        comment = sandbox.ticket(int(receipt.ticket_id)).comments[0]
        (attached,) = comment["attachments"]
        assert (attached["file_name"], sandbox.account.files[attached["id"]]) == ("bill.pdf", BODY)
        assert "[file: bill.pdf]" in comment["body"]
        assert "[file not carried: larger than 25 MB: film.mov]" in comment["body"]

    async def test_a_file_goes_out_of_an_open_file_and_that_is_closed(
        self, connector: Any, sandbox: Any, host: FakeHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[BytesIO] = []

        async def blob_file(sha256: str) -> BytesIO:
            opened.append(BytesIO(BODY))
            return opened[-1]

        # Nothing is kept as bytes: whoever asks for them is refused.
        monkeypatch.setattr(host, "blob_file", blob_file)
        receipt = await connector.hand_off(handoff())
        assert self.files_on(sandbox, receipt.ticket_id) == [BODY]
        assert [each.closed for each in opened] == [True]

    async def test_a_ticket_that_has_a_file_gets_it_from_no_second_handoff(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """A second escalation tells the whole conversation again, an agent's own files on that very ticket with it."""
        host.blobs[FILE.sha256] = BODY
        ticket_id = (await connector.hand_off(handoff())).ticket_id
        await connector.hand_off(handoff("k-2", ticket_id=ticket_id))
        assert self.files_on(sandbox, ticket_id) == [BODY]
        other = replace(FILE, size=len(BODY) + 1, sha256="0" * 64)
        host.blobs[other.sha256] = BODY + b"!"
        await connector.hand_off(
            handoff("k-3", ticket_id=ticket_id, packet=None, entries=(replace(entry("x"), files=(other,)),))
        )
        assert self.files_on(sandbox, ticket_id) == [BODY, BODY + b"!"]

    async def test_a_file_whose_bytes_are_gone_is_not_passed_over(self, connector: Any, sandbox: Any) -> None:
        with pytest.raises(PermanentFailure, match="not kept"):
            await connector.hand_off(handoff())
        assert sandbox.account.tickets == {}

    async def test_an_upload_that_fails_leaves_no_ticket(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        host.blobs[FILE.sha256] = BODY
        sandbox.faults.add("uploads", FaultKind.RESET_AFTER)
        with pytest.raises(TemporaryFailure):
            await connector.hand_off(handoff())
        assert sandbox.account.tickets == {}
        await connector.hand_off(handoff())
        assert len(sandbox.account.tickets) == 1

    async def test_a_customers_file_is_fetched_byte_for_byte(self, connector: Any, sandbox: Any) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        sandbox.customer_attaches(number, "photo.pdf", "the photo")
        told = [event for each in sandbox.webhooks.waiting for event in connector.parse(hook(each.body))]
        (event,) = [each for each in told if each.attachments]
        assert (event.text, event.audience.value) == ("[file: photo.pdf]", "public")
        chunks = [chunk async for chunk in connector.fetch(event.attachments[0], hook(b""))]
        assert b"".join(chunks) == b"the photo"

    @pytest.mark.parametrize(
        "url", ["https://evil.example/x", "http://sandbox.zendesk.com/x", "https://zendesk.com.evil.example/", ""]
    )
    async def test_the_login_goes_to_zendesk_only(self, connector: Any, url: str) -> None:
        with pytest.raises(PermanentFailure, match="not on Zendesk's servers"):
            _ = [chunk async for chunk in connector.fetch(Attachment(id="1", url=url), hook(b""))]

    # --- closed tickets ----------------------------------------------------------------------------------------------
    async def test_what_comes_after_a_ticket_was_closed_stands_on_one_follow_up(
        self, connector: Any, sandbox: Any
    ) -> None:
        mia = Party(kind="email", value="mia@customer.example", evidence=Evidence.VERIFIED)
        first = handoff(packet=packet(), requester=mia)
        closed = (await connector.hand_off(first)).ticket_id
        sandbox.agent_sets_status(int(closed), "closed")
        later = handoff("k-2", subject="", ticket_id=closed, packet=None, entries=(entry("Still broken", "k-2"),))
        following = (await connector.hand_off(later)).ticket_id
        assert following != closed
        old, new = (sandbox.ticket(int(each)) for each in (closed, following))
        assert (new.subject, new.requester_id) == (old.subject, old.requester_id)
        assert sandbox.account.users[new.requester_id]["email"] == "mia@customer.example"
        assert sandbox.ticket(int(following)).follows == int(closed)
        again = handoff("k-3", ticket_id=closed, packet=None, entries=(entry("Hello?", "k-3"),))
        assert (await connector.hand_off(again)).ticket_id == following
        assert [c["body"].rpartition(": ")[2] for c in sandbox.ticket(int(following)).comments] == [
            "Still broken",
            "Hello?",
        ]

    async def test_a_follow_up_whose_answer_was_lost_is_found_and_not_made_again(
        self, connector: Any, sandbox: Any
    ) -> None:
        closed = (await connector.hand_off(handoff(packet=packet()))).ticket_id
        sandbox.agent_sets_status(int(closed), "closed")
        later = handoff("k-2", ticket_id=closed, packet=None, entries=(entry("Still broken", "k-2"),))
        sandbox.faults.add("tickets.create", FaultKind.RESET_AFTER)
        with pytest.raises(OutcomeUnknown):
            await connector.hand_off(later)
        found = await connector.settle(later)
        assert found is not None
        assert sandbox.ticket(int(found.ticket_id)).follows == int(closed)
        assert len(sandbox.account.tickets) == 2

    async def test_a_note_is_found_on_a_ticket_of_whatever_length(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        for each in range(230):
            sandbox.customer_adds(number, f"{each}?")
        noted = handoff("k-2", ticket_id=str(number), packet=None, entries=(entry("x", "k-2"),))
        assert await connector.settle(noted) is None
        await connector.hand_off(noted)
        assert await connector.settle(noted) is not None
        await connector.hand_off(noted)
        assert sandbox.notes_with_key("k-2") == 1

    async def test_in_notes_mode_a_closed_ticket_stays_the_only_one(self, connector: Any, sandbox: Any) -> None:
        closed = (await connector.hand_off(handoff(packet=packet()))).ticket_id
        sandbox.agent_sets_status(int(closed), "closed")
        later = handoff("k-2", mode=Mode.NOTES, ticket_id=closed, packet=None, entries=(entry("x", "k-2"),))
        with pytest.raises(PermanentFailure, match="closed"):
            await connector.hand_off(later)
        assert len(sandbox.account.tickets) == 1

    # --- judgements --------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize(("word", "score"), [("good", 1.0), ("bad", 0.0)])
    async def test_a_judgement_counts_once_by_trigger_and_by_poll(
        self, connector: Any, sandbox: Any, host: FakeHost, word: str, score: float
    ) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        sandbox.customer_judges(number, word, "as it was")
        (by_trigger,) = connector.parse(hook(sandbox.webhooks.waiting[-1].body))
        assert isinstance(by_trigger, SatisfactionGiven)
        assert (by_trigger.score, by_trigger.text) == (score, "as it was")
        host.time += 120 * 1_000_000
        journal = Journal()
        await connector.backfill(BEGINNING_CURSOR, journal.emit)
        told = [event for each in journal.kept for event in connector.parse(each)]
        (by_poll,) = [event for event in told if isinstance(event, SatisfactionGiven)]
        assert (by_poll.dedupe, by_poll.sender) == (by_trigger.dedupe, by_trigger.sender)

    # --- people ------------------------------------------------------------------------------------------------------
    async def test_the_roster_has_the_agents_of_all_pages_with_their_groups(self, connector: Any, sandbox: Any) -> None:
        lea = sandbox.account.user("Lea", "lea@example.com", "agent")
        sandbox.account.memberships = [(lea, 501), (lea, 503)]
        for number in range(120):
            sandbox.account.user(f"A{number}", f"a{number}@example.com", "admin")
        sandbox.account.user("Ann", "ann@customer.example")
        gone = sandbox.account.user("Gone", "gone@example.com", "agent")
        sandbox.account.users[gone]["suspended"] = True
        roster = await connector.roster()
        by_name = {agent.name: agent for agent in roster.agents}
        assert len(roster.agents) == 122
        assert by_name["Lea"].groups == ("Billing", "Second line")
        assert not {"Ann", "Gone"} & set(by_name)
        # Groups in which nobody is take tickets as well.
        assert dict(roster.groups) == {"501": "Second line", "502": "Escalations", "503": "Billing"}

    async def test_a_profile_is_found_by_proven_identifiers_only(self, sandbox: Any, host: FakeHost) -> None:
        ann = sandbox.account.user("Ann", "ann@customer.example")
        sandbox.account.user("Joann", "joann@customer.example")
        sandbox.account.organizations[7] = {
            "id": 7,
            "name": "Acme",
            "tags": ["vip"],
            "organization_fields": {"support_tier": "gold"},
        }
        sandbox.account.users[ann] |= {"organization_id": 7, "tags": ["early"], "user_fields": {"value": 12}}
        fields = {"tier": "organization.support_tier", "value": "user.value"}
        connector = self.make({**self.values(sandbox), "profile_fields": fields}, host)
        wanted = {"organization": "Acme", "tags": ["early", "vip"], "tier": "gold", "value": 12}
        claimed = Party(kind="email", value="ann@customer.example", evidence=Evidence.CLAIMED)
        for party in (
            Party(kind="zendesk_user", value=str(ann)),
            replace(claimed, evidence=Evidence.VERIFIED),
            Party(kind="slack_user", value="U1", email="ANN@customer.example"),
        ):
            assert dict((await connector.profile(Contact(id="x", parties=(party,)))).values) == wanted
        for party in (claimed, Party(kind="zendesk_user", value="999999"), Party(kind="phone", value="+49")):
            assert dict((await connector.profile(Contact(id="x", parties=(party,)))).values) == {}
        await connector.close()

    @pytest.mark.parametrize("path", ["tier", "user.", "ticket.x"])
    def test_a_field_that_stands_nowhere_is_refused(self, sandbox: Any, path: str) -> None:
        with pytest.raises(ValueError, match="support_tier"):
            self.spec.settings(**{**self.values(sandbox), "profile_fields": {"tier": path}})

    async def test_the_doctor_is_told_the_role_and_the_addresses(self, connector: Any, sandbox: Any) -> None:
        seen = await connector.examine()
        assert seen.addresses == ("email:support@sandbox.zendesk.com",)
        assert [finding.good for finding in seen.findings] == [True, True, True]
        assert "may change the account itself" in seen.findings[-1].sentence
        for role, good in (("agent", [True, False]), ("end-user", [False, False])):
            sandbox.account.users[OWN_USER]["role"] = role
            assert [finding.good for finding in (await connector.examine()).findings] == good

    @pytest.mark.parametrize(
        ("user", "configuration", "wrong", "beyond"),
        [
            ({"suspended": True}, {}, "is suspended", "nothing beyond"),
            ({"ticket_restriction": "groups"}, {}, "does not see all tickets .*'groups'", "nothing beyond"),
            ({}, {"ticket_access": "assigned-only"}, "does not see all tickets .*'assigned-only'", "nothing beyond"),
            ({}, {"ticket_editing": False}, "'Baton' may not edit tickets", "nothing beyond"),
            (
                {},
                {"manage_triggers": True, "manage_roles": "none", "ticket_deletion": True},
                "",
                "manage_triggers, ticket_deletion",
            ),
            ({}, {"ticket_access": "all", "ticket_editing": True, "manage_slas": False}, "", "nothing beyond"),
            ({}, None, "", "does not show"),
        ],
    )
    async def test_the_doctor_names_what_an_agents_role_lacks_and_what_it_has_beyond_need(
        self,
        connector: Any,
        sandbox: Any,
        user: dict[str, Any],
        configuration: dict[str, Any] | None,
        wrong: str,
        beyond: str,
    ) -> None:
        """PL-3: least privilege, as far as Zendesk shows it."""
        sandbox.account.users[OWN_USER].update({"role": "agent", "custom_role_id": 7, **user})
        if configuration is not None:
            sandbox.account.custom_roles = [{"id": 7, "name": "Baton", "configuration": configuration}]
        findings = [each for each in (await connector.examine()).findings if each.subject not in {"role", "poll"}]
        bad = [each for each in findings if not each.good]
        assert len(bad) == bool(wrong)
        assert all(re.search(wrong, each.sentence) and each.advice for each in bad)
        (least,) = (each for each in findings if each.subject == "least privilege")
        assert beyond in least.sentence
        assert sandbox.writes() == 0
