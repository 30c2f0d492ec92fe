"""A stand-in for Twilio's text messages: SMS and WhatsApp, people who write, carriers that deliver or do not.

What Twilio documents is kept to: a message is `queued` and has no date of sending until a carrier took it; who said STOP is
not written to (21610); WhatsApp outside its 24 hours takes the message and reports 63016 later; more than 1600 characters are
refused (21617). Not known, and so not here: how Twilio rounds dates in filters, and what it shows of a template's text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from connectors.twilio.sandbox_account import (
    ACCOUNT,
    API,
    SMS_NUMBER,
    TOKEN,
    WHATSAPP,
    TwilioAccountSandbox,
    TwilioWebhook,
    problem,
    shown,
    sought,
)
from gateway.testing.sandbox import Handler, system_now

_WINDOW: Final = 24 * 60 * 60 * 1_000_000
_STOP: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_START: Final = frozenset({"START", "YES", "UNSTOP"})


class TwilioSandbox(TwilioAccountSandbox):
    """One account that sends and receives text messages."""

    title = "Twilio Messaging"
    elsewhere = ("Calls", "Recordings")

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, public: str = "") -> None:
        """Take the clock, the auth token, and the hook's address in the Console where requests are sent to another."""
        super().__init__(now=now, token=token, public=public)
        #: All messages, oldest first; what begins with ``_`` only the sandbox knows.
        self.messages: list[dict[str, Any]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.stopped: set[tuple[str, str]] = set()
        #: Content templates by SID; ``{{1}}`` is a variable.
        self.templates = {"HX" + "1" * 32: "We have news for you: {{1}}"}
        #: SID of its Messaging Service, which sends from the first number.
        self.service = "MG" + "2" * 32
        #: Where its API sends on to for a file's bytes, empty to give them itself.
        self.store = ""
        #: Numbers that carriers cannot reach, with the code that is reported.
        self.unreachable: dict[str, str] = {}
        #: What a segment costs once a carrier took it, and in which currency.
        self.rate = Decimal("0.0079")
        self.currency = "USD"

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the API as far as the connector uses it."""
        message = f"{API}/Messages/{{message}}"
        return [
            *super().routes(),
            ("messages.create", "POST", f"{API}/Messages.json", self.api(self._create)),
            ("messages.list", "GET", f"{API}/Messages.json", self.api(self._list)),
            ("messages.fetch", "GET", f"{API}/Messages/{{message}}.json", self.api(self._fetch)),
            ("media.list", "GET", f"{message}/Media.json", self.api(self._media)),
            ("media.bytes", "GET", f"{message}/Media/{{media}}", self.api(self._bytes)),
        ]

    def state(self) -> dict[str, Any]:
        """Return all messages, and who said STOP."""
        return {
            **super().state(),
            "messages": [shown(row) for row in self.messages],
            "stopped": [f"{theirs} to {ours}" for ours, theirs in sorted(self.stopped)],
        }

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people and carriers can be made to do."""
        acts = (self.person_texts, self.staff_answers, self.carries, self.number_is_unreachable)
        return {act.__name__: act for act in acts}

    def sent(self, text: str) -> int:
        """Return how many messages with this text went out."""
        return sum(1 for row in self.messages if row["direction"] == "outbound-api" and row["body"] == text)

    # --- the API -----------------------------------------------------------------------------------------------------
    def _create(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        to, ours, body = given.get("To", ""), given.get("From", ""), given.get("Body", "")
        service = given.get("MessagingServiceSid", "")
        if not ours and service == self.service:
            ours = SMS_NUMBER
        wrong = self._refusal(to, ours, given)
        if wrong is not None:
            return problem(400, *wrong)
        template = given.get("ContentSid", "")
        if template:
            body = self._rendered(template, given.get("ContentVariables", ""))
        row = self._row(ours, to, body, "outbound-api", "queued")
        row["messaging_service_sid"] = service or None
        row["_callback"] = given.get("StatusCallback", "")
        row["_free"] = not template
        return web.json_response(shown(row), status=201)

    def _refusal(self, to: str, ours: str, given: Mapping[str, Any]) -> tuple[int, str] | None:
        number, body, template = to.removeprefix("whatsapp:"), given.get("Body", ""), given.get("ContentSid", "")
        wrong = {
            (21604, "A 'To' phone number is required."): not to,
            (21211, "The 'To' number is not a valid phone number."): not (number[:1] == "+" and number[1:].isdigit()),
            (21606, "The 'From' number is not a message-capable number of yours."): ours
            not in {*self.numbers, WHATSAPP},
            (21602, "Message body is required."): not body and not template,
            (21617, "The concatenated message body exceeds the 1600 character limit."): len(body) > 1600,
            (21655, "The ContentSid is invalid."): bool(template) and template not in self.templates,
            (21610, "Attempt to send to unsubscribed recipient."): (ours, to) in self.stopped,
        }
        return next((problem for problem, stands in wrong.items() if stands), None)

    def _rendered(self, template: str, variables: str) -> str:
        import json

        text = self.templates[template]
        for name, value in json.loads(variables or "{}").items():
            text = text.replace("{{" + name + "}}", value)
        return text

    def _row(self, ours: str, theirs: str, body: str, direction: str, status: str) -> dict[str, Any]:
        sid = self.sid("SM")
        row: dict[str, Any] = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "from": ours,
            "to": theirs,
            "body": body,
            "direction": direction,
            "status": status,
            "num_media": "0",
            "num_segments": str(_parts(theirs, body)),
            "error_code": None,
            "price": None,
            "price_unit": self.currency,
            "messaging_service_sid": None,
            "date_created": self.stamp(),
            "date_sent": self.stamp() if direction == "inbound" else None,
            "uri": f"{API}/Messages/{sid}.json",
            "_sent_at": self.now() if direction == "inbound" else None,
        }
        self.messages.append(row)
        return row

    def _list(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:
        rows = sought(self.messages, given, {"DateSent": "_sent_at"})
        return self.page("messages", [shown(row) for row in rows], given, request.path)

    def _fetch(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:  # noqa: ARG002 (takes nothing)
        sid = request.match_info["message"]
        row = next((row for row in self.messages if row["sid"] == sid), None)
        return (
            problem(404, 20404, "The requested resource was not found.")
            if row is None
            else web.json_response(shown(row))
        )

    def _media(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:
        message = request.match_info["message"]
        rows = [
            {
                "sid": sid,
                "parent_sid": message,
                "content_type": kind,
                "uri": f"{API}/Messages/{message}/Media/{sid}.json",
            }
            for sid, (kind, _) in self.files.items()
            if sid in self._of(message)
        ]
        return self.page("media_list", rows, given, request.path)

    def _of(self, message: str) -> Sequence[str]:
        return next((row.get("_media", ()) for row in self.messages if row["sid"] == message), ())

    def _bytes(self, request: web.Request, given: Mapping[str, Any]) -> web.StreamResponse:  # noqa: ARG002 (takes nothing)
        found = self.files.get(request.match_info["media"])
        if found is None:
            return problem(404, 20404, "The requested resource was not found.")
        if self.store:
            return web.Response(status=307, headers={"Location": self.store})
        return web.Response(body=found[1], content_type=found[0])

    # --- people and carriers -----------------------------------------------------------------------------------------
    def person_texts(
        self,
        sender: str,
        text: str,
        *,
        to: str = "",
        name: str = "",
        files: Sequence[tuple[str, bytes | str]] = (),
        fields: Mapping[str, str] | None = None,
        lost: bool = False,
    ) -> str:
        """Have somebody write to one of our numbers; returns the SID.

        `files` are pairs of media type and content, `fields` go along with the webhook, which never comes when it is `lost`.
        """
        ours = to or (WHATSAPP if sender.startswith("whatsapp:") else SMS_NUMBER)
        row = self._row(sender, ours, text, "inbound", "received")
        row["_media"] = tuple(self.sid("ME") for _ in files)
        row["num_media"] = str(len(files))
        told = ((kind, body.encode() if isinstance(body, str) else body) for kind, body in files)
        self.files |= dict(zip(row["_media"], told, strict=True))
        given = self._fields(row)
        given |= {f"MediaUrl{number}": self._url(row["sid"], sid) for number, sid in enumerate(row["_media"])}
        given |= {f"MediaContentType{number}": kind for number, (kind, _) in enumerate(files)}
        given |= self._of_channel(sender, name)
        given |= self._hears(ours, sender, text)
        given |= fields or {}
        if not lost:
            self.webhooks.put(TwilioWebhook(endpoint="", body=urlencode(sorted(given.items())).encode()))
        return str(row["sid"])

    def staff_answers(self, number: str, text: str = "1") -> str:
        """Have somebody answer the newest message that was sent to their number. Returns the SID."""
        told = [row for row in self.messages if row["to"] == number and row["direction"] == "outbound-api"]
        return self.person_texts(number, text, to=told[-1]["from"] if told else "")

    def _fields(self, row: Mapping[str, Any]) -> dict[str, str]:
        return {
            "MessageSid": row["sid"],
            "SmsSid": row["sid"],
            "SmsMessageSid": row["sid"],
            "AccountSid": ACCOUNT,
            "From": row["from"],
            "To": row["to"],
            "Body": row["body"],
            "NumMedia": row["num_media"],
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }

    @staticmethod
    def _of_channel(sender: str, name: str) -> dict[str, str]:
        if sender.startswith("whatsapp:"):
            number = sender.removeprefix("whatsapp:+")
            return {"WaId": number, "ProfileName": name or "Somebody", "MessageType": "text"}
        return {"FromCountry": "DE", "ToCountry": "DE", "FromCity": "", "FromState": "", "FromZip": ""}

    def _hears(self, ours: str, theirs: str, text: str) -> dict[str, str]:
        """Do what Twilio does at STOP and START: on telephone networks only."""
        word = text.strip().upper()
        if theirs.startswith("whatsapp:") or word not in _STOP | _START:
            return {}
        (self.stopped.add if word in _STOP else self.stopped.discard)((ours, theirs))
        return {"OptOutType": "STOP" if word in _STOP else "START"}

    def _url(self, message: str, media: str) -> str:
        return f"{self.url}{API}/Messages/{message}/Media/{media}"

    def number_is_unreachable(self, number: str, code: str = "30003") -> None:
        """Have carriers report that they cannot reach a number, with a code of Twilio's; an empty code: they can again."""
        self.unreachable.pop(number, None)
        if code:
            self.unreachable[number] = code

    def carries(self) -> int:
        """Have carriers deliver what is queued, and Twilio report it; returns how many messages they took."""
        taken = [row for row in self.messages if row["status"] == "queued"]
        for row in taken:
            row["date_sent"], row["_sent_at"] = self.stamp(), self.now()
            code = self._failure(row)
            row["status"], row["error_code"] = ("undelivered", int(code)) if code else ("delivered", None)
            row["price"] = f"-{Decimal(row['num_segments']) * self.rate:f}"
            for status in ("sent", row["status"]):
                self._reports(row, status, code if status == row["status"] else "")
        return len(taken)

    def _failure(self, row: Mapping[str, Any]) -> str:
        if row["to"].startswith("whatsapp:") and row["_free"]:
            wrote = [
                each["_sent_at"] for each in self.messages if (each["from"], each["to"]) == (row["to"], row["from"])
            ]
            if not wrote or self.now() - max(wrote) >= _WINDOW:
                return "63016"
        return self.unreachable.get(row["to"], "")

    def _reports(self, row: Mapping[str, Any], status: str, code: str) -> None:
        if not row["_callback"]:
            return
        fields = {name: row[name.lower()] for name in ("From", "To")} | {
            "MessageSid": row["sid"],
            "SmsSid": row["sid"],
            "AccountSid": ACCOUNT,
            "MessageStatus": status,
            "SmsStatus": status,
            **({"ErrorCode": code} if code else {}),
        }
        query = urlsplit(row["_callback"]).query
        self.webhooks.put(TwilioWebhook(endpoint="", query=query, body=urlencode(sorted(fields.items())).encode()))


def _parts(to: str, body: str) -> int:
    """Return how many messages Twilio makes of a text, as far as letters of ASCII and others go."""
    whole, part = (160, 153) if body.isascii() else (70, 67)
    return 1 if ":" in to or len(body) <= whole else -(-len(body) // part)
