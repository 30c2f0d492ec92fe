"""Threads of mails: what proves that a mail belongs to one, in order, and what never does.

1. A Message-ID or address of ours that only we could have signed (the connector checks the signature and names the effect).
2. A reference to a mail that is known, sent or received, from somebody who takes part in its thread.
3. A token of ours in the subject, from somebody who takes part.
4. Nothing else: a subject alone never does, and what failed DMARC is believed nothing.

A thread is one person's, of whoever began it. Others who take part (in Cc), and those whom a mail of ours was passed on to, get
threads of their own in the case: it hears them and does not answer them.

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
from gateway.store.ledger import case_of_effect

#: References that are looked at, the nearest: anybody can write thousands.
_REFERENCES: Final = 50
#: Recipients of one mail who become participants.
_RECIPIENTS: Final = 50
_MESSAGE: Final = (("connection_id", "bigint"), ("digest", "text"), ("thread_id", "text"))
_PARTICIPANT: Final = (("thread_id", "text"), ("digest", "text"), ("began", "bigint"), ("verified", "bigint"))
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
        # It answers a mail of ours by its signature: the connector has checked that.
        case = case_of_effect(self._t, connection_id, activity.reference) if activity.reference else None
        if case is not None:
            return Place(thread=self._own_in(connection_id, case, activity), case=case)
        mail = activity.mail
        references = mail.references[:_REFERENCES] if mail is not None else ()
        threads = self._threads_of(connection_id, references)
        token = mail.token if mail is not None else ""
        if token and not any(self.takes_part(thread, activity) for thread in threads):
            threads = self._by_token(connection_id, token)
        return self._among(connection_id, threads, activity)

    def _among(self, connection_id: int, threads: Sequence[str], activity: Activity) -> Place:
        """Return the first of some threads that is the sender's own, else one beside the first that they take part in."""
        joined = [thread for thread in threads if self.takes_part(thread, activity)]
        own = next((thread for thread in joined if self.takes_part(thread, activity, own=True)), None)
        if own is not None or not joined:
            return Place(thread=own)
        case = str(self._t.rows("SELECT case_id FROM threads WHERE id = ?", joined[0])[0][0])
        return Place(thread=self._own_in(connection_id, case, activity), case=case)

    # --- proofs ------------------------------------------------------------------------------------------------------
    def _own_in(self, connection_id: int, case: str, activity: Activity) -> str | None:
        """Return the newest thread of a case that is the sender's own."""
        threads = self._t.rows(
            "SELECT id FROM threads WHERE case_id = ? AND connection_id = ? ORDER BY created_at DESC, id DESC",
            *(case, connection_id),
        )
        return next((row[0] for row in threads if self.takes_part(row[0], activity, own=True)), None)

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

    def _by_token(self, connection_id: int, token: str) -> list[str]:
        """Return the threads of the token's case, the newest first: it names an effect, or what the connector said it is."""
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
        return [row[0] for row in threads]

    # --- participants ------------------------------------------------------------------------------------------------
    def takes_part(self, thread: str, activity: Activity, *, own: bool = False) -> bool:
        """Tell whether a mail's sender takes part in a thread, or with `own` whether it is theirs.

        Whoever was verified there once must be verified again: their domain says what is from there, so a mail that it does
        not vouch for is somebody else's.
        """
        sender = activity.sender
        if sender is None or failed(activity):
            return False
        rows = self._t.rows(
            "SELECT verified, began FROM participants WHERE thread_id = ? AND digest = ?", thread, self._digest(sender)
        )
        if not rows or (own and not rows[0][1]):
            return False
        return not rows[0][0] or sender.evidence is Evidence.VERIFIED

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
            [(thread, self._digest(activity.sender), int(began), int(verified))],
            conflict="ON CONFLICT (thread_id, digest) DO UPDATE SET verified = CASE WHEN excluded.verified = 1 THEN 1"
            " ELSE participants.verified END",
        )
        if began or verified:
            # The first is the address at which it reached us: whoever writes in our own name takes part in nothing.
            others = [each for each in activity.recipients[1:] if each.role is Role.CUSTOMER][:_RECIPIENTS]
            self._t.insert(
                "participants",
                _PARTICIPANT,
                [(thread, digest, 0, 0) for digest in sorted({self._digest(each) for each in others})],
                conflict="ON CONFLICT (thread_id, digest) DO NOTHING",
            )

    def _digest(self, party: Party) -> str:
        return codec.key_hash(self._rules.crossing(EMAIL, party.value) or party.value.strip().lower())
