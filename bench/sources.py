"""The real Slack connector as the source of a measurement, over a host that does nothing."""

from __future__ import annotations

import time

from pydantic import SecretStr

from bench.events import APP, SECRET
from connectors.slack.connector import SlackConnector
from connectors.slack.settings import SlackSettings
from gateway.testing.host import FakeHost


def slack_source(connection: str) -> SlackConnector:
    """Return a connector that verifies and parses; it never talks to anybody."""
    settings = SlackSettings(
        bot_token=SecretStr("xoxb-measure"), signing_secret=SecretStr(SECRET), bot_user_id="U0BATONBOT", app_id=APP
    )
    return SlackConnector(settings, FakeHost(connection, now=time.time_ns() // 1000))
