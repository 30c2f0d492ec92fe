"""People as operators see them: values that come out of the store."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """How one connection knows somebody. Each is a contact of its own; links make several one person."""

    #: The contact that it is.
    contact: str
    connection: str
    #: Kind, value, name and evidence; the e-mail address that was given along, when one was.
    party: Party
    #: False for what was only claimed.
    proven: bool
    #: When it was last seen at the begin of a thread (numbers: at any message), UTC microseconds.
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Two contacts that must never be one person, because an operator said so."""

    contact: str
    other: str
    actor: str
    reason: str
    separated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    """A person: all contacts that are linked, with what they are known by and their cases."""

    #: The contact that the others are linked into.
    id: str
    created_at: int
    identifiers: tuple[Identifier, ...]
    #: Contact and the one that it is linked into.
    links: tuple[tuple[str, str], ...]
    #: Cases that began with one of the contacts, oldest first.
    cases: tuple[str, ...]
    #: Whom they must never be one with.
    separations: tuple[Separation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Two contacts that may be one person, for an operator to decide."""

    id: int
    contact: str
    other: str
    #: A sentence without what people wrote.
    reason: str
    created_at: int
    #: ``open``, ``accepted`` or ``rejected``.
    state: str
    #: Who decided, empty while open.
    actor: str
    decided_at: int | None
