"""Ways to break what the afternoon claims, one by one, at the vendors and in what was written down."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gateway.demo.afternoon.cast import (
    BOT,
    CARD,
    CRM,
    DESK,
    MAIL,
    MALLORY,
    NORA_NUMBER,
    TEXTS,
    WEBSITE,
    Afternoon,
    Cast,
)
from gateway.demo.world import World
from gateway.model import altered


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    world: World
    told: Afternoon
    them: Cast

    def ticket(self, subject: str) -> Any:
        return next(each for each in self.them.desk.account.tickets.values() if each.subject.startswith(subject))

    def record(self, subject: str) -> Any:
        found = self.them.crm.portal.records["tickets"].values()
        return next(each for each in found if each.properties.get("subject", "").startswith(subject))

    def note(self, subject: str) -> Any:
        number = self.them.crm.portal.linked("tickets", self.record(subject).id, "notes")[0]
        return self.them.crm.portal.records["notes"][number]

    def case(self, subject: str) -> str:
        return next(each.id for each in self.world.gateway.store.cases(100) if each.subject.startswith(subject))


#: Another value, or what makes one of the old.
Value: TypeAlias = "str | int | Callable[[Any], Any]"
Breaking: TypeAlias = Callable[[Played], AbstractContextManager[None]]


# --- ways to break it ----------------------------------------------------------------------------------------------------
def item(find: Callable[[Played], Any], key: Any, value: Value) -> Breaking:
    """Put another value into a dictionary or a list; at the end the old one is there again."""

    @contextmanager
    def broken(played: Played) -> Generator[None]:
        held = find(played)
        before = held[key]
        held[key] = value(before) if callable(value) else value
        try:
            yield
        finally:
            held[key] = before

    return broken


def field(find: Callable[[Played], Any], name: str, value: Value) -> Breaking:
    """Put another value into an attribute."""

    @contextmanager
    def broken(played: Played) -> Generator[None]:
        held = find(played)
        before = getattr(held, name)
        setattr(held, name, value(before) if callable(value) else value)
        try:
            yield
        finally:
            setattr(held, name, before)

    return broken


def told(played: Played) -> Afternoon:
    return played.told


def properties(subject: str) -> Callable[[Played], Any]:
    return lambda played: played.record(subject).properties


def again(texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*texts, *(each for each in texts if each["direction"] == "outbound-api")]


def another(tickets: dict[Any, Any]) -> dict[Any, Any]:
    """Return tickets with a double of the first."""
    return {**tickets, "99999" if isinstance(next(iter(tickets)), str) else 99_999: next(iter(tickets.values()))}


def emptied(notes: dict[str, Any]) -> dict[str, Any]:
    return {
        number: replace(note, properties={**note.properties, "hs_note_body": "<p>nothing</p>"})
        for number, note in notes.items()
    }


def without_replies(visitor: Any) -> dict[str, Any]:
    return {key: line for key, line in visitor.items() if "reference" not in line["text"]}


def with_word(comment: str, word: str) -> str:
    return f"{comment}\n{word}"


class Lying:
    """A store that tells another story than happened."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def history(self, case: str) -> Any:
        told = self._store.history(case)
        activities = tuple(
            replace(each, trace={"result": "none"}, activity=altered(each.activity, bot=None))
            for each in told.activities
        )
        return replace(told, activities=activities)

    def accounts(self) -> Any:
        told = self._store.accounts()
        return replace(told, activities=told.activities + 1)

    def verify_audit(self) -> int:
        return 1


NAMES = frozenset({MAIL, TEXTS, WEBSITE, BOT, DESK, CRM, "calls", "Second", "line", "Billing"})
NORAS = "Where is my parcel 4711? It should have been here on Monday."
LATER = "This is Nora"

#: Cases whose ids are known only once the story was played: an adopted ticket's, and one without a ticket.
ADOPTED: list[str] = []

#: What is broken, and parts of the claims that must not hold then.
BROKEN: dict[str, tuple[Breaking, tuple[str, ...]]] = {
    "a second ticket in the helpdesk": (
        field(lambda played: played.them.desk.account, "tickets", another),
        ("ticket zendesk #1001 was made for it, and no other", "tickets in zendesk belongs to exactly one case"),
    ),
    "a second ticket in the CRM": (
        item(lambda played: played.them.crm.portal.records, "tickets", another),
        ("ticket hubspot #40001 was made for it, and no other", "tickets in hubspot belongs to exactly one case"),
    ),
    "a ticket that somebody deleted": (
        field(
            lambda played: played.them.desk.account,
            "tickets",
            lambda all_: {n: t for n, t in all_.items() if n != 1001},
        ),
        ("ticket zendesk #1001 stands there", "the handoff by rule writer-wants-person stands in zendesk once"),
    ),
    "a note that customers can read": (
        item(lambda played: played.ticket("Bill 88").comments[0], "public", True),
        ("nothing of what Baton wrote there is public",),
    ),
    "a ticket that is for Baton's own user": (
        field(lambda played: played.ticket("Bill 88"), "requester_id", 4_001),
        ("what agents answer there goes to pia@customer.example",),
    ),
    "a ticket for an address that nobody proved": (
        field(lambda played: played.ticket("What did you"), "requester_id", 4_001),
        ("what agents answer there goes to no address",),
    ),
    "words that never arrived in the helpdesk": (
        item(lambda played: played.ticket("Bill 88").comments[0], "body", "nothing"),
        ("all that was said on every channel stands on it (1 of 1)",),
    ),
    "words that never arrived in the CRM": (
        item(lambda played: played.note(LATER).properties, "hs_note_body", "<p>nothing</p>"),
        ("caller-wants-person stands in hubspot once",),
    ),
    "notes without words in the CRM": (
        item(lambda played: played.them.crm.portal.records, "notes", emptied),
        ("all that was said on every channel stands on it (3 of 3)", "caller-wants-manager stands in hubspot once"),
    ),
    "another group": (
        field(lambda played: played.ticket("Bill 88"), "group_id", 501),
        ("in group Second line, priority P2, tags billing",),
    ),
    "another priority": (
        item(properties(LATER), "hs_ticket_priority", "LOW"),
        ("in group Second line, priority P2, tags caller, manager",),
    ),
    "a tag less": (
        field(lambda played: played.ticket("Bill 88"), "tags", lambda _: []),
        ("in group Billing, priority P2, tags billing",),
    ),
    "a mail that was sent twice": (
        field(lambda played: played.them.mail, "posted", lambda posted: posted * 2),
        ("the customer was told on mail, once", "nothing was sent to mallory"),
    ),
    "a mail to a stranger": (
        field(lambda played: played.them.mail, "posted", lambda posted: [*posted, ("us", MALLORY, b"")]),
        ("nothing was sent to mallory",),
    ),
    "texts that were sent twice": (
        field(lambda played: played.them.texts, "messages", again),
        ("the customer was told on texts, once", "no text went to her", "it was delivered"),
    ),
    "a text that the carrier still holds": (
        item(
            lambda played: next(
                e for e in played.them.texts.messages if e["to"] == NORA_NUMBER and e["direction"] != "inbound"
            ),
            "status",
            "sent",
        ),
        ("it was delivered, and the carrier's report reached the case",),
    ),
    "a STOP that the carrier does not know": (
        field(lambda played: played.them.texts, "stopped", lambda _: set[Any]()),
        ("no text went to her",),
    ),
    "a reply that the visitor never saw": (
        field(lambda played: played.them.website.visitor("Vera"), "shown", without_replies),
        ("the customer was told on website, once",),
    ),
    "a reply that the bot never had": (
        field(lambda played: played.them.bot, "replies", lambda _: {}),
        ("the customer was told on shop-bot, once",),
    ),
    "Nora's words on another's ticket": (
        item(lambda played: played.ticket("What did you").comments[0], "body", lambda body: with_word(body, NORAS)),
        ("things said in Nora's case stands on another ticket",),
    ),
    "Nora's words at the bot": (
        item(lambda played: next(iter(played.them.bot.replies.values())), "text", NORAS),
        ("things said in Nora's case stands on another ticket", "the customer was told on shop-bot"),
    ),
    "a card number in the helpdesk": (
        item(lambda played: played.ticket("Bill 88").comments[0], "body", lambda body: with_word(body, CARD)),
        ("a card number that came by mail",),
    ),
    "a card number in the CRM": (
        item(
            lambda played: played.note(LATER).properties,
            "hs_note_body",
            lambda body: with_word(body, CARD.replace(" ", "")),
        ),
        ("a card number that came by mail",),
    ),
    "an adopted ticket and one of our own beside it": (
        field(lambda played: played.ticket("Bill 88"), "external_id", lambda _: f"baton:{ADOPTED[0]}"),
        ("it is ticket zendesk #1005, which was there already",),
    ),
    "a ticket for a case that none was made for": (
        field(lambda played: played.ticket("Bill 88"), "external_id", lambda _: f"baton:{ADOPTED[1]}"),
        ("no ticket was made for it in either CRM",),
    ),
    "files that were changed on their way to the helpdesk": (
        field(
            lambda played: played.them.desk.account, "files", lambda files: {n: body[:-1] for n, body in files.items()}
        ),
        ("the bill stands in zendesk byte for byte",),
    ),
    "files that were changed on their way to the CRM": (
        field(
            lambda played: played.them.crm.portal,
            "files",
            lambda files: {n: {**file, "content": b"x"} for n, file in files.items()},
        ),
        ("the voicemail stands in hubspot byte for byte", "the picture stands in hubspot byte for byte"),
    ),
    "a caller who was not warned": (
        field(lambda played: played.told.call, "heard", lambda _: []),
        ("her voicemail would be recorded",),
    ),
    "an agent who never answered": (
        item(lambda played: played.ticket("Parcel 4711").comments[-1], "body", "Later."),
        ("an agent answered Nora",),
    ),
    "a forgery that got in": (
        item(lambda played: played.told.refused, "changed body to texts", 200),
        ("changed body to texts: answered 200",),
    ),
    "an impostor who was heard": (
        item(lambda played: played.told.turned_away, "forged identity at website", True),
        ("forged identity at website",),
    ),
    "a repetition that was refused": (
        item(lambda played: played.told.repeated[BOT], 0, 503),
        ("genuine requests", "deliveries accepted"),
    ),
    "a delivery that was acknowledged and lost": (
        item(lambda played: played.world.answers, TEXTS, lambda answers: [*answers, 200]),
        ("deliveries accepted on",),
    ),
    "a mail that was never taken": (
        field(lambda played: played.them.mail.folders["INBOX"], "mails", lambda mails: [*mails, mails[0]]),
        ("deliveries accepted on",),
    ),
    "forgeries that all got in": (
        field(told, "refused", lambda refused: dict.fromkeys(refused, 200)),
        ("forged signature to hubspot: answered 200", "no signature to calls: answered 200"),
    ),
    "a widget on another site that was heard": (
        field(told, "turned_away", lambda tried: dict.fromkeys(tried, True)),
        ("widget on another site",),
    ),
    "a store that tells another story": (
        field(lambda played: played.world.gateway, "_store", Lying),
        (
            "writes of Baton's own came back",
            "an out-of-office answer came",
            "our reply to Pia bounced",
            "the bot was unsure",
            "unaccounted: ",
            "chain of hashes",
        ),
    ),
    "a case that is missing": (
        field(told, "expected", lambda expected: [*expected, expected[0]]),
        ("cases, and no other",),
    ),
    "rubbish that left nothing": (
        field(told, "rubbish", 3),
        ("what nobody can read",),
    ),
}
