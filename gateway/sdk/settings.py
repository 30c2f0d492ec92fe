"""What every connection can be told in `plugins.toml`; connectors add their own fields by subclassing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ConnectionSettings(BaseModel):
    """Settings of one connection. The docstring under a field is its documentation, for people and for editors.

    A subclass types every secret as `pydantic.SecretStr`: such a field is accepted only as ``{ env = "…" }`` or
    ``{ file = "…" }`` and is never printed.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True, hide_input_in_errors=True
    )
