"""What a call to Zendesk ends in: one of the contract's errors, and no word of Zendesk's, which may quote what we sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import requests
from zenpy.lib.exception import APIException, RecordNotFoundException, ZenpyException

from connectors.zendesk.transport import ThrottledError
from gateway.sdk import CredentialsRefused, PermanentFailure, TemporaryFailure, as_object, unanswered

T = TypeVar("T")

_REFUSED: Final = frozenset({401, 403})
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500


def judged(call: Callable[[], T], *, writes: bool) -> T:
    """Run a call; what goes wrong comes out as an error of the contract. No message of Zendesk's is quoted."""
    try:
        return call()
    except ThrottledError as error:
        raise TemporaryFailure("Zendesk wants to be asked later.", retry_after=error.seconds) from None
    except RecordNotFoundException:
        raise PermanentFailure(
            "Zendesk does not know what was asked for: the ticket was deleted, or is hidden."
        ) from None
    except (APIException, requests.HTTPError) as error:
        raise _by_status(error, writes=writes) from None
    except requests.ConnectionError as error:
        if _never_sent(error):
            raise TemporaryFailure("Zendesk cannot be reached.") from None
        raise unanswered("The connection to Zendesk broke.", writes=writes) from None
    except requests.RequestException as error:
        raise unanswered(f"No whole answer came from Zendesk ({type(error).__name__}).", writes=writes) from None
    except ZenpyException as error:
        raise unanswered(f"zenpy could not read the answer ({type(error).__name__}).", writes=writes) from None


def _never_sent(error: requests.ConnectionError) -> bool:
    """Return whether a connection was never made, so that nothing can have happened."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def _by_status(error: APIException | requests.HTTPError, *, writes: bool) -> Exception:
    response: Any = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or 0)
    if status in _REFUSED:
        return CredentialsRefused(
            f"Zendesk refuses our credentials ({status}): check email, api_token and the user's role."
        )
    if status == _CONFLICT:
        return TemporaryFailure("Somebody changed the ticket at the same moment.")
    if status >= _SERVER_ERROR:
        return unanswered(f"Zendesk answered {status}.", writes=writes)
    if status == _NOT_FOUND:
        return PermanentFailure("Zendesk does not know what was asked for: the ticket was deleted, or is hidden.")
    named = _fields(response)
    about = f" because of {', '.join(named)}" if named else ""
    return PermanentFailure(
        f"Zendesk refused the write ({status}){about}: mend the rule, or the rules of the ticket form."
    )


def _fields(response: Any) -> list[str]:
    """Return the names of the fields that Zendesk complains of; never its words, which may quote what we sent."""
    try:
        details: object = response.json().get("details")
    except (ValueError, AttributeError):
        return []
    return sorted(as_object(details))
