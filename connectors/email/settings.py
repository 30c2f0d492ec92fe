"""Settings of a connection to one mailbox."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.sdk import LOOPBACK, ConnectionSettings, safe_address


class WayIn(StrEnum):
    """How mail comes in."""

    IMAP = "imap"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    SENDGRID = "sendgrid"


class Security(StrEnum):
    """How a connection to a mail server is protected."""

    #: TLS from the first byte (IMAP port 993, SMTP port 465).
    TLS = "tls"
    #: Plain, and TLS before anything is said (IMAP port 143, SMTP port 587). Without an offer nothing is said.
    STARTTLS = "starttls"
    #: None: only on this machine.
    NONE = "none"


class Grant(StrEnum):
    """How access tokens are obtained (RFC 6749)."""

    #: Section 6: somebody signed in once, and what they got is renewed.
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 (the grant's name)
    #: Section 4.4: the application has a right of its own.
    CLIENT_CREDENTIALS = "client_credentials"


class Sent(StrEnum):
    """Who keeps a copy of what was sent: it decides what can be proven after a lost answer."""

    #: The server keeps one of each mail that it takes (Gmail, Microsoft 365): there or not there are both proofs.
    SERVER = "server"
    #: Baton writes one after the server took the mail: that it is there is a proof, that it is not there is none.
    APPEND = "append"
    #: Nobody: a lost answer waits for a person.
    NONE = "none"


class EmailSettings(ConnectionSettings):
    """How Baton reads one mailbox, and how it answers from it."""

    address: str = Field(pattern=r"^[^\s@<>,;:\"\\]+@[A-Za-z0-9.-]+$", max_length=254)
    """The address that customers write to. Replies come from it."""

    aliases: tuple[str, ...] = ()
    """Further addresses of the same mailbox: mail from them is our own."""

    name: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]*$")
    """The name that customers see beside the address."""

    way_in: WayIn = WayIn.IMAP
    """How mail comes in: read from the mailbox by `imap`, or sent to us by `mailgun`, `postmark` or `sendgrid`."""

    token_key: SecretStr = Field(min_length=16)
    """A secret of your own, at least 16 characters (`openssl rand -hex 32`): the Message-IDs of our mails are signed with it, so
    that an answer to one of them is known for what it is."""

    previous_token_key: SecretStr | None = None
    """The secret before it was changed. Keep it as long as answers to older mails may come."""

    subject_token: bool = False
    """True to write a signed token behind the subject of replies, for customers whose mail program forgets what it answers. It is
    good only from somebody who takes part in the case."""

    authserv_ids: tuple[str, ...] = ()
    """Names under which your own mail server writes Authentication-Results (RFC 8601). What others wrote there proves nothing;
    without a name here no sender counts as verified."""

    max_mail: int = Field(default=41_943_040, ge=65_536, le=104_857_600)
    """Largest mail that is taken whole from the mailbox, bytes. Of a larger one the beginning is taken, and the case says so."""

    user: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]*$")
    """The user to sign in as; the address when left out."""

    password: SecretStr | None = None
    """The password, or an application password. Leave it out with OAuth."""

    oauth_token_url: str | None = None
    """Address of the token endpoint, which switches OAuth (XOAUTH2) on. Microsoft 365:
    `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`; Google: `https://oauth2.googleapis.com/token`."""

    oauth_grant: Grant = Grant.REFRESH_TOKEN
    """`refresh_token` for a user who signed in once, `client_credentials` for an application with a right of its own."""

    oauth_client_id: str = ""
    """The application's (client) id."""

    oauth_client_secret: SecretStr | None = None
    """The application's secret; left out for a public client."""

    oauth_scope: str = ""
    """Scope to ask for. Microsoft 365: `https://outlook.office365.com/.default` with `client_credentials`; Google needs none."""

    oauth_refresh_token: SecretStr | None = None
    """The refresh token that the sign-in gave."""

    oauth_token_file: str = ""
    """A file of Baton's own in which the newest refresh token is kept (mode 0600), since a server may hand out a new one each
    time and refuse the old. Needed with `refresh_token`."""

    imap_host: str = ""
    """The IMAP server. Needed to read a mailbox, and to look for what was sent."""

    imap_port: int = Field(default=993, ge=1, le=65_535)
    """Its port."""

    imap_security: Security = Security.TLS
    """`tls`, `starttls`, or `none` on this machine only."""

    imap_folder: str = Field(default="INBOX", min_length=1)
    """The folder that is read."""

    imap_poll: float = Field(default=60.0, ge=1, le=600)
    """How often the folder is looked into, seconds. A server that offers IDLE says at once when something came; it is looked into
    all the same. When no look ended for three times as long, the connection counts as broken and starts anew."""

    imap_begin: str = Field(default="now", pattern=r"^(now|all)$")
    """What becomes of mail that is in the folder when the connection first runs: `now` leaves it alone, `all` takes it in."""

    smtp_host: str = ""
    """The SMTP server that takes replies; without one nothing can be answered."""

    smtp_port: int = Field(default=587, ge=1, le=65_535)
    """Its port."""

    smtp_security: Security = Security.STARTTLS
    """`tls`, `starttls`, or `none` on this machine only."""

    smtp_user: str = Field(default="", pattern=r"^[^\x00-\x1f\x7f]*$")
    """Another user for SMTP than for IMAP."""

    smtp_password: SecretStr | None = None
    """The password of that user."""

    smtp_login: bool = True
    """False for a relay that knows Baton by its address and wants no one to sign in."""

    sent: Sent = Sent.NONE
    """Who keeps a copy of what was sent: `server` when the mail server does so by itself (Gmail, Microsoft 365), `append` to have
    Baton write one, `none` for none. After a lost answer only `server` lets Baton send again by itself."""

    sent_folder: str = ""
    """The folder of sent mail; left out, the one that the server calls so."""

    tls_ca_file: str = ""
    """A file with the certificates of your own authority, for servers that no public one vouches for."""

    mailgun_signing_key: SecretStr | None = None
    """Mailgun's HTTP webhook signing key."""

    sendgrid_public_key: str = ""
    """The public key of SendGrid's signed Inbound Parse (a security policy), base64. Without it `hook_token` is needed."""

    hook_token: SecretStr | None = Field(default=None, min_length=16)
    """A secret of your own that the service sends along, at least 16 characters: as password in the address
    (`https://baton:SECRET@…`), or after it as `?token=SECRET`. Needed for Postmark, which signs nothing."""

    previous_hook_token: SecretStr | None = None
    """The secret before it was changed: both are accepted until this line is removed."""

    def notices_lack(self) -> tuple[str, ...]:
        """Say that nothing can be sent, where no server takes it."""
        return () if self.smtp_host else ("no server takes its mail, so set smtp_host",)

    # --- what belongs together ---------------------------------------------------------------------------------------
    @field_validator("oauth_token_url")
    @classmethod
    def _safe_address(cls, value: str | None) -> str | None:
        if value is not None and not safe_address(value):
            message = "a token endpoint begins with https://; http:// only for a sandbox on this machine"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for problem in (*self._way_in_lacks(), *self._sign_in_lacks()):
            raise ValueError(problem)
        return self

    def _way_in_lacks(self) -> list[str]:
        lacks = {
            WayIn.IMAP: (bool(self.imap_host), 'way_in = "imap" needs imap_host'),
            WayIn.MAILGUN: (bool(self.mailgun_signing_key), 'way_in = "mailgun" needs mailgun_signing_key'),
            WayIn.POSTMARK: (bool(self.hook_token), 'way_in = "postmark" needs hook_token: Postmark signs nothing'),
            WayIn.SENDGRID: (
                bool(self.hook_token or self.sendgrid_public_key),
                'way_in = "sendgrid" needs sendgrid_public_key or hook_token',
            ),
        }
        there, sentence = lacks[self.way_in]
        found = [] if there else [sentence]
        if self.sent is not Sent.NONE and not self.imap_host:
            found.append(f'sent = "{self.sent}" needs imap_host: the copies are looked for there')
        for host, security, name in (
            (self.imap_host, self.imap_security, "imap"),
            (self.smtp_host, self.smtp_security, "smtp"),
        ):
            if host and security is Security.NONE and host not in LOOPBACK:
                found.append(f'{name}_security = "none" is for servers on this machine only')
        return found

    def _sign_in_lacks(self) -> list[str]:
        needs_imap = bool(self.imap_host)
        needs_smtp = bool(self.smtp_host) and self.smtp_login and self.smtp_password is None
        if self.oauth_token_url is None:
            lacking = (needs_imap or needs_smtp) and self.password is None
            return ["a password is needed, or oauth_token_url"] if lacking else []
        if not self.oauth_client_id:
            return ["oauth_token_url needs oauth_client_id"]
        if self.oauth_grant is Grant.CLIENT_CREDENTIALS:
            return [] if self.oauth_client_secret else ['oauth_grant = "client_credentials" needs oauth_client_secret']
        if not self.oauth_refresh_token:
            return ['oauth_grant = "refresh_token" needs oauth_refresh_token']
        return [] if self.oauth_token_file else ['oauth_grant = "refresh_token" needs oauth_token_file']
