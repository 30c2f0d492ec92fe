"""What operators do to the store: behind the admin socket, and behind the command line when no gateway runs.

Every one is audited by the store with its actor. Nothing here reads a body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.model import IncidentChange, IncidentFacts
from gateway.toml import QUOTED, did_you_mean

if TYPE_CHECKING:
    from gateway.store.ports import Store

T = TypeVar("T")

#: What `pause` and `resume` hold when they hold everything.
ALL: Final = "all"
#: Deliveries that one `replay` takes at most; the rest is named, not forgotten.
REPLAY_LIMIT: Final = 10_000


class Refused(Exception):
    """The operation cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The operators' verbs over one store."""

    #: The store.
    store: Store
    #: The clock, UTC microseconds.
    now: Callable[[], int]
    #: Connections of the configuration.
    connections: Iterable[str]
    #: Rules of the policy.
    rules: Iterable[str]

    def operate(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do one operation by its name. Raises `Refused`, and KeyError for one that there is not."""
        verb = {
            "pause": self._pause,
            "resume": self._resume,
            "dead-letter-replay": self._replay_dead_letter,
            "dead-letter-discard": self._discard_dead_letter,
            "replay": self._replay,
            "case-merge": self._merge,
            "case-unmerge": self._unmerge,
            "incident-open": self._open_incident,
            "incident-close": self._close_incident,
            "contact-link": self._link,
            "contact-unlink": self._unlink,
            "contact-allow": self._allow,
            "suggestion-accept": self._accept,
            "suggestion-reject": self._reject,
            "risk-forget": self._forget_risk,
        }[name]
        return verb(arguments, str(arguments.get("actor") or "unknown"))

    def scope(self, name: str) -> str:
        """Return the store's scope for ``all``, a connection or a rule. Raises `Refused` with the nearest name."""
        kind, colon, rest = name.partition(":")
        known = {"connection": set(self.connections), "rule": set(self.rules)}
        if name == ALL:
            return ALL
        if colon and kind in known:
            if rest in known[kind]:
                return name
            raise Refused(_nobody(rest, kind, known[kind]))
        fits = [each for each in known if name in known[each]]
        if len(fits) == 1:
            return f"{fits[0]}:{name}"
        if fits:
            message = f'"{name}" is a connection and a rule: write connection:{name} or rule:{name}'
            raise Refused(message)
        raise Refused(_nobody(name, "connection or rule", known["connection"] | known["rule"] | {ALL}))

    def _pause(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        scope = self.scope(str(arguments["scope"]))
        self.store.pause(scope, actor, str(arguments.get("reason") or ""), self.now())
        return {"scope": scope, "paused": True}

    def _resume(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        wanted = str(arguments["scope"])
        # A pause outlives the connection or rule it was for: it must be possible to lift it by its full name.
        scope = wanted if wanted in self.store.pauses() else self.scope(wanted)
        lifted = self.store.resume(scope, actor, self.now())
        return {"scope": scope, "paused": False, "was_paused": lifted}

    def _replay_dead_letter(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        number = int(arguments["id"])
        self._open(number)
        return {"id": number, "replayed": self.store.replay_dead_letter(number, actor, self.now())}

    def _discard_dead_letter(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        number = int(arguments["id"])
        self._open(number)
        reason = str(arguments.get("reason") or "").strip()
        if not reason:
            message = f"say with --reason why dead letter {number} is given up: it stands in the audit for good"
            raise Refused(message)
        return {"id": number, "discarded": self.store.discard_dead_letter(number, actor, reason, self.now())}

    def _open(self, number: int) -> None:
        found = self.store.dead_letter(number)
        if found is None:
            message = f"there is no dead letter {number}: `baton dlq list` shows those that there are"
            raise Refused(message)
        if found.letter.state != "open":
            message = f"dead letter {number} was {found.letter.state} already"
            raise Refused(message)

    def _replay(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        connection = arguments.get("connection")
        if connection is not None and connection not in set(self.connections):
            raise Refused(_nobody(str(connection), "connection", self.connections))
        ids = [int(each) for each in arguments.get("ids") or ()]
        if not ids:
            ids = list(self.store.deliveries(since=int(arguments["since"]), connection=connection, limit=REPLAY_LIMIT))
        waited = self._gone(ids)
        replayed = self.store.replay(ids, actor, self.now())
        gone = self._gone(ids)
        fresh = sum(gone.values()) - sum(waited.values())
        if arguments.get("ids") and not replayed and not self.store.waiting(ids):
            none = ", ".join(str(each) for each in ids)
            message = f"there is no delivery {none}: `baton dlq show ID` and `baton cases show CASE` name those that there are"
            raise Refused(message)
        return {"replayed": replayed - fresh, "more": len(ids) == REPLAY_LIMIT, "without_connection": gone}

    def _gone(self, ids: Iterable[int]) -> dict[str, int]:
        """Return how many of some deliveries wait for a connection that is not there any more: nobody reads them."""
        known = set(self.connections)
        return {name: count for name, count in self.store.waiting(ids).items() if name not in known}

    # --- cases -------------------------------------------------------------------------------------------------------
    def _merge(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        case, into = str(arguments["case"]), str(arguments["into"])
        reason = str(arguments.get("reason") or "")
        _refusing(lambda: self.store.merge(case, into, actor, self.now(), reason))
        history = self.store.history(into)
        strangers = sum(thread.stranger for thread in history.threads) if history is not None else 0
        return {"case": case, "into": into, "merged": True, "threads_of_others": strangers}

    def _unmerge(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        case, reason = str(arguments["case"]), str(arguments.get("reason") or "")
        into = _refusing(lambda: self.store.unmerge(case, actor, self.now(), reason))
        return {"case": case, "from": into, "merged": False}

    def _forget_risk(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:  # noqa: ARG002 (every verb has them)
        return {"forgotten": self.store.forget_risk(actor, self.now())}

    # --- incidents ---------------------------------------------------------------------------------------------------
    def _open_incident(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        title, fingerprint, reason = (
            " ".join(str(arguments.get(key) or "").split()) for key in ("title", "fingerprint", "reason")
        )
        name = str(arguments["name"])
        facts = IncidentFacts(
            change=IncidentChange.OPENED, name=name, title=title, fingerprint=fingerprint, by=actor, reason=reason
        )
        return {"id": _refusing(lambda: self.store.open_incident(facts, self.now())), "name": name}

    def _close_incident(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        number, reason = str(arguments["id"]), str(arguments.get("reason") or "")
        _refusing(lambda: self.store.close_incident(number, actor, reason, self.now()))
        return {"id": number, "closing": True}

    # --- contacts ----------------------------------------------------------------------------------------------------
    def _link(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        contact, into = str(arguments["contact"]), str(arguments["into"])
        reason = str(arguments.get("reason") or "")
        _refusing(lambda: self.store.link_contacts(contact, into, actor, reason, self.now()))
        return {"contact": contact, "into": into, "linked": True}

    def _unlink(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        contact, reason = str(arguments["contact"]), str(arguments.get("reason") or "")
        _refusing(lambda: self.store.unlink_contact(contact, actor, reason, self.now()))
        return {"contact": contact, "linked": False}

    def _allow(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        contact, other = str(arguments["contact"]), str(arguments["other"])
        reason = str(arguments.get("reason") or "")
        lifted = _refusing(lambda: self.store.lift_separation(contact, other, actor, reason, self.now()))
        return {"contact": contact, "other": other, "lifted": lifted}

    def _accept(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        return self._decide(arguments, actor, accept=True)

    def _reject(self, arguments: Mapping[str, Any], actor: str) -> dict[str, Any]:
        return self._decide(arguments, actor, accept=False)

    def _decide(self, arguments: Mapping[str, Any], actor: str, *, accept: bool) -> dict[str, Any]:
        number, reason = int(arguments["id"]), str(arguments.get("reason") or "")
        return dict(
            _refusing(
                lambda: self.store.decide_suggestion(number, accept=accept, actor=actor, reason=reason, now=self.now())
            )
        )


def _refusing(work: Callable[[], T]) -> T:
    """Do something; what the store says cannot be done is refused with its sentence."""
    try:
        return work()
    except ValueError as error:
        raise Refused(str(error)) from None


def _nobody(name: str, kind: str, known: Iterable[str]) -> str:
    names = sorted(known)
    hint = did_you_mean(name, names, f"there are {', '.join(names) or 'none'}", shown=QUOTED)
    return f'there is no {kind} "{name}": {hint}'
