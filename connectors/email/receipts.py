"""What Mailgun, Postmark and SendGrid say became of mails of ours, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connectors.email.forms import Form
from connectors.email.reasons import reason_of
from connectors.email.reports import ENHANCED, LONGEST_REASON
from gateway.sdk import DeliveryState, as_object


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """What a service says about a mail of ours, or about what its recipient wants."""

    #: The service's id of the event, empty when it gives none.
    event_id: str
    #: Message-ID of the mail, with angle brackets where it is one, or the service's id; empty when not said.
    message_id: str
    #: Who it was sent to, empty when not said.
    recipient: str
    #: How far it came; None when the event is about consent.
    state: DeliveryState | None
    #: When, UTC microseconds; None when not said.
    occurred_at: int | None
    #: RFC 3463's code, or the service's.
    code: str = ""
    #: True when the address itself is no good, None when nothing failed.
    permanent: bool | None = None
    #: The service's words.
    reason: str = ""
    #: False when the recipient wants no more mails, True when again; None when the event is not about that.
    granted: bool | None = None


def _text(value: object) -> str:
    return (
        value
        if isinstance(value, str)
        else ("" if value is None or isinstance(value, dict | list | bool) else str(value))
    )


def _seconds(value: object) -> int | None:
    try:
        moment = float(_text(value))
        return int(moment * 1_000_000) if 0 < moment < 1e11 else None  # noqa: PLR2004 (a year past 5000 is no time)
    except ValueError:
        return None


def _iso(value: object) -> int | None:
    text = re.sub(r"(\.\d{6})\d+", r"\1", _text(value)).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return None


def _bracketed(message_id: str) -> str:
    return f"<{message_id}>" if "@" in message_id and not message_id.startswith("<") else message_id


def _short(words: str) -> str:
    return " ".join(words.split())[:LONGEST_REASON]


def _code(words: str, *stated: object) -> str:
    for each in stated:
        found = ENHANCED.search(_text(each))
        if found is not None:
            return found[1]
    inside = ENHANCED.search(words)
    return inside[1] if inside is not None else next((text for each in stated if (text := _text(each))), "")


def _is_hard(words: str, code: str, *, otherwise: bool) -> bool:
    reason = reason_of(words, code)
    return reason.hard if reason is not None else otherwise


# --- Mailgun -------------------------------------------------------------------------------------------------------------
_MAILGUN: Final = {
    "accepted": DeliveryState.ACCEPTED,
    "delivered": DeliveryState.DELIVERED,
    "opened": DeliveryState.READ,
    "clicked": DeliveryState.READ,
    "complained": DeliveryState.DELIVERED,
    "failed": DeliveryState.FAILED,
    "rejected": DeliveryState.FAILED,
    "bounced": DeliveryState.FAILED,
    "dropped": DeliveryState.FAILED,
}


def mailgun_event(body: Mapping[str, Any]) -> ServiceReport | None:
    """Return what an event of Mailgun's webhooks says; None when its kind is not known."""
    data, signature = as_object(body.get("event-data")), as_object(body.get("signature"))
    name = _text(data.get("event")).lower()
    status, headers = as_object(data.get("delivery-status")), as_object(as_object(data.get("message")).get("headers"))
    event_id = _text(data.get("id")) or _text(signature.get("token"))
    message_id, recipient = _bracketed(_text(headers.get("message-id"))), _text(data.get("recipient"))
    moment = _seconds(data.get("timestamp"))
    if name == "unsubscribed":
        return ServiceReport(
            event_id=event_id, message_id=message_id, recipient=recipient, state=None, occurred_at=moment, granted=False
        )
    state = _MAILGUN.get(name)
    if state is None:
        return None
    words = _text(status.get("message")) or _text(status.get("description")) or _text(data.get("reason"))
    temporary = name == "failed" and _text(data.get("severity")) == "temporary"
    state = DeliveryState.DELAYED if temporary else state
    failed = state in {DeliveryState.FAILED, DeliveryState.DELAYED}
    code = _code(words, status.get("enhanced-code"), status.get("code")) if failed else ""
    hard = failed and not temporary and _is_hard(words, code, otherwise=_text(data.get("reason")) == "bounce")
    return ServiceReport(
        event_id=event_id,
        message_id=message_id,
        recipient=recipient,
        state=state,
        occurred_at=moment,
        code=code,
        permanent=hard if failed else None,
        reason=_short(words) if failed else ("feedback: abuse" if name == "complained" else ""),
    )


def mailgun_legacy_event(form: Form) -> ServiceReport | None:
    """Return what an event of Mailgun's old webhooks (forms) says; None when its kind is not known."""
    name = form.text("event").lower()
    message_id = _bracketed(form.text("Message-Id") or form.text("message-id"))
    event_id, moment = form.last("token"), _seconds(form.last("timestamp"))
    if name == "unsubscribed":
        return ServiceReport(
            event_id=event_id,
            message_id=message_id,
            recipient=form.text("recipient"),
            state=None,
            occurred_at=moment,
            granted=False,
        )
    state = _MAILGUN.get(name)
    if state is None:
        return None
    failed = state is DeliveryState.FAILED
    words = form.text("error") or form.text("notification") or form.text("description")
    code = _code(words, form.text("code")) if failed else ""
    return ServiceReport(
        event_id=event_id,
        message_id=message_id,
        recipient=form.text("recipient"),
        state=state,
        occurred_at=moment,
        code=code,
        permanent=_is_hard(words, code, otherwise=form.text("reason") == "hardfail") if failed else None,
        reason=_short(words) if failed else ("feedback: abuse" if name == "complained" else ""),
    )


# --- Postmark ------------------------------------------------------------------------------------------------------------
_POSTMARK_SOFT: Final = frozenset(
    {
        "SoftBounce",
        "Transient",
        "DnsError",
        "AutoResponder",
        "AddressChange",
        "OpenRelayTest",
        "Unknown",
        "VirusNotification",
    }
)


def postmark_event(body: Mapping[str, Any]) -> ServiceReport | None:
    """Return what an event of Postmark's webhooks says; None when its kind is not known."""
    kind = _text(body.get("RecordType"))
    message_id = _text(body.get("MessageID"))
    recipient = _text(body.get("Email")) or _text(body.get("Recipient"))
    at = next((body[key] for key in ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt") if body.get(key)), None)
    if not message_id and not recipient:
        return None
    event_id = ":".join(
        filter(None, (kind, _text(body.get("ID")), message_id if not body.get("ID") else "", _text(at)))
    )
    shared: dict[str, Any] = {
        "event_id": event_id,
        "message_id": message_id,
        "recipient": recipient,
        "occurred_at": _iso(at),
    }
    if kind == "SubscriptionChange":
        # Only what people wish: a suppression after a bounce is told by the bounce.
        theirs = _text(body.get("Origin")) == "Recipient" and _text(body.get("SuppressionReason")) in {
            "ManualSuppression",
            "",
        }
        return ServiceReport(state=None, granted=body.get("SuppressSending") is not True, **shared) if theirs else None
    if kind == "Bounce":
        return _postmark_bounce(body, shared)
    state = {
        "Delivery": DeliveryState.DELIVERED,
        "Open": DeliveryState.READ,
        "Click": DeliveryState.READ,
        "SpamComplaint": DeliveryState.DELIVERED,
    }.get(kind)
    if state is None:
        return None
    return ServiceReport(state=state, reason="feedback: abuse" if kind == "SpamComplaint" else "", **shared)


def _postmark_bounce(body: Mapping[str, Any], shared: dict[str, Any]) -> ServiceReport | None:
    sort = _text(body.get("Type"))
    if sort in {"AutoResponder", "OpenRelayTest", "ChallengeVerification", "Subscribe", "Unsubscribe"}:
        return None  # no failure: Postmark calls whatever comes back a bounce
    words = _text(body.get("Details")) or _text(body.get("Description"))
    code = _code(words)
    later = sort == "Transient"
    hard = sort not in _POSTMARK_SOFT and not later and _is_hard(words, code, otherwise=sort == "HardBounce")
    return ServiceReport(
        state=DeliveryState.DELAYED if later else DeliveryState.FAILED,
        code=code or ("5.0.0" if hard else ""),
        permanent=hard,
        reason=_short(words) or sort,
        **shared,
    )


# --- SendGrid ------------------------------------------------------------------------------------------------------------
_SENDGRID: Final = {
    "processed": DeliveryState.ACCEPTED,
    "deferred": DeliveryState.DELAYED,
    "delivered": DeliveryState.DELIVERED,
    "open": DeliveryState.READ,
    "click": DeliveryState.READ,
    "bounce": DeliveryState.FAILED,
    "blocked": DeliveryState.FAILED,
    "dropped": DeliveryState.FAILED,
    "spamreport": DeliveryState.DELIVERED,
}
_SENDGRID_CONSENT: Final = {"unsubscribe": False, "group_unsubscribe": False, "group_resubscribe": True}


def sendgrid_event(body: Mapping[str, Any]) -> ServiceReport | None:
    """Return what one event of SendGrid's Event Webhook says; None when its kind is not known."""
    name = _text(body.get("event")).lower()
    shared: dict[str, Any] = {
        "event_id": _text(body.get("sg_event_id")),
        "message_id": _bracketed(_text(body.get("smtp-id"))) or _text(body.get("sg_message_id")),
        "recipient": _text(body.get("email")),
        "occurred_at": _seconds(body.get("timestamp")),
    }
    if name in _SENDGRID_CONSENT:
        return ServiceReport(state=None, granted=_SENDGRID_CONSENT[name], **shared)
    state = _SENDGRID.get(name)
    if state is None:
        return None
    failed = state in {DeliveryState.FAILED, DeliveryState.DELAYED}
    words = _text(body.get("reason")) or _text(body.get("response"))
    code = _code(words, body.get("status")) if failed else ""
    blocked = name == "blocked" or _text(body.get("type")) == "blocked" or state is DeliveryState.DELAYED
    hard = failed and not blocked and _is_hard(words, code, otherwise=code.startswith("5"))
    return ServiceReport(
        state=state,
        code=code,
        permanent=hard if failed else None,
        reason=_short(words) if failed else ("feedback: abuse" if name == "spamreport" else ""),
        **shared,
    )
