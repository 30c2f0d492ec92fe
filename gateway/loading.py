"""Both files together: `plugins.toml` and the policy that it names, checked against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config import Config, load_config
from gateway.host.registry import roles_of
from gateway.toml import Problem, Problems
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
            connections=self.facts,
            cases=case_rules(self.config.cases),
            languages=self.config.cases.languages,
            redact=frozenset(Secret(each) for each in self.config.redact),
        )


def load_setup(path: Path, *, specs: Specs, environ: Mapping[str, str]) -> Setup:
    """Read both files. Raises `Problems` with everything that is wrong in the first file that is wrong."""
    config = load_config(read_text(path), shown(path), specs=specs, environ=environ)
    facts = connection_facts(config, specs)
    policy = load_policy(read_text(config.policy), shown(config.policy), facts)
    return Setup(config=config, policy=policy, facts=facts, faults=(*config.warnings, *_unusable(config, specs)))


def connection_facts(config: Config, specs: Specs | None) -> dict[str, ConnectionFacts]:
    """Return what the policy may know of the connections that run."""
    return {
        each.name: ConnectionFacts(
            name=each.name, channel=each.channel, mode=each.mode, roles=roles_of(specs, each.spec)
        )
        for each in config.running
    }


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
