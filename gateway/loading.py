"""All files together: `plugins.toml` and the policies that it names, checked against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config import Config, Premises, load_config, load_premises
from gateway.host.registry import roles_of
from gateway.model import Channel, Mode
from gateway.toml import Problem, Problems, TomlDocument, read_toml
from routing.including import check_part, included, joined
from routing.load import load_policy
from routing.policy import ConnectionFacts, Policy

if TYPE_CHECKING:
    from gateway.host.registry import Specs
    from gateway.pipeline.policies import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that a gateway runs by: a snapshot that never changes."""

    #: What `plugins.toml` says.
    config: Config
    #: What the policy file says.
    policy: Policy
    #: What the policy may know of the connections that run, by name.
    facts: Mapping[str, ConnectionFacts]
    #: A policy that is tried beside it and never acts, None for none.
    shadow: Policy | None = None
    #: Connections that cannot run as they stand, and why; the others do.
    faults: tuple[Problem, ...] = ()

    @property
    def direction(self) -> Direction:
        """Return what the pipeline goes by."""
        from gateway.pipeline.identity import case_rules
        from gateway.pipeline.policies import Direction
        from normalizers.redaction import Secret

        return Direction(
            policy=self.policy,
            shadow=self.shadow,
            connections=self.facts,
            cases=case_rules(self.config.cases),
            languages=self.config.cases.languages,
            redact=frozenset(Secret(each) for each in self.config.redact),
        )


def load_setup(path: Path, *, specs: Specs, environ: Mapping[str, str]) -> Setup:
    """Read all files. Raises `Problems` with everything that is wrong in the first file that is wrong."""
    config = load_config(read_text(path), shown(path), specs=specs, environ=environ)
    facts = connection_facts(config, specs)
    policy = read_policy(config.policy, facts)
    shadow = read_policy(config.shadow, facts) if config.shadow is not None else None
    faults = (*config.warnings, *_unusable(config, specs))
    return Setup(config=config, policy=policy, shadow=shadow, facts=facts, faults=faults)


def read_policy(file: Path, facts: Mapping[str, ConnectionFacts]) -> Policy:
    """Read a policy with the files beside it that it names. Raises `Problems`."""
    return load_policy(policy_text(file), shown(file), facts, beside=lambda name: read_text(file.parent / name))


def connection_facts(config: Config, specs: Specs | None) -> dict[str, ConnectionFacts]:
    """Return what the policy may know of the connections that run."""
    return {
        each.name: ConnectionFacts(
            name=each.name,
            channel=each.channel,
            mode=each.mode,
            roles=roles_of(specs, each.spec),
            notices_lack=each.settings.notices_lack() if each.settings is not None else (),
        )
        for each in config.running
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A policy with what it may know of the connections: enough to test it, without any secret."""

    #: The policy file.
    file: Path
    #: What it says.
    policy: Policy
    #: What it may know of the connections that are switched on, by name.
    facts: Mapping[str, ConnectionFacts]
    #: Where the store is.
    premises: Premises
    #: The languages that messages are told to be in.
    languages: tuple[str, ...]


def load_outline(path: Path, *, specs: Specs, environ: Mapping[str, str], policy: Path | None = None) -> Outline:
    """Read the policy that a configuration names, or another one, and of the connections only what needs no secret.

    So a policy can be tried where nobody has the secrets of production. Raises `Problems`.
    """
    text = read_text(path)
    premises = load_premises(text, shown(path), environ=environ)
    document = read_toml(text, shown(path))
    facts = _outlined(document, specs)
    file = policy if policy is not None else premises.policy
    return Outline(
        file=file,
        policy=read_policy(file, facts),
        facts=facts,
        premises=premises,
        languages=_languages(document),
    )


def _languages(document: TomlDocument) -> tuple[str, ...]:
    cases: Any = document.values.get("cases", {})
    given: Any = cases.get("languages", []) if isinstance(cases, dict) else []
    return tuple(map(str, given)) if isinstance(given, list) else ()


def _outlined(document: TomlDocument, specs: Specs) -> dict[str, ConnectionFacts]:
    """Return what a policy may know of the connections, by the keys that every one has. Raises `Problems`."""
    problems: list[Problem] = []
    found: dict[str, ConnectionFacts] = {}
    words = {mode.value: mode for mode in Mode}
    for channel in Channel:
        section: Any = document.values.get(channel.value, {})
        for name, values in section.items() if isinstance(section, dict) else ():
            if not isinstance(values, dict) or values.get("enabled", True) is not True:
                continue
            spec = specs.get(str(values.get("connector")))
            mode = values.get("mode", Mode.OBSERVE.value)
            if spec is None or mode not in words:
                key, what = ("mode", f"no mode {mode!r}") if spec is not None else ("connector", "no such connector")
                sentence = f"connection {name} has {what}: `baton check` says more"
                problems.append(document.problem((channel.value, name, key), sentence))
                continue
            found[name] = ConnectionFacts(name=name, channel=channel, mode=words[mode], roles=roles_of(specs, spec))
    if problems:
        raise Problems(problems)
    order = {name: document.position(facts.channel.value, name) for name, facts in found.items()}
    return dict(sorted(found.items(), key=lambda each: order[each[0]]))


def policy_text(path: Path) -> str:
    """Return the text of a policy, with the files that it includes in it. Raises `Problems` with a sentence for each."""
    text = read_text(path)
    document = read_toml(text, shown(path))
    names = included(document)
    if not names:
        return text
    parts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for number, name in enumerate(names):
        part = path.parent / name
        if not part.is_file():
            problems.append(document.problem(("include", number), f"there is no file {name} beside this one"))
            continue
        try:
            parts.append((shown(part), read_text(part)))
            check_part(read_toml(parts[-1][1], shown(part)))
        except Problems as error:
            problems += error.problems
    try:
        check_part(document, first=True)
    except Problems as error:
        problems += error.problems
    if problems:
        raise Problems(problems)
    return joined(text, shown(path), parts)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises `Problems` with a sentence."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        sentence = "there is no such file"
    except UnicodeDecodeError:
        sentence = "this is not UTF-8 text"
    except OSError as error:
        sentence = f"it cannot be read: {error.strerror}"
    raise Problems([Problem(file=shown(path), line=1, column=1, sentence=sentence)])


def shown(path: Path) -> str:
    """Return a path as somebody in this directory would write it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _unusable(config: Config, specs: Specs) -> list[Problem]:
    """Return a problem for each running connection whose connector cannot be imported or is of another contract."""
    return [
        Problem(
            file=config.file, line=1, column=1, sentence=f"connection {each.name}: {specs.problems[each.spec.name]}"
        )
        for each in config.running
        if each.spec.name in specs.problems
    ]
