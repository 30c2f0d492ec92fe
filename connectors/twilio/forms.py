"""The fields of a request of Twilio: forms, in which a name may stand more than once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from gateway.sdk import Delivery

#: Media type of a form.
FORM: Final = "application/x-www-form-urlencoded"
#: Fields that one request may bring; Twilio sends some dozens.
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order of arrival. twilio's validator takes it for a multi-dictionary."""

    #: Names and values, decoded.
    pairs: tuple[tuple[str, str], ...]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(dict.fromkeys(name for name, _ in self.pairs))

    def __len__(self) -> int:
        """Return how many fields there are."""
        return len(self.pairs)

    def getall(self, name: str) -> list[str]:
        """Return all values of a name."""
        return [value for each, value in self.pairs if each == name]

    def get(self, *names: str) -> str:
        """Return the first value of the first of some names that has one, empty when none has."""
        return next((value for name in names for each, value in self.pairs if each == name and value), "")

    def has(self, name: str) -> bool:
        """Return whether a name stands there, with or without a value."""
        return any(each == name for each, _ in self.pairs)


def form_of(body: bytes) -> Form:
    """Return the fields of a form. Raises ValueError when the bytes are none (bad UTF-8, too many)."""
    text = body.decode("utf-8")
    return Form(tuple(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST)))


def query_of(delivery: Delivery) -> Form:
    """Return the fields of the URL's query: what we wrote into it ourselves, or the admin did. Never raises."""
    try:
        return Form(tuple(parse_qsl(urlsplit(delivery.url).query, keep_blank_values=True, max_num_fields=_MOST)))
    except ValueError:
        return Form(())


def lenient_form(delivery: Delivery) -> Form:
    """Return the fields of a delivery's body, none when it cannot be read. Never raises."""
    try:
        return form_of(delivery.body)
    except ValueError:
        return Form(())


def is_form(delivery: Delivery) -> bool:
    """Return whether a delivery says that it is a form, or says nothing."""
    stated = (delivery.header("Content-Type") or "").partition(";")[0].strip().lower()
    return stated in {"", FORM}
