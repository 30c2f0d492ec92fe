"""Migrations, by Alembic; imported only when one is due.

The first version is made by `gateway.store.schema` alone. Each later one brings a module `versions/vNNNN_words.py` with its
`upgrade` and `downgrade`, in the order expand, migrate, contract over two releases, and a stored database of the version
before as a fixture of its test (`tests/store/versions`). A migration is one transaction on both engines: a process that is
killed in it leaves the version before.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def migrate(url: str, to: str = "head") -> None:
    """Bring the tables of a store to a version. The caller holds the store alone, or shares PostgreSQL's lock for it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    if to == "head":
        command.upgrade(config, to)
    else:
        command.downgrade(config, to)
