"""What a matching rule does: mirror the case, or escalate it; and how tickets that hold a case learn what comes after."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import EffectKind, Episode, EpisodeState, Mode, Priority, Role, altered, speaks
from gateway.model.keeping import Suspended
from routing import climbing, ladder, outranking, severity, suspending
from routing.draft import Draft, stricter
from routing.handing_off import hand_off, reach, update_mode
from routing.people import UNKNOWN, People
from routing.policy import Act, Address, Ladder, Rule
from routing.resolving import Landing, Matter, land
from routing.signals.reading import consume

#: Results that a mirror may put its own word over: nothing was done yet.
_NOTHING: Final = frozenset({"none", "observed"})


def act_on(draft: Draft, rule: Rule) -> None:
    """Do what a rule says, or let it wait."""
    if rule.suspend is not None and not _joins(draft):
        suspending.suspend(draft, rule, rule.suspend, _about(draft))
        return
    _act(draft, rule)


def escalate_now(draft: Draft, rule: Rule, waited: Suspended) -> None:
    """Do what a rule says whose escalation waited."""
    draft.waited = waited
    _act(draft, rule)


def _joins(draft: Draft) -> bool:
    """Tell whether the case is escalated already: one more reason for it waits for nothing."""
    return draft.episode is not None and draft.episode.state is not EpisodeState.CLOSED


def _act(draft: Draft, rule: Rule) -> None:
    if rule.mode is Mode.OBSERVE:
        _rehearse(draft, rule)
        return
    mark(draft, rule)
    if rule.act is Act.ESCALATE:
        if draft.episode is None or draft.episode.state is EpisodeState.CLOSED:
            # One that is closed was ended just now, by an incident that the case joined.
            draft.replaced = draft.episode
            _open(draft, rule)
        elif _unreached(draft, rule, draft.episode):
            _replace(draft, rule, draft.episode)
        else:
            _join(draft, rule, draft.episode)
        return
    if rule.act is Act.MIRROR:
        _mirror(draft, rule)
    elif draft.result == "none":
        draft.say("none", f"Rule {rule.id} says that nothing is to be done.")
    if rule.reply:
        _answer(draft, rule)


def _answer(draft: Draft, rule: Rule) -> None:
    """Answer the customer by a rule that does not escalate: once a case, at once, and never a machine.

    While the case is escalated nobody but people answers: what such a rule offers would be late. What a machine wrote
    (an out-of-office note) gets none, so that two machines never talk to each other.
    """
    activity, thread = draft.activity, draft.snapshot.thread
    escalated = draft.episode is not None and draft.episode.state is not EpisodeState.CLOSED
    machine = activity.mail is not None and activity.mail.auto_generated is not None
    if rule.id in draft.case.answered_by or escalated or machine or not speaks(activity):
        return
    if (draft.case.last_connection, draft.case.last_thread) != (thread.connection, thread.key):
        # Somebody else than the case's customer speaks here: the answer would go to that customer.
        return
    if ladder.reply(draft, rule, None):
        draft.change_case(answered_by=(*draft.case.answered_by, rule.id))


def _rehearse(draft: Draft, rule: Rule) -> None:
    """Write down, once a case, what a rule in observe mode would do. To the other rules and the case it is not there."""
    if draft.result == "none":
        draft.say("observed", f"Rule {rule.id} matched: its mode is observe, so nothing is done.")
    if rule.act is Act.NONE or rule.id in draft.case.rehearsed:
        return
    draft.change_case(rehearsed=(*draft.case.rehearsed, rule.id))
    target, assignee = Address(connection=rule.target, place=""), None
    if rule.act is Act.ESCALATE:
        policy = draft.snapshot.policy
        landing = _landing(draft, policy.ladders[rule.ladder], rule.set.priority)
        target = policy.ladders[rule.ladder].stage(landing.step).target
        assignee = climbing.their_id(policy.people, landing.found.assigned, target.connection)
    draft.emit(
        EffectKind.HANDOFF,
        target.connection,
        Mode.OBSERVE,
        rule=rule.id,
        destination=rule.set.group or target.place,
        priority=rule.set.priority or draft.case.priority,
        tags=(*draft.case.tags, *(tag for tag in rule.set.tags if tag not in draft.case.tags)),
        fields=rule.set.fields,
        assignee=assignee,
    )


def mark(draft: Draft, rule: Rule) -> None:
    """Set the case's priority and tags. While an episode is open the priority rises and never falls."""
    wanted, has = severity.wanted(draft, rule), draft.case.priority
    if wanted is not None and (has is None or draft.episode is None or wanted.value < has.value) and wanted is not has:
        draft.change_case(priority=wanted)
        draft.raised = f"Rule {rule.id} makes it {wanted}"
    fresh = tuple(tag for tag in rule.set.tags if tag not in draft.case.tags)
    if fresh:
        draft.change_case(tags=(*draft.case.tags, *fresh))


def _open(draft: Draft, rule: Rule) -> None:
    """Open the episode and hand the case off."""
    climbs = draft.snapshot.policy.ladders[rule.ladder]
    landing = _landing(draft, climbs)
    number = landing.step
    step = climbs.stage(number)
    about = _about(draft)
    draft.episode = Episode(
        id=draft.new_id("episode", 0 if draft.replaced is None else 1),
        case_id=draft.case.id,
        rule=rule.id,
        reasons=(rule.id,),
        ladder=climbs.id,
        step=number,
        policy=draft.snapshot.policy.digest,
        state=EpisodeState.OPEN,
        opened_at=draft.now,
        mode=draft.mode(step.target.connection, rule),
        channel=draft.case.channel,
        actor=about.actor,
        action=about.action,
        amount=about.amount,
        asked_priority=severity.asked(draft, rule),
    )
    draft.landed = True
    draft.case = consume(draft.case, draft.activity.received_at)
    climbing.arrive(draft, climbs, landing)
    draft.say(
        "escalate", f"Rule {rule.id} matched: the case is escalated on ladder {climbs.id}.{climbing.passed_over(draft)}"
    )
    why = ladder.withheld(draft) if rule.reply else ""
    if why:
        draft.remarks.append(f"Its reply will not be sent: {why}.")
    mode, by = reach(draft, step.target.connection, rule), draft.episode.acknowledge_by
    sent = hand_off(draft, rule, step.target, mode, by, climbing.assignee(draft, step))
    if not sent and not draft.episode.hushed:
        climbing.tell_step(draft, rule, climbs, climbing.headline(draft, rule), None)


def _about(draft: Draft) -> Matter:
    """Return what an episode that this activity opens is about, as far as finding people for it goes."""
    people = draft.snapshot.policy.people
    if draft.waited is not None:
        return _waited(draft, draft.waited)
    if not people.agents:
        return Matter(people=people, staff=UNKNOWN, now=draft.now, channel=draft.case.channel, case=draft.case)
    deed = draft.signals.deed
    return Matter(
        people=people,
        staff=draft.snapshot.staff,
        now=draft.now,
        channel=draft.case.channel,
        actor=_actor(draft, people),
        action=deed.action or "",
        amount=deed.amount,
        assignee=climbing.assigned_last(draft, people, _running(draft)),
        case=draft.case,
    )


def _waited(draft: Draft, waited: Suspended) -> Matter:
    """Return the same for an escalation that waited: what it is about was written down when it began to."""
    return Matter(
        people=draft.snapshot.policy.people,
        staff=draft.snapshot.staff,
        now=draft.now,
        channel=draft.case.channel,
        actor=waited.actor,
        action=waited.action,
        amount=waited.amount,
        assignee=climbing.assigned_last(draft, draft.snapshot.policy.people, _running(draft)),
        case=draft.case,
    )


def _actor(draft: Draft, people: People) -> str:
    """Return the agent whose doing it is about: who did it, or with whom the customer who did it spoke last.

    When the clock of an SLA is heard of, nobody did anything: it is about whoever had the case last, or else answered last.
    """
    sender, heard = draft.activity.sender, draft.signals.sla.event is not None
    if heard and (assignee := climbing.assigned_last(draft, people, _running(draft))):
        return assignee
    if draft.signals.actor_name is None and (heard or (sender is not None and sender.role is Role.CUSTOMER)):
        connection, number = draft.case.last_agent
        return people.known.get((connection, number.casefold()), "")
    return draft.signals.actor_name or ""


def _running(draft: Draft) -> Episode | None:
    """Return the episode that runs, None for none."""
    return draft.episode if _joins(draft) else None


def _landing(draft: Draft, climbs: Ladder, priority: Priority | None = None) -> Landing:
    """Return where a case comes to rest that an activity brings onto a ladder; `priority` is one that it does not have yet."""
    about = _about(draft)
    if priority is not None:
        about = replace(about, case=altered(draft.case, priority=priority))
    return land(climbs, 0, about)


def _unreached(draft: Draft, rule: Rule, episode: Episode) -> bool:
    """Tell whether an open episode never reached the helpdesk, and this rule would reach it now."""
    if episode.mode is Mode.LIVE:
        return False
    if episode.mode is Mode.NOTES:
        climbs = draft.policy.ladders.get(episode.ladder)
        if climbs is None or climbing.holder(draft, climbs) in draft.case.targets:
            return False
    wanted = draft.snapshot.policy.ladders[rule.ladder]
    target = wanted.stage(_landing(draft, wanted).step).target.connection
    return reach(draft, target, rule) is not Mode.OBSERVE


def _replace(draft: Draft, rule: Rule, episode: Episode) -> None:
    """End an episode that was a rehearsal, and escalate in earnest."""
    climbing.drop(draft, episode)
    draft.replaced = altered(episode, state=EpisodeState.CLOSED, closed_at=draft.now)
    _open(draft, rule)


def _join(draft: Draft, rule: Rule, episode: Episode) -> None:
    """Another rule demands what is being done already: one episode, both reasons, on the ladder of the one that outranks."""
    climbs = draft.policy.ladders.get(episode.ladder)
    if rule.id not in episode.reasons:
        episode = draft.change_episode(reasons=(*episode.reasons, rule.id))
        _say_joined(draft, f"Rule {rule.id} matched as well: the open episode has one more reason.")
        if climbs is not None:
            _add_reason(draft, rule, climbs, episode)
    else:
        _say_joined(draft, f"Rule {rule.id} matched again: the case is escalated already.")
        if not outranking.outranks(draft, rule, episode):
            return
    if climbs is not None:
        outranking.lead(draft, rule, climbs, _about(draft))


def _say_joined(draft: Draft, sentence: str) -> None:
    """Say that a rule joined; beside what another rule did just now by which the case came to its ladder."""
    if draft.landed:
        draft.remarks.append(sentence)
    else:
        draft.say("joined", sentence)


def _add_reason(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Write one more reason into the ticket."""
    connection = climbing.holder(draft, climbs)
    draft.emit(
        EffectKind.UPDATE,
        connection,
        stricter(update_mode(draft, connection, rule), climbing.held(episode)),
        rule=rule.id,
        text=f"One more reason ({rule.id}): {rule.set.reason or 'see the conversation'}",
        # That of the case, which rises only: a rule that asks for less must not lower the ticket's.
        priority=draft.case.priority if rule.set.priority or rule.set.impact or rule.set.urgency else None,
        tags=rule.set.tags,
        fields=rule.set.fields,
    )


def _mirror(draft: Draft, rule: Rule) -> None:
    """Write the case into the helpdesk, once."""
    if draft.ticket(rule.target) is not None or rule.target in draft.case.targets:
        if draft.result in _NOTHING:
            draft.say("mirror", f"Rule {rule.id} matched: the case stands in {rule.target} already.")
        return
    mode = draft.mode(rule.target, rule)
    if mode is not Mode.LIVE and rule.target in draft.case.observed:
        draft.say("mirror", f"Rule {rule.id} matched: {rule.target} is not live, the case would stand there already.")
        return
    hand_off(draft, rule, Address(connection=rule.target, place=""), reach(draft, rule.target, rule), None)
    if draft.result in _NOTHING:
        draft.say("mirror", f"Rule {rule.id} matched: the case is written into {rule.target}.")


def follow(draft: Draft) -> None:
    """Tell the tickets that hold the case what came after; never the one through which it came."""
    for connection in draft.case.targets:
        told = any(effect.connection == connection and effect.kind is EffectKind.HANDOFF for effect in draft.effects)
        if connection != draft.activity.connection and not told:
            draft.emit(EffectKind.UPDATE, connection, update_mode(draft, connection, None))
