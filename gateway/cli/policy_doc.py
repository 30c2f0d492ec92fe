"""`baton policy doc`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import Failure, policy_option


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "svg"]),
    default="markdown",
    show_default=True,
    help="Tables to read, or a picture.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write it into this file instead of standard output.",
)
@policy_option
@config_option
def doc(form: str, output: Path | None, policy_file: Path | None, config: Path) -> None:
    """Draw the escalation matrix: who hears of what, and how fast.

    No secret is needed and nobody is called.
    """
    from routing.matrix import markdown, svg

    outline = read_outline(config, policy_file)
    text = markdown(outline.policy) if form == "markdown" else svg(outline.policy)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from None
