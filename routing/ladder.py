"""The ladder: notified, acknowledged, and what happens when nobody takes the case in time."""

from __future__ import annotations

from gateway.model import (
    ActivityKind,
    CaseStatus,
    EffectKind,
    Episode,
    EpisodeState,
    Mode,
    Outcome,
    TicketChange,
    TicketLink,
    Timer,
    altered,
)
from gateway.model.life import FURTHER
from routing import acks, muting, owners
from routing.climbing import (
    assignee,
    climb,
    drop,
    headline,
    holder,
    later,
    look_name,
    move_to,
    on_its_way,
    opening_name,
    people_of,
    relax,
    relax_name,
    release_name,
    reminder_name,
    seat,
    seat_name,
    tell,
    tell_step,
    timer_name,
)
from routing.draft import Draft
from routing.policy import Ladder, Rule
from routing.signals.reading import consume
from routing.template import render
from routing.wording import values


def _rule(draft: Draft, rule_id: str) -> Rule | None:
    return draft.policy.by_id.get(rule_id)


# --- what comes back -------------------------------------------------------------------------------------------------
def outcome_came(draft: Draft) -> None:
    """Go on once a handoff stands, or was given up: nobody is promised anything before."""
    outcome = draft.activity.outcome
    episode = draft.episode
    if outcome is None:
        return
    if outcome.discarded:
        _given_up(draft, outcome)
        return
    what = f"{outcome.effect_kind} to {outcome.connection}"
    draft.say("outcome", f"The {what} {'arrived' if outcome.landed else 'was given up'}.")
    ours = episode is not None and outcome.episode_id == episode.id and episode.state is EpisodeState.OPEN
    if outcome.effect_kind != EffectKind.HANDOFF.value or not ours or episode is None:
        return
    rule = _rule(draft, outcome.rule)
    climbs = draft.policy.ladders.get(episode.ladder)
    if rule is None or climbs is None:
        return
    if not outcome.landed:
        title = f"{headline(draft, rule)}; the ticket could not be written"
        tell(draft, rule, climbs.final.notify, title=title, last=True)
        return
    receipt = outcome.receipt
    link = TicketLink(
        connection=outcome.connection,
        ticket_id=receipt.ticket_id if receipt else "",
        adopted=False,
        url=receipt.url if receipt else "",
    )
    # Where another ticket is on its way to which the case moved meanwhile, its people hear once that stands.
    aim = climbs.stage(episode.step).target.connection
    moves = aim != outcome.connection and aim in draft.case.targets and draft.ticket(aim) is None
    if not episode.hushed and not moves:
        leading = _rule(draft, episode.leading) or rule
        tell_step(draft, leading, climbs, headline(draft, leading), link)
    reply(draft, rule, link)


def _given_up(draft: Draft, outcome: Outcome) -> None:
    """End the episode of a handoff that an operator discarded: the next rule that matches hands the case off again."""
    draft.say("outcome", f"The {outcome.effect_kind} to {outcome.connection} was discarded by an operator.")
    if outcome.effect_kind != EffectKind.HANDOFF.value:
        return
    link = draft.ticket(outcome.connection)
    if link is None or link.adopted:
        draft.change_case(targets=tuple(name for name in draft.case.targets if name != outcome.connection))
    if draft.episode is not None and draft.episode.id == outcome.episode_id:
        close(draft)


def withheld(draft: Draft) -> str:
    """Return why no reply can go to where the customer spoke last, some words; empty when one can."""
    connection, thread = draft.case.last_connection, draft.case.last_thread
    facts = draft.snapshot.connections.get(connection)
    if not connection:
        return "the customer has not spoken on a channel of their own, and on a ticket agents answer themselves"
    if facts is None or "reply" not in facts.roles:
        return f"over {connection} Baton sends none"
    if (connection, thread) in draft.snapshot.silenced:
        return "the customer wants no messages on that thread (STOP)"
    if (connection, thread) in draft.snapshot.strangers:
        # An operator said so after they spoke.
        return "who spoke on that thread last is another person by now"
    return ""


def reply(draft: Draft, rule: Rule, link: TicketLink | None) -> bool:
    """Answer the customer on the thread where they spoke last, and tell whether. The destination is frozen here."""
    if not rule.reply:
        return False
    why, facts = withheld(draft), draft.snapshot.connections.get(draft.case.last_connection)
    if why or facts is None:
        draft.remarks.append(f"The reply of rule {rule.id} is not sent: {why}.")
        return False
    mode = draft.mode(facts.name, rule)
    draft.emit(
        EffectKind.REPLY,
        facts.name,
        mode if mode is Mode.LIVE else Mode.OBSERVE,
        rule=rule.id,
        destination=draft.case.last_thread,
        text=render(rule.reply, values(draft, rule, link)),
        buttons=rule.buttons,
    )
    return True


# --- taken, answered, over -------------------------------------------------------------------------------------------
def acknowledged(draft: Draft) -> None:
    """Take the case for the agent who pressed the button of a notice; from now on they owe the customer an answer."""
    who = _who(draft)
    if _wants_more(draft, who) or not _take(draft, f"{who} took the case."):
        return
    climbs = draft.policy.ladders.get(draft.episode.ladder) if draft.episode else None
    if climbs is None or draft.episode is None:
        return
    stage = climbs.stage(draft.episode.step)
    theirs = assignee(draft, stage) if stage.asks is not None and draft.episode.assigned else None
    _note(draft, holder(draft, climbs), f"Acknowledged by {who}.", theirs or None)
    episode = draft.change_episode(
        answer_by=later(stage, draft.now, stage.reply_within), held_until=later(stage, draft.now, stage.ack_ttl)
    )
    if episode.answer_by is not None:
        draft.timers.append(Timer(name=reminder_name(episode), due_at=episode.answer_by))
    if episode.held_until is not None:
        draft.timers.append(Timer(name=release_name(episode), due_at=episode.held_until))


def agent_answered(draft: Draft) -> None:
    """Take the case for the agent who answered the customer; whoever took it before owes no answer any more."""
    episode = draft.episode
    if _wants_more(draft, _who(draft)):
        return
    if _take(draft, "An agent answered: the case is taken."):
        draft.change_episode(answered_at=draft.now)
    elif episode is not None and episode.state is EpisodeState.ACKNOWLEDGED and episode.answered_at is None:
        drop(draft, episode)
        draft.change_episode(answered_at=draft.now, answer_by=None, held_until=None)
        draft.say("agent", "An agent answered: the case that was taken has its answer.")
    else:
        draft.say("agent", "An agent answered: no rule looks at it.")


def _wants_more(draft: Draft, who: str) -> bool:
    """Count whoever acknowledges; True when the step wants more than them, so that its deadline goes on."""
    episode = draft.episode
    climbs = draft.policy.ladders.get(episode.ladder) if episode is not None else None
    if episode is None or climbs is None or episode.state is not EpisodeState.OPEN:
        return False
    lacks = acks.count(draft, climbs.stage(episode.step), who)
    if lacks:
        draft.say("counted", lacks)
        if draft.episode is not None and draft.episode.acked_by != episode.acked_by:
            _note(draft, holder(draft, climbs), lacks, None)
    return bool(lacks)


def _take(draft: Draft, sentence: str) -> bool:
    episode = draft.episode
    if episode is None or episode.state is not EpisodeState.OPEN:
        draft.say("acknowledged", "The case is taken already, or is not escalated.")
        return False
    drop(draft, episode)
    # Whoever took it did so within the hours: when they lose it, the next step is next, and not the one that stands in.
    draft.change_episode(
        state=EpisodeState.ACKNOWLEDGED,
        acknowledged_at=draft.now,
        hushed=False,
        onward=None,
        relax_at=None,
        waits_for="",
        line_since=None,
    )
    agent = acks.owner(draft) or _agent(draft)
    climbs = draft.policy.ladders.get(episode.ladder)
    if agent and climbs is not None and climbs.stage(episode.step).asks is not None:
        # Of a step that asks a group Baton gives the ticket to nobody, and so takes it from nobody later.
        draft.change_episode(assigned=(agent,), assigned_at=draft.now)
    draft.say("acknowledged", sentence)
    return True


def close(draft: Draft) -> None:
    """End the open episode with everything that waits for it."""
    episode = draft.episode
    if episode is None:
        return
    drop(draft, episode)
    draft.change_episode(state=EpisodeState.CLOSED, closed_at=draft.now)
    # That the case comes back again and again is no matter of one episode.
    draft.case = altered(consume(draft.case, draft.activity.received_at), reopened=draft.case.reopened)


# --- a person sends it on --------------------------------------------------------------------------------------------
def forced(draft: Draft) -> None:
    """Send the case to the next step, since a person wants it there, taken or not."""
    episode = draft.episode
    if episode is None or episode.state is EpisodeState.CLOSED:
        draft.say("further", "The case is not escalated: there is no next step.")
        return
    known = _known(draft, episode)
    if known is None or known[1].at_end(episode.step):
        draft.say("further", "The case stands at the end of its ladder: there is no next step.")
        return
    reference = draft.activity.reference
    if reference is not None and reference in episode.sent_on_by:
        draft.say("further", "This notice sent the case on already.")
        return
    if reference is not None:
        draft.change_episode(sent_on_by=(*episode.sent_on_by, reference))
    title = f"escalated further by {_who(draft)}"
    why = "A person wants it further up"
    move_to(draft, known[0], known[1], episode.step + 1, why, title, sent_by=_agent(draft))


def tag_forces(draft: Draft) -> bool:
    """Tell whether a person just set the tag that sends the case on. It counts once, until it was taken off."""
    episode, ticket = draft.episode, draft.activity.ticket
    if episode is None or ticket is None or ticket.tags is None or draft.activity.kind is not ActivityKind.TICKET:
        return False
    carries = FURTHER in ticket.tags
    if carries and not episode.tagged and ticket.change is TicketChange.TAGS:
        draft.change_episode(tagged=True)
        return True
    if episode.tagged and not carries:
        draft.change_episode(tagged=False)
    return False


def _who(draft: Draft) -> str:
    sender = draft.activity.sender
    return sender.name or _agent(draft) or sender.value if sender else "somebody"


def _agent(draft: Draft) -> str:
    """Return the name in the policy of who did it; empty when it names them not."""
    agent = people_of(draft).who(draft.activity.connection, draft.activity.sender)
    return agent.name if agent is not None else ""


# --- time ------------------------------------------------------------------------------------------------------------
def timer_fired(draft: Draft) -> None:
    """Do what a deadline is for, when the case still waits for it."""
    episode = draft.episode
    if episode is None or draft.case.status is not CaseStatus.OPEN or not _awaited(draft.activity.name, episode):
        draft.say("timer", "A deadline passed that nobody waits for any more.")
        return
    known = _known(draft, episode)
    if known is None:
        draft.say("timer", "A deadline passed, and the policy has no such ladder any more.")
        return
    rule, climbs = known
    name = draft.activity.name
    anew = {
        look_name(episode): owners.hours_began,
        opening_name(episode): _hours_begin,
        relax_name(episode): relax,
        seat_name(episode): seat,
    }
    if muting.over(name, episode) and episode.state is EpisodeState.OPEN:
        draft.say("unmuted", "A mute is over that held a notice of this step.")
        link = draft.ticket(climbs.stage(episode.step).target.connection)
        tell_step(draft, rule, climbs, headline(draft, rule), link)
    elif muting.over(name, episode):
        draft.say("unmuted", "A mute is over that held a reminder, and the customer has no answer yet.")
        _remind(draft, rule, climbs, episode)
    elif name in anew:
        anew[name](draft, rule, climbs, episode)
    elif name == reminder_name(episode):
        draft.say("reminded", "The case is taken, and the customer has no answer yet.")
        draft.change_episode(answer_by=None)
        _remind(draft, rule, climbs, episode)
    elif name == release_name(episode):
        climb(draft, rule, climbs, "Nobody answered the customer in time", "taken, but not answered in time")
    elif climbs.at_end(episode.step):
        draft.say("timer", "A deadline passed that nobody waits for any more.")
    elif episode.onward is not None:
        climb(draft, rule, climbs, "Working hours ended before somebody took it", "working hours ended")
    else:
        climb(draft, rule, climbs, "Nobody took the case in time", "not acknowledged in time")


def _remind(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Remind a step's people that the customer of a case that they took has no answer."""
    link = draft.ticket(climbs.stage(episode.step).target.connection)
    tell_step(draft, rule, climbs, f"taken, but not answered in time: {headline(draft, rule)}", link)


def _awaited(name: str, episode: Episode) -> bool:
    """Tell whether an episode waits for a deadline of this name."""
    if episode.owner_look_at is not None and name == look_name(episode):
        return episode.state is not EpisodeState.CLOSED
    if episode.state is EpisodeState.OPEN:
        hours = episode.hushed and name == opening_name(episode)
        relaxes = episode.relax_at is not None and name == relax_name(episode)
        seats = bool(episode.waits_for) and name == seat_name(episode)
        return hours or relaxes or seats or muting.over(name, episode) or name == timer_name(episode)
    if episode.state is not EpisodeState.ACKNOWLEDGED or episode.answered_at is not None:
        return False
    reminds = (episode.answer_by is not None and name == reminder_name(episode)) or muting.over(name, episode)
    return reminds or (episode.held_until is not None and name == release_name(episode))


def _hours_begin(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Tell a step's people at the beginning of their hours; while the ticket is on its way, they hear when it stands."""
    draft.change_episode(hushed=False)
    draft.say("opened", f"The working hours of step {episode.step + 1} of ladder {climbs.id} begin.")
    connection = climbs.stage(episode.step).target.connection
    if not on_its_way(draft, connection):
        tell_step(draft, rule, climbs, headline(draft, rule), draft.ticket(connection))


def _known(draft: Draft, episode: Episode) -> tuple[Rule, Ladder] | None:
    """Return an episode's rule and ladder, None when its policy cannot be read any more and the new one lacks them."""
    rule, climbs = _rule(draft, episode.leading), draft.policy.ladders.get(episode.ladder)
    return None if rule is None or climbs is None else (rule, climbs)


def _note(draft: Draft, connection: str, text: str, assignee: str | None) -> None:
    if connection in draft.case.targets:
        draft.emit(EffectKind.UPDATE, connection, draft.mode(connection, None), text=text, assignee=assignee)
