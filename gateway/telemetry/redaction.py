"""Keeps secrets out of every output: live values that the configuration named, and shapes that secrets have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from json import dumps
from typing import Any, Final
from urllib.parse import quote

_STARS: Final = "***"
#: Shorter values occur in ordinary words by chance; nothing that short keeps anybody out.
_SHORTEST: Final = 6
_DEEPEST: Final = 6

#: Keys whose values are bodies or secrets whoever logs them.
_WITHHELD: Final = frozenset(
    {
        "access_token",
        "api_key",
        "api_token",
        "authorization",
        "body",
        "cookie",
        "description",
        "headers",
        "html",
        "message_text",
        "password",
        "payload",
        "raw",
        "secret",
        "signature",
        "signing_secret",
        "subject",
        "text",
        "token",
        "transcript",
    }
)

#: Shapes: the vendor's token prefixes, authorization headers, credentials and tokens in URLs, private keys.
_SHAPES: Final = (
    re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{6,}"),
    re.compile(r"\bxapp-[A-Za-z0-9-]{6,}"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=[?&])(token|key|secret|password|access_token|signature|sig)=[^&\s\"']+"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)


class Redaction:
    """A registry of live secrets, and the cutter that uses it. One a process; a reload adds to it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Begin with `secrets`."""
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def __repr__(self) -> str:
        """Say how many secrets are known, and none of them."""
        return f"Redaction({len(self._known)} secrets)"

    def learn(self, secrets: Iterable[str]) -> None:
        """Keep these out too. What was a secret once stays one: a rotated key may still be valid at the vendor."""
        fresh = {secret for secret in secrets if len(secret) >= _SHORTEST} - self._known
        if fresh or self._pattern is None:
            self._known |= fresh
            # Longest first, so that a secret that contains another is cut whole.
            spelled = sorted(
                {spelling for secret in self._known for spelling in _spellings(secret)}, key=len, reverse=True
            )
            self._pattern = re.compile("|".join(map(re.escape, spelled))) if spelled else None

    def text(self, value: str) -> str:
        """Return the text without secrets."""
        value = self.known(value)
        for shape in _SHAPES:
            value = shape.sub(_STARS, value)
        return value

    def known(self, value: str) -> str:
        """Return the text without the secrets that are known: quick, and enough for words that are all our own."""
        return value if self._pattern is None else self._pattern.sub(_STARS, value)

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return the value without secrets and bodies; what is no plain JSON value becomes text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes | bytearray | memoryview):
            return f"({len(value)} bytes withheld)"
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._several(value, depth + 1) if depth < _DEEPEST else "(too deep)"
        return self.text(str(value))

    def _several(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            table: Mapping[Any, Any] = value
            return self.fields({str(key): item for key, item in table.items()}, depth)
        return [self.value(item, depth) for item in value]

    def fields(self, fields: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """Return log fields without secrets and bodies."""
        return {
            self.text(key): "(withheld)"
            if key.lower() in _WITHHELD and item not in (None, "")
            else self.value(item, depth)
            for key, item in fields.items()
        }


def _spellings(secret: str) -> Iterable[str]:
    """Yield the secret as it may stand in JSON, in a URL, or printed by `repr`."""
    return {secret, dumps(secret)[1:-1], quote(secret, safe=""), repr(secret)[1:-1]}
