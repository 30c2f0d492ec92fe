"""Connectors: one folder for each outside system, all alike. They import `gateway.sdk` and their vendor, nothing else."""
