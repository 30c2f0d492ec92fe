"""What a case keeps of the policy's precautions: that it is sensitive, and escalations that wait for it to solve itself."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

#: Name of the tag with which an agent says that a case is not sensitive any more.
LIFT: Final = "not_sensitive"


class Private(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Where a sensitive case is kept, and what a person said of it."""

    #: The group that its tickets stand in, by the helpdesk's name; empty while it is not sensitive.
    group: str = ""
    #: Connections whose ticket was sent to the group.
    placed: tuple[str, ...] = ()
    #: Sensitivities that a person lifted: they do not mark the case again.
    lifted: tuple[str, ...] = ()
    #: True while the ticket carries the tag that lifted one: the tag counts once.
    tagged: bool = False


class Suspended(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An escalation that waits: it comes when the case has not solved itself by then."""

    #: The rule.
    rule: str
    #: When it matched, and when it escalates, UTC microseconds.
    matched_at: int
    due_at: int
    #: The agent whose doing it is about, the action and its amount, as an episode keeps them.
    actor: str = ""
    action: str = ""
    amount: float | None = None


#: Of a case that is not sensitive, and never was.
NOT_PRIVATE: Final = Private()
