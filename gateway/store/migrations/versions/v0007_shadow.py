"""Version 7: what a policy that is tried beside the one in force would have decided otherwise."""

from __future__ import annotations

from alembic import op

from gateway.store.schema import spelled

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To version 7."""
    engine = op.get_bind().dialect.name
    tried = """
CREATE TABLE shadows (
    candidate TEXT NOT NULL, policy TEXT NOT NULL, compared $INT NOT NULL, missed $INT NOT NULL, failed $INT NOT NULL,
    began_at $INT NOT NULL, seen_at $INT NOT NULL, PRIMARY KEY (candidate, policy))
"""
    diverged = """
CREATE TABLE divergences (
    id $SERIAL, candidate TEXT NOT NULL, case_id TEXT NOT NULL, seq $INT NOT NULL, kind TEXT NOT NULL, at $INT NOT NULL,
    doc TEXT NOT NULL, UNIQUE (candidate, case_id, seq, kind))
"""
    op.execute(spelled(tried, engine))
    op.execute(spelled(diverged, engine))


def downgrade() -> None:
    """To the version before, which tries no policies."""
    op.execute("DROP TABLE divergences")
    op.execute("DROP TABLE shadows")
