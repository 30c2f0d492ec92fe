"""Version 3: what outside systems know of people, with its age."""

from __future__ import annotations

from alembic import op

from gateway.store.schema import spelled

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 2 to 3."""
    table = """
CREATE TABLE profiles (
    contact_id TEXT NOT NULL, connection_id $INT NOT NULL, members TEXT NOT NULL, read_at $INT NOT NULL, doc TEXT NOT NULL,
    PRIMARY KEY (contact_id, connection_id))
"""
    op.execute(spelled(table, op.get_bind().dialect.name))


def downgrade() -> None:
    """From version 3 to 2. What was known of people is lost, and asked for again."""
    op.execute("DROP TABLE profiles")
