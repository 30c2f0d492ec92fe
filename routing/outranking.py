"""Of several rules that escalate one case, the one whose ladder it climbs.

A hierarchical rule is of a higher level than every other. Between rules of one level the priority counts that each asks for
itself, and only while nobody has the case. Of equal ones the first stays. A case has one episode all the while: it keeps its id,
its beginning and all its reasons, and moves to the other ladder as it moves to another step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.model import EffectKind, Episode, EpisodeState, Mode, altered
from routing import climbing, severity
from routing.draft import Draft, stricter
from routing.handing_off import hand_off, reach, update_mode
from routing.policy import Act, EscalationType, Ladder, Rule
from routing.resolving import Landing, Matter, land
from routing.severity import urgency


def ordered(draft: Draft, rules: Sequence[Rule], held_back: Callable[[Draft, Rule], bool]) -> Sequence[Rule]:
    """Return rules that match one activity in the order in which they act: theirs, but for the one that outranks the others.

    Where it names another ladder than the first that escalates, it comes before that: the case comes to its ladder at once.
    """
    joins = draft.episode is not None and draft.episode.state is not EpisodeState.CLOSED
    able = [
        number
        for number, rule in enumerate(rules)
        if rule.act is Act.ESCALATE and rule.mode is not Mode.OBSERVE and (joins or rule.suspend is None)
    ]
    if len({rules[number].ladder for number in able}) <= 1:
        return rules
    able = [number for number in able if not held_back(draft, rules[number])]
    first = max(able, key=lambda number: _rank(draft, rules[number]), default=0)
    if not able or rules[first].ladder == rules[able[0]].ladder:
        return rules
    others = [*rules[:first], *rules[first + 1 :]]
    draft.notes.append(f"Of the rules that match, {rules[first].id} outranks the others: its ladder is climbed.")
    return [*others[: able[0]], rules[first], *others[able[0] :]]


def outranks(draft: Draft, rule: Rule, episode: Episode) -> str:
    """Return in some words why a rule outranks the one by which an episode climbs; empty when it does not."""
    leading = draft.policy.by_id.get(episode.leading)
    if leading is None or leading.id == rule.id:
        return ""
    if _hierarchical(rule) is not _hierarchical(leading):
        return f"it is hierarchical, and {leading.id} is not" if _hierarchical(rule) else ""
    asked, had = severity.asked(draft, rule), episode.asked_priority or leading.set.priority
    if asked is None or draft.landed or episode.state is not EpisodeState.OPEN or urgency(asked) <= urgency(had):
        return ""
    return f"it asks for {asked.value}, and {leading.id} for {had.value if had is not None else 'no priority'}"


def lead(draft: Draft, rule: Rule, climbs: Ladder, about: Matter) -> None:
    """Let the open episode climb by a rule that outranks the one it climbs by, on the ladder of that rule.

    `about` is what the activity is about that the rule matched.
    """
    episode = draft.episode
    meant = _meant(draft, rule)
    if episode is None:
        return
    why = outranks(draft, meant or rule, episode)
    if not why:
        if rule.ladder != climbs.id:
            draft.remarks.append(f"It stays on ladder {climbs.id}: {rule.id} does not outrank {episode.leading}.")
        return
    if meant is None:
        draft.remarks.append(
            f"It stays on ladder {climbs.id}: the policy that it began under has no rule {rule.id} that escalates."
        )
        return
    wanted = draft.policy.ladders[meant.ladder]
    whose = {"actor": about.actor, "action": about.action, "amount": about.amount}
    concerns = altered(episode, sent_further_by="", **whose if about.actor or about.action else {})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    landing = land(wanted, 0, climbing.matter(draft, concerns))
    target = wanted.stage(landing.step).target.connection
    if not _as_far(draft, meant, target, climbs, episode):
        draft.remarks.append(f"It stays on ladder {climbs.id}: rule {rule.id} reaches less far on {target}.")
        return
    draft.episode = altered(episode, climbs_by=meant.id, asked_priority=severity.asked(draft, meant))
    if wanted.id == climbs.id:
        return
    draft.episode = altered(
        draft.episode,
        ladder=wanted.id,
        began_on=episode.began_on or climbs.id,
        actor=concerns.actor,
        action=concerns.action,
        amount=concerns.amount,
    )
    _move(draft, meant, climbs, landing, f"Rule {rule.id} matched as well, and outranks {episode.leading}: {why}")


# --- who outranks whom -----------------------------------------------------------------------------------------------
def _hierarchical(rule: Rule) -> bool:
    return rule.type is EscalationType.HIERARCHICAL


def _rank(draft: Draft, rule: Rule) -> tuple[bool, int]:
    return _hierarchical(rule), urgency(severity.asked(draft, rule))


def _meant(draft: Draft, rule: Rule) -> Rule | None:
    """Return a rule as the policy has it that the episode began under, and no further than it may go now; None for none."""
    then = draft.policy.by_id.get(rule.id)
    if then is None or then.act is not Act.ESCALATE:
        return None
    mode = stricter(then.mode, rule.mode)
    return then if then.mode is mode else replace(then, mode=mode)


def _as_far(draft: Draft, rule: Rule, target: str, climbs: Ladder, episode: Episode) -> bool:
    """Tell whether a rule reaches as far as the case does already: one that may do less takes nobody off it."""
    holder = climbing.holder(draft, climbs)
    now = stricter(
        update_mode(draft, holder, draft.policy.by_id.get(episode.leading)),
        climbing.held(episode),
    )
    return stricter(_mode(draft, rule, target), now) is now


def _mode(draft: Draft, rule: Rule, target: str) -> Mode:
    return update_mode(draft, target, rule) if target in draft.case.targets else reach(draft, target, rule)


# --- onto the other ladder -------------------------------------------------------------------------------------------
def _move(draft: Draft, rule: Rule, left: Ladder, landing: Landing, why: str) -> None:
    """Begin on the ladder that the episode is on by now: nothing of the old step goes on, and the ticket follows."""
    episode = draft.episode
    if episode is None:
        return
    climbing.drop(draft, episode)
    # What was answered was the old step's to answer, and steps that were passed over were those of the old ladder.
    draft.change_episode(epoch=episode.epoch + 1, round=0, passed_over=(), answered_at=None, sent_further_by="")
    climbs = draft.policy.ladders[episode.ladder]
    climbing.arrive(draft, climbs, landing)
    draft.landed = True
    where = "the end" if climbs.at_end(landing.step) else f"step {landing.step + 1}"
    draft.say("moved", f"{why}. It goes to {where} of ladder {climbs.id}.{climbing.passed_over(draft)}")
    waits = _carry(draft, rule, left, episode)
    if not waits and not (draft.episode is not None and draft.episode.hushed):
        title = f"moved from ladder {left.id}: {climbing.headline(draft, rule)}"
        climbing.tell_step(draft, rule, climbs, title, draft.ticket(climbs.stage(landing.step).target.connection))


def _carry(draft: Draft, rule: Rule, left: Ladder, before: Episode) -> bool:
    """Move the ticket, or make one where the step is another helpdesk's; True when its people hear once it stands there."""
    episode = draft.episode
    if episode is None:
        return False
    climbs = draft.policy.ladders[episode.ladder]
    stage = climbs.stage(episode.step)
    target, held = stage.target, climbing.held(episode)
    mode, by = stricter(_mode(draft, rule, target.connection), held), episode.acknowledge_by
    given = f" Assigned to {', '.join(episode.assigned)}." if episode.assigned else ""
    told = f"Moved from ladder {left.id} to ladder {climbs.id} by rule {rule.id}."
    if target.connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            target.connection,
            mode,
            rule=rule.id,
            destination=rule.set.group or target.place,
            text=f"{told}{given}",
            acknowledge_by=by,
            assignee=climbing.assignee(draft, stage, before.assigned),
        )
        return climbing.on_its_way(draft, target.connection)
    holder = climbing.holder(draft, left)
    if holder in draft.case.targets:
        text = f"{told} It goes on in {target.connection}.{given}"
        draft.emit(EffectKind.UPDATE, holder, stricter(update_mode(draft, holder, rule), held), rule=rule.id, text=text)
    sent = hand_off(draft, rule, target, mode, by, climbing.assignee(draft, stage))
    if sent and episode.mode is Mode.NOTES:
        draft.change_episode(mode=mode)
    return sent
