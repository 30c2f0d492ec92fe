"""Those that watch, as far as they post to Baton: an Alertmanager, a PagerDuty, a Statuspage.

The shapes follow the vendors' pages that `events.py` names. Nobody can ask these: they only post.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

TOKEN: Final = "sandbox-token-of-those-that-watch"
SECRET: Final = "sandbox secret of PagerDuty"


class IncidentsSandbox(Sandbox):
    """Alerts, incidents and a status page."""

    title = "monitoring and status pages"

    def __init__(self, *, now: Callable[[], int] = system_now) -> None:
        """Take the clock."""
        super().__init__(now=now)
        self._number = 0
        self.ids = self
        #: When each alert, by its name, began to fire.
        self._since: dict[str, str] = {}
        self.webhooks = WebhookSender(_signed)

    def begin_at(self, number: int) -> None:
        """Give ids of events above a number from now on."""
        self._number = number

    def settings(self) -> dict[str, str]:
        """Return settings: none but secrets are needed."""
        return {}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"token": TOKEN, "pagerduty_secret": SECRET}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return nothing: nobody calls them."""
        return []

    def _at(self) -> str:
        return datetime.fromtimestamp(self.now() / 1_000_000, UTC).isoformat().replace("+00:00", "Z")

    def _post(self, endpoint: str, told: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        self.webhooks.put(Webhook(endpoint=endpoint, body=json.dumps(told).encode(), headers=headers))

    # --- Alertmanager ------------------------------------------------------------------------------------------------
    def alert_fires(self, name: str, summary: str = "", service: str = "") -> None:
        """Have an alert begin to fire, or go on firing."""
        self._since.setdefault(name, self._at())
        self._alert(name, summary, service, "firing", "0001-01-01T00:00:00Z")

    def alert_ends(self, name: str, summary: str = "", service: str = "") -> None:
        """Have an alert end."""
        self._since.setdefault(name, self._at())
        self._alert(name, summary, service, "resolved", self._at())
        del self._since[name]

    def _alert(self, name: str, summary: str, service: str, status: str, ends: str) -> None:
        labels = {"alertname": name, **({"service": service} if service else {})}
        notes = {"summary": summary} if summary else {}
        alert = {
            "status": status,
            "labels": labels,
            "annotations": notes,
            "startsAt": self._since[name],
            "endsAt": ends,
            "generatorURL": "https://prometheus.example/graph",
            "fingerprint": hashlib.sha256(name.encode()).hexdigest()[:16],
        }
        told = {
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{name}"}}',
            "truncatedAlerts": 0,
            "status": status,
            "receiver": "baton",
            "groupLabels": {"alertname": name},
            "commonLabels": labels,
            "commonAnnotations": notes,
            "externalURL": "https://alertmanager.example",
            "alerts": [alert],
        }
        self._post("alertmanager", told)

    # --- PagerDuty ---------------------------------------------------------------------------------------------------
    def page(self, number: str, change: str = "triggered", title: str = "The server is on fire.") -> None:
        """Have something happen to an incident: ``triggered``, ``acknowledged``, ``resolved`` and so on."""
        self._number += 1
        data = {
            "id": number,
            "type": "incident",
            "html_url": f"https://acme.pagerduty.example/incidents/{number}",
            "status": change,
            "title": title,
            "service": {"id": "PSERVICE", "type": "service_reference", "summary": "Shop"},
        }
        event = {
            "id": f"event-{self._number}",
            "event_type": f"incident.{change}",
            "resource_type": "incident",
            "occurred_at": self._at(),
            "agent": None,
            "client": None,
            "data": data,
        }
        self._post("pagerduty", {"event": event})

    # --- Statuspage --------------------------------------------------------------------------------------------------
    def status_page_says(self, number: str, status: str = "investigating", name: str = "Errors in the shop") -> None:
        """Have the status page say how an incident is."""
        incident = {
            "id": number,
            "name": name,
            "status": status,
            "impact": "major",
            "shortlink": f"https://stspg.example/{number}",
            "created_at": self._at(),
            "updated_at": self._at(),
            "incident_updates": [],
        }
        page = {"id": "page-1", "status_indicator": "major", "status_description": "Partial outage"}
        self._post(f"statuspage?token={TOKEN}", {"meta": {}, "page": page, "incident": incident})

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what they can be made to do."""
        acts = (self.alert_fires, self.alert_ends, self.page, self.status_page_says)
        return {act.__name__: act for act in acts}

    def state(self) -> dict[str, Any]:
        """Return the alerts that fire."""
        return {"firing": dict(self._since)}


def _signed(webhook: Webhook) -> dict[str, str]:
    if webhook.endpoint == "pagerduty":
        return {"X-PagerDuty-Signature": signature(SECRET, webhook.body)}
    return {"Authorization": f"Bearer {TOKEN}"} if webhook.endpoint == "alertmanager" else {}


def signature(secret: str, body: bytes) -> str:
    """Return PagerDuty's signature, made apart from the connector's."""
    return "v1=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()
