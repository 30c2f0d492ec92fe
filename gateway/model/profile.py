"""What an outside system knows of a customer."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Profile(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a system knows of a customer."""

    #: Values by our names: ``tier``, ``organization``, ``value``, ``orders`` …
    values: Mapping[str, object]
    #: When it was read, UTC microseconds.
    read_at: int
