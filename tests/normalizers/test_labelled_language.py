"""Which language a text is in, in texts that others labelled: commands to voice assistants, and tweets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from normalizers.language import language_of
from tests.labelled import commands, moods

#: The languages that a desk could name, all of those of the texts.
LANGUAGES: Final = ("ar", "da", "de", "en", "es", "fr", "id", "it", "ja", "kk", "nl", "pt", "sr", "tr", "zh")
TWEETS: Final = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese"}

pytest.importorskip("py3langid", reason="the extra `language` is not installed")


@pytest.mark.parametrize(("kind", "told", "right"), [("commands", 0.87, 0.98), ("tweets", 0.93, 0.99)])
def test_of_fifteen_languages_the_right_one_is_told_or_none(
    labelled: Path, kind: str, told: float, right: float
) -> None:
    """The choice by itself is right for 97.5 of 100 of both; below a certainty none is told, so fewer are told wrongly."""
    rows = list(commands(labelled)) if kind == "commands" else []
    if kind == "tweets":
        rows = [(text, code) for code, name in TWEETS.items() for text, _ in moods(labelled, name)]
    found = [(language_of(text, LANGUAGES), language) for text, language in rows]
    named = [(each, language) for each, language in found if each]
    good = sum(each == language for each, language in named)
    print(f"{kind}: {len(rows)} texts, told {len(named) / len(rows):.3f}, right of those {good / len(named):.3f}")
    assert len(rows) > 4_000
    assert len(named) / len(rows) >= told
    assert good / len(named) >= right
