"""What everything that knows customers keeps: nobody is known by a claim, asking changes nothing, an outage is no answer."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model import altered
from gateway.sdk import Contact, CredentialsRefused, Evidence, Party, Profile, TemporaryFailure

#: Somebody whom no vendor of a test knows.
STRANGER = Party(kind="email", value="nobody@unknown.example", evidence=Evidence.VERIFIED)


class ProfileSourceContract:
    """Subclass it beside `ConnectorContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def customer(self, sandbox: Any) -> tuple[Party, dict[str, object]]:
        """Make a customer in the sandbox; return a proven e-mail address of theirs and values that the profile must hold."""
        raise NotImplementedError

    # --- who is known ------------------------------------------------------------------------------------------------
    async def test_a_customer_is_known_by_a_proven_address(self, connector: Any, sandbox: Any) -> None:
        """The values go by our names; when they were read is what makes them fresh or stale."""
        party, wanted = self.customer(sandbox)
        profile: Profile = await connector.profile(Contact(id="c", parties=(STRANGER, party)))
        assert {name: profile.values.get(name) for name in wanted} == wanted
        assert profile.read_at == connector.host.now()

    async def test_nobody_is_known_by_a_claim(self, connector: Any, sandbox: Any) -> None:
        """Whoever types an address is not told, nor treated, as its owner."""
        party, _ = self.customer(sandbox)
        claim = altered(party, evidence=Evidence.CLAIMED)
        assert not (await connector.profile(Contact(id="c", parties=(claim,)))).values

    async def test_a_stranger_has_a_profile_without_values(self, connector: Any, sandbox: Any) -> None:
        """That somebody is not known is an answer: it is kept, and they are not asked about at each message."""
        self.customer(sandbox)
        for parties in ((), (STRANGER,), (Party(kind="site_user", value="17"),)):
            assert not (await connector.profile(Contact(id="c", parties=parties))).values

    async def test_a_near_miss_is_another_person(self, connector: Any, sandbox: Any) -> None:
        """A search that finds parts of words must not make one customer of two."""
        party, _ = self.customer(sandbox)
        for address in (party.value[1:], f"x{party.value}", f"{party.value}.example", party.value.replace("@", "@x")):
            near = altered(party, value=address)
            assert not (await connector.profile(Contact(id="c", parties=(near,)))).values

    # --- how it is asked ---------------------------------------------------------------------------------------------
    async def test_asking_changes_nothing(self, connector: Any, sandbox: Any) -> None:
        """It is asked in observe mode too."""
        party, _ = self.customer(sandbox)
        await connector.profile(Contact(id="c", parties=(party,)))
        assert sandbox.calls
        assert sandbox.writes() == 0

    async def test_a_vendor_that_is_away_does_not_call_anybody_unknown(self, connector: Any, sandbox: Any) -> None:
        """An empty profile would be kept, and a VIP be nobody for as long as it is fresh."""
        party, _ = self.customer(sandbox)
        await sandbox.stop()
        with pytest.raises(TemporaryFailure):
            await connector.profile(Contact(id="c", parties=(party,)))

    async def test_refused_credentials_do_not_call_anybody_unknown(self, sandbox: Any, host: Any) -> None:
        """The host pauses the connection; what was known stays known."""
        party, _ = self.customer(sandbox)
        kit: Any = self
        values = kit.values(sandbox)
        for name in kit.api_secrets(sandbox):
            values[name] = "wrong-" + values[name]
        connector = kit.make(values, host)
        await connector.open()
        with pytest.raises(CredentialsRefused):
            await connector.profile(Contact(id="c", parties=(party,)))
        await connector.close()
