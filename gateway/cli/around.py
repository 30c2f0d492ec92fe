"""What a command can find out about connections: what the files say, and what a gateway says that runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.configuration import installed, read_premises
from gateway.cli.holds import Surroundings
from gateway.cli.running import NotRunning, ask
from gateway.cli.terminal import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.sdk import RateLimit


def look_around(config: Path) -> tuple[Surroundings, Mapping[str, tuple[RateLimit, ...]]]:
    """Return how connections are, and the vendors' limits of those that are switched on. Raises `WrongFiles`."""
    from gateway.pipeline.retry import MOST_ATTEMPTS, MOST_LOOKS

    premises = read_premises(config)
    specs = installed()
    limits = {
        name: specs[connector].capabilities.limits
        for name, connector in premises.connectors.items()
        if connector in specs
    }
    running: dict[str, tuple[str, str]] | None = None
    silent = ""
    try:
        status = ask(premises.data, "status")
        running = {each["name"]: (each["state"], each["error"]) for each in status["connections"]}
    except NotRunning:
        pass
    except Failure as error:
        # Why an effect waits is told all the same, as far as the store knows it.
        silent = error.message
    around = Surroundings(
        configured=frozenset(premises.connectors),
        off=frozenset(premises.connections) - frozenset(premises.connectors),
        running=running,
        silent=silent,
        shared=not premises.database.startswith("sqlite:"),
        most=(MOST_ATTEMPTS, MOST_LOOKS),
    )
    return around, limits
