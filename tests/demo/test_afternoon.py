"""The afternoon: each of its claims fails when what it claims is not so, broken one by one at the vendors and in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from gateway.demo.afternoon.cast import (
    NORA,
    NORA_NUMBER,
    Cast,
)
from gateway.demo.afternoon.proof import prove
from gateway.demo.afternoon.story import play
from gateway.demo.world import AFTERNOON, world
from tests.demo.breaking import ADOPTED, BROKEN, NAMES, Played


@pytest.fixture
async def played() -> AsyncGenerator[Played, None]:
    async with world(AFTERNOON) as here:
        yield Played(world=here, told=await play(here), them=Cast.of(here))


async def test_every_claim_fails_when_what_it_claims_is_not_so(played: Played) -> None:
    ADOPTED[:] = [played.case("Opening hours"), played.case("Re: Parcel 4711")]

    async def proof() -> tuple[set[str], set[str]]:
        made = await asyncio.to_thread(prove, played.world, played.told)
        return {claim.sentence for claim in made.claims}, {claim.sentence for claim in made.broken}

    sentences, broken = await proof()
    assert broken == set()
    failed: set[str] = set()
    for words, (breaking, wanted) in BROKEN.items():
        with breaking(played):
            _, broken = await proof()
        for part in wanted:
            assert any(part in sentence for sentence in broken), f"{words}: {part!r} holds all the same"
        failed |= broken
        assert (await proof())[1] == set(), words

    failed |= await _break_the_store(played, proof)
    # Whatever is left was never seen to fail: a claim that cannot fail claims nothing.
    kinds = {_kind(sentence) for sentence in failed}
    never = {each for each in sentences if _kind(each) not in kinds}
    assert never == set()


async def _break_the_store(played: Played, proof: Callable[[], Any]) -> set[str]:
    """Do what only an operator can, and cannot take back."""
    store, now = played.world.gateway.store, played.world.clock.now()
    failed: set[str] = set()

    async def now_fails(*wanted: str) -> None:
        _, broken = await proof()
        for part in wanted:
            assert any(part in sentence for sentence in broken), part
        failed.update(broken)

    for suggestion in store.suggestions():
        store.decide_suggestion(suggestion.id, accept=False, actor="test", reason="", now=now)
    await now_fails("the address typed into the bot is only a claim", "the forged mail is only a claim")
    writer, caller = (_person(played, value) for value in (NORA, NORA_NUMBER))
    store.link_contacts(caller, writer, "test", "", now)
    await now_fails("nothing proves that the two are one Nora")
    for person in store.contacts():
        for contact, _ in person.links:
            store.unlink_contact(contact, "test", "", now)
    await now_fails("one person, one case")
    for subject in (
        "Bill 88",
        "The cup is broken",
        "Does the code",
        "What did you",
        "Re: Parcel",
        "When do you",
        "Do you ship",
    ):
        store.merge(played.case(subject), played.case("Parcel 4711"), "test", now)
    for subject in ("This is Nora", "Opening hours"):
        store.merge(played.case(subject), played.case("Parcel 4711"), "test", now)
    await now_fails('"Bill 88" is one case', '"Opening hours" is one case', '"This is Nora" is one case')
    return failed


def _person(played: Played, value: str) -> str:
    """Return the person of a proven identifier."""
    people = played.world.gateway.store.contacts()
    return next(each.id for each in people for known in each.identifiers if known.proven and known.party.value == value)


def _kind(sentence: str) -> str:
    """Return a claim without what differs from one case to the next: names, numbers, and what stands behind a comma."""
    return " ".join(word for word in sentence.split(",", maxsplit=1)[0].split() if word.isalpha() and word not in NAMES)
