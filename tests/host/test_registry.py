"""What an admin reads about a connector that cannot be used: which one, whose it is, and what to do."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.host.registry import GROUP, PluginError, discover, load_class, roles_of
from gateway.sdk import CONTRACT
from gateway.toml import Problems

_number = itertools.count()

SPEC = """
from gateway.sdk import CONTRACT, Channel, ConnectionSettings, ConnectorSpec

SPEC = ConnectorSpec(
    name="{name}",
    title="A vendor",
    channels=frozenset({{Channel.CHAT}}),
    settings=ConnectionSettings,
    factory="{package}.code:Code",
    extra={extra!r},
    contract={contract},
)
"""
CODE = """
from gateway.sdk import Connector, Notifier

class Code(Connector, Notifier):
    async def open(self): ...
    async def check(self): ...
    async def close(self): ...
    async def notify(self, notice): ...
    async def settle_notice(self, notice): ...
"""


class Site:
    """A folder of installed distributions, as an installer leaves it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def install(
        self,
        name: str = "acme",
        *,
        spec: str = SPEC,
        code: str = CODE,
        extra: str | None = None,
        contract: int = CONTRACT,
        distribution: str = "",
    ) -> str:
        """Install a distribution with a connector and return its package's name."""
        package = f"{name}_{next(_number)}"
        (self.directory / package).mkdir()
        text = spec.format(name=name, package=package, extra=extra, contract=contract)
        (self.directory / package / "__init__.py").write_text(text)
        (self.directory / package / "code.py").write_text(code)
        distribution = distribution or f"baton-{name}"
        info = self.directory / f"{distribution.replace('-', '_')}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {package}:SPEC\n")
        return package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An empty folder of distributions that Python looks into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Site(folder)


def problem_of(name: str) -> str:
    """Return what is said of a connector, once it was looked up."""
    specs = discover()
    spec = specs[name]
    assert spec.name == name, "a stand-in, so that the connection is shown as failed and the others run"
    said = specs.problems[name]
    with pytest.raises(PluginError, match=re.escape(said)):
        load_class(specs, spec)
    return said


def test_an_installed_connector_is_found_and_imported_when_it_is_needed(site: Site) -> None:
    package = site.install()
    specs = discover()
    assert {"acme", "slack", "zendesk"} <= set(specs)
    assert len(specs) == len(list(specs))
    spec = specs["acme"]
    assert specs["acme"] is spec
    assert not specs.problems
    found = load_class(specs, spec)
    assert f"{found.__module__}:{found.__name__}" == f"{package}.code:Code" == spec.factory
    assert roles_of(specs, spec) == {"notify"}
    with pytest.raises(KeyError):
        specs["nobody"]


def test_nothing_is_imported_before_it_is_looked_up(site: Site) -> None:
    site.install(spec="raise SystemError('too early')")
    specs = discover()
    assert "acme" in set(specs)
    assert not specs.problems
    assert specs["acme"].name == "acme"
    assert set(specs.problems) == {"acme"}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("acmee", 'no connector "acmee" is installed: did you mean "acme"?'),
        ("Slack", 'no connector "Slack" is installed: did you mean "slack"?'),
        ("xqzv", 'no connector "xqzv" is installed: installed are acme, '),
    ],
)
def test_an_unknown_connector_is_told_with_the_nearest_name(site: Site, asked: str, sentence: str) -> None:
    site.install()
    text = f'[gateway]\nlisten = "127.0.0.1:0"\n\n[chat.line]\nconnector = "{asked}"\n'
    with pytest.raises(Problems) as raised:
        load_config(text, "plugins.toml", specs=discover(), environ={})
    assert sentence in str(raised.value)
    assert "plugins.toml:5:13" in str(raised.value)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("import no_such_module_of_theirs", "(ModuleNotFoundError: No module named 'no_such_module_of_theirs')"),
        ("raise ValueError('too old a Python')", "(ValueError: too old a Python)"),
        ("SPEC = =", "(SyntaxError: invalid syntax"),
        ("OTHER = 1", "(AttributeError: module "),
        ("import sys; sys.exit('licence has run out')", "(SystemExit: licence has run out)"),
    ],
)
def test_a_spec_that_cannot_be_imported_names_its_distribution(site: Site, broken: str, named: str) -> None:
    site.install(spec=broken)
    said = problem_of("acme")
    assert said.startswith("connector acme of distribution baton-acme 2.5 cannot be imported (")
    assert named in said
    assert said.endswith(": mend or uninstall that distribution")


def test_a_spec_of_the_wrong_type_is_called_that(site: Site) -> None:
    site.install(spec="SPEC = 'acme'")
    assert problem_of("acme") == f"entry point {GROUP}:acme of distribution baton-acme 2.5 is no ConnectorSpec but str"


def test_a_spec_of_another_name_is_called_that(site: Site) -> None:
    site.install(spec=SPEC.replace("{name}", "other"))
    assert problem_of("acme") == (
        f"entry point {GROUP}:acme of distribution baton-acme 2.5 brings a connector named other: the two must agree"
    )


@pytest.mark.parametrize(("contract", "which"), [(CONTRACT - 1, "an older"), (CONTRACT + 1, "a newer")])
def test_a_connector_of_another_contract_is_refused(site: Site, contract: int, which: str) -> None:
    site.install(contract=contract)
    assert problem_of("acme") == (
        f"connector acme of distribution baton-acme 2.5 was written for contract {contract}, {which} one; "
        f"this Baton speaks contract {CONTRACT}: install a release of it for that"
    )


def test_two_distributions_with_one_name_are_both_named_and_neither_runs(site: Site) -> None:
    """Which of the two it would be depends on the order of folders: a stranger could take a connector's secrets."""
    site.install(distribution="baton-acme")
    site.install(distribution="acme-for-free")
    said = problem_of("acme")
    assert "distribution baton-acme 2.5" in said
    assert "distribution acme-for-free 2.5" in said
    assert said.endswith("uninstall one of them")


def test_one_that_takes_the_name_of_ours_is_noticed(site: Site) -> None:
    site.install(name="slack", distribution="slack-stealer")
    said = problem_of("slack")
    assert "distribution slack-stealer 2.5" in said
    assert "distribution baton-gateway" in said


def test_one_problem_leaves_the_others_alone(site: Site) -> None:
    site.install(name="acme")
    site.install(name="broken", spec="raise OSError")
    specs = discover()
    for name in specs:
        assert specs[name].name == name
    assert set(specs.problems) == {"broken"}
    assert load_class(specs, specs["acme"]).__name__ == "Code"


# --- the class -------------------------------------------------------------------------------------------------------
def sentence_of_class(site: Site, code: str, extra: str | None) -> str:
    site.install(code=code, extra=extra)
    specs = discover()
    spec = specs["acme"]
    assert not specs.problems
    with pytest.raises(PluginError) as raised:
        load_class(specs, spec)
    assert roles_of(specs, spec) == {"handoff", "reply", "notify", "profile"}, (
        "unknown: the policy is not to be refused for it"
    )
    return str(raised.value)


def test_a_missing_extra_of_ours_says_what_to_install(site: Site) -> None:
    assert sentence_of_class(site, "import no_such_sdk", "slack") == (
        "connector acme cannot be imported (No module named 'no_such_sdk'): run pip install 'baton-gateway[slack]'"
    )


def test_a_missing_distribution_says_what_to_install(site: Site) -> None:
    """`extra` may name a distribution: `baton-gateway[acme-sdk]` would install nothing."""
    assert sentence_of_class(site, "import no_such_sdk", "acme-sdk") == (
        "connector acme cannot be imported (No module named 'no_such_sdk'): run pip install acme-sdk"
    )


def test_a_class_without_an_extra_says_only_what_is_wrong(site: Site) -> None:
    said = sentence_of_class(site, "import no_such_sdk", None)
    assert said == "connector acme cannot be imported (No module named 'no_such_sdk')"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("raise ZeroDivisionError('of theirs')", "cannot be imported (ZeroDivisionError: of theirs)"),
        ("class Other: ...", "cannot be imported (AttributeError: module "),
        ("class Code: ...", ".code:Code is no Connector"),
        ("Code = 7", ".code:Code is no Connector"),
        ("raise SystemExit('bye')", "cannot be imported (SystemExit: bye)"),
    ],
)
def test_a_class_that_cannot_be_used_is_a_sentence(site: Site, code: str, named: str) -> None:
    assert named in sentence_of_class(site, code, None)


@pytest.mark.parametrize("factory", ["", "nowhere", ":Code", "nowhere:", "..x:Code"])
def test_a_factory_that_is_no_address_is_a_sentence(site: Site, factory: str) -> None:
    site.install(spec=SPEC.replace("{package}.code:Code", factory))
    specs = discover()
    with pytest.raises(PluginError, match="connector acme"):
        load_class(specs, specs["acme"])


def test_words_do_not_depend_on_the_order_of_distributions(site: Site) -> None:
    words: list[str] = []
    order: list[Callable[[], object]] = [
        lambda: site.install(distribution="aaa"),
        lambda: site.install(distribution="zzz"),
    ]
    for install in order:
        install()
        words.append(discover().problems.get("acme", ""))
    assert words[0] == ""
    assert {"aaa 2.5", "zzz 2.5"} <= set(re.findall(r"distribution (\S+ 2\.5)", words[1]))
