"""The ladder: notified, acknowledged, and what happens when nobody takes the case in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import CaseStatus, EffectKind, Episode, EpisodeState, Mode, Outcome, TicketLink
from gateway.model.life import ACKNOWLEDGE
from routing.draft import Draft, stricter
from routing.policy import Address, Rule
from routing.signals.reading import consume
from routing.template import render

_BUTTON: Final = ((ACKNOWLEDGE, "Acknowledge"),)


def timer_name(episode_id: str, step: int) -> str:
    """Return the name of a step's deadline."""
    return f"ack:{episode_id}:{step}"


def _rule(draft: Draft, rule_id: str) -> Rule | None:
    return draft.policy.by_id.get(rule_id)


def headline(draft: Draft, rule: Rule) -> str:
    """Return the title of a notice."""
    priority = f"{draft.case.priority.value} " if draft.case.priority else ""
    return f"{priority}escalation: {rule.set.reason or rule.id}"


def tell(
    draft: Draft,
    rule: Rule,
    addresses: tuple[Address, ...],
    *,
    title: str,
    link: TicketLink | None = None,
) -> None:
    """Tell agents; of an episode that is a rehearsal, nobody."""
    for address in addresses:
        draft.emit(
            EffectKind.NOTIFY,
            address.connection,
            stricter(draft.mode(address.connection, rule), held(draft.episode)),
            rule=rule.id,
            destination=address.place,
            title=title,
            text=link.url if link is not None else "",
            buttons=_BUTTON,
        )


def held(episode: Episode | None) -> Mode:
    """Return how far what an episode does may go: a rehearsal stays one, whatever is live by now."""
    return Mode.OBSERVE if episode is not None and episode.mode is Mode.OBSERVE else Mode.LIVE


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
        tell(draft, rule, climbs.final.notify, title=f"{headline(draft, rule)}; the ticket could not be written")
        return
    receipt = outcome.receipt
    link = TicketLink(
        connection=outcome.connection,
        ticket_id=receipt.ticket_id if receipt else "",
        adopted=False,
        url=receipt.url if receipt else "",
    )
    tell(draft, rule, climbs.steps[0].notify, title=headline(draft, rule), link=link)
    _reply(draft, rule, link)


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


def _reply(draft: Draft, rule: Rule, link: TicketLink) -> None:
    """Answer the customer on the thread where they spoke last. The destination is frozen here."""
    facts = draft.snapshot.connections.get(draft.case.last_connection)
    if not rule.reply or facts is None or "reply" not in facts.roles:
        return
    if f"{facts.name}:{draft.case.last_thread}" in draft.case.silenced:
        return
    if (facts.name, draft.case.last_thread) in draft.snapshot.strangers:
        # Who spoke there last is another person by now: an operator said so after they spoke.
        return
    mode = draft.mode(facts.name, rule)
    customer = draft.case.customer
    values = {
        "case.id": draft.case.id,
        "case.subject": draft.case.subject,
        "case.priority": draft.case.priority.value if draft.case.priority else "",
        "customer.name": customer.name if customer else "",
        "rule.id": rule.id,
        "rule.reason": rule.set.reason,
        "ticket.id": link.ticket_id,
        "ticket.url": link.url,
    }
    draft.emit(
        EffectKind.REPLY,
        facts.name,
        mode if mode is Mode.LIVE else Mode.OBSERVE,
        rule=rule.id,
        destination=draft.case.last_thread,
        text=render(rule.reply, values),
    )


# --- taken, answered, over -------------------------------------------------------------------------------------------
def acknowledged(draft: Draft) -> None:
    """Take the case for the agent who pressed the button of a notice."""
    who = draft.activity.sender.name or draft.activity.sender.value if draft.activity.sender else "somebody"
    if _take(draft, f"{who} took the case."):
        climbs = draft.policy.ladders.get(draft.episode.ladder) if draft.episode else None
        if climbs is not None:
            connection = climbs.steps[0].target.connection
            _note(draft, connection, f"Acknowledged by {who}.")


def agent_answered(draft: Draft) -> None:
    """Take the case for the agent who answered the customer."""
    if not _take(draft, "An agent answered: the case is taken."):
        draft.say("agent", "An agent answered: no rule looks at it.")


def _take(draft: Draft, sentence: str) -> bool:
    episode = draft.episode
    if episode is None or episode.state is not EpisodeState.OPEN:
        draft.say("acknowledged", "The case is taken already, or is not escalated.")
        return False
    draft.cancelled.append(timer_name(episode.id, episode.step))
    draft.change_episode(state=EpisodeState.ACKNOWLEDGED, acknowledged_at=draft.now)
    draft.say("acknowledged", sentence)
    return True


def close(draft: Draft) -> None:
    """End the open episode with everything that waits for it."""
    episode = draft.episode
    if episode is None:
        return
    draft.cancelled.append(timer_name(episode.id, episode.step))
    draft.change_episode(state=EpisodeState.CLOSED, closed_at=draft.now)
    # That the case comes back again and again is no matter of one episode.
    draft.case = replace(consume(draft.case, draft.activity.received_at), reopened=draft.case.reopened)


def timer_fired(draft: Draft) -> None:
    """Nobody took the case in time: it goes to the ladder's end."""
    episode = draft.episode
    if not _still_waiting(draft, episode) or episode is None:
        draft.say("timer", "A deadline passed that nobody waits for any more.")
        return
    rule = _rule(draft, episode.rule)
    climbs = draft.policy.ladders.get(episode.ladder)
    if rule is None or climbs is None:
        draft.say("timer", "A deadline passed, and the policy has no such ladder any more.")
        return
    draft.change_episode(step=len(climbs.steps))
    draft.say("final", f"Nobody took the case in time: it goes to the end of ladder {climbs.id}.")
    target = climbs.final.target
    if target.connection in draft.case.targets:
        draft.emit(
            EffectKind.UPDATE,
            target.connection,
            stricter(draft.mode(target.connection, rule), held(episode)),
            rule=rule.id,
            destination=target.place,
            text="Nobody acknowledged this escalation in time.",
        )
    tell(draft, rule, climbs.final.notify, title=f"not acknowledged in time: {headline(draft, rule)}")


def _still_waiting(draft: Draft, episode: Episode | None) -> bool:
    return (
        episode is not None
        and draft.case.status is CaseStatus.OPEN
        and episode.state is EpisodeState.OPEN
        and draft.activity.name == timer_name(episode.id, episode.step)
    )


def _note(draft: Draft, connection: str, text: str) -> None:
    if connection in draft.case.targets:
        draft.emit(EffectKind.UPDATE, connection, draft.mode(connection, None), text=text)
