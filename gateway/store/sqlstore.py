"""The store over an engine: every method of the port, each in the room that knows it."""

from __future__ import annotations

import os
from collections.abc import Callable

from gateway.model import Activity
from gateway.store.applying import Applying
from gateway.store.assignments import Assignments
from gateway.store.auditing import Auditing
from gateway.store.conversations import Conversations
from gateway.store.engine import Engine, Transaction
from gateway.store.files import Files
from gateway.store.fresh import Fresh
from gateway.store.held import Holds
from gateway.store.inbound import Inbound, append_internal
from gateway.store.incidents import Incidents
from gateway.store.merges import Merges
from gateway.store.names import Names
from gateway.store.operators import Operators
from gateway.store.outbox import Outbox
from gateway.store.people import People
from gateway.store.reading import Reading
from gateway.store.risk import Risks
from gateway.store.shadows import Shadows
from gateway.store.targets import Targets


def _chance(count: int) -> bytes:
    return os.urandom(count)


class SqlStore:
    """A store, as `gateway.store.ports.Store` describes it."""

    def __init__(self, engine: Engine, *, entropy: Callable[[int], bytes] = _chance) -> None:  # noqa: PLR0915 (one line a method)
        """Put the rooms together over an engine whose tables stand."""
        self.engine = engine.name
        self._engine = engine
        self._entropy = entropy
        parsed: Fresh[Activity] = Fresh(lambda activity: len(activity.text) + len(activity.reply_text))
        # What waits here speaks of its connection by the earlier name.
        names = Names(engine, renaming=parsed.forget)
        names.load()
        auditing = Auditing(engine)
        inbound = Inbound(engine, names, entropy, parsed)
        applying = Applying(engine, names, entropy, parsed)
        outbox = Outbox(engine, names, entropy)
        merges = Merges(engine, names, auditing)
        operators = Operators(engine, names, auditing, entropy)
        people = People(engine, names, auditing)
        reading = Reading(engine, names)
        files = Files(engine, names)
        conversations = Conversations(engine, names)
        incidents = Incidents(engine, auditing, entropy)

        self.register = names.register
        self.journal = inbound.journal
        self.hold = inbound.hold
        self.journal_with_cursor = inbound.journal_with_cursor
        self.unparsed = inbound.unparsed
        self.save_parsed = inbound.save_parsed
        self.apply = applying.apply
        self.claim, self.finish, self.expire = outbox.claim, outbox.finish, outbox.expire
        self.fire = outbox.fire
        self.next_due = outbox.next_due
        self.merge, self.unmerge = merges.merge, merges.unmerge
        self.contacts, self.contact = people.contacts, people.contact
        self.link_contacts = people.link_contacts
        self.lift_separation = people.lift_separation
        self.unlink_contact = people.unlink_contact
        self.suggestions = people.suggestions
        self.decide_suggestion = people.decide_suggestion
        self.pause, self.resume, self.pauses = operators.pause, operators.resume, operators.pauses
        self.dead_letters, self.dead_letter = operators.dead_letters, operators.dead_letter
        self.replay_dead_letter = operators.replay_dead_letter
        self.discard_dead_letter = operators.discard_dead_letter
        self.replay = operators.replay
        self.deliveries, self.waiting = operators.deliveries, operators.waiting
        self.audit, self.audit_trail = auditing.audit, auditing.audit_trail
        self.verify_audit = auditing.verify_audit
        self.transcript = reading.transcript
        self.causes = reading.causes
        self.wanted_files = files.wanted
        self.delivery = files.delivery
        self.keep_file = files.keep
        self.policy, self.history = reading.policy, reading.history
        self.cases, self.accounts = reading.cases, reading.accounts
        self.held = Holds(engine, names).held
        self.incidents = incidents.incidents
        self.open_incident, self.close_incident = incidents.open_incident, incidents.close_incident
        assignments = Assignments(engine)
        self.assigned, self.in_line, self.call = assignments.assigned, assignments.in_line, assignments.call
        self.sla_targets = Targets(engine).sla_targets
        self.said, self.standing = conversations.said, conversations.standing
        self.cursor = reading.cursor
        self.blob, self.copy_blob = reading.blob, reading.copy_blob
        self.oldest_pending = reading.oldest_pending
        shadows = Shadows(engine)
        self.keep_shadow, self.shadow = shadows.keep, shadows.read
        risks = Risks(engine, auditing)
        self.risk, self.learn_risk, self.forget_risk = risks.standing, risks.learn, risks.forget
        self.wait, self.close = engine.wait, engine.close

    def append(self, case_id: str, activity: Activity) -> bool:
        """Append an internal activity to a case; see `Store.append`."""

        def work(t: Transaction) -> bool:
            self._engine.notify(t)
            return append_internal(t, self._entropy, case_id, activity, activity.received_at)

        return self._engine.write(work)

    def save_policy(self, digest: str, text: str, now: int) -> None:
        """Keep a policy under its hash."""
        self._engine.write(
            lambda t: t.run(
                "INSERT INTO policies (digest, text, saved_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                *(digest, text, now),
            )
        )
