"""The evening: the demo fails when a rule of the shipped policy never fires, and each claim fails when it is not so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.cli.commands import baton
from gateway.demo import day
from gateway.demo.claims import Proof
from gateway.demo.evening.proof import prove
from gateway.demo.evening.script import BOT, SCRIPT, Cast, Line, play
from gateway.demo.rules import every_rule, fired
from gateway.demo.world import EVENING, World, world
from tests.routing.test_shipped_policy import POLICY

RULES: Final = frozenset(rule.id for rule in POLICY.rules)
#: What the script's lines are for; the morning has the others.
OURS: Final = frozenset(line.rule for line in SCRIPT)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    """Leave the process's logging as it was: the command logs errors alone, and later tests read warnings."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def demo(monkeypatch: pytest.MonkeyPatch, script: tuple[Line, ...]) -> Result:
    """Run the command with an evening alone, as if the morning had fired all that the evening's script does not."""

    async def playing(here: World) -> Proof:
        await play(here, script)
        return await asyncio.to_thread(prove, here, script, RULES - OURS)

    monkeypatch.setattr(day, "parts", lambda: ((EVENING, playing),))
    return CliRunner().invoke(baton, ["demo"], prog_name="baton")


def test_the_demo_fails_when_a_line_of_the_script_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 4: the demo fails if any shipped rule never fires in it."""
    whole = demo(monkeypatch, SCRIPT)
    assert whole.exit_code == 0, whole.output
    assert f"each of the {len(RULES)} rules of the shipped policy fired today" in whole.output
    for missing in SCRIPT:
        less = demo(monkeypatch, tuple(line for line in SCRIPT if line is not missing))
        assert less.exit_code == 1, missing.rule
        broken = [line for line in less.output.splitlines() if line.startswith("   [NO]")]
        assert len(broken) == 1, less.output
        # On 80 columns a rule's name may stand on two lines.
        assert f"firedtoday;never{missing.rule}" in "".join(less.output.split())


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_claim_names_the_rule_that_never_fired(rule: str) -> None:
    assert every_rule(POLICY, RULES).holds
    claim = every_rule(POLICY, RULES - {rule})
    assert not claim.holds
    assert claim.sentence.endswith(f"; never {rule}")


async def test_the_morning_fires_what_the_evening_has_no_line_for() -> None:
    """Both run under the shipped policy; what one of them fires counts for the day."""
    from gateway.demo import morning

    async with world() as here:
        await morning.play(here)
        assert RULES - OURS <= await asyncio.to_thread(fired, here.gateway.store) < RULES
        assert here.gateway.setup.policy.source == POLICY.source


# --- each claim fails when what it claims is not so ------------------------------------------------------------------
@pytest.fixture
async def evening() -> AsyncGenerator[World, None]:
    async with world(EVENING) as here:
        await play(here)
        yield here


@contextmanager
def put(held: Any, name: Any, value: Any) -> Generator[None]:
    """Put another value into an attribute or an entry; at the end the old one is there again."""
    entry = isinstance(held, (dict, list))

    def change(to: Any) -> None:
        if entry:
            held[name] = to
        else:
            setattr(held, name, to)

    before = held[name] if entry else getattr(held, name)
    change(value)
    try:
        yield
    finally:
        change(before)


class Lying:
    """A store in which nothing was decided, that counts wrong and whose chain is broken."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def history(self, case: str) -> Any:
        told = self._store.history(case)
        return replace(told, activities=tuple(replace(each, trace={}) for each in told.activities), episodes=())

    def accounts(self) -> Any:
        told = self._store.accounts()
        return replace(told, activities=told.activities + 1)

    def verify_audit(self) -> int:
        return 1


async def test_every_claim_fails_when_what_it_claims_is_not_so(evening: World) -> None:
    them = Cast.of(evening)
    account = them.desk.account
    tickets = account.tickets
    first, manager = tickets[1001], next(each for each in tickets.values() if each.subject.startswith("Let me speak"))
    many = next(each for each in tickets.values() if each.subject.startswith("Good evening"))
    leads = them.chat.messages("cx-leads")
    key, reply = next(iter(them.bot.replies.items()))
    told = next(post for post in them.chat.messages("D0OLGA") if post.get("metadata"))

    async def sentences(*, broken: bool, before: frozenset[str] = RULES - OURS) -> set[str]:
        proof = await asyncio.to_thread(prove, evening, SCRIPT, before)
        return {claim.sentence for claim in (proof.broken if broken else proof.claims)}

    said = await sentences(broken=False)
    assert await sentences(broken=True) == set()
    failed: set[str] = set()
    breaking: list[tuple[Callable[[], Any], str]] = [
        (lambda: put(account, "tickets", {**tickets, 9: first}), "ticket zendesk #1001 was made for it, and no other"),
        (lambda: put(account, "tickets", {}), "ticket zendesk #1001 stands there"),
        (lambda: put(first.comments[0], "public", True), "nothing of what Baton wrote there is public"),
        (lambda: put(many.comments[-1], "body", "nothing"), "all that was said on every channel stands on it"),
        (lambda: put(first, "requester_id", account.user("Eve", "eve@elsewhere.example")), "what agents answer there"),
        (lambda: put(first, "group_id", 503), "in group Billing, priority P1, tags distress"),
        (lambda: put(manager, "tags", []), "in group Escalations, priority P2, tags manager"),
        (lambda: put(leads[0], "metadata", {}), "#cx-leads was told, once"),
        (lambda: put(told, "text", "#1"), "the customer was told on support-slack, once"),
        (lambda: put(reply, "text", "#1"), f"the customer was told on {BOT}, once"),
        (lambda: put(evening.gateway, "_store", Lying(evening.gateway.store)), "writes of Baton's own came back"),
    ]
    for breaks, wanted in breaking:
        with breaks():
            found = await sentences(broken=True)
        assert any(wanted in sentence for sentence in found), f"{wanted!r} holds all the same"
        failed |= found
        assert await sentences(broken=True) == set(), wanted
    failed |= await sentences(broken=True, before=frozenset())
    short = await asyncio.to_thread(prove, evening, SCRIPT[1:], RULES)
    failed |= {claim.sentence for claim in short.broken}
    kinds = {_kind(sentence) for sentence in failed}
    assert {each for each in said if _kind(each) not in kinds} == set()
    assert key in them.bot.replies


def _kind(sentence: str) -> str:
    """Return a claim without what differs from one case to the next: names and numbers."""
    words = sentence.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].split()
    kept = [word for word in words if word.isalpha() and word not in {"Second", "line", "Escalations"}]
    return '" is one case' if sentence.startswith('"') else " ".join(kept)
