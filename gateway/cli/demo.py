"""`baton demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.terminal import Failure, json_option, print_json

if TYPE_CHECKING:
    from gateway.demo.claims import Proof


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Play a day at the support desk on every channel, and prove what came of it.

    In the morning Slack and Zendesk; in the afternoon mail, telephone, texts, a website and a chatbot, with Zendesk and HubSpot;
    in the evening whatever is needed for every rule of the shipped policy to have fired.
    Everything runs on this machine: stand-ins of the vendors, and a real gateway between them. Nothing is left behind.
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

    from gateway.demo.day import parts
    from gateway.demo.report import as_values, sum_up, tell
    from gateway.demo.world import world

    proofs: list[Proof] = []
    values: dict[str, object] = {}
    for part, play_and_prove in parts():
        async with world(part) as here:
            proof = await play_and_prove(here)
            proofs.append(proof)
            if as_json:
                values[part.name] = await asyncio.to_thread(as_values, here, proof)
            else:
                tell(here, proof, click.echo)
    whole = not any(proof.broken for proof in proofs)
    if as_json:
        print_json({"ok": whole, **values})
    else:
        sum_up(proofs, click.echo)
    return whole
