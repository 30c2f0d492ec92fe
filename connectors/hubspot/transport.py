"""Between HubSpot's SDK and the wire: what the SDK would do behind our back is taken from it here.

- The SDK sets no time-out at all, follows ``Retry-After`` in the caller's thread for hours and repeats GET and PUT: here each
  request is sent once, with a time-out.
- Each package of the SDK has exception classes of its own, and reads answers in ways that change with urllib3: here all of them
  share one transport, which raises `CallError` and gives answers as they are.
- The SDK speaks v3 and v4 only: a dated version is written into the path on its way out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3

#: ``/crm/v3/objects/tickets`` → ``/crm/objects/2026-09/tickets``, likewise associations, pipelines, properties and owners.
_CRM: Final = re.compile(r"^/crm/v[34]/([a-z]+)(?=/|$)")
#: ``/files/v3/files`` → ``/files/2026-09/files``.
_OTHER: Final = re.compile(r"^/(files)/v3(?=/|$)")
#: ``/oauth/v1/token``, which HubSpot ends on 2027-02-16, → ``/oauth/2026-03/token``.
_OAUTH: Final = re.compile(r"^/oauth/v1/token$")
#: The dated version of OAuth where no other is set.
OAUTH_VERSION: Final = "2026-03"
_CONNECT: Final = 3.0


class CallError(Exception):
    """HubSpot answered with something else than success."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep the answer. The body is for reading, never for showing: it may quote what was sent."""
        super().__init__(f"HubSpot answered {status}")
        self.status = status
        self.headers = headers
        self.body = body

    def detail(self) -> dict[str, Any]:
        """Return the answer's body when it is a JSON object, else an empty one."""
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class Answer:
    """An answer of HubSpot's, as far as the SDK asks for it when it is told not to read the answer itself."""

    def __init__(self, status: int, data: bytes) -> None:
        """Keep status and body."""
        self.status = status
        self.data = data

    def json(self) -> Any:
        """Return the body's JSON value; None for no body. Raises ValueError."""
        return json.loads(self.data) if self.data else None


class Transport:
    """Sends requests of all packages of the SDK; stands where each of them has a REST client of its own."""

    def __init__(self, *, timeout: float, api_version: str, token: Callable[[], str]) -> None:
        """Take the longest silence within a request (seconds), a dated version or an empty string, and the token's source."""
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=8, block=False)
        self._timeout = urllib3.Timeout(connect=min(_CONNECT, timeout), read=timeout)
        self._version = api_version
        self._token = token

    def request(
        self,
        method: str,
        url: str,
        *,
        query_params: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        post_params: Sequence[tuple[str, Any]] | None = None,
        **_further: object,
    ) -> Answer:
        """Send one request once. Raises CallError, and urllib3's HTTPError where no whole answer came."""
        sent = {name: value for name, value in (headers or {}).items() if name.lower() != "authorization"}
        kind = sent.get("Content-Type", "application/json")
        form = kind == "application/x-www-form-urlencoded"
        # Only the token's own request is a form, and it carries its secrets in the body.
        if not form:
            sent["Authorization"] = f"Bearer {self._token()}"
        options: dict[str, Any] = {}
        if kind == "multipart/form-data":
            del sent["Content-Type"]
            options = {"fields": list(post_params or ()), "encode_multipart": True}
        elif form:
            options = {"body": urlencode(list(post_params or ()))}
        elif body is not None:
            options = {"body": json.dumps(body, separators=(",", ":")).encode()}
            sent["Content-Type"] = "application/json"
        target = self._dated(url) + (f"?{urlencode(list(query_params))}" if query_params else "")
        # Redirects would carry the token elsewhere; retries would write twice.
        response = self._pool.request(
            method, target, headers=sent, timeout=self._timeout, retries=False, redirect=False, **options
        )
        if not 200 <= response.status <= 299:  # noqa: PLR2004 (HTTP's own border)
            raise CallError(response.status, response.headers, response.data)
        return Answer(response.status, response.data)

    def _dated(self, url: str) -> str:
        parts = urlsplit(url)
        if _OAUTH.match(parts.path):
            return parts._replace(path=f"/oauth/{self._version or OAUTH_VERSION}/token").geturl()
        if not self._version:
            return url
        path = _CRM.sub(rf"/crm/\g<1>/{self._version}", parts.path)
        # Owners are listed under a path with a slash at its end, which the dated versions do not have.
        path = _OTHER.sub(rf"/\g<1>/{self._version}", path).rstrip("/")
        return parts._replace(path=path).geturl()

    def close(self) -> None:
        """Close what is open."""
        self._pool.clear()

    # What the SDK calls, by HTTP method.
    def GET(self, url: str, **options: Any) -> Answer:  # noqa: N802 (the SDK's own name)
        """Send a GET request."""
        return self.request("GET", url, **options)

    def POST(self, url: str, **options: Any) -> Answer:  # noqa: N802 (the SDK's own name)
        """Send a POST request."""
        return self.request("POST", url, **options)

    def PUT(self, url: str, **options: Any) -> Answer:  # noqa: N802 (the SDK's own name)
        """Send a PUT request."""
        return self.request("PUT", url, **options)

    def PATCH(self, url: str, **options: Any) -> Answer:  # noqa: N802 (the SDK's own name)
        """Send a PATCH request."""
        return self.request("PATCH", url, **options)


def api_factory(transport: Transport) -> Callable[[Any, str, Mapping[str, Any]], Any]:
    """Return what the SDK calls whenever it wants an API object: each is made once, over the shared transport."""
    made: dict[tuple[str, str], Any] = {}

    def make(package: Any, name: str, config: Mapping[str, Any]) -> Any:
        key = (str(package.__name__), name)
        if key not in made:
            made[key] = build(package, name, config)
        return made[key]

    def build(package: Any, name: str, config: Mapping[str, Any]) -> Any:
        configuration = package.Configuration()
        configuration.host = config["host"]
        # Something must stand here for the SDK to send the header at all; the transport puts the token of the moment in.
        configuration.access_token = "-"  # noqa: S105 (a placeholder)
        client = package.ApiClient(configuration=configuration)
        client.rest_client = transport
        client.user_agent = "Baton"
        return getattr(package, name)(api_client=client)

    return make
