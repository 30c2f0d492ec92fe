"""Calls of Twilio's API: twilio's async client on the host's session.

twilio's own async transport has no time-out, forgets the answer's headers and with them Retry-After, and can send a POST
three times; ours has explicit time-outs, sends once, and says what an error means.
"""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from connectors.twilio.vocabulary import ADVICE, REFUSED
from gateway.sdk import (
    CredentialsRefused,
    Host,
    PermanentFailure,
    TemporaryFailure,
    retry_after,
    unanswered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT: Final = 5.0
_THROTTLED: Final = 429
_UNAVAILABLE: Final = 503
_SERVER_ERROR: Final = 500
_UNAUTHORIZED: Final = 401
_OK: Final = range(200, 300)
#: Codes that ask to come later, whatever the status (twilio.com/docs/api/errors/20429, …/14107).
_LATER: Final = frozenset({20429, 14107})


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


class Transport(AsyncHttpClient):  # type: ignore[misc] # twilio is typed, and does not say so
    """Sends the SDK's requests over the host's session, each once, and raises the contract's errors for what goes wrong."""

    def __init__(self, host: Host, *, base_url: str, timeout: float) -> None:
        """Take the host, where the API is (all of Twilio's hosts are, when it is not Twilio's), and the time-out in seconds."""
        super().__init__(logging.getLogger("baton.connector.twilio"), True, timeout)
        self._host = host
        self._url = base_url
        self._seconds = timeout

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (twilio's own signature)
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 (likewise; none is followed)
    ) -> Response:
        """Send one request. Raises our errors; an answer that comes back is whole, JSON, and of status 2xx."""
        writes = method.upper() != "GET"
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = basic(*auth)
        body: dict[str, Any] = {}
        if data and sent.get("Content-Type") == "application/json":
            body = {"json": data}
        elif data:
            body = {"data": _flat(data)}
        try:
            async with self._host.http.request(
                method.upper(),
                self._address(uri),
                params=_flat(params or {}),
                headers=sent,
                timeout=aiohttp.ClientTimeout(total=timeout or self._seconds, sock_connect=_CONNECT),
                allow_redirects=False,
                **body,
            ) as answer:
                status, answered, text = answer.status, dict(answer.headers), await answer.text()
        except aiohttp.ClientConnectorError:
            raise TemporaryFailure("Twilio cannot be reached.") from None
        except (TimeoutError, aiohttp.ClientError, OSError, UnicodeError) as error:
            sentence = f"No whole answer came from Twilio ({type(error).__name__})."
            raise unanswered(sentence, writes=writes) from None
        found = _object(text)
        if status in _OK:
            if found is None and status != 204:  # noqa: PLR2004 (No Content)
                raise unanswered("Twilio's answer was no JSON object.", writes=writes)
            return Response(status, text, answered)
        raise judged(status, answered, found or {}, writes=writes)

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        if self._url == f"{parts.scheme}://{parts.netloc}":
            return url
        return self._url + parts.path + (f"?{parts.query}" if parts.query else "")


def _flat(values: dict[str, object]) -> list[tuple[str, str]]:
    """Return names and values, lists as repeated names."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        several: list[Any] = value if isinstance(value, list) else [value]
        found += [(name, _spoken(each)) for each in several if each is not None]
    return found


def _spoken(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def judged(status: int, headers: Mapping[str, str], found: Mapping[str, Any], *, writes: bool) -> Exception:
    """Return the error that an answer stands for. Twilio's own sentence is not quoted: it may hold numbers and text."""
    code = found.get("code")
    number = code if isinstance(code, int) else 0
    seconds = retry_after(headers)
    if status == _THROTTLED or number in _LATER:
        return TemporaryFailure("Twilio wants to be asked later.", retry_after=seconds)
    if status == _UNAVAILABLE:
        return TemporaryFailure("Twilio is not available.", retry_after=seconds)
    if status == _UNAUTHORIZED or number in REFUSED:
        return CredentialsRefused(
            f"Twilio refuses our credentials ({number or status}): check account_sid, auth_token and the API key's permissions."
        )
    if status >= _SERVER_ERROR:
        return unanswered(f"Twilio answered {status}.", writes=writes)
    advice = ADVICE.get(number, "see the page of Twilio's errors for this number")
    return PermanentFailure(f"Twilio refused it ({number or status}): {advice}.")
