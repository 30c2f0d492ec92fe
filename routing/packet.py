"""The packet: a case's whole context at the moment of a handoff, before a target renders it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    Case,
    Channel,
    Entry,
    Episode,
    File,
    Packet,
    Party,
    Priority,
    Role,
    SlaClocks,
    altered,
)
from routing.phrases import canonical
from routing.policy import Policy
from routing.reasons import reason_of
from routing.signals.reading import Signals

#: Version of the packet's shape.
VERSION: Final = 1
#: Characters of a message that stand as evidence.
_EXCERPT: Final = 200
_EVIDENCE: Final = 3
_BATON: Final = Party(kind="baton", value="baton", name="Baton", role=Role.SYSTEM)
_SHOWN: Final = frozenset(
    {
        *(ActivityKind.MESSAGE, ActivityKind.EDIT, ActivityKind.DELETION, ActivityKind.BUTTON, ActivityKind.CALL),
        *(ActivityKind.HANDOFF_REQUEST, ActivityKind.SATISFACTION, ActivityKind.CONSENT, ActivityKind.INCIDENT),
    }
)


def entry(activity: Activity, key: str = "") -> Entry:
    """Return an activity as a line of a transcript."""
    text = activity.text
    if activity.kind is ActivityKind.DELETION:
        text = "(deleted a message)"
    elif activity.kind is ActivityKind.EDIT:
        text = f"(edited) {activity.text}"
    elif activity.kind is ActivityKind.BUTTON and activity.button is not None:
        text = f"(pressed “{activity.text or activity.button.action}”)"
    elif activity.kind is not ActivityKind.MESSAGE:
        text = _happening(activity)
    return Entry(
        occurred_at=activity.occurred_at,
        author=activity.sender or _BATON,
        channel=activity.channel,
        audience=activity.audience,
        text=text,
        key=key,
        files=tuple(_file(each) for each in activity.attachments),
    )


def _happening(activity: Activity) -> str:
    """Return in words what is no message: a call, a judgement, a wish."""
    if activity.call is not None:
        took = f", {activity.call.duration} s" if activity.call.duration is not None else ""
        keys = f", pressed {activity.call.digits}" if activity.call.digits else ""
        return f"(call: {activity.call.change.value}{took}{keys}) {activity.text}".rstrip()
    if activity.satisfaction is not None:
        word = f" ({activity.satisfaction.word})" if activity.satisfaction.word else ""
        return f"(judged {activity.satisfaction.score:.0%}{word}) {activity.text}".rstrip()
    if activity.incident is not None:
        facts = activity.incident
        about = " ".join(filter(None, (facts.title, facts.ticket, facts.url)))
        return f"(incident {facts.change.value}{f' by {facts.by}' if facts.by else ''}) {about}".rstrip()
    if activity.consent is not None:
        return "(wants messages again)" if activity.consent else "(wants no more messages)"
    if activity.kind is ActivityKind.HANDOFF_REQUEST:
        return "\n".join((f"(asks for a person) {activity.text}".rstrip(), *_of_bot(activity)))
    return activity.text


def _of_bot(activity: Activity) -> Sequence[str]:
    """Return what a bot that gives up knows already, so that nobody asks the customer again, or tries again what did not help."""
    if activity.bot is None:
        return ()
    collected = (f"Collected: {name}: {_one_line(value)}" for name, value in activity.bot.fields.items())
    return (*collected, *(f"Tried: {_one_line(each)}" for each in activity.bot.attempted))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _file(attachment: Attachment) -> File:
    """Return a file that came along."""
    return File(
        name=_one_line(attachment.name or attachment.id),
        media_type=attachment.media_type,
        size=attachment.size,
        sha256=attachment.sha256 if attachment.kept else "",
        note="" if attachment.kept else (attachment.note or "not carried"),
    )


def note(text: str, at: int, key: str) -> Entry:
    """Return a line that Baton itself adds."""
    return Entry(occurred_at=at, author=_BATON, channel=None, audience=Audience.INTERNAL, text=text, key=key)


def transcript(activities: Sequence[Activity]) -> tuple[Entry, ...]:
    """Return the conversation: edits applied, deleted messages shown as deleted, in the order things happened.

    What Baton told the customer is part of it; what Baton wrote for agents is not.
    """
    lines: dict[str, Entry] = {}
    for number, activity in enumerate(activities):
        if activity.kind not in _SHOWN or _echo(activity):
            continue
        key = f"{activity.connection}/{activity.message_id}" if activity.message_id else f"#{number}"
        if activity.kind is ActivityKind.EDIT and key in lines:
            lines[key] = altered(lines[key], text=f"{activity.text} (edited)")
        elif activity.kind is ActivityKind.DELETION and key in lines:
            lines[key] = altered(lines[key], text="(deleted)", files=())
        else:
            lines.setdefault(key, entry(activity))
    return tuple(sorted(lines.values(), key=lambda line: line.occurred_at))


def _echo(activity: Activity) -> bool:
    """Tell whether it is only what Baton wrote for agents, coming back: a note, a packet, a notice."""
    return activity.own and (activity.channel is Channel.HELPDESK or activity.audience is Audience.INTERNAL)


def build_packet(
    *,
    case: Case,
    episode: Episode | None,
    policy: Policy | None,
    rule_id: str,
    activities: Sequence[Activity],
    complete: bool,
    priority: Priority | None = None,
    acknowledge_by: int | None = None,
    sla: SlaClocks | None = None,
    profile: tuple[tuple[str, str], ...] = (),
) -> Packet:
    """Return the packet of a case. `activities` are its applied ones, oldest first; `complete` says whether all of them."""
    rule = policy.by_id.get(rule_id) if policy is not None else None
    reason = (reason_of(case, rule) if rule is not None else "") or f"Rule {rule_id} matched."
    return Packet(
        version=VERSION,
        case_id=case.id,
        episode_id=episode.id if episode is not None else None,
        policy=episode.policy if episode is not None else (policy.digest if policy is not None else ""),
        subject=case.subject,
        customer=case.customer,
        priority=priority,
        rule=rule_id,
        reason=reason + _others(episode, policy, rule_id) + _part_of(case),
        evidence=_evidence(policy, activities),
        transcript=transcript(activities),
        complete=complete,
        ladder=episode.ladder if episode is not None else "",
        acknowledge_by=acknowledge_by,
        sla=sla,
        profile=profile,
        playbook=policy.playbook(rule_id) if policy is not None else "",
    )


def _others(episode: Episode | None, policy: Policy | None, rule_id: str) -> str:
    """Return in sentences why other rules demanded the episode as well, empty when none did."""
    others = [each for each in (episode.reasons if episode is not None else ()) if each != rule_id]
    known = [policy.by_id.get(each) if policy is not None else None for each in others]
    reasons = [rule.set.reason if rule is not None else "" for rule in known]
    return "".join(
        f" Also, by rule {each}: {reason}" if reason else f" Also, rule {each} matched."
        for each, reason in zip(others, reasons, strict=True)
    )


def _part_of(case: Case) -> str:
    """Return a sentence on the open incident that a customer's case belongs to, empty when it belongs to none."""
    member = case.incident
    return f" Part of {member.words}." if member is not None and member.open and member.id != case.id else ""


def _evidence(policy: Policy | None, activities: Sequence[Activity]) -> tuple[str, ...]:
    """Return excerpts of the customer's messages that hold a phrase or a signal of the policy, newest last, none deleted."""
    if policy is None:
        return ()
    gone = {(each.connection, each.message_id) for each in activities if each.kind is ActivityKind.DELETION}
    found = [
        _excerpt(activity.reply_text or activity.text)
        for activity in activities
        if activity.kind is ActivityKind.MESSAGE
        and activity.sender is not None
        and activity.sender.role is Role.CUSTOMER
        and (activity.connection, activity.message_id) not in gone
        and _tells(policy, activity)
    ]
    return tuple(found[-_EVIDENCE:])


def _tells(policy: Policy, activity: Activity) -> bool:
    """Tell whether a message holds a phrase of the policy, or a signal that it asks for."""
    if policy.book.names_in(canonical(activity.reply_text)):
        return True
    signals = Signals(activity, policy.lexicons)
    return any(
        field in policy.reads and getattr(signals, field.removeprefix("message."))
        for field in ("message.wants_person", "message.wants_manager", "message.distress")
    )


def _excerpt(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
