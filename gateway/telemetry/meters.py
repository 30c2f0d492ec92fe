"""What Prometheus reads: one prefix, base units, no ids in labels.

The registry is this object's own, so that two gateways in one process (tests, the demo) never share a counter.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.store.ports import Accounts

#: Media type of `Meters.expose`.
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_ACCEPT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)


class Meters:
    """The counters and gauges of one gateway."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self._count_the_way_in()
        self._count_the_middle()
        self._count_the_way_out()
        self._count_the_house()

    def _count_the_way_in(self) -> None:
        count = partial(Counter, registry=self.registry)
        timed = partial(Histogram, registry=self.registry)
        received = "Deliveries at the door, by what they were answered."
        self.received = count("baton_events_received", received, ["connector", "result"])
        self.accept_seconds = timed(
            "baton_accept_duration_seconds", "From request to durable answer.", buckets=_ACCEPT_BUCKETS
        )
        self.sockets = Gauge("baton_sockets_open", "Sockets of sessions that are open.", registry=self.registry)
        forged = "Deliveries with a body that are not authentic."
        self.signature_failures = count("baton_signature_failures", forged, ["connector"])

    def _count_the_middle(self) -> None:
        count = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        self.parsed = count("baton_parsed_events", "Events out of parsing, by what they were.", ["result"])
        self.applied = count("baton_applied_activities", "Activities decided, by what came of it.", ["result"])
        self.incidents = count("baton_incidents", "Incidents, by what happened to them: opened or closed.", ["change"])
        self.timers = count("baton_timers_fired", "Deadlines that were reached.")
        targets = "Targets of SLAs that were met or missed; time in which a clock stood is not counted."
        self.sla_targets = count("baton_sla_targets", targets, ["metric", "outcome"])
        shadowed = "Decisions that a policy that is tried was asked for, by what came of it."
        self.shadow_decisions = count("baton_shadow_decisions", shadowed, ["result"])
        self.shadow_divergences = count(
            "baton_shadow_divergences", "Where a policy that is tried would have decided otherwise.", ["kind"]
        )
        self.unparsed = gauge("baton_deliveries_pending", "Deliveries that wait for parsing.")
        self.unapplied = gauge("baton_activities_pending", "Activities that wait for a decision.")
        self.dead_letters = gauge("baton_dlq_depth", "Dead letters that nobody has dealt with.")
        unaccounted = "Accepted things that are in no known state; anything but 0 is a defect."
        self.unaccounted = gauge("baton_unaccounted_events", unaccounted)

    def _count_the_way_out(self) -> None:
        count = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        self.deliveries = count(
            "baton_deliveries", "Attempts to write to a vendor, by what came of them.", ["connector", "outcome"]
        )
        self.throttled = count("baton_vendor_throttled", "Answers that asked us to slow down.", ["connector"])
        self.bugs = count("baton_connector_bugs", "Errors that no connector may raise.", ["connector"])
        self.outbox_depth = gauge("baton_outbox_depth", "Effects that are not finished.")
        self.outbox_age = gauge(
            "baton_outbox_oldest_age_seconds", "Age of the oldest unfinished effect.", ["connection"]
        )
        self.unknown = gauge("baton_unknown_outcomes", "Effects of which nobody knows whether they landed.")

    def _count_the_house(self) -> None:
        count = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        last_success = "When a connection last worked."
        self.last_success = gauge("baton_connector_last_success_timestamp_seconds", last_success, ["connection"])
        self.connection_up = gauge("baton_connection_up", "1 when a connection is in order.", ["connection"])
        self.loop_lag = gauge("baton_event_loop_lag_seconds", "How late the event loop was, lately.")
        self.wal_bytes = gauge("baton_wal_bytes", "Size of SQLite's write-ahead log.")
        self.store_up = gauge("baton_store_up", "1 when the store answers.")
        self.reloads = count("baton_reloads", "Reloads of the configuration.", ["result"])

    def account(self, accounts: Accounts, oldest: Mapping[str, int], now: int) -> None:
        """Take over the store's own counts. `oldest` and `now` are UTC microseconds."""
        effects = accounts.effects
        self.outbox_depth.set(sum(effects.get(state, 0) for state in ("pending", "sending", "unknown")))
        self.unknown.set(effects.get("unknown", 0))
        self.dead_letters.set(accounts.dead_letters_open)
        self.unaccounted.set(accounts.unaccounted)
        self.unparsed.set(accounts.deliveries_pending)
        self.unapplied.set(accounts.activities_pending)
        self.outbox_age.clear()
        for connection, made_at in oldest.items():
            self.outbox_age.labels(connection).set(max(0, now - made_at) / 1_000_000)
        self.store_up.set(1)

    def expose(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
