"""Access tokens for XOAUTH2: obtained, renewed before they run out, and the refresh token kept when the server changes it.

Microsoft: learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth", and "Refresh tokens in the Microsoft
identity platform" (a new one comes with each answer; the old one must be thrown away).
Google: developers.google.com/identity/protocols/oauth2/web-server (the refresh token stays). RFC 6749, sections 4.4, 5.2 and 6.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp

from connectors.email.settings import EmailSettings, Grant
from gateway.sdk import (
    CredentialsRefused,
    Host,
    TemporaryFailure,
    retry_after,
)

#: A token is renewed so long before it runs out, seconds: a session may begin with it at the last moment.
_MARGIN: Final = 300
#: A token that is refused so soon after it was obtained, UTC microseconds, is refused for good.
_FRESH: Final = 60_000_000
#: How long a token is good when the server does not say, seconds.
_USUAL: Final = 3_600
_THROTTLED: Final = 429
_SERVER_ERROR: Final = 500
#: Errors that pass by themselves (RFC 6749, 4.1.2.1, where the token endpoint of Microsoft uses them too).
_LATER: Final = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class AccessTokens:
    """The access token of one mailbox."""

    def __init__(self, settings: EmailSettings, host: Host) -> None:
        """Take where tokens come from. No I/O."""
        self._settings = settings
        self._host = host
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until = 0
        self._got_at = 0
        self._refresh: str | None = None

    async def access(self) -> str:
        """Return a token that is good for a while. Raises `CredentialsRefused` when it was revoked, `TemporaryFailure`."""
        async with self._lock:
            if self._host.now() >= self._good_until:
                await self._renew()
            return self._token

    @property
    def fresh(self) -> bool:
        """Return whether the token was obtained just now."""
        return self._host.now() - self._got_at < _FRESH

    def forget(self) -> None:
        """Throw the token away: a server refused it before its time."""
        self._good_until = 0

    # --- asking ------------------------------------------------------------------------------------------------------
    async def _renew(self) -> None:
        answer = await self._ask(await self._form())
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or any(ord(letter) < 33 or ord(letter) > 126 for letter in token):  # noqa: PLR2004 (ASCII)
            raise TemporaryFailure("The token endpoint's answer carries no access token.")
        self._token = token
        self._got_at = self._host.now()
        self._good_until = self._host.now() + _lifetime(answer.get("expires_in")) * 1_000_000
        fresh = answer.get("refresh_token")
        if self._settings.oauth_grant is Grant.REFRESH_TOKEN and isinstance(fresh, str) and fresh:
            await self._keep(fresh)

    async def _form(self) -> dict[str, str]:
        settings = self._settings
        form = {"grant_type": settings.oauth_grant.value, "client_id": settings.oauth_client_id}
        if settings.oauth_client_secret is not None:
            form["client_secret"] = settings.oauth_client_secret.get_secret_value()
        if settings.oauth_scope:
            form["scope"] = settings.oauth_scope
        if settings.oauth_grant is Grant.REFRESH_TOKEN:
            form["refresh_token"] = await self._refresh_token()
        return form

    async def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        url = self._settings.oauth_token_url or ""
        try:
            async with self._host.http.post(
                url, data=form, headers={"Accept": "application/json"}, allow_redirects=False
            ) as response:
                status, text = response.status, await response.text()
                seconds = retry_after(response.headers)
        except (TimeoutError, aiohttp.ClientError, OSError, UnicodeError) as error:
            raise TemporaryFailure(f"The token endpoint cannot be reached ({type(error).__name__}).") from None
        try:
            answer: Any = json.loads(text)
        except ValueError:
            answer = None
        found: dict[str, Any] = answer if isinstance(answer, dict) else {}
        if status == 200 and found:  # noqa: PLR2004 (OK)
            return found
        word = found.get("error")
        error_word = word if isinstance(word, str) and word.replace("_", "").isalnum() and word.isascii() else ""
        if status == _THROTTLED or status >= _SERVER_ERROR or error_word in _LATER or not error_word:
            raise TemporaryFailure(f"The token endpoint answered {status}.", retry_after=seconds)
        advice = (
            "the refresh token was revoked or ran out: sign in again and set oauth_refresh_token anew"
            if error_word == "invalid_grant"
            else "check oauth_client_id, oauth_client_secret, oauth_scope and the consent of an administrator"
        )
        raise CredentialsRefused(f"The token endpoint refuses us ({error_word}): {advice}.")

    # --- the refresh token -------------------------------------------------------------------------------------------
    async def _refresh_token(self) -> str:
        """Return the newest refresh token: the one that was handed out last, unless an admin set another one since."""
        if self._refresh is None:
            self._refresh = await self._host.run_blocking(self._read)
        return self._refresh

    def _seed(self) -> str:
        secret = self._settings.oauth_refresh_token
        return secret.get_secret_value() if secret is not None else ""

    def _read(self) -> str:
        try:
            kept: Any = json.loads(Path(self._settings.oauth_token_file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return self._seed()
        if isinstance(kept, dict) and kept.get("seed") == _digest(self._seed()) and isinstance(kept.get("token"), str):
            return str(kept["token"])
        return self._seed()

    async def _keep(self, fresh: str) -> None:
        if fresh == await self._refresh_token():
            return
        self._refresh = fresh
        try:
            await self._host.run_blocking(lambda: self._write(fresh))
        except OSError as error:
            # It works until the next start; failing now would only ask for one more token that cannot be kept either.
            self._host.log.warning(
                "the new refresh token cannot be kept in oauth_token_file (%s): at the next start the old one may be refused",
                error.strerror or type(error).__name__,
            )

    def _write(self, fresh: str) -> None:
        """Write it whole or not at all, for our user alone."""
        target = Path(self._settings.oauth_token_file)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"seed": _digest(self._seed()), "token": fresh}, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


def _lifetime(said: object) -> int:
    """Return how long a token is used, seconds; some servers say it as text."""
    digits = str(said).partition(".")[0][:9]
    seconds = int(digits) if digits.isascii() and digits.isdigit() else _USUAL
    return max(1, seconds - _MARGIN) if seconds > 2 * _MARGIN else max(1, seconds // 2)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
