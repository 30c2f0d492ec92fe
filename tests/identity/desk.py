"""A desk with five channels over a real store: who writes what, and where what is written to them goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    CallChange,
    CallFacts,
    Case,
    Channel,
    Decision,
    DeliveryFacts,
    DeliveryState,
    Effect,
    EffectKind,
    Evidence,
    ForeignId,
    MailFacts,
    Mode,
    Party,
    Profile,
    Receipt,
    Role,
    TicketChange,
    TicketFacts,
    TicketStatus,
    altered,
)
from gateway.pipeline.policies import Direction, Policies
from gateway.sdk import Delivery
from gateway.store import Store
from gateway.store.case_rules import DAY, CaseRules
from gateway.store.ports import (
    Asked,
    CaseHistory,
    CaseView,
    ClaimedEffects,
    Destination,
    EffectResult,
    JournalEntry,
    ParsedDelivery,
    Verdict,
)
from normalizers.identity import IdentityRules, MailRule, canonical_value
from routing.decide import decide
from routing.load import load_policy
from routing.policy import ConnectionFacts
from tests.identity.policies import POLICY

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
START: Final = 1_767_225_600_000_000
CHANNELS: Final = {
    "mail": Channel.EMAIL,
    "web": Channel.CHAT,
    "team": Channel.CHAT,
    "sms": Channel.MESSAGING,
    "phone": Channel.PHONE,
    "desk": Channel.HELPDESK,
}
IDENTITY: Final = IdentityRules(mail={"gmail.example": MailRule(ignore_dots=True, ignore_plus=True)}, region="DE")
RULES: Final = CaseRules(canonical=partial(canonical_value, rules=IDENTITY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A reply that went out."""

    connection: str
    thread: str
    text: str
    case_id: str
    effect_id: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """The store with everything around it that a thread's fate depends on, and the outside as it sees it."""

    store: Store
    rules: CaseRules = RULES
    now: int = START
    #: What was sent, in order.
    sent: list[Sent] = field(default_factory=list[Sent])
    #: Called with connection and effect just before the world answers that it took it.
    meanwhile: Callable[[str, Effect], None] = lambda connection, effect: None
    #: The policy, and what the CRM says of a person whom it is asked about, where the policy does ask.
    policy: str = POLICY
    crm: Callable[[Asked], Mapping[str, object]] = lambda asked: {}
    #: Called with whatever a decision is made from.
    deciding: Callable[[CaseView, Activity], None] = lambda view, activity: None
    _count: int = 0
    _policies: Policies | None = None

    def open(self) -> Desk:
        """Make the connections and the policy known."""
        self.store.register(dict.fromkeys(CHANNELS))
        able = frozenset({"handoff", "reply", "notify"})
        facts = {
            name: ConnectionFacts(
                name=name, channel=channel, mode=Mode.LIVE, roles=able | {"profile"} if name == "desk" else able
            )
            for name, channel in CHANNELS.items()
        }
        policy = load_policy(self.policy, "escalation.toml", facts)
        self._policies = Policies(self.store, Direction(policy=policy, connections=facts))
        return self

    # --- what comes in -----------------------------------------------------------------------------------------------
    def number(self) -> int:
        self._count += 1
        return self._count

    def bring(self, *activities: Activity) -> None:
        """Journal, parse and save one delivery each, and decide."""
        for activity in activities:
            delivery = Delivery(
                connection=activity.connection,
                endpoint="",
                received_at=self.now,
                method="POST",
                url="",
                headers=(),
                body=b"{}",
            )
            (number,) = self.store.journal([JournalEntry(delivery=delivery, lane=activity.thread)])
            self.store.save_parsed(
                [ParsedDelivery(id=number, lane=activity.thread, activities=((0, activity),))], self.now, self.rules
            )
        self.decide()

    def decide(self) -> None:
        """Apply everything that waits, by the real core."""
        policies = self._policies
        assert policies is not None

        def step(view: CaseView, activity: Activity) -> Decision:
            self.deciding(view, activity)
            return decide(policies.snapshot(view, policies.direction), activity, self.now)

        asks = policies.direction.policy.customer
        while True:
            batch = self.store.apply(64, self.now, step, self.rules, asks.connection if asks is not None else None)
            assert batch.dead == 0
            if not batch.more and not batch.applied:
                return

    def activity(self, connection: str, thread: str, sender: Party, text: str, **more: object) -> Activity:
        """Return something that somebody says."""
        made = Activity(
            kind=ActivityKind.MESSAGE,
            connection=connection,
            thread=thread,
            dedupe=f"d{self.number()}",
            occurred_at=self.now,
            received_at=self.now,
            channel=CHANNELS[connection],
            sender=sender,
            audience=Audience.PUBLIC,
            text=text,
            reply_text=text,
        )
        return altered(made, **more)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def mail(
        self,
        address: str,
        text: str = "hello",
        *,
        message_id: str = "",
        to: Sequence[str] = (),
        answers: Sequence[str] = (),
        token: str = "",
        signed: str | None = None,
        dmarc: str = "pass",
        subject: str = "",
        name: str = "",
    ) -> str:
        """Bring a mail, and return its Message-ID. The thread's key begins with the address, as the connector makes it."""
        message_id = message_id or f"<{self.number()}@{address.partition('@')[2]}>"
        evidence = Evidence.VERIFIED if dmarc == "pass" else Evidence.CLAIMED
        root = answers[-1] if answers else message_id
        self.bring(
            self.activity(
                "mail",
                f"{address.lower()}|{root}",
                Party(kind="email", value=address, name=name or address.partition("@")[0], evidence=evidence),
                text,
                subject=subject,
                message_id=message_id,
                recipients=tuple(Party(kind="email", value=each) for each in to),
                mail=MailFacts(references=tuple(answers), token=token),
                reference=signed,
                extras={"dmarc": dmarc},
            )
        )
        return message_id

    def text_message(self, number: str, text: str = "hello", *, name: str = "") -> None:
        """Bring a text message: all of a number are of one thread."""
        self.bring(self.activity("sms", f"+1|{number}", Party(kind="phone", value=number, name=name or number), text))

    def call(self, number: str, text: str = "hello", *, evidence: Evidence = Evidence.ATTESTED, name: str = "") -> str:
        """Bring a call, a thread of its own, with what was said in it."""
        thread = f"call:{self.number()}"
        said = self.activity(
            "phone",
            thread,
            Party(kind="phone", value=number, name=name or number, evidence=evidence),
            text,
            call=CallFacts(id=thread, change=CallChange.SPEECH),
        )
        self.bring(said)
        return thread

    def chat(
        self,
        session: str,
        text: str = "hello",
        *,
        user: str = "",
        email: str = "",
        verified: bool = False,
        name: str = "",
    ) -> None:
        """Bring a message of a web visitor: signed in at the site, or with whatever they typed."""
        sender = Party(
            kind="site_user" if verified else "webchat_visitor",
            value=user or session,
            name=name or user or session,
            email=email,
            evidence=Evidence.VERIFIED if verified else Evidence.CLAIMED,
        )
        self.bring(self.activity("web", session, sender, text))

    def team(self, user: str, thread: str, text: str = "hello", *, name: str = "") -> None:
        """Bring a message of somebody in a workspace."""
        self.bring(self.activity("team", thread, Party(kind="slack_user", value=user, name=name or user), text))

    def ticket(self, user: str, text: str = "hello", *, email: str = "", dedupe: str = "") -> None:
        """Bring what somebody writes to the helpdesk itself; its webhooks name no address, its poll does."""
        number = user.removeprefix("u")
        said = self.activity(
            "desk",
            f"ticket:{number}",
            Party(kind="zendesk_user", value=user, name=user, email=email),
            text,
            ticket=TicketFacts(id=number, change=TicketChange.COMMENTED),
        )
        self.bring(altered(said, dedupe=dedupe) if dedupe else said)

    def resolve(self, case_id: str) -> None:
        """Let a person end the case in the helpdesk."""
        self.ticket_status(case_id, TicketStatus.SOLVED)

    def ticket_status(self, case_id: str, status: TicketStatus) -> None:
        facts = TicketFacts(id=f"T{case_id}", change=TicketChange.STATUS, status=status)
        agent = Party(kind="agent", value="7", name="Agent", role=Role.AGENT)
        history = self.history(case_id)
        thread = next((each.key for each in history.threads if each.connection == "desk"), None)
        assert thread is not None, "the case has no ticket: say the word first"
        self.bring(self.activity("desk", thread, agent, "", kind=ActivityKind.TICKET, ticket=facts))

    def report(
        self, message_id: str, state: DeliveryState, *, at: int | None = None, connection: str = "sms", effect: str = ""
    ) -> None:
        """Bring a delivery report."""
        self.bring(
            altered(
                self.activity(connection, f"report:{message_id}", Party(kind="v", value="v", role=Role.SYSTEM), ""),
                kind=ActivityKind.DELIVERY_REPORT,
                occurred_at=self.now if at is None else at,
                message_id=message_id,
                reference=effect or None,
                report=DeliveryFacts(state=state),
            )
        )

    # --- what goes out -----------------------------------------------------------------------------------------------
    def dispatch(self, only: Iterable[str] = CHANNELS) -> None:
        """Send everything that waits for some connections, to a world that takes it."""
        while True:
            claims = self.store.claim([Destination(connection=name, free=50) for name in only], self.now)
            if not claims:
                return
            for claim in claims:
                if claim.asked is not None:
                    self._answer(claim, claim.asked)
                elif (claim.astray or claim.silenced) and not claim.settle:
                    self._drop(claim.connection, claim.effects, claim.attempt)
                else:
                    self._take(claim.connection, claim.effects, claim.attempt)
            self.decide()

    def _answer(self, claim: ClaimedEffects, asked: Asked) -> None:
        """Say what the CRM knows of a person."""
        result = EffectResult(
            connection=claim.connection,
            effect_ids=(claim.effects[0].id,),
            attempt=claim.attempt,
            verdict=Verdict.DONE,
            learned=(asked, Profile(values=self.crm(asked), read_at=self.now)),
        )
        self.store.finish([result], self.now)

    def _drop(self, connection: str, effects: Sequence[Effect], attempt: int) -> None:
        """Do as dispatch does with a reply whose thread is another person's by now, or wants none."""
        ids = tuple(each.id for each in effects)
        result = EffectResult(connection=connection, effect_ids=ids, attempt=attempt, verdict=Verdict.CANCELLED)
        self.store.finish([result], self.now)

    def _take(self, connection: str, effects: Sequence[Effect], attempt: int) -> None:
        head = effects[0]
        self.meanwhile(connection, head)
        receipt = Receipt(ids=(ForeignId(kind="message", id=f"<{head.id}@baton>"),))
        if head.kind is EffectKind.HANDOFF:
            number = f"T{head.case_id}"
            receipt = Receipt(ids=(ForeignId(kind="ticket", id=number),), ticket_id=number, thread=f"ticket:{number}")
        if head.kind is EffectKind.REPLY:
            self.sent.append(
                Sent(
                    connection=connection,
                    thread=head.destination,
                    text=head.text,
                    case_id=head.case_id,
                    effect_id=head.id,
                )
            )
        result = EffectResult(
            connection=connection,
            effect_ids=tuple(each.id for each in effects),
            attempt=attempt,
            verdict=Verdict.DONE,
            receipt=receipt,
        )
        self.store.finish([result], self.now)

    # --- what is looked at -------------------------------------------------------------------------------------------
    def history(self, case_id: str) -> CaseHistory:
        found = self.store.history(case_id)
        assert found is not None
        return found

    def case_with(self, text: str) -> Case:
        """Return the one case in which something was said."""
        found = [
            case
            for case in self.store.cases(10_000)
            if any(each.activity.text == text for each in self.history(case.id).activities)
        ]
        assert len(found) == 1, text
        return found[0]

    def texts(self, case_id: str) -> list[str]:
        """Return what was said in a case, in its order."""
        return [
            each.activity.text
            for each in self.history(case_id).activities
            if each.activity.kind is ActivityKind.MESSAGE
        ]

    def pass_time(self, time: int) -> None:
        self.now += time


__all__ = ["DAY", "HOUR", "MINUTE", "RULES", "Desk", "Sent"]
