"""Words that the store's tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.model import (
    Activity,
    ActivityKind,
    Channel,
    Decision,
    Effect,
    EffectKind,
    Episode,
    EpisodeState,
    Mode,
    Party,
    TicketChange,
    TicketFacts,
    Timer,
    Trace,
    altered,
    count_in,
    effect_id,
)
from gateway.sdk import Delivery
from gateway.store import Store
from gateway.store.ports import CaseView, Destination, JournalEntry, ParsedDelivery, Step

NOW = 1_767_225_600_000_000
SECOND = 1_000_000


def entry(body: bytes = b"{}", *, lane: str = "l", connection: str = "chat", at: int = NOW) -> JournalEntry:
    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer secret-canary"))
    delivery = Delivery(
        connection=connection, endpoint="", received_at=at, method="POST", url="https://x/h", headers=headers, body=body
    )
    return JournalEntry(delivery=delivery, lane=lane)


def message(key: str, *, thread: str = "t", text: str = "hello", reference: str | None = None) -> Activity:
    return Activity(
        kind=ActivityKind.MESSAGE,
        connection="chat",
        thread=thread,
        dedupe=key,
        occurred_at=NOW,
        received_at=NOW,
        channel=Channel.CHAT,
        sender=Party(kind="user", value="ann", name="Ann"),
        text=text,
        reply_text=text,
        message_id=key,
        reference=reference,
    )


def ticket(key: str, number: str, *, reference: str | None = None) -> Activity:
    facts = TicketFacts(id=number, change=TicketChange.CREATED)
    return altered(
        message(key, thread=f"ticket:{number}", reference=reference),
        connection="desk",
        channel=Channel.HELPDESK,
        ticket=facts,
    )


def bring(store: Store, *activities: Activity, lane: str = "l", now: int = NOW) -> None:
    """Journal and parse one delivery for each activity."""
    for activity in activities:
        (number,) = store.journal([entry(lane=lane, connection=activity.connection)])
        store.save_parsed([ParsedDelivery(id=number, lane=lane, activities=((0, activity),))], now)


def keep(view: CaseView, activity: Activity) -> Decision:
    """Decide nothing but to count, as every decision does."""
    case = count_in(view.case, activity, view.thread)
    return Decision(case=case, episode=view.episode, trace=Trace(policy="p", result="none", sentence="kept"))


def emitting(
    *kinds: EffectKind, mode: Mode = Mode.LIVE, rule: str = "", timers: Sequence[Timer] = (), connection: str = "desk"
) -> Step:
    """Return a step that emits effects for each message."""

    def step(view: CaseView, activity: Activity) -> Decision:
        decision = keep(view, activity)
        if activity.kind is not ActivityKind.MESSAGE:
            return decision
        effects = tuple(
            Effect(
                id=effect_id(view.case.id, activity.dedupe, kind.value, number),
                kind=kind,
                case_id=view.case.id,
                connection=connection,
                mode=mode,
                cause=(activity.connection, activity.dedupe),
                rule=rule,
            )
            for number, kind in enumerate(kinds)
        )
        return altered(decision, effects=effects, timers=tuple(timers))

    return step


def opening(view: CaseView, activity: Activity) -> Decision:
    """Open an episode when none is open."""
    decision = keep(view, activity)
    if view.episode is not None:
        return decision
    episode = Episode(
        id=effect_id(view.case.id, activity.dedupe, "episode", 0),
        case_id=view.case.id,
        rule="r",
        reasons=("r",),
        ladder="l",
        step=0,
        policy="p",
        state=EpisodeState.OPEN,
        opened_at=NOW,
    )
    return altered(decision, episode=episode)


def apply_all(store: Store, step: Step = keep, *, now: int = NOW, see: Callable[[str], None] | None = None) -> int:
    """Apply everything that waits; return how many activities that were."""

    def seeing(view: CaseView, activity: Activity) -> Decision:
        if see is not None:
            see(activity.dedupe)
        return step(view, activity)

    count = 0
    while True:
        batch = store.apply(64, now, seeing)
        count += batch.applied + batch.dead
        if not batch.more and not batch.applied:
            return count


DESK = Destination(connection="desk", free=10)
