"""Settings of a web chat."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from gateway.sdk import ConnectionSettings, safe_address


class WebchatSettings(ConnectionSettings):
    """On which sites the widget may speak, how visitors are told apart, and how much each may send."""

    allowed_origins: tuple[str, ...] = Field(min_length=1)
    """Sites that may show the widget, like https://shop.example.com: scheme and host as browsers write them in Origin."""

    token_secret: SecretStr = Field(min_length=32)
    """Signs the tokens by which visitors are known again: 32 random characters or more, known to nobody else."""

    previous_token_secret: SecretStr | None = None
    """The secret before it was changed: tokens of both are accepted until this line is removed."""

    identity_secret: SecretStr | None = Field(default=None, min_length=32)
    """With this your site signs who is logged in: a JWT (HS256), or the HMAC-SHA256 of the user's id. Without it all
    visitors are anonymous."""

    previous_identity_secret: SecretStr | None = Field(default=None, min_length=32)
    """The identity secret before it was changed: both are accepted until this line is removed."""

    visitor_days: int = Field(default=30, ge=1, le=365)
    """How long a browser is known again after its last visit, days."""

    file_types: tuple[str, ...] = (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
        "text/plain",
    )
    """Media types of files that visitors may send; none: no files. What is named here is compared with the file's first bytes
    where its type has a signature."""

    max_file: int = Field(default=10 * 1_048_576, ge=1_024, le=25 * 1_048_576)
    """Largest file that a visitor may send, bytes."""

    max_message: int = Field(default=4_000, ge=100, le=20_000)
    """Longest message of a visitor, characters."""

    messages_per_minute: int = Field(default=30, ge=1, le=6_000)
    """What one visitor may send in a minute; who is faster is told to wait, and nothing is lost."""

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parts = urlsplit(each)
            plain = each == f"{parts.scheme}://{parts.netloc}".lower() and parts.hostname is not None
            if not plain or parts.username is not None or "*" in each:
                message = (
                    f'"{each}" is no origin: write scheme and host in small letters, like https://shop.example.com'
                )
                raise ValueError(message)
            if not safe_address(each):
                message = f'"{each}" must begin with https://; http:// only for this machine'
                raise ValueError(message)
        return value

    @field_validator("file_types")
    @classmethod
    def _types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if each != each.lower() or each.count("/") != 1 or "*" in each or ";" in each:
                message = f'"{each}" is no media type: write one like image/png'
                raise ValueError(message)
        return value
