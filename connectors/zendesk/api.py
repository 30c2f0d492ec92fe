"""Calls to one Zendesk account: through zenpy where it has words for them, else plainly. Each thread has a client of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import requests
import zenpy

from connectors.zendesk.calls import judged
from connectors.zendesk.settings import ZendeskSettings
from connectors.zendesk.transport import idempotency_key, make_session
from gateway.sdk import Host, as_object

T = TypeVar("T")

#: Pages of a list that are read at most.
_PAGES: Final = 200


class Api:
    """What can be asked of an account, and how it is written to."""

    def __init__(self, settings: ZendeskSettings, host: Host, account: str) -> None:
        """Take the settings, the host and the account's address."""
        self._settings = settings
        self._host = host
        self._account = account
        self._local = threading.local()

    def forget(self) -> None:
        """Let go of all threads' clients and sessions."""
        self._local = threading.local()

    # --- calls that zenpy has no words for ---------------------------------------------------------------------------
    def login(self) -> tuple[str, str]:
        """Return name and password of the token's user, as HTTP wants them."""
        return f"{self._settings.email}/token", self._settings.api_token.get_secret_value()

    def get(self, path: str) -> Mapping[str, Any]:
        """Ask the API for a path, in the thread that calls; what goes wrong is judged by the one who runs it."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = make_session(self._settings.api_url)
        address = path if path.startswith("https://") else f"{self._account}/api/v2/{path}"
        answer: requests.Response = session.get(address, auth=self.login(), timeout=self._settings.timeout)
        answer.raise_for_status()
        try:
            found: Any = answer.json()
        except ValueError:
            raise requests.RequestException("no JSON") from None
        if not isinstance(found, Mapping):
            raise requests.RequestException("no JSON object")
        return found  # pyright: ignore[reportUnknownVariableType]

    def object(self, path: str, name: str) -> Mapping[str, Any]:
        """Return the object under a name in the answer to a path."""
        return as_object(judged(lambda: self.get(path), writes=False).get(name))

    def pages(self, path: str, name: str) -> Iterable[Mapping[str, Any]]:
        """Yield the rows under a name of all pages."""
        for answer in self.answers(path):
            yield from answer.get(name) or ()

    def answers(self, path: str) -> Iterable[Mapping[str, Any]]:
        """Yield the answers of all pages; no address is followed that leads elsewhere."""
        following: str | None = path
        for _ in range(_PAGES):
            if following is None:
                return
            answer = self.get(following)
            yield answer
            following = answer.get("next_page")
            if following is not None and not following.startswith(f"{self._account}/"):
                return

    # --- calls -------------------------------------------------------------------------------------------------------
    def _client(self) -> Any:
        """Return this thread's own client: one shared by threads sends things twice."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = zenpy.Zenpy(
                subdomain=self._settings.subdomain,
                email=self._settings.email,
                token=self._settings.api_token.get_secret_value(),
                session=make_session(self._settings.api_url),
                timeout=self._settings.timeout,
                disable_cache=True,
            )
            self._local.client = client
        return client

    async def reading(self, call: Callable[[Any], T]) -> T:
        """Run a call that only reads, with this thread's client, in one of the connection's threads."""
        return await self._host.run_blocking(lambda: judged(lambda: call(self._client()), writes=False))

    async def writing(self, call: Callable[[Any], T], key: str) -> T:
        """Run a call that writes, under an idempotency key."""

        def work() -> T:
            token = idempotency_key.set(key)
            try:
                return judged(lambda: call(self._client()), writes=True)
            finally:
                idempotency_key.reset(token)

        return await self._host.run_blocking(work)
