"""Between zenpy and the wire: what zenpy would do behind our back is taken from it here.

- zenpy waits through rate limits in the caller's thread, without end: here 429 becomes an error at once.
- zenpy's own adapter repeats PUT requests: this one repeats nothing.
- zenpy cannot send an Idempotency-Key: this adds the one of the call in hand.
- zenpy picks its parser by the request's address: an API elsewhere (a sandbox) is therefore reached by a copy of the request,
  and the answer carries the original.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from gateway.sdk import retry_after

#: The idempotency key of the call in hand; None for calls that need none.
idempotency_key: Final[ContextVar[str | None]] = ContextVar("idempotency_key", default=None)

_THROTTLED: Final = 429
_UNAVAILABLE: Final = 503


class ThrottledError(Exception):
    """Zendesk wants to be asked later; nothing happened. `seconds` is its own wish, None when it stated none."""

    def __init__(self, status: int, seconds: float | None) -> None:
        """Keep the status and the wish."""
        super().__init__(f"Zendesk answered {status}")
        self.seconds = seconds


class Adapter(HTTPAdapter):
    """Sends each request once, to the right address, with the right key."""

    def __init__(self, api_url: str | None) -> None:
        """Take the address to go to instead of the account's own; None for that itself."""
        super().__init__(max_retries=0)
        self._target = urlsplit(api_url) if api_url else None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request. Raises ThrottledError."""
        outgoing = request.copy()
        key = idempotency_key.get()
        if key is not None and request.method in {"POST", "PUT"}:
            outgoing.headers["Idempotency-Key"] = key
        if self._target is not None:
            parts = urlsplit(request.url or "")
            outgoing.url = parts._replace(scheme=self._target.scheme, netloc=self._target.netloc).geturl()
        response = super().send(outgoing, *args, **kwargs)
        if response.status_code in {_THROTTLED, _UNAVAILABLE}:
            response.close()
            raise ThrottledError(response.status_code, retry_after(response.headers))
        response.request = request
        response.url = request.url or ""
        return response


def make_session(api_url: str | None) -> requests.Session:
    """Return a session for one thread."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Adapter(api_url))
    session.mount("http://", Adapter(api_url))
    session.headers["User-Agent"] = "Baton"
    return session
