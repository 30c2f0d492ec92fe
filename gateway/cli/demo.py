"""`baton demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gateway.cli.terminal import Failure, WrongInput, json_option, print_json

if TYPE_CHECKING:
    from typing import TextIO

    from gateway.demo.claims import Proof
    from gateway.telemetry.redaction import Redaction

#: What stands for a directory that was not named.
_ANYWHERE: Final = "-"
_LOG: Final = "baton.log"


@click.command()
@click.option(
    "--keep",
    metavar="[DIR]",
    is_flag=False,
    flag_value=_ANYWHERE,
    default=None,
    help="Keep configuration, store and log in a new or empty directory; without DIR in one of the system's for temporary files.",
)
@json_option
def command(*, keep: str | None, as_json: bool) -> None:
    """Play a day at the support desk on every channel, and prove what came of it.

    In the morning Slack and Zendesk; in the afternoon mail, telephone, texts, a website and a chatbot, with Zendesk and HubSpot;
    in the evening whatever is needed for every rule of the shipped policy to have fired.
    Everything runs on this machine: stand-ins of the vendors, and a real gateway between them. Nothing is left behind, unless you
    ask for it with --keep.
    """
    from gateway.telemetry.redaction import Redaction

    redaction = Redaction()
    kept = None if keep is None else _made(keep)
    if kept is None:
        _log(redaction)
        _run(None, redaction, as_json=as_json)
        return
    with (kept / _LOG).open("w", encoding="utf-8") as stream:
        _log(redaction, stream)
        try:
            _run(kept, redaction, as_json=as_json)
        finally:
            # Whatever is said after this goes to the terminal again: the file is closed.
            _log(redaction)
            if not as_json:
                for line in _where(kept):
                    click.echo(line)


def _log(redaction: Redaction, stream: TextIO | None = None) -> None:
    """Have everything logged into a file that is kept, or errors only on the terminal."""
    from gateway.telemetry.logs import configure_logs

    if stream is None:
        configure_logs(redaction, level="ERROR")
    else:
        configure_logs(redaction, stream=stream, terminal=False)


def _made(keep: str) -> Path:
    """Return the directory that is kept, made. Raises `WrongInput` for one that holds something, `Failure` when it cannot be."""
    from tempfile import mkdtemp

    if keep == _ANYWHERE:
        return Path(mkdtemp(prefix="baton-demo-"))
    directory = Path(keep).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise WrongInput(f"--keep {keep} is not empty: name a directory that is new or empty")
    except OSError as error:
        raise Failure(f"--keep {keep} cannot be made: {error.strerror or error}") from None
    return directory


def _where(kept: Path) -> list[str]:
    """Return where everything is, and how to look at it."""
    from shlex import quote

    return [
        "",
        f"Kept in {kept}: {_LOG}, and a directory for each part of the day. To look at one:",
        f"  export BATON_CONFIG={quote(str(kept / 'morning' / 'plugins.toml'))}",
        "  baton cases list; baton cases show CASE; baton policy explain CASE; baton dlq list",
    ]


def _run(kept: Path | None, redaction: Redaction, *, as_json: bool) -> None:
    import asyncio

    from gateway.demo.world import DemoFailed

    try:
        whole = asyncio.run(_play(kept, redaction, as_json=as_json))
    except DemoFailed as error:
        raise Failure(str(error)) from None
    except BaseExceptionGroup as several:
        failed, rest = several.split(DemoFailed)
        if failed is None or rest is not None:
            raise
        raise Failure(str(failed.exceptions[0])) from None
    if not whole:
        raise Failure("a claim does not hold: see the lines marked [NO]")


async def _play(kept: Path | None, redaction: Redaction, *, as_json: bool) -> bool:
    import asyncio

    from gateway.demo.day import parts
    from gateway.demo.report import as_values, sum_up, tell
    from gateway.demo.world import world

    proofs: list[Proof] = []
    values: dict[str, object] = {}
    for part, play_and_prove in parts():
        async with world(part, kept=kept, redaction=redaction) as here:
            proof = await play_and_prove(here)
            proofs.append(proof)
            if as_json:
                values[part.name] = await asyncio.to_thread(as_values, here, proof)
            else:
                tell(here, proof, click.echo)
    whole = not any(proof.broken for proof in proofs)
    if as_json:
        print_json({"ok": whole, **values, **({"kept": str(kept)} if kept else {})})
    else:
        sum_up(proofs, click.echo)
    return whole
