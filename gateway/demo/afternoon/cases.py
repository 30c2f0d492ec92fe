"""What is claimed of one case of the afternoon: its tickets in both CRMs, and what its customer was told, on any channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, ClassVar, Final

from gateway.demo.afternoon.cast import BOT, CARD, CRM, DESK, MAIL, TEXTS, WEBSITE, Cast
from gateway.demo.afternoon.crms import CrmTickets, DeskTickets, Tickets
from gateway.demo.claims import Claim, said
from gateway.model import DeliveryState, Effect, EffectKind
from gateway.sdk import proven_address
from gateway.store.values import CaseHistory, EffectState, EffectView

if TYPE_CHECKING:
    from gateway.model import TicketLink

_SENT: Final = "outbound-api"
#: A ticket's number in what a customer was told.
_NUMBER: Final = re.compile(r"#(\d+)")


class CaseAsking:
    """Asks the stand-ins about cases."""

    #: Where a ticket could stand.
    EVERYWHERE: ClassVar[str] = "in either CRM"

    def __init__(self, crms: Mapping[str, Tickets], told: Mapping[str, Callable[[CaseHistory, Effect], int]]) -> None:
        """Take the CRMs, and for each channel how to ask how often a customer was told something; both by connection."""
        self.crms = crms
        self._told = told

    def case(self, history: CaseHistory) -> Iterable[Claim]:
        """Return what is claimed of a case."""
        waiting = [view for view in history.effects if view.state is not EffectState.DONE]
        if waiting:
            yield Claim(sentence=f"{len(waiting)} things were not done", holds=False)
        external = f"baton:{history.case.id}"
        made = {
            (name, number)
            for name, crm in self.crms.items()
            for number, ticket in crm.all().items()
            if ticket.external_id == external
        }
        if not history.tickets:
            yield Claim(sentence=f"no ticket was made for it {self.EVERYWHERE}", holds=not made)
        for link in history.tickets:
            yield from self._ticket(history, link, made)
        for view in history.effects:
            yield from self.effect(history, view)

    # --- tickets -----------------------------------------------------------------------------------------------------
    def _ticket(self, history: CaseHistory, link: TicketLink, made: set[tuple[str, str]]) -> Iterable[Claim]:
        name = f"{link.connection} #{link.ticket_id}"
        ticket = self.crms[link.connection].all().get(link.ticket_id)
        if ticket is None:
            yield Claim(sentence=f"ticket {name} stands there", holds=False)
            return
        if link.adopted:
            yield Claim(sentence=f"it is ticket {name}, which was there already; no second one", holds=not made)
            return
        only = made == {(link.connection, link.ticket_id)}
        yield Claim(sentence=f"ticket {name} was made for it, and no other {self.EVERYWHERE}", holds=only)
        words = [each for each in said(history) if each.connection not in self.crms and each.text.strip()]
        # What stands around a card number; the number itself does not cross.
        pieces = [piece.strip() for each in words for piece in each.text.split(CARD)]
        sentence = f"all that was said on every channel stands on it ({len(words)} of {len(words)})"
        yield Claim(sentence=sentence, holds=all(piece in ticket.words for piece in pieces))
        yield Claim(sentence="nothing of what Baton wrote there is public", holds=not ticket.public)
        address = proven_address(history.case.customer)
        whom = f"{address}, the customer's own" if address else "no address, since the customer proved none"
        yield Claim(sentence=f"what agents answer there goes to {whom}", holds=ticket.requester == address)
        groups = [view.effect.destination for view in history.effects if view.effect.kind is EffectKind.HANDOFF]
        priority, tags = history.case.priority, history.case.tags
        set_up = ticket.group == groups[-1] and ticket.priority is priority and frozenset(tags) <= ticket.tags
        word = priority.value if priority is not None else "none"
        yield Claim(sentence=f"in group {ticket.group}, priority {word}, tags {', '.join(tags)}", holds=set_up)

    # --- what went out -----------------------------------------------------------------------------------------------
    def effect(self, history: CaseHistory, view: EffectView) -> Iterable[Claim]:
        """Return what is claimed of something that a case sent out."""
        effect = view.effect
        if effect.kind is EffectKind.HANDOFF:
            once = self.crms[effect.connection].notes(effect.id) == 1
            yield Claim(sentence=f"the handoff by rule {effect.rule} stands in {effect.connection} once", holds=once)
        elif effect.kind is EffectKind.REPLY:
            told = self._told[effect.connection](history, effect)
            named = _NUMBER.findall(effect.text)
            right = not named or named == [link.ticket_id for link in history.tickets]
            sentence = f"the customer was told on {effect.connection}, once: {effect.text}"
            yield Claim(sentence=sentence, holds=told == 1 and right)


class AfternoonAsking(CaseAsking):
    """Asks the afternoon's stand-ins."""

    def __init__(self, them: Cast) -> None:
        """Take the stand-ins."""
        told = {MAIL: self._mailed, TEXTS: self._texted, WEBSITE: self._shown, BOT: self._called_back}
        super().__init__({DESK: DeskTickets(them.desk), CRM: CrmTickets(them.crm)}, told)
        self._them = them

    def effect(self, history: CaseHistory, view: EffectView) -> Iterable[Claim]:
        """Return what is claimed of something that a case sent out; a text must have been delivered."""
        yield from super().effect(history, view)
        if view.effect.kind is EffectKind.REPLY and view.effect.connection == TEXTS:
            yield self._delivered(view)

    def _delivered(self, view: EffectView) -> Claim:
        found = [row for row in self._them.texts.messages if row["body"] == view.effect.text]
        known = view.progress is not None and view.progress.state is DeliveryState.DELIVERED
        there = [row["status"] for row in found] == [DeliveryState.DELIVERED.value]
        return Claim(sentence="it was delivered, and the carrier's report reached the case", holds=known and there)

    def _mailed(self, history: CaseHistory, effect: Effect) -> int:
        customer = history.case.customer
        mails = self._them.mail.received_by(customer.value) if customer is not None else []
        return sum(1 for raw in mails if effect.text in text_of(raw))

    def _texted(self, history: CaseHistory, effect: Effect) -> int:
        customer = history.case.customer
        return sum(
            1
            for row in self._them.texts.messages
            if row["direction"] == _SENT
            and row["body"] == effect.text
            and customer is not None
            and row["to"].endswith(customer.value)
        )

    def _shown(self, history: CaseHistory, effect: Effect) -> int:
        customer = history.case.customer
        shown = self._them.website.visitor(customer.name).texts() if customer is not None else []
        return shown.count(effect.text)

    def _called_back(self, history: CaseHistory, effect: Effect) -> int:  # noqa: ARG002 (one shape for all channels)
        return sum(1 for told in self._them.bot.replies.values() if told["text"] == effect.text)


def text_of(raw: bytes) -> str:
    """Return the text of a mail, its lines put together."""
    part = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    return " ".join(str(part.get_content()).split()) if part is not None else ""
