"""Commands that write: through the running gateway, or with the store's own lock when none runs."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from gateway.cli.configuration import read_data_directory, read_premises
from gateway.cli.running import NotRunning, actor, ask
from gateway.cli.terminal import Failure, WrongInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write(config: Path, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Do an operation and return its result. Raises `WrongInput` or `Failure` with a sentence."""
    try:
        return ask(read_data_directory(config), operation, arguments)
    except NotRunning:
        return _alone(config, operation, arguments)


def _alone(config: Path, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from gateway.clock import SystemClock
    from gateway.operations import Operations, Refused
    from gateway.store import StoreUnavailable, open_store

    premises = read_premises(config)
    try:
        store = open_store(premises.database)
        try:
            operations = Operations(
                store=store, now=SystemClock().now, connections=premises.connections, rules=_rules(premises.policy)
            )
            return operations.operate(operation, {"actor": actor(), **arguments})
        finally:
            store.close()
    except Refused as error:
        raise WrongInput(str(error)) from None
    except StoreUnavailable as error:
        raise Failure(str(error)) from None


def _rules(policy: Path) -> tuple[str, ...]:
    """Return the names of the policy's rules, without asking whether the rest of it is right."""
    from gateway.loading import policy_text
    from gateway.toml import Problems

    try:
        rules: Any = tomllib.loads(policy_text(policy)).get("rule", [])
    except (Problems, tomllib.TOMLDecodeError):
        return ()
    return tuple(str(rule["id"]) for rule in rules if isinstance(rule, dict) and "id" in rule)
