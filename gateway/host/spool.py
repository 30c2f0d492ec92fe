"""A file on its way through: in memory while it is small, on disk beyond that; counted and hashed as it comes."""

from __future__ import annotations

import hashlib
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

#: Bytes that are held in memory before they are written, and up to which a file never touches the disk.
SMALL: Final = 1_048_576


def temporary() -> BinaryIO:
    """Return an empty file that is gone once it is closed (in TMPDIR, when it is large)."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=SMALL))


class Spool:
    """A file that comes in pieces."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.file = temporary()
        #: Bytes that came so far.
        self.size = 0
        self._digest = hashlib.sha256()
        self._held: list[bytes] = []
        self._holding = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was written, hexadecimal."""
        return self._digest.hexdigest()

    def take(self, piece: bytes) -> bool:
        """Hold a piece; True when `write` is due."""
        self.size += len(piece)
        self._held.append(piece)
        self._holding += len(piece)
        return self._holding >= SMALL

    def write(self) -> None:
        """Write what is held. It may wait for the disk: for a thread."""
        held, self._held, self._holding = self._held, [], 0
        for piece in held:
            self._digest.update(piece)
            self.file.write(piece)

    def close(self) -> None:
        """Forget it all. Safe twice."""
        self._held = []
        self.file.close()
