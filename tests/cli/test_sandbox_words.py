"""`baton sandbox` names the environment variables that the shipped plugins.toml names: what it prints can be pasted."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.cli.configuration import installed
from gateway.cli.sandbox import _send, _words, make
from gateway.testing.webhooks import Webhook, WebhookSender

SHIPPED: Final = (Path(__file__).parents[2] / "plugins.toml").read_text(encoding="utf-8")

NOTHING: Final = '[[rule]]\nid = "all"\ntype = "functional"\ncatch_all = true\ndo = "none"\n'


def shipped() -> dict[str, dict[str, Any]]:
    """Return the shipped connections by their connector, those that are commented out as well."""
    whole = re.sub(r"(?m)^# (?=\[\w+\.|\w+ = )", "", SHIPPED)
    tables = (
        table for channel, found in tomllib.loads(whole).items() if channel != "gateway" for table in found.values()
    )
    return {table["connector"]: table for table in tables}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_variables_are_those_of_the_shipped_file(name: str) -> None:
    sandbox = make(installed()[name])
    words = "\n".join(_words(sandbox, name))
    named = {key: value["env"] for key, value in shipped()[name].items() if isinstance(value, dict)}
    secrets = named.keys() & sandbox.secrets().keys()
    assert secrets, "the shipped file names at least one secret of each connector"
    for key in secrets:
        assert f'{key} = {{ env = "{named[key]}" }}' in words
        (line,) = (each for each in words.splitlines() if each.startswith(f"export {named[key]}="))
        assert shlex.split(line) == ["export", f"{named[key]}={sandbox.secrets()[key]}"], "a shell reads it whole"


def printed(name: str) -> tuple[list[str], dict[str, str]]:
    """Return the sections that are printed, each as it would be pasted, and the environment."""
    _, *sections, shell = re.split(r"\n\n# ", "\n".join(_words(make(installed()[name]), name)))
    exports = (shlex.split(line)[1].split("=", 1) for line in shell.splitlines() if line.startswith("export "))
    return [section.partition("\n")[2] for section in sections], dict(exports)


def pasted() -> list[tuple[str, int]]:
    return [(name, place) for name in sorted(installed()) for place in range(1 + len(make(installed()[name]).ways()))]


@pytest.mark.parametrize(("name", "place"), pasted())
def test_what_is_printed_can_be_pasted_and_passes_the_check(name: str, place: int, tmp_path: Path) -> None:
    sections, environ = printed(name)
    assert len(sections) == 1 + len(make(installed()[name]).ways())
    channel = min(each.value for each in installed()[name].channels)
    head = f'[{channel}.tried]\nconnector = "{name}"\n'
    (tmp_path / "plugins.toml").write_text(f"{head}{sections[place]}\n", encoding="utf-8")
    (tmp_path / "escalation.toml").write_text(NOTHING, encoding="utf-8")
    environ |= {"BATON_CONFIG": str(tmp_path / "plugins.toml"), "BATON_DATABASE_URL": ""}
    done = CliRunner(env=environ).invoke(baton, ["check"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "Everything is in order." in done.output


def test_mail_comes_from_three_services_and_each_says_how() -> None:
    sections, environ = printed("email")
    assert [tomllib.loads(each).get("way_in") for each in sections] == [None, "mailgun", "postmark", "sendgrid"]
    assert {"MAIL_HOOK_TOKEN", "MAIL_MAILGUN_SIGNING_KEY", "MAIL_PASSWORD", "MAIL_TOKEN_KEY"} == environ.keys()


@pytest.mark.parametrize("value", ["nonsense", "ftp://127.0.0.1/hooks", "http://", "127.0.0.1:8080/hooks/zendesk"])
def test_what_is_no_address_of_hooks_is_refused_at_once(value: str) -> None:
    done = CliRunner().invoke(baton, ["sandbox", "slack", "--hooks", value], prog_name="baton")
    assert done.exit_code == 2
    assert f'--hooks "{value}" is no address: write one like http' in done.stderr


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("reset_aftr", 'there is no fault "reset_aftr": did you mean "reset_after"? There are reset_before, '),
        ("429:3@ticket.create", 'there is no route "ticket.create": did you mean "tickets.create"? There are '),
        ("429:x", '"x" is none for "429": it is a number of calls'),
    ],
)
def test_a_fault_that_there_is_not_is_refused_before_anything_is_started(fault: str, sentence: str) -> None:
    done = CliRunner().invoke(baton, ["sandbox", "zendesk", "--fault", "429", "--fault", fault], prog_name="baton")
    assert done.exit_code == 2
    assert f"--fault {fault} of zendesk cannot be: {sentence}" in done.stderr
    assert not done.stdout


def test_faults_of_the_command_line_wait_for_their_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    async def run(sandbox: Any, *_: Any) -> None:
        started.append(sandbox)

    monkeypatch.setattr("gateway.cli.sandbox._run", run)
    given = ["--fault", "429:3", "--fault", "hang=30@search", "--hooks", "http://127.0.0.1:8080/hooks/zendesk/"]
    done = CliRunner().invoke(baton, ["sandbox", "zendesk", *given], catch_exceptions=False)
    assert done.exit_code == 0
    (sandbox,) = started
    assert [(route, fault.kind.value, times) for route, fault, times in sandbox.faults.waiting()] == [
        ("*", "rate_limited", 3),
        ("search", "hang", 1),
    ]
    assert sandbox.hooks == "http://127.0.0.1:8080/hooks/zendesk"


async def test_what_was_refused_is_said_and_what_reached_nobody_waits_for_the_gateway() -> None:
    status = 401

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hooks/support", answer)
    server = TestServer(app)
    sender = WebhookSender(lambda _: {})
    sender.put(Webhook(endpoint="", body=b"1"))
    (line,) = await _send(sender, "http://127.0.0.1:9/hooks/support")
    assert line.startswith("Nobody answers at http://127.0.0.1:9/hooks/support: webhooks wait")
    assert [each.body for each in sender.waiting] == [b"1"]
    async with server:
        url = str(server.make_url("/hooks/support"))
        (line,) = await _send(sender, url)
        assert line.startswith(f"{url} refused a webhook (401): its secret is not the one that this sandbox prints")
        assert not sender.waiting
        sender.put(Webhook(endpoint="other", body=b"2"))
        (line,) = await _send(sender, url)
        assert line.startswith(f"{url} answered a webhook with 404")
        status = 204
        sender.put(Webhook(endpoint="", body=b"3"))
        assert await _send(sender, url) == []
        assert sender.answers == [0, 401, 404, 204]
