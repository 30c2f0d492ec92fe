"""Zendesk knows customers as the kit wants it."""

from __future__ import annotations

from typing import Any

from gateway.sdk import Evidence, Party
from gateway.testing.profile_contract import ProfileSourceContract
from tests.connectors.zendesk.test_zendesk import ZendeskSetUp


class TestProfiles(ProfileSourceContract, ZendeskSetUp):
    def customer(self, sandbox: Any) -> tuple[Party, dict[str, object]]:
        ann = sandbox.account.user("Ann", "ann@customer.example")
        sandbox.account.organizations[7] = {"id": 7, "name": "Acme", "tags": ["vip"]}
        sandbox.account.users[ann] |= {"organization_id": 7, "tags": ["early"], "locale": "de-AT"}
        wanted: dict[str, object] = {"organization": "Acme", "tags": ["early", "vip"], "locale": "de-AT"}
        return Party(kind="email", value="ann@customer.example", evidence=Evidence.VERIFIED), wanted
