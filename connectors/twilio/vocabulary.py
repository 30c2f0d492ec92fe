"""Twilio's words for states and errors, and what they mean here.

Source: twilio.com/docs/messaging/api/message-resource#message-status-values and twilio.com/docs/api/errors.
"""

from __future__ import annotations

from typing import Final

from gateway.sdk import DeliveryState

#: `MessageStatus` → how far the message came.
STATES: Final[dict[str, DeliveryState]] = {
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "queued": DeliveryState.ACCEPTED,
    "sending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.SENT,
    "partially_delivered": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "undelivered": DeliveryState.FAILED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
}

#: Code of a report → whether it will never arrive (None: nobody knows), and a sentence.
CODES: Final[dict[str, tuple[bool | None, str]]] = {
    "21610": (True, "The customer has said STOP."),
    "30001": (False, "Twilio's queue for this sender is full."),
    "30002": (None, "The account is suspended."),
    "30003": (False, "The phone is switched off or out of reach."),
    "30004": (True, "The carrier or the customer blocks the message."),
    "30005": (True, "The number does not exist."),
    "30006": (True, "The number is a landline, or its carrier takes no text messages."),
    "30007": (None, "The carrier filtered the message as unwanted."),
    "30008": (None, "The carrier does not say why."),
    "30010": (None, "The message costs more than its highest price."),
    "30034": (None, "The sender is not registered for sending to this country."),
    "63003": (True, "The customer cannot be reached over this messenger."),
    "63016": (False, "The customer's last message is more than 24 hours ago: only a template may be sent."),
    "63018": (False, "The sender has reached its limit on this messenger."),
    "63024": (True, "The number is not on this messenger."),
    "63032": (None, "The messenger does not let this customer be written to."),
}

#: Codes of the API by which it refuses us, whatever the request.
REFUSED: Final = frozenset({20003, 20005, 20006, 20008, 30002, 70051})

#: Code of the API → what a person can do about it.
ADVICE: Final[dict[int, str]] = {
    20404: "Twilio does not have it, or it belongs to another account",
    21210: "the number to call from must be one of the account's: see notify_from",
    21211: "the number that it goes to is not valid",
    21212: "our own number is not valid: write it as +4930123456",
    21215: "the account may not call this country: allow it in the Console under Voice, Geo permissions",
    21408: "the account may not send to this country: allow it in the Console under Messaging, Geo permissions",
    21602: "the message is empty",
    21606: "our number cannot send this message: it must be one of the account's, able to send text messages",
    21610: "the customer has said STOP; Twilio sends again once they say START",
    21612: "this pair of numbers cannot be reached: look whether our number can send to that country",
    21614: "the customer's number is no mobile number",
    21617: "the message is longer than 1600 characters",
    21655: "the template's SID is wrong: see template_sid",
    21656: "the template's variables are wrong: see template_variable",
    21703: "the Messaging Service has no number that can send it",
    63007: "there is no such WhatsApp sender in the account",
    63016: "the customer's last message is more than 24 hours ago: set template_sid to an approved Content template",
}
