"""What a case takes over from one that is merged into it."""

from __future__ import annotations

from gateway.model.altering import altered
from gateway.model.case import Case


def carried(into: Case, merged: Case) -> Case:
    """Return a case with what the merged one was: what is sensitive stays so, and what waits comes all the same.

    When they come apart again, both keep it: only a person lifts what is sensitive.
    """
    known = {each.rule for each in into.suspended}
    waits = tuple(each for each in merged.suspended if each.rule not in known)
    if waits:
        into = altered(into, suspended=(*into.suspended, *waits))
    if merged.sensitive and not into.sensitive:
        # Its own tickets do not stand in the group yet.
        into = altered(into, sensitive=merged.sensitive, private=altered(merged.private, placed=()))
    return into
