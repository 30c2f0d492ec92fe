"""A delivery: one inbound request, mail or frame, exactly as it arrived; and the answer that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Header of a delivery that was larger than what is kept: how large it was, bytes. Only Baton writes it.
CUT_HEADER: Final = "Baton-Cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One inbound request, mail or frame, byte for byte. It is verified, kept, acknowledged, and only then parsed."""

    #: The connection it came to, by its name in `plugins.toml`.
    connection: str
    #: Which of the connection's endpoints: the last part of the hook's path, empty for the only one.
    endpoint: str
    #: When Baton had it, UTC microseconds.
    received_at: int
    #: HTTP method; ``FRAME`` for what came over a stream.
    method: str
    #: The public URL that the sender addressed, built from `public_url`, never from a Host header.
    url: str
    #: Headers in the order of arrival, names as sent; repeated ones stand repeatedly.
    headers: tuple[tuple[str, str], ...]
    #: The raw body.
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of the only header `name` (in any case), or None when it is absent or ambiguous.

        A header that stands twice with different values proves nothing, so it counts as absent.
        """
        wanted = name.lower()
        found = {value for key, value in self.headers if key.lower() == wanted}
        return found.pop() if len(found) == 1 else None

    @property
    def whole_size(self) -> int | None:
        """Return how large the delivery was, bytes, when it was cut because it was too large; None when it is whole."""
        found = self.header(CUT_HEADER)
        return int(found) if found is not None and found.isascii() and found.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What the sender is answered after its delivery is safe."""

    #: HTTP status, 200 to 299.
    status: int = 200
    #: The body, as the vendor wants it.
    body: bytes = b""
    #: Its media type, empty for no body.
    content_type: str = ""
    #: Further headers.
    headers: tuple[tuple[str, str], ...] = ()
