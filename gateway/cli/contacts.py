"""`baton contacts list|show|link|unlink|allow|suggestions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import WrongInput, instant, json_option, paragraph, print_json, print_list
from gateway.plain import plain

if TYPE_CHECKING:
    from gateway.store.ports import ContactView

_REASON = "Why; it stands in the audit."


@click.group()
def command() -> None:
    """Show customers, and say who is one person and who is not.

    What is proven to be one person is linked by Baton itself; what is only claimed is suggested.
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@config_option
@json_option
def list_(limit: int, config: Path, *, as_json: bool) -> None:
    """List customers, newest first."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        contacts = store.contacts(limit)
    print_list(
        contacts,
        lambda each: (
            each.id,
            str(len(each.cases)),
            ", ".join(dict.fromkeys(one.connection for one in each.identifiers)),
        ),
        ("contact", "cases", "known on"),
        nothing="There is no contact yet.",
        as_json=as_json,
    )


@command.command()
@click.argument("contact_id", metavar="CONTACT")
@config_option
@json_option
def show(contact_id: str, config: Path, *, as_json: bool) -> None:
    """Show one customer: by what they are known, how far that is proven, and their cases."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        contact = store.contact(contact_id)
    if contact is None:
        message = f"there is no contact {contact_id}: `baton contacts list` shows those that there are"
        raise WrongInput(message)
    if as_json:
        print_json(plain(contact))
        return
    _show(contact)


def _show(contact: ContactView) -> None:
    click.echo(f"Contact {contact.id}, since {instant(contact.created_at)} UTC")
    for each in contact.identifiers:
        proof = each.party.evidence.value if each.proven else f"{each.party.evidence.value}, not proven"
        click.echo(f"  {each.party.kind} {each.party.value} on {each.connection} ({proof})")
        if each.contact != contact.id:
            click.echo(f"       contact {each.contact}")
    for member, into in contact.links:
        click.echo(f"  {member} is linked into {into}")
    for apart in contact.separations:
        paragraph(f"{apart.contact} and {apart.other} are two people, said {apart.actor}", indent="    ", first="  ")
    for case in contact.cases:
        click.echo(f"  case {case}")


@command.command()
@click.argument("contact_id", metavar="CONTACT")
@click.argument("into", metavar="INTO")
@click.option("--reason", required=True, help=_REASON)
@config_option
@json_option
def link(contact_id: str, into: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Say that two contacts are one person.

    Their cases stay as they are. It is refused for two of whom somebody said that they are two people.
    """
    from gateway.cli.writing import write

    result = write(config, "contact-link", {"contact": contact_id, "into": into, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Contact {contact_id} is linked into {into}.")


@command.command()
@click.argument("contact_id", metavar="CONTACT")
@click.option("--reason", required=True, help=_REASON)
@config_option
@json_option
def unlink(contact_id: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Undo a link: the two are two people, and are never linked again (but see `allow`)."""
    from gateway.cli.writing import write

    result = write(config, "contact-unlink", {"contact": contact_id, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Contact {contact_id} stands for itself again.")


@command.command()
@click.argument("contact_id", metavar="CONTACT")
@click.argument("other", metavar="OTHER")
@click.option("--reason", required=True, help=_REASON)
@config_option
@json_option
def allow(contact_id: str, other: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Take back that two people are two: they may be linked again. Links nobody."""
    from gateway.cli.writing import write

    result = write(config, "contact-allow", {"contact": contact_id, "other": other, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Contacts {contact_id} and {other} may be linked again.")


@command.command()
@click.option("--accept", type=int, default=None, metavar="ID", help="Accept one: the two are linked.")
@click.option("--reject", type=int, default=None, metavar="ID", help="Reject one: the two are never linked.")
@click.option("--reason", default="", help="Why, with --accept or --reject; it stands in the audit.")
@click.option(
    "--state",
    type=click.Choice(["open", "accepted", "rejected"]),
    default="open",
    show_default=True,
    help="Which ones.",
)
@config_option
@json_option
def suggestions(
    accept: int | None, reject: int | None, reason: str, state: str, config: Path, *, as_json: bool
) -> None:
    """List who may be one person, or decide about one."""
    if accept is not None and reject is not None:
        raise WrongInput("accept and reject one at a time")
    if accept is not None or reject is not None:
        _decide(
            accept if accept is not None else reject or 0, reason, config, accepted=accept is not None, as_json=as_json
        )
        return
    from gateway.cli.reading import reading

    with reading(config) as store:
        found = store.suggestions(state)
    print_list(
        found,
        lambda each: (str(each.id), each.contact, each.other, each.reason),
        ("id", "contact", "and", "why"),
        nothing=f"No suggestion is {state}.",
        as_json=as_json,
    )


def _decide(number: int, reason: str, config: Path, *, accepted: bool, as_json: bool) -> None:
    from gateway.cli.writing import write

    result = write(config, f"suggestion-{'accept' if accepted else 'reject'}", {"id": number, "reason": reason})
    if as_json:
        print_json(result)
        return
    what = "one person" if accepted else "two people"
    click.echo(f"Contacts {result['contact']} and {result['other']} are {what}.")
