"""Commands that read: the store is opened read-only, whether a gateway runs or not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.cli.configuration import read_premises
from gateway.cli.terminal import Failure

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gateway.store.ports import Store


@contextmanager
def reading(config: Path) -> Generator[Store, None, None]:
    """Open the store of a configuration for reading. Raises `Failure` with a sentence."""
    from gateway.store import open_store
    from gateway.store.values import StoreUnavailable

    premises = read_premises(config)
    try:
        store = open_store(premises.database, readonly=True)
    except StoreUnavailable as error:
        raise Failure(str(error)) from None
    try:
        yield store
    except StoreUnavailable as error:
        raise Failure(str(error)) from None
    finally:
        store.close()
