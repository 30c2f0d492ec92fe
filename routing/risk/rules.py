"""`[risk]` of a policy, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The field of conditions.
SCORE: Final = "risk.score"
#: Closed cases that the model needs before it speaks, when the policy does not say: `routing.schema.RISK` tells it.
AT_LEAST: Final = 200
#: Fewest that a policy may ask for: below, a score is chance.
FEWEST: Final = 50
#: How long after a moment an escalation counts, when the policy does not say.
HORIZON: Final = "7d"
#: One in so many of `at_least` must have been escalated, and as many not.
_ONE_IN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """When the risk is spoken of, and what counts as escalated."""

    #: Closed cases that are needed before the model speaks.
    at_least: int
    #: Microseconds after a moment within which an escalation counts.
    horizon: int

    @property
    def of_each(self) -> int:
        """Return how many of them must have been escalated, and how many not."""
        return self.at_least // _ONE_IN
