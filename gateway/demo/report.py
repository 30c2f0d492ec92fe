"""The demo's report: for people on 80 columns, and as JSON values."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from gateway.demo.clock import minute_of
from gateway.demo.morning import DESK
from gateway.demo.vendors import Helpdesk
from gateway.model import Activity, ActivityKind, Channel, Evidence, Party, Role, TicketChange, TicketFacts

if TYPE_CHECKING:
    from gateway.demo.claims import CaseProof, Claim, Proof
    from gateway.demo.world import World

_WIDTH: Final = 80
#: Decisions that say nothing a reader wants to know.
_SILENT: Final = frozenset({"own", "outcome"})
#: What a case is called that nobody has said a word in.
_UNTITLED: Final[Mapping[Channel | None, str]] = {Channel.PHONE: "(a call)", Channel.HELPDESK: "(a ticket)"}


def tell(world: World, proof: Proof, say: Callable[[str], None]) -> None:
    """Tell everything of a part of the day, a line at a time."""
    say(f"The {world.part.name} at the support desk, over real HTTP on this machine")
    say("")
    for connection, sandbox in world.sandboxes.items():
        for line in _wrapped(f"  {connection:<14} ", f"{sandbox.title}, a stand-in at {sandbox.url}"):
            say(line)
    setup = world.gateway.setup
    say(
        f"  {'baton':<14} http://127.0.0.1:{world.gateway.port}, {world.gateway.store.engine}, {len(setup.policy.rules)} rules"
    )
    say("")
    names = _names(world)
    for number, case in enumerate(proof.cases, 1):
        for line in _case(number, case, names):
            say(line)
        say("")
    say(f"The whole {world.part.name}")
    for claim in proof.whole:
        for line in _claim(claim):
            say(line)
    say("")


def sum_up(proofs: Iterable[Proof], say: Callable[[str], None]) -> None:
    """Tell how many claims there were, and whether all hold."""
    proofs = list(proofs)
    count = sum(len(proof.claims) for proof in proofs)
    broken = sum(len(proof.broken) for proof in proofs)
    if broken:
        say(f"{broken} of {count} claims do NOT hold.")
    else:
        say(f"{count} claims, each asked back from the stand-ins or the store: all hold.")


def _case(number: int, proof: CaseProof, names: Mapping[str, str]) -> Iterable[str]:
    history = proof.history
    case = history.case
    title = case.subject or _UNTITLED.get(case.channel, "(a robot speaks)")
    yield from textwrap.wrap(f"{number}. {title}", _WIDTH, subsequent_indent="   ")
    for applied in history.activities:
        activity = applied.activity
        result = str((applied.trace or {}).get("result", ""))
        if activity.own or activity.kind is ActivityKind.OUTCOME:
            continue
        yield from _wrapped(f"   {minute_of(activity.occurred_at)}  ", _words(activity, names))
        sentence = str((applied.trace or {}).get("sentence", ""))
        if sentence and result not in _SILENT:
            yield from _wrapped("          -> ", sentence)
    for claim in proof.claims:
        yield from _claim(claim)


def _words(activity: Activity, names: Mapping[str, str]) -> str:
    sender = activity.sender
    who = sender.name or names.get(sender.value, sender.value) if sender else "the clock"
    role = _role(sender)
    text = " ".join(activity.text.split()) or _files(activity)
    if activity.kind is ActivityKind.MESSAGE:
        return f"{who}{role}: {text}"
    if activity.kind is ActivityKind.EDIT:
        return f"{who}{role} edits: {text}"
    if activity.kind is ActivityKind.DELETION:
        return f"{who}{role} deletes a message"
    if activity.kind is ActivityKind.BUTTON and activity.button is not None:
        return f"{who}{role} presses the button {activity.button.action}"
    if activity.kind is ActivityKind.TICKET and activity.ticket is not None:
        return f"{who}{role} {_change(activity.ticket)}"
    word = _WORDS.get(activity.kind)
    return f"{who}{role} {word(activity)}" if word is not None else "time is up"


def _role(sender: Party | None) -> str:
    if sender is None:
        return ""
    if sender.role is Role.CUSTOMER:
        return " (only claimed)" if sender.evidence is Evidence.CLAIMED else ""
    return f" ({sender.role.value})"


def _files(activity: Activity) -> str:
    return ", ".join(f"[{each.name}]" for each in activity.attachments)


def _call(activity: Activity) -> str:
    return f"telephones: {activity.call.change.value}" if activity.call is not None else "telephones"


def _report(activity: Activity) -> str:
    return f"reports: {activity.report.state.value}" if activity.report is not None else "reports"


_WORDS: Final[Mapping[ActivityKind, Callable[[Activity], str]]] = {
    ActivityKind.CALL: _call,
    ActivityKind.DELIVERY_REPORT: _report,
    ActivityKind.CONSENT: lambda activity: f"writes: {activity.text}",
    ActivityKind.HANDOFF_REQUEST: lambda activity: f"asks for a person: {activity.text}",
}


def _change(ticket: TicketFacts) -> str:
    if ticket.change is TicketChange.STATUS and ticket.status is not None:
        return f"sets the ticket to {ticket.status.value}"
    if ticket.change is TicketChange.TAGS and ticket.tags is not None:
        return f"tags the ticket: {', '.join(ticket.tags)}"
    return f"changes the ticket: {ticket.change.value}"


def _names(world: World) -> dict[str, str]:
    """Return what people are called in the helpdesk, whose events name them by id."""
    desk = cast("Helpdesk", world.sandboxes[DESK])
    return {str(number): str(user["name"]) for number, user in desk.account.users.items()}


def _claim(claim: Claim) -> Iterable[str]:
    return _wrapped("   [ok] " if claim.holds else "   [NO] ", claim.sentence)


def _wrapped(head: str, text: str) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or [head.rstrip()]


def as_values(world: World, proof: Proof) -> dict[str, Any]:
    """Return everything as JSON values."""
    accounts = world.gateway.store.accounts()
    return {
        "ok": not proof.broken,
        "cases": [_case_values(case) for case in proof.cases],
        "claims": [{"claim": claim.sentence, "holds": claim.holds} for claim in proof.whole],
        "accounts": {
            "deliveries": accounts.deliveries,
            "activities": accounts.activities,
            "unaccounted": accounts.unaccounted,
        },
    }


def _case_values(proof: CaseProof) -> dict[str, Any]:
    history = proof.history
    return {
        "id": history.case.id,
        "subject": history.case.subject,
        "began_on": history.case.connection,
        "priority": history.case.priority.value if history.case.priority else None,
        "rules": [episode.rule for episode in history.episodes],
        "over": sorted({thread.connection for thread in history.threads if thread.channel is not None}),
        "tickets": [{"on": link.connection, "id": link.ticket_id, "adopted": link.adopted} for link in history.tickets],
        "why": [str((applied.trace or {}).get("sentence", "")) for applied in history.activities],
        "claims": [{"claim": claim.sentence, "holds": claim.holds} for claim in proof.claims],
    }
