"""Sensitive cases: their tickets go to a private group, and notices tell nothing of them, until a person lifts it.

The use case of the article's financial company: fraud goes to a team of its own with restricted visibility.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Decision,
    Effect,
    EffectKind,
    Mode,
    Party,
    Profile,
    Role,
    TicketChange,
    TicketStatus,
    altered,
)
from gateway.model.keeping import LIFT, Private
from routing.decide import decide
from routing.snapshot import Snapshot
from tests.routing.values import (
    BOT,
    CATCH_ALL,
    CUSTOMER,
    LINK,
    NOW,
    activity,
    after,
    answer,
    case,
    connections,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

TEXT: Final = """
[customer]
profile_from = "desk"
vip = ["gold"]
[phrases]
fraud = ["fraudulent charge", "stolen card"]
[sensitivity.fraud]
when.all = ["message.phrases contains 'fraud'"]
group = "Fraud (private)"
[sensitivity.staff]
when.all = ["customer.tags contains 'staff'"]
group = "HR"
[template.full]
title = "{{case.subject}} {{customer.name}} {{rule.reason}} {{notice.why}}"
text = "{{case.subject}} of {{customer.name}}"
[[rule]]
id = "vip"
do = "none"
continue = true
when.all = ["customer.vip"]
set = { tags = ["vip"] }
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["sender.role == 'customer'"]
set = { group = "Billing", reason = "Somebody asks." }
[agent.ann]
ids = { desk = "7", chat = "U1" }
notify = ["chat:@ann"]
[team.third]
members = ["ann"]
[ladder.second]
final = { target = "queue:desk/End", notify = ["chat:#leads"], message = "full" }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
message = "full"
ack_within = "15m"
reply_within = "1h"
ack_ttl = "2h"
[[ladder.second.step]]
target = "team:third"
in = "desk/Third line"
message = "full"
ack_within = "15m"
"""
RULES: Final = policy(TEXT + CATCH_ALL)
FRAUD: Final = message("there is a fraudulent charge")


def tickets(decision: Decision) -> list[tuple[str, str, str | None]]:
    kinds = {EffectKind.HANDOFF, EffectKind.UPDATE}
    return [(each.kind.value, each.destination, each.assignee) for each in decision.effects if each.kind in kinds]


def notices(*decisions: Decision) -> list[Effect]:
    return [each for decision in decisions for each in decision.effects if each.kind is EffectKind.NOTIFY]


def start(**changes: Any) -> Snapshot:
    return snapshot(RULES, **changes)


def landed(where: Snapshot) -> Activity:
    return outcome("e9", where.episode)


def test_a_case_that_becomes_sensitive_goes_to_its_private_group_from_the_first_handoff_on() -> None:
    where, (made,) = play(start(), FRAUD)
    assert (made.case.sensitive, made.case.private.group) == ("fraud", "Fraud (private)")
    assert tickets(made) == [("handoff", "Fraud (private)", None)]
    assert made.trace.notes == (
        "The case is sensitive (fraud): it goes to group Fraud (private), and notices say no more.",
    )
    where, (told,) = play(altered(where, tickets=(LINK,)), landed(where))
    (notice,) = notices(told)
    assert (notice.title, notice.details, notice.redacted) == ("escalation of a sensitive case", "", True)
    assert not tickets(told), "its ticket stands there already"
    late = timer(f"ack:{where.episode.id}:0") if where.episode else FRAUD
    _, (climbed,) = play(where, late)
    assert tickets(climbed) == [("update", "Fraud (private)", "")], (
        "the ladder moves it nowhere else, and gives it to nobody"
    )
    assert [each.title for each in notices(climbed)] == ["not acknowledged in time: escalation of a sensitive case"]


def test_a_ticket_that_stands_already_is_moved_and_taken_from_whoever_has_it() -> None:
    where, (first,) = play(start(), message("hello"))
    assert tickets(first) == [("handoff", "Billing", None)]
    known = altered(where, tickets=(LINK,))
    after_it, (made, again) = play(known, altered(FRAUD, dedupe="e2"), altered(FRAUD, dedupe="e3"))
    assert tickets(made)[0] == ("update", "Fraud (private)", "")
    assert "It belongs" not in str(made.trace.sentence)
    assert [each for each in tickets(again) if each[1]] == [], "it is moved once"
    assert after_it.case.private.placed == ("desk",)


def test_a_ticket_that_baton_adopted_is_moved_as_well() -> None:
    mail = start(tickets=(altered(LINK, adopted=True),))
    made = decide(mail, altered(FRAUD, connection="desk", thread="55"), NOW)
    assert tickets(made)[0] == ("update", "Fraud (private)", "")


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.NOTES])
def test_where_nothing_may_be_moved_it_is_moved_once_that_is_allowed(mode: Mode) -> None:
    held = start(tickets=(altered(LINK, adopted=True),), connections=connections(desk=mode))
    where, (made,) = play(held, FRAUD)
    assert made.case.sensitive == "fraud"
    assert "desk" not in made.case.private.placed
    live = altered(where, connections=connections())
    assert ("update", "Fraud (private)", "") in tickets(decide(live, altered(FRAUD, dedupe="e2"), NOW))


@pytest.mark.parametrize(
    "what",
    [
        altered(message("a fraudulent charge"), kind=ActivityKind.EDIT),
        message("a fraudulent charge", sender=BOT),
        activity(ActivityKind.HANDOFF_REQUEST, text="stolen card", reply_text="stolen card", sender=BOT),
        answer("a stolen card, I see"),
    ],
)
def test_whatever_is_said_by_whomever_marks_it(what: Activity) -> None:
    assert decide(start(), what, NOW).case.sensitive == "fraud"


def test_what_a_look_up_finds_marks_it_too() -> None:
    where, (first,) = play(start(askable=True), message("hello"))
    assert first.case.sensitive == ""
    (asked,) = [each for each in first.effects if each.kind is EffectKind.LOOKUP]
    known = altered(where, profile=Profile(values={"tags": ["staff"]}, read_at=NOW), waiting=(message("hello"),))
    made = decide(known, outcome(asked.id, None, effect_kind="lookup"), NOW)
    assert (made.case.sensitive, made.case.private.group) == ("staff", "HR")


# --- until a person lifts it -----------------------------------------------------------------------------------------
def tagged(*tags: str, dedupe: str = "t1", **changes: Any) -> Activity:
    return ticket(TicketChange.TAGS, tags=tags, dedupe=dedupe, **changes)


def sensitive(**changes: Any) -> Snapshot:
    private = Private(group="Fraud (private)", placed=("desk",))
    held = case(sensitive="fraud", private=private, targets=("desk",), subject="hello")
    return start(case=held, tickets=(LINK,), **changes)


def test_it_stays_sensitive_whatever_is_said_and_when_the_policy_knows_it_no_more() -> None:
    where, made = play(sensitive(), message("thanks, all good"), ticket(TicketChange.STATUS, TicketStatus.SOLVED))
    assert [each.case.sensitive for each in made] == ["fraud", "fraud"]
    other = altered(where, policy=policy(CATCH_ALL))
    assert decide(other, message("back again", dedupe="e5"), NOW).case.private.group == "Fraud (private)"


def test_an_agent_lifts_it_with_a_tag_and_the_same_words_mark_it_no_more() -> None:
    where, (made,) = play(sensitive(), tagged(LIFT))
    assert (made.case.sensitive, made.case.private.lifted) == ("", ("fraud",))
    assert made.trace.notes == (
        "An agent lifted it with the tag not_sensitive: the case is not sensitive any more (fraud).",
    )
    assert decide(where, altered(FRAUD, dedupe="e3"), NOW).case.sensitive == ""


@pytest.mark.parametrize(
    "what",
    [
        tagged(LIFT, sender=CUSTOMER),
        tagged(LIFT, sender=BOT),
        tagged(LIFT, own=True),
        tagged("other"),
        ticket(TicketChange.STATUS, TicketStatus.OPEN, tags=(LIFT,)),
    ],
)
def test_nothing_else_lifts_it(what: Activity) -> None:
    assert decide(sensitive(), what, NOW).case.sensitive == "fraud"


def test_a_tag_that_stays_lifts_nothing_that_comes_later() -> None:
    where, _ = play(sensitive(profile=Profile(values={"tags": []}, read_at=NOW)), tagged(LIFT))
    staff = altered(where, profile=Profile(values={"tags": ["staff"]}, read_at=NOW))
    where, (marked,) = play(staff, message("hello", dedupe="e4"))
    assert marked.case.sensitive == "staff"
    where, (more,) = play(where, tagged(LIFT, "urgent", dedupe="t2"))
    assert more.case.sensitive == "staff", "the tag is an old one"
    _, (off, on) = play(where, tagged("urgent", dedupe="t3"), tagged(LIFT, dedupe="t4"))
    assert (off.case.sensitive, on.case.sensitive) == ("staff", "")


# --- no word of the conversation in any notice -----------------------------------------------------------------------
#: Words that occur nowhere in what Baton says itself.
TOKENS: Final = ("zorvex", "quibbla", "мамонт", "4929-1", "wumpus")
_said = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4).map(" ".join)


@st.composite
def talks(draw: st.DrawFn) -> list[Activity]:
    """Return a conversation that is sensitive from its first message on, with everything that makes people be told."""
    name, subject = draw(_said), draw(_said)
    customer = altered(CUSTOMER, name=name)
    agent = Party(kind="zendesk_user", value="7", name=draw(_said), role=Role.AGENT)
    made = [message(f"{draw(_said)} fraudulent charge", sender=customer, subject=subject)]
    for number in range(draw(st.integers(2, 9))):
        text, key = draw(_said), f"e{number + 2}"
        made.append(
            draw(
                st.sampled_from(
                    (
                        message(text, sender=customer, dedupe=key),
                        altered(message(text, sender=customer, dedupe=key), kind=ActivityKind.EDIT),
                        answer(text, sender=agent, dedupe=key),
                        pressed("acknowledge", reference="r1", sender=altered(customer, name=text), dedupe=key),
                        pressed("escalate_further", reference=key, sender=altered(customer, name=text), dedupe=key),
                        tagged("escalate_further", sender=agent, dedupe=key),
                        altered(timer("LANDED"), dedupe=key),
                        altered(timer("FAILED"), dedupe=key),
                        *(altered(timer(kind), dedupe=key) for kind in ("ack", "reply", "ttl", "relax")),
                    )
                )
            )
        )
    return made


def in_place(what: Activity, where: Snapshot) -> Activity:
    """Return a deadline or an outcome of the escalation that is open there."""
    if what.kind is not ActivityKind.TIMER or where.episode is None:
        return what
    if what.name in {"LANDED", "FAILED"}:
        return altered(outcome("e9", where.episode, landed=what.name == "LANDED"), dedupe=what.dedupe)
    return altered(what, name=f"{what.name}:{where.episode.id}:{where.episode.epoch}")


@given(talks(), st.sampled_from(({"tier": "gold", "organization": "wumpus"}, {})))
def test_no_word_of_the_conversation_stands_in_any_notice(talk: list[Activity], known: dict[str, str]) -> None:
    where = start(tickets=(LINK,), profile=Profile(values=known, read_at=NOW))
    told: list[Effect] = []
    for what in talk:
        decision = decide(where, in_place(what, where), NOW)
        told += notices(decision)
        where = after(where, decision)
    for each in told:
        shown = repr((each.title, each.details, each.profile, each.sla, each.tags, each.fields, each.buttons))
        assert not [token for token in TOKENS if token in shown]
        assert each.redacted


def test_the_same_talk_without_the_mark_would_have_told_of_it() -> None:
    """The property above is not kept by silence: the templates of this policy name everything."""
    where, _ = play(start(), message("wumpus", sender=altered(CUSTOMER, name="zorvex"), subject="quibbla"))
    _, (told,) = play(altered(where, tickets=(LINK,)), landed(where))
    (notice,) = notices(told)
    assert (notice.title, notice.details) == ("quibbla zorvex Somebody asks.", "quibbla of zorvex")
    assert after(where, told).case.sensitive == ""
