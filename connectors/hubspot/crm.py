"""The calls to HubSpot that Baton makes, through the SDK. Blocking: they run in the connection's threads.

Each raises errors of the contract. Answers are JSON values as HubSpot sends them: the SDK's models are not used, since reading
them fails after the write has landed whenever HubSpot adds a value.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

from hubspot import HubSpot

from connectors.hubspot.judging import by_answer, judged
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.transport import Answer, CallError, Transport, api_factory
from gateway.sdk import CredentialsRefused, OutcomeUnknown, TemporaryFailure

Json: TypeAlias = Mapping[str, Any]

#: Ids in one batch (developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm); half with history.
BATCH: Final = 100
BATCH_WITH_HISTORY: Final = 50
#: Most pages that are followed in one list.
_PAGES: Final = 50
#: A token is renewed so long before it ends, microseconds.
_EARLY: Final = 120 * 1_000_000
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_MULTI_STATUS: Final = 207
#: ``Contact already exists. Existing ID: 12345``
_EXISTING: Final = re.compile(r"Existing ID:\s*(\d{1,20})")
_RAW: Final[Mapping[str, Any]] = {"_preload_content": False}


class Crm:
    """One account's records."""

    def __init__(self, settings: HubSpotSettings, now: Callable[[], int]) -> None:
        """Take the settings and the clock (UTC microseconds). No I/O."""
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0
        self._transport = Transport(timeout=settings.timeout, api_version=settings.api_version, token=self.token)
        self._api: Any = HubSpot(host=settings.api_url, api_factory=api_factory(self._transport))

    def close(self) -> None:
        """Close connections."""
        self._transport.close()

    # --- the token ---------------------------------------------------------------------------------------------------
    def token(self) -> str:
        """Return a token that is good now; an OAuth app's lives half an hour and is renewed here."""
        given = self._settings.access_token
        if given is not None:
            return given.get_secret_value()
        with self._lock:
            if self._now() >= self._good_until:
                self._renew()
            return self._token

    def _renew(self) -> None:
        refresh = self._settings.refresh_token
        call = self._api.oauth.tokens_api.create
        try:
            answer = self._call(
                lambda: call(
                    grant_type="refresh_token",
                    client_id=self._settings.client_id,
                    client_secret=self._settings.client_secret.get_secret_value(),
                    refresh_token=refresh.get_secret_value() if refresh is not None else "",
                    **_RAW,
                ),
                writes=False,
                known=(_BAD_REQUEST,),
            )
        except CallError:
            raise CredentialsRefused(
                "HubSpot does not renew the token: the app was removed from the account, or client_id, client_secret and"
                " refresh_token do not belong together. Install the app again."
            ) from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise TemporaryFailure("HubSpot's answer to the renewal of the token holds no token.")
        self._token = token
        self._good_until = self._now() + seconds * 1_000_000 - _EARLY

    # --- records -----------------------------------------------------------------------------------------------------
    def get(self, kind: str, record_id: str, properties: Sequence[str], *, by: str = "") -> Json | None:
        """Return a record by its id, or by a unique property; None when there is none. Unlike the search it never lags."""
        options: dict[str, Any] = {"properties": list(properties), **_RAW}
        if by:
            options["id_property"] = by
        try:
            found: Json = self._call(
                lambda: self._api.crm.objects.basic_api.get_by_id(kind, record_id, **options),
                writes=False,
                known=(_NOT_FOUND,),
            )
        except CallError:
            return None
        return found

    def upsert(self, kind: str, by: str, value: str, properties: Mapping[str, str]) -> str:
        """Make the record whose unique property has a value, or update it when it is there; return its id."""
        given = {"inputs": [{"idProperty": by, "id": value, "properties": {by: value, **properties}}]}
        answer = self._call(lambda: self._api.crm.objects.batch_api.upsert(kind, given, **_RAW), writes=True)
        for result in answer.get("results") or ():
            return str(result["id"])
        raise OutcomeUnknown("HubSpot's answer to the upsert names no record.")

    def create(self, kind: str, properties: Mapping[str, str], to: Iterable[tuple[str, int]] = ()) -> str:
        """Make a record that is associated with others from the start: pairs of id and association type; return its id."""
        given = {
            "properties": dict(properties),
            "associations": [
                {
                    "to": {"id": record_id},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}],
                }
                for record_id, type_id in to
            ],
        }
        return str(self._call(lambda: self._api.crm.objects.basic_api.create(kind, given, **_RAW), writes=True)["id"])

    def create_contact(self, properties: Mapping[str, str]) -> str:
        """Make a contact and return its id; the id of the one that has the address already, when there is one."""
        given = {"properties": dict(properties), "associations": list[object]()}
        create = self._api.crm.objects.basic_api.create
        try:
            return str(self._call(lambda: create("contacts", given, **_RAW), writes=True, known=(_CONFLICT,))["id"])
        except CallError as error:
            found = _EXISTING.search(str(error.detail().get("message", "")))
            if found is None:
                raise by_answer(error, writes=True) from None
            return found[1]

    def update(self, kind: str, record_id: str, properties: Mapping[str, str]) -> None:
        """Set properties of a record."""
        given = {"properties": dict(properties)}
        self._call(lambda: self._api.crm.objects.basic_api.update(kind, record_id, given, **_RAW), writes=True)

    def read(
        self, kind: str, ids: Sequence[str], properties: Sequence[str], *, history: Sequence[str] = ()
    ) -> list[Json]:
        """Return records by their ids, with the earlier values of some properties; those that are gone are left out."""
        found: list[Json] = []
        size = BATCH_WITH_HISTORY if history else BATCH
        for start in range(0, len(ids), size):
            given = {
                "inputs": [{"id": each} for each in ids[start : start + size]],
                "properties": list(properties),
                "propertiesWithHistory": list(history),
            }
            answer = self._call(partial(self._api.crm.objects.batch_api.read, kind, given, **_RAW), writes=False)
            found += answer.get("results") or []
        return found

    def search(
        self, kind: str, filters: Sequence[Json], sort: str, properties: Sequence[str], *, limit: int, after: str = ""
    ) -> Json:
        """Return a page of what the search finds, in the order of a property. The search lags behind by seconds."""
        given = {
            "filterGroups": [{"filters": list(filters)}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": limit,
            "after": after or "0",
        }
        found: Json = self._call(lambda: self._api.crm.objects.search_api.do_search(kind, given, **_RAW), writes=False)
        return found

    # --- associations ------------------------------------------------------------------------------------------------
    def associate(self, kind: str, record_id: str, to_kind: str, to_id: str) -> None:
        """Associate two records by the type that HubSpot has for them. Doing it again changes nothing."""
        given = {"inputs": [{"from": {"id": record_id}, "to": {"id": to_id}}]}
        call = self._api.crm.associations.v4.batch_api.create_default
        self._call(lambda: call(kind, to_kind, given, **_RAW), writes=True)

    def associated(self, kind: str, ids: Sequence[str], to_kind: str) -> dict[str, list[str]]:
        """Return the ids of the records that some records are associated with, lowest first."""
        found: dict[str, set[str]] = {each: set() for each in ids}
        wanted: list[dict[str, str]] = [{"id": each} for each in ids]
        call = self._api.crm.associations.v4.batch_api.get_page
        for _ in range(_PAGES):
            if not wanted:
                break
            given = {"inputs": wanted[:BATCH]}
            wanted = wanted[BATCH:]
            answer = self._call(partial(call, kind, to_kind, given, **_RAW), writes=False)
            for result in answer.get("results") or ():
                own = str(result["from"]["id"])
                found.setdefault(own, set()).update(str(each["toObjectId"]) for each in result.get("to") or ())
                after = ((result.get("paging") or {}).get("next") or {}).get("after")
                if after:
                    wanted.append({"id": own, "after": str(after)})
        else:
            raise TemporaryFailure("HubSpot lists more associations than can be read at once.")
        return {own: sorted(others, key=lambda each: (len(each), each)) for own, others in found.items()}

    # --- the account -------------------------------------------------------------------------------------------------
    def pipelines(self) -> list[Json]:
        """Return the pipelines of tickets."""
        call = self._api.crm.pipelines.pipelines_api.get_all
        return list(self._call(lambda: call("tickets", **_RAW), writes=False).get("results") or [])

    def ticket_property(self, name: str) -> Json | None:
        """Return the definition of a ticket's property, None when there is none."""
        call = self._api.crm.properties.core_api.get_by_name
        try:
            found: Json = self._call(lambda: call("tickets", name, **_RAW), writes=False, known=(_NOT_FOUND,))
        except CallError:
            return None
        return found

    def owners(self, *, email: str = "") -> list[Json]:
        """Return the owners, or those of an e-mail address."""
        found: list[Json] = []
        after = ""
        for _ in range(_PAGES):
            options: dict[str, Any] = {"limit": 500, "archived": False, **_RAW}
            options.update({"email": email} if email else {})
            options.update({"after": after} if after else {})
            call = self._api.crm.owners.owners_api.get_page
            answer = self._call(partial(call, **options), writes=False)
            found += answer.get("results") or []
            after = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
            if not after:
                break
        return found

    # --- files -------------------------------------------------------------------------------------------------------
    def upload(self, folder: str, name: str, content: BinaryIO) -> str:
        """Put a private file into a folder and return its id; one of the same name there is replaced."""
        options = json.dumps({"access": "PRIVATE", "overwrite": True})
        # The SDK takes a path, and nothing else.
        with tempfile.TemporaryDirectory(prefix="baton-") as directory:
            path = Path(directory) / "file"
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
            answer = self._call(
                lambda: self._api.files.files_api.upload(
                    file=str(path), folder_path=folder, file_name=name, options=options, **_RAW
                ),
                writes=True,
            )
        return str(answer["id"])

    def file_address(self, file_id: str) -> Json:
        """Return a private file's ``url``, good for some minutes without the token, with its ``name`` and ``type``."""
        found: Json = self._call(lambda: self._api.files.files_api.get_signed_url(file_id, **_RAW), writes=False)
        return found

    # --- one call ----------------------------------------------------------------------------------------------------
    @staticmethod
    def _call(call: Callable[[], Answer], *, writes: bool, known: tuple[int, ...] = ()) -> Any:
        """Run a call and return its JSON value. An answer of a known status comes out as `CallError`, for the caller."""
        refused: list[CallError] = []

        def work() -> Any:
            try:
                answer = call()
            except CallError as error:
                if error.status not in known:
                    raise
                refused.append(error)
                return None
            value = answer.json()
            if answer.status == _MULTI_STATUS and writes and not value.get("results"):
                raise CallError(_BAD_REQUEST, {}, answer.data)
            return value if value is not None else {}

        value = judged(work, writes=writes)
        if refused:
            raise refused[0]
        return value
