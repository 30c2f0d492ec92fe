"""The `[cases]` section: what becomes one case, when a case is over, and how identifiers are compared."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from gateway.config.section import Section
from gateway.slips import duration_meant, no_duration

_MICRO: Final = 1_000_000
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_REGION: Final = re.compile(r"[A-Z]{2}")
#: The longest time that may be set: ten years.
_LONGEST: Final = 3_653 * 86_400 * _MICRO


class MailDomain(Section):
    """How addresses of one mail domain are compared. Capitals never matter."""

    ignore_dots: bool = False
    """Dots before the @ do not matter."""

    ignore_plus: bool = False
    """What stands between a plus and the @ does not matter."""

    same_as: str = ""
    """The domain that this is another name of."""

    @field_validator("same_as")
    @classmethod
    def _same_as(cls, value: str) -> str:
        return _domain(value) if value else value


class CasesSection(Section):
    """What becomes one case."""

    join: Literal["never", "same-contact"] = "same-contact"
    """Whether a new thread of somebody who is proven to be a known customer joins the one open case that they have on
    another channel: `same-contact`, or `never`."""

    join_within: str = "3d"
    """How long ago something must have happened in that case at most."""

    reopen_within: str = "7d"
    """How long after it was resolved a case is reopened when its customer writes again; later they begin a new case,
    which says which one it follows."""

    phone_reused_after: str = "45d"
    """A telephone number that was silent for longer is taken for another person's: networks give numbers out again."""

    phone_region: str = ""
    """Country (two capital letters, ISO 3166) of telephone numbers that are written without one."""

    languages: tuple[str, ...] = ()
    """The languages that your desk answers in (ISO 639-1): of these each message's language is told, when there are two
    or more. Needs the extra `language`."""

    mail: dict[str, MailDomain] = Field(default_factory=dict)
    """Mail domains whose addresses have several spellings, by domain."""

    @field_validator("join_within", "reopen_within", "phone_reused_after", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        if isinstance(value, str):
            microseconds(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # The number alone has a better answer than that it is no text.
            raise ValueError(no_duration(value))  # noqa: TRY004 (pydantic takes a ValueError)
        return value

    @field_validator("phone_region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value and not _REGION.fullmatch(value):
            message = f'"{value}" is no country: write two capital letters, like DE'
            raise ValueError(message)
        return value

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _LANGUAGE.fullmatch(each):
                message = f'"{each}" is no language: write two small letters, like en'
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _domains(self) -> CasesSection:
        for name in self.mail:
            if _domain(name) != name:
                message = f'write the domain "{name}" in small letters, without an @'
                raise ValueError(message)
        return self


def microseconds(value: str) -> int:
    """Return a time like ``30m``, ``6h`` or ``3d`` in microseconds. Raises ValueError with a sentence."""
    time = _time(value)
    if time is None:
        meant = duration_meant(value)
        like = meant if meant and _time(meant) else "one like 30m, 6h or 3d, ten years at most"
        message = f'"{value}" is no time: write {like}'
        raise ValueError(message)
    return time


def _time(value: str) -> int | None:
    found = _DURATION.fullmatch(value)
    time = int(found[1]) * _UNITS[found[2]] * _MICRO if found is not None else 0
    return time if 0 < time <= _LONGEST else None


def _domain(value: str) -> str:
    if "@" in value or "." not in value or any(each.isspace() for each in value):
        message = f'"{value}" is no mail domain: write one like example.com'
        raise ValueError(message)
    return value.lower()
