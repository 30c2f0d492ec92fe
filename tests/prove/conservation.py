"""Nothing disappears: after every proof each delivery, event and activity must be in a known state (promise I4)."""

from __future__ import annotations

from gateway.store import Store
from tests.conserved import losses
from tests.prove.proof import Figures


def require_conservation(figures: Figures, store: Store, where: str) -> None:
    """Demand that nothing is unaccounted for, and that nothing waits any more. Figures that hold are told once in sum."""
    accounts = store.accounts()
    waiting = accounts.deliveries_pending + accounts.activities_pending
    for name, value in ((f"unaccounted ({where})", accounts.unaccounted), (f"still waiting ({where})", waiting)):
        if value:
            figures.must_be(name, value, 0)
            figures.examples.append(f"{where}: {accounts}")
    for meaning, rows in losses(store).items():
        figures.must_be(f"{meaning} ({where})", len(rows), 0)
