"""`baton policy explain` says that a rule's reply is not sent to who wrote in a ticket that the helpdesk already had (PO-7)."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.configuration import read_outline
from gateway.model import Channel
from gateway.store import open_store
from tests.cli.test_policy_history import ROOT, SECOND, START, first_case, run
from tests.routing.stored import Stored, at
from tests.routing.values import message


def test_explain_names_a_reply_that_is_not_sent_and_why(tmp_path: Path) -> None:
    for name in ("plugins.toml", "escalation.toml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('mode = "observe"', 'mode = "live"')
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "baton-data").mkdir()
    outline = read_outline(tmp_path / "plugins.toml")
    real = Stored(open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}"), outline.policy, outline.facts)
    asked = message("can I talk to a human?", connection="zendesk", channel=Channel.HELPDESK, thread="ticket:7")
    real.take(at(asked, START, 0))
    real.pass_time(START + 60 * SECOND)
    real.store.close()
    code, output, _ = run(tmp_path, "policy", "explain", first_case(tmp_path))
    assert code == 0
    said = " ".join(output.split())
    why = "the customer has not spoken on a channel of their own, and on a ticket agents answer themselves."
    assert f"Its reply will not be sent: {why}" in said
