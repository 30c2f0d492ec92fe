"""Version 2: contacts that are linked by proof, threads by message ids, delivery states; files and leases.

What stood in version 1 keeps its meaning: each identifier is its own contact, and what was only claimed is set apart from what
was proven. Canonical forms are unknown to the store: an old identifier gets its own when its owner starts the next thread.
"""

from __future__ import annotations

from typing import Final

from alembic import op

from gateway.store.schema import spelled

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IDENTIFIERS: Final = """
CREATE TABLE identifiers (
    connection_id $INT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, proven $INT NOT NULL, era $INT NOT NULL,
    contact_id TEXT NOT NULL, evidence TEXT NOT NULL, name TEXT NOT NULL, canonical TEXT, claim TEXT, seen_at $INT NOT NULL,
    PRIMARY KEY (connection_id, kind, value, proven, era));
INSERT INTO identifiers (connection_id, kind, value, proven, era, contact_id, evidence, name, seen_at)
SELECT o.connection_id, o.kind, o.value,
    CASE WHEN o.evidence = 'claimed' OR (o.kind = 'email' AND o.evidence <> 'verified') THEN 0 ELSE 1 END,
    0, o.contact_id, o.evidence, o.name, coalesce(c.created_at, 0)
FROM identifiers_1 o LEFT JOIN contacts c ON c.id = o.contact_id;
DROP TABLE identifiers_1;
CREATE INDEX identifiers_contact ON identifiers (contact_id);
CREATE INDEX identifiers_canonical ON identifiers (canonical) WHERE canonical IS NOT NULL;
CREATE INDEX identifiers_claim ON identifiers (claim) WHERE claim IS NOT NULL
"""
_REST: Final = """
ALTER TABLE contacts ADD COLUMN root_id TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN merged_into TEXT;
UPDATE contacts SET root_id = id;
CREATE INDEX contacts_root ON contacts (root_id);
CREATE TABLE contact_links (
    id $SERIAL, contact_id TEXT NOT NULL, into_id TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
    linked_at $INT NOT NULL, undone_at $INT);
CREATE TABLE separations (
    contact_id TEXT NOT NULL, other_id TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, separated_at $INT NOT NULL,
    PRIMARY KEY (contact_id, other_id));
CREATE TABLE suggestions (
    id $SERIAL, contact_id TEXT NOT NULL, other_id TEXT NOT NULL, reason TEXT NOT NULL, created_at $INT NOT NULL,
    state TEXT NOT NULL, actor TEXT NOT NULL, decided_at $INT, UNIQUE (contact_id, other_id));
CREATE INDEX cases_contact ON cases (contact_id);
ALTER TABLE merges ADD COLUMN since $INT;
ALTER TABLE threads ADD COLUMN contact_id TEXT;
UPDATE threads SET contact_id = (SELECT c.contact_id FROM cases c WHERE c.id = threads.home_case_id) WHERE channel <> 'helpdesk';
CREATE TABLE message_ids (
    connection_id $INT NOT NULL, digest TEXT NOT NULL, thread_id TEXT NOT NULL, PRIMARY KEY (connection_id, digest));
CREATE TABLE participants (
    thread_id TEXT NOT NULL, digest TEXT NOT NULL, began $INT NOT NULL, verified $INT NOT NULL,
    PRIMARY KEY (thread_id, digest));
CREATE INDEX foreign_ids_known ON foreign_ids (connection_id, foreign_id);
CREATE INDEX foreign_ids_effect ON foreign_ids (effect_id);
CREATE TABLE reports (
    connection_id $INT NOT NULL, message TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (connection_id, message));
CREATE TABLE strays (activity_id $INT PRIMARY KEY, connection_id $INT NOT NULL, message TEXT NOT NULL);
CREATE INDEX strays_message ON strays (connection_id, message);
CREATE TABLE files (
    activity_id $INT NOT NULL, place $INT NOT NULL, sha256 TEXT NOT NULL, size $INT, note TEXT NOT NULL,
    PRIMARY KEY (activity_id, place));
CREATE TABLE leases (connection_id $INT PRIMARY KEY, owner TEXT NOT NULL, until $INT NOT NULL)
"""
_BACK: Final = """
DROP TABLE strays;
DROP TABLE reports;
DROP INDEX foreign_ids_effect;
DROP INDEX foreign_ids_known;
DROP TABLE participants;
DROP TABLE message_ids;
ALTER TABLE threads DROP COLUMN contact_id;
ALTER TABLE merges DROP COLUMN since;
DROP INDEX cases_contact;
DROP TABLE suggestions;
DROP TABLE separations;
DROP TABLE contact_links;
DROP INDEX contacts_root;
ALTER TABLE contacts DROP COLUMN merged_into;
ALTER TABLE contacts DROP COLUMN root_id;
ALTER TABLE identifiers RENAME TO identifiers_2;
CREATE TABLE identifiers (
    connection_id $INT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, contact_id TEXT NOT NULL, evidence TEXT NOT NULL,
    name TEXT NOT NULL, PRIMARY KEY (connection_id, kind, value));
INSERT INTO identifiers (connection_id, kind, value, contact_id, evidence, name)
SELECT connection_id, kind, value, contact_id, evidence, name FROM identifiers_2 n WHERE NOT EXISTS (
    SELECT 1 FROM identifiers_2 o WHERE o.connection_id = n.connection_id AND o.kind = n.kind AND o.value = n.value
    AND (o.proven > n.proven OR (o.proven = n.proven AND o.era > n.era)));
DROP TABLE identifiers_2;
UPDATE activities SET state = 2 WHERE state = 3;
DROP TABLE leases;
DROP TABLE files
"""


def _run(text: str) -> None:
    for statement in spelled(text, op.get_bind().dialect.name).split(";\n"):
        if statement.strip():
            op.execute(statement)


def _free_name() -> None:
    """PostgreSQL names an index after the table it is made for, and keeps the name when the table gets another."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX identifiers_pkey RENAME TO identifiers_earlier_pkey")


def upgrade() -> None:
    """From version 1 to 2."""
    op.execute("ALTER TABLE identifiers RENAME TO identifiers_1")
    _free_name()
    _run(_IDENTIFIERS)
    _run(_REST)


def downgrade() -> None:
    """From version 2 to 1. What version 1 cannot say is lost: links, suggestions, separations, delivery states."""
    _free_name()
    _run(_BACK)
