"""Calls of RT's REST2, and the errors that they end in.

Source: the documentation that RT itself serves at `/REST/2.0`, and what RT 5.0 answers. No sentence of RT's is quoted in an
error: it may repeat what was sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from connectors.request_tracker.settings import RequestTrackerSettings
from gateway.sdk import (
    CredentialsRefused,
    Host,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    retry_after,
    unanswered,
)

#: Largest answer that is read, bytes: a file of `max_file` in base64, and some.
_LARGEST: Final = 16 * 1024 * 1024

_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CHANGED: Final = 412
_NOT_TAKEN: Final = frozenset({429, 503})
_SERVER_ERROR: Final = 500


class AbsentError(PermanentFailure):
    """RT does not know what was asked for, or hides it."""


class DeniedError(PermanentFailure):
    """RT's rights forbid it."""


class SlowError(OutcomeUnknown):
    """No answer came in time: RT may still be at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What RT answered."""

    #: The body, read as JSON.
    value: Any
    #: The entity tag, empty when there is none: the id of a ticket's newest transaction.
    tag: str
    #: Last part of the Location, empty when there is none: the id of what was made.
    made: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that goes along with a message."""

    #: Its name, fit for a header.
    name: str
    #: Its media type.
    media_type: str
    #: Its bytes.
    content: bytes


class Api:
    """REST2 of one RT, as one user."""

    def __init__(self, settings: RequestTrackerSettings, host: Host) -> None:
        """Take the settings, and the host whose guarded session is used."""
        self._root = f"{settings.url}/REST/2.0"
        self._host = host
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout)
        if settings.token is not None:
            authorization = f"token {settings.token.get_secret_value()}"
        else:
            password = settings.password.get_secret_value() if settings.password is not None else ""
            login = f"{settings.user}:{password}".encode()
            authorization = f"Basic {base64.b64encode(login).decode()}"
        # RT's servers drop an idle connection after a second or so: one that is used again loses answers for nothing.
        self._headers = {"Authorization": authorization, "Accept": "application/json", "Connection": "close"}

    async def get(self, *path: str | int, **query: str | int) -> Any:
        """Read something. Raises `AbsentError`, `DeniedError`, `TemporaryFailure` or `CredentialsRefused`."""
        return (await self.show(*path, **query)).value

    async def show(self, *path: str | int, **query: str | int) -> Answer:
        """Read something, with its entity tag. Raises as `get`."""
        return await self._call("GET", path, query, None, {})

    async def post(self, *path: str | int, body: Mapping[str, Any], files: Iterable[Upload] = ()) -> Answer:
        """Make something. Raises `OutcomeUnknown` too."""
        return await self._call("POST", path, {}, body, {}, tuple(files))

    async def put(self, *path: str | int, body: Mapping[str, Any], tag: str = "") -> Answer:
        """Change something, unless it changed since `tag` (then `TemporaryFailure`). Raises `OutcomeUnknown` too."""
        return await self._call("PUT", path, {}, body, {"If-Match": tag} if tag else {})

    async def _call(
        self,
        method: str,
        path: tuple[str | int, ...],
        query: Mapping[str, str | int],
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        files: tuple[Upload, ...] = (),
    ) -> Answer:
        writes = method != "GET"
        try:
            async with self._host.http.request(
                method,
                "/".join([self._root, *(quote(str(part), safe="@") for part in path)]),
                params=[(name, str(value)) for name, value in query.items()],
                json=body if not files else None,
                data=_form(body, files) if files else None,
                headers={**self._headers, **headers},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                _judge(response, writes=writes)
                text = await _whole(response)
                return Answer(
                    value=json.loads(text),
                    tag=response.headers.get("ETag", ""),
                    made=response.headers.get("Location", "").rpartition("/")[2],
                )
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            raise TemporaryFailure("Request Tracker cannot be reached.") from None
        except TimeoutError:
            if writes:
                raise SlowError("Request Tracker did not answer in time.") from None
            raise TemporaryFailure("Request Tracker did not answer in time.") from None
        except aiohttp.ClientError as error:
            raise unanswered(
                f"The connection to Request Tracker broke ({type(error).__name__}).", writes=writes
            ) from None
        except ValueError:
            raise unanswered("Request Tracker's answer is not JSON.", writes=writes) from None


def _form(body: Mapping[str, Any] | None, files: Iterable[Upload]) -> aiohttp.FormData:
    """Return a form. Within JSON, RT 5.0 spoils names of files that are not ASCII; in a form it takes them as they are."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("JSON", json.dumps(body))
    for file in files:
        form.add_field("Attachments", file.content, filename=file.name, content_type=file.media_type)
    return form


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Return the answer's body. Raises PermanentFailure when it is larger than anything that is wanted."""
    parts = bytearray()
    async for part in response.content.iter_chunked(65_536):
        parts += part
        if len(parts) > _LARGEST:
            raise PermanentFailure("Request Tracker's answer is larger than 16 MB: the file is too large to carry.")
    return bytes(parts)


def _judge(response: aiohttp.ClientResponse, *, writes: bool) -> None:
    """Return when RT did what it was asked to. Raises the error that the status means."""
    status = response.status
    if _OK <= status < _REDIRECTS.start:
        return
    if status == _UNAUTHORIZED:
        raise CredentialsRefused("Request Tracker refuses our credentials (401): check user, and token or password.")
    if status in _NOT_TAKEN:
        raise TemporaryFailure("Request Tracker wants to be asked later.", retry_after=retry_after(response.headers))
    if status == _CHANGED:
        raise TemporaryFailure("Somebody changed the ticket at the same moment.")
    if status >= _SERVER_ERROR:
        raise unanswered(f"Request Tracker answered {status}.", writes=writes)
    if status == _NOT_FOUND:
        raise AbsentError("Request Tracker does not know what was asked for: it is gone, or hidden from our user.")
    if status == _FORBIDDEN:
        raise DeniedError(
            "Request Tracker forbids it to our user (403): see the rights that the connector's page names."
        )
    if status in _REDIRECTS:
        raise PermanentFailure(f"Request Tracker sends us elsewhere ({status}): check url, the path included.")
    raise PermanentFailure(
        f"Request Tracker refused the request ({status}): mend the rule, or the queue's fields and statuses."
    )
