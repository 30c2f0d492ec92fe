"""From what a call to HubSpot ended in to an error of the contract. None of them quotes HubSpot's words or ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import urllib3.exceptions

from connectors.hubspot.transport import CallError
from gateway.sdk import (
    ConnectorError,
    CredentialsRefused,
    PermanentFailure,
    TemporaryFailure,
    as_list,
    as_object,
    retry_after,
    unanswered,
)

T = TypeVar("T")

#: Answers that say: nothing happened, come again. 423 is a record that somebody else is writing, 477 an account that is being
#: moved (developers.hubspot.com/docs/api-reference/error-handling).
_LATER: Final[Mapping[int, float | None]] = {423: 2.0, 429: None, 477: None, 503: None}
#: Seconds to wait by the limit that was met, where HubSpot sends no Retry-After.
_POLICIES: Final[Mapping[str, float]] = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 3600.0}
_REFUSED: Final = 401
_FORBIDDEN: Final = 403
_NEVER: Final[Mapping[int, str]] = {
    404: "HubSpot does not know what was asked for: it was deleted, merged, or is hidden.",
    409: "HubSpot has another record with the same unique value.",
}
_SERVER_ERROR: Final = 500
#: A connection was never made, so that nothing can have happened.
_NEVER_SENT: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.LocationValueError,
)
_SCOPE: Final = re.compile(r"[a-z][a-z0-9._-]{2,80}")
_PROPERTY: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
#: HubSpot writes the properties that it complains of as JSON within its sentence.
_NAMED: Final = re.compile(r'"name"\s*:\s*"([a-z][a-z0-9_]{0,99})"')


def judged(call: Callable[[], T], *, writes: bool) -> T:
    """Run a call; what goes wrong comes out as an error of the contract."""
    try:
        return call()
    except ConnectorError:
        raise
    except CallError as error:
        raise by_answer(error, writes=writes) from None
    except _NEVER_SENT:
        raise TemporaryFailure("HubSpot cannot be reached.") from None
    except urllib3.exceptions.HTTPError as error:
        raise unanswered(f"No whole answer came from HubSpot ({type(error).__name__}).", writes=writes) from None
    except Exception as error:  # noqa: BLE001 (the SDK raises what it likes; what was sent may have landed)
        raise unanswered(f"HubSpot's answer could not be read ({type(error).__name__}).", writes=writes) from None


def by_answer(error: CallError, *, writes: bool) -> ConnectorError:
    """Return the error for an answer that says no."""
    detail = error.detail()
    status = error.status
    if status in _LATER:
        return TemporaryFailure(f"HubSpot wants to be asked later ({status}).", retry_after=_seconds(error, detail))
    if status == _REFUSED:
        return CredentialsRefused(
            "HubSpot does not accept the token: it was withdrawn, or the app was removed from the account."
        )
    if status == _FORBIDDEN:
        return CredentialsRefused(_missing(detail))
    if status >= _SERVER_ERROR:
        return unanswered(f"HubSpot broke ({status}).", writes=writes)
    if status in _NEVER:
        return PermanentFailure(_NEVER[status])
    names = properties_of(detail)
    about = f" because of {', '.join(names)}" if names else ""
    return PermanentFailure(
        f"HubSpot refused the request ({status}){about}: mend the rule, the settings, or the account's rules for properties."
    )


def _seconds(error: CallError, detail: Mapping[str, Any]) -> float | None:
    wish = retry_after(error.headers)
    return wish if wish is not None else _POLICIES.get(str(detail.get("policyName", "")), _LATER[error.status])


def _missing(detail: Mapping[str, Any]) -> str:
    scopes = sorted(
        {
            scope
            for context in _contexts(detail)
            for key in ("requiredGranularScopes", "requiredScopes")
            for scope in _strings(context.get(key))
            if _SCOPE.fullmatch(scope)
        }
    )
    what = f"the scope {' or '.join(scopes)}" if scopes else "a scope"
    return f"HubSpot does not allow it: the app lacks {what}. Add it on the app's Auth page and install the app again."


def properties_of(detail: Mapping[str, Any]) -> list[str]:
    """Return the names of the properties that HubSpot complains of; never values."""
    found: set[str] = set(_NAMED.findall(str(detail.get("message", ""))))
    for context in _contexts(detail):
        for key in ("propertyName", "propertyNames", "properties"):
            found |= {name for name in _strings(context.get(key)) if _PROPERTY.fullmatch(name)}
    return sorted(found)


def _contexts(detail: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Yield the contexts of an error and of the errors within it."""
    for each in (detail, *as_list(detail.get("errors"))):
        yield as_object(as_object(each).get("context"))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in as_list(value) if isinstance(each, str)]
