"""The named mutants follow the code: each breaks a line that is there exactly once, and names a proof or test that exists."""

from __future__ import annotations

import pytest

from tests.prove.catalogue import PROOFS
from tests.prove.gateway_process import ROOT
from tests.prove.guards import MUTANTS
from tests.prove.mutant import Mutant

#: What the house must be able to catch, by name.
WANTED = {
    "acknowledge_before_commit",
    "no_dedupe",
    "blind_retry",
    "lease_expiry_resends",
    "synchronous_off",
    "lane_without_case_lock",
    "references_without_participant",
    "claims_link_contacts",
    "separations_forgotten",
    "strangers_answered",
    "undo_without_recount",
    "denials_unheard",
    "evidence_unspent",
    "scorers_block",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_lines_that_are_there(mutant: Mutant) -> None:
    for name, old, new in mutant.edits:
        assert (ROOT / name).read_text().count(old) == 1, name
        assert old != new


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutants_killer_exists(mutant: Mutant) -> None:
    if not mutant.by_test:
        assert mutant.killer in PROOFS
        return
    path, _, name = mutant.killer.partition("::")
    assert f"def {name}" in (ROOT / path).read_text()


def test_every_vital_guard_has_its_mutant() -> None:
    assert {mutant.name for mutant in MUTANTS} >= WANTED
