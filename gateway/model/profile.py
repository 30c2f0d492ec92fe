"""What an outside system knows of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a system knows of a customer."""

    #: Values by our names: ``tier``, ``organization``, ``value``, ``orders`` …
    values: Mapping[str, object]
    #: When it was read, UTC microseconds.
    read_at: int
