"""Cases, activities and snapshots for the tests of the rules: each function makes one, with what a test does not care about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    ButtonChoice,
    Case,
    Channel,
    Decision,
    Episode,
    EpisodeState,
    Mode,
    Outcome,
    Party,
    Receipt,
    Role,
    Thread,
    TicketChange,
    TicketFacts,
    TicketLink,
    TicketStatus,
    altered,
)
from routing.decide import decide
from routing.load import load_policy
from routing.policy import ConnectionFacts, Policy
from routing.snapshot import Snapshot

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
#: The instant at which the tests play.
NOW: Final = 1_700_000_000 * SECOND

CUSTOMER: Final = Party(kind="slack_user", value="U1", name="Ada", role=Role.CUSTOMER)
AGENT: Final = Party(kind="zendesk_user", value="7", name="Grace", role=Role.AGENT)
BOT: Final = Party(kind="slack_bot", value="B9", name="Helper", role=Role.BOT)

CASE_ID: Final = "018bcfe5-6800-7000-8000-000000000001"


def connection(name: str, channel: Channel, *roles: str, mode: Mode = Mode.LIVE) -> ConnectionFacts:
    """Return what routing knows of a connection."""
    return ConnectionFacts(name=name, channel=channel, mode=mode, roles=frozenset(roles))


def connections(*, chat: Mode = Mode.LIVE, desk: Mode = Mode.LIVE) -> dict[str, ConnectionFacts]:
    """Return a chat in which agents can be told as well, and a helpdesk."""
    return {
        "chat": connection("chat", Channel.CHAT, "reply", "notify", mode=chat),
        "desk": connection("desk", Channel.HELPDESK, "handoff", "reply", "profile", mode=desk),
    }


LADDER: Final = """
[ladder.second]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
ack_within = "15m"
"""
CATCH_ALL: Final = """
[[rule]]
id = "rest"
catch_all = true
do = "none"
"""


def policy(text: str, facts: Mapping[str, ConnectionFacts] | None = None) -> Policy:
    """Read a policy."""
    return load_policy(text, "escalation.toml", connections() if facts is None else facts)


def golden(path: Path, told: str) -> str:
    """Return what a golden file holds; write it anew first when `BATON_UPDATE_GOLDENS` is set."""
    import os

    if os.environ.get("BATON_UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(told, encoding="utf-8")
    return path.read_text(encoding="utf-8")


# --- what happens ----------------------------------------------------------------------------------------------------
def activity(kind: ActivityKind, **changes: Any) -> Activity:
    """Return an activity of the customer over the chat."""
    values: dict[str, Any] = {
        "kind": kind,
        "connection": "chat",
        "thread": "C1/1",
        "dedupe": "e1",
        "occurred_at": NOW,
        "received_at": NOW,
        "channel": Channel.CHAT,
        "sender": CUSTOMER,
        "audience": Audience.PUBLIC,
    }
    return Activity(**(values | changes))


def message(text: str = "hello", **changes: Any) -> Activity:
    """Return a message of the customer."""
    return activity(ActivityKind.MESSAGE, **({"text": text, "reply_text": text, "message_id": "m1"} | changes))


def pressed(action: str, value: str = "", **changes: Any) -> Activity:
    """Return a button that the customer pressed."""
    return activity(ActivityKind.BUTTON, **({"button": ButtonChoice(action=action, value=value)} | changes))


def ticket(change: TicketChange, status: TicketStatus | None = None, **changes: Any) -> Activity:
    """Return a change of the ticket by an agent."""
    facts = TicketFacts(id="55", change=change, status=status, tags=changes.pop("tags", None))
    values = {"connection": "desk", "channel": Channel.HELPDESK, "thread": "55", "sender": AGENT, "ticket": facts}
    return activity(ActivityKind.TICKET, **(values | changes))


def answer(text: str = "On it.", **changes: Any) -> Activity:
    """Return a public answer of an agent in the helpdesk."""
    values: dict[str, Any] = {"connection": "desk", "channel": Channel.HELPDESK, "thread": "55", "sender": AGENT}
    return message(text, **(values | changes))


def timer(name: str) -> Activity:
    """Return a deadline that passed."""
    return activity(
        ActivityKind.TIMER,
        connection="baton",
        channel=None,
        sender=None,
        audience=Audience.INTERNAL,
        name=name,
        dedupe=f"timer:{name}",
    )


def outcome(effect_id: str, episode: Episode | None, *, landed: bool = True, **changes: Any) -> Activity:
    """Return what became of a handoff."""
    values: dict[str, Any] = {
        "effect_id": effect_id,
        "effect_kind": "handoff",
        "connection": "desk",
        "rule": episode.rule if episode else "",
        "episode_id": episode.id if episode else None,
        "landed": landed,
        "receipt": Receipt(ids=(), ticket_id="55", url="https://desk.example/55") if landed else None,
    }
    return activity(
        ActivityKind.OUTCOME,
        connection="baton",
        channel=None,
        sender=None,
        audience=Audience.INTERNAL,
        dedupe=f"outcome:{effect_id}",
        outcome=Outcome(**(values | changes)),
    )


# --- where a case stands ---------------------------------------------------------------------------------------------
def case(**changes: Any) -> Case:
    """Return a case that began in the chat just now."""
    values: dict[str, Any] = {
        "id": CASE_ID,
        "channel": Channel.CHAT,
        "connection": "chat",
        "opened_at": NOW,
        "last_activity_at": NOW,
    }
    return Case(**(values | changes))


def open_episode(**changes: Any) -> Episode:
    """Return an open episode of the case, on the first step of the ladder `second`."""
    values: dict[str, Any] = {
        "id": "episode-1",
        "case_id": CASE_ID,
        "rule": "help",
        "reasons": ("help",),
        "ladder": "second",
        "step": 0,
        "policy": "",
        "state": EpisodeState.OPEN,
        "opened_at": NOW,
    }
    return Episode(**(values | changes))


LINK: Final = TicketLink(connection="desk", ticket_id="55", adopted=False, url="https://desk.example/55")


def snapshot(rules: Policy, **changes: Any) -> Snapshot:
    """Return a snapshot of a new case under a policy."""
    values: dict[str, Any] = {
        "policy": rules,
        "episode_policy": None,
        "case": case(),
        "episode": None,
        "tickets": (),
        "thread": Thread(id="t1", connection="chat", key="C1/1", channel=Channel.CHAT),
        "connections": connections(),
    }
    return Snapshot(**(values | changes))


def after(before: Snapshot, decision: Decision) -> Snapshot:
    """Return the snapshot that the next activity of the case finds: a closed episode is no longer part of it."""
    episode = decision.episode
    if episode is not None and episode.state is EpisodeState.CLOSED:
        episode = None
    told = {(link.connection, link.ticket_id): link for link in (*before.tickets, *decision.tickets)}
    return altered(before, case=decision.case, episode=episode, tickets=tuple(told.values()))


def play(start: Snapshot, *activities: Activity) -> tuple[Snapshot, list[Decision]]:
    """Decide on one activity after the other; return where the case stands, and every decision."""
    decisions: list[Decision] = []
    for each in activities:
        decision = decide(start, each, each.received_at)
        decisions.append(decision)
        start = after(start, decision)
    return start, decisions
