"""From effects as the outbox holds them to what a connector is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from gateway.model import (
    Activity,
    ActivityKind,
    Button,
    CaseStatus,
    Effect,
    EffectKind,
    Entry,
    Episode,
    EpisodeState,
    Handoff,
    Mode,
    Notice,
    Reply,
    Role,
    TicketLink,
)
from gateway.pipeline.crossing import crossed
from gateway.pipeline.policies import Policies
from gateway.store.ports import ClaimedEffects, Store
from routing.guarding import sensitive_title
from routing.packet import build_packet, entry, note

#: Activities that a packet carries at most, the newest.
TRANSCRIPT: Final = 500
#: What a ticket of ours carries as its external id, before the case's id.
EXTERNAL_ID: Final = "baton:"

#: What a customer says with: it opens the window in which some channels may be answered.
_SPOKEN: Final = frozenset({ActivityKind.MESSAGE, ActivityKind.BUTTON})

Outgoing: TypeAlias = Handoff | Reply | Notice


class Pointless(Exception):
    """There is nothing to send any more; the sentence says why."""


class Forbidden(Exception):
    """The mode does not allow it."""


def outgoing(claim: ClaimedEffects, mode: Mode, store: Store, policies: Policies) -> Outgoing:
    """Return what goes out for a claim. `mode` is the connection's mode now, which may be stricter than at the decision.

    The same claim always yields the same: what it needs is read as of the activity that caused it.
    Raises `Forbidden` and `Pointless`.
    """
    return crossed(_whole(claim, mode, store, policies), policies.direction.redact)


def _whole(claim: ClaimedEffects, mode: Mode, store: Store, policies: Policies) -> Outgoing:
    head = claim.effects[0]
    allowed = min(mode, head.mode, key=(Mode.OBSERVE, Mode.NOTES, Mode.LIVE).index)
    if allowed is Mode.OBSERVE or (head.kind is EffectKind.REPLY and allowed is not Mode.LIVE):
        raise Forbidden
    if head.kind is EffectKind.REPLY:
        if claim.astray and not claim.settle:
            raise Pointless("The thread that it was written for is another person's by now: it is not sent there.")
        if claim.silenced and not claim.settle:
            raise Pointless("The customer wants no messages on this thread (STOP): it is not sent.")
        return _reply(claim, head, store)
    if head.kind is EffectKind.NOTIFY:
        if not claim.settle and claim.episode is not None:
            _see_point(head, claim.episode)
        return _notice(claim, head, policies)
    link = next((link for link in claim.tickets if link.connection == claim.connection), None)
    if head.kind is EffectKind.HANDOFF:
        if link is None and allowed is Mode.NOTES:
            raise Forbidden
        return _handoff(claim, head, link, allowed, store, policies)
    if link is None:
        raise Pointless("There is no ticket to update: the handoff was given up.")
    return _update(claim, link, allowed, store)


def _see_point(notice: Effect, episode: Episode) -> None:
    """Raise `Pointless` when nobody has to look any more, or others have to."""
    if episode.state is EpisodeState.CLOSED:
        raise Pointless("The escalation is over: nobody has to look at it any more.")
    if notice.ladder not in {"", episode.ladder}:
        raise Pointless(f"The case moved to ladder {episode.ladder}: others are asked by now.")


def _reply(claim: ClaimedEffects, effect: Effect, store: Store) -> Reply:
    """Return a reply that answers the customer's newest message on its thread, as of what caused it."""
    activities, _ = store.transcript(effect, TRANSCRIPT)
    theirs = [
        each
        for each in activities
        if each.connection == effect.connection
        and each.thread == effect.destination
        and each.kind in _SPOKEN
        and not each.own
        and each.sender is not None
        and each.sender.role is Role.CUSTOMER
    ]
    messages = [each for each in theirs if each.kind is ActivityKind.MESSAGE and each.message_id]
    # The thread's own subject: a case may hold several threads, and began with another one's.
    subject = next((each.subject for each in reversed(theirs) if each.subject), claim.case.subject)
    return Reply(
        key=effect.id,
        case_id=effect.case_id,
        thread=effect.destination,
        text=effect.text,
        buttons=_buttons(effect),
        subject=subject,
        in_reply_to=messages[-1].message_id if messages else "",
        last_message_at=max((each.occurred_at for each in theirs), default=None),
        written_at=effect.due_at or None,
    )


def _buttons(effect: Effect) -> tuple[Button, ...]:
    return tuple(Button(action=action, label=label) for action, label in effect.buttons)


def _notice(claim: ClaimedEffects, effect: Effect, policies: Policies) -> Notice:
    case = claim.case
    url = effect.text or next((link.url for link in claim.tickets if link.url), "")
    if effect.redacted or case.sensitive:
        # It may have become sensitive since it was decided.
        return Notice(
            key=effect.id,
            case_id=effect.case_id,
            destination=effect.destination,
            title=effect.title if effect.redacted else sensitive_title(case, effect.title),
            facts=(("Case", case.id), *(("Ticket", link.ticket_id) for link in claim.tickets)),
            url=url,
            buttons=_buttons(effect),
        )
    facts = [("Subject", case.subject), ("Customer", case.customer.name if case.customer else "")]
    facts += [("Rule", effect.rule), ("Came over", case.connection), *effect.profile]
    facts += effect.sla.lines() if effect.sla is not None else ()
    facts.append(("Playbook", _playbook(claim, effect, policies)))
    return Notice(
        key=effect.id,
        case_id=effect.case_id,
        destination=effect.destination,
        title=effect.title,
        text=effect.details,
        facts=tuple((label, value) for label, value in facts if value),
        url=url,
        buttons=_buttons(effect),
        written_at=effect.due_at or None,
    )


def _playbook(claim: ClaimedEffects, effect: Effect, policies: Policies) -> str:
    """Return the playbook of the rule that a notice is about, by the policy that its episode runs under."""
    policy = policies.by_digest(claim.episode.policy) if claim.episode is not None else None
    return policy.playbook(effect.rule) if policy is not None else ""


def _group(claim: ClaimedEffects, group: str) -> str:
    """Return the group that a ticket comes into: that of a sensitive case, also when it became so after it was decided."""
    private = claim.case.private.group if claim.case.sensitive else ""
    return (private or group) if group else group


def _handoff(
    claim: ClaimedEffects, effect: Effect, link: TicketLink | None, mode: Mode, store: Store, policies: Policies
) -> Handoff:
    activities, complete = store.transcript(effect, TRANSCRIPT)
    digest = claim.episode.policy if claim.episode is not None else policies.direction.policy.digest
    packet = build_packet(
        case=claim.case,
        episode=claim.episode,
        policy=policies.by_digest(digest),
        rule_id=effect.rule,
        activities=activities,
        complete=complete,
        priority=effect.priority,
        acknowledge_by=effect.acknowledge_by,
        sla=effect.sla,
        profile=effect.profile,
    )
    return Handoff(
        key=effect.id,
        case_id=effect.case_id,
        external_id=EXTERNAL_ID + effect.case_id,
        mode=mode,
        ticket_id=link.ticket_id if link is not None else None,
        adopted=link is not None and link.adopted,
        subject=claim.case.subject or "(no subject)",
        requester=claim.case.customer,
        packet=packet,
        priority=effect.priority,
        group=(claim.case.private.group if claim.case.sensitive else "") or effect.destination,
        tags=effect.tags,
        fields=effect.fields,
        assignee=effect.assignee,
        sla=effect.sla,
        reopen=_reopens(claim),
    )


def _update(claim: ClaimedEffects, link: TicketLink, mode: Mode, store: Store) -> Handoff:
    causes = store.causes([effect for effect in claim.effects if not effect.text])
    fields: dict[str, str] = {}
    tags: list[str] = []
    for effect in claim.effects:
        fields.update(effect.fields)
        tags += [tag for tag in effect.tags if tag not in tags]
    priorities = [effect.priority for effect in claim.effects if effect.priority is not None]
    groups = [effect.destination for effect in claim.effects if effect.destination]
    assignees = [effect.assignee for effect in claim.effects if effect.assignee is not None]
    return Handoff(
        key=claim.effects[0].id,
        case_id=claim.effects[0].case_id,
        external_id=EXTERNAL_ID + claim.effects[0].case_id,
        mode=mode,
        ticket_id=link.ticket_id,
        adopted=link.adopted,
        entries=tuple(_entry(effect, causes) for effect in claim.effects),
        priority=priorities[-1] if priorities else None,
        group=_group(claim, groups[-1] if groups else ""),
        tags=tuple(tags),
        fields=fields,
        assignee=assignees[-1] if assignees else None,
        sla=claim.effects[-1].sla,
        reopen=_reopens(claim),
    )


def _reopens(claim: ClaimedEffects) -> bool:
    """Tell whether the ticket must be open again; not when somebody solved it since the customer came back."""
    return any(effect.reopen for effect in claim.effects) and claim.case.status is CaseStatus.OPEN


def _entry(effect: Effect, causes: Mapping[str, Activity]) -> Entry:
    if effect.text:
        return note(effect.text, effect.due_at, effect.id)
    cause = causes.get(effect.id)
    if cause is None:
        return note("A message that was erased since.", effect.due_at, effect.id)
    return entry(cause, effect.id)
