"""`baton demo`."""

from __future__ import annotations

import click

from gateway.cli.terminal import Failure, json_option, print_json


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Play a morning of Slack messages and Zendesk tickets, and prove what came of it.

    Everything runs on this machine: stand-ins of both vendors, and a real gateway between them. Nothing is left behind.
    """
    import asyncio

    from gateway.demo.world import DemoFailed
    from gateway.telemetry.logs import configure_logs
    from gateway.telemetry.redaction import Redaction

    configure_logs(Redaction(), level="ERROR")
    try:
        whole = asyncio.run(_play(as_json=as_json))
    except DemoFailed as error:
        raise Failure(str(error)) from None
    except BaseExceptionGroup as several:
        failed, rest = several.split(DemoFailed)
        if failed is None or rest is not None:
            raise
        raise Failure(str(failed.exceptions[0])) from None
    if not whole:
        raise Failure("a claim does not hold: see the lines marked [NO]")


async def _play(*, as_json: bool) -> bool:
    import asyncio

    from gateway.demo.morning import play
    from gateway.demo.proof import prove
    from gateway.demo.report import as_values, tell
    from gateway.demo.world import world

    async with world() as here:
        morning = await play(here)
        proof = await asyncio.to_thread(prove, here, morning)
        if as_json:
            print_json(await asyncio.to_thread(as_values, here, proof))
        else:
            tell(here, proof, click.echo)
    return not proof.broken
