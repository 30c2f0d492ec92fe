"""Claims about who is one person and who is not, and that nobody was shown what is another's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.demo.afternoon.cast import BOT, CALLS, MAIL, MALLORY, NORA, NORA_NUMBER, TEXTS, WEBSITE, Cast
from gateway.demo.claims import Claim, said
from gateway.store.contact_values import ContactView
from gateway.store.values import CaseHistory

if TYPE_CHECKING:
    from gateway.demo.afternoon.cases import CaseAsking
    from gateway.demo.world import World


def joined_and_apart(world: World, histories: Sequence[CaseHistory], asking: CaseAsking) -> Iterable[Claim]:
    """Return the claims."""
    people = world.gateway.store.contacts(1_000)
    writer = _known(people, MAIL, NORA, proven=True)
    caller = _known(people, TEXTS, NORA_NUMBER, proven=True)
    guest = next(
        (each for each in people if any(one.connection == BOT and one.party.email for one in each.identifiers)), None
    )
    forger = _known(people, MAIL, NORA, proven=False)
    yield Claim(
        sentence="DMARC proves Nora's address, the website signs it: one person, one case",
        holds=_over(writer) == {MAIL, WEBSITE} and _cases(writer) == 1,
    )
    yield Claim(
        sentence="the networks vouch for Nora's number in call and text: one person, one case",
        holds=_over(caller) == {CALLS, TEXTS} and _cases(caller) == 1,
    )
    yield Claim(
        sentence="nothing proves that the two are one Nora: two people, two cases",
        holds=writer is not None and caller is not None and writer.id != caller.id,
    )
    pairs = {frozenset({each.contact, each.other}) for each in world.gateway.store.suggestions()}
    for words, other in (("the address typed into the bot", guest), ("the forged mail", forger)):
        apart = writer is not None and other is not None and writer.id != other.id
        suggested = writer is not None and other is not None and frozenset({writer.id, other.id}) in pairs
        sentence = f"{words} is only a claim: a case of its own, and a suggestion for an operator"
        yield Claim(sentence=sentence, holds=apart and suggested and _cases(other) == 1)
    yield from _kept_apart(Cast.of(world), histories, asking, writer, guest)


def _kept_apart(
    them: Cast,
    histories: Sequence[CaseHistory],
    asking: CaseAsking,
    writer: ContactView | None,
    guest: ContactView | None,
) -> Iterable[Claim]:
    """Claim that what Nora wrote stands on no other ticket, and went to nobody who was not proven to be her."""
    words: list[str] = []
    allowed: set[tuple[str, str]] = set()
    for history in histories:
        if writer is not None and history.case.id in writer.cases:
            words += [each.text.strip() for each in said(history)]
            allowed |= {(link.connection, link.ticket_id) for link in history.tickets}
    others = [
        ticket.words
        for name, crm in asking.crms.items()
        for number, ticket in crm.all().items()
        if (name, number) not in allowed
    ]
    others += [str(told["text"]) for told in them.bot.replies.values()]
    shown = [text for text in others if any(word in text for word in words)]
    yield Claim(
        sentence=f"none of the {len(words)} things said in Nora's case stands on another ticket or reached the bot",
        holds=bool(words) and guest is not None and not shown,
    )
    yield Claim(
        sentence=f"nothing was sent to {MALLORY}, where the forged mail wants its answers",
        holds=not them.mail.received_by(MALLORY) and len(them.mail.received_by(NORA)) == 1,
    )


def _known(people: Sequence[ContactView], connection: str, value: str, *, proven: bool) -> ContactView | None:
    fitting = [
        each
        for each in people
        if any((one.connection, one.party.value, one.proven) == (connection, value, proven) for one in each.identifiers)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _over(person: ContactView | None) -> set[str]:
    return {each.connection for each in person.identifiers} if person is not None else set()


def _cases(person: ContactView | None) -> int:
    return len(person.cases) if person is not None else 0
