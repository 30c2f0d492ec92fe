"""OP-7, "continuous training": past cases to practise on, with what the policy decided and what came of it."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Activity, ActivityKind, Audience, Channel, Satisfaction, TicketChange, TicketStatus, altered
from gateway.store import open_store
from gateway.store.ports import CaseHistory
from routing.policy import Policy
from routing.practice import Aftermath, Answer, Exercise, Happening, Line, Score, exercise, score
from routing.replay import Evidence, Story, evidence, judge
from tests.routing.stored import Stored, at
from tests.routing.test_world import POLICY, WITH_PEOPLE, lived, tales, told_of
from tests.routing.values import BOT, CATCH_ALL, LADDER, NOW, SECOND, activity, answer, connections, message, policy

MINUTE: Final = 60 * SECOND
#: Where the customer writes.
HERE: Final[dict[str, Any]] = {"connection": "chat", "thread": message("").thread, "channel": Channel.CHAT}
RULES: Final = policy(
    """
[[rule]]
id = "person"
do = "escalate"
ladder = "second"
when.all = ["message.wants_person"]
"""
    + CATCH_ALL
    + LADDER
    + """
[[sla]]
id = "usual"
first = "10m"
"""
)


def practised(history: CaseHistory, said: tuple[Line, ...] = ()) -> Exercise | None:
    happened = [Happening(number=each.seq, activity=each.activity, trace=each.trace) for each in history.activities]
    return exercise(history.case.id, "chat", happened, history.episodes, said)


def after(*tale: tuple[int, Activity], rules: Policy = RULES, wait: int = 60) -> CaseHistory:
    """Let things happen at minutes, in a real store; return the case."""
    with TemporaryDirectory() as directory:
        real = Stored(open_store(f"sqlite:///{directory}/baton.db"), rules, connections())
        for number, (minute, what) in enumerate(tale):
            real.pass_time(NOW + minute * MINUTE)
            came = at(what, NOW + minute * MINUTE, number)
            changes = what.kind in {ActivityKind.EDIT, ActivityKind.DELETION}
            real.take(altered(came, message_id=what.message_id) if changes else came)
        real.pass_time(NOW + wait * MINUTE)
        history = real.history()
        real.store.close()
    return history


def solved(status: TicketStatus = TicketStatus.SOLVED) -> Activity:
    return told_of(TicketChange.STATUS, status)


@settings(max_examples=25, deadline=None)
@given(tales(), st.sampled_from((POLICY, WITH_PEOPLE)))
def test_the_moment_is_the_first_escalation_and_nothing_of_later_is_shown(tale: list[Activity], rules: Policy) -> None:
    with TemporaryDirectory() as directory:
        real, _, _ = lived(tale, 90_000, directory, rules)
        history = real.history()
        real.store.close()
    made = practised(history)
    if made is None:
        assert not history.episodes
        return
    opened = [
        (activity, decision)
        for activity, decision in real.decisions
        if decision.episode is not None and decision.trace.result == "escalate"
    ]
    assert made.escalated == bool(history.episodes)
    (moment,) = [each for each in history.activities if each.seq == made.activity]
    if made.escalated:
        assert (made.rule, made.ladder) == (history.episodes[0].rule, history.episodes[0].ladder)
        assert moment.activity.dedupe == opened[0][0].dedupe
    else:
        assert moment.trace is not None
        assert moment.trace["steps"]
    assert all(line.at <= made.at for line in made.lines)
    did = evidence(each.activity for each in history.activities)
    after = made.aftermath
    assert (after.agent_acted, after.went_wrong, after.over) == (did.agent_acted, did.went_wrong, did.over)
    acted = bool(history.episodes) and did.agent_acted
    assert made.needed is (True if did.went_wrong or acted else False if did.over else None)


def test_what_came_of_an_escalation_is_told() -> None:
    made = practised(
        after(
            (0, message("hello")),
            (1, message("a real person please", reply_text="a real person please")),
            (20, answer("On it.", thread="1001")),
            (30, solved()),
            (40, message("it is not solved")),
            (50, solved()),
            (55, activity(ActivityKind.SATISFACTION, satisfaction=Satisfaction(score=0.25))),
        )
    )
    assert made is not None
    assert [line.text for line in made.lines] == ["hello", "a real person please"]
    assert (made.rule, made.ladder, made.escalated, made.needed) == ("person", "second", True, True)
    assert made.evidence == ("message.wants_person: en: a real person",)
    assert made.aftermath == Aftermath(
        answered_after=19 * 60,
        breached=("first",),
        reopened=1,
        resolved_by="agent",
        judged=0.25,
        agent_acted=True,
        went_wrong=True,
        over=True,
    )


HUMAN: Final = message("a real person please")
HELLO: Final = message("hello")
#: Every case has a ticket, which can be solved.
KEPT: Final = """
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["sender.role == 'customer'"]
"""


@pytest.mark.parametrize(
    ("tale", "needed"),
    [
        # Escalated, and neglected: while it is open nothing is known, and whose target was missed was not for nothing.
        ([(0, HUMAN)], True),
        ([(0, HUMAN), (5, solved())], False),
        ([(0, HUMAN), (5, solved()), (8, message("it is not"))], True),
        # Not escalated: the SLA's first answer was due after 10 minutes.
        ([(0, HELLO)], True),
        ([(0, HELLO), (5, answer("Hello.", **HERE))], None),
        ([(0, HELLO), (5, answer("Hello.", **HERE)), (7, solved())], False),
        ([(0, HELLO), (15, answer("Hello.", **HERE)), (17, solved())], True),
    ],
)
def test_hindsight_knows_neglect_from_what_was_needless_and_says_where_it_does_not_know(
    tale: list[tuple[int, Activity]], needed: bool | None
) -> None:
    """PO-5: under-escalation is a breach or a complaint without an episode."""
    kept = RULES.source.replace(CATCH_ALL, KEPT + CATCH_ALL)
    history = after(*tale, rules=policy(kept), wait=30)
    made = practised(history)
    assert made is not None
    assert made.needed is needed
    story = Story(rules=(), rule=history.episodes[0].rule if history.episodes else "")
    counted = judge([(story, evidence(each.activity for each in history.activities))])
    assert counted.over == (story.escalated and needed is False)
    assert counted.under == (not story.escalated and needed is True)
    assert counted.unknown == (needed is None)


def test_what_is_escalated_and_open_is_not_needless_yet() -> None:
    story = Story(rules=(), rule="person")
    assert [judge([(story, Evidence(over=over))]).over for over in (False, True)] == [0, 1]
    assert judge([(story, Evidence())]).unknown == 1


def test_a_case_that_was_not_escalated_is_shown_up_to_its_customers_last_word() -> None:
    made = practised(after((0, message("hello")), (2, message("thanks, bye")), (5, answer("You are welcome.", **HERE))))
    assert made is not None
    assert [line.text for line in made.lines] == ["hello", "thanks, bye"]
    assert (made.escalated, made.needed, made.ladder) == (False, None, "")
    assert made.aftermath.answered_after == 180


def test_who_said_what_is_told_and_deleted_words_are_never_shown() -> None:
    """Changed messages stand with their last text, also when they were changed after the moment."""
    first, second = message("my PIN is 1234"), message("my card")
    history = after(
        (0, first),
        (1, second),
        (2, message("I am a bot", sender=BOT)),
        (3, answer("psst", audience=Audience.INTERNAL, **HERE)),
        (4, message("a real person please")),
        (5, activity(ActivityKind.DELETION, message_id="m0", sender=first.sender)),
        (6, activity(ActivityKind.EDIT, message_id="m1", sender=first.sender, text="my account")),
    )
    made = practised(history, (Line(at=NOW + 30 * SECOND, who="baton", text="Hello from Baton."),))
    assert made is not None
    assert [(line.who, line.text, line.internal) for line in made.lines] == [
        ("baton", "Hello from Baton.", False),
        ("customer", "my account", False),
        ("bot", "I am a bot", False),
        ("agent", "psst", True),
        ("customer", "a real person please", False),
    ]


def test_there_is_nothing_to_practise_where_nobody_said_anything() -> None:
    assert exercise("c", "chat", [], ()) is None
    gone = after((0, message("hello")), (1, activity(ActivityKind.DELETION, message_id="m0")))
    assert practised(gone) is None


def made_of(case_id: str, rule: str, ladder: str, *, acted: bool, wrong: bool, over: bool) -> Exercise:
    return Exercise(
        case_id=case_id,
        activity=1,
        at=0,
        channel="chat",
        lines=(),
        policy="",
        rule=rule,
        ladder=ladder,
        sentence="",
        evidence=(),
        aftermath=Aftermath(agent_acted=acted, went_wrong=wrong, over=over),
    )


def some(ladder: str, *, acted: bool, wrong: bool, over: bool) -> Exercise:
    return made_of("c", "r" if ladder else "", ladder, acted=acted, wrong=wrong, over=over)


def reply(ladder: str) -> Answer:
    return Answer(escalate=bool(ladder), ladder=ladder)


LADDERS: Final = st.sampled_from(("", "a", "b"))
EXERCISES: Final = st.builds(some, LADDERS, acted=st.booleans(), wrong=st.booleans(), over=st.booleans())
ANSWERS: Final = st.builds(reply, LADDERS)


@given(st.lists(st.tuples(EXERCISES, ANSWERS)))
def test_the_score_is_what_counting_by_hand_says(given_: list[tuple[Any, Answer]]) -> None:
    expected = dict.fromkeys(
        ("cases", "as_policy", "both", "same_ladder", "known", "as_hindsight", "policy_as_hindsight"), 0
    )
    for each, said in given_:
        expected["cases"] += 1
        escalated = each.rule != ""
        acted = escalated and each.aftermath.agent_acted
        needed = True if acted or each.aftermath.went_wrong else False if each.aftermath.over else None
        expected["as_policy"] += escalated is said.escalate
        if escalated and said.escalate:
            expected["both"] += 1
            expected["same_ladder"] += each.ladder == said.ladder
        expected["known"] += needed is not None
        expected["as_hindsight"] += needed is said.escalate
        expected["policy_as_hindsight"] += needed is escalated
    assert score(given_) == Score(**expected)
