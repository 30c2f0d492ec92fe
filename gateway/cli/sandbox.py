"""`baton sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from gateway.cli.terminal import Failure, WrongInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.config import AnySpec
    from gateway.testing.sandbox import Sandbox
    from gateway.testing.webhooks import WebhookSender

#: How often waiting webhooks are sent, seconds.
_EVERY: Final = 0.5
#: Answers to what is not authentic.
_REFUSED: Final = frozenset({401, 403})
_WRONG: Final = 300
#: How long webhooks wait for others where they are to be sent in any order, seconds.
_GATHERS: Final = 2.0


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return where webhooks go. Raises `WrongInput` for what is no address."""
    from urllib.parse import urlsplit

    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongInput(f'--hooks "{value}" is no address: write one like http://127.0.0.1:8080/hooks/zendesk')
    return value.rstrip("/")


@click.command()
@click.argument("name")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on; 0 takes a free one.")
@click.option(
    "--hooks",
    metavar="URL",
    default=None,
    callback=_address,
    help="Where its webhooks go, like http://127.0.0.1:8080/hooks/zendesk.",
)
@click.option(
    "--fault",
    "faults",
    metavar="FAULT",
    multiple=True,
    help="Have something go wrong, like 429:3 or reset_after@tickets.create; may be given several times.",
)
def command(name: str, host: str, port: int, hooks: str | None, faults: tuple[str, ...]) -> None:
    """Run a stand-in for a vendor, to try Baton without an account.

    It prints what to write into plugins.toml, and shows its whole state at /_sandbox/state. People at the vendor do something
    when you POST to /_sandbox/acts/NAME. Calls go wrong when you POST to /_sandbox/faults; a GET shows how.
    Control-C or SIGTERM ends it.
    """
    import asyncio

    from gateway.clock import SystemClock

    sandbox = make(_spec(name))
    if sandbox.ids is not None:
        # Other ids at each start: what Baton kept of the last one would be taken for what is written now.
        sandbox.ids.begin_at(SystemClock().now() // 1_000_000)
    sandbox.hooks = hooks or ""
    _go_wrong(sandbox, name, faults)
    try:
        asyncio.run(_run(sandbox, name, host, port, hooks))
    except OSError as error:
        raise Failure(f"{host}:{port} cannot be listened on: {error.strerror or error}") from None


def _go_wrong(sandbox: Sandbox, name: str, faults: tuple[str, ...]) -> None:
    """Have the faults of the command line wait for their calls. Raises `WrongInput` for one that there is not."""
    from gateway.testing.control import Wish

    for fault in faults:
        try:
            sandbox.control.ask(fault)
        except Wish as wrong:
            raise WrongInput(f"--fault {fault} of {name} cannot be: {wrong}") from None


def make(spec: AnySpec) -> Sandbox:
    """Return the sandbox that a connector ships. Raises `Failure` when there is none, or it cannot be imported."""
    from importlib import import_module

    from gateway.config import installing
    from gateway.testing.sandbox import Sandbox

    if spec.sandbox is None:
        raise Failure(f"connector {spec.name} ships no sandbox")
    module, _, attribute = spec.sandbox.partition(":")
    try:
        made: Any = getattr(import_module(module), attribute)()
    except ImportError as error:
        hint = f": run {installing(spec.extra)}" if spec.extra else ""
        raise Failure(
            f"the sandbox of {spec.name} cannot be imported ({error.name or error} is missing){hint}"
        ) from None
    if not isinstance(made, Sandbox):
        raise Failure(f"the sandbox of {spec.name} is none: {spec.sandbox} is no gateway.testing.sandbox.Sandbox")
    return made


def _spec(name: str) -> AnySpec:
    from gateway.cli.configuration import installed
    from gateway.toml import QUOTED, did_you_mean

    specs = installed()
    spec = specs.get(name)
    if spec is None:
        hint = did_you_mean(name, specs, f"there are {', '.join(sorted(specs)) or 'none'}", shown=QUOTED)
        raise WrongInput(f'no connector "{name}" is installed: {hint}')
    if name in specs.problems:
        raise Failure(specs.problems[name])
    return spec


async def _run(sandbox: Sandbox, name: str, host: str, port: int, hooks: str | None) -> None:
    import asyncio
    import signal

    from gateway.clock import SystemClock

    await sandbox.start(host, port)
    try:
        for line in _words(sandbox, name):
            click.echo(line)
        clock = SystemClock()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Also where a shell started it in the background and left SIGINT ignored.
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        webhooks: WebhookSender | None = getattr(sandbox, "webhooks", None)
        told: set[str] = set()
        while not ended.is_set():
            if hooks and webhooks is not None and webhooks.waiting:
                if webhooks.shuffled:
                    await clock.sleep(_GATHERS)
                for line in await _send(webhooks, hooks):
                    # Once: what nobody takes is tried again twice a second.
                    if line not in told:
                        click.echo(line, err=True)
                    told.add(line)
            await clock.sleep(_EVERY)
    finally:
        await sandbox.stop()


async def _send(webhooks: WebhookSender, hooks: str) -> list[str]:
    """Send what waits, and say what came of that which was not taken. What reached nobody waits on."""
    answers = await webhooks.send(hooks)
    webhooks.waiting = [*webhooks.unreached, *webhooks.waiting]
    said: list[str] = []
    for status in dict.fromkeys(answers):
        if not status:
            said.append(f"Nobody answers at {hooks}: webhooks wait until `baton serve` runs there.")
        elif status in _REFUSED:
            said.append(
                f"{hooks} refused a webhook ({status}): its secret is not the one that this sandbox prints, or the address"
                " that Baton is told is not this one. The gateway's log says more."
            )
        elif status >= _WRONG:
            said.append(
                f"{hooks} answered a webhook with {status}: `baton connectors show NAME` says where a connection's webhooks go."
            )
    return said


def _words(sandbox: Sandbox, name: str) -> list[str]:
    from shlex import quote

    def section(settings: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
        lines = [f"{key} = {_quoted(value)}" for key, value in settings.items()]
        return [*lines, *(f"{key} = {{ env = {_quoted(_variable(sandbox, name, key))} }}" for key in secrets)]

    lines = [
        f"{sandbox.title}, as far as Baton uses it, at {sandbox.url}",
        f"Its state: {sandbox.url}/_sandbox/state",
        f"What people there can be made to do: {sandbox.url}/_sandbox/acts",
        f"What can be made to go wrong there: {sandbox.url}/_sandbox/faults",
        "",
        f"# In the connection's section of plugins.toml, below connector = {_quoted(name)}:",
        *section(sandbox.settings(), sandbox.secrets()),
    ]
    secrets = dict(sandbox.secrets())
    for way in sandbox.ways():
        lines += ["", f"# Or, instead of all these, for {way.title}:", *section(way.settings, way.secrets)]
        secrets |= way.secrets
    lines += ["", "# In the shell that runs `baton serve`:"]
    lines += [f"export {_variable(sandbox, name, key)}={quote(value)}" for key, value in secrets.items()]
    return [*lines, ""]


def _variable(sandbox: Sandbox, name: str, key: str) -> str:
    """Return the name of the environment variable that is suggested for a secret."""
    return f"{sandbox.variables or name}_{key}".upper()


def _quoted(value: str) -> str:
    from json import dumps

    return dumps(value)
