"""Files out of Zendesk and into it.

Source: developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments: an upload gives a token that a comment names;
a file's address leads, once one is logged in, to Zendesk's own store of files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from gateway.sdk import Attachment, Host, PermanentFailure, TemporaryFailure

#: Redirects that are followed, each to one of Zendesk's own hosts.
_HOPS: Final = 3
_STORES: Final = (".zendesk.com", ".zdusercontent.com")
#: Files that one comment carries at most; of the others the note says so.
MOST: Final = 20


def standing(audits: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, int]]:
    """Return name and size of the files that stand on a ticket, by its audits."""
    events = (event for audit in audits for event in audit.get("events") or ())
    files = (file for event in events for file in event.get("attachments") or ())
    return frozenset((str(file.get("file_name")), int(file.get("size") or 0)) for file in files)


async def fetch(attachment: Attachment, host: Host, *, doors: Iterable[str], login: str) -> AsyncIterator[bytes]:
    """Stream a file; the login is shown to the account's own addresses (`doors`) only."""
    own = frozenset(doors)
    address = attachment.url
    for _ in range(_HOPS + 1):
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        stores = parts.scheme == "https" and (parts.hostname or "").endswith(_STORES)
        if origin not in own and not stores:
            raise PermanentFailure("the file is not on Zendesk's servers")
        headers = {"Authorization": login} if origin in own else {}
        try:
            async with host.http.get(address, headers=headers, allow_redirects=False) as answer:
                if answer.status in {301, 302, 303, 307, 308}:
                    address = urljoin(address, answer.headers.get("Location", ""))
                    continue
                if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 (too many requests, server errors)
                    raise TemporaryFailure("Zendesk does not give the file just now.")
                if answer.status != 200:  # noqa: PLR2004 (OK)
                    raise PermanentFailure("Zendesk does not give the file: it is gone, or we may not see it")
                async for chunk in answer.content.iter_chunked(65_536):
                    yield chunk
                return
        except (aiohttp.ClientError, TimeoutError):
            raise TemporaryFailure("Zendesk's file server cannot be reached.") from None
    raise PermanentFailure("the file's address leads in a circle")
