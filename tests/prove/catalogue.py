"""All proofs, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.prove import (
    clock_steps,
    forgeries,
    kills,
    lost_answers,
    mail_fuzz,
    one_case,
    real_tickets,
    sla_clock,
    syncs,
)
from tests.prove.proof import Proof

PROOFS: Final[Mapping[str, Proof]] = {
    proof.name: proof
    for proof in (
        one_case.PROOF,
        kills.ON_SQLITE,
        kills.ON_POSTGRESQL,
        lost_answers.PROOF,
        syncs.PROOF,
        forgeries.PROOF,
        real_tickets.PROOF,
        mail_fuzz.PROOF,
        sla_clock.PROOF,
        clock_steps.PROOF,
        clock_steps.ON_POSTGRESQL,
    )
}
