"""Errors, settings, people and the doctor of HubSpot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.hubspot import SPEC
from connectors.hubspot.sandbox_state import Source
from gateway.model import altered
from gateway.sdk import (
    Contact,
    CredentialsRefused,
    Evidence,
    OutcomeUnknown,
    Priority,
    TemporaryFailure,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.hubspot.desk import ANN, HubSpotSetUp, handoff


# --- errors ----------------------------------------------------------------------------------------------------------
class TestErrors(HubSpotSetUp):
    async def test_no_read_is_sent_twice_behind_our_back(self, connector: Any, sandbox: Any) -> None:
        # urllib3 would repeat a GET, and wait for Retry-After in our thread.
        kinds = [kind for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
        for number, kind in enumerate(kinds, 1):
            sandbox.faults.add("owners", kind, seconds=30)
            with pytest.raises(TemporaryFailure):
                await connector.roster()
            assert sandbox.count("owners") == number, kind

    async def test_a_scope_that_is_missing_is_named(self, connector: Any, sandbox: Any) -> None:
        sandbox.scopes.discard("crm.objects.contacts.write")
        with pytest.raises(CredentialsRefused, match=r"the scope crm\.objects\.contacts\.write"):
            await connector.hand_off(handoff())

    async def test_hubspots_own_limits_come_out_with_the_time_to_wait(self, connector: Any, sandbox: Any) -> None:
        sandbox.burst = 3
        with pytest.raises(TemporaryFailure) as limited:
            await connector.hand_off(handoff())
        assert limited.value.retry_after == 10.0
        sandbox.faults.add("token.info", FaultKind.RATE_LIMITED, seconds=17)
        with pytest.raises(TemporaryFailure) as asked:
            await connector.check()
        assert asked.value.retry_after == 17.0

    async def test_hubspot_that_is_silent_has_an_unknown_outcome_in_time(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "timeout": 0.3}, host)
        sandbox.faults.add("batch.upsert", FaultKind.HANG, seconds=1.0)
        async with asyncio.timeout(60):
            with pytest.raises(OutcomeUnknown):
                await connector.hand_off(handoff())
        await connector.close()

    @pytest.mark.parametrize("name", ["portal_id", "app_id"])
    async def test_another_accounts_or_apps_token_is_refused(self, sandbox: Any, host: FakeHost, name: str) -> None:
        connector = self.make({**self.values(sandbox), name: 1}, host)
        with pytest.raises(CredentialsRefused, match=f"{name}.* not of 1"):
            await connector.check()
        (finding,) = [each for each in (await connector.examine()).findings if not each.good]
        assert finding.subject == "account"
        await connector.close()

    async def test_a_token_of_a_kind_that_hubspot_says_nothing_of_is_tried(self, connector: Any, sandbox: Any) -> None:
        for status in (400, 404):
            sandbox.faults.add("token.info", FaultKind.ERROR_BEFORE, status=status, times=2)
            await connector.check()
            assert [finding for finding in (await connector.examine()).findings if not finding.good] == []
        sandbox.faults.add("token.info", FaultKind.ERROR_BEFORE, status=404)
        sandbox.tokens.clear()
        with pytest.raises(CredentialsRefused):
            await connector.check()
        assert sandbox.writes() == 0

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"access_token": None}, "either access_token"),
            ({"refresh_token": "r"}, "either access_token"),
            ({"channel_id": "1"}, "go together"),
            ({"channel_id": "1", "channel_account_id": "2"}, "OAuth app"),
            ({"priorities": {"P1": "HIGH"}}, "P2, P3, P4"),
            ({"api_url": "http://example.com"}, "https://"),
        ],
    )
    def test_settings_that_contradict_each_other_are_refused(self, changes: dict[str, Any], sentence: str) -> None:
        values: dict[str, Any] = {"portal_id": 1, "app_id": 2, "client_secret": "s", "access_token": "t", **changes}
        with pytest.raises(ValueError, match=sentence):
            SPEC.settings(**{key: value for key, value in values.items() if value is not None})


# --- people, doctor --------------------------------------------------------------------------------------------------
class TestPeople(HubSpotSetUp):
    async def test_the_roster_is_the_owners_with_their_teams(self, connector: Any) -> None:
        roster = await connector.roster()
        told = [(each.id, each.name, each.groups, each.available) for each in roster.agents]
        assert told == [("7001", "Anna Agent", ("Second line", "Billing"), None), ("7002", "Ole", (), None)]

    async def test_what_a_rules_group_may_be_is_an_owner_unless_a_property_holds_it(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        assert (await connector.roster()).groups == {"7001": "anna.agent@example.com", "7002": "ole.owner@example.com"}
        other = self.make({**self.values(sandbox), "group_property": "team"}, host)
        await other.open()
        assert (await other.roster()).groups is None
        await other.close()

    async def test_a_profile_is_the_contact_and_its_company(self, connector: Any, sandbox: Any) -> None:
        source = Source(source="CRM_UI")
        company = {"name": "Acme", "hs_ideal_customer_profile": "tier_1", "annualrevenue": "125000.5"}
        own = {"email": "ann@customer.example", "firstname": "Ann", "lifecyclestage": "customer"}
        contact = sandbox.portal.create("contacts", own, source)
        made = sandbox.portal.create("companies", company, source)
        sandbox.portal.link("contacts", contact.id, "companies", made.id)
        profile = await connector.profile(Contact(id="c", parties=(ANN,)))
        assert profile.values == {
            "contact": contact.id,
            "name": "Ann",
            "lifecycle_stage": "customer",
            "organization": "Acme",
            "tier": "tier_1",
            "value": 125000.5,
        }
        claimed = altered(ANN, evidence=Evidence.CLAIMED)
        assert (await connector.profile(Contact(id="c", parties=(claimed,)))).values == {}
        assert sandbox.writes() == 0

    async def test_an_examination_of_an_account_that_is_right_finds_nothing_wrong(
        self, connector: Any, sandbox: Any
    ) -> None:
        examination = await connector.examine()
        assert [finding for finding in examination.findings if not finding.good] == []
        assert sandbox.writes() == 0

    async def test_an_examination_names_what_is_wrong_and_what_to_do(self, sandbox: Any, host: FakeHost) -> None:
        changes = {"new_stage": "77", "stages": {"1": "new"}, "external_id_property": "other"}
        connector = self.make({**self.values(sandbox), **changes, "priorities": dict.fromkeys(Priority, "NOW")}, host)
        sandbox.scopes = {"tickets", "oauth"}
        sandbox.portal.ticket_properties["other"] = {"hasUniqueValue": False}
        examination = await connector.examine()
        bad = {finding.subject: finding for finding in examination.findings if not finding.good}
        assert set(bad) == {"scopes", "external id", "pipeline", "stages", "priorities"}
        assert all(finding.advice for finding in bad.values())
        assert "crm.objects.contacts.write" in bad["scopes"].sentence
        sandbox.scopes = {*SPEC.capabilities.scopes, "crm.objects.deals.write"}
        found = {each.subject: each for each in (await connector.examine()).findings}
        assert "crm.objects.deals.write" in found["scopes"].sentence
        await connector.close()
