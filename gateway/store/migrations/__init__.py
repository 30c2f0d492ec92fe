"""Migrations, by Alembic; imported only when one is due.

The first version is made by `gateway.store.schema` alone. Each later one brings a module `versions/NNNN_words.py` with its
`upgrade` and `downgrade`, in the order expand, migrate, contract over two releases, and a stored database of the release
before as a fixture of its test.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def migrate(url: str) -> None:
    """Bring the tables of a store to this version. The caller holds the store alone."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, "head")
