"""Measurements: everything as a ratio within one run, so that a busy machine changes both sides alike."""
