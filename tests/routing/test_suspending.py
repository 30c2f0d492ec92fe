"""An escalation that waits for the case to solve itself comes when it has not, and does not when it has."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    Decision,
    Mode,
    Satisfaction,
    TicketChange,
    TicketStatus,
    altered,
)
from routing.decide import decide
from routing.signals.solved import solved_in
from routing.snapshot import Snapshot
from routing.world import World
from tests.routing.desk import POLICY as DESK
from tests.routing.desk import refund
from tests.routing.values import (
    BOT,
    CATCH_ALL,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    activity,
    answer,
    case,
    connections,
    message,
    open_episode,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

TEXT: Final = """
[[rule]]
id = "urgent"
do = "escalate"
ladder = "second"
when.all = ["message.text contains 'urgent'"]
[[rule]]
id = "stuck"
do = "escalate"
ladder = "second"
suspend = "2m"
when.all = ["message.text contains 'stuck'"]
set = { priority = "P2", tags = ["stuck"] }
"""
RULES: Final = policy(TEXT + CATCH_ALL + LADDER)
STUCK: Final = message("I am stuck")
DUE: Final = altered(timer("suspend:stuck"), received_at=NOW + 2 * MINUTE)


def waiting(**changes: object) -> Snapshot:
    where, _ = play(snapshot(RULES, **changes), STUCK)
    return where


def escalated(decision: Decision) -> bool:
    return decision.episode is not None


def test_it_waits_and_then_comes_with_everything_that_the_rule_says() -> None:
    where, (waits, comes) = play(snapshot(RULES), STUCK, DUE)
    assert not waits.effects
    assert (waits.case.priority, waits.case.tags) == (None, ())
    assert [(each.name, each.due_at) for each in waits.timers] == [("suspend:stuck", NOW + 2 * MINUTE)]
    assert waits.trace.result == "suspended"
    assert waits.trace.sentence == "Rule stuck matched: it escalates in 2m, unless the case solves itself before."
    assert comes.episode is not None
    assert (comes.episode.rule, comes.episode.opened_at) == ("stuck", NOW + 2 * MINUTE)
    assert (comes.case.tags, comes.case.suspended) == (("stuck",), ())
    assert comes.trace.notes == ("The case did not solve itself in the 2m that rule stuck gave.",)
    assert [each.kind.value for each in comes.effects] == ["handoff"]
    assert where.case.suspended == ()


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (answer("Try this."), "an agent answered"),
        (answer("Try this.", connection="chat", thread="C1/1"), "an agent answered"),
        (message("Thanks, it works now!", dedupe="e2"), "the customer says that it is solved"),
        (pressed("solved", dedupe="e2"), "the customer says that it is solved"),
        (
            activity(ActivityKind.SATISFACTION, satisfaction=Satisfaction(score=1.0), dedupe="e2"),
            "the customer says that it is solved",
        ),
        (ticket(TicketChange.STATUS, TicketStatus.SOLVED), "the case is resolved"),
        (ticket(TicketChange.STATUS, TicketStatus.SOLVED, sender=BOT), "the case is resolved"),
    ],
)
def test_what_solves_it_calls_it_off(what: Activity, why: str) -> None:
    where, (called_off, late) = play(waiting(tickets=(LINK,)), what, DUE)
    assert called_off.cancelled == ("suspend:stuck",)
    assert called_off.trace.notes == (f"The escalation of rule stuck is called off: {why}.",)
    assert where.case.suspended == ()
    assert not escalated(late), "a timer that fired all the same finds nothing"
    assert late.trace.result == "timer"


@pytest.mark.parametrize(
    "what",
    [
        message("Does it work now?", dedupe="e2"),
        message("It is not solved", dedupe="e2"),
        message("hello?", dedupe="e2"),
        answer("a note", audience=Audience.INTERNAL),
        answer("From us.", own=True),
        message("Have you tried turning it off?", sender=BOT, dedupe="e2"),
        activity(ActivityKind.SATISFACTION, satisfaction=Satisfaction(score=0.0), dedupe="e2"),
        ticket(TicketChange.STATUS, TicketStatus.PENDING),
    ],
)
def test_nothing_else_does(what: Activity) -> None:
    _, made = play(waiting(tickets=(LINK,)), what, DUE)
    assert escalated(made[1])


def test_it_comes_at_the_time_that_was_set_first_however_often_it_matches() -> None:
    _, (again,) = play(waiting(), altered(STUCK, dedupe="e2", received_at=NOW + MINUTE))
    assert not again.timers
    assert again.trace.sentence == "Rule stuck matched again: its escalation waits already."


def test_after_it_was_called_off_it_waits_anew() -> None:
    later = altered(STUCK, dedupe="e3", received_at=NOW + 5 * MINUTE)
    where, (_, anew) = play(waiting(tickets=(LINK,)), answer(), later)
    assert [each.due_at for each in anew.timers] == [NOW + 7 * MINUTE]
    assert [each.rule for each in where.case.suspended] == ["stuck"]


def test_once_the_case_is_escalated_there_is_nothing_to_wait_for() -> None:
    opened = snapshot(RULES, episode=open_episode(rule="urgent", reasons=("urgent",)))
    joined = decide(opened, STUCK, NOW)
    assert joined.episode is not None
    assert joined.episode.reasons == ("urgent", "stuck")
    _, (urgent, due) = play(waiting(), message("urgent!", dedupe="e2"), DUE)
    assert urgent.episode is not None
    assert due.episode is not None
    assert (due.episode.id, due.episode.reasons) == (urgent.episode.id, ("urgent", "stuck"))


def test_a_rule_that_is_tried_out_is_written_down_when_it_would_have_come() -> None:
    tried = policy(TEXT.replace('suspend = "2m"', 'suspend = "2m"\nmode = "observe"') + CATCH_ALL + LADDER)
    _, (waits, comes) = play(snapshot(tried), STUCK, DUE)
    assert not waits.effects
    assert [each.mode for each in comes.effects] == [Mode.OBSERVE]
    _, (_, none) = play(play(snapshot(tried), STUCK)[0], answer(connection="chat", thread="C1/1"), DUE)
    assert not none.effects


@pytest.mark.parametrize(
    "gone", ["", TEXT.replace('"stuck"', '"other"'), TEXT.replace('do = "escalate"', 'do = "none"')]
)
def test_a_rule_that_the_policy_has_no_more_escalates_nothing(gone: str) -> None:
    text = "\n".join(
        line for line in gone.split("\n") if '"none"' not in gone or not line.startswith(("ladder", "suspend"))
    )
    made = decide(altered(waiting(), policy=policy(text + CATCH_ALL + LADDER)), DUE, NOW + 2 * MINUTE)
    assert not escalated(made)
    assert made.trace.sentence == "The policy has no rule stuck any more that escalates: nothing follows."
    assert made.case.suspended == ()


def test_whom_it_is_about_is_known_when_it_comes() -> None:
    """SG-5: the manager of who did it is asked, though the deed was two minutes ago."""
    rules = policy(DESK.replace('ladder = "managers"\nwhen', 'ladder = "managers"\nsuspend = "2m"\nwhen') + CATCH_ALL)
    deed = refund("900")
    mail = snapshot(rules, case=case(), tickets=(altered(LINK, adopted=True),))
    due = altered(timer("suspend:refund-above-limit"), received_at=deed.received_at + 2 * MINUTE)
    _, (waits, comes) = play(mail, deed, due)
    assert not waits.effects
    assert comes.episode is not None
    assert (comes.episode.actor, comes.episode.amount, comes.episode.assigned) == ("bob", 900, ("carla",))


# --- over time -------------------------------------------------------------------------------------------------------
_events: Final = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from(("stuck", "answer", "hello", "solved"))), max_size=8
)


@given(_events)
def test_it_escalates_exactly_when_nothing_solved_it_within_the_time(events: list[tuple[int, str]]) -> None:
    """Against a plain clock: at most one deadline waits; it begins with "stuck" and ends with an answer or a word of thanks."""
    world = World(RULES, connections(), at=NOW)
    said = {
        "stuck": lambda: message("I am stuck"),
        "answer": lambda: answer(connection="chat", thread="C1/1"),
        "hello": lambda: message("hello"),
        "solved": lambda: message("it works now"),
    }
    begun: int | None = None
    escalates: int | None = None
    for seconds, what in events:
        until = world.now + seconds * 1_000_000
        if escalates is None and begun is not None and begun + 2 * MINUTE <= until:
            escalates = begun + 2 * MINUTE
        world.pass_time(until)
        if escalates is None and (world.episode is not None):
            raise AssertionError("too early")
        world.happen(said[what]())
        if what == "stuck" and begun is None:
            begun = world.now
        elif what in {"answer", "solved"}:
            begun = None
    world.pass_time(world.now + 10 * MINUTE)
    if escalates is None and begun is not None:
        escalates = begun + 2 * MINUTE
    opened = world.episode.opened_at if world.episode is not None else None
    assert opened == escalates


# --- who says that it is solved --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        *(
            "it works now",
            "Ah, never mind, found it myself.",
            "Problem solved, thanks!",
            "That fixed it",
            "no longer need help",
        ),
        *(
            "Hat sich erledigt, danke",
            "Geht wieder!",
            "Ça marche maintenant, merci",
            "ya funciona",
            "Ora funziona",
            "C'est résolu",
        ),
        "danke, hat geklappt",
        "ha funzionato, grazie",
        "It works now, no need to call me",
        "it works now, thanks again",
        "Never mind, found it myself. You can close this.",
        "that worked, thank you!",
        "ça a marché, merci",
        "deu certo, obrigado",
        "het is gelukt, bedankt",
        "Yesterday it did not work, today it works again. Thanks!",
        "Problem solved. No further questions.",
        "Hat sich erledigt, bitte schließen Sie das Ticket",
        "It works now, my account is fine",
        "ça marche maintenant, merci encore",
    ],
)
def test_who_says_that_it_is_solved_is_heard(text: str) -> None:
    assert solved_in(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "it is not solved",
            "is it solved?",
            "I want this solved",
            "please make sure the problem is solved",
            "hello",
            "",
        ),
        *(
            "when it works again, tell me",
            "das ist nicht erledigt",
            "ist das erledigt?",
            "ça ne fonctionne pas maintenant",
        ),
        *("It never works now", "> it works now\n\nno it does not", "if that fixed it I would say so"),
        "never mind the refund, I want my money back",
        "I fixed it by rebooting but it comes back every hour",
        "it works now only on wifi",
        "es funktioniert jetzt auf dem Handy, aber nicht am PC",
        "the problem is solved on your side you said, yet I see an error",
        "It works now. But the invoice is still wrong.",
        "ça marche maintenant mais seulement au bureau",
        "ya funciona, pero no en el móvil",
        "ora funziona, ma solo con il wifi",
        "agora funciona, mas não no telemóvel",
        "het werkt nu, maar alleen thuis",
        "It works now, though I need the report too",
        "hat geklappt, bis gestern",
        "it works now, I would like a refund for the lost day",
        "geht wieder. Ich möchte trotzdem mein Geld zurück",
        "Your agent said it is solved",
    ],
)
def test_in_doubt_it_is_not_solved(text: str) -> None:
    assert not solved_in(text)
