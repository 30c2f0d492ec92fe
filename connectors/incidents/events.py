"""What those that watch post → an incident that begins, or is over. Pure.

An incident is a thread: an Alertmanager's group of alerts, a PagerDuty incident, a Statuspage incident. What is told twice, and
every change in between (acknowledged, another alert of the group), is the same event, or none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gateway.sdk import (
    ChannelEvent,
    Delivery,
    IncidentReported,
    Party,
    Role,
    UnreadableDelivery,
    as_instant,
    as_object,
    as_objects,
    as_text,
    printable,
    read_object,
)

Json = Mapping[str, Any]

#: What happens to an incident at PagerDuty, and whether it is over then; all else changes neither.
PAGERDUTY: Final = {"incident.triggered": False, "incident.reopened": False, "incident.resolved": True}
#: The states of an incident at Statuspage; those of maintenance are none.
STATUSPAGE: Final = {
    "investigating": False,
    "identified": False,
    "monitoring": False,
    "resolved": True,
    "postmortem": True,
}
_TITLE: Final = 200
_WORD: Final = 200


def parse_delivery(delivery: Delivery, fingerprint_label: str) -> Iterator[ChannelEvent]:
    """Yield what a delivery says. Raises UnreadableDelivery."""
    told = read_object(delivery.body)
    parser = _PARSERS.get(delivery.endpoint)
    if parser is not None:
        yield from parser(told, fingerprint_label)


def lane_of(delivery: Delivery) -> str:
    """Return the unit of order: what one endpoint says is taken in turn. Never raises."""
    return delivery.endpoint or "other"


def _short(value: object, most: int) -> str:
    return " ".join(printable(as_text(value)).split())[:most]


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _watcher(kind: str, name: str, value: str) -> Party:
    return Party(kind=kind, value=value[:_WORD] or kind, name=name, role=Role.SYSTEM)


# --- Alertmanager: prometheus.io/docs/alerting/latest/configuration, webhook_config ----------------------------------
def _alertmanager(told: Json, fingerprint_label: str) -> Iterator[ChannelEvent]:
    """Say how a group of alerts is: over when all of them are."""
    group, status = as_text(told.get("groupKey")), as_text(told.get("status"))
    if not group or status not in {"firing", "resolved"}:
        return
    over = status == "resolved"
    alerts = as_objects(told.get("alerts"))
    firing = [alert for alert in alerts if as_text(alert.get("status")) != "resolved"]
    # The same alerts are told again and again; once they end and begin anew, their times are others.
    counted = alerts if over else firing
    times = [_time(alert.get("endsAt" if over else "startsAt")) for alert in counted]
    labels, notes = as_object(told.get("commonLabels")), as_object(told.get("commonAnnotations"))
    title = _short(notes.get("summary"), _TITLE) or _short(labels.get("alertname"), _TITLE)
    url = next((found for alert in counted if (found := _address(alert.get("generatorURL")))), "")
    yield IncidentReported(
        thread=f"alertmanager:{_key(group)}",
        dedupe=f"alertmanager:{_key(group, status, sorted(_mark(alert, over=over) for alert in counted))}",
        occurred_at=max(times, default=0),
        sender=_watcher("alertmanager", "Alertmanager", _short(told.get("receiver"), _WORD)),
        over=over,
        title=title or _short(as_object(told.get("groupLabels")).get("alertname"), _TITLE) or "Alerts",
        fingerprint=_short(labels.get(fingerprint_label), _WORD) if fingerprint_label else "",
        url=_address(told.get("externalURL")) or url,
    )


def _mark(alert: Json, *, over: bool) -> list[str]:
    ends = as_text(alert.get("endsAt")) if over else ""
    labels = json.dumps(as_object(alert.get("labels")), sort_keys=True)
    return [as_text(alert.get("fingerprint")) or labels, as_text(alert.get("startsAt")), ends]


def _time(value: object) -> int:
    if not value:
        return 0
    return max(0, as_instant(value, "An alert's time cannot be read."))


def _address(value: object) -> str:
    text = as_text(value)
    return text if text.startswith(("https://", "http://")) and text.isprintable() and " " not in text else ""


# --- PagerDuty: developer.pagerduty.com/docs/webhooks-overview, v3 ---------------------------------------------------
def _pagerduty(told: Json, _: str) -> Iterator[ChannelEvent]:
    event = as_object(told.get("event"))
    over = PAGERDUTY.get(as_text(event.get("event_type")))
    if over is None:
        return
    data = as_object(event.get("data"))
    number, key = as_text(data.get("id")), as_text(event.get("id"))
    if not number or not key:
        raise UnreadableDelivery("PagerDuty's event has no id, or none of its incident.")
    yield IncidentReported(
        thread=f"pagerduty:{number}",
        dedupe=f"pagerduty:{key}",
        occurred_at=as_instant(event.get("occurred_at"), "The time of PagerDuty's event cannot be read."),
        sender=_watcher("pagerduty", "PagerDuty", _short(as_object(data.get("service")).get("id"), _WORD)),
        over=over,
        title=_short(data.get("title"), _TITLE) or "Incident",
        url=_address(data.get("html_url")),
    )


# --- Statuspage: support.atlassian.com/statuspage/docs/enable-webhook-notifications ----------------------------------
def _statuspage(told: Json, _: str) -> Iterator[ChannelEvent]:
    incident = as_object(told.get("incident"))
    status = as_text(incident.get("status"))
    over = STATUSPAGE.get(status)
    if over is None:
        return
    number = as_text(incident.get("id"))
    if not number:
        raise UnreadableDelivery("Statuspage's incident has no id.")
    changed = as_text(incident.get("updated_at"))
    yield IncidentReported(
        thread=f"statuspage:{number}",
        dedupe=f"statuspage:{_key(number, status, changed)}",
        occurred_at=as_instant(changed, "The time of Statuspage's incident cannot be read."),
        sender=_watcher("statuspage", "Statuspage", _short(as_object(told.get("page")).get("id"), _WORD)),
        over=over,
        title=_short(incident.get("name"), _TITLE) or "Incident",
        url=_address(incident.get("shortlink")),
    )


_PARSERS: Final[Mapping[str, Callable[[Json, str], Iterator[ChannelEvent]]]] = {
    "alertmanager": _alertmanager,
    "pagerduty": _pagerduty,
    "statuspage": _statuspage,
}
