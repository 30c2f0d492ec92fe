"""The bodies that mail services post: forms (RFC 7578, and URL-encoded) and JSON, as fields and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.email.headers import decode_text, parameters
from connectors.email.mime import content, read
from gateway.sdk import Delivery, UnreadableDelivery, as_object

#: Fields that are read of one form.
MOST_FIELDS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form."""

    #: Its name.
    name: str
    #: Its bytes.
    data: bytes
    #: The file's name, None when it is no file.
    file: str | None = None
    #: The media type that the form states, empty when none.
    media_type: str = ""


class Form:
    """A form's fields, in order."""

    def __init__(self, fields: list[Field]) -> None:
        """Take the fields."""
        self.fields = fields
        self._charsets = self.table("charsets")

    def __contains__(self, name: str) -> bool:
        """Return whether there is a field of this name that is no file."""
        return any(each.name == name and each.file is None for each in self.fields)

    def text(self, name: str) -> str:
        """Return the first field of a name as text, in the charset that SendGrid names for it; empty when there is none."""
        found = next((each for each in self.fields if each.name == name and each.file is None), None)
        return decode_text(found.data, str(self._charsets.get(name, ""))) if found is not None else ""

    def last(self, name: str) -> str:
        """Return the last field of a name as text: what a service itself says stands behind what its customers let it carry."""
        found = [each for each in self.fields if each.name == name and each.file is None]
        return decode_text(found[-1].data, "") if found else ""

    def data(self, name: str) -> bytes | None:
        """Return the bytes of the first field of a name, file or not."""
        return next((each.data for each in self.fields if each.name == name), None)

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a field that holds a JSON object; empty when it holds none."""
        found = next((each for each in self.fields if each.name == name), None)
        return as_object(_parsed(found.data) if found is not None else None)

    def named(self, name: str) -> list[str]:
        """Return the values of a field that holds a JSON object, those of repeated keys too."""
        found = next((each for each in self.fields if each.name == name), None)
        try:
            pairs: object = json.loads(found.data if found is not None else b"{}", object_pairs_hook=list)
        except (ValueError, RecursionError):
            return []
        values = [pair[1] for pair in pairs if isinstance(pair, tuple)] if isinstance(pairs, list) else []
        return [each for each in values if isinstance(each, str)]

    def files(self) -> list[Field]:
        """Return the files, in order."""
        return [each for each in self.fields if each.file is not None]


def _parsed(data: bytes) -> object:
    try:
        value: object = json.loads(data)
        if b"\\u" in data:
            # An escaped half of a character is valid JSON, and nothing that a store takes.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value


def json_of(delivery: Delivery) -> object:
    """Return the JSON of a body, None when it is none."""
    return _parsed(delivery.body)


def is_json(delivery: Delivery) -> bool:
    """Return whether a body is meant as JSON."""
    stated = (delivery.header("content-type") or "").lower()
    return "json" in stated or (not stated and delivery.body.lstrip()[:1] in {b"{", b"["})


def form_of(delivery: Delivery) -> Form:
    """Return the form of a body. Raises `UnreadableDelivery` when it is none."""
    stated = delivery.header("content-type") or ""
    media_type, values = parameters(stated)
    if media_type == "multipart/form-data" or (not stated and delivery.body.lstrip()[:2] == b"--"):
        return Form(_multipart(delivery.body, values.get("boundary") or _first_boundary(delivery.body)))
    if media_type in {"application/x-www-form-urlencoded", ""}:
        return Form(_encoded(delivery.body))
    raise UnreadableDelivery("The body is no form: the service must be set to post forms here.")


def is_stated_as_written(delivery: Delivery) -> bool:
    """Return whether a body would be read in the same way without its Content-Type.

    Nobody signs that header: with another one, signed bytes would say something else.
    """
    stated = delivery.header("content-type") or ""
    if not stated:
        return True
    if delivery.body.lstrip()[:2] != b"--":
        return is_json(delivery) and delivery.body.lstrip()[:1] in {b"{", b"["}
    media_type, values = parameters(stated)
    fits = values.get("boundary") in {None, "", _first_boundary(delivery.body)}
    return media_type == "multipart/form-data" and fits and not is_json(delivery)


def _first_boundary(body: bytes) -> str:
    """Return the boundary that a multipart body begins with."""
    return body.lstrip().split(b"\n", 1)[0].strip()[2:72].decode("latin-1")


def _multipart(body: bytes, boundary: str) -> list[Field]:
    if not boundary:
        raise UnreadableDelivery("The form names no boundary.")
    head = f'Content-Type: multipart/form-data; boundary="{boundary}"\r\n\r\n'.encode("utf-8", "replace")
    form = read(head + body, MOST_FIELDS)
    found: list[Field] = []
    for part in form.root.parts:
        _, values = parameters(part.headers.get("content-disposition"))
        name = values.get("name", "")
        if name:
            file = values.get("filename")
            # A field may itself be multipart by its own header (a mail as text): its bytes are what counts.
            found.append(Field(name=name, data=content(form, part), file=file, media_type=part.media_type))
    if not found:
        raise UnreadableDelivery("The form has no fields.")
    return found


def _encoded(body: bytes) -> list[Field]:
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise UnreadableDelivery(f"The form has more than {MOST_FIELDS} fields.") from error
    if not pairs:
        raise UnreadableDelivery("The form has no fields.")
    return [Field(name=name, data=value.encode("latin-1")) for name, value in pairs]
