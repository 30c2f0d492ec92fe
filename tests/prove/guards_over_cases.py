"""The mutants of what gateways know over all cases: free room, the risk, and policies that are tried."""

from __future__ import annotations

from typing import Final

from tests.prove.mutant import Mutant

OVER_ALL_CASES: Final = (
    Mutant(
        name="room_by_an_old_count",
        wrong="gives out room by what this gateway counted some seconds ago",
        edits=(
            (
                "gateway/pipeline/applying.py",
                "if scarce and view.recount is not None and gives_out_room(",
                "if not scarce and view.recount is not None and gives_out_room(",
            ),
        ),
        killer="tests/pipeline/test_line_of_two.py",
    ),
    Mutant(
        name="room_without_turns",
        wrong="counts anew while another gateway gives out room",
        edits=(("gateway/store/assignments.py", "    engine.take_turns(t, _TURNS)\n", ""),),
        killer="tests/pipeline/test_line_of_two.py::test_as_4_two_gateways_that_decide_at_once_give_one_place_to_one",
    ),
    Mutant(
        name="calls_by_an_old_count",
        wrong="calls cases by what this gateway counted some seconds ago",
        edits=(
            (
                "gateway/pipeline/applying.py",
                "                self.census.recount(found)\n",
                "",
            ),
        ),
        killer="tests/pipeline/test_line_of_two.py",
    ),
    Mutant(
        name="called_twice",
        wrong="calls a case again whose call has fired and was not decided on yet",
        edits=(
            (
                "gateway/store/assignments.py",
                "return frozenset(names | {codec.activity_from(row[0]).name for row in fired})",
                "return frozenset(names)",
            ),
        ),
        killer="tests/pipeline/test_line_of_two.py::test_as_4_who_was_called_has_the_seat_until_that_is_decided",
    ),
    Mutant(
        name="scale_never_fitted",
        wrong="never makes probabilities of the sums of the risk",
        edits=(("routing/risk/learning.py", "if sum(counts.values()) % _EVERY == 0:", "if sum(counts.values()) < 0:"),),
        killer="tests/routing/risk/test_learning.py::test_the_scale_is_fitted_after_each_25_cases_and_stands_in_between",
    ),
    Mutant(
        name="scale_fitted_by_what_is_remembered",
        wrong="fits the scale of the risk anew with every case, once it has forgotten some",
        edits=(
            ("routing/risk/learning.py", "if sum(counts.values()) % _EVERY == 0:", "if len(stream) % _EVERY == 0:"),
        ),
        killer="tests/routing/risk/test_learning.py::test_the_scale_is_fitted_after_each_25_cases_and_stands_in_between",
    ),
    Mutant(
        name="scale_without_offset",
        wrong="forgets half of the scale that was fitted",
        edits=(
            (
                "routing/risk/learning.py",
                "made = replace(made, slope=scale[0], offset=scale[1])",
                "made = replace(made, slope=scale[0])",
            ),
        ),
        killer="tests/routing/risk/test_learning.py::test_the_scale_is_fitted_after_each_25_cases_and_stands_in_between",
    ),
    Mutant(
        name="scale_of_a_few",
        wrong="fits the scale of the risk to a few forecasts",
        edits=(("routing/risk/learning.py", "if len(stream) < _ENOUGH or len(", "if len("),),
        killer="tests/routing/risk/test_learning.py::test_no_scale_is_fitted_to_a_few_forecasts",
    ),
    Mutant(
        name="scale_not_held",
        wrong="believes sums without bound where they parted all cases so far",
        edits=(("routing/risk/learning.py", "_HELD: Final = 1.0", "_HELD: Final = 0.0001"),),
        killer="tests/routing/risk/test_learning.py::test_no_scale_nearby_fits_better_and_it_is_held_to_leave_sums_as_they_are",
    ),
    Mutant(
        name="shadow_forgets_at_the_end",
        wrong="forgets at its end what a tried policy was asked",
        edits=(("gateway/pipeline/shadow.py", "            pass\n        self._write_down()", "            pass"),),
        killer="tests/pipeline/test_shadow_bounds.py::test_what_was_not_written_down_yet_is_at_the_end_and_before_another_candidate",
    ),
    Mutant(
        name="shadow_sleeps",
        wrong="lets no deadline happen that only the tried policy knows",
        edits=(("gateway/pipeline/shadow.py", "            self._wake(now)\n", ""),),
        killer="tests/pipeline/test_shadow_bounds.py::test_a_deadline_that_only_the_candidate_knows_happens_at_its_time",
    ),
    Mutant(
        name="shadow_misses_unsaid",
        wrong="does not tell what was missed while the store was away",
        edits=(("gateway/pipeline/shadow.py", "            self._missed += missed\n", ""),),
        killer="tests/pipeline/test_shadow_bounds.py::test_what_was_missed_while_the_store_was_away_is_told_later_and_what_is_held_has_a_bound",
    ),
    Mutant(
        name="shadow_holds_without_bound",
        wrong="holds all divergences while the store is away",
        edits=(("gateway/pipeline/shadow.py", "            del self._diverged[:-_MOST_HELD]\n", ""),),
        killer="tests/pipeline/test_shadow_bounds.py::test_what_was_missed_while_the_store_was_away_is_told_later_and_what_is_held_has_a_bound",
    ),
)
