"""What stands in the places of templates."""

from __future__ import annotations

from gateway.model import TicketLink
from routing.draft import Draft
from routing.policy import Message, Rule
from routing.reasons import reason_of
from routing.template import render


def values(draft: Draft, rule: Rule, link: TicketLink | None) -> dict[str, str]:
    """Return what stands in the places that every text may name."""
    customer = draft.case.customer
    return {
        "case.id": draft.case.id,
        "case.subject": draft.case.subject,
        "case.priority": draft.case.priority.value if draft.case.priority else "",
        "customer.name": customer.name if customer else "",
        "rule.id": rule.id,
        "rule.reason": reason_of(draft.case, rule),
        "ticket.id": link.ticket_id if link is not None else "",
        "ticket.url": link.url if link is not None else "",
    }


def worded(draft: Draft, rule: Rule, message: Message, *, why: str, link: TicketLink | None) -> tuple[str, str]:
    """Return title and further lines of a notice; the title is one line, whatever a value holds."""
    case, episode = draft.case, draft.episode
    climbs = draft.policy.ladders.get(episode.ladder) if episode is not None else None
    step = (
        "" if episode is None or climbs is None else "final" if climbs.at_end(episode.step) else str(episode.step + 1)
    )
    filled = values(draft, rule, link) | {
        "case.severity": case.severity.value if case.severity is not None else "",
        "case.channel": case.channel.value if case.channel is not None else "",
        "ladder.id": episode.ladder if episode is not None else "",
        "ladder.step": step,
        "notice.why": why.strip().removesuffix(":"),
        "rule.playbook": draft.policy.playbook(rule.id),
    }
    return " ".join(render(message.title, filled).split()), render(message.text, filled)
