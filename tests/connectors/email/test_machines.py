"""Which mails a machine sent: by their headers, and by the subjects of absence notes in many languages."""

from __future__ import annotations

import pytest

from connectors.email.tokens import looks_like_ours, message_id_for, reference_of, subject_token, token_of
from tests.connectors.email.ours import EFFECT, KEY, mail


def sort(head: str, sender: str = "ada@x.example") -> str:
    found = mail(f"From: {sender}\n{head}\n\nhello").auto_generated
    return found.sort if found is not None else ""


@pytest.mark.parametrize(
    ("head", "meant"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("Auto-Submitted: auto-replied (vacation)", "out_of_office"),
        ("Auto-Submitted: auto-generated; type=x", "notification"),
        ("X-Autoreply: yes", "auto_reply"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: list", "list"),
        ("Precedence: auto_reply", "auto_reply"),
        ("List-Id: <news.y.example>", "list"),
        ("List-Unsubscribe: <mailto:x@y.example>", "bulk"),
        ("X-Auto-Response-Suppress: OOF, DR", "notification"),
        ("Return-Path: <>", "notification"),
        ("X-Baton-Loop: 1", "own"),
        ("Subject: Automatic reply: your order", "out_of_office"),
        ("Subject: Automatische Antwort: Bestellung", "out_of_office"),
        ("Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_commande?=", "out_of_office"),
        ("Subject: Respuesta automática: pedido", "out_of_office"),
        ("Subject: Автоматический ответ: заказ", "out_of_office"),
        ("Subject: 自動返信: 注文", "out_of_office"),
        ("Subject: Out of office", "out_of_office"),
        ("Subject: Re: Out of Office: lunch", "out_of_office"),
    ],
)
def test_a_machine_gives_itself_away(head: str, meant: str) -> None:
    assert sort(head) == meant


@pytest.mark.parametrize(
    "head",
    [
        "Subject: hello",
        "Auto-Submitted: no",
        "X-Autoreply: no",
        "Precedence: normal",
        "Return-Path: <ada@x.example>",
        "X-Auto-Response-Suppress: None",
        "Subject: Your automatic reply does not work",
        "Subject: I was out of office and missed your call",
        "Subject: Vacation rental booking 4711",
        "Subject: Urlaub buchen",
        "Subject: On leaving the service",
        "List-Id: Help <help.help.example>\nPrecedence: list\nList-Post: <mailto:help@help.example>",
    ],
)
def test_a_person_is_a_person(head: str) -> None:
    assert sort(head) == ""


def test_a_sender_that_takes_no_answer_is_a_machine() -> None:
    for sender in ("noreply@x.example", "no-reply@x.example", "notifications@x.example", "MAILER-DAEMON@x.example"):
        assert sort("Subject: x", sender) == "notification"
    assert sort("Subject: x", "norepley.smith@x.example") == ""


def test_two_gateways_that_answer_each_other_stop_after_one_mail() -> None:
    theirs = message_id_for(b"a key of the other gateway", EFFECT, "help@help.example", "y.example")
    assert sort(f"Message-ID: {theirs}") == "own"
    event = mail(f"From: desk@y.example\nTo: help@help.example\nMessage-ID: {theirs}\n\nhi")
    assert not event.own, "it is a machine's, but not ours"


# --- signed ids ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "effect", [EFFECT, "e1", "x" * 14, "x" * 15, "x" * 16, "ü/ %", "case:1/reply", EFFECT.upper(), "a" * 190]
)
def test_a_signed_message_id_names_its_effect_to_its_recipient_only(effect: str) -> None:
    made = message_id_for(KEY, effect, "Ada@X.example", "help.example")
    assert looks_like_ours(made)
    assert len(made) < 998
    assert reference_of([b"newer", KEY], ["<a@b>", made], "ada@x.example ") == effect
    assert reference_of([KEY], [made.upper().replace("<B1", "<b1")], "ada@x.example") == effect
    assert reference_of([KEY], [made.replace("help.example", "relay.example")], "ada@x.example") == effect
    assert reference_of([KEY], [made], "eve@x.example") is None
    assert reference_of([b"another key"], [made], "ada@x.example") is None
    assert reference_of([], [made], "ada@x.example") is None
    assert token_of([KEY], f"Re: {subject_token(KEY, effect)} hello") == effect
    assert token_of([b"another key"], subject_token(KEY, effect)) is None


def test_no_change_of_one_letter_is_accepted() -> None:
    made = message_id_for(KEY, EFFECT, "ada@x.example", "help.example")
    inside = made[4 : made.index("@")]
    for place, letter in enumerate(inside):
        for other in "a7.":
            changed = inside[:place] + other + inside[place + 1 :]
            found = reference_of([KEY], [f"<b1.{changed}@help.example>"], "ada@x.example")
            # The last letter of an id carries bits that mean nothing.
            assert found is None or letter == other or place == len(inside) - 28 or place == len(inside) - 1


def test_what_cannot_stand_in_a_message_id_is_refused() -> None:
    for domain in ("", "x y", "x\r\nBcc: a@b", "x>"):
        with pytest.raises(ValueError, match="host name"):
            message_id_for(KEY, EFFECT, "a@x.example", domain)
    with pytest.raises(ValueError, match="effect id"):
        message_id_for(KEY, "x" * 201, "a@x.example", "y.example")
