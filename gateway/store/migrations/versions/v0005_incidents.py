"""Version 5: incidents over cases, which cases belong to them, and what counts for one."""

from __future__ import annotations

from alembic import op

from gateway.store.schema import spelled

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE incidents (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL, title TEXT NOT NULL, opened_by TEXT NOT NULL,
    opened_at $INT NOT NULL, last_at $INT NOT NULL, closed_at $INT, ticket TEXT NOT NULL DEFAULT '',
    url TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX incidents_one_open ON incidents (name, fingerprint) WHERE closed_at IS NULL;
CREATE TABLE incident_cases (
    incident_id TEXT NOT NULL, case_id TEXT NOT NULL, contact_id TEXT NOT NULL, customers $INT NOT NULL,
    joined_at $INT NOT NULL, PRIMARY KEY (incident_id, case_id));
CREATE TABLE sightings (
    name TEXT NOT NULL, fingerprint TEXT NOT NULL, case_id TEXT NOT NULL, contact_id TEXT NOT NULL, seen_at $INT NOT NULL,
    PRIMARY KEY (name, fingerprint, case_id, contact_id));
CREATE INDEX sightings_seen ON sightings (name, seen_at)
"""


def upgrade() -> None:
    """From version 4 to 5."""
    for statement in spelled(_TABLES, op.get_bind().dialect.name).split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """From version 5 to 4. Cases keep what they know of their incident; nobody counts any more."""
    for table in ("sightings", "incident_cases", "incidents"):
        op.execute(f"DROP TABLE {table}")
