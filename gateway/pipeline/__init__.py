"""From the journal to the outbox and out: one module a step, and `Pipeline`, which runs them."""

from gateway.pipeline.pipeline import Pipeline

__all__ = ["Pipeline"]
