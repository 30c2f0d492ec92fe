"""Version 4: whether messages are wanted stands with the thread, so that a later case on it knows of an earlier STOP."""

from __future__ import annotations

import json

import sqlalchemy
from alembic import op

from gateway.store.schema import spelled

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 3 to 4. What was said on a thread last, counts."""
    bind = op.get_bind()
    op.execute(spelled("ALTER TABLE threads ADD COLUMN silenced $INT NOT NULL DEFAULT 0", bind.dialect.name))
    said = bind.execute(
        sqlalchemy.text(
            "SELECT a.thread_id, c.doc FROM activities a JOIN contents c ON c.activity_id = a.id"
            " WHERE a.kind = 'consent' AND a.state <> 0 ORDER BY a.id"
        )
    )
    wanted = {thread: json.loads(doc).get("consent") for thread, doc in said}
    for thread, granted in wanted.items():
        if granted is False:
            bind.execute(sqlalchemy.text("UPDATE threads SET silenced = 1 WHERE id = :thread"), {"thread": thread})


def downgrade() -> None:
    """From version 4 to 3, which looks for a STOP in the case alone."""
    op.execute("ALTER TABLE threads DROP COLUMN silenced")
