"""Who wants a person, in labelled text that nobody here wrote: precision and recall by source, and false alarms (SG-1, SG-2).

The grammars were written by hand with the whole open half of `handoff_intent` at hand, so its figures are of texts that were
seen. Bitext's and CLINC's were not: of Bitext's, one half was looked at once, to mend what English lacked; the other half, and
all of CLINC's, were only counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from routing.signals.requests import requests_in
from tests.labelled import EITHER, PERSON, bitext, clinc, commands, counted, handoffs, held_out, moods

#: Demanded of the whole; each source by itself must come near it.
F1: Final = 0.85
ALARMS: Final = 0.01
EACH: Final = 0.75
#: Languages of the tweets.
MOODS: Final = ("english", "german", "french", "spanish", "italian", "portuguese")


def wants_person(text: str) -> bool:
    return bool(requests_in(text).person)


def test_who_wants_a_person_is_heard_in_every_source(reference: Path) -> None:
    """Issue 4: F1 of 0.85 at least, precision and recall by source, false alarms of 1 % at most."""
    told = [
        (source, wanted, wants_person(text))
        for source, text, wanted in handoffs(reference / "escalation" / "handoff_intent")
    ]
    assert len(told) > 1000
    sizes = Counter(source for source, _, _ in told)
    for source, size in sizes.items():
        got = counted((wanted, found) for each, wanted, found in told if each == source)
        print(f"{source}: {size} texts, {got.right + got.missed} of which want a person: {got}")
        assert got.f1 >= EACH, source
    whole = counted((wanted, found) for _, wanted, found in told)
    print(f"all: {len(told)} texts, {whole.right + whole.missed} of which want a person: {whole}")
    assert whole.f1 >= F1
    assert whole.alarms <= ALARMS


def test_who_wants_a_person_is_heard_in_a_set_that_nobody_looked_at(labelled: Path) -> None:
    """The half of Bitext's utterances by whose hash nobody saw them. How to reach customer service counts as neither."""
    rows = [(text, intent, wants_person(text)) for text, intent in bitext(labelled) if held_out(text)]
    got = counted((intent == PERSON, found) for _, intent, found in rows if intent != EITHER)
    either = [found for _, intent, found in rows if intent == EITHER]
    print(f"Bitext, the half not looked at: {len(rows)} texts: {got}; customer service: {sum(either)} of {len(either)}")
    assert got.right + got.missed > 100
    assert got.f1 >= F1
    assert got.alarms <= ALARMS


def test_requests_of_150_other_kinds_raise_no_false_alarm(labelled: Path) -> None:
    """CLINC's utterances to an assistant and what is out of its scope, never looked at."""
    alarms = Counter(intent for text, intent in clinc(labelled) if wants_person(text))
    count = sum(1 for _ in clinc(labelled))
    print(
        f"CLINC: {alarms.total()} alarms on {count} texts ({alarms.total() / count:.2%}): {dict(alarms.most_common(5))}"
    )
    assert count > 20_000
    assert alarms.total() <= count * ALARMS


def test_texts_in_other_languages_raise_no_false_alarm(labelled: Path) -> None:
    """Commands to voice assistants in twelve languages and tweets in six, never looked at: all grammars hear all of them."""
    texts = [text for text, _ in commands(labelled)]
    texts += [text for name in MOODS for text, _ in moods(labelled, name)]
    alarms = sum(map(wants_person, texts))
    print(f"xSID and UMSAB: {alarms} alarms on {len(texts)} texts ({alarms / len(texts):.2%})")
    assert len(texts) > 10_000
    assert alarms <= len(texts) * ALARMS


def test_ordinary_messages_raise_no_false_alarm(reference: Path) -> None:
    texts = sorted(ordinary(reference))
    alarms = [text for text in texts if wants_person(text)]
    print(f"{len(alarms)} alarms on {len(texts)} ordinary messages")
    assert len(texts) > 200
    assert len(alarms) <= len(texts) * ALARMS


def ordinary(reference: Path) -> set[str]:
    """Return messages of people out of sets that were made for other ends."""
    found = {path.read_text(encoding="utf-8", errors="replace") for path in (reference / "reply").rglob("*.txt")}
    talks: list[dict[str, Any]] = json.loads((reference / "escalation" / "abcd" / "abcd_sample.json").read_text())
    found |= {said for talk in talks for who, said in talk["original"] if who == "customer"}
    for folder in ("reply", "webhooks"):
        for path in (reference / folder).rglob("*.json*"):
            lines = path.read_text(encoding="utf-8", errors="replace")
            for document in lines.splitlines() if path.suffix == ".jsonl" else [lines]:
                try:
                    found |= set(spoken(json.loads(document)))
                except ValueError:
                    continue
    return found


def spoken(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(inner, str):
                # A body that is itself a document is no message.
                if key in {"text", "body", "plain", "message", "content", "input"} and not inner.lstrip().startswith(
                    ("{", "[")
                ):
                    yield inner
            else:
                yield from spoken(inner)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from spoken(inner)  # pyright: ignore[reportUnknownArgumentType]
