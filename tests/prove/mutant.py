"""What a mutant is: one broken guard and who must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One broken guard, or one that is kept twice and broken twice."""

    name: str
    #: What the broken gateway does wrong.
    wrong: str
    #: File, line, broken line.
    edits: tuple[tuple[str, str, str], ...]
    #: Name of the proof that must fail, or path of the test that must.
    killer: str

    @property
    def by_test(self) -> bool:
        """Return whether a test kills it, not a proof."""
        return self.killer.startswith("tests/")
