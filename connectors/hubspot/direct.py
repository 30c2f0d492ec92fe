"""Calls that HubSpot's SDK does not have: messages of a custom channel, facts of the token, files. Over the host's session."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from connectors.hubspot.crm import Crm
from connectors.hubspot.judging import by_answer
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.transport import OAUTH_VERSION, CallError
from gateway.sdk import Host, PermanentFailure, TemporaryFailure, unanswered

_CHUNK: Final = 65_536
_OK: Final = 200
_REDIRECT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What HubSpot says of a token."""

    #: Number of the account it is for, empty when not said.
    portal_id: str
    #: Number of the app it belongs to, empty when not said.
    app_id: str
    #: What it may do.
    scopes: frozenset[str]


class Direct:
    """One account's API, for what the SDK leaves out."""

    def __init__(self, settings: HubSpotSettings, host: Host, crm: Crm) -> None:
        """Take the settings, the host, and what knows the token. No I/O."""
        self._settings = settings
        self._host = host
        self._crm = crm

    async def publish(self, message: Mapping[str, Any]) -> None:
        """Publish a customer's message into the custom channel. HubSpot takes each key of ours once."""
        channel, version = self._settings.channel_id, self._settings.api_version
        path = f"custom-channels/{version}/{channel}" if version else f"v3/custom-channels/{channel}"
        await self._call("POST", f"/conversations/{path}/messages", message, writes=True)

    async def token_facts(self) -> TokenFacts | None:
        """Return what HubSpot says of the token; None where it says nothing of a token of this kind.

        No scope is needed for it, unlike for the account's own page.
        """
        token = await self._token()
        try:
            if self._settings.access_token is not None:
                path, body = "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": token}
                answer = await self._call("POST", path, body, writes=False)
            else:
                answer = await self._introspect(token)
        except PermanentFailure:
            return None
        scopes = answer.get("scopes", answer.get("scope"))
        return TokenFacts(
            portal_id=str(answer.get("hubId") or answer.get("hub_id") or ""),
            app_id=str(answer.get("appId") or answer.get("app_id") or ""),
            scopes=frozenset(scopes.split() if isinstance(scopes, str) else (str(each) for each in scopes or ())),
        )

    async def _introspect(self, token: str) -> Mapping[str, Any]:
        # developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/v1/migration-guide
        form = {
            "token": token,
            "token_type_hint": "access_token",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        version = self._settings.api_version or OAUTH_VERSION
        return await self._call("POST", f"/oauth/{version}/token/introspect", None, writes=False, form=form)

    async def download(self, address: str) -> AsyncIterator[bytes]:
        """Stream the bytes behind a signed address: it is good without the token, which does not go there."""
        try:
            async with self._host.http.get(address, timeout=self._timeout(), allow_redirects=False) as response:
                if response.status != _OK:
                    raise PermanentFailure(f"HubSpot does not give the file ({response.status}).")
                async for chunk in response.content.iter_chunked(_CHUNK):
                    yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TemporaryFailure(f"The file did not come whole ({type(error).__name__}).") from None

    async def _call(
        self, method: str, path: str, body: object, *, writes: bool, form: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {await self._token()}", "User-Agent": "Baton"}
        try:
            async with self._host.http.request(
                method,
                self._settings.api_url + path,
                json=body,
                data=form,
                headers=headers,
                timeout=self._timeout(),
                allow_redirects=False,
            ) as response:
                data = await response.read()
                if not _OK <= response.status < _REDIRECT:
                    raise CallError(response.status, response.headers, data)
        except CallError as error:
            raise by_answer(error, writes=writes) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise TemporaryFailure("HubSpot cannot be reached.") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unanswered(f"No whole answer came from HubSpot ({type(error).__name__}).", writes=writes) from None
        return self._read(data, writes=writes)

    @staticmethod
    def _read(data: bytes, *, writes: bool) -> Mapping[str, Any]:
        try:
            value: object = json.loads(data)
        except (ValueError, RecursionError):
            raise unanswered("HubSpot's answer is not JSON.", writes=writes) from None
        if not isinstance(value, dict):
            raise unanswered("HubSpot's answer is no JSON object.", writes=writes)
        return value

    async def _token(self) -> str:
        given = self._settings.access_token
        # A token that must be renewed blocks.
        return given.get_secret_value() if given is not None else await self._host.run_blocking(self._crm.token)

    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=2 * self._settings.timeout,
            sock_connect=min(3.0, self._settings.timeout),
            sock_read=self._settings.timeout,
        )
