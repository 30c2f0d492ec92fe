"""The conformance kit: subclass the contracts of the capabilities that a connector claims, and run pytest.

    from gateway.testing.contracts import ConnectorContract
    from gateway.testing.source_contract import WebhookSourceContract

    class TestAcme(WebhookSourceContract, ConnectorContract):
        spec = SPEC
        sandbox_class = AcmeSandbox
        deliveries = Path(__file__).parent / "deliveries"
        ...

Each test's docstring says what it proves and why that matters. There are no exclusions: what a connector does not claim, it
does not subclass.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from gateway.sdk import CONTRACT, Connector, ConnectorSpec, CredentialsRefused, Host, TemporaryFailure
from gateway.testing.host import FakeHost
from gateway.testing.sandbox import Sandbox


class StandaloneContract:
    """What every connector keeps, also one that speaks to no vendor."""

    #: The connector's spec.
    spec: ClassVar[ConnectorSpec[Any]]
    #: Its sandbox.
    sandbox_class: ClassVar[type[Sandbox]]

    # --- what the tests run on ---------------------------------------------------------------------------------------
    @pytest_asyncio.fixture
    async def host(self) -> AsyncIterator[FakeHost]:
        """A host whose clock stands still."""
        host = FakeHost("test")
        yield host
        await host.close()

    @pytest_asyncio.fixture
    async def sandbox(self, host: FakeHost) -> AsyncIterator[Sandbox]:
        """The vendor's stand-in, living by the host's clock."""
        sandbox = self.sandbox_class(now=host.now)
        await sandbox.start()
        yield sandbox
        await sandbox.stop()

    def values(self, sandbox: Sandbox) -> dict[str, Any]:
        """Return what an admin would write for this sandbox. Override to set time-outs low."""
        return {**sandbox.settings(), **sandbox.secrets()}

    def make(self, values: dict[str, Any], host: Host) -> Any:
        """Return a connector, unopened."""
        module, _, name = self.spec.factory.partition(":")
        return getattr(import_module(module), name)(self.spec.settings(**values), host)

    @pytest_asyncio.fixture
    async def connector(self, sandbox: Sandbox, host: FakeHost) -> AsyncIterator[Any]:
        """An open connector."""
        connector = self.make(self.values(sandbox), host)
        await connector.open()
        yield connector
        await connector.close()

    # --- the spec ----------------------------------------------------------------------------------------------------
    def test_the_spec_speaks_this_contract(self) -> None:
        """The host refuses other contracts; a name in lower_snake is what admins write in `plugins.toml`."""
        assert self.spec.contract == CONTRACT
        assert self.spec.name == self.spec.name.lower()
        assert self.spec.name.replace("_", "").isalnum()
        assert self.spec.channels
        assert self.spec.capabilities.endpoints

    def test_the_spec_is_light(self) -> None:
        """Listing connectors must not import any vendor's SDK: it may be missing, and it costs start-up time."""
        module = type(self).spec_module()
        code = (
            f"import sys; import {module}; "
            "heavy = [m for m in sys.modules if m.split('.')[0] in "
            f"{sorted(self.sdk_modules())!r}]; sys.exit(' '.join(heavy) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
        assert done.returncode == 0, done.stderr

    @classmethod
    def spec_module(cls) -> str:
        """Return the module that the spec stands in. Override when it is not the package of the factory."""
        return cls.spec.factory.partition(":")[0].rpartition(".")[0]

    def sdk_modules(self) -> set[str]:
        """Return top-level modules of the vendor's SDK, which the spec must not import."""
        return {"aiohttp", "requests"}

    def test_every_setting_is_documented(self) -> None:
        """The docstring under a field is its only documentation, for people and for editors."""
        for name, field in self.spec.settings.model_fields.items():
            assert field.description, f"{name} has no docstring"

    def test_settings_show_no_secret(self) -> None:
        """Settings get printed: in errors, in debuggers, by `connectors show`."""
        sandbox = self.sandbox_class()
        hidden = sandbox.secrets()
        shown = repr(self.spec.settings(**{**sandbox.settings(), **hidden}))
        assert not [name for name, value in hidden.items() if value in shown]

    # --- life --------------------------------------------------------------------------------------------------------
    async def test_making_one_does_nothing(self, sandbox: Sandbox, host: FakeHost) -> None:
        """Hooks are verified by an object that was never opened, so making it must neither call nor start anything."""
        threads, tasks = threading.active_count(), len(asyncio.all_tasks())
        self.make(self.values(sandbox), host)
        await asyncio.sleep(0)
        assert not sandbox.calls
        assert threading.active_count() == threads
        assert len(asyncio.all_tasks()) == tasks

    async def test_closing_is_safe_unopened_and_twice(self, sandbox: Sandbox, host: FakeHost) -> None:
        """The host closes what it made, whatever became of it."""
        connector = self.make(self.values(sandbox), host)
        assert isinstance(connector, Connector)
        await connector.close()
        await connector.open()
        await connector.close()
        await connector.close()

    async def test_nothing_is_left_running(self, sandbox: Sandbox, host: FakeHost) -> None:
        """A connector starts no tasks: the host could neither see nor end them."""
        before = set(asyncio.all_tasks())
        connector = self.make(self.values(sandbox), host)
        await connector.open()
        await connector.check()
        await connector.close()
        left = [task for task in asyncio.all_tasks() - before if "connector" in str(task.get_coro())]
        assert not left


class ConnectorContract(StandaloneContract):
    """What every connector keeps that calls a vendor."""

    async def test_a_check_only_reads(self, connector: Any, sandbox: Sandbox) -> None:
        """`baton check` and the supervisor call it on live accounts, in observe mode too."""
        await connector.check()
        assert sandbox.writes() == 0
        assert sandbox.calls

    async def test_wrong_credentials_are_called_that(self, sandbox: Sandbox, host: FakeHost) -> None:
        """The host pauses the connection and tells the operator; any other error would be tried again and again."""
        values = self.values(sandbox)
        for name in self.api_secrets(sandbox):
            values[name] = "wrong-" + values[name]
        connector = self.make(values, host)
        await connector.open()
        with pytest.raises(CredentialsRefused) as refused:
            await connector.check()
        await connector.close()
        for secret in sandbox.secrets().values():
            assert secret not in str(refused.value)

    def api_secrets(self, sandbox: Sandbox) -> list[str]:
        """Return the names of the secrets that calls (not hooks) are made with."""
        return [name for name in sandbox.secrets() if "token" in name or "key" in name or "password" in name]

    async def test_a_vendor_that_is_away_is_a_temporary_failure(self, sandbox: Sandbox, host: FakeHost) -> None:
        """An outage must not pause a connection for good."""
        connector = self.make(self.values(sandbox), host)
        await connector.open()
        await sandbox.stop()
        with pytest.raises(TemporaryFailure):
            await connector.check()
        await connector.close()
