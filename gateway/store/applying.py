"""Applying: the oldest waiting activities, under the locks of their cases, decided and written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.model import (
    Activity,
    Case,
    CaseStatus,
    Decision,
    Effect,
    Episode,
    EpisodeState,
    Mode,
    SlaMetric,
    SlaOutcome,
    Thread,
    TicketLink,
    altered,
    speaks,
    uuid7,
)
from gateway.model.activity import BATON_NAME
from gateway.model.carrying import carried
from gateway.store import codec
from gateway.store.assignments import Staffing, staffing
from gateway.store.bindings import CASE, contact_of
from gateway.store.case_rules import CaseRules
from gateway.store.effects import insert_effects
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.fresh import Fresh
from gateway.store.happened import Decided
from gateway.store.inbound import buried, bury
from gateway.store.incidents import Grouping
from gateway.store.names import Names
from gateway.store.profiles import Asked, people_of
from gateway.store.queued import oldest_activities
from gateway.store.risk import Lessons, keep_lessons, take_note
from gateway.store.speakers import read_threads
from gateway.store.values import AppliedBatch, CaseView, Step, Watch

_MARK: Final = (("state", "bigint"), ("seq", "bigint"), ("case_id", "text"))
_TRACE: Final = (("activity_id", "bigint"), ("policy", "text"), ("doc", "text"))
_DEFAULT: Final = CaseRules()
_EPISODE: Final = (
    *(("id", "text"), ("case_id", "text"), ("state", "text"), ("policy", "text"), ("opened_at", "bigint")),
    ("doc", "text"),
)


class Applying:
    """The step from waiting activities to decided ones."""

    def __init__(self, engine: Engine, names: Names, entropy: Callable[[int], bytes], parsed: Fresh[Activity]) -> None:
        """Work on an engine; `parsed` holds activities that were just parsed."""
        self._engine = engine
        self._names = names
        self._entropy = entropy
        self._parsed = parsed

    def apply(
        self,
        limit: int,
        now: int,
        step: Step,
        rules: CaseRules = _DEFAULT,
        profiles: str | None = None,
        watch: Watch | None = None,
    ) -> AppliedBatch:
        """Decide and write the oldest waiting activities; see `Store.apply`."""
        knows = None if profiles is None else self._names.find(profiles)
        return self._engine.write(
            lambda t: _Batch(t, self._engine, self._names, self._entropy, self._parsed, rules, now, knows, watch).apply(
                limit, step
            )
        )


class _Batch:
    """One `apply`."""

    def __init__(
        self,
        t: Transaction,
        engine: Engine,
        names: Names,
        entropy: Callable[[int], bytes],
        parsed: Fresh[Activity],
        rules: CaseRules,
        now: int,
        knows: int | None,
        watch: Watch | None = None,
    ) -> None:
        self.t = t
        self.engine = engine
        self.names = names
        self.entropy = entropy
        self.parsed = parsed
        self.rules = rules
        self.now = now
        #: The connection whose profiles are read, None for none.
        self.knows = knows
        self.watch = watch
        self.grouping = Grouping(t, engine, entropy, now, self._held)
        #: True once nobody else can give out room before this is written.
        self.recounted = False
        #: The customer of each case, as far as that connection may be asked.
        self.customers: dict[str, Asked] = {}
        #: Case of each thread.
        self.home: dict[str, str] = {}
        self.cases: dict[str, Case] = {}
        self.episodes: dict[str, list[Episode]] = {}
        self.tickets: dict[str, list[TicketLink]] = {}
        self.threads: dict[str, Thread] = {}
        self.threads_of: dict[str, list[Thread]] = {}
        self.touched: set[str] = set()
        self.marks: list[Row] = []
        self.traces: list[Row] = []
        self.effects: list[Effect] = []
        self.letters: list[Row] = []
        self.targets: list[tuple[SlaMetric, SlaOutcome]] = []
        self.decided: list[Decided] = []
        #: What cases that are over teach, or, taken up again, do not teach yet.
        self.lessons: Lessons = {}

    def apply(self, limit: int, step: Step) -> AppliedBatch:
        waiting, more = self._take(limit)
        if not waiting:
            return AppliedBatch(applied=0, dead=0, connections=frozenset(), more=more)
        for activity_id, thread_id, activity in waiting:
            case_id = self.home[thread_id]
            if self._over(case_id, thread_id, activity):
                case_id = self._follow_up(case_id, thread_id, activity)
            self._one(step, activity_id, thread_id, case_id, activity)
        self._flush()
        dead = len(self.letters)
        return AppliedBatch(
            applied=len(waiting) - dead,
            dead=dead,
            connections=frozenset(effect.connection for effect in self.effects if effect.mode is not Mode.OBSERVE),
            more=more,
            targets=tuple(self.targets),
            incidents=self.grouping.changed,
            decided=tuple(self.decided),
            letters=buried(self.letters, self.names),
        )

    def _held(self, case_id: str) -> Case | None:
        """Return a case of this batch as it is by now."""
        return self.cases.get(case_id)

    # --- reading -----------------------------------------------------------------------------------------------------
    def _take(self, limit: int) -> tuple[list[tuple[int, str, Activity]], bool]:
        """Lock the cases of the oldest waiting activities in id order; only then read what waits for them."""
        oldest = self.t.rows(
            "SELECT t.case_id FROM (SELECT id, thread_id FROM activities WHERE state = 0 ORDER BY id LIMIT ?) a"
            " JOIN threads t ON t.id = a.thread_id",
            limit,
        )
        if not oldest:
            return [], False
        wanted = sorted({row[0] for row in oldest})
        rows = self.t.rows(
            "SELECT id, root_id, doc, contact_id FROM cases WHERE id IN (??text) ORDER BY id "
            + self.engine.skip_locked,
            wanted,
        )
        locked = [row[0] for row in rows if row[0] == row[1]]
        for case_id, root_id, _, _ in rows:
            if case_id != root_id:
                # A thread that came in while its case was being merged: it follows now, and is read in the next batch.
                self.t.run("UPDATE threads SET case_id = ? WHERE case_id = ?", root_id, case_id)
        self.cases = {row[0]: codec.case_from(row[2]) for row in rows if row[0] == row[1]}
        if not locked:
            return [], True
        people = {row[0]: row[3] for row in rows if row[0] == row[1]}
        self._read_surroundings(locked, {row[0]: row[3] for row in rows})
        self._read_customers(people)
        waiting = self.t.rows(
            "SELECT id, thread_id FROM activities WHERE state = 0 AND thread_id IN (??text) ORDER BY id LIMIT ?",
            *(sorted(self.threads), limit),
        )
        self.home = {thread.id: case_id for case_id, threads in self.threads_of.items() for thread in threads}
        contents = oldest_activities(self.t, self.parsed, [row[0] for row in waiting])
        taken = [(row[0], row[1], contents[row[0]]) for row in waiting if row[0] in contents]
        return taken, len(taken) < len(waiting) or len(oldest) == limit or len(taken) == limit or len(locked) < len(
            wanted
        )

    def _read_surroundings(self, locked: Sequence[str], people: dict[str, str | None]) -> None:
        self.threads_of = read_threads(self.t, self.names, locked, people)
        self.threads = {thread.id: thread for threads in self.threads_of.values() for thread in threads}
        for root_id, doc in self.t.rows(
            "SELECT c.root_id, e.doc FROM cases c JOIN episodes e ON e.case_id = c.id AND e.state <> 'closed'"
            " WHERE c.root_id IN (??text) ORDER BY e.opened_at, e.id",
            locked,
        ):
            self.episodes.setdefault(root_id, []).append(codec.episode_from(doc))
        for root_id, doc in self.t.rows(
            "SELECT c.root_id, k.doc FROM cases c JOIN tickets k ON k.case_id = c.id WHERE c.root_id IN (??text)"
            " ORDER BY (k.case_id <> c.root_id), k.connection_id, k.ticket_id",
            locked,
        ):
            self.tickets.setdefault(root_id, []).append(codec.ticket_from(doc))

    def _read_customers(self, people: Mapping[str, str | None]) -> None:
        """Read what is known of the customers of cases, when somebody asks."""
        if self.knows is not None:
            known = people_of(self.t, [each for each in people.values() if each is not None], self.knows)
            self.customers.update(
                {case: known[each] for case, each in people.items() if each is not None and each in known}
            )

    def _waiting(self, case: Case, activity: Activity) -> tuple[Activity, ...]:
        """Return what waits for the look-up whose outcome an activity is."""
        outcome, lookup = activity.outcome, case.lookup
        if outcome is None or lookup is None or lookup.effect_id != outcome.effect_id or not lookup.waiting:
            return ()
        rows = self.t.rows(
            "SELECT c.doc FROM activities a JOIN contents c ON c.activity_id = a.id WHERE a.connection_id IN (??bigint)"
            " AND a.dedupe IN (??text) ORDER BY a.id",
            sorted({number for each in lookup.waiting if (number := self.names.find(each.activity[0])) is not None}),
            sorted({codec.key_hash(each.activity[1]) for each in lookup.waiting}),
        )
        return tuple(codec.activity_from(row[0]) for row in rows)

    def _episode(self, case_id: str, activity: Activity) -> Episode | None:
        """Return the case's open episode; of a merged case, the one that a timer or an outcome names."""
        candidates = self.episodes.get(case_id)
        if not candidates:
            return None
        outcome = activity.outcome
        named = [
            episode
            for episode in candidates
            if episode.id in activity.name or (outcome is not None and episode.id == outcome.episode_id)
        ]
        own = [episode for episode in candidates if episode.case_id == case_id]
        return (named or own or candidates)[0]

    # --- coming back -------------------------------------------------------------------------------------------------
    def _over(self, case_id: str, thread_id: str, activity: Activity) -> bool:
        """Tell whether the customer speaks in a case that was resolved too long ago to be reopened."""
        case = self.cases[case_id]
        if case.status is not CaseStatus.RESOLVED or self.rules.reopen_within is None or not speaks(activity):
            return False
        since = case.resolved_at if case.resolved_at is not None else case.last_activity_at
        return self.threads[thread_id].connection != BATON_NAME and self.now - since > self.rules.reopen_within

    def _follow_up(self, case_id: str, thread_id: str, activity: Activity) -> str:
        """Begin a new case on the thread, which follows the old one; the old one keeps what was said before."""
        fresh = uuid7(self.now, self.entropy(10))
        case = Case(
            id=fresh,
            channel=activity.channel,
            connection=activity.connection,
            opened_at=activity.occurred_at,
            last_activity_at=activity.occurred_at,
            follows=case_id,
        )
        # It is the same matter: what was sensitive is so again.
        case = carried(case, self.cases[case_id])
        contact = contact_of(self.t, thread_id)
        self.t.insert("cases", CASE, [(fresh, fresh, contact, self.now, 0, codec.encode(case))])
        self.t.run("UPDATE threads SET case_id = ?, home_case_id = ? WHERE id = ?", fresh, fresh, thread_id)
        thread = altered(self.threads[thread_id], stranger=False)
        self.cases[fresh], self.threads[thread_id], self.threads_of[fresh] = case, thread, [thread]
        self.threads_of[case_id] = [each for each in self.threads_of[case_id] if each.id != thread_id]
        self.home[thread_id] = fresh
        self._read_customers({fresh: contact})
        return fresh

    # --- deciding ----------------------------------------------------------------------------------------------------
    def _one(self, step: Step, activity_id: int, thread_id: str, case_id: str, activity: Activity) -> None:
        customer = self.customers.get(case_id)
        if activity.consent is not None:
            self._keep_consent(thread_id, case_id, granted=activity.consent)
        view = CaseView(
            case=self.cases[case_id],
            episode=self._episode(case_id, activity),
            tickets=tuple(self.tickets.get(case_id, ())),
            thread=self.threads[thread_id],
            threads=tuple(self.threads_of[case_id]),
            profile=customer.profile if customer is not None else None,
            askable=customer is not None and bool(customer.contact.parties),
            waiting=self._waiting(self.cases[case_id], activity),
            incident=self.grouping.of_parent(self.cases[case_id]),
            recount=self._recount if self.engine.many and not self.recounted else None,
        )
        try:
            if self.watch is not None and (sightings := self.watch(view, activity)):
                bursts = self.grouping.count(sightings, case_id, thread_id, activity)
                view = altered(view, bursts=bursts)
            decision = step(view, activity)
            for effect in decision.effects:
                # Of a connection that nobody knows it cannot be kept: that must not hold up all other cases.
                self.names.number(effect.connection)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must cost only this activity)
            reason = f"Deciding failed in the rules' code ({type(error).__name__}): this is a fault of Baton."
            self.marks.append((activity_id, 2, None, case_id))
            connection_id = self.names.find(activity.connection) or 0
            self.letters.append(("activity", str(activity_id), None, connection_id, case_id, reason, self.now, "open"))
            return
        self.marks.append((activity_id, 1, decision.case.seq, case_id))
        self.traces.append((activity_id, decision.trace.policy, codec.encode(decision.trace)))
        trace, kind = decision.trace, activity.kind.value
        rule = trace.steps[-1].rule if trace.steps and trace.steps[-1].matched else ""
        self.decided.append(Decided(activity_id, case_id, activity.connection, kind, trace.result, rule))
        self._take_over(case_id, decision)
        self.grouping.take_over(decision.incidents, case_id, thread_id, activity)

    def _recount(self) -> Staffing:
        if self.watch is not None:
            # Who counts for incidents gives out room after it: all take both turns in this order.
            self.grouping.take_turns()
        found = staffing(self.engine, self.t)
        self.recounted = True
        return found

    def _keep_consent(self, thread_id: str, case_id: str, *, granted: bool) -> None:
        """Keep a STOP or START with the thread: it outlives the case, and holds whatever the rules make of it."""
        if self.threads[thread_id].silenced is not granted:
            return
        self.t.run("UPDATE threads SET silenced = ? WHERE id = ?", int(not granted), thread_id)
        thread = altered(self.threads[thread_id], silenced=not granted)
        self.threads[thread_id] = thread
        self.threads_of[case_id] = [thread if each.id == thread_id else each for each in self.threads_of[case_id]]

    def _take_over(self, case_id: str, decision: Decision) -> None:
        take_note(self.lessons, self.cases[case_id], decision.case)
        self.cases[case_id] = decision.case
        self.touched.add(case_id)
        self.effects += decision.effects
        self.targets += decision.targets
        if decision.replaced is not None:
            # First, since only one episode of a case may be open.
            self._keep_episode(case_id, decision.replaced)
        if decision.episode is not None:
            self._keep_episode(case_id, decision.episode)
        for link in decision.tickets:
            self._keep_ticket(case_id, link)
        for timer in decision.timers:
            self.t.run(
                "INSERT INTO timers (case_id, name, due_at) VALUES (?, ?, ?)"
                " ON CONFLICT (case_id, name) DO UPDATE SET due_at = excluded.due_at",
                *(case_id, timer.name, timer.due_at),
            )
        for name in decision.cancelled:
            self.t.run(
                "DELETE FROM timers WHERE name = ? AND case_id IN (SELECT id FROM cases WHERE root_id = ?)",
                name,
                case_id,
            )

    def _keep_ticket(self, case_id: str, link: TicketLink) -> None:
        """Keep what the helpdesk told of a ticket that the case has."""
        self.tickets[case_id] = [
            link if (each.connection, each.ticket_id) == (link.connection, link.ticket_id) else each
            for each in self.tickets.get(case_id, ())
        ]
        self.t.run(
            "UPDATE tickets SET doc = ? WHERE connection_id = ? AND ticket_id = ?",
            *(codec.encode(link), self.names.number(link.connection), link.ticket_id),
        )

    def _keep_episode(self, case_id: str, episode: Episode) -> None:
        others = [other for other in self.episodes.get(case_id, []) if other.id != episode.id]
        self.episodes[case_id] = others if episode.state is EpisodeState.CLOSED else [*others, episode]
        self.t.insert(
            "episodes",
            _EPISODE,
            [
                (
                    *(episode.id, episode.case_id, episode.state.value, episode.policy, episode.opened_at),
                    codec.encode(episode),
                )
            ],
            conflict="ON CONFLICT (id) DO UPDATE SET state = excluded.state, doc = excluded.doc",
        )

    # --- writing -----------------------------------------------------------------------------------------------------
    def _flush(self) -> None:
        self.t.update("activities", ("id", "bigint"), _MARK, self.marks)
        self.t.insert("traces", _TRACE, self.traces)
        cases = [
            (case_id, self.cases[case_id].seq, codec.encode(self.cases[case_id])) for case_id in sorted(self.touched)
        ]
        self.t.update("cases", ("id", "text"), (("seq", "bigint"), ("doc", "text")), cases)
        insert_effects(self.t, self.names, self.effects, self.now)
        bury(self.t, self.letters)
        keep_lessons(self.t, self.lessons)
