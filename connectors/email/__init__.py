"""E-mail: a mailbox by IMAP, or the inbound webhooks of Mailgun, Postmark and SendGrid; replies go out by SMTP."""

from connectors.email.settings import EmailSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency, Oversize

SPEC = ConnectorSpec(
    name="email",
    title="E-mail",
    channels=frozenset({Channel.EMAIL}),
    settings=EmailSettings,
    factory="connectors.email.connector:EmailConnector",
    extra="email",
    sandbox="connectors.email.sandbox:EmailSandbox",
    capabilities=Capabilities(
        # SMTP knows no key. A mail of ours is found again by its Message-ID where the server keeps what was sent.
        idempotency=Idempotency.LOOKUP,
        # A server may take minutes to answer the end of DATA (RFC 5321, 4.5.3.2.6: ten); `smtp.ANSWER` is the most we wait.
        call_timeout=120.0,
        # Largest that the services send: Postmark 35 MB of attachments as base64 within JSON, SendGrid 30 MB, Mailgun 25 MB.
        max_delivery=52_428_800,
        # SendGrid drops a mail for good on any 4xx: what is larger is cut, and says so.
        oversize=Oversize.CUT,
        # Microsoft 365 for a user (the first three) or an application (the next two), Google.
        scopes=(
            "IMAP.AccessAsUser.All",
            "SMTP.Send",
            "offline_access",
            "IMAP.AccessAsApp",
            "SMTP.SendAsApp",
            "https://mail.google.com/",
        ),
        endpoints=("mailgun", "postmark", "sendgrid"),
        # 18 MB of bytes are the 25 MB that most servers take, once they are base64.
        max_file=18_874_368,
        parse_apart=True,
    ),
)
