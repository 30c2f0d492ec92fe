"""Policy tests as values: what `[[policy_test]]` tables say, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model import Activity, Mode
from routing.outside import Outside

#: A line and a column, from 1.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be so after an event: only what is named is looked at."""

    #: What is expected, by the key of `routing.policy_tests.schema.EXPECT`.
    wanted: Mapping[str, object]
    #: Where each stands in the file.
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happens in a test, or time that passes."""

    #: Line of it in the file.
    line: int
    #: What happens; its ids and instants are given when it is played. None when time passes or a notice's button is pressed.
    activity: Activity | None = None
    #: Action of the button that is pressed on the newest notice, empty when none is.
    press: str = ""
    #: The name of who presses it.
    name: str = ""
    #: The name of the policy's agent who presses it, empty for somebody whom it does not name.
    actor: str = ""
    #: Microseconds that pass.
    wait: int | None = None
    #: The instant until which time passes, UTC microseconds.
    until: int | None = None
    #: How often it happens.
    times: int = 1
    #: What must be so afterwards.
    expect: Expectation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One policy test."""

    #: Its name, unique within its file.
    name: str
    #: The file it stands in.
    file: str
    #: Line of it there.
    line: int
    #: When it begins, UTC microseconds.
    at: int
    #: Fields of the case that are so before the first event.
    case: Mapping[str, object] = field(default_factory=dict[str, object])
    #: How far connections may go, by name; those that are not named are live.
    modes: Mapping[str, Mode] = field(default_factory=dict[str, Mode])
    #: Connections that take nothing: every write to them is given up.
    down: frozenset[str] = frozenset()
    #: What is known of the customer, and of the agents.
    outside: Outside = field(default_factory=Outside)
    #: What happens, in order.
    events: tuple[Event, ...]
