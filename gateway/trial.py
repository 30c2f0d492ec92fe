"""What would Baton make of this? One delivery through a connector's door and a normalizer, without a gateway or a store.

Nothing is called and nothing is kept. Settings that reading needs nothing of may be left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_bytes
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.clock import Clock, SystemClock
from gateway.config import AnySpec
from gateway.config.wording import OWN, in_our_words, own_words
from gateway.host.hostside import HostSide
from gateway.host.registry import Specs, load_class
from gateway.model import Activity, Attachment, Channel, Party
from gateway.pipeline.apart import Apart
from gateway.pipeline.child import Order
from gateway.pipeline.parsing import parse_delivery
from gateway.plain import plain
from gateway.sdk import ConnectionSettings, Connector, Delivery, DeliveryRejected, Source, WebhookSource
from gateway.store.values import ParsedDelivery, StoredDelivery

#: What stands for a setting that was not given: no vendor's value looks like it.
_ABSENT: Final = "not-given"
_MICRO: Final = 1_000_000
#: Numbers beyond these are milli- or microseconds since 1970, not seconds.
_MILLIS_FROM: Final = 100_000_000_000
_MICROS_FROM: Final = 100_000_000_000_000


class WrongTrial(Exception):
    """What was given cannot be tried; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one delivery."""

    #: ``ok``, ``refused`` (not authentic) or ``unreadable``.
    outcome: str
    #: Why not, a sentence; empty when ok.
    error: str = ""
    #: What it says.
    activities: tuple[Activity, ...] = ()


@dataclass(slots=True)
class _Standing:
    """A clock that stands where it is put."""

    at: int = 0
    system: SystemClock = field(default_factory=SystemClock)

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.system.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.system.sleep(seconds)


class Trial:
    """Tries deliveries on one connector."""

    def __init__(self, spec: AnySpec, specs: Specs | None = None, *, channel: Channel | None = None) -> None:
        """Take the connector. Raises `PluginError` when its SDK is not installed, `WrongTrial` for a wrong channel."""
        self._spec = spec
        self._class = load_class(specs, spec)
        if channel is not None and channel not in spec.channels:
            raise WrongTrial(f"{spec.title} serves {_words(spec.channels)}, not {channel.value}.")
        self._channel = channel or min(spec.channels)
        self._clock = _Standing()
        self._made: dict[str, Connector[Any]] = {}
        self._apart = Apart("trial")

    async def close(self) -> None:
        """Free the connectors that were made."""
        self._apart.close()
        for connector in self._made.values():
            await connector.close()
            if isinstance(connector.host, HostSide):
                await connector.host.close()

    # --- one delivery ------------------------------------------------------------------------------------------------
    async def delivery(
        self, given: Delivery, settings: Mapping[str, Any] | ConnectionSettings, *, now: int, verify: bool
    ) -> Outcome:
        """Return what a delivery says; with `verify` only when it is authentic at the instant `now` (µs).

        A delivery without a known endpoint is tried on each of the connector's: the first that understands it counts.
        Raises `WrongTrial` for settings that cannot be.
        """
        connector = self._connector(settings)
        self._clock.at = now
        names = self._spec.capabilities.endpoints
        known = given.endpoint in names or given.method == "FRAME"
        tried = [given] if known else [_at(given, name) for name in names]
        first: Outcome | None = None
        for each in tried:
            made = await self._one(connector, each, verify=verify)
            if made.outcome == "ok" and made.activities:
                return made
            if first is None or (first.outcome != "ok" and made.outcome == "ok"):
                first = made
        if first is None:
            raise WrongTrial(f"{self._spec.title} takes no deliveries.")
        return first

    async def _one(self, connector: Connector[Any], delivery: Delivery, *, verify: bool) -> Outcome:
        source: object = connector
        if not isinstance(source, Source):
            raise WrongTrial(f"{self._spec.title} only takes handoffs: it brings nothing in.")
        if verify and isinstance(source, WebhookSource) and delivery.method != "FRAME":
            try:
                await source.verify(delivery)
            except DeliveryRejected as error:
                return Outcome(outcome="refused", error=str(error))
        stored = StoredDelivery(id=0, lane="", delivery=delivery, attempts=0)
        parsed = self._parsed(stored, source)
        activities = tuple(activity for _, activity in parsed.activities)
        fault = parsed.unreadable or " ".join(failure.reason for failure in parsed.failures)
        return Outcome(outcome="unreadable" if fault else "ok", error=fault, activities=activities)

    def _parsed(self, stored: StoredDelivery, source: Source) -> ParsedDelivery:
        most = self._spec.capabilities.max_events
        if not self._spec.capabilities.parse_apart:
            return parse_delivery(stored, source, self._channel, most)
        # As in the gateway: whatever the bytes do to the parser costs a process and no more.
        (parsed,) = self._apart.parse(source, [Order(stored=stored, channel=self._channel, most=most)])
        return parsed

    # --- settings ----------------------------------------------------------------------------------------------------
    def _connector(self, settings: Mapping[str, Any] | ConnectionSettings) -> Connector[Any]:
        key = repr(settings) if isinstance(settings, ConnectionSettings) else json.dumps(settings, sort_keys=True)
        made = self._made.get(key)
        if made is None:
            values = settings if isinstance(settings, ConnectionSettings) else _lenient(self._spec, settings)
            clock: Clock = self._clock
            try:
                made = self._class(values, HostSide("trial", clock, values))
            except Exception as error:  # noqa: BLE001 (with a setting left out, a connector may not come about)
                sentence = f"{self._spec.title} cannot be made of these settings ({type(error).__name__}): give it more of them."
                raise WrongTrial(sentence) from None
            self._made[key] = made
        return made


def _lenient(spec: AnySpec, given: Mapping[str, Any]) -> ConnectionSettings:
    """Return settings with a stand-in for what was left out: reading a delivery needs few of them."""
    known: dict[str, FieldInfo] = dict(spec.settings.model_fields)
    values = dict(given)
    for name, info in known.items():
        if info.is_required() and name not in values:
            values[name] = _stand_in(info.annotation)
    model: type[ConnectionSettings] = spec.settings
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        wrong = [each for each in faults if each["loc"] and each["loc"][0] in given]
        if wrong:
            sentences = "; ".join(map(_said, wrong))
            raise WrongTrial(f"The settings of {spec.title} cannot be: {sentences}.") from None
        # Only stand-ins are wrong, or what fields must be together: nothing that was given.
        made = {name: _as_typed(known[name].annotation, value) for name, value in values.items()}
        return model.model_construct(None, **made)


def _said(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] in OWN:
        return f"{name}: {own_words(fault['msg'])}".rstrip(".")
    return f"{name} {in_our_words(fault['type'], fault.get('ctx', {}))}"


def _as_typed(annotation: Any, value: Any) -> Any:
    """Return a value as its field holds it; a stand-in that the field would refuse stays as it is."""
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return value


def _stand_in(annotation: Any) -> Any:
    if _is_secret(annotation):
        # Nobody can sign with what nobody knows. In the form of Standard Webhooks, which those who want none take as well.
        return "whsec_" + base64.b64encode(token_bytes(32)).decode()
    for part in (annotation, *get_args(annotation)):
        origin = get_origin(part) or part
        if origin in {int, float}:
            return 1
        if origin in {list, tuple, set, frozenset}:
            return []
        if origin is dict:
            return {}
        if origin is bool:
            return False
    return _ABSENT


def _is_secret(annotation: Any) -> bool:
    if get_origin(annotation) in {Union, UnionType}:
        return any(_is_secret(part) for part in get_args(annotation))
    return annotation is SecretStr


# --- what is given ---------------------------------------------------------------------------------------------------
def _at(delivery: Delivery, endpoint: str) -> Delivery:
    return replace(delivery, endpoint=endpoint)


def delivery_from(value: Mapping[str, Any], *, now: int) -> Delivery:
    """Return a recorded delivery: method, url, headers (pairs or an object), and body or body_base64; an endpoint if told.

    Raises `WrongTrial`.
    """
    url = str(value.get("url") or "")
    return Delivery(
        connection="trial",
        endpoint=_endpoint(value, url),
        received_at=now,
        method=str(value.get("method") or "POST").upper(),
        url=url,
        headers=tuple(_headers(value.get("headers") or ())),
        body=_body(value),
    )


def mail_from(raw: bytes, *, now: int) -> Delivery:
    """Return a raw mail as the delivery that a mailbox makes of it."""
    return Delivery(connection="trial", endpoint="", received_at=now, method="FRAME", url="", headers=(), body=raw)


def _endpoint(value: Mapping[str, Any], url: str) -> str:
    named = value.get("endpoint")
    if named is not None:
        return str(named)
    parts = [part for part in urlsplit(url).path.split("/") if part]
    at = parts.index("hooks") if "hooks" in parts else -1
    # Not told: no endpoint has this name, so each is tried.
    return parts[at + 2] if at >= 0 and len(parts) > at + 2 else "?"


def _headers(value: object) -> Iterator[tuple[str, str]]:
    pairs: Iterable[Any] = (
        value.items() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    )
    for pair in pairs:
        try:
            name, content = pair
        except (TypeError, ValueError):
            raise WrongTrial("headers must be an object, or a list of pairs of a name and a value.") from None
        for each in content if isinstance(content, list) else [content]:
            yield str(name), str(each)


def _body(value: Mapping[str, Any]) -> bytes:
    if "body_base64" in value:
        return base64_bytes(value["body_base64"], "body_base64")
    body = value.get("body", "")
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if body is None:
        return b""
    # A body that was recorded as JSON, not as the text of it.
    return json.dumps(body, ensure_ascii=False).encode()


def base64_bytes(text: object, name: str) -> bytes:
    """Return bytes out of Base64. Raises `WrongTrial`."""
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise WrongTrial(f"{name} is no Base64.") from None


def instant_from(value: object, *, default: int) -> int:
    """Return an instant in UTC microseconds: ISO 8601, or a number since 1970 (seconds; milli- and microseconds by size).

    Raises `WrongTrial`.
    """
    if value is None or value == "":
        return default
    if isinstance(value, str) and not value.strip().lstrip("-").replace(".", "", 1).isdigit():
        try:
            made = datetime.fromisoformat(value.strip())
        except ValueError:
            raise WrongTrial("now is no instant: write ISO 8601, or seconds since 1970.") from None
        made = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
        return round(made.timestamp() * _MICRO)
    try:
        number = float(str(value))
        scale = 1 if number >= _MICROS_FROM else 1_000 if number >= _MILLIS_FROM else _MICRO
        return round(number * scale)
    except (ValueError, OverflowError):
        raise WrongTrial("now is no instant: write ISO 8601, or seconds since 1970.") from None


# --- what is shown ---------------------------------------------------------------------------------------------------
def told(activity: Activity, connector: str) -> dict[str, Any]:
    """Return an activity as JSON values, for people and programs outside of Baton."""
    mail, report = activity.mail, activity.report
    auto = mail.auto_generated if mail is not None else None
    return {
        "connector": connector,
        "channel": activity.channel.value if activity.channel is not None else None,
        "kind": activity.kind.value,
        "thread": activity.thread,
        "dedupe_key": activity.dedupe,
        "occurred_at": iso(activity.occurred_at),
        "sender": _party(activity.sender),
        "recipients": [_party(each) for each in activity.recipients],
        "audience": activity.audience.value,
        "subject": activity.subject,
        "text": activity.text,
        "reply_text": activity.reply_text,
        "language": activity.language,
        "message_id": activity.message_id,
        "attachments": [_attachment(each) for each in activity.attachments],
        "delivery_state": report.state.value if report is not None else None,
        "delivery_report": plain(report),
        "auto_generated": {"class": auto.sort, "reason": auto.reason} if auto is not None else None,
        "references": list(mail.references) if mail is not None else [],
        "button": plain(activity.button),
        "ticket": plain(activity.ticket),
        "call": plain(activity.call),
        "bot": plain(activity.bot),
        "satisfaction": plain(activity.satisfaction),
        "consent": activity.consent,
        "reference": activity.reference,
        "own": activity.own,
        "extras": plain(activity.extras),
    }


def iso(at: int) -> str:
    """Return an instant (UTC microseconds) in ISO 8601."""
    return datetime.fromtimestamp(at / _MICRO, UTC).isoformat().replace("+00:00", "Z")


def _party(party: Party | None) -> dict[str, Any] | None:
    if party is None:
        return None
    made = {
        "kind": party.kind,
        "value": party.value,
        "name": party.name,
        "role": party.role.value,
        "evidence": party.evidence.value,
    }
    return {**made, "email": party.email} if party.email else made


def _attachment(file: Attachment) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "url": file.url,
        "inline": file.inline,
    }


def _words(channels: Iterable[Channel]) -> str:
    return ", ".join(sorted(channel.value for channel in channels))
