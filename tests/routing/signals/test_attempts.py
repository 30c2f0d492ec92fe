"""Attempts that failed are counted over a case, and spent once an episode has opened on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    BotFacts,
    Case,
    CaseStatus,
    EpisodeState,
    TicketChange,
    TicketStatus,
    altered,
    move,
    recount,
)
from routing.decide import decide
from routing.explain import explain
from routing.packet import build_packet
from routing.signals.attempts import REMEMBERED, alike, fingerprint
from tests.routing.values import BOT, CATCH_ALL, LADDER, MINUTE, NOW, case, message, policy, snapshot, ticket

RULES = f"""
[[rule]]
id = "again"
do = "escalate"
ladder = "second"
when.any = ["case.repeated_question >= 1", "case.bot_fallbacks >= 2", "case.reopened >= 2", "case.sentiment < -0.5"]
{CATCH_ALL}
{LADDER}
"""


def told(text: str, at: int, **changes: object) -> Activity:
    return altered(message(text), dedupe=f"m{at}", occurred_at=NOW + at, received_at=NOW + at, **changes)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def bot(at: int, *, fallback: bool = False) -> Activity:
    return told("I did not get that", at, sender=BOT, bot=BotFacts(fallback=fallback))


def play(of: Case, *happened: Activity) -> tuple[Case, list[str]]:
    """Let things happen to a case; return it and what came of each."""
    results: list[str] = []
    episode = None
    for each in happened:
        made = decide(snapshot(policy(RULES), case=of, episode=episode), each, each.received_at)
        of, episode = made.case, made.episode
        results.append(made.trace.result)
    return of, results


# --- the same question -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my parcel 4711?", "where IS parcel 4711"),
        ("How do I reset my password?", "how can I reset the password please"),
        ("Wo ist mein Paket 4711?", "Hallo, wo ist mein Paket 4711 denn, wo bleibt es"),
        ("Any update?", "any update"),
        ("What about my refund?", "Hello, what about my refund please?"),
        ("Wo ist mein Paket?", "wo ist mein Paket"),
        ("Où est mon colis ?", "ou est mon colis?"),
        ("I need help", "I need help!!!"),
        ("I want to change my address", "please, I want to change my address to Baker Street"),
        ("My invoice for March is wrong", "the March invoice is still wrong"),
    ],
)
def test_the_same_question_in_other_words_is_alike(one: str, other: str) -> None:
    assert alike(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my parcel 4711?", "Where is my invoice 1234?"),
        ("How do I reset my password?", "How do I change my address?"),
        ("The export fails with an empty file", "My card was charged twice"),
        ("I want to change my address", "I want to change my password"),
        ("I want to change my email address", "I want to change my postal address"),
        ("Can I have the invoice for January?", "Can I have the invoice for February?"),
        ("Please send me the invoice for March", "Please send me the invoice for January"),
        ("Do you have the blue shirt in L?", "Do you have the red shirt in L?"),
        ("I need a green shirt", "I need a red shirt"),
        (
            "Order 4711 placed on Monday has not arrived at my home",
            "Order 4712 placed on Monday has not arrived at my home",
        ),
        ("What about my refund?", "I got my refund"),
        ("Where is my parcel?", "Where is my refund?"),
        ("I need help", "I need the invoice"),
    ],
)
def test_another_question_is_not_alike(one: str, other: str) -> None:
    assert not alike(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    "text", ["", "thanks", "ok please", "hello", "yes!!", "yes?", "thank you very much", "are you there?"]
)
def test_what_asks_nothing_leaves_no_fingerprint(text: str) -> None:
    assert fingerprint(text) == ""


@given(st.text(max_size=400))
def test_a_fingerprint_is_short_and_like_itself(text: str) -> None:
    mark = fingerprint(text)
    assert len(mark) <= 128
    assert not mark or alike(mark, mark)


def test_a_repeated_question_is_counted_and_few_messages_are_remembered() -> None:
    of, results = play(case(), told("Where is parcel 4711 today?", 1), told("parcel 4711, where is it today?", 2))
    assert results == ["none", "escalate"]
    many = [told(f"question {number} about thing {number}", number) for number in range(1, 30)]
    of, _ = play(case(), *many)
    assert len(of.asked) <= REMEMBERED


def test_no_words_of_a_message_are_kept() -> None:
    of, _ = play(case(), told("Where is parcel Lovelace?", 1))
    assert of.asked
    assert "lovel" not in repr(of.asked).lower()


def test_a_policy_that_does_not_ask_keeps_nothing() -> None:
    made = decide(snapshot(policy(CATCH_ALL + LADDER), case=case()), told("Where is parcel 4711?", 1), NOW)
    assert (made.case.asked, made.case.sentiment) == ((), None)


# --- bots, reopened cases, moods -------------------------------------------------------------------------------------
def test_bots_turns_and_fallbacks_are_counted() -> None:
    of, _ = play(case(), bot(1), bot(2, fallback=True), told("hm", 3))
    assert (of.bot_turns, of.bot_fallbacks) == (2, 1)


def test_two_fallbacks_escalate_at_the_customers_next_message() -> None:
    _, results = play(case(), bot(1, fallback=True), bot(2, fallback=True), told("so what now", 3))
    assert results[-1] == "escalate"


def test_a_reopened_case_is_counted() -> None:
    of = move(move(case(), CaseStatus.RESOLVED, 1), CaseStatus.OPEN, 2)
    assert of.reopened == 1
    assert move(of, CaseStatus.RESOLVED, 3).reopened == 1


def test_a_mood_is_the_mean_of_the_case() -> None:
    """SG-3: an angry message among friendly ones is no bad mood, several are; alone it is one at once."""
    bad = ("terrible, awful, I hate it", "horrible, the worst, I hate this", "what a useless, disgusting mess")
    of, _ = play(case(), told("this is good, thank you", 1, language="en"))
    moods = [of.sentiment or 0]
    for at, text in enumerate(bad[:2], 2):
        of, results = play(of, told(text, at, language="en"))
        assert results == ["none"], text
        moods.append(of.sentiment or 0)
    assert moods[0] > moods[1] > moods[2] >= -0.5
    of, results = play(of, told(bad[2], 4, language="en"))
    assert results == ["escalate"]
    assert of.sentiment is None, "what led to an escalation is spent"
    for text in bad:
        _, results = play(case(), told(text, 1, language="en"))
        assert results == ["escalate"], text


# --- spent evidence --------------------------------------------------------------------------------------------------
def test_evidence_is_spent_once_an_episode_has_opened() -> None:
    of, results = play(case(), bot(1, fallback=True), bot(2, fallback=True), told("what now", 3))
    assert results[-1] == "escalate"
    assert (of.bot_turns, of.bot_fallbacks, of.reopened, of.asked, of.repeated_question) == (0, 0, 0, (), 0)
    assert of.spent_at == NOW + 3


def test_spent_evidence_opens_no_second_episode_and_newer_evidence_does() -> None:
    of, _ = play(case(), bot(1, fallback=True), bot(2, fallback=True), told("what now", 3))
    over = decide(
        snapshot(policy(RULES), case=of),
        altered(ticket(TicketChange.STATUS, status=TicketStatus.SOLVED), received_at=NOW + 4),
        NOW + 4,
    )
    of, results = play(over.case, told("one more thing", 5), bot(6, fallback=True), told("well", 7))
    assert results == ["none", "machine", "none"]
    of, results = play(of, bot(8, fallback=True), told("well then", 9))
    assert results == ["machine", "escalate"]


def test_an_episode_that_ends_spends_what_came_during_it_but_not_how_often_the_case_came_back() -> None:
    start = snapshot(policy(RULES), case=case())
    opened = decide(start, told("I hate it, terrible, awful", 1, language="en"), NOW + 1)
    assert opened.episode is not None
    during = altered(opened.case, bot_fallbacks=2, reopened=1, asked=("abcd",))
    solved = altered(ticket(TicketChange.STATUS, status=TicketStatus.SOLVED), received_at=NOW + 2)
    closed = decide(snapshot(policy(RULES), case=during, episode=opened.episode), solved, NOW + 2)
    assert closed.episode is not None
    assert closed.episode.state is EpisodeState.CLOSED
    assert (closed.case.bot_fallbacks, closed.case.asked, closed.case.reopened) == (0, (), 1)


def test_a_case_that_is_counted_anew_leaves_spent_evidence_out() -> None:
    start = snapshot(policy(RULES), case=case())
    old, new = bot(1, fallback=True), bot(2 * MINUTE, fallback=True)
    counted = recount(altered(case(), spent_at=NOW + MINUTE), [(old, start.thread), (new, start.thread)])
    assert (counted.bot_turns, counted.bot_fallbacks) == (1, 1)


# --- told --------------------------------------------------------------------------------------------------------------
WANTS = f"""
[[rule]]
id = "person"
do = "escalate"
ladder = "second"
when.all = ["message.wants_person", "message.sentiment < 0.9"]
{CATCH_ALL}
{LADDER}
"""


def test_a_decision_says_on_which_words_it_stands_and_the_packet_shows_the_message() -> None:
    asked = told("My name is Ada. Let me talk to a human about it, this is bad", 1, language="en")
    book = policy(WANTS)
    made = decide(snapshot(book, case=case()), asked, NOW)
    (step,) = made.trace.steps
    assert step.rule == "person"
    assert dict(step.evidence)["message.wants_person"] == "en: talk to a human"
    assert dict(step.evidence)["message.sentiment"].endswith("(en)")
    assert "Ada" not in repr(step)
    account = {each.rule: each for each in explain(snapshot(book, case=case()), asked, NOW)}
    assert account["person"] == step
    packet = build_packet(
        case=made.case,
        episode=made.episode,
        policy=book,
        rule_id="person",
        activities=[told("hello", 0), asked],
        complete=True,
    )
    assert packet.evidence == ("My name is Ada. Let me talk to a human about it, this is bad",)


def test_a_signal_that_is_not_reached_is_not_worked_out() -> None:
    text = WANTS.replace('"message.wants_person"', '"channel == \'email\'", "message.wants_person"')
    start = snapshot(policy(text), case=case())
    told_by: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            told_by.append(name)
            return None

    start.policy.match(start.case, told("hello", 1), NOW, start.policy.book, " hello ", Watched())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert told_by == []


def test_a_message_of_an_edit_or_an_agent_leaves_nothing_behind() -> None:
    of, _ = play(case(), told("Where is parcel 4711?", 1, kind=ActivityKind.EDIT))
    assert of.asked == ()
