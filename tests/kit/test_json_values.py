"""Reading JSON that others wrote: any bytes are values or unreadable, and any value is of the kind that was asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sdk import (
    UnreadableDelivery,
    as_instant,
    as_list,
    as_object,
    as_objects,
    as_text,
    printable,
    read_json,
    read_object,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
_SECOND = 1_000_000
_MAY = int(datetime(2026, 5, 4, 9, 30, tzinfo=UTC).timestamp()) * _SECOND


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000])
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    for read in (read_json, read_object):
        with pytest.raises(UnreadableDelivery, match=r"\AThe body is not JSON\.\Z"):
            read(body)


@pytest.mark.parametrize("body", [b"null", b"[]", b"3", b'"{}"', b"true"])
def test_an_object_is_not_any_json(body: bytes) -> None:
    assert read_json(body) == json.loads(body)
    with pytest.raises(UnreadableDelivery, match=r"\AThe body is JSON, and no object\.\Z"):
        read_object(body)


def test_an_object_is_read_whole() -> None:
    assert read_object(b'{"a": [1, "two"]}') == {"a": [1, "two"]}


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_unreadable(body: bytes) -> None:
    try:
        read_object(body)
    except UnreadableDelivery:
        return
    assert isinstance(json.loads(body), dict)


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
@example("\ud800", "utf-8", True)
@example([float("inf"), 10**400, -0.0], "utf-8", False)
def test_json_is_read_as_pythons_own_reader_does(value: object, encoding: str, plain: bool) -> None:
    body = json.dumps(value, ensure_ascii=plain).encode(encoding, "surrogatepass")
    assert repr(read_json(body)) == repr(json.loads(body))


@given(VALUES)
def test_a_value_is_what_it_is_or_empty(value: object) -> None:
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert as_list(value) == (value if isinstance(value, list) else [])
    assert len(as_objects(value)) == len(as_list(value))


def test_a_member_that_is_no_object_is_an_empty_one() -> None:
    assert as_objects([{"id": 1}, None, "x", [], {"id": 2}]) == [{"id": 1}, {}, {}, {}, {"id": 2}]


@pytest.mark.parametrize(
    ("value", "text"),
    [("7", "7"), ("", ""), (7, "7"), (-7, "-7"), (True, ""), (1.5, ""), (None, ""), (["7"], ""), ({"id": 7}, "")],
)
def test_text_is_a_string_or_a_whole_number(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-05-04T09:30:00Z", _MAY),
        ("2026-05-04T09:30:00+00:00", _MAY),
        ("2026-05-04T11:30:00+02:00", _MAY),
        ("2026-05-04 09:30:00", _MAY),
        ("2026-05-04T09:30:00.25Z", _MAY + _SECOND // 4),
    ],
)
def test_an_instant_is_utc_microseconds(value: str, at: int) -> None:
    assert as_instant(value, "No time.") == at


@pytest.mark.parametrize("value", [None, "", "yesterday", True, 1.5, {}, "2026-13-01", "0001-01-01T00:00:00+24:00"])
def test_what_is_no_time_is_unreadable_in_the_connectors_own_words(value: object) -> None:
    with pytest.raises(UnreadableDelivery, match=r"\AThe event has no readable `time`\.\Z"):
        as_instant(value, "The event has no readable `time`.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße 👋", "Grüße 👋"),
        ("two\nlines", "two\nlines"),
        ("a\x00b\rc\td\x1be", "abcde"),
        ("half \ud83d of it", "half ? of it"),
        ("", ""),
    ],
)
def test_what_nobody_can_read_is_left_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_what_is_left_can_be_kept_and_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert once.encode().decode() == once
    assert printable(once) == once
