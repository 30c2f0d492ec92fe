"""Phrases that count in one language, and lists whose phrases count although they are denied."""

from __future__ import annotations

import tomllib
from itertools import product
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Role, altered
from gateway.toml import Problems
from routing import schema
from routing.account import accounts
from routing.decide import decide
from routing.explain import seen
from routing.languages import LANGUAGES, meant
from routing.phrases import Phrase, PhraseBook, PhraseList, canonical
from routing.policy import Policy
from routing.signals.denied import always_with, said_of, sightings
from routing.signals.reading import Signals
from tests.routing.values import CATCH_ALL, CUSTOMER, LADDER, NOW, case, connections, message, policy, snapshot

RULES: Final = """
[[rule]]
id = "cancels"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'cancel'"]
"""
LANGUAGE: Final = st.sampled_from(["", "de", "en", "it"])


def reading(phrases: str) -> Policy:
    return policy(phrases + RULES + CATCH_ALL + LADDER)


BY_LANGUAGE: Final = reading(
    '[phrases.cancel]\nany = ["order 66"]\nde = ["storno"]\nen = ["cancel my order", "die now"]\nnegation = false\n'
)


def fires(of: Policy, text: str, language: str = "") -> bool:
    made = decide(snapshot(of), message(text, language=language), NOW)
    return [step.rule for step in made.trace.steps] == ["cancels"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Storno bitte", "de", True),
        ("Storno bitte", "it", False),
        ("Storno bitte", "", True),
        ("Please cancel my order", "en", True),
        ("Please cancel my order", "de", False),
        ("Order 66", "it", True),
        ("Order 66", "", True),
        ("Do not cancel my order", "en", True),
        ("Ich will kein Storno", "de", True),
        ("nothing of it", "en", False),
    ],
)
def test_a_phrase_of_a_language_counts_there_and_where_nobody_could_tell(
    text: str, language: str, *, expected: bool
) -> None:
    assert fires(BY_LANGUAGE, text, language) is expected


def test_denied_phrases_of_a_list_count_when_it_says_so_and_of_no_other() -> None:
    lists = 'outage = ["outage"]\n[phrases.cancel]\nany = ["cancel"]\n'
    asked = "There is no outage, and I am not going to cancel"
    usual, told = reading(f"[phrases]\n{lists}"), reading(f"[phrases]\n{lists}negation = false\n")
    assert not fires(usual, asked)
    assert fires(told, asked)
    assert Signals(message(asked), {}).phrases(told.book, canonical(asked)) == {"cancel"}


def test_a_list_is_the_same_however_it_is_written() -> None:
    written = [
        '[phrases]\ncancel = ["storno", "cancel it"]\n',
        '[phrases]\ncancel = { any = ["storno", "cancel it"] }\n',
        '[phrases.cancel]\nnegation = true\nany = ["storno", "cancel it"]\n',
    ]
    lists = [reading(each).phrases["cancel"] for each in written]
    assert [[phrase.text for phrase in each.phrases] for each in lists] == [["storno", "cancel it"]] * 3
    assert {each.negation for each in lists} == {True}
    assert not any(reading(each).book.knows_languages for each in written)


def test_an_explanation_tells_the_language_where_phrases_hang_on_it() -> None:
    what = message("Storno bitte", language="it")
    assert seen(snapshot(BY_LANGUAGE), what, NOW) == {"message.phrases": frozenset(), "message.language": "it"}
    plain = reading('[phrases]\ncancel = ["storno"]\n')
    assert seen(snapshot(plain), what, NOW) == {"message.phrases": frozenset({"cancel"})}


def test_a_case_that_is_gone_through_anew_is_heard_in_the_language_that_it_had() -> None:
    told = [
        (message("Storno", language=each, sender=altered(CUSTOMER, role=Role.CUSTOMER)), "") for each in ("it", "de")
    ]
    made = list(accounts(told, case().id, lambda _: BY_LANGUAGE, connections()))
    assert [str(each.rules[0].verdict) for each in made] == ["passed over", "matched"]


# --- the book against a plain scan -----------------------------------------------------------------------------------
WORDS: Final = ("a", "b", "not", "kein", "a b", "b a", "not a", "c")
phrases = st.builds(Phrase, text=st.sampled_from(WORDS), language=LANGUAGE)
lists = st.builds(PhraseList, phrases=st.lists(phrases, min_size=1, max_size=3).map(tuple), negation=st.booleans())
texts = st.lists(st.sampled_from(["a ", "b ", "c ", "not ", "kein ", "nicht ", ". ", "? ", "é "]), max_size=8).map(
    "".join
)


@given(st.dictionaries(st.sampled_from("xyz"), lists), texts, LANGUAGE)
def test_a_phrase_is_found_where_its_language_may_be_the_texts(
    named: dict[str, PhraseList], text: str, language: str
) -> None:
    book, tokens = PhraseBook(named), canonical(text)
    there = {
        name
        for name, each in named.items()
        if any(
            phrase.words in tokens and (not phrase.language or not language or phrase.language == language)
            for phrase in each.phrases
        )
    }
    assert book.names_in(tokens, language) == there
    assert {name for name, _, _ in book.places_in(tokens, language)} == there


@given(st.dictionaries(st.sampled_from("xyz"), lists), texts, LANGUAGE)
def test_what_may_be_denied_counts_whenever_it_is_found_and_other_lists_as_ever(
    named: dict[str, PhraseList], text: str, language: str
) -> None:
    tokens = canonical(text)
    book = PhraseBook(named)
    found = book.names_in(tokens, language)
    said = said_of(book, found, tokens, text, language)
    assert book.undeniable & found <= said <= found
    for name in found - book.undeniable:
        alone = PhraseBook({name: named[name]})
        assert (name in said) is (said_of(alone, frozenset({name}), tokens, text, language) == {name})


@given(st.dictionaries(st.sampled_from("xyz"), lists), texts, LANGUAGE)
def test_what_is_told_of_sightings_is_what_counts(named: dict[str, PhraseList], text: str, language: str) -> None:
    book, tokens = PhraseBook(named), canonical(text)
    told = sightings(book, tokens, text, language)
    assert {each.partition(":")[0] for each in told if each.count(":") == 1} == said_of(
        book, book.names_in(tokens, language), tokens, text, language
    )
    assert {each.partition(":")[0] for each in told} == book.names_in(tokens)


@given(lists, lists, texts, LANGUAGE)
def test_what_is_said_to_count_always_with_another_phrase_does(
    one: PhraseList, other: PhraseList, text: str, language: str
) -> None:
    signals = Signals(message(text, language=language), {})

    def counts(phrase: Phrase, *, negation: bool) -> bool:
        book = PhraseBook({"it": PhraseList(phrases=(phrase,), negation=negation)})
        return bool(signals.phrases(book, canonical(text)))

    for phrase, wider in product(one.phrases, other.phrases):
        if always_with(phrase, one, wider, other):
            assert counts(phrase, negation=one.negation) or not counts(wider, negation=other.negation)


# --- what the file says ----------------------------------------------------------------------------------------------
_texts = st.lists(st.sampled_from(["storno", "a human"]), max_size=2)
_values = st.one_of(_texts, st.booleans(), st.just(1), st.just("storno"))
_keys = st.sampled_from(["any", "negation", "de", "en", "xx", "german", "EN", "al"])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


@given(st.one_of(_texts, st.dictionaries(_keys, _values, max_size=3)))
def test_the_schema_takes_a_list_that_the_loader_takes_and_no_other(given_: object) -> None:
    text = f"[phrases]\ncancel = {_toml(given_)}\n" + RULES + CATCH_ALL + LADDER
    try:
        jsonschema.validate(tomllib.loads(text), schema.json_schema())
        fits = True
    except jsonschema.ValidationError:
        fits = False
    # A table with no phrases at all has the right form, and finds nothing.
    empty = isinstance(given_, dict) and set(given_) <= {"negation"}
    try:
        policy(text)
        assert fits
    except Problems:
        assert not fits or empty


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("german", "de"),
        ("Deutsch", "de"),
        ("deu", "de"),
        ("ed", "de"),
        ("de-AT", "de"),
        ("pt_BR", "pt"),
        ("EN", "en"),
        ("englisch", "en"),
        ("nay", "any"),
        ("negatoin", "negation"),
        ("xx", None),
        ("klingon", None),
    ],
)
def test_the_language_that_was_meant_is_told(key: str, near: str | None) -> None:
    assert meant(key, schema.PHRASES) == near
    with pytest.raises(Problems) as caught:
        reading(f'[phrases.cancel]\n{key} = ["storno"]\n')
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 1)
    assert f"phrases.cancel has no key {key}: " in problem.sentence
    assert near is None or problem.sentence.endswith(f": did you mean {near}?")


def test_a_language_is_two_letters() -> None:
    assert len(LANGUAGES) == 183
    assert {"de", "en", "es", "fr", "it", "nl", "pt", "ja", "zh"} <= LANGUAGES
    assert all(len(each) == 2 and each.isalpha() and each.islower() for each in LANGUAGES)
