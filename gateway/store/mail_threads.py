"""Threads of mails: what proves that a mail belongs to one, in order, and what never does.

1. A Message-ID or address of ours that only we could have signed (the connector checks the signature and names the effect).
2. A reference to a mail that is known, sent or received, from somebody who takes part in its thread.
3. A token of ours in the subject, from somebody who takes part.
4. Nothing else: a subject alone never does, and what failed DMARC is believed nothing.

Message ids and addresses are kept as hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import Activity, Evidence, Party, Role
from gateway.store import codec
from gateway.store.case_rules import EMAIL, CaseRules
from gateway.store.engine import Transaction

#: References that are looked at, the nearest: anybody can write thousands.
_REFERENCES: Final = 50
#: Recipients of one mail who become participants.
_RECIPIENTS: Final = 50
_MESSAGE: Final = (("connection_id", "bigint"), ("digest", "text"), ("thread_id", "text"))
_PARTICIPANT: Final = (("thread_id", "text"), ("digest", "text"), ("verified", "bigint"))
_CASE_PREFIX: Final = "baton:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mail belongs."""

    #: The thread that it continues, None for a new one.
    thread: str | None = None
    #: The case of a new thread, when that is proven.
    case: str | None = None


def failed(activity: Activity) -> bool:
    """Tell whether the mail's sender is known to be forged: the domain's owner says that it is not from there."""
    return activity.extras.get("dmarc") == "fail"


def message_digest(message_id: str) -> str:
    """Return the hash under which a Message-ID is kept."""
    return codec.key_hash(message_id.strip())


def keep_message_ids(t: Transaction, connection_id: int, message_ids: Sequence[str], thread: str) -> None:
    """Keep message ids of a thread; the first that names one keeps it."""
    digests = sorted({message_digest(each) for each in message_ids})
    t.insert(
        "message_ids",
        _MESSAGE,
        [(connection_id, digest, thread) for digest in digests],
        conflict="ON CONFLICT (connection_id, digest) DO NOTHING",
    )


class MailThreads:
    """Threads of mails, within one transaction."""

    def __init__(self, t: Transaction, rules: CaseRules) -> None:
        """Work in a transaction."""
        self._t = t
        self._rules = rules

    def find(self, connection_id: int, activity: Activity) -> Place:
        """Return where a mail belongs."""
        if activity.own and activity.message_id:
            sent = self._threads_of(connection_id, [activity.message_id])
            return Place(thread=sent[0] if sent else None)
        if failed(activity) or activity.sender is None:
            return Place()
        signed = self._signed(connection_id, activity)
        if signed is not None:
            return signed
        mail = activity.mail
        references = mail.references[:_REFERENCES] if mail is not None else ()
        for thread in self._threads_of(connection_id, references):
            if self.takes_part(thread, activity):
                return Place(thread=thread)
        token = mail.token if mail is not None else ""
        return Place(thread=self._by_token(connection_id, token, activity) if token else None)

    # --- proofs ------------------------------------------------------------------------------------------------------
    def _signed(self, connection_id: int, activity: Activity) -> Place | None:
        """Return the place of what answers a mail of ours by its signature.

        Somebody whom the mail was passed on to has the signature too: they get a thread of their own in the case, and are
        nobody whom the case answers.
        """
        if not activity.reference:
            return None
        rows = self._t.rows(
            "SELECT c.root_id, e.doc FROM effects e JOIN cases c ON c.id = e.case_id WHERE e.id = ? AND e.connection_id = ?",
            *(activity.reference, connection_id),
        )
        if not rows:
            return None
        case, effect = rows[0][0], codec.effect_from(rows[0][1])
        threads = self._t.rows(
            "SELECT id FROM threads WHERE connection_id = ? AND key = ?", connection_id, effect.destination
        )
        if threads and self.takes_part(threads[0][0], activity):
            return Place(thread=threads[0][0])
        return Place(case=case)

    def _threads_of(self, connection_id: int, message_ids: Sequence[str]) -> list[str]:
        """Return the threads of known mails, in the order of the message ids."""
        digests = [message_digest(each) for each in message_ids]
        if not digests:
            return []
        rows = self._t.rows(
            "SELECT digest, thread_id FROM message_ids WHERE connection_id = ? AND digest IN (??text)",
            *(connection_id, digests),
        )
        found: dict[str, str] = dict(rows)
        return list(dict.fromkeys(found[each] for each in digests if each in found))

    def _by_token(self, connection_id: int, token: str, activity: Activity) -> str | None:
        """Return the newest thread of the token's case in which the sender takes part."""
        bare = token.removeprefix(_CASE_PREFIX)
        rows = self._t.rows(
            "SELECT c.root_id FROM foreign_ids f JOIN cases c ON c.id = f.case_id WHERE f.connection_id = ?"
            " AND f.foreign_id = ? AND f.kind <> 'ticket' UNION SELECT c.root_id FROM effects e JOIN cases c"
            " ON c.id = e.case_id WHERE e.id = ? AND e.connection_id = ?"
            " UNION SELECT root_id FROM cases WHERE id = ?",
            *(connection_id, token, token, connection_id, bare),
        )
        threads = self._t.rows(
            "SELECT id FROM threads WHERE case_id IN (??text) AND connection_id = ? ORDER BY created_at DESC, id DESC",
            *([row[0] for row in rows], connection_id),
        )
        return next((row[0] for row in threads if self.takes_part(row[0], activity)), None)

    # --- participants ------------------------------------------------------------------------------------------------
    def takes_part(self, thread: str, activity: Activity) -> bool:
        """Tell whether a mail's sender takes part in a thread.

        Whoever was verified there once must be verified again: their domain says what is from there, so a mail that it does
        not vouch for is somebody else's.
        """
        sender = activity.sender
        if sender is None or failed(activity):
            return False
        rows = self._t.rows(
            "SELECT verified FROM participants WHERE thread_id = ? AND digest = ?", thread, self._digest(sender)
        )
        return bool(rows) and (not rows[0][0] or sender.evidence is Evidence.VERIFIED)

    def remember(self, connection_id: int, activity: Activity, thread: str, *, began: bool) -> None:
        """Keep a mail's id, and who takes part since it came.

        Whom a mail was sent along to takes part when it began the thread or its sender is verified: otherwise anybody who writes
        in a customer's name could let somebody in.
        """
        if activity.message_id:
            keep_message_ids(self._t, connection_id, [activity.message_id], thread)
        if activity.own or failed(activity) or activity.sender is None:
            return
        verified = activity.sender.evidence is Evidence.VERIFIED
        self._t.insert(
            "participants",
            _PARTICIPANT,
            [(thread, self._digest(activity.sender), int(verified))],
            conflict="ON CONFLICT (thread_id, digest) DO UPDATE SET verified = CASE WHEN excluded.verified = 1 THEN 1"
            " ELSE participants.verified END",
        )
        if began or verified:
            # The first is the address at which it reached us: whoever writes in our own name takes part in nothing.
            others = [each for each in activity.recipients[1:] if each.role is Role.CUSTOMER][:_RECIPIENTS]
            self._t.insert(
                "participants",
                _PARTICIPANT,
                [(thread, digest, 0) for digest in sorted({self._digest(each) for each in others})],
                conflict="ON CONFLICT (thread_id, digest) DO NOTHING",
            )

    def _digest(self, party: Party) -> str:
        return codec.key_hash(self._rules.crossing(EMAIL, party.value) or party.value.strip().lower())
