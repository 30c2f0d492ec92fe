"""A policy that tells staff over a connection that lacks settings for notices: check, start and reload say so, and where."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Final

import pytest

from gateway.host.registry import GROUP, Specs
from gateway.loading import load_setup
from gateway.toml import Problems
from tests.app.gateways import ENVIRON as TOYS
from tests.app.gateways import Served, running, write

PLUGINS: Final = """
[gateway]
listen = "127.0.0.1:0"

[messaging.texts]
connector = "twilio"
account_sid = "AC1"
auth_token = { env = "SECRET" }

[phone.line]
connector = "twilio_voice"
account_sid = "AC1"
auth_token = { env = "SECRET" }

[email.mail]
connector = "email"
address = "help@example.com"
token_key = { env = "SECRET" }
way_in = "postmark"
hook_token = { env = "SECRET" }
smtp_login = false

[chat.slack]
connector = "slack"
bot_token = { env = "SECRET" }
signing_secret = { env = "SECRET" }
bot_user_id = "U1"

[helpdesk.desk]
connector = "request_tracker"
url = "https://rt.example.com"
token = { env = "SECRET" }
webhook_secret = { env = "SECRET" }
user = "baton"
"""
POLICY: Final = """
[[rule]]
id = "rest"
do = "none"
catch_all = true

[agent.eve]
notify = ["line:+4915550900"]

[ladder.night]
final = { target = "queue:desk/End", notify = ["slack:#leads"] }
[[ladder.night.step]]
target = "queue:desk/Second line"
ack_within = "5m"
notify = ["slack:#night", "texts:+4915550900"]
[[ladder.night.step]]
target = "queue:desk/Third line"
ack_within = "5m"
notify = ["mail:eve@example.com"]
"""
#: What each connection lacks, and what then stands in its table.
TOLD: Final = {
    "line": "escalation.toml:8:12: line cannot tell agents: a key that they press would reach nobody, so set webhook_url in "
    "[phone.line] of plugins.toml\n"
    "escalation.toml:8:12: line cannot tell agents: it has no number to tell them from, so set notify_from in "
    "[phone.line] of plugins.toml",
    "texts": "escalation.toml:15:28: texts cannot tell agents: it has no number to tell them from, so set notify_from in "
    "[messaging.texts] of plugins.toml",
    "mail": "escalation.toml:19:12: mail cannot tell agents: no server takes its mail, so set smtp_host in [email.mail] "
    "of plugins.toml",
}
MENDED: Final = {
    "line": 'connector = "twilio_voice"\nnotify_from = "+4930555001"\nwebhook_url = "https://b.example/hooks/line"',
    "texts": 'connector = "twilio"\nnumbers = ["whatsapp:+4930555002", "+4930555001"]',
    "mail": 'connector = "email"\nsmtp_host = "smtp.example.com"',
}
ENVIRON: Final = {"SECRET": "a-secret-of-the-tests"}


def installed(**more: str) -> Specs:
    found = {each: f"connectors.{each}:SPEC" for each in ("twilio", "email", "slack", "request_tracker")}
    found |= {"twilio_voice": "connectors.twilio:VOICE"} | more
    return Specs({name: EntryPoint(name, value, GROUP) for name, value in found.items()}, {})


def mended(*names: str) -> str:
    text = PLUGINS
    for name in names:
        text = text.replace(MENDED[name].partition("\n")[0] + "\n", MENDED[name] + "\n")
    return text


def told(directory: Path, plugins: str, policy: str = POLICY) -> str:
    with pytest.raises(Problems) as caught:
        load_setup(write(directory, plugins, policy), specs=installed(), environ=ENVIRON)
    return str(caught.value).replace(f"{directory}/", "")


def test_what_is_lacking_is_told_at_the_step_with_the_setting(tmp_path: Path) -> None:
    assert told(tmp_path, PLUGINS) == "\n".join(TOLD.values())


@pytest.mark.parametrize("lacking", TOLD)
def test_each_connection_is_told_by_itself(tmp_path: Path, lacking: str) -> None:
    assert told(tmp_path, mended(*(TOLD.keys() - {lacking}))) == TOLD[lacking]


def test_what_lacks_nothing_is_read(tmp_path: Path) -> None:
    setup = load_setup(write(tmp_path, mended(*TOLD), POLICY), specs=installed(), environ=ENVIRON)
    assert [each.place for each in setup.policy.ladders["night"].steps[0].notify] == ["#night", "+4915550900"]


def test_who_only_answers_customers_over_it_needs_none_of_it(tmp_path: Path) -> None:
    """Settings for notices are asked for where somebody is told, and nowhere else."""
    quiet = POLICY.replace(', "texts:+4915550900"', "").replace('notify = ["mail:eve@example.com"]', "")
    quiet = quiet.replace("line:+4915550900", "slack:U0EVE")
    assert load_setup(write(tmp_path, PLUGINS, quiet), specs=installed(), environ=ENVIRON).policy.ladders


def test_a_numbers_sender_that_is_no_telephone_does_not_suffice(tmp_path: Path) -> None:
    plugins = mended(*TOLD).replace(', "+4930555001"]', "]")
    assert told(tmp_path, plugins) == TOLD["texts"]


def test_a_connection_that_lacks_something_is_not_offered_instead(tmp_path: Path) -> None:
    policy = POLICY.replace("mail:eve@example.com", "desk:eve")
    sentence = told(tmp_path, mended("line"), policy).splitlines()[-1]
    assert sentence == "escalation.toml:19:12: desk cannot tell agents: line, slack could"


def test_check_and_serve_say_it_and_do_not_start(tmp_path: Path) -> None:
    served = Served(directory=tmp_path, environ=ENVIRON)
    write(tmp_path, mended("line", "mail"), POLICY)
    for command in ("check", "serve"):
        done = served.run(command)
        assert done.returncode == 2
        assert TOLD["texts"] in done.stderr.decode()


async def test_a_reload_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    found = installed(toyline="tests.toyline:SPEC")
    async with running(tmp_path, environ=dict(TOYS) | ENVIRON, found=found) as (gateway, _):
        before = gateway.setup
        write(tmp_path, mended("line", "mail"), POLICY)
        result = await gateway.reload("test")
        assert result["reloaded"] is False
        assert [each.replace(f"{tmp_path}/", "") for each in result["problems"]] == [TOLD["texts"]]
        assert gateway.setup is before
