"""Policies by their hash: the one in force, and the older ones that open episodes began under."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.store.ports import CaseRules, CaseView, Store, Watch
from gateway.toml import Problems
from normalizers.redaction import Secret
from routing.incidents import watch
from routing.load import load_policy
from routing.people import UNKNOWN, Staff
from routing.policy import Policy
from routing.snapshot import ConnectionFacts, Snapshot

_log: Final = logging.getLogger("baton.pipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What decisions are made by: swapped as a whole at a reload."""

    policy: Policy
    connections: Mapping[str, ConnectionFacts]
    #: A policy that is tried on the same activities and never acts, None for none.
    shadow: Policy | None = None
    #: What is redacted when text crosses from one vendor to another.
    redact: frozenset[Secret] = frozenset(Secret)
    #: What becomes one case.
    cases: CaseRules = field(default_factory=CaseRules)
    #: The languages that the desk answers in.
    languages: tuple[str, ...] = ()


class Policies:
    """The direction in force, and the shelf of older policies."""

    def __init__(self, store: Store, direction: Direction) -> None:
        """Begin with a direction."""
        self._store = store
        self._direction = direction
        self._shelf: dict[str, Policy | None] = {}

    @property
    def direction(self) -> Direction:
        """Return the direction in force."""
        return self._direction

    def swap(self, direction: Direction) -> None:
        """Take a new direction over. What is being decided keeps the old one."""
        self._direction = direction
        self._shelf = {}

    def by_digest(self, digest: str) -> Policy | None:
        """Return the policy of a hash, None when it cannot be read any more."""
        direction = self._direction
        if digest == direction.policy.digest:
            return direction.policy
        if digest not in self._shelf:
            self._shelf[digest] = self._load(digest, direction)
        return self._shelf[digest]

    def _load(self, digest: str, direction: Direction) -> Policy | None:
        text = self._store.policy(digest)
        if text is None:
            return None
        try:
            return load_policy(text, f"policy {digest[:12]}", direction.connections)
        except Problems:
            _log.warning(
                "an older policy names connections that are gone: its episodes follow the policy in force",
                extra={"action": "policy_outlived", "policy": digest},
            )
            return None

    def watch(self, direction: Direction, now: int) -> Watch | None:
        """Return what says for which incidents an activity counts; None when the policy has none."""
        if not direction.policy.incidents:
            return None
        return lambda view, activity: watch(self.snapshot(view, direction), activity, now)

    def snapshot(self, view: CaseView, direction: Direction, staff: Staff = UNKNOWN) -> Snapshot:
        """Return what a decision may know."""
        older = None
        if view.episode is not None and view.episode.policy != direction.policy.digest:
            older = self.by_digest(view.episode.policy)
        return Snapshot(
            policy=direction.policy,
            episode_policy=older,
            case=view.case,
            episode=view.episode,
            tickets=view.tickets,
            thread=view.thread,
            connections=direction.connections,
            strangers=frozenset((each.connection, each.key) for each in view.threads if each.stranger),
            staff=staff,
            profile=view.profile,
            askable=view.askable,
            waiting=view.waiting,
            silenced=frozenset((each.connection, each.key) for each in view.threads if each.silenced),
            bursts=view.bursts,
            incident=view.incident,
        )
