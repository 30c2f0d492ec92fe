"""Signals: what a text or a case says of itself, each with its evidence. Pure: no I/O, no clock."""
