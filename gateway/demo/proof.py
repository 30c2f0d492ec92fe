"""Every claim of the morning, with the question to a stand-in or to the store that answers for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from gateway.demo.claims import (
    CaseProof,
    Claim,
    Proof,
    conservation,
    dead_letters,
    echoes,
    histories_of,
    is_ok,
    refusals,
    repetitions,
    said,
    times,
)
from gateway.demo.morning import CHAT, DESK, Morning
from gateway.demo.vendors import Chat, Helpdesk
from gateway.model import EffectKind
from gateway.store.values import CaseHistory, EffectState, EffectView

if TYPE_CHECKING:
    from gateway.demo.world import World

#: Our word for a priority → the helpdesk's.
_PRIORITIES: Final = {"P1": "urgent", "P2": "high", "P3": "normal", "P4": "low"}


def prove(world: World, morning: Morning) -> Proof:
    """Ask for everything that is to be claimed. Called when the world is at rest."""
    histories = histories_of(world.gateway.store)
    asking = _Asking(cast("Chat", world.sandboxes[CHAT]), cast("Helpdesk", world.sandboxes[DESK]))
    proofs = tuple(CaseProof(history=history, claims=tuple(asking.case(history))) for history in histories)
    whole = (
        *_expected(histories, morning),
        *asking.all_tickets(histories),
        *asking.all_posts(histories),
        *asking.all_lookups(histories),
        *echoes(histories),
        *_doors(world, morning),
    )
    return Proof(cases=proofs, whole=whole)


class _Asking:
    def __init__(self, chat: Chat, desk: Helpdesk) -> None:
        self._chat = chat
        self._desk = desk

    # --- one case ----------------------------------------------------------------------------------------------------
    def case(self, history: CaseHistory) -> Iterable[Claim]:
        done = [view for view in history.effects if view.state is EffectState.DONE]
        waiting = [view for view in history.effects if view.state is not EffectState.DONE]
        if waiting:
            yield Claim(sentence=f"{len(waiting)} things were not done", holds=False)
        if history.tickets:
            for link in history.tickets:
                yield from self._ticket(history, link.ticket_id, adopted=link.adopted)
        else:
            found = self._desk.tickets_with_external_id(f"baton:{history.case.id}")
            yield Claim(sentence="no ticket was made for it", holds=not found)
        for view in done:
            yield from self._effect(view)

    def _ticket(self, history: CaseHistory, ticket_id: str, *, adopted: bool) -> Iterable[Claim]:
        ticket = self._desk.account.tickets.get(int(ticket_id))
        if ticket is None:
            yield Claim(sentence=f"ticket #{ticket_id} stands in the helpdesk", holds=False)
            return
        carrying = self._desk.tickets_with_external_id(f"baton:{history.case.id}")
        if adopted:
            sentence = f"it is ticket #{ticket_id}, which was there already ({ticket.via}); no second one was made"
            yield Claim(sentence=sentence, holds=not carrying and ticket.via != "api")
        else:
            sentence = f"ticket #{ticket_id} was made for it, and no other"
            yield Claim(sentence=sentence, holds=carrying == [ticket.id])
            words = [each for each in said(history) if each.connection == CHAT]
            bodies = "\n".join(str(comment["body"]) for comment in ticket.comments)
            sentence = f"all that was said stands on it ({len(words)} of {len(words)})"
            yield Claim(sentence=sentence, holds=all(each.text.split("\n")[0] in bodies for each in words))
        ours = [comment for comment in ticket.comments if comment["author_id"] == self._desk.account.own_user]
        if ours:
            sentence = f"Baton wrote {times(len(ours), 'internal note')} there and nothing in public"
            yield Claim(sentence=sentence, holds=not any(comment["public"] for comment in ours))
        else:
            yield Claim(sentence="Baton wrote nothing there", holds=not any("baton" in tag for tag in ticket.tags))
        if any(view.effect.kind is EffectKind.HANDOFF for view in history.effects):
            yield from self._settings(history, ticket)

    def _settings(self, history: CaseHistory, ticket: Any) -> Iterable[Claim]:
        case = history.case
        effects = [view.effect for view in history.effects if view.effect.connection == DESK]
        groups = [effect.destination for effect in effects if effect.destination]
        group = self._desk.account.groups.get(ticket.group_id or 0, "none")
        if groups:
            yield Claim(sentence=f"it stands in group {group}", holds=group == groups[-1])
        if case.priority is not None:
            wanted = _PRIORITIES[case.priority.value]
            yield Claim(sentence=f"with priority {ticket.priority}", holds=ticket.priority == wanted)
        if case.tags:
            yield Claim(sentence=f"with tags {', '.join(case.tags)}", holds=set(case.tags) <= set(ticket.tags))

    def _effect(self, view: EffectView) -> Iterable[Claim]:
        effect = view.effect
        if effect.kind is EffectKind.REPLY:
            post = self._post(effect.id)
            place, _, thread = effect.destination.partition(":")
            there = post is not None and post in self._chat.messages(place) and post.get("thread_ts", "") == thread
            labels = [label for _, label in effect.buttons]
            offered = f" with the button {', '.join(labels)}" if labels else ""
            sentence = f'the customer was told, where they are: "{effect.text}"{offered}'
            holds = there and post is not None and post["text"] == effect.text and _labels(post) == labels
            yield Claim(sentence=sentence, holds=holds)
        elif effect.kind is EffectKind.NOTIFY:
            post = self._post(effect.id)
            there = post is not None and post in self._chat.messages(effect.destination)
            yield Claim(sentence=f"{effect.destination} was told: {effect.title}", holds=there)
        elif effect.kind is EffectKind.HANDOFF:
            yield Claim(sentence="the handoff stands there once", holds=self._desk.notes_with_key(effect.id) == 1)
            told = dict(effect.profile)
            if "VIP" in told:
                notes = [each["body"] for ticket in self._desk.account.tickets.values() for each in ticket.comments]
                sentence = f"its note says what the helpdesk knows: {told['VIP']}, {told.get('Organization', '')}"
                stands = any(f"VIP: {told['VIP']}" in body and told["Profile"] in body for body in notes)
                yield Claim(sentence=sentence, holds=stands)

    def _post(self, key: str) -> dict[str, Any] | None:
        if self._chat.posts_with_key(key) != 1:
            return None
        channels: dict[str, list[dict[str, Any]]] = getattr(self._chat, "posts", {})
        posts = [post for messages in channels.values() for post in messages]
        return next(post for post in posts if (post.get("metadata") or {}).get("event_payload", {}).get("key") == key)

    # --- all of them -------------------------------------------------------------------------------------------------
    def all_tickets(self, histories: Sequence[CaseHistory]) -> Iterable[Claim]:
        held = [link.ticket_id for history in histories for link in history.tickets]
        there = {str(number) for number in self._desk.account.tickets}
        sentence = f"each of the {len(there)} tickets in the helpdesk belongs to exactly one case"
        yield Claim(sentence=sentence, holds=len(held) == len(set(held)) and set(held) == there)

    def all_posts(self, histories: Sequence[CaseHistory]) -> Iterable[Claim]:
        kinds = (EffectKind.REPLY, EffectKind.NOTIFY)
        keys = {view.effect.id for history in histories for view in history.effects if view.effect.kind in kinds}
        channels: dict[str, list[dict[str, Any]]] = getattr(self._chat, "posts", {})
        marked = [post for messages in channels.values() for post in messages if post.get("metadata")]
        found = [post["metadata"]["event_payload"]["key"] for post in marked]
        sentence = f"each of the {len(found)} messages that Baton wrote in the chat was decided, and stands there once"
        yield Claim(sentence=sentence, holds=len(found) == len(set(found)) and set(found) == keys)

    def all_lookups(self, histories: Sequence[CaseHistory]) -> Iterable[Claim]:
        asked = [
            history.case.customer.value
            for history in histories
            for view in history.effects
            if view.effect.kind is EffectKind.LOOKUP and history.case.customer is not None
        ]
        sentence = f"the helpdesk was asked about {len(asked)} customers, each once, and nobody waited for that"
        yield Claim(sentence=sentence, holds=len(asked) == len(set(asked)) == self._desk.count("users.show"))


def _labels(post: dict[str, Any]) -> list[str]:
    """Return what stands on the buttons of a message."""
    blocks = [block for block in post.get("blocks", ()) if block["type"] == "actions"]
    return [button["text"]["text"] for block in blocks for button in block["elements"]]


def _expected(histories: Sequence[CaseHistory], morning: Morning) -> Iterable[Claim]:
    for wanted in morning.expected:
        fitting = [each for each in histories if _fits(each.case.subject, wanted.subject)]
        rules = [episode.rule for history in fitting for episode in history.episodes]
        what = f"escalated by rule {wanted.rule}" if wanted.rule else "not escalated"
        holds = len(fitting) == 1 and rules == ([wanted.rule] if wanted.rule else [])
        holds = holds and (bool(fitting[0].tickets) or not wanted.ticket)
        yield Claim(sentence=f'"{wanted.subject or "(a robot)"}" is one case, {what}', holds=holds)
    sentence = f"there are {len(histories)} cases, and no other"
    yield Claim(sentence=sentence, holds=len(histories) == len(morning.expected))


def _fits(subject: str, wanted: str) -> bool:
    return subject.startswith(wanted) if wanted else not subject


def _doors(world: World, morning: Morning) -> Iterable[Claim]:
    store = world.gateway.store
    accounts = store.accounts()
    accepted = sum(1 for answers in world.answers.values() for status in answers if is_ok(status))
    accepted += sum(1 for status in morning.repeated if is_ok(status))
    yield from refusals(morning.refused)
    yield from repetitions(store, morning.repeated, 2)
    yield from dead_letters(store, morning.rubbish)
    sentence = f"{accounts.deliveries} deliveries accepted, {accounts.deliveries} in the store, 0 of those refused"
    yield Claim(sentence=sentence, holds=accounts.deliveries == accepted)
    yield from conservation(store)
