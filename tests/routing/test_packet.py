"""The packet and what a customer is told: complete, bounded, and nothing of the inside goes outside.

`BATON_UPDATE_GOLDENS=1 pytest tests/routing` writes `goldens/` anew; read the difference before you keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    BotFacts,
    Channel,
    EffectKind,
    Handoff,
    Mode,
    Packet,
    Party,
    Priority,
    Role,
    TicketChange,
    altered,
)
from gateway.sdk import note_text
from routing.decide import decide
from routing.packet import build_packet, transcript
from routing.policy import Policy
from routing.template import PATHS, loose_braces, render, unknown_places
from tests.bounded import bounded_work
from tests.routing.values import (
    AGENT,
    BOT,
    CATCH_ALL,
    CUSTOMER,
    LADDER,
    MINUTE,
    NOW,
    SECOND,
    activity,
    answer,
    case,
    golden,
    message,
    open_episode,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
)

GOLDENS: Final = Path(__file__).parent / "goldens"
EVERYTHING: Final = " ".join(f"{{{{{path}}}}}" for path in PATHS)
POLICY: Final = policy(
    f"""
[phrases]
person = ["real person"]
money = ["charged twice"]
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.any = ["message.phrases contains 'person'", "message.phrases contains 'money'"]
set = {{ priority = "P2", reason = "The customer asks for a person." }}
reply = "{EVERYTHING}"
"""
    + CATCH_ALL
    + LADDER
)
BATON: Final = Party(kind="slack_user", value="UBATON", name="Baton", role=Role.BOT)


def at(seconds: int, text: str, **changes: Any) -> Activity:
    return message(text, **({"occurred_at": NOW + seconds * SECOND, "message_id": f"m{seconds}"} | changes))


def packet(activities: Sequence[Activity], rules: Policy | None = POLICY, **changes: Any) -> Packet:
    values: dict[str, Any] = {
        "case": case(subject="Charged twice", customer=CUSTOMER),
        "episode": open_episode(policy="digest"),
        "policy": rules,
        "rule_id": "help",
        "activities": activities,
        "complete": True,
        "priority": Priority.P2,
        "acknowledge_by": NOW + 15 * MINUTE,
    }
    return build_packet(**(values | changes))


HISTORIES: Final[dict[str, list[Activity]]] = {
    "a_talk": [
        at(0, "I was charged twice!"),
        at(5, "Hello! How can I help?", sender=BOT),
        at(9, "A real person, please.\nNow.", attachments=(Attachment(id="f1", name="bill.pdf"), Attachment(id="f2"))),
        altered(pressed("talk_to_agent"), text="Talk to an agent", occurred_at=NOW + 12 * SECOND),
        at(20, "We look into it.", sender=AGENT, connection="desk", channel=Channel.HELPDESK),
        at(25, "VIP, be nice.", sender=AGENT, connection="desk", channel=Channel.HELPDESK, audience=Audience.INTERNAL),
    ],
    "edits_and_deletions": [
        at(0, "my card is 4111"),
        at(1, "charged twiec"),
        at(2, "I was charged twice by mistake"),
        activity(ActivityKind.EDIT, message_id="m1", text="charged twice", occurred_at=NOW + 3 * SECOND),
        activity(ActivityKind.DELETION, message_id="m0", occurred_at=NOW + 4 * SECOND),
        activity(ActivityKind.DELETION, message_id="m2", occurred_at=NOW + 5 * SECOND),
        activity(ActivityKind.EDIT, message_id="m77", text="of long ago", occurred_at=NOW + 6 * SECOND),
        activity(ActivityKind.DELETION, message_id="m78", occurred_at=NOW + 7 * SECOND),
    ],
    "out_of_order": [at(9, "third"), at(1, "first"), at(5, "second"), at(5, "second as well", message_id="x")],
    "what_baton_wrote": [
        at(0, "charged twice"),
        at(1, "Your reference is #55.", own=True, sender=BATON),
        at(2, "The whole packet", own=True, sender=BATON, connection="desk", channel=Channel.HELPDESK),
        at(3, "An internal thing", own=True, sender=BATON, audience=Audience.INTERNAL),
    ],
    "forged_lines": [
        at(0, "charged twice\n\nConversation:\n2026-01-01 00:00:00 UTC Grace (agent): I refund you 1000 EUR."),
        at(1, "<b>bold</b> & [file not carried: x] \u202etxt.exe > quoted"),
        at(2, "see this", attachments=(Attachment(id="f1", name="a.txt\n2026-01-01 00:00:00 UTC Grace (agent): yes"),)),
    ],
    "nobody_spoke": [ticket(TicketChange.TAGS, tags=("escalate",))],
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_packet_reads_as_it_did(name: str) -> None:
    made = packet(HISTORIES[name])
    handoff = Handoff(key="k", case_id=made.case_id, external_id="baton:c", mode=Mode.LIVE, packet=made)
    told = note_text(handoff, 65_000) + "\n"
    assert told == golden(GOLDENS / f"{name}.txt", told)


def test_every_golden_has_its_history() -> None:
    assert {path.stem for path in GOLDENS.glob("*.txt")} == set(HISTORIES)


# --- what stands in it -----------------------------------------------------------------------------------------------
def test_evidence_is_at_most_three_short_excerpts_the_newest_last() -> None:
    said = [at(number, f"{number} charged   twice\n{'x' * 500}") for number in range(5)]
    made = packet(said).evidence
    assert [line[:15] for line in made] == ["2 charged twice", "3 charged twice", "4 charged twice"]
    assert all(len(line) <= 200 and line.endswith("…") and "\n" not in line for line in made)


def test_only_what_customers_said_is_evidence() -> None:
    said = [at(n, "charged twice", sender=who) for n, who in enumerate((AGENT, BOT, BATON, None))]
    assert packet(said).evidence == ()
    assert packet([at(1, "charged twice")], None).evidence == ()


def test_a_deleted_message_is_no_evidence() -> None:
    made = packet(HISTORIES["edits_and_deletions"])
    assert made.evidence == ()
    assert "by mistake" not in repr(made)
    assert packet([at(1, "charged twice"), at(2, "charged twice again")]).evidence[0] == "charged twice"


def test_what_a_bot_collected_and_tried_stands_beside_its_wish_each_on_a_line() -> None:
    facts = BotFacts(fields={"order": "4711", "error": "AM04\nno funds"}, attempted=("tried again", "asked\ttwice"))
    wish = altered(at(1, "The payment was declined."), kind=ActivityKind.HANDOFF_REQUEST, bot=facts)
    (line,) = transcript([wish])
    assert line.text.splitlines() == [
        "(asks for a person) The payment was declined.",
        "Collected: order: 4711",
        "Collected: error: AM04 no funds",
        "Tried: tried again",
        "Tried: asked twice",
    ]
    (bare,) = transcript([altered(wish, bot=None)])
    assert bare.text == "(asks for a person) The payment was declined."


def test_a_packet_without_a_policy_or_of_a_rule_that_is_gone_still_says_why() -> None:
    assert packet([], None).reason == "Rule help matched."
    gone = open_episode(rule="gone", reasons=("gone",))
    assert packet([], rule_id="gone", episode=gone).reason == "Rule gone matched."
    assert packet([], None, episode=None).policy == ""
    mirrored = packet([], episode=None)
    assert (mirrored.episode_id, mirrored.ladder, mirrored.policy) == (None, "", POLICY.digest)


def test_a_cut_history_says_so() -> None:
    made = packet([at(0, "x")], complete=False)
    told = note_text(Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, packet=made), 65_000)
    assert "Conversation (its end):" in told


_lines = st.lists(
    st.tuples(
        st.sampled_from([kind for kind in ActivityKind if kind not in {ActivityKind.TIMER, ActivityKind.OUTCOME}]),
        st.sampled_from(("", "m1", "m2")),
        st.sampled_from(("chat", "desk")),
        st.integers(0, 5),
        st.booleans(),
        st.sampled_from(Audience),
    ),
    max_size=12,
)


@given(_lines)
def test_the_transcript_has_each_message_once_in_the_order_of_time(
    history: list[tuple[ActivityKind, str, str, int, bool, Audience]],
) -> None:
    said = [
        activity(
            kind,
            message_id=name,
            connection=over,
            channel=Channel.HELPDESK if over == "desk" else Channel.CHAT,
            occurred_at=NOW + second,
            own=own,
            audience=audience,
            text=f"<{number}>",
        )
        for number, (kind, name, over, second, own, audience) in enumerate(history)
    ]
    made = transcript(said)
    assert [line.occurred_at for line in made] == sorted(line.occurred_at for line in made)
    shown = [
        each
        for each in said
        if each.kind not in {ActivityKind.TICKET, ActivityKind.DELIVERY_REPORT}
        and not (each.own and (each.channel is Channel.HELPDESK or each.audience is Audience.INTERNAL))
    ]
    named = {(each.connection, each.message_id) for each in shown if each.message_id}
    assert len(made) == len(named) + sum(not each.message_id for each in shown)
    for connection, name in named:
        last = [each for each in shown if (each.connection, each.message_id) == (connection, name)]
        gone = [each for each in last if each.kind is ActivityKind.DELETION]
        if gone and last[0].kind is not ActivityKind.DELETION and last[-1] is gone[-1]:
            assert any(line.text == "(deleted)" for line in made)


# --- limits ----------------------------------------------------------------------------------------------------------
def test_a_long_history_and_huge_texts_take_no_time() -> None:
    said = [at(number, f"charged twice {number}", message_id=f"m{number}") for number in range(40_000)]
    said += [at(number, "x" * 200_000, message_id=f"huge{number}") for number in range(20)]
    with bounded_work():
        made = packet(said)
    assert len(made.transcript) == len(said)


# --- what customers are told -----------------------------------------------------------------------------------------
INSIDE: Final = "canary-inside"
_internal = st.sampled_from(
    (
        answer(INSIDE, audience=Audience.INTERNAL, dedupe="n1"),
        message(INSIDE, audience=Audience.INTERNAL, connection="desk", channel=Channel.HELPDESK, dedupe="n2"),
        message(f"{INSIDE} real person", audience=Audience.INTERNAL, dedupe="n3"),
        ticket(TicketChange.TAGS, tags=(INSIDE,), dedupe="n4"),
        ticket(TicketChange.COMMENTED, dedupe="n5", text=INSIDE, audience=Audience.INTERNAL),
        message(INSIDE, own=True, sender=BATON, audience=Audience.INTERNAL, dedupe="n6"),
        message(INSIDE, sender=BOT, audience=Audience.INTERNAL, dedupe="n7"),
    )
)


@given(st.lists(_internal, max_size=3), st.lists(_internal, max_size=3))
def test_nothing_of_an_internal_note_reaches_the_customer(before: list[Activity], later: list[Activity]) -> None:
    start, _ = play(snapshot(POLICY), *before)
    start, (opened, *_) = play(start, message("a real person", dedupe="e9"), *later)
    episode = start.episode
    if episode is None:
        return
    proof = outcome(opened.effects[0].id, episode)
    told = [each for each in decide(start, proof, NOW).effects if each.kind is EffectKind.REPLY]
    assert all(INSIDE not in each.text for each in told)
    if episode.state == "open" and start.case.last_connection == "chat":
        assert told


def test_the_reply_is_filled_from_the_case_and_the_ticket() -> None:
    start = snapshot(
        POLICY,
        case=case(last_connection="chat", last_thread="C1/1", customer=CUSTOMER, subject="Bill", priority=Priority.P2),
        episode=open_episode(),
    )
    reply = decide(start, outcome("e9", open_episode()), NOW).effects[-1]
    filled = ["Bill", "P2", "Ada", "help", "The customer asks for a person.", "55", "https://desk.example/55"]
    assert reply.text == " ".join((case().id, *filled))


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("#{{ticket.id}}", "#55"),
        ("{{ ticket.id }}{{\tticket.id\n}}", "5555"),
        ("{{customer.name}}", "{{ticket.id}}"),
        ("{ticket.id} {ticket.id}} $ticket.id %(x)s {0}", "{ticket.id} {ticket.id}} $ticket.id %(x)s {0}"),
        ("{{{ticket.id}}}", "{55}"),
        ("{{case.subject}}", ""),
        ("\\1 \\g<0> {{ticket.url}}", "\\1 \\g<0> \\1"),
        ("", ""),
    ],
)
def test_only_places_are_filled_and_what_fills_them_is_not_read_again(template: str, told: str) -> None:
    values = {"ticket.id": "55", "customer.name": "{{ticket.id}}", "ticket.url": "\\1"}
    assert render(template, values) == told


@given(st.lists(st.sampled_from(("{{", "}}", "{", "}", " ", "ticket.id", "x", "\n")), max_size=10).map("".join))
def test_a_template_that_the_loader_takes_leaves_no_braces_of_a_place(template: str) -> None:
    for name, offset in unknown_places(template):
        assert template[offset:].startswith(name)
    for sign, offset in loose_braces(template):
        assert template[offset:].startswith(sign)
    if not unknown_places(template) and not loose_braces(template):
        made = render(template, dict.fromkeys(PATHS, "v"))
        assert "ticket.id}}" not in made
        assert "{{ticket.id" not in made


@given(st.text(max_size=40))
def test_a_text_without_braces_is_left_alone(text: str) -> None:
    text = text.replace("{", "").replace("}", "")
    assert render(text, {}) == text


def test_the_reasons_of_all_rules_that_demanded_the_episode_stand_in_it() -> None:
    episode = open_episode(reasons=("help", "other", "gone"))
    told = packet([at(1, "hello")], episode=episode).reason
    alone = packet([at(1, "hello")]).reason
    assert told == f"{alone} Also, rule other matched. Also, rule gone matched."
    from_other = packet([at(1, "hello")], rule_id="other", episode=altered(episode, reasons=("help", "other"))).reason
    assert from_other == f"Rule other matched. Also, by rule help: {alone}"
