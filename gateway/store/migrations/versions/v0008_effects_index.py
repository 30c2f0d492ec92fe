"""Version 8: one index finds the effects of a case and those that are open; there were two, which every effect paid for."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To version 8."""
    op.execute("DROP INDEX effects_open")
    op.execute("DROP INDEX effects_case")
    op.execute("CREATE INDEX effects_case ON effects (case_id, connection_id, state, seq)")


def downgrade() -> None:
    """To the version before."""
    op.execute("DROP INDEX effects_case")
    op.execute("CREATE INDEX effects_open ON effects (connection_id, case_id, seq) WHERE state < 10")
    op.execute("CREATE INDEX effects_case ON effects (case_id)")
