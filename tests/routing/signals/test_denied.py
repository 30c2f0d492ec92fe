"""Phrases that are denied do not count; in doubt they do."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.phrases import PhraseBook, canonical
from routing.signals.denied import found_with
from routing.signals.reading import Signals
from tests.bounded import bounded_work
from tests.routing.values import message

BOOK = PhraseBook(
    {
        "money": ["charged twice", "chargeback", "doppelt abgebucht", "cobrado dos veces", "addebitato due volte"],
        "legal": ["sue you", "verklage Sie", "Anwalt", "mon avocat", "advogado", "advocaat"],
        "outage": ["outage", "error 500", "panne", "not reachable"],
    }
)


def said(text: str) -> frozenset[str]:
    return Signals(message(text), {}).phrases(BOOK, canonical(text))


@pytest.mark.parametrize(
    "text",
    [
        "I am not going to sue you, relax",
        "I was not charged twice, thanks for checking",
        "I wasn\u2019t charged twice",
        "We have never been charged twice.",
        "I have no chargeback, just a question",
        "There is no outage any more",
        "It isn't an error 500",
        "Ich verklage Sie nicht",
        "Mir wurde nichts gesagt, aber es wurde nicht doppelt abgebucht",
        "Ich habe keinen Anwalt",
        "Il n'y a pas de panne",
        "No me han cobrado dos veces",
        "Non mi hanno addebitato due volte",
        "Não tenho um advogado",
        "Ik heb geen advocaat",
    ],
)
def test_a_denied_phrase_does_not_count(text: str) -> None:
    assert BOOK.names_in(canonical(text))
    assert said(text) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "I was charged twice",
        "No, I was charged twice",
        "no I was charged twice",
        "I was not charged twice?",
        "Isn't there an outage?",
        "Not only was I charged twice",
        "I am not happy that I was charged twice",
        "Why was I not told that I was charged twice",
        "You did not help. Error 500 again",
        "I was charged twice, not once",
        "I was not charged twice but it is a chargeback",
        "The shop is not reachable",
        "Ich verklage Sie nicht nur, ich gehe zur Presse",
        "Nein. Mein Anwalt schreibt Ihnen",
        "I don't want any of this. mon avocat",
    ],
)
def test_in_doubt_a_phrase_counts(text: str) -> None:
    assert said(text)


def test_each_list_is_denied_by_itself() -> None:
    assert said("I was not charged twice, but I will sue you") == {"legal"}
    assert said("There was no outage and I was charged twice") == {"money"}


def test_a_phrase_with_its_own_denial_does_not_follow_from_what_it_denies() -> None:
    assert found_with(" charged twice ", " been charged twice ")
    assert not found_with(" reachable ", " not reachable ")
    assert not found_with(" reachable ", " unreachable ")


@given(
    st.lists(st.sampled_from(["not ", "no ", "sue you ", "a ", "outage", ". ", "? ", "\u0301", "é", "\u2026", "kein "]))
)
@example(["\u0301", "sue you ", "\u0301"])
def test_what_is_said_is_among_what_is_found(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert said(text) <= BOOK.names_in(canonical(text))


@pytest.mark.parametrize("unit", ["not sue you ", "not a an the to be ", "sue you. ", "sue you nicht "])
def test_a_huge_text_takes_bounded_time(unit: str) -> None:
    with bounded_work():
        said(unit * (200_000 // len(unit)))
