"""The mutants: each vital guard, how it is broken, and who must notice."""

from __future__ import annotations

from typing import Final

from tests.prove.guards_over_cases import OVER_ALL_CASES
from tests.prove.mutant import Mutant

_EARLY: Final = (
    "gateway/pipeline/intake.py",
    "        self._arrived.set()\n        await done\n",
    "        self._arrived.set()\n        done.add_done_callback(lambda over: over.exception())\n",
)
_CHECKED: Final = (
    '        if connection.execute("PRAGMA synchronous").fetchone()[0] != 2:  # noqa: PLR2004 (FULL)\n'
    "            raise StoreUnavailable("
    '"SQLite does not keep synchronous=FULL: what was acknowledged could be lost.")\n'
)
MUTANTS: Final = (
    Mutant(
        name="acknowledge_before_commit",
        wrong="answers 200 while the delivery is still on its way to the store",
        edits=(_EARLY,),
        killer="sync_before_200",
    ),
    Mutant(
        name="acknowledge_before_commit_under_kills",
        wrong="the same, seen by what a kill loses",
        edits=(_EARLY,),
        killer="kills_sqlite",
    ),
    Mutant(
        name="no_dedupe",
        wrong="takes each redelivery for a new event",
        edits=(
            (
                "gateway/store/inbound.py",
                "(result.id, place, connection_id, codec.key_hash(activity.dedupe), activity)",
                '(result.id, place, connection_id, codec.key_hash(f"{activity.dedupe} {result.id}"), activity)',
            ),
        ),
        killer="kills_sqlite",
    ),
    Mutant(
        name="blind_retry",
        wrong="sends again what may have landed, without a look",
        edits=(
            (
                "gateway/pipeline/calls.py",
                'return Judgement(result=self.result(Verdict.UNKNOWN, reason, due_at=due), outcome="unknown")',
                'return Judgement(result=self.result(Verdict.RETRY, reason, due_at=due), outcome="unknown")',
            ),
        ),
        killer="lost_answers",
    ),
    Mutant(
        name="lease_expiry_resends",
        wrong="sends again what a dead process had begun to send",
        edits=(
            (
                "gateway/store/outbox.py",
                'f"UPDATE effects SET state = {UNKNOWN}, due_at = ?, lease_until = 0, tries = 0,"',
                'f"UPDATE effects SET state = {PENDING}, due_at = ?, lease_until = 0, tries = 0,"',
            ),
        ),
        killer="tests/store/test_outbox.py",
    ),
    Mutant(
        name="synchronous_off",
        wrong="commits without a sync",
        edits=(
            (
                "gateway/store/sqlite.py",
                _CHECKED,
                '        connection.execute("PRAGMA synchronous=OFF")\n',
            ),
        ),
        killer="sync_before_200",
    ),
    Mutant(
        name="lane_without_case_lock",
        wrong="decides on a case that another worker has in its hands",
        edits=(
            (
                "gateway/store/applying.py",
                "            + self.engine.skip_locked,\n            wanted,\n",
                "            ,\n            wanted,\n",
            ),
        ),
        killer="one_case",
    ),
    Mutant(
        name="references_without_participant",
        wrong="takes whoever names a known mail into its thread's case",
        edits=(
            (
                "gateway/store/mail_threads.py",
                "joined = [thread for thread in threads if self.takes_part(thread, activity)]",
                "joined = list(threads)",
            ),
        ),
        killer="tests/identity/test_mail_threads.py",
    ),
    Mutant(
        name="failed_dmarc_believed",
        wrong="believes who a mail says it is from although the domain denies it",
        edits=(
            ("gateway/store/mail_threads.py", 'return activity.extras.get("dmarc") == "fail"', "return False"),
            (
                "gateway/store/mail_threads.py",
                "return not rows[0][0] or sender.evidence is Evidence.VERIFIED",
                "return True",
            ),
        ),
        killer="tests/identity/test_mail_threads.py",
    ),
    Mutant(
        name="once_verified_always_believed",
        wrong="believes an unproven mail from an address that was proven before",
        edits=(
            (
                "gateway/store/mail_threads.py",
                "return not rows[0][0] or sender.evidence is Evidence.VERIFIED",
                "return True",
            ),
        ),
        killer="tests/identity/test_mail_threads.py",
    ),
    Mutant(
        name="claims_link_contacts",
        wrong="makes whoever types an address one person with its owner",
        edits=(("gateway/store/contacts.py", "if new.proven and len(same) == 1:", "if len(same) == 1:"),),
        killer="tests/identity/test_joining.py::test_a_mail_without_proof_is_not_its_senders",
    ),
    Mutant(
        name="claims_share_contacts",
        wrong="takes what is claimed for what was proven when it is spelled alike",
        edits=(
            (
                "gateway/store/contacts.py",
                "return connection_id, party.kind, party.value, int(proves(party))",
                "return connection_id, party.kind, party.value, 1",
            ),
        ),
        killer="tests/identity/test_joining.py::test_a_mail_without_proof_is_not_its_senders",
    ),
    Mutant(
        name="claims_look_up",
        wrong="asks the CRM about whoever types an address",
        edits=(("gateway/store/profiles.py", "i.proven = 1 AND (i.connection_id", "(i.connection_id"),),
        killer="tests/pipeline/test_who_is_looked_up.py::test_an_impostor_becomes_no_vip_and_nobody_is_asked",
    ),
    Mutant(
        name="parted_and_still_known",
        wrong="keeps what was known of two as one person when an operator has parted them",
        edits=(("gateway/store/profiles.py", "profile=profile if before == digest else None", "profile=profile"),),
        killer="tests/pipeline/test_who_is_looked_up.py"
        "::test_a_person_who_was_linked_by_mistake_is_a_vip_no_longer_once_they_are_parted",
    ),
    Mutant(
        name="separations_forgotten",
        wrong="links again what an operator has parted",
        edits=(
            (
                "gateway/store/linking.py",
                "return bool(t.rows(_PAIR, one, two)) or bool(t.rows(_PAIR, two, one))",
                "return False",
            ),
        ),
        killer="tests/identity/test_joining.py::test_an_undone_link_stays_undone_through_others",
    ),
    Mutant(
        name="any_open_case_joined",
        wrong="chooses among several open cases of somebody",
        edits=(("gateway/store/joining.py", "if len(cases) != 1 or", "if not cases or"),),
        killer="tests/identity/test_joining.py::test_with_two_matters_open_nobody_can_tell_which_one_it_is",
    ),
    Mutant(
        name="numbers_never_change_hands",
        wrong="takes the next owner of a telephone number for the one before",
        edits=(
            (
                "gateway/store/contacts.py",
                "silent = self._now - seen_at > self._rules.phone_reused_after",
                "silent = False",
            ),
        ),
        killer="tests/identity/test_joining.py::test_a_number_that_was_silent_for_long_belongs_to_somebody_else",
    ),
    Mutant(
        name="strangers_answered",
        wrong="answers a case on the thread of somebody else whose case was merged into it",
        edits=(
            (
                "gateway/model/life.py",
                "moved = speaks(activity) and not thread.stranger and",
                "moved = speaks(activity) and",
            ),
            (
                "routing/ladder.py",
                "if (connection, thread) in draft.snapshot.strangers:",
                "if False:",
            ),
            (
                "gateway/store/outbox.py",
                "astray=effects[0].kind is EffectKind.REPLY and",
                "astray=False and",
            ),
        ),
        killer="tests/identity/test_never_astray.py::test_somebody_whose_case_was_merged_into_anothers_is_not_answered_with_that_ones_words",
    ),
    Mutant(
        name="weekends_count",
        wrong="counts the nights and weekends of a step that pauses outside of working hours",
        edits=(("routing/climbing.py", "return stage.calendar.add(now, stage.ack_within), None", "return due, None"),),
        killer="tests/routing/test_working_hours.py::test_a_step_that_pauses_keeps_its_remaining_time_over_a_weekend",
    ),
    Mutant(
        name="undo_without_recount",
        wrong="leaves in a case what came over the threads that went back",
        edits=(("gateway/store/merges.py", "            if since is not None:\n", "            if since is None:\n"),),
        killer="tests/identity/test_undoing.py::test_a_chain_comes_apart_as_if_it_had_never_been",
    ),
    Mutant(
        name="denials_unheard",
        wrong="takes 'I don't want to talk to an agent' for a request",
        edits=(
            (
                "routing/signals/grammar.py",
                "if self._denied.search(clause, 0, found.start()) is None:",
                "if self._denied is not None:",
            ),
        ),
        killer="tests/routing/signals/test_requests.py",
    ),
    Mutant(
        name="evidence_unspent",
        wrong="escalates a case again on what its last episode opened on",
        edits=(
            (
                "routing/acting.py",
                "draft.case = consume(draft.case, draft.activity.received_at)",
                "draft.case = draft.case",
            ),
        ),
        killer="tests/routing/signals/test_attempts.py",
    ),
    Mutant(
        name="old_step_goes_on",
        wrong="lets the deadlines of the old step run on once a case moved to another ladder",
        edits=(
            (
                "routing/outranking.py",
                "    climbing.drop(draft, episode)\n    # What was answered",
                "    # What was answered",
            ),
        ),
        killer="tests/routing/test_outranking.py",
    ),
    Mutant(
        name="managers_outranked",
        wrong="takes a case from the managers for a rule that is more urgent and of no level",
        edits=(
            (
                "routing/outranking.py",
                "    if _hierarchical(rule) is not _hierarchical(leading):",
                "    if _hierarchical(rule) and not _hierarchical(leading):",
            ),
        ),
        killer="tests/routing/test_outranking.py",
    ),
    Mutant(
        name="scorers_block",
        wrong="lets a scorer that fails stop a case",
        edits=(
            (
                "routing/signals/sentiment.py",
                "    except Exception as error:  # noqa: BLE001 (whatever is wrong with a scorer, a case must go on)",
                "    except ArithmeticError as error:",
            ),
        ),
        killer="tests/routing/signals/test_sentiment.py",
    ),
    Mutant(
        name="reports_begin_cases",
        wrong="begins a case for a delivery report about nothing known",
        edits=(
            (
                "gateway/store/threads.py",
                "return self.known.threads.get(key) or self.made.threads.get(key) or NOWHERE",
                "return self.known.threads.get(key) or self.made.threads.get(key)  # type: ignore[return-value]",
            ),
        ),
        killer="tests/identity/test_reports.py",
    ),
    Mutant(
        name="signature_not_checked",
        wrong="takes in what anybody sends",
        edits=(("gateway/web/hooks.py", "            await source.verify(delivery)\n", "            pass\n"),),
        killer="tests/app/test_shipped.py::test_forged_requests_get_401_and_leave_nothing",
    ),
    Mutant(
        name="request_tracker_makes_tickets_blindly",
        wrong="makes a ticket without a look whether the case has one",
        edits=(
            (
                "connectors/request_tracker/connector.py",
                "        found = await self._find(handoff)\n        if found:",
                '        found = ""\n        if found:',
            ),
        ),
        killer="tests/connectors/request_tracker/test_request_tracker.py",
    ),
    Mutant(
        name="request_tracker_writes_notes_blindly",
        wrong="writes a note without a look whether it stands there",
        edits=(
            (
                "connectors/request_tracker/connector.py",
                'comment_id = "" if fresh else await self._message_with(handoff.key, ticket_id)',
                'comment_id = ""',
            ),
        ),
        killer="tests/connectors/request_tracker/test_request_tracker.py",
    ),
    Mutant(
        name="observe_sends",
        wrong="lets effects out that observe mode forbids",
        edits=(
            ("gateway/store/effects.py", "OBSERVED if effect.mode is Mode.OBSERVE else PENDING", "PENDING"),
            ("gateway/pipeline/outgoing.py", "if allowed is Mode.OBSERVE or (", "if ("),
        ),
        killer="tests/app/test_shipped.py::test_in_observe_mode_nothing_at_all_is_changed_at_a_vendor",
    ),
    Mutant(
        name="rolled_back_remembered",
        wrong="keeps in memory what was never committed, under numbers that others get",
        edits=(("gateway/store/fresh.py", "            self.forget()\n", "            pass\n"),),
        killer="tests/store/test_fresh.py::test_what_was_rolled_back_is_never_taken_for_the_row_that_gets_its_number",
    ),
    *OVER_ALL_CASES,
)
