"""How a case climbs its ladder: which step comes next, by when somebody must have taken it, and who hears of it.

A step's deadline is computed once, when the case comes to it. So time that is spent outside of working hours is left out of it
in advance, and what remains of it is there again when they begin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import EffectKind, Episode, EpisodeState, Mode, Priority, TicketLink, Timer
from gateway.model.life import ACKNOWLEDGE, FURTHER
from routing import muting
from routing.calendar import time_after
from routing.draft import Draft, stricter
from routing.people import People
from routing.policy import Address, Ladder, Message, Rule, Stage
from routing.reasons import reason_of
from routing.resolving import Landing, Matter, ask, land
from routing.wording import worded

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


def relax_name(episode: Episode) -> str:
    """Return the name of the moment at which a step wants fewer skills."""
    return f"relax:{episode.id}:{episode.epoch}"


def release_name(episode: Episode) -> str:
    """Return the name of the deadline after which a case that nobody answered is no longer taken."""
    return f"ttl:{episode.id}:{episode.epoch}"


def look_name(episode: Episode) -> str:
    """Return the name of the moment at which it is looked whether the one who has a case is there."""
    return f"owner:{episode.id}:{episode.epoch}"


def seat_name(episode: Episode) -> str:
    """Return the name of the moment at which a case that waits for room is offered some."""
    return f"seat:{episode.id}:{episode.epoch}"


def headline(draft: Draft, rule: Rule) -> str:
    """Return the title of a notice."""
    priority = f"{draft.case.priority.value} " if draft.case.priority else ""
    return f"{priority}escalation: {reason_of(draft.case, rule) or rule.id}"


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
    message: Message | None = None,
) -> None:
    """Tell agents; of an episode that is a rehearsal, nobody. At the ladder's end nothing can be escalated further."""
    if muting.held(draft, rule, addresses):
        return
    details = ""
    if message is not None and not draft.case.sensitive:
        why = title.removesuffix(headline(draft, rule))
        title, details = worded(draft, rule, message, why=why, link=link)
    for address in addresses:
        draft.emit(
            EffectKind.NOTIFY,
            address.connection,
            stricter(draft.mode(address.connection, rule), held(draft.episode)),
            rule=rule.id,
            destination=address.place,
            title=title,
            text=link.url if link is not None else "",
            details=details,
            buttons=_TAKE if last else _TAKE_OR_PASS_ON,
        )


def tell_step(draft: Draft, rule: Rule, climbs: Ladder, title: str, link: TicketLink | None) -> None:
    """Tell the people of the step on which the episode stands."""
    if draft.episode is not None:
        step = draft.episode.step
        agents = people_of(draft).agents
        own = [each for name in draft.episode.assigned if name in agents for each in agents[name].notify]
        addresses = tuple(dict.fromkeys((*own, *climbs.stage(step).notify)))
        stage = climbs.stage(step)
        tell(draft, rule, addresses, title=title, link=link, last=climbs.at_end(step), message=stage.message)


def on_its_way(draft: Draft, connection: str) -> bool:
    """Tell whether the ticket that holds the case in a helpdesk does not stand yet: its step's people hear once it does."""
    live = draft.episode is not None and draft.episode.mode is Mode.LIVE
    return live and connection in draft.case.targets and draft.ticket(connection) is None


def people_of(draft: Draft) -> People:
    """Return the agents and teams of the policy that the episode runs under."""
    episode, policy = draft.episode, draft.snapshot.policy
    return policy.people if episode is None or episode.policy == policy.digest else draft.policy.people


# --- where to --------------------------------------------------------------------------------------------------------
def matter(draft: Draft, episode: Episode) -> Matter:
    """Return what must be known to find people for an episode."""
    return Matter(
        people=people_of(draft),
        staff=draft.snapshot.staff,
        now=draft.now,
        channel=draft.case.channel,
        actor=episode.actor,
        action=episode.action,
        amount=episode.amount,
        assigned=episode.assigned,
        asked=episode.asked,
        assignee=assigned_last(draft, people_of(draft), episode),
        sent_by=episode.sent_further_by,
        case=draft.case,
    )


def assigned_last(draft: Draft, people: People, episode: Episode | None) -> str:
    """Return the agent whom the case was assigned to last: by Baton, or in the helpdesk since; empty for none of the policy.

    The episode is None for a case that is not escalated.
    """
    connection, number = draft.case.last_assignee
    there = people.known.get((connection, number.casefold()), "")
    if episode is None:
        return there
    ours = next(iter((*episode.assigned, *reversed(episode.asked))), "")
    at = max(episode.assigned_at or 0, episode.asked_at or 0)
    return there if there and (not ours or draft.case.assignee_since > at) else ours


def arrive(draft: Draft, climbs: Ladder, landing: Landing) -> None:
    """Let the open episode stand on a step, ask its people, and set its deadlines."""
    step, found = landing.step, landing.found
    stage = climbs.stage(step)
    note_passed(draft, landing.skipped)
    draft.candidates = found.considered
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
        acked_by=(),
        owner_look_at=None,
        **_asked(draft, found.assigned),
        relaxed=0,
        relax_at=_relaxes(draft, stage, 0) if found.waits else None,
        waits_for=found.waits_for,
        line_since=draft.now if found.waits_for else None,
    )
    if episode.relax_at is not None:
        draft.timers.append(Timer(name=relax_name(episode), due_at=episode.relax_at))
    if by is not None:
        draft.timers.append(Timer(name=timer_name(episode), due_at=by))
    if hushed and stage.calendar is not None:
        draft.timers.append(Timer(name=opening_name(episode), due_at=stage.calendar.next_open(draft.now)))


def note_passed(draft: Draft, passed: tuple[tuple[int, str], ...]) -> None:
    """Note steps that the case did not stay on, each with the reason why, in the account and in its episode."""
    draft.skipped_why += passed
    if draft.episode is not None and passed:
        before = (each for each in draft.episode.passed_over if each not in passed)
        draft.change_episode(passed_over=(*before, *passed))


def passed_over(draft: Draft) -> str:
    """Return in words which steps the case did not stay on, and why; and whether it waits on the one that it stays on."""
    passed = "".join(f" Step {step + 1} is passed over: {why}." for step, why in draft.skipped_why)
    waits_for = draft.episode.waits_for if draft.episode is not None else ""
    return f"{passed} It waits for room in team {waits_for}." if waits_for else passed


def _asked(draft: Draft, names: tuple[str, ...]) -> dict[str, object]:
    """Return what changes of the episode when its step asks these agents."""
    before = draft.episode.asked if draft.episode is not None else ()
    asked = (*(name for name in before if name not in names), *names)
    at = draft.now if names else None
    last = draft.episode.asked_at if draft.episode is not None else None
    return {"assigned": names, "assigned_at": at, "asked": asked, "asked_at": at or last}


def _relaxes(draft: Draft, stage: Stage, done: int) -> int | None:
    """Return when the next relaxation of a step holds, None when none is left."""
    if stage.asks is None or done >= len(stage.asks.relax):
        return None
    since = stage.asks.relax[done - 1].after if done else 0
    return later(stage, draft.now, stage.asks.relax[done].after - since)


def assignee(draft: Draft, stage: Stage, before: tuple[str, ...] = ()) -> str | None:
    """Return whom the ticket is assigned to on a step, by the helpdesk's id: nobody when `before` had it, or several have it."""
    assigned = draft.episode.assigned if draft.episode is not None else ()
    number = their_id(people_of(draft), assigned, stage.target.connection)
    return "" if number is None and (assigned or before) else number


def their_id(people: People, assigned: tuple[str, ...], connection: str) -> str | None:
    """Return the id on a connection of the one agent who is asked; None when it is not one, or they have none there."""
    agent = people.agents.get(assigned[0]) if len(assigned) == 1 else None
    ids = agent.ids.get(connection, ()) if agent is not None else ()
    return ids[0] if ids else None


def relax(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Want fewer skills on the step where the episode stands, since nobody had them all."""
    stage = climbs.stage(episode.step)
    if stage.asks is None:
        return
    done = episode.relaxed + 1
    found = ask(stage, stage.asks, matter(draft, episode), done)
    draft.candidates = found.considered
    if not found.assigned and not found.waits:
        note_passed(draft, ((episode.step, found.why),))
        climb(draft, rule, climbs, "Nobody has the skills that are wanted", "nobody could take it")
        return
    waits = _relaxes(draft, stage, done) if found.waits else None
    line = {"waits_for": found.waits_for, "line_since": (episode.line_since or draft.now) if found.waits_for else None}
    episode = draft.change_episode(**_asked(draft, found.assigned), relaxed=done, relax_at=waits, **line)
    draft.say("relaxed", f"Step {episode.step + 1} of ladder {climbs.id} wants fewer skills now.")
    if waits is not None:
        draft.timers.append(Timer(name=relax_name(episode), due_at=waits))
    if found.assigned:
        _give(draft, rule, climbs, episode)


def seat(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Give a case that waited for room to whoever has some now, since it is its turn."""
    stage = climbs.stage(episode.step)
    if stage.asks is None:
        return
    found = ask(stage, stage.asks, replace(matter(draft, episode), called=True), episode.relaxed)
    draft.candidates = found.considered
    if not found.assigned:
        draft.say("timer", f"There is no room in team {episode.waits_for} after all.")
        return
    if episode.relax_at is not None:
        draft.cancelled.append(relax_name(episode))
    episode = draft.change_episode(**_asked(draft, found.assigned), relax_at=None, waits_for="", line_since=None)
    draft.say("seated", f"There is room in team {stage.asks.name}: {', '.join(found.assigned)} has it now.")
    _give(draft, rule, climbs, episode)


def _give(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Assign the ticket to those who are asked now, on the step where the case stands already, and tell them."""
    stage = climbs.stage(episode.step)
    target = stage.target
    title = f"assigned to {', '.join(episode.assigned)}"
    if target.connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            target.connection,
            stricter(draft.mode(target.connection, rule), held(episode)),
            rule=rule.id,
            text=f"{title[0].upper()}{title[1:]}.",
            assignee=assignee(draft, stage),
        )
    if not episode.hushed:
        tell_step(draft, rule, climbs, f"{title}: {headline(draft, rule)}", draft.ticket(target.connection))


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
    return None if amount is None else time_after(stage.calendar, now, amount)


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


def move_to(
    draft: Draft,
    rule: Rule,
    climbs: Ladder,
    step: int,
    why: str,
    title: str,
    *,
    priority: Priority | None = None,
    told_later: bool = False,
    sent_by: str = "",
) -> None:
    """Go to a step: the ticket moves to its group, and its people are told, at once or when their hours begin.

    The ticket gets a priority as well where one is given. With `told_later` its people hear once the ticket stands.
    `sent_by` is the agent who sent it there: it is given to anybody but them.
    """
    if draft.episode is None:
        return
    drop(draft, draft.episode)
    before, left = draft.episode.assigned, draft.episode.step
    sent_by = draft.episode.sent_further_by if step == left else sent_by
    draft.change_episode(epoch=draft.episode.epoch + 1, sent_further_by=sent_by)
    arrive(draft, climbs, land(climbs, step, matter(draft, draft.episode)))
    episode = draft.episode
    passed, again = passed_over(draft), draft.episode.step == left == step
    if climbs.at_end(episode.step):
        draft.say("final", f"{why}: it goes to the end of ladder {climbs.id}.{passed}")
    elif again and episode.assigned:
        draft.say("reassigned", f"{why}: {', '.join(episode.assigned)} has it now.{passed}")
    else:
        draft.say("climbed", f"{why}: it goes to step {episode.step + 1} of ladder {climbs.id}.{passed}")
    stage = climbs.stage(episode.step)
    target = stage.target
    given = f" Assigned to {', '.join(episode.assigned)}." if episode.assigned else ""
    if target.connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            target.connection,
            stricter(draft.mode(target.connection, rule), held(episode)),
            rule=rule.id,
            destination=target.place,
            text=f"{title[0].upper()}{title[1:]}.{given}",
            priority=priority,
            acknowledge_by=episode.acknowledge_by,
            assignee=assignee(draft, stage, before),
        )
    if not episode.hushed and not told_later:
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
    if episode.relax_at is not None:
        draft.cancelled.append(relax_name(episode))
    if episode.owner_look_at is not None:
        draft.cancelled.append(look_name(episode))
