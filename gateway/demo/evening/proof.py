"""Every claim of the evening, with the question to a stand-in or to the store that answers for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from gateway.demo.afternoon.cases import CaseAsking
from gateway.demo.afternoon.crms import DeskTickets
from gateway.demo.claims import CaseProof, Claim, Proof, conservation, echoes, histories_of
from gateway.demo.evening.script import BOT, CHAT, DESK, Cast, Line
from gateway.demo.rules import every_rule, fired
from gateway.model import Effect, EffectKind
from gateway.store.values import CaseHistory, EffectView

if TYPE_CHECKING:
    from gateway.demo.world import World


def prove(world: World, script: Sequence[Line], before: AbstractSet[str] = frozenset()) -> Proof:
    """Ask for everything that is to be claimed; `before` are the rules that fired earlier in the day under the same policy.

    Called when the world is at rest.
    """
    store = world.gateway.store
    histories = histories_of(store)
    asking = _Asking(Cast.of(world))
    cases = tuple(CaseProof(history=history, claims=tuple(asking.case(history))) for history in histories)
    whole = (
        *_expected(histories, script),
        *echoes(histories),
        *conservation(store),
        every_rule(world.gateway.setup.policy, before | fired(store)),
    )
    return Proof(cases=cases, whole=whole)


class _Asking(CaseAsking):
    EVERYWHERE: ClassVar[str] = "in the helpdesk"

    def __init__(self, them: Cast) -> None:
        super().__init__({DESK: DeskTickets(them.desk)}, {CHAT: self._posted, BOT: self._called_back})
        self._them = them

    def effect(self, history: CaseHistory, view: EffectView) -> Iterable[Claim]:
        if view.effect.kind is EffectKind.NOTIFY:
            place = view.effect.destination
            holds = len(self._posts(view.effect.id, place)) == 1
            yield Claim(sentence=f"{place} was told, once: {view.effect.title}", holds=holds)
        yield from super().effect(history, view)

    def _posted(self, history: CaseHistory, effect: Effect) -> int:  # noqa: ARG002 (one shape for all channels)
        place = effect.destination.partition(":")[0]
        return sum(1 for post in self._posts(effect.id, place) if post["text"] == effect.text)

    def _posts(self, key: str, place: str) -> list[dict[str, Any]]:
        posts = self._them.chat.messages(place)
        return [post for post in posts if (post.get("metadata") or {}).get("event_payload", {}).get("key") == key]

    def _called_back(self, history: CaseHistory, effect: Effect) -> int:  # noqa: ARG002 (one shape for all channels)
        return sum(1 for told in self._them.bot.replies.values() if told["text"] == effect.text)


def _expected(histories: Sequence[CaseHistory], script: Sequence[Line]) -> Iterable[Claim]:
    for line in script:
        fitting = [each for each in histories if each.case.subject.startswith(line.subject)]
        rules = [episode.rule for each in fitting for episode in each.episodes]
        groups = [
            view.effect.destination
            for each in fitting
            for view in each.effects
            if view.effect.kind is EffectKind.HANDOFF and view.effect.rule == line.rule
        ]
        holds = len(fitting) == 1 and rules == [line.rule] and groups[-1:] == [line.group]
        sentence = f'"{line.subject}" is one case, escalated by {line.rule} to {line.group}'
        yield Claim(sentence=sentence, holds=holds)
    yield Claim(sentence=f"there are {len(histories)} cases, and no other", holds=len(histories) == len(script))
