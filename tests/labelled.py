"""Labelled texts of others that nobody here tuned on: where they are looked for, how each is read, and what they are called.

They are read from the folder that `BATON_LABELLED` names, and never copied into the project. What was measured
with them stands in docs/explanation/signals.md.

    bitext/Bitext_Sample_Customer_Service_Training_Dataset.csv    Bitext's sample of 8,359, copied in public repositories
    clinc/data_full.json                                          github.com/clinc/oos-eval, commit 828f809, CC BY 3.0
    vader/{tweets,amazonReviewSnippets}_GroundTruth.txt           github.com/cjhutto/vaderSentiment, MIT
    umsab/LANGUAGE/test_{text,labels}.txt                         github.com/cardiffnlp/xlm-t, commit 874214d
    xsid/LANGUAGE.test.conll                                      github.com/mainlp/xsid, CC BY-SA 4.0, data version 0.4

Of Bitext's sample and of UMSAB's tweets no clear licence was found: they are measured with here, and nothing else.
"""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

#: What an utterance of Bitext's asks for: a person, or how customer service is reached, which is either.
PERSON: Final = "contact_human_agent"
EITHER: Final = "contact_customer_service"
#: Among CLINC's intents those that ask whom one talks to are the hardest for a false alarm; all count.
_CLINC: Final = ("train", "val", "test", "oos_train", "oos_val", "oos_test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What came of one set: how many were wanted and found, found though not wanted, missed, and rightly left alone."""

    right: int
    false: int
    missed: int
    calm: int

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.false, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)

    @property
    def alarms(self) -> float:
        """Return the share of false alarms among what wanted nothing."""
        return self.false / max(self.false + self.calm, 1)

    def __str__(self) -> str:
        return f"precision {self.precision:.3f}, recall {self.recall:.3f}, F1 {self.f1:.3f}, false alarms {self.alarms:.2%}"


def counted(pairs: Iterable[tuple[bool, bool]]) -> Counted:
    """Count pairs of what was wanted and what was found."""
    told = list(pairs)
    return Counted(
        right=told.count((True, True)),
        false=told.count((False, True)),
        missed=told.count((True, False)),
        calm=told.count((False, False)),
    )


def held_out(text: str) -> bool:
    """Tell whether a text is in the half that nobody looked at: by its hash, so that it is the same half everywhere."""
    return sha256(text.encode()).digest()[0] % 2 == 1


# --- requests --------------------------------------------------------------------------------------------------------
def handoffs(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield source, text and whether a person is wanted, of `escalation/handoff_intent`; NLU++ by its domains."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            source = path.name.partition(".")[0]
            yield f"{source} {row['domain']}" if "domain" in row else source, row["text"], row["handoff"]


def bitext(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield text and intent."""
    path = folder / "bitext" / "Bitext_Sample_Customer_Service_Training_Dataset.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield row["utterance"], row["intent"]


def clinc(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield text and intent; none of them asks for a person."""
    told = json.loads((folder / "clinc" / "data_full.json").read_text(encoding="utf-8"))
    for part in _CLINC:
        yield from ((text, intent) for text, intent in told[part])


# --- sentiment -------------------------------------------------------------------------------------------------------
def rated(folder: Path, name: str) -> Iterator[tuple[str, float]]:
    """Yield text and the mean of its ratings, -4 to 4, of a set that VADER's authors had rated."""
    for line in (
        (folder / "vader" / f"{name}_GroundTruth.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    ):
        _, rating, text = line.split("\t", 2)
        yield html.unescape(text), float(rating)


def moods(folder: Path, language: str) -> Iterator[tuple[str, int]]:
    """Yield text and mood (-1, 0, 1) of UMSAB's test set of a language."""
    texts = (folder / "umsab" / language / "test_text.txt").read_text(encoding="utf-8").split("\n")
    labels = (folder / "umsab" / language / "test_labels.txt").read_text(encoding="utf-8").split()
    yield from zip(texts, (int(label) - 1 for label in labels), strict=False)


def area(scores: Sequence[tuple[float, bool]]) -> float:
    """Return the area under the ROC curve: how likely one that is wanted scores higher than one that is not."""
    ranked = sorted(scores)
    ranks: list[float] = [0.0] * len(ranked)
    start = 0
    while start < len(ranked):
        stop = start
        while stop < len(ranked) and ranked[stop][0] == ranked[start][0]:
            stop += 1
        ranks[start:stop] = [(start + stop + 1) / 2] * (stop - start)
        start = stop
    wanted = sum(1 for _, is_wanted in ranked if is_wanted)
    above = sum(rank for rank, (_, is_wanted) in zip(ranks, ranked, strict=True) if is_wanted)
    return (above - wanted * (wanted + 1) / 2) / max(wanted * (len(ranked) - wanted), 1)


# --- language --------------------------------------------------------------------------------------------------------
def commands(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield text and language of xSID's commands to voice assistants."""
    for path in sorted((folder / "xsid").glob("*.test.conll")):
        language = path.name.partition(".")[0]
        for line in path.read_text(encoding="utf-8").splitlines():
            head, _, text = line.partition(":")
            if head.strip() in {"# text", "# text-" + language} or line.startswith("# text ="):
                yield (text or line.partition("=")[2]).strip(), language
