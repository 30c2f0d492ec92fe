"""The policy as values: what `escalation.toml` says, checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Channel, Mode, Priority
from routing.compiling import Condition, Matcher
from routing.phrases import PhraseBook
from routing.signals.sentiment import Scorer


class Act(StrEnum):
    """What a rule does when it matches."""

    ESCALATE = "escalate"
    MIRROR = "mirror"
    NONE = "none"


class EscalationType(StrEnum):
    """The four types of escalation."""

    FUNCTIONAL = "functional"
    HIERARCHICAL = "hierarchical"
    AUTOMATED = "automated"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFacts:
    """What routing knows of a connection."""

    #: Its name in `plugins.toml`.
    name: str
    #: The kind of channel it is switched on for.
    channel: Channel
    #: How far it may go.
    mode: Mode
    #: What it can do: ``handoff``, ``reply``, ``notify``.
    roles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes: a connection, and a place within it."""

    connection: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a matching rule sets."""

    priority: Priority | None = None
    group: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    id: str
    type: EscalationType | None
    act: Act
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    catch_all: bool
    goes_on: bool
    mode: Mode
    set: Settings
    #: Connection to mirror into; empty unless `act` is mirror.
    target: str
    #: Ladder to climb; empty unless `act` is escalate.
    ladder: str
    #: Text to the customer once the handoff stands, empty for none.
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a ladder's step or its end goes, and who is told."""

    target: Address
    notify: tuple[Address, ...]
    #: Microseconds within which somebody must have taken it; None at the end of the ladder.
    ack_within: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Who is told in what order until somebody takes the case."""

    id: str
    steps: tuple[Stage, ...]
    final: Stage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """A whole policy, by the hash of its text."""

    digest: str
    source: str
    rules: tuple[Rule, ...]
    by_id: Mapping[str, Rule]
    ladders: Mapping[str, Ladder]
    phrases: Mapping[str, tuple[str, ...]]
    book: PhraseBook
    match: Matcher
    #: True when a condition looks into the text, so that it must be made canonical.
    reads_text: bool
    #: The fields that conditions read.
    reads: frozenset[str]
    #: Scorers of sentiment by language, which the policy brings.
    lexicons: Mapping[str, Scorer]
