"""What the pages about `plugins.toml` and about a reload say is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.slack import SPEC as SLACK
from connectors.zendesk import SPEC as ZENDESK
from gateway.cli.reload import _KEYS
from gateway.config import load_config
from gateway.config.compare import _FIXED
from gateway.config.load import _RESERVED
from gateway.sdk import ConnectorSpec
from gateway.toml import Problems
from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "reference" / "plugins-toml.md").read_text()
SPECS: Final[dict[str, ConnectorSpec[Any]]] = {"slack": SLACK, "zendesk": ZENDESK}


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    text = re.sub(r'file = ".+?"', f'file = "{secret}"', block)
    config = load_config(text, "plugins.toml", specs=SPECS, environ={"SLACK_BOT_TOKEN": "xoxb-1"})
    assert list(config.connections) == ["support-slack"]
    assert set(config.secrets) == {"s3cret", "xoxb-1"}


@pytest.mark.parametrize("name", _RESERVED)
def test_a_name_that_is_kept_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE
    with pytest.raises(Problems):
        load_config(f'[chat.{name}]\nconnector = "slack"\nenabled = false\n', "plugins.toml", specs=SPECS, environ={})


def test_a_connection_that_is_off_needs_none_of_its_values_from_outside() -> None:
    secrets = 'bot_token = { env = "A" }\nsigning_secret = { env = "B" }\n'
    text = f'[chat.a]\nconnector = "slack"\nenabled = false\n{secrets}bot_user_id = "U1"\n'
    assert load_config(text, "plugins.toml", specs=SPECS, environ={}).running == ()
    with pytest.raises(Problems):
        load_config(text.replace("false", "true"), "plugins.toml", specs=SPECS, environ={})


def test_the_page_about_a_reload_names_what_is_read_at_the_start_only() -> None:
    page = (DOCS / "how-to" / "reload.md").read_text()
    said = re.search(r"read at the start only;.+?:((?:\s+`\w+`[,.])+)", page, re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) == {_KEYS.get(key, key) for key in _FIXED}
