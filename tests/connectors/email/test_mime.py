"""A mail's parts and text: what a reader would see, and in bounded time whatever the bytes are."""

from __future__ import annotations

import hashlib
import resource
import time
from base64 import b64encode

import pytest

from connectors.email.headers import decode_words, instant, mailboxes, parameters
from connectors.email.letters import letter_of
from connectors.email.markup import html_text
from connectors.email.mime import MOST_PARTS, files_of, open_attachment, read, text_of, unflowed
from gateway.model import Channel
from gateway.sdk import PermanentFailure
from normalizers import normalize
from normalizers.replies import visible_reply
from tests.connectors.email.ours import mail


def text(raw: bytes | str) -> str:
    return text_of(read(raw if isinstance(raw, bytes) else raw.encode()))


# --- headers -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOf?= =?utf-8?q?e?=", "Grüße"),
        ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        ("a =?iso-8859-1?q?=E9?= b", "a é b"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?x-none?q?caf=C3=A9?=", "café"),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?utf-8?q?a_b?=", "a b"),
    ],
)
def test_encoded_words_are_read(value: str, meant: str) -> None:
    assert decode_words(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('"Byron, Ada" <ada@x.example>, bob@x.example', [("Byron, Ada", "ada@x.example"), ("", "bob@x.example")]),
        ("team: ada@x.example, bob@x.example;", [("", "ada@x.example"), ("", "bob@x.example")]),
        ("Ada (the (first)) <ada@x.example>", [("Ada", "ada@x.example")]),
        ("=?utf-8?q?a=2C_b?= <ada@x.example>", [("a, b", "ada@x.example")]),
        ("=?utf-8?q?x=40evil.example=2C?= <ada@x.example>", [("x@evil.example,", "ada@x.example")]),
        ("<@relay:ada@x.example>", [("", "ada@x.example")]),
        ("Ada ada@x.example", [("Ada", "ada@x.example")]),
        ('"a\\"b" <ada@x.example>', [('a"b', "ada@x.example")]),
        ("undisclosed-recipients:;", []),
        ("ada@x.example\x01", []),
        ("(((((", []),
    ],
)
def test_addresses_are_told_apart_before_they_are_decoded(value: str, meant: list[tuple[str, str]]) -> None:
    assert [(box.name, box.address) for box in mailboxes([value])[0]] == meant


def test_parameters_are_put_together_again() -> None:
    value = "attachment; filename*0*=utf-8''Stra%C3%9F; filename*1=e.txt; size=3"
    assert parameters(value) == ("attachment", {"filename": "Straße.txt", "size": "3"})
    assert parameters('Text/HTML; charset="a;b\\"c"')[1]["charset"] == 'a;b"c'


def test_a_date_that_is_none_is_none() -> None:
    assert instant("Tue, 3 Nov 2026 10:00:00 +0100") == 1_793_696_400_000_000
    for wrong in ("", "yesterday", "Tue, 99 Nov 2026 10:00:00 +0100", "1 Jan 99999999999 0:0", "0" * 1000):
        assert instant(wrong) is None


# --- text ----------------------------------------------------------------------------------------------------------------
def test_of_alternatives_the_plain_one_is_shown_unless_it_says_nothing() -> None:
    made = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{}\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--\n"
    assert text(made.format("plain")) == "plain"
    assert text(made.format(" ")) == "rich"


def test_text_parts_stand_one_below_the_other_and_named_ones_are_files() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Disposition: attachment\n\nfile"
        b'\n--b\nContent-Disposition: inline; filename="C:\\log.txt"\n\nlog\n--b\n\ntwo\n--b--\nepilogue'
    )
    assert text(raw) == "one\ntwo"
    assert [(each.id, each.name, each.inline) for each in files_of(read(raw))] == [
        ("2", "", False),
        ("3", "log.txt", True),
    ]
    assert open_attachment(raw, "3") == b"log"
    with pytest.raises(PermanentFailure):
        open_attachment(raw, "1")


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "koi8-r", "shift_jis", "utf-7", "punycode", "nonsense", "zip"]
)
def test_any_charset_gives_text(charset: str) -> None:
    for body in (b"abc", bytes(range(256)), "Grüße, мир, 世界".encode()):
        found = text(b"Content-Type: text/plain; charset=" + charset.encode() + b"\n\n" + body)
        assert found.encode()
    assert text(b"Content-Type: text/plain; charset=koi8-r\n\n" + "мир".encode("koi8-r")) == "мир"


def test_transfer_encodings_are_undone_even_when_they_are_broken() -> None:
    head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {}\n\n{}"
    assert text(head.format("base64", b64encode("häh".encode()).decode().rstrip("="))) == "häh"
    assert text(head.format("base64", "aGk=\n!!!")) == "hi"
    assert text(head.format("quoted-printable", "a=C3=A4=\nb=ZZ")) == "aäb=ZZ"
    assert text(head.format("x-uuencode", "begin 644 a\n#86)C\n`\nend\n")) == "abc"


def test_flowed_text_flows() -> None:
    assert (
        unflowed("On Monday \nshe wrote: \n> quoted \n> more\n-- \nAda")
        == "On Monday she wrote: \n> quoted more\n-- \nAda"
    )


def test_a_mail_inside_a_mail_is_a_file_and_speaks_only_when_the_outer_one_does_not() -> None:
    inner = "From: x@y.example\nSubject: inner one\n\ninner text"
    raw = (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{}\n--b\nContent-Type: message/rfc822\n\n"
        + inner
        + "\n--b--\n"
    )
    assert letter_of(raw.format("outer").encode()).text == "outer"
    assert letter_of(raw.format("").encode()).text == "inner text"
    (file,) = files_of(read(raw.format("outer").encode()))
    assert (file.name, file.media_type) == ("inner one.eml", "message/rfc822")
    assert file.sha256 == hashlib.sha256(inner.encode()).hexdigest()


def test_html_is_what_a_reader_sees() -> None:
    source = (
        "<html><head><title>no</title><style>p{}</style></head><body>one &amp; <b>two</b><br><br>three<p>four</p><ul><li>five</ul>"
        "<script>no()</script><!-- no --><div style='display:none'>no</div><span hidden>no</span><img alt='logo'>"
        "<div class='gmail_quote'>On Monday x wrote:<blockquote>old</blockquote></div>after</body></html>"
    )
    assert html_text(source).split("\n") == [
        "one & two", "", "three", "", "four", "", "- five", "", "[logo]", "> On Monday x wrote:", ">", "> > old", "> >", "after",
    ]  # fmt: skip
    assert visible_reply(html_text(source)).endswith("[logo]\nafter")


def test_outlooks_own_container_is_said_and_handed_on() -> None:
    raw = "From: a@x.example\nContent-Type: application/ms-tnef; name=winmail.dat\n\nbytes"
    event = mail(raw)
    assert event.extras["tnef"] is True
    assert [each.name for each in event.attachments] == ["winmail.dat"]


# --- bounds --------------------------------------------------------------------------------------------------------------
_NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (each, each) for each in range(2_000))
BOMBS = {
    "100,000 parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 100_000,
    "280 kB subject": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\nFrom: a@x.example\n\nhi",
    "280 kB subject, folded": b"Subject: x\n" + b" =?utf-8?q?a?=\n" * 20_000 + b"\nhi",
    "20,000 recipients": b"To: " + b", ".join(b"a%d@x.example" % each for each in range(20_000)) + b"\n\nhi",
    "20,000 recipient fields": b"".join(b"To: a%d@x.example\n" % each for each in range(20_000)) + b"\n\nhi",
    "2,000 deep": _NESTED + b"\nhi\n",
    "3,000 comments": b"To: " + b"(" * 3_000 + b"a@x.example\n\nhi",
    "one boundary, nested": b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 50_000,
    "300,000 elements": b"Content-Type: text/html\n\n" + b"<div>" * 300_000,
    "formatting elements": b"Content-Type: text/html\n\n" + b"<b><i><font>" * 100_000,
    "2 MB of one line": b"Content-Type: text/plain\n\n" + b"On a " * 400_000 + b"wrote:",
    "2 MB of quotes": b"\n" + b"> a\n" * 500_000,
    "rules": b"\n" + b"From: a\n---\n" * 60_000,
    "references": b"References: " + b"<a@b> " * 100_000 + b"\n\nhi",
    "results": b"Authentication-Results: mx.help.example; " + b"dmarc=pass; " * 30_000 + b"\n\nhi",
    "a report": b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"<a@b.example>: 550 5.1.1 user unknown\n" * 40_000,
    "a standard report": b"Content-Type: multipart/report; boundary=b; report-type=delivery-status\n\n--b\n"
    b"Content-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822;a@b\nAction: failed\n\n" * 30_000 + b"--b--",
    "25 MB of base64": b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + b"QUFB" * 6_250_000,
    "nulls": bytes(1_000_000),
    "line ends": b"\r\n\r" * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_time_and_little_memory(name: str) -> None:
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for event in _events(BOMBS[name]):
        normalize(event, connection="m", channel=Channel.EMAIL, received_at=0)
    assert time.process_time() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


def _events(body: bytes):  # type: ignore[no-untyped-def]
    from gateway.sdk import UnreadableDelivery
    from tests.connectors.email.ours import parsed

    try:
        return parsed(body)
    except UnreadableDelivery:
        return []


def test_what_is_left_out_is_said() -> None:
    event = mail(b"From: a@x.example\n" + BOMBS["100,000 parts"])
    assert event.extras["cut"] == ["99,801 more parts"]
    assert event.text.endswith("[cut: 99,801 more parts]")
    assert event.text.count("a\n") == MOST_PARTS - 1
    assert "recipients past the first 100" in list(mail(BOMBS["20,000 recipient fields"]).extras["cut"])  # type: ignore[call-overload]
    assert len(mail(BOMBS["20,000 recipient fields"]).recipients) == 100
