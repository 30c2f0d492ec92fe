"""What the story needs of the two stand-ins: what people do there, and what can be asked afterwards."""

from __future__ import annotations

from typing import Any, Protocol


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

    def notes_with_key(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        ...

    def ticket(self, ticket_id: int) -> Any:
        """Return a ticket."""
        ...
