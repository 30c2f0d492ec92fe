"""One spelling for each address, number and handle; and the language of a text."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Channel, ChatMessage, Party
from normalizers import normalize
from normalizers.identity import IdentityRules, MailRule, canonical, canonical_value
from normalizers.language import language_of

RULES: Final = IdentityRules(
    mail={
        "gmail.com": MailRule(ignore_dots=True, ignore_plus=True),
        "googlemail.com": MailRule(ignore_dots=True, ignore_plus=True, same_as="gmail.com"),
    },
    region="DE",
)
LANGUAGES: Final = ("de", "en", "es", "fr", "it", "pt")


def written(text: str, sender: Party) -> ChatMessage:
    return ChatMessage(thread="t", dedupe="d", occurred_at=1, sender=sender, message_id="m", text=text)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("+4917112345678", "+4917112345678"),
        ("0171 / 123 456 78", "+4917112345678"),
        ("0049 171 12345678", "+4917112345678"),
        ("whatsapp:+4917112345678", "+4917112345678"),
        ("tel:+49-171-12345678", "+4917112345678"),
        ("٠١٧١١٢٣٤٥٦٧٨", "+4917112345678"),
        # Brazil: the ninth digit, which a landline has not.
        ("+5511987654321", "+5511987654321"),
        ("+551187654321", "+5511987654321"),
        ("+551132654321", "+551132654321"),
        # Argentina: the 9 from abroad, the 15 at home.
        ("+5491123456789", "+541123456789"),
        ("+541123456789", "+541123456789"),
        ("+54 11 15 2345-6789", "+541123456789"),
        # Mexico: the 1 that went out of use.
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("+1 (202) 555-0143", "+12025550143"),
        ("anonymous", None),
        ("Restricted", None),
        ("+266696687", None),
        ("12345", None),
        ("", None),
        ("+49" + "1" * 40, None),
        ("ann@example.org", None),
    ],
)
def test_a_number_has_one_spelling(spelling: str, wanted: str | None) -> None:
    assert canonical_value("phone", spelling, RULES) == (None if wanted is None else ("phone", wanted))


def test_a_national_number_has_none_where_no_country_is_named() -> None:
    assert canonical_value("phone", "0171 12345678", IdentityRules()) is None


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("Ann.Lee@Example.ORG", "ann.lee@example.org"),
        (" ann@example.org ", "ann@example.org"),
        ("ann+shop@example.org", "ann+shop@example.org"),
        ("a.n.n+shop@gmail.com", "ann@gmail.com"),
        ("A.nn@GoogleMail.com", "ann@gmail.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@example.org.", "ann@example.org"),
        ("+@gmail.com", "+@gmail.com"),
        ("ann", None),
        ("@example.org", None),
        ("ann@", None),
        ("ann lee@example.org", None),
        ("ann@example.org\nBcc: eve@evil.example", None),
        ("<ann@example.org>", None),
        ("ann@example.org,eve@evil.example", None),
        ("a" * 300 + "@example.org", None),
    ],
)
def test_an_address_has_one_spelling(spelling: str, wanted: str | None) -> None:
    assert canonical_value("email", spelling, RULES) == (None if wanted is None else ("email", wanted))


def test_a_handle_has_one_spelling_and_a_vendors_id_has_none() -> None:
    assert canonical_value("telegram", "@AnnLee", RULES) == ("telegram", "annlee")
    assert canonical_value("x", "@", RULES) is None
    assert canonical(Party(kind="slack_user", value="U1"), RULES) is None


@given(st.text(max_size=40), st.sampled_from(["phone", "email", "telegram", "slack_user"]))
def test_any_text_has_a_spelling_or_none_and_a_spelling_is_its_own(value: str, kind: str) -> None:
    found = canonical_value(kind, value, RULES)
    if found is not None:
        assert canonical_value(*found, RULES) == found


def test_a_normalizer_keeps_what_the_vendor_wrote() -> None:
    event = written("x", Party(kind="phone", value="0171 12345678"))
    made = normalize(event, connection="c", channel=Channel.CHAT, received_at=1)
    assert made.sender is not None
    assert made.sender.value == "0171 12345678"


# --- language --------------------------------------------------------------------------------------------------------
def test_a_language_is_told_among_those_of_the_desk() -> None:
    pytest.importorskip("py3langid", reason="the extra `language` is not installed")
    for text, wanted in (
        ("Where is my order? I have been waiting for a week.", "en"),
        ("Wo bleibt mein Paket?", "de"),
        ("¿Dónde está mi pedido?", "es"),
        ("Je voudrais parler à quelqu'un", "fr"),
    ):
        assert language_of(text, LANGUAGES) == wanted
    for text in ("", "ok", "Ann", "4711-0815 / 2026", "👍👍👍👍👍👍👍👍👍👍👍👍👍"):
        assert language_of(text, LANGUAGES) == ""
    assert language_of("x" * 200_000 + " ", LANGUAGES) in {"", *LANGUAGES}


def test_no_language_is_told_where_there_is_no_choice() -> None:
    assert language_of("Wo bleibt mein Paket?", ()) == ""
    assert language_of("Wo bleibt mein Paket?", ("de",)) == ""


def test_an_activity_says_its_language_from_what_is_new_in_it() -> None:
    pytest.importorskip("py3langid", reason="the extra `language` is not installed")
    text = "> Where is my order? I have been waiting for a week now.\nDas Paket ist gestern angekommen, danke"
    event = written(text, Party(kind="u", value="u"))
    made = normalize(event, connection="c", channel=Channel.CHAT, received_at=1, languages=LANGUAGES)
    assert made.language == "de"
    assert normalize(event, connection="c", channel=Channel.CHAT, received_at=1).language == ""
