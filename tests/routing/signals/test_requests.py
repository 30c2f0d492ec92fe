"""Who asks for a person or a manager: by language, in spite of slips, and not where it only looks so."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import ActivityKind, ButtonChoice, CallChange, CallFacts, Channel, altered
from routing.signals.distress import distress_in
from routing.signals.grammar import clauses
from routing.signals.requests import GRAMMARS, LANGUAGES, requests_in, requests_of
from routing.signals.words import de, en, es, fr, it, nl, pt
from tests.bounded import bounded_work
from tests.routing.signals.sayings import MANAGER, NEITHER, PERSON, SLIPS
from tests.routing.signals.sayings_of_distress import DISTRESS, NO_DISTRESS
from tests.routing.values import message, pressed


def each(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in table.items() for text in texts]


@pytest.mark.parametrize(("language", "text"), each(PERSON))
def test_who_asks_for_a_person_is_heard(language: str, text: str) -> None:
    found = requests_in(text)
    assert found.person
    assert not found.manager
    assert language in {"en", *LANGUAGES}


@pytest.mark.parametrize(("language", "text"), each(MANAGER))
def test_who_asks_for_a_manager_is_heard_and_a_manager_is_a_person(language: str, text: str) -> None:
    found = requests_in(text)
    assert found.manager, language
    assert found.person


@pytest.mark.parametrize(("language", "text"), each(NEITHER))
def test_what_only_looks_like_a_request_is_none(language: str, text: str) -> None:
    found = requests_in(text)
    assert (found.person, found.manager) == ((), ()), language


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_of_the_finger_hides_no_request(text: str) -> None:
    assert requests_in(text).person


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_examples_of_each_kind(language: str) -> None:
    assert min(len(PERSON[language]), len(MANAGER[language]), len(NEITHER[language])) >= 3


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.language)
def test_every_phrase_for_slips_is_a_request_as_it_stands(grammar: Any) -> None:
    assert [phrase for phrase in grammar.phrases if not requests_in(phrase).person] == []
    assert [phrase for phrase in grammar.manager_phrases if not requests_in(phrase).manager] == []


@pytest.mark.parametrize("text", ["/human", " /Agent ", "/manager", "0", "#0", "!human"])
def test_commands_and_the_digit_of_the_operator_are_requests(text: str) -> None:
    assert requests_in(text).person
    assert bool(requests_in(text).manager) is ("manager" in text)


@pytest.mark.parametrize("text", ["10", "0.00", "order 0", "/humanity", "www.example.org/agent", "1", ""])
def test_other_numbers_and_paths_are_none(text: str) -> None:
    assert not requests_in(text).person


def test_a_digit_on_the_telephone_asks_for_a_person() -> None:
    call = altered(
        message(""),
        kind=ActivityKind.CALL,
        channel=Channel.PHONE,
        call=CallFacts(id="c", change=next(iter(CallChange)), digits="0"),
    )
    assert requests_of(call).person == ("digit 0",)
    assert requests_of(altered(call, call=altered(call.call, digits="2") if call.call else None)).person == ()


@pytest.mark.parametrize("action", ["talk_to_agent", "talk-to-a-human", "agent", "speak_to_manager", "handoff"])
def test_a_button_asks_for_a_person(action: str) -> None:
    assert requests_of(pressed(action)).person


@pytest.mark.parametrize("action", ["acknowledge", "connect", "chat", "request", "order_agent_kit", "manage"])
def test_another_button_does_not(action: str) -> None:
    assert not requests_of(pressed(action)).person


def test_a_button_is_also_read_by_its_label() -> None:
    labelled = altered(pressed("b17"), text="Talk to an agent", reply_text="Talk to an agent")
    assert labelled.button == ButtonChoice(action="b17", value=labelled.button.value if labelled.button else "")
    assert requests_of(labelled).person


def test_evidence_holds_words_of_the_grammar_and_nothing_that_was_said_around_them() -> None:
    found = requests_in("My card is 4111 1111, I am Ada Lovelace of Baker Street and I want to talk to a human")
    assert found.person == ("en: talk to a human",)
    assert requests_in("let me talk to an Ada Lovelace representative").person == ("en: talk to an … … representative",)
    assert requests_in("put me through to Baskerville").person == ("en: put me through to …",)


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    requests_in(text)
    distress_in(text)


_PIECES: Final = (
    "i want to ",
    "talk to a ",
    "dont ",
    "human ",
    "with ",
    "mit einem ",
    "hablar con ",
    "\u0301",
    ">",
    '"',
    "\n",
    "0",
    "。",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=60), st.integers(1, 4000))
def test_any_text_is_read_in_bounded_time(pieces: list[str], times: int) -> None:
    text = ("".join(pieces) * times)[:200_000]
    with bounded_work():
        requests_in(text)
        distress_in(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No, I want a human.", (" no ", " i want a human ")),
        ("> I want a human\nIt works", (" it works ",)),
        ("Don\u2019t! talk", (" dont ", " talk ")),
        ("Êtes-vous là", (" etes vous la ",)),
        ("STRASSE straße", (" strasse strasse ",)),
        ("", ()),
    ],
)
def test_clauses_are_plain_tokens_of_what_the_writer_says(text: str, parts: tuple[str, ...]) -> None:
    assert clauses(text) == parts


# --- distress --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [en, de, fr, es, it, pt, nl], ids=lambda module: module.GRAMMAR.language)
def test_every_phrase_of_distress_is_found(words: Any) -> None:
    assert [phrase for phrase in words.DISTRESS if not distress_in(f"Hello. {phrase.upper()}!")] == []


@pytest.mark.parametrize(("language", "text"), each(DISTRESS))
def test_distress_is_heard_in_every_person_and_word_order(language: str, text: str) -> None:
    assert any(words.startswith(language) or "suicid" in words for words in distress_in(text))


@pytest.mark.parametrize("text", NO_DISTRESS)
def test_anger_jokes_and_contracts_are_no_distress(text: str) -> None:
    assert distress_in(text) == ()
