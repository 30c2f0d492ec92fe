"""Handoffs → what is written into HubSpot: pure."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from connectors.hubspot.settings import HubSpotSettings
from gateway.sdk import Audience, Entry, File, Handoff, Mode, Party, Role, TicketStatus, altered, note_text, sla_due

#: Longest body of a note, characters (developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide).
LONGEST: Final = 65_536
#: Note → ticket, by HubSpot's own types
#: (developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide).
NOTE_TO_TICKET: Final = 228
#: Longest subject, and longest text of the ticket's description.
_SUBJECT: Final = 250
_CONTENT: Final = 20_000
#: Longest message in a conversation.
_MESSAGE: Final = 10_000

_MARKER: Final = "Baton reference "
_MARKED: Final = re.compile(_MARKER + r"([A-Za-z0-9_.:-]{1,100})\s*\Z")
#: The end of a note, in which our reference stands.
_TAIL: Final = 1_000
_TAG: Final = re.compile(r"<[^>]*>")
_UNFIT: Final = re.compile(r"[^\w.() -]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file with its bytes, on its way into HubSpot's file store."""

    #: Its name there: unique for its content, so that uploading it again replaces it by itself.
    name: str
    #: The bytes, an open file.
    content: BinaryIO


# --- the ticket ------------------------------------------------------------------------------------------------------
def new_ticket(handoff: Handoff, settings: HubSpotSettings, owner: str | None) -> dict[str, str]:
    """Return the properties of a new ticket, without the external id."""
    made = {
        "subject": handoff.subject[:_SUBJECT] or "(no subject)",
        "hs_pipeline": settings.pipeline,
        "hs_pipeline_stage": settings.new_stage,
        **changes(altered(handoff, mode=Mode.LIVE), settings, owner),
    }
    first = next((entry for entry in _transcript(handoff) if _of_customer(entry) and entry.text), None)
    if first is not None:
        made.setdefault("content", first.text[:_CONTENT])
    if handoff.tags and settings.tag_property:
        made[settings.tag_property] = ";".join(handoff.tags)
    return made


def changes(handoff: Handoff, settings: HubSpotSettings, owner: str | None) -> dict[str, str]:
    """Return the properties that rules set on a ticket; none unless everything may be written.

    An `owner` is a number, empty for nobody, None to leave who has it.
    """
    if handoff.mode is not Mode.LIVE:
        return {}
    made = dict(handoff.fields)
    if handoff.priority is not None:
        made["hs_ticket_priority"] = settings.priorities[handoff.priority]
    if handoff.group and settings.group_property:
        made[settings.group_property] = handoff.group
    if owner is not None:
        made["hubspot_owner_id"] = owner
    due = sla_due(handoff)
    if settings.sla_due_property and due is not None:
        made[settings.sla_due_property] = due
    if handoff.tags and settings.tag_property:
        # A leading semicolon adds to what is ticked, instead of replacing it.
        made[settings.tag_property] = "".join(f";{tag}" for tag in handoff.tags)
    return made


def open_stage(pipeline: Mapping[str, Any], stages: Mapping[str, TicketStatus]) -> str | None:
    """Return the stage of a pipeline in which agents work: the first that means open, else the first that means new."""
    meant = [(stages.get(str(each.get("id"))), str(each.get("id"))) for each in pipeline.get("stages") or ()]
    for wanted in (TicketStatus.OPEN, TicketStatus.NEW):
        for status, stage in meant:
            if status is wanted:
                return stage
    return None


# --- the customer ----------------------------------------------------------------------------------------------------
def contact_properties(party: Party, address: str) -> dict[str, str]:
    """Return the properties of a new contact."""
    first, _, last = party.name.strip().partition(" ")
    made = {"email": address, "firstname": first, "lastname": last.strip()}
    return {name: value for name, value in made.items() if value}


# --- the note --------------------------------------------------------------------------------------------------------
def note(handoff: Handoff, at: int, files: Sequence[str] = ()) -> dict[str, str]:
    """Return the properties of the note, written at an instant (UTC microseconds) with the ids of uploaded files."""
    made = {"hs_timestamp": stamp(at), "hs_note_body": note_html(handoff)}
    if files:
        made["hs_attachment_ids"] = ";".join(files)
    return made


def note_html(handoff: Handoff) -> str:
    """Return the note as HTML with our reference at its end, by which it is found again: notes have no key.

    It stands there as a visible line, since HubSpot may clean comments and attributes away.
    """
    longest = LONGEST - 1_000
    while True:
        body = _paragraphs(note_text(handoff, longest))
        if len(body) <= LONGEST - 200:
            return f"{body}<p>{_MARKER}{html.escape(handoff.key)}</p>"
        longest = longest * 2 // 3


def key_of(body: str) -> str:
    """Return our key at the end of a note's body; empty when there is none. What customers wrote stands before it."""
    found = _MARKED.search(html.unescape(_TAG.sub("", body[-_TAIL:])))
    return found[1] if found is not None else ""


def _paragraphs(text: str) -> str:
    """Return plain text as HTML: nothing that somebody wrote becomes a tag."""
    return "".join(f"<p>{_lines(part)}</p>" for part in text.split("\n\n") if part.strip())


def _lines(text: str) -> str:
    return "<br>".join(_indented(line) for line in text.split("\n"))


def _indented(line: str) -> str:
    rest = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(rest)) + html.escape(rest, quote=False)


# --- the conversation ------------------------------------------------------------------------------------------------
def messages(handoff: Handoff, settings: HubSpotSettings) -> list[dict[str, Any]]:
    """Return what the customer said in public as messages for the custom channel, oldest first; none unless it is set up.

    Each carries a key of its content: whether a line comes with a packet or alone, HubSpot takes it once.
    """
    if not settings.channel_id or handoff.mode is not Mode.LIVE:
        return []
    return [_message(entry, handoff, settings) for entry in _transcript(handoff) if _published(entry)]


def without_published(handoff: Handoff, settings: HubSpotSettings) -> Handoff:
    """Return the handoff as its note shows it: what stands in the conversation is not repeated line by line."""
    if not settings.channel_id or handoff.mode is not Mode.LIVE:
        return handoff
    kept = tuple(entry for entry in handoff.entries if not _published(entry))
    if kept or handoff.packet is not None or not handoff.entries:
        return altered(handoff, entries=kept)
    last = handoff.entries[-1]
    told = altered(last, text="The customer wrote; it stands in the conversation.", files=())
    return altered(handoff, entries=(told,))


def _message(entry: Entry, handoff: Handoff, settings: HubSpotSettings) -> dict[str, Any]:
    name = entry.author.name or "Customer"
    sender = {
        "name": name,
        "deliveryIdentifier": {
            "type": "CHANNEL_SPECIFIC_OPAQUE_ID",
            "value": f"{entry.author.kind}:{entry.author.value}",
        },
    }
    return {
        "text": entry.text[:_MESSAGE],
        "messageDirection": "INCOMING",
        "integrationThreadId": handoff.external_id,
        "integrationIdempotencyId": message_key(handoff.case_id, entry),
        "channelAccountId": settings.channel_account_id,
        "senders": [sender],
        "recipients": [],
        "attachments": [],
        "timestamp": stamp(entry.occurred_at),
    }


def message_key(case_id: str, entry: Entry) -> str:
    """Return the key under which HubSpot takes a message once."""
    said = "\n".join((case_id, str(entry.occurred_at), entry.author.kind, entry.author.value, entry.text))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _transcript(handoff: Handoff) -> Iterable[Entry]:
    seen: set[str] = set()
    for entry in (*(handoff.packet.transcript if handoff.packet is not None else ()), *handoff.entries):
        key = message_key(handoff.case_id, entry)
        if key not in seen:
            seen.add(key)
            yield entry


def _of_customer(entry: Entry) -> bool:
    return entry.author.role is Role.CUSTOMER and entry.audience is Audience.PUBLIC


def _published(entry: Entry) -> bool:
    return _of_customer(entry) and bool(entry.text.strip()) and not entry.files


# --- files -----------------------------------------------------------------------------------------------------------
def upload_name(file: File) -> str:
    """Return the file's name in HubSpot: its content's hash keeps two of one name apart and one sent twice together."""
    name = _UNFIT.sub("_", file.name).strip(". ") or "file"
    return f"{file.sha256[:12]}-{name[-100:]}"


def folder_of(handoff: Handoff) -> str:
    """Return the folder of a case's files."""
    return f"/baton/{_UNFIT.sub('_', handoff.case_id)}"


# --- small things ----------------------------------------------------------------------------------------------------
def stamp(at: int) -> str:
    """Return an instant (UTC microseconds) as HubSpot wants it."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def ticket_page(portal_id: int, ticket_id: str) -> str:
    """Return the ticket's page for agents."""
    return f"https://app.hubspot.com/contacts/{portal_id}/record/0-5/{ticket_id}"


def names_of(mapping: Mapping[str, Any]) -> str:
    """Return a record's name of a person: first and last."""
    return " ".join(str(mapping.get(key) or "") for key in ("firstname", "lastname")).strip()
