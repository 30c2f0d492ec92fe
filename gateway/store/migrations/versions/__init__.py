"""One module a version of the tables; see `gateway.store.migrations`."""
