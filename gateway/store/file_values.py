"""What the store says of files: which are wanted, and the bytes of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from gateway.model import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file that came with a message and whose bytes are not kept yet."""

    #: The activity, by its number.
    activity_id: int
    #: Its place among the activity's files, from 0.
    place: int
    #: The connection that it came over.
    connection: str
    #: The delivery that brought it.
    delivery_id: int
    attachment: Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """The bytes of a file that was fetched, where they can be read from."""

    #: Their SHA-256, hexadecimal.
    sha256: str
    #: How many they are.
    size: int
    #: A file that can be sought; what is read of it begins at its beginning.
    source: BinaryIO
