"""The life of a case against a model of it: open, resolved, reopened in time, or followed by another (CS-6, CS-7)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.model import Case, CaseStatus, IllegalMove, TicketStatus, move
from gateway.store import open_store
from gateway.store.case_rules import CaseRules
from tests.identity.desk import DAY, HOUR, Desk

NUMBER = "+4917100000001"


class CaseLife(RuleBasedStateMachine):
    """One customer on one thread, and the agents who end and reopen their tickets."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.desk = Desk(store=open_store(f"sqlite:///{Path(self.directory.name) / 'baton.db'}")).open()
        #: Cases in the order in which they began: when each was resolved, None while open.
        self.model: list[int | None] = []
        self.ids: list[str] = []
        #: When the customer last wrote.
        self.heard = 0

    def teardown(self) -> None:
        assert self.desk.store.accounts().unaccounted == 0
        self.desk.store.close()
        self.directory.cleanup()

    @initialize()
    def begin(self) -> None:
        self.write()

    @rule()
    def write(self) -> None:
        """Write, so that a case that is new gets its ticket as well."""
        self.heard = self.desk.now
        resolved = self.model[-1] if self.model else None
        if not self.model or (resolved is not None and self.desk.now - resolved > 7 * DAY):
            self.model.append(None)
        self.model[-1] = None
        text = f"help {self.desk.number()}"
        self.desk.text_message(NUMBER, text)
        self.desk.dispatch()
        case = self.desk.case_with(text)
        if len(self.ids) < len(self.model):
            assert case.id not in self.ids
            assert case.follows == (self.ids[-1] if self.ids else "")
            self.ids.append(case.id)
        assert case.id == self.ids[-1]

    @rule(which=st.integers(0, 9), status=st.sampled_from(list(TicketStatus)))
    def change_a_ticket(self, which: int, status: TicketStatus) -> None:
        number = which % len(self.ids)
        over = status in {TicketStatus.SOLVED, TicketStatus.CLOSED}
        if not over:
            self.model[number] = None
        elif self.model[number] is None:
            self.model[number] = self.desk.now
        self.desk.ticket_status(self.ids[number], status)

    @rule(time=st.sampled_from([HOUR, 3 * DAY, 7 * DAY, 8 * DAY]))
    def wait(self, time: int) -> None:
        # A number that is silent for longer is somebody else's, and another story: `tests/identity` tells it elsewhere.
        if self.desk.now + time - self.heard <= CaseRules().phone_reused_after:
            self.desk.pass_time(time)

    @invariant()
    def every_case_is_as_the_model_says(self) -> None:
        found = {case.id: case for case in self.desk.store.cases(1_000)}
        assert set(found) == set(self.ids)
        for case_id, resolved in zip(self.ids, self.model, strict=True):
            status = CaseStatus.OPEN if resolved is None else CaseStatus.RESOLVED
            assert (found[case_id].status, found[case_id].resolved_at) == (status, resolved)


CaseLife.TestCase.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
TestACaseLivesAsItsModel = CaseLife.TestCase


class Moves(RuleBasedStateMachine):
    """Moves of a case's document alone: what is not legal is refused and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case(id="c")
        self.at = 0

    @rule(status=st.sampled_from(list(CaseStatus)))
    def try_to_move(self, status: CaseStatus) -> None:
        self.at += 1
        legal = {CaseStatus.OPEN: CaseStatus.RESOLVED, CaseStatus.RESOLVED: CaseStatus.OPEN}
        try:
            after = move(self.case, status, self.at)
        except IllegalMove:
            assert status is not legal[self.case.status]
            return
        assert status is legal[self.case.status]
        assert after.resolved_at == (self.at if status is CaseStatus.RESOLVED else None)
        self.case = after


TestMoves = Moves.TestCase
