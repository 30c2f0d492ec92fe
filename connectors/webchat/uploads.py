"""Files that visitors send: what is taken. Pure.

A type that has a signature must carry it: a page of HTML that calls itself a picture is no picture. Sources of the
signatures: PNG (W3C) 5.2, JFIF 1.02, GIF89a 17, WebP container (RFC 9649), ISO 32000-1 7.5.2.
"""

from __future__ import annotations

from typing import Final

from connectors.webchat.frames import Refused

_SIGNATURES: Final[dict[str, tuple[bytes, ...]]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "application/pdf": (b"%PDF-",),
}
_WEBP: Final = "image/webp"
_TEXT: Final = "text/plain"


def check_file(media_type: str, body: bytes, *, allowed: tuple[str, ...], largest: int) -> None:
    """See that a file may be taken. Raises Refused with a sentence for the visitor."""
    if media_type not in allowed:
        raise Refused("Files of this type are not taken.")
    if not body:
        raise Refused("The file is empty.")
    if len(body) > largest:
        raise Refused(f"The file is larger than {largest} bytes.")
    if not _looks_like(media_type, body):
        raise Refused("The file is not of the type that it says it is.")


def _looks_like(media_type: str, body: bytes) -> bool:
    if media_type == _WEBP:
        return body[:4] == b"RIFF" and body[8:12] == b"WEBP"
    if media_type == _TEXT:
        try:
            return b"\x00" not in body and bool(body.decode())
        except UnicodeDecodeError:
            return False
    signatures = _SIGNATURES.get(media_type)
    return signatures is None or body.startswith(signatures)
