"""Claims about what was let in, and what was not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.demo.afternoon.cast import CALLS, FOREIGN_WORDS, MAIL, WEBSITE, Afternoon, Cast
from gateway.demo.claims import Claim, dead_letters, histories_of, is_ok, refusals, repetitions

if TYPE_CHECKING:
    from gateway.demo.world import World


def doors(world: World, afternoon: Afternoon) -> Iterable[Claim]:
    """Return the claims."""
    store = world.gateway.store
    yield from refusals(afternoon.refused)
    heard = any(
        FOREIGN_WORDS in applied.activity.text for history in histories_of(store) for applied in history.activities
    )
    for words, answered in afternoon.turned_away.items():
        yield Claim(sentence=f"{words}: turned away, and nothing of it was kept", holds=not answered and not heard)
    yield from repetitions(store, [each for of in afternoon.repeated.values() for each in of], afternoon.genuine)
    yield from dead_letters(store, afternoon.rubbish)
    counts = accepted(world, afternoon)
    stored = {connection: world.taken(connection) for connection in counts}
    total = sum(stored.values())
    yield Claim(
        sentence=f"{total} deliveries accepted on {len(counts)} connections, {total} in the store",
        holds=counts == stored and total == store.accounts().deliveries - _marks(world),
    )


def accepted(world: World, afternoon: Afternoon) -> dict[str, int]:
    """Return how many deliveries each vendor was told that we have, or lie in the mailbox that we read."""
    them = Cast.of(world)
    counts = {
        connection: sum(map(is_ok, answers)) + sum(map(is_ok, afternoon.repeated.get(connection, [])))
        for connection, answers in world.answers.items()
    }
    counts[WEBSITE] -= afternoon.looks
    counts[CALLS] += afternoon.asked
    counts[MAIL] = len(them.mail.folders["INBOX"].mails)
    return counts


def _marks(world: World) -> int:
    """Return how many deliveries only say where in the mailbox reading began."""
    store = world.gateway.store
    found = map(store.delivery, store.deliveries(since=0, connection=MAIL))
    return sum(1 for each in found if each is not None and not each.delivery.body)
