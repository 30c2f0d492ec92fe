"""The same words by chat, mail, telephone, text message and WhatsApp get the same decision (IN-8, CS-1, multi-channel line).

From the raw payload of each channel, over HTTP or out of the mailbox, to the decision that the store keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from gateway.demo.afternoon.letters import Mail, written
from gateway.demo.world import Part, World, world
from gateway.model import ActivityKind, Effect, EffectKind
from gateway.store.values import CaseHistory
from tests.conserved import require_conserved
from tests.usecases.at_work import DAY

PART: Final = Part(name="channels", package="tests.usecases.channels", hour=9)
#: What a customer says → the rule that must match.
SAID: Final = {
    "I want to end my life": "distress",
    "Let me speak to your manager": "wants-manager",
    "I was charged twice and I want it back": "disputed-charge",
    "Please let me talk to a human": "wants-person",
    "When do you open on Friday": "everything-else",
}
CHANNELS: Final = ("support-slack", "mail", "calls", "sms", "whatsapp")
#: Here nothing can be answered in writing.
SPOKEN: Final = "calls"


async def say(here: World, over: str, number: int, text: str) -> None:
    """Have a customer of their own say something over a channel."""
    them: Mapping[str, Any] = here.sandboxes
    if over == "support-slack":
        them[over].person_writes(f"U0C{number}", text, channel=f"D0C{number}", name="Cleo Cole")
    elif over == "mail":
        letter = Mail(
            sender=f"cleo{number}@customer.example",
            name="Cleo Cole",
            subject=f"Letter {number}",
            text=text,
            message_id=f"<{number}@customer.example>",
        )
        them[over].mail_comes(written(letter, them[over].address, here.clock.now()))
    elif over == SPOKEN:
        await them[over].call(here.hooks(SPOKEN), f"+4916055510{number:02}", ("press:1", f"record:{text}"))
    else:
        prefix = "whatsapp:" if over == "whatsapp" else ""
        them["texts"].person_texts(f"{prefix}+4916055520{number:02}", text, name="Cleo Cole")
    await here.rest()


def decided(history: CaseHistory, text: str) -> dict[str, Any]:
    """Return the decision on a text, without what no two cases share: ids, and where a customer is to be answered."""
    (applied,) = [
        each
        for each in history.activities
        if each.activity.kind is ActivityKind.MESSAGE and text in each.activity.text and not each.activity.own
    ]
    rule = applied.trace["steps"][-1]["rule"] if applied.trace else ""  # type: ignore[index]
    effects = [view.effect for view in history.effects if view.effect.rule == rule]
    (episode,) = history.episodes or (None,)
    return {
        "trace": applied.trace,
        "case": (history.case.priority, history.case.tags, history.case.status),
        "episode": None
        if episode is None
        else {
            "rule": episode.rule,
            "reasons": episode.reasons,
            "ladder": (episode.ladder, episode.step, episode.state, episode.mode),
            "acknowledge": _after(episode.acknowledge_by, episode.opened_at),
        },
        "effects": [_shown(effect, episode.opened_at if episode else 0) for effect in effects],
    }


def _after(at: int | None, begun: int) -> int | None:
    return None if at is None else at - begun


def _shown(effect: Effect, begun: int) -> tuple[object, ...]:
    reply = effect.kind is EffectKind.REPLY
    where = () if reply else (effect.connection, effect.destination)
    # A ticket's number is not the same twice.
    text = effect.text.partition("#")[0] if reply else ""
    return (
        effect.kind,
        where,
        effect.rule,
        effect.priority,
        effect.tags,
        effect.title,
        text,
        effect.buttons,
        _after(effect.acknowledge_by, begun),
    )


@asynccontextmanager
async def five_channels() -> AsyncGenerator[World, None]:
    async with world(PART, DAY) as here:
        yield here
        require_conserved(here.gateway.store)


async def test_the_same_words_get_the_same_decision_on_every_channel() -> None:
    async with five_channels() as here:
        store = here.gateway.store
        for number, text in enumerate(SAID):
            known = {case.id for case in store.cases(1_000)}
            made: dict[str, dict[str, Any]] = {}
            for place, over in enumerate(CHANNELS):
                await say(here, over, 10 * number + place, text)
                (case,) = [each.id for each in await asyncio.to_thread(store.cases, 1_000) if each.id not in known]
                known.add(case)
                history = store.history(case)
                assert history is not None
                made[over] = decided(history, text)
            chat = made["support-slack"]
            assert chat["trace"]["steps"][-1]["rule"] == SAID[text]
            assert chat["trace"]["result"] == ("none" if SAID[text] == "everything-else" else "escalate")
            kinds = {each[0] for each in chat["effects"]}
            assert kinds >= ({EffectKind.HANDOFF, EffectKind.NOTIFY} if chat["episode"] else set[EffectKind]())
            spoken = made.pop(SPOKEN)
            # On the telephone nothing can be written, and the decision says so.
            remark = spoken["trace"]["sentence"].removeprefix(chat["trace"]["sentence"])
            assert ("reply will not be sent" in remark) is (EffectKind.REPLY in kinds), remark
            spoken["trace"]["sentence"] = chat["trace"]["sentence"]
            assert spoken == {**chat, "effects": [each for each in chat["effects"] if each[0] is not EffectKind.REPLY]}
            assert made == dict.fromkeys(made, chat)


async def test_a_condition_on_the_channel_would_be_noticed() -> None:
    """The comparison can fail: the escalation by chat is not the one of a calm text message."""
    async with five_channels() as here:
        await say(here, "support-slack", 1, "Please let me talk to a human")
        await say(here, "sms", 2, "When do you open on Friday")
        histories = [here.gateway.store.history(case.id) for case in here.gateway.store.cases(10)]
        texts = {"Please let me talk to a human", "When do you open on Friday"}
        views = [
            decided(each, text)
            for each in histories
            if each is not None
            for text in texts
            if any(text in applied.activity.text for applied in each.activities)
        ]
        assert len(views) == 2
        assert views[0] != views[1]
