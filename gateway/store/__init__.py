"""The store: everything that must survive, one SQL code path for SQLite and PostgreSQL."""

from gateway.store.opening import open_store, warnings
from gateway.store.ports import Store
from gateway.store.values import StoreUnavailable

__all__ = ["Store", "StoreUnavailable", "open_store", "warnings"]
