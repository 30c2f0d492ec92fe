"""HTML is read piece by piece: what a person would read, whatever its quotes, and never in more time than its length asks for."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sdk import html_pieces
from tests.bounded import bounded_work

SILENT = frozenset({"script", "style"})


def pieces(source: str) -> list[tuple[str, str]]:
    return list(html_pieces(source, SILENT))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", []),
        ("a &amp; b", [("", "a & b")]),
        ("<P>a<br/>b</P>", [("p", ""), ("", "a"), ("br", ""), ("", "b"), ("/p", "")]),
        ('<a title="x > y" id=\'">\'>z', [("a", ""), ("", "z")]),
        ('<a title="x>z', [("a", ""), ("", "z")]),
        ("1 < 2", [("", "1 "), ("", "<"), ("", " 2")]),
        ("<!DOCTYPE html><!-- <p> -->a<?x?>b", [("", "a"), ("", "b")]),
        ("a<script>if (a<b) '</p>'</SCRIPT >b", [("", "a"), ("script", ""), ("", "b")]),
        ("a<style>b", [("", "a"), ("style", "")]),
        ("a<!-- b", [("", "a")]),
        ("a<b", [("", "a"), ("b", "")]),
        ("İ<STYLE>x</STYLE>y", [("", "İ"), ("style", ""), ("", "y")]),
    ],
)
def test_pieces(source: str, found: list[tuple[str, str]]) -> None:
    assert pieces(source) == found


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert "".join(said for _, said in pieces(html.escape(text))) == html.unescape(html.escape(text))


@given(st.text(alphabet=st.sampled_from("<>![]-/ab &;#x0\n\"'=?"), max_size=300))
def test_any_html_is_read(source: str) -> None:
    assert all(bool(tag) != bool(text) for tag, text in pieces(source))


@pytest.mark.parametrize(
    "source",
    [
        *("<![x[" * 100_000, "<a " * 100_000, "<!--" * 100_000, "<" * 300_000, "&#" * 150_000, "<p>" * 100_000),
        *("<style>" * 50_000, '<a b="' * 100_000, "<a b='>" * 100_000, "<a \"'>" * 100_000, '<a \'"">' * 100_000),
        *("<?" * 100_000, "</a" * 100_000, '<a>"' * 100_000 + "'" * 100_000, "<a \"'" * 50_000 + ">" * 50_000),
    ],
    ids=lambda source: source[:12],
)
def test_html_that_is_broken_on_purpose_takes_no_time(source: str) -> None:
    with bounded_work():
        assert len(pieces(source)) <= len(source)
