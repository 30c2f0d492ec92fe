"""What `baton doctor` asks Twilio of our credentials: whose account, what kind of key, what it may read. Only reads.

A key's kind is told nowhere; it shows by what it may read (twilio.com/docs/iam/api-keys/keys-in-console, "Types of keys"): a main
key reads the account's keys, a standard key all but those and the account, a restricted key what it was allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from twilio.rest import Client

from connectors.twilio.settings import TwilioAccount
from gateway.sdk import CredentialsRefused, Finding, PermanentFailure

#: Reads one row of something.
Look: TypeAlias = Callable[[], Awaitable[Any]]


class Key(StrEnum):
    """What calls are made with, as far as can be seen."""

    TOKEN = "the account's auth token"  # noqa: S105 (a kind)
    MAIN = "a main API key"
    STANDARD = "a standard API key"
    RESTRICTED = "a restricted API key"


def looks(client: Client) -> Mapping[str, Look]:
    """Return how each permission to read is tried, by its name in the Console."""
    return {
        "Messages": lambda: client.messages.list_async(limit=1, page_size=1),
        "Calls": lambda: client.calls.list_async(limit=1, page_size=1),
        "Recordings": lambda: client.recordings.list_async(limit=1, page_size=1),
        "Incoming Phone Numbers": lambda: client.incoming_phone_numbers.list_async(limit=1, page_size=1),
        # Nothing of ours needs this one: only a key for everything may read it.
        "Applications": lambda: client.applications.list_async(limit=1, page_size=1),
    }


async def judged(client: Client, settings: TwilioAccount, scopes: Iterable[str]) -> list[Finding]:
    """Return what there is to say of account and key, given the scopes that the connector needs."""
    needed = [scope.partition(":")[0] for scope in scopes]
    account = await _seen(lambda: client.api.v2010.accounts(settings.account_sid).fetch_async())
    may = {name: await _may(look) for name, look in looks(client).items()}
    keys = await _may(lambda: client.keys.list_async(limit=1, page_size=1))
    if settings.api_key_secret is None:
        key = Key.TOKEN
    elif keys or account is not None:
        key = Key.MAIN
    else:
        key = Key.STANDARD if may["Applications"] else Key.RESTRICTED
    further = [name for name, allowed in may.items() if allowed and name not in needed]
    missing = [name for name in needed if name in may and not may[name]]
    return [*_account(account, settings), _scopes(missing, key), _privilege(key, further, scopes)]


def _account(account: Any, settings: TwilioAccount) -> Iterable[Finding]:
    if account is None:
        sentence = "The key is not shown the account: whether it is a sub-account cannot be seen."
        yield Finding(subject="account", good=True, sentence=sentence)
        return
    owner, state = str(account.owner_account_sid or ""), str(account.status or "")
    main = owner in {"", settings.account_sid}
    yield Finding(
        subject="account",
        good=state in {"", "active"},
        sentence=f"{settings.account_sid} is {'a main account' if main else f'a sub-account of {owner}'}"
        f"{'' if state in {'', 'active'} else f', and it is {state}: nothing is sent and nothing comes in'}.",
        advice="A sub-account for Baton keeps its token from everything else of the company's." if main else "",
    )
    if str(account.type or "").lower() == "trial":
        yield Finding(
            subject="account",
            good=False,
            sentence="It is a trial account: messages reach verified numbers only.",
            advice="Upgrade it in the Console before customers write.",
        )


def _scopes(missing: Iterable[str], key: Key) -> Finding:
    lacking = ", ".join(missing)
    return Finding(
        subject="scopes",
        good=not lacking,
        sentence=f"Calls are made with {key.value}, which may not read: {lacking}."
        if lacking
        else f"Calls are made with {key.value}, which may read what it must. What it may write only a reply shows.",
        advice="Add the permissions to the key in the Console, under API keys & tokens." if lacking else "",
    )


def _privilege(key: Key, further: Iterable[str], scopes: Iterable[str]) -> Finding:
    beyond = ", ".join(further)
    if key is Key.RESTRICTED and not beyond:
        sentence, advice = "The key may read nothing beyond what Baton needs, as far as was looked at.", ""
    elif key is Key.RESTRICTED:
        sentence, advice = f"The key may read more than Baton needs: {beyond}.", "Take away what nothing else needs."
    else:
        what = {
            Key.TOKEN: "The auth token may do everything in the account.",
            Key.MAIN: "A main key may do everything in the account, make keys as well.",
            Key.STANDARD: "A standard key may do everything in the account but make keys.",
        }
        sentence = what[key]
        advice = f"Make a restricted API key with no more than {'; '.join(scopes)}."
    return Finding(subject="least privilege", good=True, sentence=sentence, advice=advice)


async def _seen(look: Look) -> Any:
    """Return what a read gives, None when it is not allowed."""
    try:
        return await look()
    except (CredentialsRefused, PermanentFailure):
        return None


async def _may(look: Look) -> bool:
    return await _seen(look) is not None
