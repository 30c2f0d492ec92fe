"""Phrases are found as people mean them, in any script, and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.phrases import LOOKED_AT, PhraseBook, canonical
from tests.bounded import bounded_work


def found(phrase: str, text: str) -> bool:
    return bool(PhraseBook({"it": [phrase]}).names_in(canonical(text)))


#: What differs and is the same: a phrase, and a text that holds it.
SAME: Final[dict[str, tuple[str, str]]] = {
    "capitals": ("real person", "A REAL Person please"),
    "blanks between words": ("real person", "real  \t person"),
    "a line end between words": ("real person", "real\r\nperson"),
    "a no-break space": ("real person", "real\u00a0person"),
    "an ideographic space": ("real person", "real\u3000person"),
    "a hyphen": ("charge back", "charge-back"),
    "an en dash": ("charge back", "charge\u2013back"),
    "punctuation around it": ("human", "(human)!"),
    "the beginning": ("human", "human, please"),
    "the end": ("human", "a human"),
    "the whole": ("human", "human"),
    "straight and curly apostrophes": ("can't log in", "can\u2019t log in"),
    "no apostrophe": ("can't log in", "cant log in"),
    "an apostrophe of another kind": ("can't", "can\u02bct"),
    "quotation marks": ("real person", "\u201ereal\u201c \u201aperson\u2018"),
    "sharp s and ss": ("straße", "STRASSE"),
    "ss and sharp s": ("strasse", "Straße"),
    "capital sharp s": ("straße", "STRA\u1e9eE"),
    "dotted capital i": ("iptal", "\u0130PTAL"),
    "i with a combining dot": ("iptal", "i\u0307ptal"),
    "composed and decomposed": ("zurück", "zuru\u0308ck"),
    "decomposed phrase": ("zuru\u0308ck", "ZURÜCK"),
    "two combining marks in any order": ("a\u0323\u0301", "a\u0301\u0323"),
    "full width": ("real person", "\uff32\uff25\uff21\uff2c \uff50\uff45\uff52\uff53\uff4f\uff4e"),
    "half-width katakana": ("カタ", "\uff76\uff80"),
    "ligatures": ("office", "o\ufb03ce"),
    "a zero-width space": ("human", "hu\u200bman"),
    "a zero-width joiner": ("human", "hu\u200dman"),
    "a soft hyphen": ("human", "hu\u00adman"),
    "a byte-order mark": ("human", "\ufeffhuman"),
    "a word joiner": ("human", "hu\u2060man"),
    "right-to-left marks": ("human", "\u200fhuman\u200e"),
    "Greek final sigma": ("ΟΔΟΣ", "οδος"),
    "Cyrillic": ("жалоба", "ЖАЛОБА!"),
    "Arabic with and without marks": ("مدير", "م\u064fد\u0650ير"),
    "Chinese without blanks": ("人工", "我要人工客服"),
    "Japanese without blanks": ("返金", "返金してください"),
    "Korean with a particle": ("환불", "환불을 원해요"),
    "Thai without blanks": ("คืนเงิน", "ขอคืนเงินด้วย"),
    "Chinese beside Latin": ("客服", "help客服please"),
    "Latin beside Chinese": ("vip", "我是vip客户"),
    "a middle dot between katakana": ("カスタマーサービス", "カスタマー・サービス"),
    "emoji around it": ("human", "🙏human🙏"),
    "digits": ("error 500", "Error 500."),
    "digits of full width": ("error 500", "error \uff15\uff10\uff10"),
    "letters beyond the basic plane": ("𐐨𐐩", "𐐀𐐁"),
}
#: What looks alike and is not the same.
OTHER: Final[dict[str, tuple[str, str]]] = {
    "inside a word": ("human", "superhuman"),
    "the beginning of a word": ("human", "humanity"),
    "between other words": ("real person", "real nice person"),
    "in another order": ("real person", "person real"),
    "digits at its end": ("error 50", "error 500"),
    "letters at its end": ("error 500", "error 500x"),
    "an accent": ("zurück", "zuruck"),
    "a letter of another script": ("human", "hum\u0430n"),
    "Chinese in another order": ("人工", "工人"),
    "Chinese with something between": ("人工", "人手工"),
    "nothing": ("human", ""),
    "only punctuation": ("human", "?!"),
    "dotless i": ("fil", "f\u0131l"),
}


@pytest.mark.parametrize("what", SAME)
def test_a_phrase_is_found_however_it_is_written(what: str) -> None:
    assert found(*SAME[what])


@pytest.mark.parametrize("what", OTHER)
def test_a_phrase_is_not_found_in_what_only_looks_alike(what: str) -> None:
    assert not found(*OTHER[what])


def test_an_underscore_parts_words() -> None:
    assert found("agent", "agent_007")
    assert canonical("a_b") == " a b "


def test_plain_letters_and_others_are_read_alike() -> None:
    for text in ("Don't 'quote' me", "a-b_c.d", "x's", "A1b2", "tab\tand\x0bmore\x1f", "'"):
        assert canonical(text + " é") == canonical(text).rstrip() + " é "


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_are_read_by_the_pattern_that_says_what_a_word_is(text: str) -> None:
    assert canonical(text).split() == re.findall("[a-z0-9]+", text.lower().replace("'", ""))


# --- against a plain scan --------------------------------------------------------------------------------------------
LETTERS: Final = "abB ßéİi\u0307\u0301'\u2019-_.\n人工カ\u200b🙏1\uff12"
_texts = st.text(st.sampled_from(LETTERS), max_size=12) | st.text(max_size=8)


@given(st.lists(_texts, max_size=6), _texts)
@example(["a", "a a", "a b a"], "a b a a b")
@example(["人", "人工"], "人工")
def test_exactly_the_lists_are_found_of_which_a_phrase_stands_at_word_borders(phrases: list[str], text: str) -> None:
    def plain(phrase: str) -> bool:
        wanted, words = canonical(phrase).split(), canonical(text).split()
        return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))

    phrases = [phrase for phrase in phrases if canonical(phrase) != " "]
    book = PhraseBook({str(number): [phrase] for number, phrase in enumerate(phrases)})
    assert book.names_in(canonical(text)) == {str(n) for n, phrase in enumerate(phrases) if plain(phrase)}


@given(st.text(max_size=30))
def test_canonical_is_tokens_with_single_blanks_and_stays_what_it_is(text: str) -> None:
    made = canonical(text)
    assert made == " " or (made[0] == made[-1] == " " and "  " not in made)
    assert not [char for char in made if char != " " and not (char.isalnum() or unicodedata.category(char)[0] in "MN")]
    assert canonical(made) == made


@given(st.text(max_size=30))
def test_how_a_text_is_encoded_and_its_case_change_nothing(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert canonical(unicodedata.normalize(form, text)) == canonical(text)
    assert canonical(text.casefold()) == canonical(text)


# --- limits ----------------------------------------------------------------------------------------------------------
def test_of_a_very_long_text_the_end_is_looked_at() -> None:
    assert found("human", "x " * LOOKED_AT + "human")
    assert not found("human", "human " + "x " * LOOKED_AT)


@pytest.mark.parametrize("unit", ["a", "a ", "é", "人", "\u0301", "\ufdfa", "\u1e9b\u0323", "'", " \n", "é\u0301人 "])
def test_a_huge_text_takes_no_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    with bounded_work():
        canonical(text)


def test_no_phrases_find_nothing() -> None:
    assert PhraseBook({}).names_in(" a ") == frozenset()
    assert PhraseBook({"empty": []}).names_in(" a ") == frozenset()
