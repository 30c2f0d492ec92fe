"""Every claim of the afternoon as a whole, with the question to a stand-in or to the store that answers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from gateway.demo.afternoon.cases import AfternoonAsking, CaseAsking
from gateway.demo.afternoon.cast import BOT, CARD, CRM, DESK, NORA, NORA_NUMBER, PIA, Afternoon, Cast, Expectation
from gateway.demo.afternoon.doors import doors
from gateway.demo.afternoon.people import joined_and_apart
from gateway.demo.claims import CaseProof, Claim, Proof, conservation, echoes, histories_of
from gateway.model import Activity, ActivityKind, DeliveryState, EffectKind, EpisodeState, Role
from gateway.store.values import CaseHistory

if TYPE_CHECKING:
    from gateway.demo.world import World

_WARNING: Final = "will be recorded"
_MANAGER: Final = "caller-wants-manager"


def prove(world: World, afternoon: Afternoon) -> Proof:
    """Ask for everything that is to be claimed. Called when the world is at rest."""
    histories = histories_of(world.gateway.store)
    asking = AfternoonAsking(Cast.of(world))
    cases = tuple(CaseProof(history=history, claims=tuple(asking.case(history))) for history in histories)
    telling = _Telling(world, afternoon, asking, histories)
    whole = (
        *telling.expected(),
        *joined_and_apart(world, histories, asking),
        *telling.tickets(),
        *telling.machines(),
        *telling.stopped(),
        *telling.crossing(),
        *echoes(histories),
        *doors(world, afternoon),
        *conservation(world.gateway.store),
    )
    return Proof(cases=cases, whole=whole)


class _Telling:
    def __init__(
        self, world: World, afternoon: Afternoon, asking: CaseAsking, histories: Sequence[CaseHistory]
    ) -> None:
        self._them = Cast.of(world)
        self._afternoon = afternoon
        self._asking = asking
        self._histories = histories

    # --- cases -------------------------------------------------------------------------------------------------------
    def expected(self) -> Iterable[Claim]:
        for wanted in self._afternoon.expected:
            fitting = [each for each in self._histories if _fits(each, wanted)]
            rules = [tuple(episode.rule for episode in each.episodes) for each in fitting]
            stands = [tuple(link.connection for link in each.tickets) for each in fitting]
            holds = rules == [wanted.rules] and stands == [(wanted.crm,) if wanted.crm else ()]
            over = " and ".join(sorted(wanted.over))
            what = f"escalated by {', then '.join(wanted.rules)}" if wanted.rules else "not escalated"
            yield Claim(sentence=f'"{wanted.subject or "(no words)"}" is one case over {over}, {what}', holds=holds)
        count = len(self._histories)
        yield Claim(sentence=f"there are {count} cases, and no other", holds=count == len(self._afternoon.expected))

    def tickets(self) -> Iterable[Claim]:
        for name, crm in self._asking.crms.items():
            held = [link.ticket_id for each in self._histories for link in each.tickets if link.connection == name]
            there = set(crm.all())
            sentence = f"each of the {len(there)} tickets in {name} belongs to exactly one case"
            yield Claim(sentence=sentence, holds=len(held) == len(set(held)) and set(held) == there)
        taken = [
            episode.state is EpisodeState.ACKNOWLEDGED
            for each in self._histories
            if (_desk_of(each), _customer(each)) == (DESK, NORA)
            for episode in each.episodes
        ]
        sentence = f"an agent answered Nora in {DESK}, which took her case"
        yield Claim(sentence=sentence, holds=taken == [True] and self._answered())

    def _answered(self) -> bool:
        tickets = self._them.desk.account.tickets.values()
        return any(each["public"] and "depot" in each["body"] for ticket in tickets for each in ticket.comments)

    # --- machines ----------------------------------------------------------------------------------------------------
    def machines(self) -> Iterable[Claim]:
        call = self._afternoon.call
        warned = call is not None and not call.failures and any(_WARNING in words for words in call.heard)
        yield Claim(sentence="the caller heard that her voicemail would be recorded", holds=warned)
        away = list(self._applied(lambda each: each.mail is not None and each.mail.auto_generated is not None))
        ignored = [(trace.get("result"), each.sender.role if each.sender else None) for each, trace in away]
        yield Claim(
            sentence="an out-of-office answer came that asks for a human: no rule looked at it",
            holds=ignored == [("machine", Role.SYSTEM)],
        )
        bounces = list(self._applied(lambda each: each.report is not None and each.channel is not None, customer=PIA))
        states = [
            view.progress.state if view.progress is not None else None
            for history in self._histories
            if _customer(history) == PIA
            for view in history.effects
            if view.effect.kind is EffectKind.REPLY
        ]
        yield Claim(
            sentence="our reply to Pia bounced: its state is failed, and no rule looked at the bounce",
            holds=states == [DeliveryState.FAILED] and [trace.get("result") for _, trace in bounces] == ["report"],
        )
        turns = [each.bot for each, _ in self._applied(lambda each: each.bot is not None and each.connection == BOT)]
        unsure = [turn.confidence for turn in turns if turn is not None and turn.fallback]
        yield Claim(
            sentence=f"the bot was unsure twice before it gave up: {', '.join(map(str, unsure))}",
            holds=unsure == [0.21, 0.14],
        )

    def _applied(
        self, fits: Callable[[Activity], bool], customer: str = ""
    ) -> Iterable[tuple[Activity, Mapping[str, object]]]:
        for history in self._histories:
            for applied in history.activities:
                if fits(applied.activity) and customer in {"", _customer(history)}:
                    yield applied.activity, applied.trace or {}

    # --- STOP --------------------------------------------------------------------------------------------------------
    def stopped(self) -> Iterable[Claim]:
        texts = self._them.texts
        said_stop = any(theirs == NORA_NUMBER for _, theirs in texts.stopped)
        sent = [row for row in texts.messages if row["to"] == NORA_NUMBER and row["direction"] != "inbound"]
        later = [
            view.effect.kind
            for history in self._histories
            for view in history.effects
            if view.effect.rule == _MANAGER and _customer(history) == NORA_NUMBER
        ]
        yield Claim(
            sentence="Nora texted STOP, and asked again later: agents were told, and no text went to her",
            holds=said_stop and len(sent) == 1 and later == [EffectKind.HANDOFF],
        )

    # --- what crosses ------------------------------------------------------------------------------------------------
    def crossing(self) -> Iterable[Claim]:
        for file in self._afternoon.files:
            links = [
                link for each in self._histories if each.case.subject.startswith(file.subject) for link in each.tickets
            ]
            found = [
                body
                for link in links
                if (ticket := self._asking.crms[link.connection].all().get(link.ticket_id)) is not None
                for body in ticket.files
            ]
            where = " ".join(link.connection for link in links)
            sentence = f"{file.what} stands in {where} byte for byte ({len(file.body)} bytes)"
            yield Claim(sentence=sentence, holds=found == [file.body])
        came = any(CARD in each.text for each, _ in self._applied(lambda each: each.kind is ActivityKind.MESSAGE))
        tickets = [each for crm in self._asking.crms.values() for each in crm.all().values()]
        written = "\n".join(each.words for each in tickets)
        held = any(card in written for card in (CARD, CARD.replace(" ", "")))
        sentence = f"a card number that came by mail stands in neither {DESK} nor {CRM}"
        yield Claim(sentence=sentence, holds=came and not held)


def _fits(history: CaseHistory, wanted: Expectation) -> bool:
    desks = {DESK, CRM}
    threads = {thread.connection for thread in history.threads if thread.channel is not None}
    over = threads if threads <= desks else threads - desks
    subject = history.case.subject
    return frozenset(over) == wanted.over and (subject.startswith(wanted.subject) if wanted.subject else not subject)


def _customer(history: CaseHistory) -> str:
    return history.case.customer.value if history.case.customer is not None else ""


def _desk_of(history: CaseHistory) -> str:
    return history.tickets[0].connection if history.tickets else ""
