"""HubSpot knows customers as the kit wants it."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.sandbox_state import Source
from gateway.sdk import Evidence, Party
from gateway.testing.profile_contract import ProfileSourceContract
from tests.connectors.hubspot.desk import HubSpotSetUp


class TestProfiles(ProfileSourceContract, HubSpotSetUp):
    def customer(self, sandbox: Any) -> tuple[Party, dict[str, object]]:
        source = Source(source="CRM_UI")
        company = {"name": "Acme", "hs_ideal_customer_profile": "tier_1", "annualrevenue": "125000.5"}
        contact = sandbox.portal.create("contacts", {"email": "ann@customer.example"}, source)
        made = sandbox.portal.create("companies", company, source)
        sandbox.portal.link("contacts", contact.id, "companies", made.id)
        wanted: dict[str, object] = {"organization": "Acme", "tier": "tier_1", "value": 125_000.5}
        return Party(kind="email", value="ann@customer.example", evidence=Evidence.VERIFIED), wanted
