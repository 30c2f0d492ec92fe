"""STOP holds on a thread until START: over the end of its case, over merges and their undoing, and for what waits already."""

from __future__ import annotations

from gateway.model import ActivityKind, Party
from gateway.store.values import EffectState
from tests.identity.desk import DAY, Desk

ANNA = "+4917112345678"
OTHER = "+4917199999999"


def says(desk: Desk, word: str, number: str = ANNA) -> None:
    """Let somebody text STOP or START."""
    desk.bring(
        desk.activity(
            "sms",
            f"+1|{number}",
            Party(kind="phone", value=number),
            word,
            kind=ActivityKind.CONSENT,
            consent=word == "START",
        )
    )


def replies(desk: Desk, number: str = ANNA) -> list[str]:
    return [each.thread for each in desk.sent if each.thread == f"+1|{number}"]


def test_who_said_stop_is_not_answered_in_a_later_case_either(desk: Desk) -> None:
    desk.text_message(ANNA, "help, my parcel")
    desk.dispatch()
    assert len(replies(desk)) == 1
    says(desk, "STOP")
    first = desk.case_with("help, my parcel")
    desk.resolve(first.id)
    desk.pass_time(8 * DAY)
    desk.text_message(ANNA, "help, it broke")
    desk.dispatch()
    assert desk.case_with("help, it broke").follows == first.id
    assert len(replies(desk)) == 1
    says(desk, "START")
    desk.resolve(desk.case_with("help, it broke").id)
    desk.pass_time(8 * DAY)
    desk.text_message(ANNA, "help again")
    desk.dispatch()
    assert len(replies(desk)) == 2


def test_a_reply_that_waits_does_not_go_out_after_a_stop(desk: Desk) -> None:
    desk.text_message(ANNA, "help, my parcel")
    desk.dispatch(only=("desk",))
    case = desk.case_with("help, my parcel")
    waiting = [each for each in desk.history(case.id).effects if each.effect.kind.value == "reply"]
    assert [each.state for each in waiting] == [EffectState.PENDING]
    says(desk, "STOP")
    desk.dispatch()
    assert replies(desk) == []
    (reply,) = [each for each in desk.history(case.id).effects if each.effect.kind.value == "reply"]
    assert reply.state is EffectState.CANCELLED


def test_a_stop_is_of_its_thread_alone(desk: Desk) -> None:
    says(desk, "STOP")
    desk.text_message(OTHER, "help")
    desk.dispatch()
    assert len(replies(desk, OTHER)) == 1


def test_merging_and_its_undoing_keep_a_stop(desk: Desk) -> None:
    desk.text_message(ANNA, "hello")
    desk.text_message(OTHER, "hi")
    says(desk, "STOP")
    mine, theirs = desk.case_with("hello").id, desk.case_with("hi").id
    desk.store.merge(mine, theirs, "op", desk.now)
    desk.text_message(ANNA, "help")
    desk.dispatch()
    desk.store.unmerge(mine, "op", desk.now)
    desk.text_message(ANNA, "help once more")
    desk.text_message(OTHER, "help")
    desk.dispatch()
    assert replies(desk) == []
    assert len(replies(desk, OTHER)) == 1


def test_a_stop_that_was_said_while_cases_were_merged_holds_after_they_part(desk: Desk) -> None:
    desk.text_message(ANNA, "hello")
    desk.text_message(OTHER, "hi")
    mine, theirs = desk.case_with("hello").id, desk.case_with("hi").id
    desk.store.merge(mine, theirs, "op", desk.now)
    says(desk, "STOP")
    desk.store.unmerge(mine, "op", desk.now)
    desk.text_message(ANNA, "help")
    desk.dispatch()
    assert replies(desk) == []
