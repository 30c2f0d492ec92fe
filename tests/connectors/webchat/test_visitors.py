"""Who a visitor is: tokens and identities that hold, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.webchat.sandbox import IDENTITY_SECRET, TOKEN_SECRET, signed
from connectors.webchat.visitors import Visitors
from gateway.sdk import (
    DeliveryRejected,
    Evidence,
)
from tests.connectors.webchat.world import World

NOW = 1_790_000_000_000_000
SECONDS = NOW // 1_000_000


def visitors(**options: Any) -> Visitors:
    numbers = iter(range(1, 1_000))

    def entropy(count: int) -> bytes:
        return next(numbers).to_bytes(count, "big")

    values: dict[str, Any] = {
        "tokens": [TOKEN_SECRET.encode()],
        "identities": [IDENTITY_SECRET.encode()],
        "days": 30,
        "entropy": entropy,
        **options,
    }
    return Visitors("site", **values)


def test_a_token_is_good_for_its_days_and_for_its_connection_only() -> None:
    ours = visitors()
    ann = ours.stranger()
    token = ours.token(ann, NOW)
    day = 86_400_000_000
    assert ours.known(token, NOW + 29 * day) == ann
    assert ours.known(token, NOW + 30 * day) is None
    other = Visitors("other", tokens=[TOKEN_SECRET.encode()], identities=[], days=30, entropy=bytes)
    assert other.known(token, NOW) is None


def test_a_changed_secret_is_followed() -> None:
    old = visitors()
    token = old.token(old.stranger(), NOW)
    assert visitors(tokens=[b"n" * 32, TOKEN_SECRET.encode()]).known(token, NOW) is not None
    assert visitors(tokens=[b"n" * 32]).known(token, NOW) is None


@given(st.integers(0, 10_000), st.text(max_size=2), st.binary(max_size=80))
def test_no_changed_token_names_anybody(at: int, put: str, rubbish: bytes) -> None:
    ours = visitors()
    token = ours.token(ours.stranger(), NOW)
    at %= len(token)
    changed = token[:at] + put + token[at + 1 :]
    if changed != token:
        assert ours.known(changed, NOW) is None
    assert ours.known(rubbish.decode("latin-1"), NOW) is None


def test_a_signed_identity_proves_the_users_id_and_the_address_only_where_it_says_so() -> None:
    ours = visitors()
    claims = {"sub": "u-1", "name": "Ann  A", "email": "ann@example.com", "exp": SECONDS + 60}
    plain = ours.identified(signed(claims, IDENTITY_SECRET), NOW)
    assert (plain.value, plain.name, plain.email, plain.claimed_email) == ("u-1", "Ann A", "", "ann@example.com")
    assert plain.verified
    proven = ours.identified(signed({**claims, "email_verified": True}, IDENTITY_SECRET), NOW)
    assert (proven.email, proven.claimed_email) == ("ann@example.com", "")
    assert (
        proven.thread == plain.thread != ours.identified(signed({**claims, "sub": "u-2"}, IDENTITY_SECRET), NOW).thread
    )


GOOD = {"sub": "u-1", "exp": SECONDS + 60}
FALSE = {
    "another secret": signed(GOOD, "x" * 40),
    "no secret": signed(GOOD, ""),
    "no algorithm": signed(GOOD, IDENTITY_SECRET, "none"),
    "another algorithm": signed(GOOD, IDENTITY_SECRET, "HS512"),
    "unsigned": signed(GOOD, IDENTITY_SECRET, "none").rpartition(".")[0] + ".",
    "cut": signed(GOOD, IDENTITY_SECRET)[:-1],
    "too old": signed({**GOOD, "exp": SECONDS - 61}, IDENTITY_SECRET),
    "not yet": signed({**GOOD, "nbf": SECONDS + 61}, IDENTITY_SECRET),
    "no end": signed({"sub": "u-1"}, IDENTITY_SECRET),
    "an end that is no number": signed({**GOOD, "exp": "later"}, IDENTITY_SECRET),
    "an end that is true": signed({**GOOD, "exp": True}, IDENTITY_SECRET),
    "nobody": signed({"exp": SECONDS + 60}, IDENTITY_SECRET),
    "a number for an id": signed({**GOOD, "sub": 5}, IDENTITY_SECRET),
    "too long an id": signed({**GOOD, "sub": "u" * 201}, IDENTITY_SECRET),
    "rubbish": "a.b.c",
    "not ASCII": "ü.ü.ü",
    "empty": "",
}


@pytest.mark.parametrize("how", FALSE)
def test_an_identity_that_does_not_hold_is_refused(how: str) -> None:
    with pytest.raises(DeliveryRejected):
        visitors().identified(FALSE[how], NOW)


def test_no_identity_is_accepted_where_no_secret_is_set() -> None:
    bare = visitors(identities=[])
    with pytest.raises(DeliveryRejected):
        bare.identified(signed(GOOD, ""), NOW)
    with pytest.raises(DeliveryRejected):
        bare.vouched("u-1", "")


def test_a_vouched_id_is_proven_and_what_stands_beside_it_is_claimed() -> None:
    import hashlib
    import hmac

    digest = hmac.new(IDENTITY_SECRET.encode(), b"u-1", hashlib.sha256).hexdigest()
    ann = visitors().vouched("u-1", digest, name="Ann", email="ann@example.com")
    assert (ann.value, ann.verified, ann.email, ann.claimed_email) == ("u-1", True, "", "ann@example.com")
    for user, wrong in (
        ("u-2", digest),
        ("u-1", digest.upper()),
        ("u-1", digest[:-1]),
        ("u-1", ""),
        ("", digest),
        ("u-1", "ü"),
    ):
        with pytest.raises(DeliveryRejected):
            visitors().vouched(user, wrong)


async def test_a_customer_finds_their_conversation_on_another_device(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60, "name": "Ann"}, IDENTITY_SECRET)
    for _ in range(2):
        async with world.sitting(world.visitor(identity=identity)) as sitting:
            await sitting.say("hello")
    first, second = world.events()
    assert first.thread == second.thread
    assert first.sender.evidence is Evidence.VERIFIED
    assert (first.sender.kind, first.sender.value, first.sender.name) == ("site_user", "u-1", "Ann")


async def test_who_comes_with_a_false_identity_is_sent_away_and_is_not_quietly_another(world: World) -> None:
    visitor = world.visitor(identity=signed(GOOD, "x" * 40))
    with pytest.raises(ConnectionError, match="4401"):
        async with world.sitting(visitor):
            pass


async def test_a_page_that_stays_open_longer_than_its_identity_comes_back(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60}, IDENTITY_SECRET)
    visitor = world.visitor(identity=identity)
    async with world.sitting(visitor) as sitting:
        await sitting.say("one")
    world.host.time += 1_800 * 1_000_000
    async with world.sitting(visitor) as sitting:
        await sitting.say("two")
    assert len({event.thread for event in world.events()}) == 1
    world.host.time += 3_700 * 1_000_000
    with pytest.raises(ConnectionError, match="4401"):
        async with world.sitting(visitor):
            pass


async def test_the_token_of_a_customer_does_not_outlive_their_login_as_a_strangers(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60}, IDENTITY_SECRET)
    customer = world.visitor(identity=identity)
    async with world.sitting(customer) as sitting:
        await sitting.say("private")
    next_one = world.visitor("Next", token=customer.token)
    async with world.sitting(next_one) as sitting:
        await sitting.say("hello")
    first, second = world.events()
    assert first.thread != second.thread
    assert second.sender.kind == "webchat_visitor"
