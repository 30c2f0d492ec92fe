"""What every connection can be told in `plugins.toml`; connectors add their own fields by subclassing."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

#: Names and addresses of this machine.
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def safe_address(url: str) -> bool:
    """Tell whether nobody can read on the way what is sent to a URL: https, or http within this machine. Raises ValueError."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


class ConnectionSettings(BaseModel):
    """Settings of one connection. The docstring under a field is its documentation, for people and for editors.

    A subclass types every secret as `pydantic.SecretStr`: such a field is accepted only as ``{ env = "…" }`` or
    ``{ file = "…" }`` and is never printed.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True, hide_input_in_errors=True
    )

    def notices_lack(self) -> tuple[str, ...]:
        """Say what these settings lack for telling agents, and what to set: each the end of a sentence, none for nothing.

        For a `Notifier` that runs without a setting that its notices need: ``("it has no number …, so set notify_from",)``. A
        policy that tells anybody over such a connection is refused with these words, instead of making dead letters.
        """
        return ()
