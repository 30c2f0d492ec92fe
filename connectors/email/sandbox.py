"""A stand-in for a mail provider: one mailbox by IMAP and SMTP, its OAuth server, and the inbound webhooks of three services.

IMAP and SMTP are plain, on this machine; TLS and everything else that only a real server has is tested against Dovecot and
Postfix. The mailbox keeps a copy of what it sends, as Gmail and Microsoft 365 do. The OAuth server hands out a new refresh
token with each answer and refuses the old, which is stricter than Microsoft's and Google's.
"""

from __future__ import annotations

import asyncio
import base64
import email
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.email.sandbox_imap import COMMANDS, Folder, ImapSession
from connectors.email.sandbox_smtp import ROUTE, SIZE, SmtpSession
from gateway.testing.conditions import Condition, Takes
from gateway.testing.faults import Fault
from gateway.testing.sandbox import Call, Handler, Sandbox, Way, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

ADDRESS: Final = "help@shop.example"
PASSWORD: Final = "sandbox-mailbox-password"
TOKEN_KEY: Final = "sandbox-token-key-0123456789"
HOOK_TOKEN: Final = "sandbox-hook-token-0123456789"
MAILGUN_KEY: Final = "sandbox-mailgun-signing-key"
CLIENT: Final = "sandbox-client"
CLIENT_SECRET: Final = "sandbox-client-secret"
#: Number of the private key with which its SendGrid signs.
_SENDGRID_KEY: Final = 4_711
_LIMIT: Final = 64 * 1024 * 1024


def _sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(_SENDGRID_KEY, ec.SECP256R1())


class EmailSandbox(Sandbox):
    """One mailbox, and the people who write to it."""

    title = "A mail provider"
    variables = "MAIL"

    def __init__(
        self, *, now: Callable[[], int] = system_now, password: str = PASSWORD, address: str = ADDRESS
    ) -> None:
        """Take the clock, and the mailbox's password and address."""
        super().__init__(now=now)
        self.address = address
        self._password = password
        self.folders = {"INBOX": Folder(), "Sent": Folder()}
        #: What reached customers: sender, recipient, mail.
        self.posted: list[tuple[str, str, bytes]] = []
        self.ids = self
        self.webhooks = WebhookSender(self._sign)
        #: False: IDLE is not offered.
        self.idles = True
        #: False: no copy is kept of what is sent.
        self.keeps_sent = True
        self._size = SIZE
        #: The refresh token that is good now; empty once it was revoked.
        self.refresh_token = "sandbox-refresh-1"
        #: How long access tokens are good, seconds.
        self.lifetime = 3_600
        self._access: dict[str, int] = {}
        self._issued = 0
        self._servers: list[asyncio.Server] = []
        self._sessions: set[asyncio.StreamWriter] = set()
        self._ports = {"imap": 0, "smtp": 0}

    def begin_at(self, number: int) -> None:
        """Be a mailbox whose mails have other numbers than those before: by its UIDVALIDITY."""
        for folder in self.folders.values():
            folder.validity = number

    # --- set-up ------------------------------------------------------------------------------------------------------
    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this sandbox."""
        servers = {
            f"{name}_{key}": value
            for name, port in self._ports.items()
            for key, value in (("host", "127.0.0.1"), ("port", str(port or 1)), ("security", "none"))
        }
        return {"address": self.address, **servers, "sent": "server"}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"password": self._password, "token_key": TOKEN_KEY}

    def ways(self) -> Sequence[Way]:
        """Return how mail is taken from each service instead of the mailbox; replies go out by this SMTP server."""
        usual, own = self.settings(), {"hook_token": HOOK_TOKEN}
        kept = {name: usual[name] for name in ("address", "smtp_host", "smtp_port", "smtp_security")}
        further: dict[str, tuple[dict[str, str], dict[str, str]]] = {
            "mailgun": ({}, {**own, "mailgun_signing_key": MAILGUN_KEY}),
            "postmark": ({}, own),
            "sendgrid": ({"sendgrid_public_key": self.sendgrid_public_key}, own),
        }
        return [
            Way(
                title=f'mail that the service {service} hands on (customer_writes with "over": "{service}")',
                settings={**kept, "way_in": service, **settings},
                secrets={**self.secrets(), **secret},
            )
            for service, (settings, secret) in further.items()
        ]

    def oauth_settings(self, token_file: str) -> dict[str, str]:
        """Return what stands in the place of the password when the mailbox is reached with OAuth."""
        return {
            "oauth_token_url": f"{self.url}/token",
            "oauth_client_id": CLIENT,
            "oauth_client_secret": CLIENT_SECRET,
            "oauth_refresh_token": self.refresh_token,
            "oauth_token_file": token_file,
        }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the OAuth server's one route."""
        return [("oauth.token", "POST", "/token", self._token)]

    def fault_routes(self) -> list[str]:
        """Return the OAuth server's route, and the commands of SMTP and IMAP."""
        return [*super().fault_routes(), ROUTE, *(f"imap.{name}" for name in COMMANDS)]

    def conditions(self) -> dict[str, Condition]:
        """Return what may stand otherwise at the mail server."""
        idles, keeps = "IDLE is offered.", "A copy is kept of what is sent."
        size = "The largest mail that SMTP takes, bytes."
        return {
            **super().conditions(),
            "idles": Condition(does=idles, takes=Takes.FLAG, owner=self, attribute="idles"),
            "keeps_sent": Condition(does=keeps, takes=Takes.FLAG, owner=self, attribute="keeps_sent"),
            "largest_mail": Condition(does=size, takes=Takes.NUMBER, owner=self, attribute="size"),
        }

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen: HTTP on the port, IMAP and SMTP on free ones."""
        await super().start(host, port)
        for name, session in (("imap", ImapSession), ("smtp", SmtpSession)):
            server = await asyncio.start_server(self._serving(session), host, self._ports[name], limit=_LIMIT)
            self._servers.append(server)
            self._ports[name] = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and cut who is connected; mails stay, and so do the ports."""
        for server in self._servers:
            server.close()
        self.cuts_connections()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        await super().stop()

    def _serving(self, session: type[ImapSession | SmtpSession]) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._sessions.add(writer)
            try:
                await session(self, reader, writer).run()
            except asyncio.CancelledError:
                pass  # the loop ends; nobody waits for this
            finally:
                self._sessions.discard(writer)

        return serve

    # --- what the sessions ask ---------------------------------------------------------------------------------------
    @property
    def size(self) -> int:
        """The largest mail that is taken."""
        return self._size

    @size.setter
    def size(self, value: int) -> None:
        self._size = value

    def lets_in(self, user: str, secret: str, *, token: bool) -> bool:
        """Return whether a user may sign in."""
        if token:
            return user == self.address and self._access.get(secret, 0) > self.now()
        return user == self.address and hmac.compare_digest(secret.encode(), self._password.encode())

    def fault(self, route: str) -> Fault | None:
        """Return the fault that the next call of a route meets."""
        return self.faults.take(route)

    def called(self, route: str, command: str, status: int, fault: Fault | None) -> None:
        """Note a call."""
        self.calls.append(
            Call(route=route, method=command, path="", status=status, fault=fault.kind.value if fault else "")
        )

    def time(self) -> int:
        """Return the time, UTC microseconds."""
        return self.now()

    def post(self, sender: str, recipient: str, raw: bytes) -> str:
        """Take a mail for a customer, and keep a copy."""
        if len(raw) > self._size:
            return "552 5.3.4 Too large"
        self.posted.append((sender, recipient, raw))
        if self.keeps_sent:
            self.folders["Sent"].put(raw, self.now(), seen=True)
        return "250 2.0.0 Taken"

    async def _token(self, request: web.Request) -> web.StreamResponse:
        """Answer as RFC 6749 says; the refresh token is good once."""
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": self.lifetime}
        if form.get("grant_type") == "refresh_token":
            if not self.refresh_token or form.get("refresh_token") != self.refresh_token:
                return web.json_response({"error": "invalid_grant", "error_description": "revoked"}, status=400)
            self._issued += 1
            answer["refresh_token"] = self.refresh_token = f"sandbox-refresh-{self._issued + 1}"
        elif form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = answer["access_token"] = f"sandbox-access-{secrets.token_hex(8)}"
        self._access[token] = self.now() + self.lifetime * 1_000_000
        return web.json_response(answer)

    # --- people ------------------------------------------------------------------------------------------------------
    def customer_writes(
        self, sender: str, subject: str, text: str, *, name: str = "", in_reply_to: str = "", over: str = "imap"
    ) -> str:
        """Have a customer write a mail, which comes by `over` (imap, mailgun, postmark, sendgrid); return its Message-ID."""
        message = EmailMessage()
        message["From"] = f"{name} <{sender}>" if name else sender
        message["To"] = self.address
        message["Subject"] = subject
        message["Date"] = format_datetime(datetime.fromtimestamp(self.now() // 1_000_000, UTC))
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
        if in_reply_to:
            message["In-Reply-To"] = message["References"] = in_reply_to
        message.set_content(text)
        self.mail_comes(message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), over=over)
        return str(message["Message-ID"])

    def mail_comes(self, raw: bytes, *, over: str = "imap") -> None:
        """Have a mail come in, as it stands."""
        if over == "imap":
            self.folders["INBOX"].put(raw, self.now())
        else:
            self.webhooks.put(self._webhook(over, raw))

    def raw_mail_comes(self, mail: str, *, over: str = "imap") -> None:
        """Have a mail come in as it stands, headers and all: a bounce, an automatic answer, a forgery."""
        self.mail_comes(mail.replace("\r\n", "\n").replace("\n", "\r\n").encode(), over=over)

    def mailbox_is_renumbered(self) -> None:
        """Have the provider restore the mailbox: UIDVALIDITY changes, and all connections are cut."""
        self.folders["INBOX"].renumber()
        self.cuts_connections()

    def cuts_connections(self) -> None:
        """Cut all IMAP and SMTP connections."""
        for writer in list(self._sessions):
            writer.transport.abort()

    def revokes(self) -> None:
        """Have an administrator revoke the refresh token and all access tokens."""
        self.refresh_token = ""
        self._access.clear()

    def takes_access_back(self) -> None:
        """Have all access tokens refused before their time; the refresh token stays good."""
        self._access.clear()

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what people can be made to do."""
        acts = (
            self.customer_writes,
            self.raw_mail_comes,
            self.mailbox_is_renumbered,
            self.cuts_connections,
            self.revokes,
            self.takes_access_back,
        )
        return {act.__name__: act for act in acts}

    # --- questions ---------------------------------------------------------------------------------------------------
    def received_by(self, recipient: str) -> list[bytes]:
        """Return the mails that reached a customer."""
        return [raw for _, to, raw in self.posted if to == recipient]

    def writes(self) -> int:
        """Return how often something was written: mails handed over, and copies."""
        return sum(1 for call in self.calls if call.route in {"smtp.send", "imap.append"})

    def state(self) -> dict[str, Any]:
        """Return the whole state, for people."""
        return {
            "mailbox": {
                name: [
                    {"uid": kept.uid, "seen": kept.seen, "mail": kept.raw.decode("utf-8", "replace")}
                    for kept in folder.mails
                ]
                for name, folder in self.folders.items()
            },
            "sent": [
                {"from": sender, "to": to, "mail": raw.decode("utf-8", "replace")} for sender, to, raw in self.posted
            ],
            "requests_waiting": len(self.webhooks.waiting),
        }

    # --- requests of the services ------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        """Return the headers by which a service says who it is: our token, and SendGrid's signature of a security policy."""
        pair = base64.b64encode(f"baton:{HOOK_TOKEN}".encode()).decode()
        known = {"Authorization": f"Basic {pair}"}
        if webhook.endpoint != "sendgrid":
            return known
        stamp = str(self.now() // 1_000_000)
        proof = _sendgrid_key().sign(stamp.encode() + webhook.body, ec.ECDSA(hashes.SHA256()))
        known["X-Twilio-Email-Event-Webhook-Signature"] = base64.b64encode(proof).decode()
        known["X-Twilio-Email-Event-Webhook-Timestamp"] = stamp
        return known

    @property
    def sendgrid_public_key(self) -> str:
        """Return the key that SendGrid shows beside its security policy."""
        shown = _sendgrid_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(shown).decode()

    def _webhook(self, service: str, raw: bytes) -> Webhook:
        """Return the request by which a service hands a mail on, in its setting that sends the whole MIME message."""
        text = raw.decode("utf-8", "replace")
        if service == "mailgun":
            stamp, token = str(self.now() // 1_000_000), secrets.token_hex(25)
            proof = hmac.new(MAILGUN_KEY.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
            signed = {"timestamp": stamp, "token": token, "signature": proof}
            body = urlencode({"recipient": self.address, **signed, "body-mime": text}).encode()
            return Webhook(endpoint=service, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        if service == "sendgrid":
            boundary = "xYzZY-sandbox"
            envelope = json.dumps({"to": [self.address], "from": "sandbox@shop.example"})
            fields = {"to": self.address, "envelope": envelope, "charsets": '{"to":"UTF-8"}', "email": text}
            parts = [
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in fields.items()
            ]
            headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
            return Webhook(endpoint=service, body=f"{''.join(parts)}--{boundary}--\r\n".encode(), headers=headers)
        if service == "postmark":
            return Webhook(
                endpoint=service, body=_postmark(raw, self.address), headers={"Content-Type": "application/json"}
            )
        message = f"no service {service} is known"
        raise ValueError(message)


def _postmark(raw: bytes, address: str) -> bytes:
    """Return Postmark's JSON, with the raw mail included as its server setting offers."""
    message = email.message_from_bytes(raw, policy=policy.default)
    name, sender = parseaddr(str(message["From"] or ""))
    plain = message.get_body(("plain",))
    value = {
        "FromName": name,
        "From": sender,
        "FromFull": {"Email": sender, "Name": name, "MailboxHash": ""},
        "To": address,
        "ToFull": [{"Email": address, "Name": "", "MailboxHash": ""}],
        "CcFull": [],
        "BccFull": [],
        "OriginalRecipient": address,
        "Subject": str(message["Subject"] or ""),
        "MessageID": hashlib.sha256(raw).hexdigest()[:36],
        "Date": str(message["Date"] or ""),
        "MailboxHash": "",
        "TextBody": plain.get_content() if plain is not None else "",
        "HtmlBody": "",
        "StrippedTextReply": "",
        "Tag": "",
        "Headers": [{"Name": key, "Value": str(value)} for key, value in message.items()],
        "Attachments": [],
        "RawEmail": raw.decode("utf-8", "replace"),
    }
    return json.dumps(value).encode()
