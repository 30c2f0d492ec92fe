"""`baton sandbox` gives other ids at each start: Baton remembers whose those of before were."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import sandbox as cli
from gateway.cli.configuration import installed
from gateway.cli.sandbox import make
from gateway.clock import SystemClock


def _at(*, second: int) -> int:
    return second * 1_000_000


@pytest.mark.parametrize("name", ["zendesk", "hubspot", "request_tracker"])
def test_a_helpdesk_that_is_started_again_gives_no_id_of_before(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    async def run(sandbox: Any, *_: Any) -> None:
        started.append(sandbox)

    monkeypatch.setattr(cli, "_run", run)
    ids: list[set[int]] = []
    for second in (1_795_536_804, 1_795_536_899):
        monkeypatch.setattr(SystemClock, "now", partial(_at, second=second))
        found = CliRunner().invoke(cli.command, [name], catch_exceptions=False)
        assert found.exit_code == 0
        made = {int(started[-1].customer_writes(f"Ann {each}", "Hi", "Help")) for each in range(3)}
        assert min(made) > second
        ids.append(made)
    assert not ids[0] & ids[1]


def test_a_sandbox_that_is_made_by_a_test_keeps_its_ids() -> None:
    from connectors.zendesk.sandbox import ZendeskSandbox

    assert ZendeskSandbox().customer_writes("Ann", "Hi", "Help") == 1_001


def _twilio(sandbox: Any) -> object:
    return sandbox.person_texts("+4915550100", "hi")


def _calls(sandbox: Any) -> object:
    return sandbox.call_elsewhere("+4915550100")


def _bot(sandbox: Any) -> object:
    sandbox.customer_says("c1", "hi")
    return json.loads(sandbox.webhooks.waiting[-1].body)["turns"][0]["id"]


def _watch(sandbox: Any) -> object:
    sandbox.page("P1")
    return json.loads(sandbox.webhooks.waiting[-1].body)["event"]["id"]


def _mail(sandbox: Any) -> object:
    return sandbox.folders["INBOX"].validity


@pytest.mark.parametrize(
    ("name", "id_of"),
    [("twilio", _twilio), ("twilio_voice", _calls), ("chatbot", _bot), ("incidents", _watch), ("email", _mail)],
)
def test_no_other_that_is_started_again_gives_an_id_of_before(name: str, id_of: Callable[[Any], object]) -> None:
    ids: list[object] = []
    for second in (1_795_536_804, 1_795_536_899):
        sandbox = make(installed()[name])
        assert sandbox.ids is not None
        sandbox.ids.begin_at(second)
        ids.append(id_of(sandbox))
    assert ids[0] != ids[1]
