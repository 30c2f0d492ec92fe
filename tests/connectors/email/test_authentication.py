"""Only what the pinned server says about the one sender counts; everything that could be somebody else's word proves nothing."""

from __future__ import annotations

import pytest

from gateway.sdk import Evidence
from tests.connectors.email.ours import mail

PINNED = "mx.help.example"
GOOD = f"{PINNED}; dmarc=pass (p=reject) header.from=x.example"
FROM = "From: Ada <ada@x.example>"


def judged(*fields: str, sender: str = FROM) -> tuple[Evidence, object]:
    head = "\n".join(f if ":" in f.partition(" ")[0] else f"Authentication-Results: {f}" for f in fields)
    event = mail(f"{head}\n{sender}\n\nhi" if head else f"{sender}\n\nhi")
    return event.sender.evidence, event.extras.get("dmarc")


@pytest.mark.parametrize(
    "fields",
    [
        (GOOD,),
        (f"{PINNED.upper()}; DMARC=PASS header.from=X.Example",),
        (f"{PINNED} 1; dmarc=pass header.from=x.example",),
        (f'"{PINNED}"; dmarc = pass header.from=x.example',),
        (f"(a) {PINNED} (b (c; dmarc=fail)); dmarc=pass (d) header.from=x.example",),
        (f"{PINNED}; spf=fail smtp.mailfrom=y.example; dkim=none; dmarc=pass header.from=x.example",),
        ("other.example; dmarc=fail header.from=x.example", GOOD),
        (GOOD, f"{PINNED}; dmarc=fail header.from=x.example"),
    ],
)
def test_a_pass_of_the_pinned_server_proves_the_sender(fields: tuple[str, ...]) -> None:
    assert judged(*fields) == (Evidence.VERIFIED, "pass")


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("evil.example; dmarc=pass header.from=x.example",),
        (f"{PINNED}.evil.example; dmarc=pass header.from=x.example",),
        (f"evil.example; a={PINNED}; dmarc=pass header.from=x.example",),
        (f"({PINNED}) evil.example; dmarc=pass header.from=x.example",),
        (f"evil.example ({PINNED}); dmarc=pass header.from=x.example",),
        (f"{PINNED}; none",),
        (f"{PINNED}; spf=pass smtp.mailfrom=x.example; dkim=pass header.d=x.example",),
        (f"{PINNED}; dmarc=pass header.from=y.example",),
        (f"{PINNED}; dmarc=pass",),
        (f"{PINNED}; dmarc=pass header.from=x.example header.from=y.example",),
        (f"{PINNED}; spf=pass header.from=x.example; dmarc=pass header.d=x.example",),
        (f'{PINNED}; spf=fail reason="; dmarc=pass header.from=x.example"',),
        (f"{PINNED}; spf=fail (; dmarc=pass header.from=x.example)",),
        (f"{PINNED}; spf=fail (\\); dmarc=pass header.from=x.example",),
        (f"{PINNED}; spf=fail (a (b); dmarc=pass header.from=x.example",),
        (f'{PINNED}; spf=fail smtp.mailfrom="a; dmarc=pass header.from=x.example',),
        (f"{PINNED}; x-dmarc=pass header.from=x.example",),
        (f"{PINNED}; dmarc=passed header.from=x.example",),
        (f"{PINNED}; spf=none", GOOD),
        (f"{PINNED}; spf=fail (unclosed", GOOD),
        ("ARC-Authentication-Results: i=1; " + GOOD,),
        ("X-Authentication-Results: " + GOOD,),
    ],
)
def test_anything_else_proves_nothing(fields: tuple[str, ...]) -> None:
    assert judged(*fields)[0] is Evidence.CLAIMED


@pytest.mark.parametrize("result", ["fail", "none", "temperror", "permerror", "bestguesspass"])
def test_what_the_pinned_server_found_instead_is_shown(result: str) -> None:
    assert judged(f"{PINNED}; dmarc={result} header.from=x.example") == (Evidence.CLAIMED, result)


def test_of_two_verdicts_in_one_field_the_worse_counts() -> None:
    for clauses in ("dmarc=pass header.from=x.example; dmarc=fail", "dmarc=fail; dmarc=pass header.from=x.example"):
        assert judged(f"{PINNED}; {clauses}") == (Evidence.CLAIMED, "fail")


@pytest.mark.parametrize(
    "sender",
    [
        "From: ada@x.example, mallory@y.example",
        "From: mallory@y.example\nFrom: ada@x.example",
        "From: ada@x.example\nFrom: ada@x.example",
        "From: ada@x.example <mallory@y.example>",
        "Sender: ada@x.example",
    ],
)
def test_two_senders_are_none(sender: str) -> None:
    assert judged(GOOD, sender=sender)[0] is Evidence.CLAIMED
