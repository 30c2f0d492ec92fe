"""A ticket is one case's: a number that a helpdesk gives a second time joins no two cases, and is no receipt."""

from __future__ import annotations

import pytest

from gateway.store import Store
from gateway.store.ports import ClaimedEffects, Verdict
from tests.store.acts import DESK, NOW, apply_all, bring, emitting, message
from tests.store.test_outbox import HANDOFF, UPDATE, heard_after, receipt, result


def two_handoffs(store: Store) -> tuple[ClaimedEffects, ClaimedEffects]:
    """Hand two cases off, and return their claims."""
    bring(store, message("m1"), message("m2", thread="u"))
    apply_all(store, emitting(HANDOFF))
    first, second = store.claim([DESK], NOW)
    return first, second


def test_a_ticket_that_another_case_has_is_a_dead_letter_and_no_receipt(store: Store) -> None:
    """A helpdesk that was restored from a backup gives numbers a second time."""
    first, second = two_handoffs(store)
    for claim in (first, second):
        assert store.finish([result(claim, Verdict.DONE, receipt=receipt("1001"))], NOW) == 1
    (letter,) = store.dead_letters()
    assert (letter.kind, letter.ref, letter.case_id) == ("effect", second.effects[0].id, second.case.id)
    assert letter.reason.startswith(f"Ticket 1001 of desk belongs to case {first.case.id} already: desk gives numbers")
    assert store.accounts().effects == {"done": 1, "failed": 1}
    outcomes = [each.outcome for each in heard_after(store) if each.outcome]
    assert [(each.landed, each.receipt is None, each.reason) for each in outcomes] == [
        (True, False, ""),
        (False, True, letter.reason),
    ]
    # Once its numbers go on above those that it gave, the same handoff lands.
    assert store.replay_dead_letter(letter.id, "ann", NOW)
    (again,) = store.claim([DESK], NOW)
    assert again.tickets == ()
    assert store.finish([result(again, Verdict.DONE, receipt=receipt("2001"))], NOW) == 1
    assert store.accounts().effects == {"done": 2}


def test_a_ticket_that_the_case_has_already_is_kept_as_before(store: Store) -> None:
    first, _ = two_handoffs(store)
    assert store.finish([result(first, Verdict.DONE, receipt=receipt("1001"))], NOW) == 1
    bring(store, message("m3"))
    apply_all(store, emitting(UPDATE))
    (update,) = store.claim([DESK], NOW)
    assert [link.ticket_id for link in update.tickets] == ["1001"]
    assert store.finish([result(update, Verdict.DONE, receipt=receipt("1001"))], NOW) == 1
    assert store.dead_letters() == []


@pytest.mark.parametrize("parted", [False, True])
def test_what_was_written_on_the_ticket_of_a_merged_case_stands(store: Store, *, parted: bool) -> None:
    first, second = two_handoffs(store)
    store.merge(second.case.id, first.case.id, "ann", NOW)
    assert store.finish([result(first, Verdict.DONE, receipt=receipt("1001"))], NOW) == 1
    if parted:
        store.unmerge(second.case.id, "ann", NOW)
    assert store.finish([result(second, Verdict.DONE, receipt=receipt("1001"))], NOW) == 1
    assert store.dead_letters() == []
