"""No sentence that reaches a person is in the words of pydantic, msgspec or tomllib."""

from __future__ import annotations

import inspect
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from gateway import toml_words
from gateway.config import load_config, wording
from gateway.host.registry import discover
from gateway.model import Channel
from gateway.toml import Problems, read_toml
from gateway.trial import WrongTrial, _lenient
from routing.load import load_policy
from tests.routing.values import connections

ROOT: Final = Path(__file__).resolve().parents[2]
#: Words of the libraries.
FOREIGN: Final = re.compile(
    r"input should|should be a valid|should have at|unable to (parse|interpret)|value error|assertion failed|field required"
    r"|extra inputs|validation error|expected `|malformed|missing required|at `\$|\(at line|at end of document"
    r"|expected newline|expected '|invalid (value|statement|initial|hex)|unclosed|unterminated|unescaped|illegal character"
    r"|cannot (declare|overwrite|mutate|redefine)|duplicate inline|immutable namespace",
    re.IGNORECASE,
)
#: Everything that a library can say beside its words.
CONTEXT: Final[dict[str, Any]] = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "actual_length"), 2),
    **dict.fromkeys(("expected", "pattern", "error", "class", "class_name", "expected_schemes", "field_type"), "x"),
    **dict.fromkeys(("method_name", "function_name", "attribute", "discriminator", "tag", "expected_tags"), "x"),
    **dict.fromkeys(
        ("max_digits", "decimal_places", "whole_digits", "tz_expected", "tz_actual", "expected_version"), 2
    ),
    "encoding": "utf-8",
    "encoding_error": "x",
}
WRONG: Final = (
    "7",
    "-1",
    "1.5",
    "true",
    '""',
    '"x"',
    '"10k"',
    '"1h30m"',
    "[]",
    "[7]",
    '["x"]',
    "{ a = 7 }",
    "2026-12-24",
)
SPECS: Final = discover()


def sentences(text: str) -> list[str]:
    """Return what is said of a configuration."""
    try:
        load_config(text, "plugins.toml", specs=SPECS, environ={"S": "not-a-secret"}, lacking=lambda _: None)
    except Problems as error:
        return [problem.sentence for problem in error.problems]
    return []


# --- pydantic --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_every_kind_of_mistake_has_words_of_our_own(kind: ErrorType) -> None:
    said = wording.in_our_words(kind, CONTEXT)
    assert not FOREIGN.search(said)
    assert not said.startswith("must be x")
    theirs = PydanticKnownError(kind, CONTEXT).message_template if kind not in wording.OWN else ""
    assert said.casefold() != theirs.casefold()


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_a_kind_without_its_context_is_told_all_the_same(kind: str) -> None:
    assert wording.in_our_words(kind, {})


def settings() -> Iterator[tuple[str, str, str]]:
    for name, spec in SPECS.items():
        for key in spec.settings.model_fields:
            yield name, min(each.value for each in spec.channels), key


@pytest.mark.parametrize(("connector", "channel", "key"), list(settings()))
def test_no_setting_of_a_connector_is_refused_in_foreign_words(connector: str, channel: str, key: str) -> None:
    told = 0
    for value in WRONG:
        for said in sentences(f'[{channel}.a]\nconnector = "{connector}"\n{key} = {value}\n'):
            told += 1
            assert not FOREIGN.search(said), said
    assert told


@pytest.mark.parametrize("section", ["gateway", "gateway.limits", "cases", "cases.mail"])
def test_no_setting_of_baton_is_refused_in_foreign_words(section: str) -> None:
    from gateway.config.cases import CasesSection
    from gateway.config.section import GatewaySection, Limits

    models: dict[str, Any] = {"gateway": GatewaySection, "gateway.limits": Limits, "cases": CasesSection}
    keys = list(models[section].model_fields) if section in models else ["'example.com'", "x"]
    for key in keys:
        for value in WRONG:
            for said in sentences(f"[{section}]\n{key} = {value}\n"):
                assert not FOREIGN.search(said), said


@pytest.mark.parametrize("connector", ["zendesk", "slack", "twilio", "email"])
def test_a_trial_refuses_settings_in_our_words(connector: str) -> None:
    spec = SPECS[connector]
    told = 0
    for key in spec.settings.model_fields:
        for value in (7, "x", [7], {"a": 7}, None, 1.5):
            try:
                _lenient(spec, {key: value})
            except WrongTrial as error:
                told += 1
                assert not FOREIGN.search(str(error)), str(error)
    assert told


# --- tomllib ---------------------------------------------------------------------------------------------------------
def test_every_message_of_the_reader_of_toml_has_words_of_our_own() -> None:
    source = inspect.getsource(inspect.getmodule(tomllib.loads))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    said = re.findall(
        r"(?:suffixed_err|TOMLDecodeError)\(\s*(?:src,\s*(?:new_)?pos,|msg=)?\s*f?\"((?:[^\"\\]|\\.)*)\"", source
    )
    said = [each for each in said if "{msg}" not in each]
    assert len(said) > 15
    known = [theirs for theirs, _ in toml_words._SAID]
    for each in said:
        # A name, or a sign that was expected, stands within braces.
        start = each.partition("{")[0].encode().decode("unicode_escape")
        assert any(theirs.startswith(start) or start.startswith(theirs) for theirs in known), each


@given(st.sampled_from(["plugins.toml", "escalation.toml"]), st.integers(0, 2**32), st.integers(1, 3))
def test_no_broken_file_is_refused_in_foreign_words(name: str, seed: int, times: int) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    chance = random.Random(seed)
    for _ in range(times):
        at = chance.randrange(len(text))
        text = (
            text[:at]
            + chance.choice(['"', "“", "]", "[", "=", "\\", "\x01", "k", "\n", ",", "'", "{", ""])
            + text[at + 1 :]
        )
    try:
        if name == "plugins.toml":
            load_config(text, name, specs=SPECS, environ={}, lacking=lambda _: None)
        else:
            load_policy(text, name, connections())
    except Problems as error:
        for problem in error.problems:
            # What somebody wrote may be quoted in a sentence, never by the reader of TOML.
            said = re.sub(r"['\"`][^'\"`]*['\"`]", "", problem.sentence)
            assert not FOREIGN.search(said), said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 10k", "10k is no number as they are written here: write 10000"),
        ("a = [1, 10k]", "10k is no number as they are written here: write 10000"),
        ("a = -.5", "write -0.5"),
        ("a = 1.000,50", "write 1000.50"),
        ("a = 90m", 'a duration is text in quotation marks: write "90m"'),
        ("a = 1h30m", 'write "90m"'),
        ("a = 90 min", 'write "90m"'),
        ("a = -5m", 'write "5m"'),
        ("a = [9:00-17:00]", 'an interval is text in quotation marks: write "09:00-17:00"'),
        ("a = True", "True is written true"),
        ("a = no", "no is written false"),
        ("a = null", "leave the key out"),
        ("a = observe", "text stands in quotation marks"),
        ("a = “observe”", "“ is a typographic quotation mark"),
        ('a = "observe“', "“ is a typographic quotation mark"),
        ("“a” = 1", "“ is a typographic quotation mark"),
        ('a = "said “so”" x', "one line holds one key"),
        ('a = "x" x # “so”', "one line holds one key"),
        ("a = 2026-13-01", "there is no such date or time"),
        ("[a", "write ] at its end"),
        ("[[a]", "write ]] at its end"),
        ("größe = 1", "write one with others in quotation marks"),
    ],
)
def test_slips_are_told_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        read_toml(text, "f")
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["hunter2", "“hunter2”", "hunter2 x", '"hunter2“', "[hunter2]", "{ a = hunter2 }"])
def test_what_is_not_toml_is_never_quoted_where_it_may_be_a_secret(value: str) -> None:
    with pytest.raises(Problems) as caught:
        read_toml(f"secret = {value}", "f")
    assert "hunter2" not in str(caught.value)


# --- what is written down --------------------------------------------------------------------------------------------
def test_no_expected_sentence_holds_foreign_words() -> None:
    looked = 0
    for path in (
        *ROOT.glob("tests/**/wrong/*.txt"),
        *ROOT.glob("tests/**/bad/**/*.txt"),
        *ROOT.glob("tests/cli/golden/*.txt"),
    ):
        looked += 1
        found = FOREIGN.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found}"
    assert looked > 50


def test_every_channel_can_be_asked() -> None:
    assert {channel for _, channel, _ in settings()} <= {each.value for each in Channel}
