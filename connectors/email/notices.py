"""Notices → mails to staff: pure. A mail cannot be pressed: it says where the case is taken."""

from __future__ import annotations

import re
from typing import Final

from connectors.email.events import thread_key
from gateway.sdk import Notice, PermanentFailure, Reply

_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_END: Final = (
    "An answer to this mail reaches nobody: take the case by answering the customer, or by a notice elsewhere."
)


def reply_of(notice: Notice) -> Reply:
    """Return a notice as what is sent to one address. Raises PermanentFailure when it goes to none."""
    if not _ADDRESS.fullmatch(notice.destination):
        raise PermanentFailure(
            'The notice\'s destination is no mail address: write notify = ["CONNECTION:name@example.com"].'
        )
    facts = "\n".join(f"{label}: {value}" for label, value in notice.facts)
    parts = (notice.title, notice.text, facts, notice.url, _END)
    return Reply(
        key=notice.key,
        case_id=notice.case_id,
        thread=thread_key(notice.destination, notice.key),
        text="\n\n".join(part for part in parts if part),
        subject=notice.title,
        written_at=notice.written_at,
    )
