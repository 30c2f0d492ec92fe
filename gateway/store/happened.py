"""What a batch did to each single thing, for the log: ids and words of ours, never what somebody wrote."""

from __future__ import annotations

from typing import NamedTuple


class Parsed(NamedTuple):
    """An activity that came out of a delivery."""

    activity_id: int
    delivery_id: int
    connection: str
    kind: str


class Decided(NamedTuple):
    """An activity that was decided."""

    activity_id: int
    case_id: str
    connection: str
    kind: str
    #: What came of it, the word of the trace.
    result: str
    #: The rule that decided, empty when none did.
    rule: str


class Buried(NamedTuple):
    """A new dead letter."""

    #: ``delivery``, ``event``, ``activity`` or ``effect``.
    kind: str
    ref: str
    connection: str
    #: Empty when it is of no case yet.
    case_id: str
    reason: str
