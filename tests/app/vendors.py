"""The shipped configuration, played against the vendors' sandboxes: in this process or as `baton serve`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.slack.sandbox import SlackSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from tests.app.gateways import Served

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Both sandboxes, and a served gateway that knows them."""

    slack: SlackSandbox
    zendesk: ZendeskSandbox
    served: Served

    async def deliver(self) -> list[int]:
        """Have both send what they have to tell; return all answers."""
        base = f"http://127.0.0.1:{self.served.port}/hooks"
        answers = await self.slack.webhooks.send(f"{base}/support-slack")
        return answers + await self.zendesk.webhooks.send(f"{base}/zendesk")

    async def status(self) -> dict[str, Any]:
        """Ask the gateway how it is."""
        import json

        done = await asyncio.to_thread(self.served.run, "status", "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    async def rest(self) -> None:
        """Wait until nothing moves any more."""
        async with asyncio.timeout(60):
            calm = 0
            while calm < 2:
                if self.slack.webhooks.waiting or self.zendesk.webhooks.waiting:
                    await self.deliver()
                accounts = (await self.status())["accounts"]
                busy = sum(accounts["effects"].get(state, 0) for state in ("pending", "sending", "unknown"))
                calm = 0 if busy or accounts["deliveries_pending"] or accounts["activities_pending"] else calm + 1


def shipped(mode: str, slack: SlackSandbox, zendesk: ZendeskSandbox) -> str:
    """Return the shipped plugins.toml with the sandboxes' addresses, in a mode, on a free port."""
    text = (ROOT / "plugins.toml").read_text()
    text = text.replace('mode = "observe"', f'mode = "{mode}"').replace("127.0.0.1:8080", "127.0.0.1:0")
    text = text.replace(
        "agent_channels = []", f'agent_channels = ["C0SECOND", "C0LEADS"]\napi_url = "{slack.url}/api/"'
    )
    return text.replace('connector = "zendesk"', f'connector = "zendesk"\napi_url = "{zendesk.url}"')


def environ(slack: SlackSandbox, zendesk: ZendeskSandbox) -> dict[str, str]:
    """Return the environment that the shipped plugins.toml asks for."""
    return {
        "SLACK_SIGNING_SECRET": slack.secrets()["signing_secret"],
        "SLACK_BOT_TOKEN": slack.secrets()["bot_token"],
        "SLACK_BOT_USER_ID": slack.settings()["bot_user_id"],
        "ZENDESK_SUBDOMAIN": zendesk.settings()["subdomain"],
        "ZENDESK_EMAIL": zendesk.settings()["email"],
        "ZENDESK_USER_ID": zendesk.settings()["user_id"],
        "ZENDESK_API_TOKEN": zendesk.secrets()["api_token"],
        "ZENDESK_WEBHOOK_SECRET": zendesk.secrets()["webhook_secret"],
    }


@asynccontextmanager
async def serving(
    directory: Path, mode: str, *, canary: str = "sandbox", gateway: str = "", policy: str = ""
) -> AsyncGenerator[Vendors, None]:
    """Serve the shipped files against both sandboxes; `canary` stands in every secret, `gateway` is added to its section.

    Another `policy` than the shipped one may be given.
    """
    slack = SlackSandbox(token=f"xoxb-{canary}-token", secret=f"{canary}-signing")
    zendesk = ZendeskSandbox(token=f"{canary}-api", secret=f"{canary}-webhook")
    await slack.start()
    await zendesk.start()
    (directory / "plugins.toml").write_text(
        shipped(mode, slack, zendesk).replace("[gateway]\n", f"[gateway]\n{gateway}\n", 1)
    )
    (directory / "escalation.toml").write_text(policy or (ROOT / "escalation.toml").read_text())
    served = Served(directory=directory, environ=environ(slack, zendesk))
    served.start()
    try:
        await served.until_ready()
        yield Vendors(slack=slack, zendesk=zendesk, served=served)
    finally:
        served.kill()
        await slack.stop()
        await zendesk.stop()
