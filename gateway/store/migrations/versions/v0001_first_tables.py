"""The first tables: made by `gateway.store.schema`, so that there is nothing to do."""

from __future__ import annotations

from typing import Final

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Leave everything as it is."""


def downgrade() -> None:
    """Leave everything as it is."""
