"""What a matching rule does: mirror the case, or escalate it; and how tickets that hold a case learn what comes after."""

from __future__ import annotations

from gateway.model import EffectKind, Episode, EpisodeState, Mode, Timer
from routing import ladder
from routing.draft import Draft
from routing.policy import Act, Address, Rule


def act_on(draft: Draft, rule: Rule) -> None:
    """Do what a rule says."""
    _mark(draft, rule)
    if rule.act is Act.ESCALATE:
        if draft.episode is None or draft.episode.state is EpisodeState.CLOSED:
            _open(draft, rule)
        else:
            _join(draft, rule, draft.episode)
    elif rule.act is Act.MIRROR:
        _mirror(draft, rule)
    elif draft.result == "none":
        draft.say("none", f"Rule {rule.id} says that nothing is to be done.")


def _mark(draft: Draft, rule: Rule) -> None:
    """Set the case's priority and tags. While an episode is open the priority rises and never falls."""
    wanted, has = rule.set.priority, draft.case.priority
    if wanted is not None and (has is None or draft.episode is None or wanted.value < has.value) and wanted is not has:
        draft.change_case(priority=wanted)
    fresh = tuple(tag for tag in rule.set.tags if tag not in draft.case.tags)
    if fresh:
        draft.change_case(tags=(*draft.case.tags, *fresh))


def _open(draft: Draft, rule: Rule) -> None:
    """Open the episode and hand the case off."""
    climbs = draft.snapshot.policy.ladders[rule.ladder]
    step = climbs.steps[0]
    by = draft.now + (step.ack_within or 0)
    draft.episode = Episode(
        id=draft.new_id("episode"),
        case_id=draft.case.id,
        rule=rule.id,
        reasons=(rule.id,),
        ladder=climbs.id,
        step=0,
        policy=draft.snapshot.policy.digest,
        state=EpisodeState.OPEN,
        opened_at=draft.now,
    )
    draft.timers.append(Timer(name=ladder.timer_name(draft.episode.id, 0), due_at=by))
    draft.say("escalate", f"Rule {rule.id} matched: the case is escalated on ladder {climbs.id}.")
    sent = _hand_off(draft, rule, step.target, by)
    if not sent:
        ladder.tell(draft, rule, step.notify, title=ladder.headline(draft, rule), ticket_mode=draft.effects[-1].mode)


def _join(draft: Draft, rule: Rule, episode: Episode) -> None:
    """Another rule demands what is being done already: one episode, both reasons."""
    if rule.id in episode.reasons:
        draft.say("joined", f"Rule {rule.id} matched again: the case is escalated already.")
        return
    draft.change_episode(reasons=(*episode.reasons, rule.id))
    draft.say("joined", f"Rule {rule.id} matched as well: the open episode has one more reason.")
    climbs = draft.policy.ladders.get(episode.ladder)
    if climbs is None:
        return
    connection = climbs.steps[0].target.connection
    draft.emit(
        EffectKind.UPDATE,
        connection,
        _update_mode(draft, connection, rule),
        rule=rule.id,
        text=f"One more reason ({rule.id}): {rule.set.reason or 'see the conversation'}",
        priority=rule.set.priority,
        tags=rule.set.tags,
        fields=rule.set.fields,
    )


def _mirror(draft: Draft, rule: Rule) -> None:
    """Write the case into the helpdesk, once."""
    if draft.ticket(rule.target) is not None or rule.target in draft.case.targets:
        if draft.result == "none":
            draft.say("mirror", f"Rule {rule.id} matched: the case stands in {rule.target} already.")
        return
    mode = draft.mode(rule.target, rule)
    if mode is not Mode.LIVE and rule.target in draft.case.observed:
        draft.say("mirror", f"Rule {rule.id} matched: {rule.target} is not live, the case would stand there already.")
        return
    _hand_off(draft, rule, Address(connection=rule.target, place=""), None)
    if draft.result == "none":
        draft.say("mirror", f"Rule {rule.id} matched: the case is written into {rule.target}.")


def _hand_off(draft: Draft, rule: Rule, target: Address, by: int | None) -> bool:
    """Emit the handoff; return whether it will reach the helpdesk."""
    connection = target.connection
    mode = draft.mode(connection, rule)
    if mode is Mode.NOTES and draft.ticket(connection) is None:
        mode = Mode.OBSERVE
    draft.emit(
        EffectKind.HANDOFF,
        connection,
        mode,
        rule=rule.id,
        destination=rule.set.group or target.place,
        priority=draft.case.priority,
        tags=draft.case.tags,
        fields=rule.set.fields,
        acknowledge_by=by,
    )
    if mode is Mode.OBSERVE:
        if connection not in draft.case.observed:
            draft.change_case(observed=(*draft.case.observed, connection))
        return False
    if connection not in draft.case.targets:
        draft.change_case(targets=(*draft.case.targets, connection))
    return True


def _update_mode(draft: Draft, connection: str, rule: Rule | None) -> Mode:
    if connection not in draft.case.targets:
        return Mode.OBSERVE
    return draft.mode(connection, rule)


def follow(draft: Draft) -> None:
    """Tell the tickets that hold the case what came after; never the one through which it came."""
    for connection in draft.case.targets:
        told = any(effect.connection == connection and effect.kind is EffectKind.HANDOFF for effect in draft.effects)
        if connection != draft.activity.connection and not told:
            draft.emit(EffectKind.UPDATE, connection, _update_mode(draft, connection, None))
