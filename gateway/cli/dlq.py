"""`baton dlq list|show|replay|discard`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import WrongInput, instant, json_option, paragraph, print_json, print_list
from gateway.plain import plain


@click.group()
def command() -> None:
    """Show, replay and discard dead letters.

    A dead letter is something that was given up for now; its bytes are kept.
    """


@command.command("list")
@click.option(
    "--state",
    type=click.Choice(["open", "replayed", "discarded"]),
    default="open",
    show_default=True,
    help="Which ones.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, newest first.")
@config_option
@json_option
def list_(state: str, limit: int, config: Path, *, as_json: bool) -> None:
    """List dead letters, newest first."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        letters = store.dead_letters(state=state, limit=limit)
    print_list(
        letters,
        lambda each: (str(each.id), instant(each.created_at), each.kind, each.connection, each.reason),
        ("id", "since (UTC)", "kind", "connection", "reason"),
        nothing=f"No dead letter is {state}.",
        as_json=as_json,
    )


@command.command()
@click.argument("number", type=int, metavar="ID")
@click.option("--bytes", "with_bytes", is_flag=True, help="Print the raw body and nothing else.")
@config_option
@json_option
def show(number: int, config: Path, *, with_bytes: bool, as_json: bool) -> None:
    """Show one dead letter with what is kept of it.

    The body may hold what a customer wrote: it is printed only with --bytes or --json.
    """
    from gateway.cli.reading import reading

    with reading(config) as store:
        found = store.dead_letter(number)
    if found is None:
        message = f"there is no dead letter {number}: `baton dlq list` shows those that there are"
        raise WrongInput(message)
    if with_bytes:
        click.echo(found.delivery.delivery.body if found.delivery else b"", nl=False)
        return
    if as_json:
        print_json(plain(found))
        return
    letter = found.letter
    paragraph(
        f"Dead letter {letter.id} ({letter.kind} {letter.ref}) is {letter.state}: {letter.reason}",
        indent="  ",
        first="",
    )
    click.echo(f"connection {letter.connection}, case {letter.case_id or '-'}, since {instant(letter.created_at)} UTC")
    if found.delivery:
        delivery = found.delivery.delivery
        click.echo(
            f"delivery {found.delivery.id}, {delivery.method} to endpoint {delivery.endpoint or '(the only one)'}, "
            f"{len(delivery.body)} bytes, received {instant(delivery.received_at)} UTC"
        )
    if found.effect:
        effect = found.effect
        click.echo(f"effect {effect.id}: {effect.kind.value} to {effect.connection}, rule {effect.rule or '-'}")
    if letter.state == "open":
        click.echo(f"`baton dlq replay {letter.id}` sends it on its way again,")
        click.echo(f"`baton dlq discard {letter.id} --reason …` gives it up.")


@command.command()
@click.argument("number", type=int, metavar="ID")
@config_option
@json_option
def replay(number: int, config: Path, *, as_json: bool) -> None:
    """Send a dead letter on its way again."""
    from gateway.cli.writing import write

    result = write(config, "dead-letter-replay", {"id": number})
    if as_json:
        print_json(result)
        return
    click.echo(
        f"Dead letter {number} is on its way again."
        if result["replayed"]
        else f"Dead letter {number} is not open any more."
    )


@command.command()
@click.argument("number", type=int, metavar="ID")
@click.option("--reason", required=True, help="Why; it stands in the audit.")
@config_option
@json_option
def discard(number: int, reason: str, config: Path, *, as_json: bool) -> None:
    """Give a dead letter up for good; its bytes stay."""
    from gateway.cli.writing import write

    result = write(config, "dead-letter-discard", {"id": number, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(
        f"Dead letter {number} is given up." if result["discarded"] else f"Dead letter {number} is not open any more."
    )
