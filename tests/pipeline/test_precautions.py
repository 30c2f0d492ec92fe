"""Suspends, sensitive cases and mutes through the real pipeline and its store, over restarts, reloads and merges."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

import pytest

from gateway.cli.cases import _show as show
from gateway.model import EffectKind, TicketStatus
from gateway.sdk.note import note_text
from gateway.store.ports import CaseHistory
from routing.shown import instant_of
from tests.pipeline.world import POLICY, World, stepping

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
WAITS: Final = POLICY.replace('ladder = "second"\nset', 'ladder = "second"\nsuspend = "2m"\nset')
WIKI: Final = "https://wiki.example/help"
PRIVATE: Final = (
    POLICY.replace(
        "[phrases]",
        '[sensitivity.fraud]\nwhen.all = ["message.phrases contains \'fraud\'"]\ngroup = "Fraud"\n'
        '[template.full]\ntitle = "{{case.subject}} {{customer.name}} {{notice.why}}"\ntext = "{{case.subject}}"\n'
        '[phrases]\nfraud = ["stolen card"]',
    )
    .replace('"line:#second"]', '"line:#second"]\nmessage = "full"')
    .replace('reply = "We', f'playbook = "{WIKI}"\nreply = "We')
)
MUTE: Final = '[[mute]]\nid = "night"\nuntil = UNTIL\nauthor = "anna"\nreason = "The crowd is known."\n'


def only(world: World) -> CaseHistory:
    (history,) = world.histories()
    return history


# --- suspends --------------------------------------------------------------------------------------------------------
async def test_what_waits_comes_once_at_its_time_over_restarts(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=WAITS) as world:
        begun = world.clock.now()
        world.say("help")
        await world.rest(until=begun + MINUTE)
        assert not world.effects(EffectKind.HANDOFF)
        assert only(world).timers == {"suspend:help": begun + 2 * MINUTE}
    written = world.vendor.written
    for seconds in (60, 180, 240):
        async with stepping(tmp_path, policy=WAITS) as world:
            world.vendor.written = written
            world.clock.advance(begun / SECOND + seconds - world.clock.now() / SECOND)
            await world.rest(until=world.clock.now() + SECOND)
            assert len(only(world).episodes) == (seconds > 120)
            assert len(world.effects(EffectKind.HANDOFF)) == (seconds > 120)
            world.check()


async def test_a_kill_between_firing_and_deciding_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=WAITS) as world:
        world.say("help")
        world.decide()
        world.clock.advance(130)
        assert world.pipeline.timers._turn()[0] == 1
    async with stepping(tmp_path, policy=WAITS) as world:
        world.clock.advance(140)
        await world.rest(until=world.clock.now() + SECOND)
        assert [episode.rule for episode in only(world).episodes] == ["help"]
        assert only(world).case.suspended == ()


@pytest.mark.parametrize("what", ["it works now", "ticket", "agent"])
async def test_what_solves_it_before_calls_it_off_for_good(tmp_path: Path, what: str) -> None:
    async with stepping(tmp_path, policy=WAITS) as world:
        begun = world.clock.now()
        world.say("hello")
        await world.rest(until=begun + SECOND)
        world.say("help")
        await world.rest(until=world.clock.now() + SECOND)
        assert only(world).case.suspended
        if what == "ticket":
            number = only(world).tickets[0].ticket_id
            body = f'{{"id": "s1", "thread": "t", "ticket": "{number}", "status": "{TicketStatus.SOLVED.value}"}}'
            world.store.journal([world.entry(body.encode(), lane="t")])
        else:
            world.say(
                "Try this." if what == "agent" else what,
                **({"who": "bert", "role": "agent"} if what == "agent" else {}),
            )
        await world.rest(until=world.clock.now() + 10 * MINUTE)
        assert not only(world).episodes
        assert only(world).timers == {}


async def test_what_waits_comes_also_when_its_case_is_merged_into_another(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=WAITS) as world:
        world.say("hello", thread="a")
        world.say("help", thread="b")
        world.decide()
        cases = {history.case.subject: history.case.id for history in world.histories()}
        world.store.merge(cases["help"], cases["hello"], "ann", world.clock.now())
        await world.rest(until=world.clock.now() + 3 * MINUTE)
        history = world.store.history(cases["hello"])
        assert history is not None
        assert [episode.rule for episode in history.episodes] == ["help"]


# --- sensitive cases -------------------------------------------------------------------------------------------------
#: Words that occur nowhere in what Baton says itself.
TOKENS: Final = ("zorvex", "quibbla", "мамонт", "4929-1", "wumpus", "hexenkram")


@pytest.mark.parametrize("seed", range(12))
async def test_no_word_of_a_sensitive_conversation_reaches_any_place_where_notices_go(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)

    def said() -> str:
        return " ".join(dice.choices(TOKENS, k=dice.randint(1, 4)))

    async with stepping(tmp_path, policy=PRIVATE) as world:
        world.say(f"{said()} stolen card", sender={"name": said()})
        for number in range(dice.randint(1, 5)):
            world.say(f"{said()} help" if dice.random() < 0.6 or not number else said(), sender={"name": said()})
            await world.rest(until=world.clock.now() + dice.choice((1, 10, 20)) * MINUTE)
            if dice.random() < 0.5:
                world.say(said(), who="bert", role="agent", sender={"name": said()})
            if world.vendor.notices and dice.random() < 0.5:
                action = dice.choice(("acknowledge", "escalate_further"))
                body = world.press(action, world.vendor.notices[-1].key)
                world.store.journal([world.entry(body, lane="agents")])
        world.say("help", sender={"name": said()})
        await world.rest(until=world.clock.now() + 40 * MINUTE)
        assert world.vendor.notices
        for notice in world.vendor.notices:
            shown = repr(notice)
            assert not [token for token in TOKENS if token in shown]
            assert "sensitive case" in notice.title
            assert {label for label, _ in notice.facts} <= {"Case", "Ticket"}
            assert dict(notice.facts)["Case"] == notice.case_id
        told = [handoff for handoff in world.vendor.handoffs if handoff.packet is not None or handoff.group]
        assert {handoff.group for handoff in told} == {"Fraud"}, "every ticket stands in the private group"
        assert any("stolen card" in repr(handoff) for handoff in told), "the private group reads it"


async def test_a_notice_that_waits_says_nothing_once_its_case_is_sensitive(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=PRIVATE) as world:
        world.say("wumpus help")
        world.decide()
        world.vendor.plan("write", "away")
        await world.step()
        world.say("a stolen card")
        world.decide()
        await world.rest(until=world.clock.now() + 2 * MINUTE)
        assert world.vendor.notices
        assert not [notice for notice in world.vendor.notices if "wumpus" in repr(notice)]
        last = [handoff for handoff in world.vendor.handoffs if handoff.packet is not None][-1]
        assert last.group == "Fraud", "also the handoff that was decided before"


async def test_a_case_that_takes_a_sensitive_one_up_becomes_sensitive(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=PRIVATE) as world:
        world.say("hello", thread="a")
        world.say("a stolen card", thread="b")
        await world.rest(until=world.clock.now() + SECOND)
        cases = {history.case.subject: history.case.id for history in world.histories()}
        world.store.merge(cases["a stolen card"], cases["hello"], "ann", world.clock.now())
        world.say("wumpus help", thread="a")
        await world.rest(until=world.clock.now() + SECOND)
        history = world.store.history(cases["hello"])
        assert history is not None
        assert history.case.sensitive == "fraud"
        assert [handoff.group for handoff in world.vendor.handoffs if handoff.group] != []
        assert not [notice for notice in world.vendor.notices if "wumpus" in repr(notice)]


async def test_who_comes_back_late_to_a_sensitive_case_is_kept_as_private(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=PRIVATE) as world:
        world.say("a stolen card")
        await world.rest(until=world.clock.now() + SECOND)
        number = only(world).tickets[0].ticket_id
        body = f'{{"id": "s1", "thread": "t", "ticket": "{number}", "status": "{TicketStatus.SOLVED.value}"}}'
        world.store.journal([world.entry(body.encode(), lane="t")])
        await world.rest(until=world.clock.now() + SECOND)
        world.clock.advance(400 * 86_400)
        world.say("wumpus help")
        await world.rest(until=world.clock.now() + SECOND)
        (later,) = [history.case for history in world.histories() if history.case.follows]
        assert (later.sensitive, later.private.group) == ("fraud", "Fraud")
        assert world.vendor.notices
        assert not [notice for notice in world.vendor.notices if "wumpus" in repr(notice)]


async def test_a_case_that_is_not_sensitive_is_told_with_template_and_playbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stepping(tmp_path, policy=PRIVATE) as world:
        world.say("wumpus help", sender={"name": "zorvex"})
        await world.rest(until=world.clock.now() + SECOND)
        (notice,) = world.vendor.notices
        assert notice.title == "wumpus help zorvex"
        assert notice.text == "wumpus help"
        assert dict(notice.facts)["Playbook"] == WIKI
        (handoff,) = [each for each in world.vendor.handoffs if each.packet is not None]
        assert f"Playbook: {WIKI}" in note_text(handoff, 65_000)
        world.say("a stolen card")
        await world.rest(until=world.clock.now() + SECOND)
        show(only(world))
        assert "The case is sensitive (fraud)" in capsys.readouterr().out


# --- mutes -----------------------------------------------------------------------------------------------------------
async def test_a_mute_that_a_reload_brings_holds_and_what_it_held_is_told_once_it_is_over(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=POLICY) as world:
        begun = world.clock.now()
        world.say("help")
        world.decide()
        until = instant_of(begun + 12 * MINUTE).replace(" UTC", ":00Z").replace(" ", "T")
        world.policy = POLICY + MUTE.replace("UNTIL", until)
        world.pipeline.swap(world.direction())
        await world.rest(until=begun + 10 * MINUTE)
        assert world.vendor.notices == []
        assert len(world.effects(EffectKind.HANDOFF)) == 1
        notes = [note for applied in only(world).activities for note in (applied.trace or {}).get("notes", ())]  # type: ignore[attr-defined]
        assert [str(note)[:18] for note in notes] == ["Mute night of anna"]
        await world.rest(until=begun + 13 * MINUTE)
        assert [notice.destination for notice in world.vendor.notices] == ["#second"]
        await world.rest(until=begun + 20 * MINUTE)
        assert [notice.destination for notice in world.vendor.notices] == ["#second", "#last"]
