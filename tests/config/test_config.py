"""What a valid file becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Config, changes, load_config, needs_restart, plugins_schema
from gateway.config.section import split_address
from gateway.model import Channel, Mode
from gateway.sdk import ConnectorSpec
from gateway.toml import Problems
from tests.config.toys import ENVIRON, DeskSettings, TalkSettings, specs

VALID = """
[gateway]
public_url = "https://baton.example.com/hooks-of-acme/"
listen = "0.0.0.0:9000"
data = "store"
trusted_proxies = ["10.0.0.0/8", "::1/128"]

[gateway.limits]
body = 2048

[helpdesk.desk]
connector = "desk"
subdomain = { env = "SUBDOMAIN" }
api_token = { file = "token" }

[chat.support]
connector = "talk"
mode = "notes"
renamed_from = "old"
signing_secret = { env = "TALK_SECRET" }
tokens = [{ env = "FIRST" }, { env = "SECOND" }]

[chat.support.people.anna]
name = "Anna"
pin = { env = "PIN" }

[chat.later]
connector = "talk"
enabled = false
signing_secret = { env = "NOT_SET_YET" }
"""

SECRETS = {
    "TALK_SECRET": "canary-one-long",
    "FIRST": "canary-two",
    "SECOND": "canary-three",
    "PIN": "canary-four",
    "SUBDOMAIN": "acme",
}


def load(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> Config:
    return load_config(
        text,
        str(tmp_path / "plugins.toml"),
        specs=specs(),
        environ=SECRETS if environ is None else environ,
        lacking=lambda _: None,
    )


@pytest.fixture
def valid(tmp_path: Path) -> Config:
    (tmp_path / "token").write_text("canary-of-file\n")
    return load(VALID, tmp_path)


def test_a_valid_file_becomes_values(valid: Config, tmp_path: Path) -> None:
    assert valid.public_url == "https://baton.example.com/hooks-of-acme"
    assert (valid.host, valid.port) == ("0.0.0.0", 9000)
    assert valid.data == tmp_path / "store"
    assert valid.policy == tmp_path / "escalation.toml"
    assert valid.database == f"sqlite:///{tmp_path / 'store' / 'baton.db'}"
    assert valid.limits.body == 2048
    assert [str(network) for network in valid.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert list(valid.connections) == ["desk", "support", "later"]
    support = valid.connections["support"]
    assert (support.channel, support.mode, support.renamed_from) == (Channel.CHAT, Mode.NOTES, "old")
    assert isinstance(support.settings, TalkSettings)
    assert [token.get_secret_value() for token in support.settings.tokens] == ["canary-two", "canary-three"]
    desk = valid.connections["desk"].settings
    assert isinstance(desk, DeskSettings)
    assert desk.subdomain == "acme"
    assert desk.api_token is not None
    assert desk.api_token.get_secret_value() == "canary-of-file"


def test_numbers_may_come_from_outside_the_file_too(tmp_path: Path) -> None:
    text = '[chat.a]\nconnector = "talk"\nsigning_secret = { env = "TALK_SECRET" }\nport = { env = "PORT" }\n'
    config = load(text, tmp_path, {**SECRETS, "PORT": "8"})
    settings = config.connections["a"].settings
    assert isinstance(settings, TalkSettings)
    assert settings.port == 8
    with pytest.raises(Problems, match="4:8: port must be 9 or less"):
        load(text, tmp_path, {**SECRETS, "PORT": "12"})
    with pytest.raises(Problems) as caught:
        load(text, tmp_path)
    assert [problem.sentence for problem in caught.value.problems] == ["port: the environment variable PORT is not set"]


def test_a_new_connection_only_observes(valid: Config) -> None:
    assert valid.connections["desk"].mode is Mode.OBSERVE


def test_a_connection_that_is_switched_off_needs_no_secret(valid: Config) -> None:
    later = valid.connections["later"]
    assert not later.enabled
    assert later.settings is None
    assert [connection.name for connection in valid.running] == ["desk", "support"]


def test_a_connection_that_is_switched_off_is_still_read_strictly(tmp_path: Path) -> None:
    with pytest.raises(Problems, match='unknown key "colr"'):
        load('[chat.a]\nconnector = "talk"\nenabled = false\nsigning_secret = { env = "X" }\ncolr = 1\n', tmp_path)


def test_nothing_prints_a_secret(valid: Config) -> None:
    shown = repr(valid) + str(valid) + repr(list(valid.connections.values())) + repr(valid.running)
    for connection in valid.running:
        assert connection.settings is not None
        shown += repr(connection.settings) + str(connection.settings) + connection.settings.model_dump_json()
    assert "canary" not in shown


def test_all_live_secrets_are_known_to_the_one_who_hides_them(valid: Config) -> None:
    assert {"canary-one-long", "canary-two", "canary-three", "canary-four", "canary-of-file"} <= set(valid.secrets)


def test_the_environment_chooses_the_database(tmp_path: Path) -> None:
    url = "postgresql://baton:canary-password@db/baton"
    config = load("", tmp_path, {"BATON_DATABASE_URL": url})
    assert config.database == url
    assert "canary-password" in config.secrets
    assert "canary-password" not in repr(config)


def test_a_database_url_by_reference(tmp_path: Path) -> None:
    config = load('[gateway]\ndatabase = { env = "DB" }\n', tmp_path, {"DB": "postgresql://baton:canary-pw@db/baton"})
    assert config.database == "postgresql://baton:canary-pw@db/baton"


def test_a_database_of_an_unknown_kind_is_refused_without_being_quoted(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        load('[gateway]\ndatabase = { env = "DB" }\n', tmp_path, {"DB": "mysql://baton:canary-pw@db/baton"})
    assert "no database URL that Baton knows" in str(caught.value)
    assert "canary-pw" not in str(caught.value)


def test_an_empty_file_is_a_gateway_without_connections(tmp_path: Path) -> None:
    config = load("", tmp_path)
    assert config.public_url == "http://127.0.0.1:8080"
    assert not config.connections


def test_the_digest_is_of_the_text(valid: Config, tmp_path: Path) -> None:
    assert load(VALID, tmp_path).digest == valid.digest
    assert load(VALID + "\n", tmp_path).digest != valid.digest


def test_an_extra_that_is_not_installed_is_a_warning_with_the_command(tmp_path: Path) -> None:
    text = '[chat.a]\nconnector = "talk"\nsigning_secret = { env = "TALK_SECRET" }\n'
    talk: ConnectorSpec[TalkSettings] = ConnectorSpec(
        name="talk",
        title="Talk",
        channels=frozenset({Channel.CHAT}),
        settings=TalkSettings,
        factory="x:Y",
        extra="no-such-distribution",
    )
    config = load_config(text, str(tmp_path / "plugins.toml"), specs={"talk": talk}, environ=ENVIRON)
    sentence = "connector talk needs no-such-distribution, which is not installed: run pip install no-such-distribution"
    assert [(warning.line, warning.column, warning.sentence) for warning in config.warnings] == [(2, 13, sentence)]


def test_a_reload_tells_what_changed_and_no_secret(valid: Config, tmp_path: Path) -> None:
    text = VALID.replace('mode = "notes"', 'mode = "live"').replace("[chat.later]", "[chat.newer]")
    new = load(text, tmp_path, {**SECRETS, "TALK_SECRET": "canary-rotated"})
    assert changes(valid, new) == (
        "later is gone",
        "support: mode notes -> live",
        "support: signing_secret changed",
        "newer is new (talk, observe)",
    )
    assert changes(valid, valid) == ()
    assert "canary" not in " ".join(changes(valid, new))


def test_a_renamed_connection_is_told_as_such(valid: Config, tmp_path: Path) -> None:
    new = load(VALID.replace("[chat.later]", '[chat.sooner]\nrenamed_from = "later"'), tmp_path)
    assert changes(valid, new) == ("later is now called sooner",)


def test_a_change_of_the_listener_needs_a_restart(valid: Config) -> None:
    assert needs_restart(valid, replace(valid, port=9001, limits=valid.limits.model_copy(update={"body": 4096}))) == (
        "port",
        "limits",
    )


def test_the_schema_accepts_what_the_reader_accepts(tmp_path: Path) -> None:
    import tomllib

    schema = plugins_schema(specs())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(VALID), schema)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('signing_secret = { env = "TALK_SECRET" }', 'signing_secret = "plain"'),
        ('mode = "notes"', 'mode = "loud"'),
        ("[chat.support]", "[chats.support]"),
        ('connector = "desk"', 'connector = "dask"'),
        ("body = 2048", "body = 2"),
        ('name = "Anna"', 'nam = "Anna"'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(before: str, after: str, tmp_path: Path) -> None:
    import tomllib

    assert before in VALID
    text = VALID.replace(before, after)
    with pytest.raises(Problems):
        load(text, tmp_path)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), plugins_schema(specs()))


def test_the_schema_is_json_and_describes_every_setting() -> None:
    schema = json.loads(json.dumps(plugins_schema(specs())))
    for name in ("talk", "desk"):
        for key, setting in schema["$defs"][name]["properties"].items():
            assert setting.get("description"), f"{name}.{key} has no description"


@given(st.text(max_size=30))
def test_an_address_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        host, port = split_address(text)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = "" if host and 0 <= port < 65_536 else "an address that cannot be"
    assert sentence in {"", f'"{text}" is no address: write host and port, like 127.0.0.1:8080'}


@given(st.text(alphabet="abc[]{}=\"'.\n #0", max_size=80))
def test_whatever_the_file_holds_it_is_read_or_every_mistake_has_a_place(text: str) -> None:
    places: list[tuple[int, int]] = [(1, 1)]
    try:
        load_config(text, "plugins.toml", specs=specs(), environ=ENVIRON, lacking=lambda _: None)
    except Problems as caught:
        places = [(problem.line, problem.column) for problem in caught.problems]
    assert places
    lines = text.split("\n")
    assert all(1 <= line <= len(lines) + 1 and column >= 1 for line, column in places)
