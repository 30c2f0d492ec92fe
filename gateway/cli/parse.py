"""`baton parse`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import Failure, WrongInput, bad, good, json_option, paragraph, print_json

if TYPE_CHECKING:
    from gateway.config import AnySpec
    from gateway.host.registry import Specs
    from gateway.sdk import ConnectionSettings
    from gateway.trial import Outcome, Trial

_SHOWN: Final = ("thread", "dedupe_key", "occurred_at", "subject", "reply_text", "delivery_state")


@click.command()
@click.argument("connector")
@click.argument(
    "files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="[FILE]..."
)
@click.option("--batch", is_flag=True, help="Read JSON lines from FILE or standard input, write one line for each.")
@click.option("--connection", default=None, help="Take the settings of this connection of the configuration.")
@click.option("--channel", default=None, help="The channel, for a connector that serves several.")
@click.option("--verify", is_flag=True, help="Refuse what is not signed as it should be; needs the secret.")
@click.option("--now", default=None, metavar="INSTANT", help="The time for --verify: ISO 8601, or seconds since 1970.")
@config_option
@json_option
def command(
    connector: str,
    files: tuple[Path, ...],
    *,
    batch: bool,
    connection: str | None,
    channel: str | None,
    verify: bool,
    now: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Show what Baton would make of a delivery; nothing is called, nothing is kept.

    FILE is a recorded delivery (JSON: method, url, headers, body or body_base64) or a raw mail; - is standard input.
    """
    asking = _Asking(connector, channel, connection, config)
    if batch:
        asyncio.run(asking.batch(files))
        return
    if not files:
        message = "name a file, or - for standard input"
        raise WrongInput(message)
    failed = asyncio.run(asking.files(files, verify=verify, now=now, as_json=as_json))
    if failed:
        raise SystemExit(Failure.exit_code)


class _Asking:
    """One call of the command."""

    def __init__(self, connector: str, channel: str | None, connection: str | None, config: Path) -> None:
        from gateway.cli.configuration import installed, read_setup, spec_named

        specs = installed()
        self.spec = spec_named(specs, connector)
        self.trial = _trial(self.spec, specs, channel)
        self.settings: ConnectionSettings | Mapping[str, Any] = {}
        if connection is not None:
            found = read_setup(config, specs).config.connections.get(connection)
            if found is None or found.spec.name != connector or found.settings is None:
                message = f'{config} has no connection "{connection}" of {connector} that is switched on'
                raise WrongInput(message)
            self.settings = found.settings

    # --- files -------------------------------------------------------------------------------------------------------
    async def files(self, files: tuple[Path, ...], *, verify: bool, now: str | None, as_json: bool) -> bool:
        """Show what each file says; True when one of them is refused or unreadable."""
        from gateway.clock import SystemClock
        from gateway.trial import WrongTrial, instant_from

        results: list[dict[str, Any]] = []
        try:
            at = instant_from(now, default=SystemClock().now())
            for path in files:
                made = await self._file(_read(path), at=at, verify=verify)
                results.append({"file": str(path), **self._told(made)})
                if not as_json:
                    _show(results[-1])
        except WrongTrial as error:
            raise WrongInput(str(error)) from None
        finally:
            await self.trial.close()
        if as_json:
            print_json(results)
        return any(result["outcome"] != "ok" for result in results)

    async def _file(self, raw: bytes, *, at: int, verify: bool) -> Outcome:
        from gateway.trial import delivery_from, mail_from

        recorded = _recorded(raw)
        given = delivery_from(recorded, now=at) if recorded is not None else mail_from(raw, now=at)
        return await self.trial.delivery(given, self.settings, now=at, verify=verify)

    # --- batch -------------------------------------------------------------------------------------------------------
    async def batch(self, files: tuple[Path, ...]) -> None:
        """Answer each JSON line with one, in order."""
        try:
            for line in _lines(files):
                click.echo(json.dumps(await self._line(line), ensure_ascii=True))
                sys.stdout.flush()
        finally:
            await self.trial.close()

    async def _line(self, line: bytes) -> dict[str, Any]:
        from gateway.clock import SystemClock
        from gateway.trial import Outcome, WrongTrial, base64_bytes, delivery_from, instant_from, mail_from

        name: object = None
        try:
            asked = _object(line)
            name = asked.get("id")
            at = instant_from(asked.get("now"), default=SystemClock().now())
            if "mail_base64" in asked:
                given = mail_from(base64_bytes(asked["mail_base64"], "mail_base64"), now=at)
            elif isinstance(asked.get("delivery"), Mapping):
                given = delivery_from(asked["delivery"], now=at)
            else:
                raise WrongTrial("The line has neither a delivery nor a mail_base64.")
            settings = asked.get("settings") or self.settings
            made = await self.trial.delivery(given, settings, now=at, verify=bool(asked.get("verify")))
        except WrongTrial as error:
            made = Outcome(outcome="unreadable", error=str(error))
        return {"id": name, **self._told(made)}

    def _told(self, made: Outcome) -> dict[str, Any]:
        from gateway.trial import told

        return {
            "outcome": made.outcome,
            "error": made.error or None,
            "activities": [told(each, self.spec.name) for each in made.activities],
        }


# --- what is given ---------------------------------------------------------------------------------------------------
def _trial(spec: AnySpec, specs: Specs, channel: str | None) -> Trial:
    from gateway.host.registry import PluginError
    from gateway.sdk import Channel
    from gateway.trial import Trial, WrongTrial

    try:
        return Trial(spec, specs, channel=Channel(channel) if channel else None)
    except ValueError:
        words = ", ".join(each.value for each in Channel)
        message = f'"{channel}" is no channel: there are {words}'
        raise WrongInput(message) from None
    except WrongTrial as error:
        raise WrongInput(str(error)) from None
    except PluginError as error:
        raise Failure(str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or type(error).__name__}"
        raise WrongInput(message) from None


def _lines(files: tuple[Path, ...]) -> Iterator[bytes]:
    for path in files or (Path("-"),):
        if str(path) == "-":
            yield from (line for line in sys.stdin.buffer if line.strip())
        else:
            yield from (line for line in _read(path).splitlines() if line.strip())


def _recorded(raw: bytes) -> Mapping[str, Any] | None:
    """Return a recorded delivery, None when the bytes are something else: a mail, then."""
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        found: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def _object(line: bytes) -> Mapping[str, Any]:
    from gateway.trial import WrongTrial

    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise WrongTrial("The line is no JSON.") from None
    if not isinstance(found, dict):
        raise WrongTrial("The line is no JSON object.")
    return cast("Mapping[str, Any]", found)


# --- what is shown ---------------------------------------------------------------------------------------------------
def _show(result: Mapping[str, Any]) -> None:
    word = result["outcome"]
    activities: list[Mapping[str, Any]] = result["activities"]
    click.echo(f"{result['file']}: {good(word) if word == 'ok' else bad(word)}")
    if result["error"]:
        paragraph(result["error"], indent="  ")
    elif not activities:
        paragraph("It says nothing that Baton acts on.", indent="  ")
    for activity in activities:
        sender = activity["sender"]
        who = f"{sender['name'] or sender['value']} ({sender['role']}, {sender['evidence']})" if sender else "nobody"
        click.echo(f"  {activity['kind']} over {activity['channel']}, by {who}")
        for key in _SHOWN:
            if activity[key]:
                paragraph(f"{activity[key]}", first=f"    {key:<14} ", indent=" " * 19)
        auto = activity["auto_generated"]
        if auto:
            click.echo(f"    {'automatic':<14} {auto['class']}: {auto['reason']}")
        for file in activity["attachments"]:
            click.echo(f"    {'file':<14} {file['name'] or file['id']} {file['media_type']}")
