"""What a proof is: a promise, what it needs of the machine, and a function that returns counted figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

#: What is counted.
Value: TypeAlias = int | float | str


class Size(StrEnum):
    """How much is tried."""

    #: The least that kills a mutant.
    SMOKE = "smoke"
    #: Fits, with all others, into some minutes on two cores.
    CI = "ci"
    #: For a report that is kept.
    FULL = "full"

    def pick(self, smoke: int, ci: int, full: int) -> int:
        """Return the number for this size."""
        return {Size.SMOKE: smoke, Size.CI: ci, Size.FULL: full}[self]


class Verdict(StrEnum):
    """How a proof ended."""

    HELD = "held"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One figure of a proof."""

    name: str
    value: Value
    #: What it had to be, in words; empty for a figure that only informs.
    wanted: str = ""
    held: bool = True


@dataclass(slots=True, kw_only=True)
class Figures:
    """The figures of one proof."""

    counts: list[Count] = field(default_factory=list[Count])
    #: First examples of what went wrong, for the person who looks for the cause.
    examples: list[str] = field(default_factory=list[str])
    #: Independent tries behind a count of 0: the rate is below 3/n at 95 %; 0 when the rule does not apply.
    tries: int = 0
    #: What a try is: ``kill``, ``handoff`` …
    unit: str = ""

    def tell(self, name: str, value: Value) -> None:
        """Note a figure that only informs."""
        self.counts.append(Count(name=name, value=value))

    def must_be(self, name: str, value: Value, wanted: Value) -> None:
        """Note a figure that must be equal to another."""
        self.counts.append(Count(name=name, value=value, wanted=f"= {wanted}", held=value == wanted))

    def at_least(self, name: str, value: float, least: float) -> None:
        """Note a figure that must not be smaller."""
        self.counts.append(Count(name=name, value=value, wanted=f">= {least}", held=value >= least))

    def at_most(self, name: str, value: float, most: float) -> None:
        """Note a figure that must not be larger."""
        self.counts.append(Count(name=name, value=value, wanted=f"<= {most}", held=value <= most))

    def none_of(self, name: str, found: list[str]) -> None:
        """Note that something was never found, with examples where it was."""
        self.must_be(name, len(found), 0)
        self.examples += [f"{name}: {each}" for each in found[:5]]

    @property
    def held(self) -> bool:
        """Return whether everything that must be so is so."""
        return all(count.held for count in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A promise and the function that puts it under fire."""

    name: str
    #: The promise, one sentence.
    promise: str
    #: What a count of 0 here does not say.
    limits: str
    run: Callable[[Size, Path], Figures]
    #: Facilities of the machine: ``faketime``, ``postgres``, ``rt``, ``strace``.
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one proof went."""

    proof: Proof
    verdict: Verdict
    seconds: float
    figures: Figures
    #: Why it was skipped, or what broke it.
    reason: str = ""
