"""How a case climbs its ladder: which step comes next, by when somebody must have taken it, and who hears of it.

A step's deadline is computed once, when the case comes to it. So time that is spent outside of working hours is left out of it
in advance, and what remains of it is there again when they begin.
"""

from __future__ import annotations

from typing import Final

from gateway.model import EffectKind, Episode, EpisodeState, Mode, TicketLink, Timer
from gateway.model.life import ACKNOWLEDGE, FURTHER
from routing.draft import Draft, stricter
from routing.policy import Address, Ladder, Rule, Stage

_TAKE: Final = ((ACKNOWLEDGE, "Acknowledge"),)
_TAKE_OR_PASS_ON: Final = (*_TAKE, (FURTHER, "Escalate further"))


def timer_name(episode: Episode) -> str:
    """Return the name of the deadline by which somebody must have taken a case."""
    return f"ack:{episode.id}:{episode.epoch}"


def opening_name(episode: Episode) -> str:
    """Return the name of the moment at which the working hours of the present step begin."""
    return f"open:{episode.id}:{episode.epoch}"


def reminder_name(episode: Episode) -> str:
    """Return the name of the deadline by which the customer must have an answer."""
    return f"reply:{episode.id}:{episode.epoch}"


def release_name(episode: Episode) -> str:
    """Return the name of the deadline after which a case that nobody answered is no longer taken."""
    return f"ttl:{episode.id}:{episode.epoch}"


def headline(draft: Draft, rule: Rule) -> str:
    """Return the title of a notice."""
    priority = f"{draft.case.priority.value} " if draft.case.priority else ""
    return f"{priority}escalation: {rule.set.reason or rule.id}"


def held(episode: Episode | None) -> Mode:
    """Return how far what an episode does may go: a rehearsal stays one, whatever is live by now."""
    return Mode.OBSERVE if episode is not None and episode.mode is Mode.OBSERVE else Mode.LIVE


def tell(
    draft: Draft,
    rule: Rule,
    addresses: tuple[Address, ...],
    *,
    title: str,
    link: TicketLink | None = None,
    last: bool = False,
) -> None:
    """Tell agents; of an episode that is a rehearsal, nobody. At the ladder's end nothing can be escalated further."""
    for address in addresses:
        draft.emit(
            EffectKind.NOTIFY,
            address.connection,
            stricter(draft.mode(address.connection, rule), held(draft.episode)),
            rule=rule.id,
            destination=address.place,
            title=title,
            text=link.url if link is not None else "",
            buttons=_TAKE if last else _TAKE_OR_PASS_ON,
        )


def tell_step(draft: Draft, rule: Rule, climbs: Ladder, title: str, link: TicketLink | None) -> None:
    """Tell the people of the step on which the episode stands."""
    if draft.episode is not None:
        step = draft.episode.step
        tell(draft, rule, climbs.stage(step).notify, title=title, link=link, last=climbs.at_end(step))


# --- where to --------------------------------------------------------------------------------------------------------
def place(climbs: Ladder, step: int, now: int) -> int:
    """Return the step that a case comes to which should come to this one: others stand in outside of working hours."""
    stage = climbs.stage(step)
    while stage.redirect is not None and stage.calendar is not None and not stage.calendar.is_open(now):
        step, stage = stage.redirect, climbs.stage(stage.redirect)
    return step


def arrive(draft: Draft, climbs: Ladder, step: int) -> None:
    """Let the open episode stand on a step, and set its deadlines."""
    stage = climbs.stage(step)
    by, onward = _deadline(stage, draft.now)
    hushed = stage.calendar is not None and not stage.calendar.is_open(draft.now)
    episode = draft.change_episode(
        step=step,
        state=EpisodeState.OPEN,
        acknowledged_at=None,
        acknowledge_by=by,
        onward=onward,
        hushed=hushed,
        answer_by=None,
        held_until=None,
    )
    if by is not None:
        draft.timers.append(Timer(name=timer_name(episode), due_at=by))
    if hushed and stage.calendar is not None:
        draft.timers.append(Timer(name=opening_name(episode), due_at=stage.calendar.next_open(draft.now)))


def _deadline(stage: Stage, now: int) -> tuple[int | None, int | None]:
    """Return by when somebody must have taken the case, and to which step it goes then when that is not the next one."""
    if stage.ack_within is None:
        return None, None
    due = now + stage.ack_within
    if stage.calendar is None:
        return due, None
    if stage.redirect is None:
        return stage.calendar.add(now, stage.ack_within), None
    closes = stage.calendar.next_close(now, due)
    return closes, (stage.redirect if closes < due else None)


def later(stage: Stage, now: int, amount: int | None) -> int | None:
    """Return when an amount of a step's time has passed."""
    if amount is None:
        return None
    return now + amount if stage.calendar is None else stage.calendar.add(now, amount)


def holder(draft: Draft, climbs: Ladder) -> str:
    """Return the helpdesk connection of a ladder that holds the case; that of its first step when none does."""
    named = [stage.target.connection for stage in (*climbs.steps, climbs.final)]
    return next((name for name in named if name in draft.case.targets), named[0])


# --- upwards ---------------------------------------------------------------------------------------------------------
def climb(draft: Draft, rule: Rule, climbs: Ladder, why: str, title: str) -> None:
    """Go to the step that comes next; after the last one begin anew as often as the ladder says, then go to its end."""
    episode = draft.episode
    if episode is None:
        return
    step = episode.step + 1 if episode.onward is None else episode.onward
    if climbs.at_end(step) and episode.onward is None and episode.round < climbs.repeat:
        draft.change_episode(round=episode.round + 1)
        step = 0
    move_to(draft, rule, climbs, step, why, title)


def move_to(draft: Draft, rule: Rule, climbs: Ladder, step: int, why: str, title: str) -> None:
    """Go to a step: the ticket moves to its group, and its people are told, at once or when their hours begin."""
    if draft.episode is None:
        return
    drop(draft, draft.episode)
    draft.change_episode(epoch=draft.episode.epoch + 1)
    arrive(draft, climbs, place(climbs, step, draft.now))
    episode = draft.episode
    if climbs.at_end(episode.step):
        draft.say("final", f"{why}: it goes to the end of ladder {climbs.id}.")
    else:
        draft.say("climbed", f"{why}: it goes to step {episode.step + 1} of ladder {climbs.id}.")
    target = climbs.stage(episode.step).target
    if target.connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            target.connection,
            stricter(draft.mode(target.connection, rule), held(episode)),
            rule=rule.id,
            destination=target.place,
            text=f"{title[0].upper()}{title[1:]}.",
            acknowledge_by=episode.acknowledge_by,
        )
    if not episode.hushed:
        tell_step(draft, rule, climbs, f"{title}: {headline(draft, rule)}", draft.ticket(target.connection))


def drop(draft: Draft, episode: Episode) -> None:
    """Cancel every deadline of an episode."""
    draft.cancelled.append(timer_name(episode))
    if episode.hushed:
        draft.cancelled.append(opening_name(episode))
    if episode.answer_by is not None:
        draft.cancelled.append(reminder_name(episode))
    if episode.held_until is not None:
        draft.cancelled.append(release_name(episode))
