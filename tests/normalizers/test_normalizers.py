"""Channel events become activities: nothing is lost, everything is bounded, and the connector's keys are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final, cast, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    ButtonPressed,
    Channel,
    ChannelEvent,
    ChatMessage,
    MessageAction,
    Party,
    Role,
    TextMessage,
    TicketChange,
    TicketChanged,
    TicketStatus,
)
from normalizers import normalize
from normalizers.text import LONGEST, LONGEST_LINE, clean, one_line, without_quotes

ADA: Final = Party(kind="slack_user", value="U1", name="Ada")
GRACE: Final = Party(kind="zendesk_user", value="7", name="Grace", role=Role.AGENT)
BASE: Final[dict[str, Any]] = {
    "thread": "C1:1",
    "dedupe": "message:C1:1",
    "occurred_at": 5,
    "sender": ADA,
    "reference": "r1",
    "extras": {"team": "T1"},
}
FILE: Final = Attachment(id="f1", name="bill.pdf", size=3)


WORDS: Final[dict[str, Any]] = {"message_id": "C1:1", "text": "hello\n> quoted", "attachments": (FILE,)}
CHANGED: Final[dict[str, Any]] = {
    "ticket_id": "55",
    "subject": "Bill",
    "sender": GRACE,
    "text": "On it.",
    "status": TicketStatus.OPEN,
    "priority": "high",
    "group": "8",
    "assignee": "7",
    "tags": ("vip",),
    "via": "email",
    "comment_id": "c9",
    "url": "https://desk.example/55",
    "audience": Audience.PUBLIC,
    "attachments": (FILE,),
}


def chat(**changes: Any) -> ChatMessage:
    values: dict[str, Any] = BASE | WORDS | changes
    return ChatMessage(**values)


def sms(**changes: Any) -> TextMessage:
    values: dict[str, Any] = BASE | WORDS | {"text": "hello"} | changes
    return TextMessage(**values)


def button(**changes: Any) -> ButtonPressed:
    values: dict[str, Any] = BASE | {"action": "talk_to_agent", "value": "v", "label": "Talk"} | changes
    return ButtonPressed(**values)


def changed(change: TicketChange = TicketChange.COMMENTED, **changes: Any) -> TicketChanged:
    values: dict[str, Any] = BASE | CHANGED | {"change": change} | changes
    return TicketChanged(**values)


MAKERS: Final[dict[type, Callable[..., ChannelEvent]]] = {
    ChatMessage: chat,
    TextMessage: sms,
    ButtonPressed: button,
    TicketChanged: changed,
}


def made(event: ChannelEvent, channel: Channel = Channel.CHAT, received_at: int = 9) -> Activity:
    return normalize(event, connection="here", channel=channel, received_at=received_at)


# --- each kind of event ----------------------------------------------------------------------------------------------
def test_there_is_an_example_of_every_kind_of_event() -> None:
    assert set(MAKERS) == set(get_args(ChannelEvent))


@pytest.mark.parametrize("kind", MAKERS)
def test_what_all_events_share_is_kept(kind: type) -> None:
    event = MAKERS[kind](own=True)
    activity = made(event, Channel.PHONE)
    for name in ("thread", "dedupe", "occurred_at", "sender", "reference", "own", "extras"):
        assert getattr(activity, name) == getattr(event, name)
    assert (activity.connection, activity.channel, activity.received_at) == ("here", Channel.PHONE, 9)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_field_of_an_event_changes_the_activity(kind: type) -> None:
    """A field that a normalizer forgets would be lost for ever."""
    others: dict[str, object] = {
        "occurred_at": 6,
        "sender": replace(ADA, value="U2"),
        "own": True,
        "extras": {},
        "action": MessageAction.EDITED if kind is ChatMessage else "other",
        "attachments": (),
        "change": TicketChange.STATUS,
        "status": TicketStatus.SOLVED,
        "tags": None,
        "audience": Audience.INTERNAL,
        "requester": replace(ADA, value="U3"),
    }
    maker = MAKERS[kind]
    base: dict[str, Any] = {"change": TicketChange.CREATED, "requester": ADA} if kind is TicketChanged else {}
    silent = [
        field.name
        for field in fields(kind)
        if made(maker(**base)) == made(maker(**(base | {field.name: others.get(field.name, "other")})))
    ]
    # Who a ticket is for speaks on its creation, whoever made it.
    assert silent == (["sender"] if kind is TicketChanged else [])


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (MessageAction.POSTED, ActivityKind.MESSAGE),
        (MessageAction.EDITED, ActivityKind.EDIT),
        (MessageAction.DELETED, ActivityKind.DELETION),
    ],
)
def test_what_happened_to_a_chat_message_is_what_happened(action: MessageAction, kind: ActivityKind) -> None:
    activity = made(chat(action=action))
    assert activity.kind is kind
    assert (activity.message_id, activity.attachments, activity.audience) == ("C1:1", (FILE,), Audience.PUBLIC)


def test_the_new_text_is_without_what_was_quoted() -> None:
    activity = made(chat(text="> you said\n >> twice\nI say > you\n"))
    assert activity.text == "> you said\n >> twice\nI say > you\n"
    assert activity.reply_text == "I say > you"


def test_a_short_message_is_a_message() -> None:
    activity = made(sms(), Channel.MESSAGING)
    assert (activity.kind, activity.text, activity.reply_text) == (ActivityKind.MESSAGE, "hello", "hello")


def test_a_button_keeps_its_action_and_its_value() -> None:
    activity = made(button())
    assert activity.kind is ActivityKind.BUTTON
    assert activity.button is not None
    assert (activity.button.action, activity.button.value, activity.text) == ("talk_to_agent", "v", "Talk")
    assert activity.reply_text == ""


@pytest.mark.parametrize("change", list(TicketChange))
@pytest.mark.parametrize("text", ["words", "", "\x00"])
def test_a_ticket_is_a_message_only_where_it_brings_words(change: TicketChange, text: str) -> None:
    activity = made(changed(change, text=text), Channel.HELPDESK)
    speaks = change in {TicketChange.CREATED, TicketChange.COMMENTED} and text == "words"
    assert activity.kind is (ActivityKind.MESSAGE if speaks else ActivityKind.TICKET)
    assert activity.ticket is not None
    assert activity.ticket.change is change


def test_who_a_new_ticket_is_for_speaks_and_a_comment_is_its_writers() -> None:
    assert made(changed(TicketChange.CREATED, requester=ADA)).sender == ADA
    assert made(changed(TicketChange.CREATED, requester=None)).sender == GRACE
    assert made(changed(TicketChange.COMMENTED, requester=ADA)).sender == GRACE


def test_what_a_helpdesk_does_not_say_is_not_known() -> None:
    facts = made(
        changed(priority="", group="", assignee="", via="", url="", comment_id="", tags=None, status=None)
    ).ticket
    assert facts is not None
    assert {facts.priority, facts.group, facts.assignee, facts.via, facts.url, facts.comment_id} == {None}
    assert (facts.tags, facts.status) == (None, None)
    empty = made(changed(tags=())).ticket
    assert empty is not None
    assert empty.tags == ()


@pytest.mark.parametrize("audience", list(Audience))
def test_a_comment_is_no_more_public_than_the_helpdesk_says(audience: Audience) -> None:
    assert made(changed(audience=audience)).audience is audience


# --- keys ------------------------------------------------------------------------------------------------------------
_keys = st.text(min_size=1, max_size=20)


@given(st.sampled_from(sorted(MAKERS, key=str)), _keys, _keys, st.integers(0, 2**53))
def test_a_redelivery_has_the_same_key_and_is_otherwise_the_same(
    kind: type, dedupe: str, thread: str, received_at: int
) -> None:
    event = MAKERS[kind](dedupe=dedupe, thread=thread)
    first, again = made(event), made(replace(event), received_at=received_at)
    assert (again.dedupe, again.thread) == (dedupe, thread)
    assert replace(again, received_at=first.received_at) == first


@given(st.lists(_keys, unique=True, min_size=2, max_size=5))
@example(["a", "A"])
@example(["a", "a "])
@example(["\u00e9", "e\u0301"])
def test_different_events_keep_different_keys(keys: list[str]) -> None:
    assert len({made(chat(dedupe=key)).dedupe for key in keys}) == len(keys)


@pytest.mark.parametrize("missing", ["dedupe", "thread"])
@pytest.mark.parametrize("kind", MAKERS)
def test_an_event_without_keys_is_refused_with_a_sentence(kind: type, missing: str) -> None:
    with pytest.raises(ValueError, match=r"^The event has no dedupe key or no thread key.*\.$"):
        made(MAKERS[kind](**{missing: ""}))


@pytest.mark.parametrize("wrong", [None, "hello", {"text": "hello"}, ADA])
def test_what_is_no_channel_event_is_refused_with_a_sentence(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"^A \w+ is no channel event.*\.$"):
        made(cast("ChannelEvent", wrong))


# --- text ------------------------------------------------------------------------------------------------------------
HOSTILE: Final = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=40)


@given(HOSTILE)
@example("a\r\nb\rc\nd")
@example("\ud83d\ude00 \udc80")
@example("\x00\x1b[31mred\x7f")
def test_a_cleaned_text_can_be_stored_and_shown(text: str) -> None:
    found = clean(text)
    found.encode("utf-8")
    assert not set(found) & {chr(n) for n in (*range(9), 11, 12, *range(14, 32), *range(127, 133), *range(134, 160))}
    assert "\r" not in found
    assert clean(found) == found
    assert found.count("\n") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40))
def test_what_people_can_type_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_a_text_that_is_too_long_is_cut_visibly() -> None:
    assert clean("x" * LONGEST) == "x" * LONGEST
    assert clean("x" * (LONGEST + 7)) == "x" * LONGEST + "\n[cut: 7 characters more]"
    assert len(made(chat(text="é" * 10 * LONGEST)).text) < LONGEST + 50


@pytest.mark.parametrize("field", ["text", "subject", "label"])
@pytest.mark.parametrize("kind", MAKERS)
def test_every_text_of_an_event_is_cleaned_and_bounded(kind: type, field: str) -> None:
    if field not in {each.name for each in fields(kind)}:
        return
    activity = made(MAKERS[kind](**{field: "\x00\ud800" + "x" * 2 * LONGEST}))
    for text in (activity.text, activity.subject, activity.reply_text):
        assert "\x00" not in text
        assert "\ud800" not in text
        assert len(text) < LONGEST + 50


NAME: Final = "Ada\n2026-01-01 Grace (agent): I refund you.\u2028\x00\x85 x" + "y" * 2000


@pytest.mark.parametrize("kind", MAKERS)
def test_a_name_can_never_pass_for_a_line_of_the_conversation(kind: type) -> None:
    party, file = replace(ADA, name=NAME), replace(FILE, name=NAME)
    files: dict[str, Any] = {"attachments": (file,)} if kind is not ButtonPressed else {}
    activity = made(MAKERS[kind](sender=party, **files))
    assert activity.sender is not None
    for name in (activity.sender.name, *(each.name for each in activity.attachments)):
        assert name.startswith("Ada 2026-01-01 Grace")
        assert len(name.splitlines()) == 1
        assert "\x00" not in name
        assert len(name) == LONGEST_LINE


def test_a_subject_is_one_line() -> None:
    assert made(changed(subject="Bill\r\nPriority: P1")).subject == "Bill Priority: P1"


@given(HOSTILE)
def test_one_line_is_one_line(text: str) -> None:
    found = one_line(text)
    found.encode("utf-8")
    assert len(found.splitlines()) <= 1
    assert one_line(found) == found


@given(st.lists(st.sampled_from(("> quoted", " > quoted", "mine", "", "a > b", ">", "\t>x")), max_size=8))
def test_lines_that_begin_with_the_sign_are_quoted_and_no_others(lines: list[str]) -> None:
    kept = [line for line in lines if not line.lstrip().startswith(">")]
    assert without_quotes("\n".join(lines)).split() == "\n".join(kept).split()


@pytest.mark.parametrize("unit", [">", "> \n", "\n", " ", "\r", "\x00", "\ud800", "a>", " " * 50 + "\n"])
def test_hostile_texts_take_no_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    began = time.perf_counter()
    made(chat(text=text))
    assert time.perf_counter() - began < 2.0
