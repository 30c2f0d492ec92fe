"""`baton serve`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option, read_setup
from gateway.cli.terminal import Failure


@click.command()
@config_option
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
    default="INFO",
    envvar="BATON_LOG_LEVEL",
    show_envvar=True,
    show_default=True,
    help="Lines below it are left out.",
)
def command(config: Path, log_level: str) -> None:
    """Run the gateway.

    SIGTERM drains and ends it, within 30 seconds; a second one ends it at once. SIGHUP reads the configuration again.
    """
    from gateway.cli.configuration import installed

    specs = installed()
    setup = read_setup(config, specs)

    import asyncio

    import structlog

    from gateway.serving import serve
    from gateway.store import StoreUnavailable
    from gateway.telemetry.logs import configure_logs, error_words
    from gateway.telemetry.redaction import Redaction
    from gateway.web.door import CannotListen

    redaction = Redaction(setup.config.secrets)
    configure_logs(redaction, level=log_level)
    try:
        asyncio.run(serve(setup, path=config, specs=specs, redaction=redaction))
    except StoreUnavailable as error:
        raise Failure(redaction.text(str(error))) from None
    except CannotListen as error:
        raise Failure(str(error)) from None
    except Exception as error:  # noqa: BLE001 (the process ends here)
        # Not a trace as Python prints it: its last line may quote what a customer wrote.
        structlog.stdlib.get_logger("gateway.app").exception("the gateway broke", action="broke")
        message = f"the gateway broke ({error_words(error)}): the log says where; it is safe to start it again"
        raise Failure(message) from None
