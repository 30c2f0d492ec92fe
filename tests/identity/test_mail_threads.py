"""The spoof matrix: what belongs to a thread of mails, and what never does. No stranger's mail changes who is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest

from gateway.model import Evidence, Party
from gateway.store.engine import Engine, Row, Transaction
from tests.identity.desk import DAY, Desk

ANN, BOB, EVE, US = "ann@example.org", "bob@example.org", "eve@evil.example", "support@desk.example"
SECRET: Final = "help, the parcel for my flat in Elm Street"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an attacker may have got hold of: everything that stands in Ann's mails and in ours to her."""

    #: Her first mail's Message-ID, and that of our answer.
    hers: str
    ours: str
    #: The effect that our answer's signature and token name.
    effect: str
    case: str


@dataclass(slots=True, kw_only=True)
class Attack:
    """A mail that must not come into Ann's case."""

    name: str
    send: Callable[[Desk, Known], object]
    #: True for what does come into the case by right, without anybody else being answered.
    joins: bool = False
    #: What somebody did before.
    before: Callable[[Desk, Known], object] = field(default=lambda desk, known: None)


def begun(desk: Desk) -> Known:
    hers = desk.mail(ANN, SECRET, to=[US, BOB], subject="My parcel")
    desk.dispatch()
    (sent,) = desk.sent
    assert sent.thread.startswith(f"{ANN}|")
    return Known(hers=hers, ours=f"<{sent.effect_id}@baton>", effect=sent.effect_id, case=desk.case_with(SECRET).id)


ATTACKS: Final = [
    Attack(name="the subject alone", send=lambda d, k: d.mail(EVE, "x", subject="Re: My parcel")),
    Attack(name="References of hers", send=lambda d, k: d.mail(EVE, "x", answers=[k.hers])),
    Attack(name="References of ours", send=lambda d, k: d.mail(EVE, "x", answers=[k.ours, k.hers])),
    Attack(name="From forged, DMARC fails", send=lambda d, k: d.mail(ANN, "x", answers=[k.ours], dmarc="fail")),
    Attack(name="From forged, no DMARC told", send=lambda d, k: d.mail(ANN, "x", answers=[k.ours], dmarc="none")),
    Attack(
        name="From forged in other capitals",
        send=lambda d, k: d.mail("Ann@EXAMPLE.org", "x", answers=[k.ours], dmarc="none"),
    ),
    Attack(
        name="the display name and a plus address of hers",
        send=lambda d, k: d.mail("ann+x@example.org", "x", answers=[k.ours]),
    ),
    Attack(name="a look-alike domain", send=lambda d, k: d.mail("ann@examp1e.org", "x", answers=[k.ours])),
    Attack(name="a subdomain of hers", send=lambda d, k: d.mail("ann@mail.example.org", "x", answers=[k.ours])),
    Attack(name="her Message-ID again", send=lambda d, k: d.mail(EVE, "x", message_id=k.hers)),
    Attack(name="her Message-ID and From again", send=lambda d, k: d.mail(ANN, "x", message_id=k.hers, dmarc="none")),
    Attack(name="our Message-ID as theirs", send=lambda d, k: d.mail(EVE, "x", message_id=k.ours)),
    Attack(name="the subject token", send=lambda d, k: d.mail(EVE, "x", token=k.effect)),
    Attack(name="the case's id as a token", send=lambda d, k: d.mail(EVE, "x", token=f"baton:{k.case}")),
    Attack(name="the subject token with From forged", send=lambda d, k: d.mail(ANN, "x", token=k.effect, dmarc="none")),
    Attack(name="a reference to a foreign effect", send=lambda d, k: d.mail(EVE, "x", signed="not-an-effect")),
    Attack(
        name="the signed Message-ID with From forged", send=lambda d, k: d.mail(ANN, "x", signed=k.effect, dmarc="fail")
    ),
    Attack(
        name="a signed Message-ID over another connection",
        send=lambda d, k: d.bring(
            d.activity(
                "web",
                "s9",
                Party(kind="webchat_visitor", value="e", evidence=Evidence.CLAIMED),
                "x",
                reference=k.effect,
            )
        ),
    ),
    Attack(
        name="Cc smuggled in by a forged mail",
        before=lambda d, k: d.mail(ANN, "add my friend", to=[US, EVE], answers=[k.ours], dmarc="none"),
        send=lambda d, k: d.mail(EVE, "x", answers=[k.ours, k.hers]),
    ),
    Attack(
        name="a mail that puts her in Cc, answered to by nobody",
        send=lambda d, k: d.mail(EVE, "x", to=[US, ANN], subject="Re: My parcel"),
    ),
    Attack(
        name="a session that types her address",
        send=lambda d, k: d.chat("s1", "x", email=ANN),
    ),
    Attack(
        name="thousands of references with hers at the end",
        send=lambda d, k: d.mail(EVE, "x", answers=[*(f"<{n}@evil.example>" for n in range(5_000)), k.hers]),
    ),
    Attack(
        name="an agent's address as From",
        send=lambda d, k: d.mail("agent@desk.example", "x", answers=[k.ours], dmarc="none"),
    ),
    Attack(
        name="our own address as From, DMARC fails",
        send=lambda d, k: d.mail(US, "x", answers=[k.ours], dmarc="fail"),
    ),
    Attack(
        name="our own address as From, no DMARC told",
        send=lambda d, k: d.mail(US, "x", answers=[k.ours], dmarc="none"),
    ),
    Attack(
        name="the signed Message-ID passed on to somebody",
        send=lambda d, k: d.mail(EVE, "x", signed=k.effect, answers=[k.ours]),
        joins=True,
    ),
    Attack(name="whom she put in Cc answers", send=lambda d, k: d.mail(BOB, "x", answers=[k.hers]), joins=True),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_nobody_gets_into_a_case_by_forgery_or_is_answered_in_it(attack: Attack, desk: Desk) -> None:
    known = begun(desk)
    attack.before(desk, known)
    before = desk.texts(known.case)
    attack.send(desk, known)
    case = desk.case_with("x")
    assert (case.id == known.case) == attack.joins
    if not attack.joins:
        assert desk.texts(known.case) == before
    # Whatever came in: Ann's case answers Ann, and nobody else hears of Elm Street.
    desk.mail(ANN, "help, again", answers=[known.hers])
    desk.dispatch()
    assert desk.history(known.case).case.last_thread.startswith(f"{ANN}|")
    for sent in desk.sent:
        if "Elm Street" in sent.text or "My parcel" in sent.text:
            assert sent.thread.startswith(f"{ANN}|")


@pytest.mark.parametrize(
    "proof",
    [
        {"answers": "hers"},
        {"answers": "ours"},
        {"token": "effect"},
        {"signed": "effect"},
    ],
    ids=str,
)
def test_an_honest_answer_joins_by_every_proof(proof: Mapping[str, str], desk: Desk) -> None:
    known = begun(desk)
    more = {
        name: [getattr(known, value)] if name == "answers" else getattr(known, value) for name, value in proof.items()
    }
    desk.mail("Ann@Example.org", "thank you", **more)  # type: ignore[arg-type]
    assert desk.texts(known.case) == [SECRET, "thank you"]
    (thread,) = (each.key for each in desk.history(known.case).threads if each.connection == "mail")
    mails = [each.activity for each in desk.history(known.case).activities if each.activity.mail is not None]
    # What was bound to the thread says so: an answer is looked for by the thread's key.
    assert [each.thread for each in mails] == [thread, thread]


def test_a_domain_that_proves_nothing_is_held_to_its_address_alone(desk: Desk) -> None:
    first = desk.mail("cy@plain.example", "without DMARC", dmarc="none")
    desk.mail("cy@plain.example", "an answer", answers=[first], dmarc="none")
    desk.mail("dan@plain.example", "another's", answers=[first], dmarc="none")
    assert desk.texts(desk.case_with("without DMARC").id) == ["without DMARC", "an answer"]


def test_a_mail_that_answers_one_of_the_same_batch_is_of_its_thread(desk: Desk) -> None:
    first = desk.mail(ANN, "one")
    second = desk.mail(ANN, "two", answers=[first])
    desk.mail(ANN, "three", answers=[second, "<unknown@x>"])
    assert desk.texts(desk.case_with("one").id) == ["one", "two", "three"]


def test_an_answer_to_a_mail_long_over_begins_a_case_that_follows_it(desk: Desk) -> None:
    known = begun(desk)
    desk.resolve(known.case)
    desk.pass_time(30 * DAY)
    desk.mail(ANN, "broken again", answers=[known.hers])
    assert desk.case_with("broken again").follows == known.case
    desk.mail(ANN, "and more", answers=[known.hers])
    assert desk.case_with("and more").id == desk.case_with("broken again").id


def test_neither_message_ids_nor_addresses_stand_plainly_in_the_tables_of_threads(desk: Desk) -> None:
    known = begun(desk)
    engine: Engine = desk.store._engine  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]

    def digests(t: Transaction) -> list[Row]:
        return t.rows("SELECT digest FROM message_ids") + t.rows("SELECT digest FROM participants")

    kept = engine.read(digests)
    assert len(kept) >= 4
    assert not any("@" in row[0] or known.hers in row[0] for row in kept)
