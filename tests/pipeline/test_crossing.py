"""What customers wrote is redacted on its way to another vendor, and whole where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.model import Handoff, Mode, Notice, Reply, altered
from gateway.pipeline.crossing import crossed
from normalizers.redaction import Secret
from tests.connectors.zendesk.test_zendesk import entry, packet

CARD = "4111 1111 1111 1111"
ALL = frozenset(Secret)


def text_of(value: Any) -> str:
    return repr(value)


def test_nothing_of_a_handoff_or_a_notice_carries_a_card() -> None:
    said = altered(entry(f"charged on {CARD}"), key="k")
    full = packet(subject=CARD, transcript=(said,), evidence=(CARD,))
    handoff = Handoff(
        key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, subject=CARD, packet=full, entries=(said,)
    )
    notice = Notice(key="k", case_id="c", destination="#x", title=CARD, text=CARD, facts=(("Subject", CARD),))
    for what in (handoff, notice):
        assert CARD in text_of(what)
        assert CARD not in text_of(crossed(what, ALL))
        assert "[card number ending in 1111]" in text_of(crossed(what, ALL))
        assert crossed(what, frozenset()) == what
    again = crossed(handoff, ALL)
    assert isinstance(again, Handoff)
    assert again.entries[0].key == "k"


def test_a_reply_goes_back_to_who_wrote_and_stays_whole() -> None:
    reply = Reply(key="k", case_id="c", thread="t", text=CARD)
    assert crossed(reply, ALL) == reply


@pytest.mark.parametrize(("line", "there"), [("", False), ("redact = []", True)])
async def test_a_ticket_of_a_whole_gateway_has_no_card_unless_the_admin_says_so(
    tmp_path: Path, line: str, there: bool
) -> None:
    from tests.app.vendors import serving

    async with serving(tmp_path, "live", gateway=line) as vendors:
        vendors.slack.person_writes("U1", f"A real person please. You charged {CARD} twice!")
        await vendors.rest()
        (ticket,) = vendors.zendesk.account.tickets.values()
        told = repr(ticket)
        assert (CARD in told) is there
        assert ("[card number ending in 1111]" in told) is not there
