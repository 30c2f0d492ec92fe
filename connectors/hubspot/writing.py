"""The steps of a handoff in HubSpot. Blocking: they run in the connection's threads.

A new ticket takes several writes: contact, ticket, association, note. HubSpot keeps the ticket single by its unique external id;
the association is idempotent by nature; the note comes last and carries our key. So a note with the key proves that all of it
was done, and where the note is missing every step can be taken again without making anything twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from connectors.hubspot import events, tickets
from connectors.hubspot.crm import BATCH, Crm
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.tickets import Upload
from gateway.sdk import ForeignId, Handoff, Mode, PermanentFailure, Receipt, TicketStatus, proven_address

#: States in which nobody works on a ticket any more.
OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
#: The newest notes of a ticket that are looked through for ours.
_NOTES: Final = 1_000


class Desk:
    """Writes handoffs onto tickets of one account."""

    def __init__(self, crm: Crm, settings: HubSpotSettings) -> None:
        """Take the account's records and the settings."""
        self._crm = crm
        self._settings = settings

    def landed(self, handoff: Handoff) -> Receipt | None:
        """Return the receipt of a handoff that was written whole; None when it was not."""
        ticket_id = handoff.ticket_id or self._ticket_of(handoff)
        note_id = self._note_of(ticket_id, handoff.key) if ticket_id else None
        return self._receipt(handoff, ticket_id, note_id) if ticket_id and note_id else None

    def ticket(self, handoff: Handoff) -> str:
        """Have a ticket stand for the handoff, with its contact and what rules set; return its id."""
        owner = self._owner(handoff)
        if handoff.ticket_id is not None:
            made = {**self._reopened(handoff), **tickets.changes(handoff, self._settings, owner)}
            if made:
                self._crm.update("tickets", handoff.ticket_id, made)
            return handoff.ticket_id
        ticket_id = self._ticket_of(handoff)
        contact_id = self._contact(handoff)
        if ticket_id is None:
            # Not a plain creation: when an earlier attempt lands at this moment, both are one ticket.
            ticket_id = self._crm.upsert(
                "tickets",
                self._settings.external_id_property,
                handoff.external_id,
                tickets.new_ticket(handoff, self._settings, owner),
            )
        if contact_id:
            self._crm.associate("tickets", ticket_id, "contacts", contact_id)
        return ticket_id

    def note(self, handoff: Handoff, ticket_id: str, at: int, uploads: Sequence[Upload]) -> Receipt:
        """Write the note, with its files; it is what proves the handoff."""
        shown = tickets.without_published(handoff, self._settings)
        folder = tickets.folder_of(handoff)
        files = [self._crm.upload(folder, each.name, each.content) for each in uploads]
        note_id = self._crm.create("notes", tickets.note(shown, at, files), to=[(ticket_id, tickets.NOTE_TO_TICKET)])
        return self._receipt(handoff, ticket_id, note_id)

    def _reopened(self, handoff: Handoff) -> dict[str, str]:
        """Return the stage in which a ticket that is over is open again, when its customer is back; nothing otherwise."""
        if not handoff.reopen or handoff.mode is not Mode.LIVE or handoff.ticket_id is None:
            return {}
        found = self._crm.get("tickets", handoff.ticket_id, ["hs_pipeline", "hs_pipeline_stage"])
        has = (found or {}).get("properties") or {}
        if self._settings.stages.get(str(has.get("hs_pipeline_stage"))) not in OVER:
            return {}
        pipeline = next((each for each in self._crm.pipelines() if str(each["id"]) == str(has.get("hs_pipeline"))), {})
        stage = tickets.open_stage(pipeline, self._settings.stages)
        if stage is None:
            raise PermanentFailure(
                f"Ticket {handoff.ticket_id} is to be opened again, and no stage of its pipeline means open or new: say under"
                " stages what each stage of that pipeline means, then send this again."
            )
        return {"hs_pipeline_stage": stage}

    # --- finding what is there ---------------------------------------------------------------------------------------
    def _ticket_of(self, handoff: Handoff) -> str | None:
        name = self._settings.external_id_property
        found = self._crm.get("tickets", handoff.external_id, [name], by=name)
        return str(found["id"]) if found is not None else None

    def _note_of(self, ticket_id: str, key: str) -> str | None:
        found = self._crm.associated("tickets", [ticket_id], "notes").get(ticket_id, [])
        for ids in _chunks(found[-_NOTES:]):
            for each in self._crm.read("notes", ids, ["hs_note_body"]):
                if tickets.key_of(str(each["properties"].get("hs_note_body") or "")) == key:
                    return str(each["id"])
        return None

    def _contact(self, handoff: Handoff) -> str:
        """Return the id of the customer's contact, which is made when that is wanted; empty for nobody that is proven."""
        party = handoff.requester
        if party is not None and party.kind == "hubspot_contact":
            return party.value
        address = proven_address(party)
        if party is None or not address:
            return ""
        # By the address itself: the search lags, and would have a second contact made.
        found = self._crm.get("contacts", address, ["email"], by="email")
        if found is not None:
            return str(found["id"])
        if not self._settings.create_contacts:
            return ""
        return self._crm.create_contact(tickets.contact_properties(party, address))

    def _owner(self, handoff: Handoff) -> str | None:
        """Return the number of the owner whom the handoff names: its assignee, or a group that is one.

        Empty for nobody, None to leave who has it. Raises PermanentFailure when there is no such owner.
        """
        if handoff.mode is not Mode.LIVE:
            return None
        if handoff.assignee:
            return self._number(
                handoff.assignee, "an agent's id is an owner's number or e-mail address. Mend the policy."
            )
        group = "" if self._settings.group_property else handoff.group.strip()
        if not group:
            return handoff.assignee
        return self._number(
            group,
            "a rule's group is an owner's number or e-mail address, unless group_property"
            " names the ticket property that holds your groups. Mend the rule or the settings.",
        )

    def _number(self, owner: str, otherwise: str) -> str:
        if owner.isascii() and owner.isdigit():
            return owner
        if "@" in owner:
            for each in self._crm.owners(email=owner):
                return str(each["id"])
        raise PermanentFailure(f"HubSpot has no owner {owner!r}: {otherwise}")

    def _receipt(self, handoff: Handoff, ticket_id: str, note_id: str) -> Receipt:
        ticket, note = ForeignId(kind="ticket", id=ticket_id), ForeignId(kind="note", id=note_id)
        return Receipt(
            ids=(note, ticket) if handoff.ticket_id is not None else (ticket, note),
            ticket_id=ticket_id,
            url=tickets.ticket_page(self._settings.portal_id, ticket_id),
            thread=events.thread_of(ticket_id),
        )


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield the ids in batches, the newest first."""
    newest_first = list(reversed(ids))
    for start in range(0, len(newest_first), BATCH):
        yield newest_first[start : start + BATCH]
