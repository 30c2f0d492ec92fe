"""Predicted risk of escalation: features of a case, a model that was learned from closed cases, and what they say together.

Nothing here knows a store or a clock: the gateway learns in the background, and hands the score to `decide` in its snapshot.
"""
