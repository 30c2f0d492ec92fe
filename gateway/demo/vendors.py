"""What the stories need of the stand-ins: what people do there, and what can be asked afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable


class Webhooks(Protocol):
    """Requests that wait to be sent."""

    waiting: list[Any]

    async def send(self, url: str) -> list[int]:
        """Send what waits; return the answers' statuses."""
        ...


class Chat(Protocol):
    """A workspace with people in it."""

    url: str
    webhooks: Webhooks

    def person_writes(
        self, user: str, text: str, *, channel: str = ..., thread: str | None = ..., name: str = ...
    ) -> str:
        """Have somebody write; return the message's time stamp."""
        ...

    def person_edits(self, channel: str, stamp: str, text: str) -> None:
        """Have somebody edit their message."""
        ...

    def person_deletes(self, channel: str, stamp: str) -> None:
        """Have somebody delete their message."""
        ...

    def bot_writes(self, name: str, text: str, *, channel: str = ...) -> None:
        """Have another bot write."""
        ...

    def person_presses(
        self, user: str, action: str, *, channel: str, stamp: str, value: str = ..., label: str = ..., name: str = ...
    ) -> None:
        """Have somebody press a button of a message."""
        ...

    def agent_acknowledges(self, user: str, message: dict[str, Any], channel: str, *, name: str = ...) -> None:
        """Have an agent press the first button of a notice."""
        ...

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Return what stands in a channel, oldest first."""
        ...

    def posts_with_key(self, key: str) -> int:
        """Return how many messages carry one of Baton's keys."""
        ...


class Ticket(Protocol):
    """A ticket as the helpdesk holds it."""

    id: int
    subject: str
    status: str
    priority: str | None
    group_id: int | None
    external_id: str | None
    via: str
    tags: list[str]
    comments: list[dict[str, Any]]


class Account(Protocol):
    """What a helpdesk holds."""

    own_user: int
    groups: dict[int, str]
    tickets: dict[int, Any]
    users: dict[int, dict[str, Any]]
    organizations: dict[int, dict[str, Any]]
    files: dict[int, bytes]

    def user(self, name: str, email: str, role: str = ...) -> int:
        """Return the user of an address; make it when there is none."""
        ...


class Helpdesk(Protocol):
    """A helpdesk with customers and agents in it."""

    url: str
    webhooks: Webhooks
    account: Account

    def customer_writes(self, name: str, subject: str, text: str, *, via: str = ...) -> int:
        """Have a customer open a ticket; return its id."""
        ...

    def customer_adds(self, ticket_id: int, text: str) -> None:
        """Have the customer write again."""
        ...

    def agent_comments(self, ticket_id: int, text: str, *, name: str = ..., public: bool = ...) -> None:
        """Have an agent answer, or write an internal note."""
        ...

    def agent_sets_status(self, ticket_id: int, status: str, *, name: str = ...) -> None:
        """Have an agent change a ticket's state."""
        ...

    def agent_tags(self, ticket_id: int, tag: str, *, name: str = ...) -> None:
        """Have an agent add a tag."""
        ...

    def tickets_with_external_id(self, external_id: str) -> list[int]:
        """Return the tickets that carry an external id."""
        ...

    def count(self, route: str) -> int:
        """Return how many calls of a route there were."""
        ...

    def notes_with_key(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        ...

    def ticket(self, ticket_id: int) -> Any:
        """Return a ticket."""
        ...


class Texts(Protocol):
    """Carriers of text messages, and people who write with their telephones."""

    webhooks: Webhooks
    messages: list[dict[str, Any]]
    stopped: set[tuple[str, str]]

    def person_texts(
        self, sender: str, text: str, *, to: str = ..., name: str = ..., files: Sequence[tuple[str, bytes]] = ...
    ) -> str:
        """Have somebody write to one of our numbers."""
        ...

    def carries(self) -> int:
        """Have carriers deliver what is queued, and report it."""
        ...


class Call(Protocol):
    """A call, as its caller lived it."""

    heard: list[str]
    failures: list[tuple[int, str]]


class Telephone(Protocol):
    """A telephone exchange, and people who call."""

    webhooks: Webhooks

    async def call(self, url: str, sender: str, moves: Sequence[str] = ..., *, verdict: str = ...) -> Call:
        """Have somebody call, and follow what the hook answers."""
        ...

    def call_elsewhere(self, sender: str, status: str = ..., *, seconds: int = ...) -> str:
        """Have somebody call whom another exchange answers."""
        ...


@runtime_checkable
class Mailbox(Protocol):
    """A mailbox, and people who write to it."""

    address: str
    folders: dict[str, Any]
    posted: list[tuple[str, str, bytes]]

    def mail_comes(self, raw: bytes, *, over: str = ...) -> None:
        """Have a mail come in, as it stands."""
        ...

    def received_by(self, recipient: str) -> list[bytes]:
        """Return the mails that reached a customer."""
        ...


class Visitor(Protocol):
    """Somebody with the widget before them."""

    origin: str
    identity: str

    def texts(self) -> list[str]:
        """Return what they were shown, oldest first."""
        ...


class Website(Protocol):
    """A website with the web chat on it."""

    def visitor(self, name: str) -> Visitor:
        """Return a visitor; somebody new when there is none of that name."""
        ...

    def logs_in(self, visitor: str, user: str, email: str = ...) -> None:
        """Have the site know from now on who a visitor is."""
        ...

    def visitor_writes(self, visitor: str, text: str) -> None:
        """Have a visitor write a message."""
        ...

    def visitor_presses(self, visitor: str, action: str = ..., label: str = ...) -> None:
        """Have a visitor press a button of the widget."""
        ...

    def visitor_looks(self, visitor: str) -> None:
        """Have a visitor open the widget and read."""
        ...


class Bot(Protocol):
    """A chatbot with customers of its own."""

    webhooks: Webhooks
    replies: dict[str, dict[str, Any]]

    def posts(self, told: Mapping[str, Any]) -> None:
        """Have the bot post a message."""
        ...

    def bot_says(
        self, conversation: str, text: str, customer: str = ..., confidence: float = ..., *, fallback: bool = ...
    ) -> None:
        """Have the bot say something."""
        ...

    def bot_gives_up(self, conversation: str, reason: str, customer: str = ..., skill: str = ...) -> None:
        """Have the bot ask for a person."""
        ...


class Records(Protocol):
    """What a CRM holds."""

    records: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]]
    messages: list[dict[str, Any]]

    def linked(self, kind: str, record_id: str, other: str) -> list[str]:
        """Return the ids of the records of a kind that a record is associated with."""
        ...


class Crm(Protocol):
    """A CRM with tickets, and agents in it."""

    webhooks: Webhooks
    portal: Records

    def customer_writes(self, name: str, subject: str, text: str, *, via: str = ...) -> str:
        """Have a customer open a ticket; return its id."""
        ...

    def agent_sets(self, ticket_id: str, name: str, value: str) -> None:
        """Have an agent change a property of a ticket."""
        ...

    def notes_with_key(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        ...
