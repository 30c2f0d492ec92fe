"""The table of commands, and the group that imports a command only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Entry(NamedTuple):
    """A command before it is imported."""

    #: Module that holds it, under the attribute `command`.
    module: str
    #: One line for the overview; the same as the first line of the command's own help.
    line: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "demo": Entry("gateway.cli.demo", "Play a day at the support desk on every channel, and prove what came of it."),
    "serve": Entry("gateway.cli.serve", "Run the gateway."),
    "check": Entry(
        "gateway.cli.check", "Say what is wrong with the configuration and the policy, without calling anybody."
    ),
    "doctor": Entry(
        "gateway.cli.doctor",
        "Look at everything live: credentials, rights, webhooks, clock, disk. Nothing is written at a vendor.",
    ),
    "connectors": Entry("gateway.cli.connectors", "Show which connectors are installed, and who works in a helpdesk."),
    "parse": Entry(
        "gateway.cli.parse", "Show what Baton would make of a delivery; nothing is called, nothing is kept."
    ),
    "policy": Entry(
        "gateway.cli.policy", "Look into the policy: test it, explain it, draw it, and ask what it makes of a text."
    ),
    "sandbox": Entry("gateway.cli.sandbox", "Run a stand-in for a vendor, to try Baton without an account."),
    "cases": Entry(
        "gateway.cli.cases", "Show cases, and why they were escalated or not; merge those that are one matter."
    ),
    "incidents": Entry("gateway.cli.incidents", "Show incidents; open and close them by hand."),
    "contacts": Entry("gateway.cli.contacts", "Show customers, and say who is one person and who is not."),
    "risk": Entry("gateway.cli.risk", "Show what was learned of the risk that cases are escalated, or forget it."),
    "dlq": Entry("gateway.cli.dlq", "Show, replay and discard dead letters."),
    "audit": Entry("gateway.cli.audit", "Show the audit, and whether it stands as it was written."),
    "replay": Entry("gateway.cli.replay", "Have deliveries parsed again, after a mapping was mended."),
    "pause": Entry("gateway.cli.pause", "Hold what goes out: of everything, of a connection or of a rule."),
    "resume": Entry("gateway.cli.resume", "Lift a pause."),
    "reload": Entry("gateway.cli.reload", "Have the running gateway read its configuration again."),
    "status": Entry("gateway.cli.status", "Show how the running gateway and its connections are."),
    "schema": Entry("gateway.cli.schema", "Print the JSON schema of a file, for editors."),
    "version": Entry("gateway.cli.version", "Print the version."),
}


class Overview(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's own)
        """Return the names, in the order in which somebody meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's own)
        """Import a command."""
        entry = COMMANDS.get(cmd_name)
        return import_module(entry.module).command if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from gateway.toml import QUOTED, did_you_mean

            hint = did_you_mean(name, COMMANDS, "`baton --help` lists them", shown=QUOTED)
            ctx.fail(f'there is no command "{name}": {hint}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's own)
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:  # noqa: ARG001, FBT001 (click's own)
    if asked:
        ctx.invoke(import_module(COMMANDS["version"].module).command, as_json=False)
        ctx.exit()


@click.group(cls=Overview, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print the version."
)
def baton() -> None:
    """Baton carries a customer's case from chat and mail to the people who can solve it.

    It runs beside the helpdesk that you have. Begin with `baton demo`, then `baton check`.
    """
