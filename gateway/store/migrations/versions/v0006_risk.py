"""Version 6: what closed cases teach of the risk of escalation, and the model that learned from them."""

from __future__ import annotations

from alembic import op

from gateway.store.schema import spelled

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    (
        "CREATE TABLE risk_lessons (case_id TEXT PRIMARY KEY, due_at $INT NOT NULL, state $INT NOT NULL DEFAULT 0,"
        " doc TEXT NOT NULL)"
    ),
    "CREATE INDEX risk_lessons_due ON risk_lessons (due_at, case_id) WHERE state = 0",
    "CREATE TABLE risk_models (id $INT PRIMARY KEY, version $INT NOT NULL, learned_at $INT NOT NULL, doc TEXT NOT NULL)",
)


def upgrade() -> None:
    """From version 4 to 8. Cases that are over already teach nothing: what was known of them then is not kept."""
    for statement in _TABLES:
        op.execute(spelled(statement, op.get_bind().dialect.name))


def downgrade() -> None:
    """From version 6 to 5. What was learned is lost."""
    op.execute("DROP TABLE risk_models")
    op.execute("DROP TABLE risk_lessons")
