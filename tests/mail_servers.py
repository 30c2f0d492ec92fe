"""Dovecot and Postfix, the real ones, as throw-away instances of our own on ports of this machine.

Postfix takes mail and delivers it into Maildirs, Dovecot serves them by IMAP and answers Postfix's question who may send. Postfix
insists on being started by root; then Dovecot is as well, and the mail belongs to ``nobody``.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.facilities import MissingFacilityError

PASSWORD = 'a-mailbox\'s "password" with blanks'
DOMAIN = "shop.example"
#: Users that can be made: these names with a number behind, each in its domain.
_USERS = {"help": DOMAIN, "ada": "customer.example"}
_DOVECOT = """
protocols = imap
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
info_log_path = {home}/dovecot.log
instance_name = baton-{port}
mail_location = maildir:{home}/mail/%n
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 0
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
ssl = required
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
auth_mechanisms = plain login
disable_plaintext_auth = yes
mailbox_list_index = no
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {home}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {starttls}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service auth {{
  unix_listener {home}/auth-postfix {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
_POSTFIX = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/postfix-data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {home}/postfix.log
maillog_file_prefixes = /tmp
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.shop.example
mydestination =
mynetworks =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
virtual_mailbox_domains = shop.example, customer.example
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = texthash:{home}/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {home}/auth-postfix
smtpd_tls_cert_file = {home}/cert.pem
smtpd_tls_key_file = {home}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
message_size_limit = 5000000
mailbox_size_limit = 0
default_transport = error:nobody sends mail out of a test
alias_maps =
local_recipient_maps =
smtpd_client_connection_rate_limit = 0
"""
_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
local unix - n n - - local
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    found = [socket.socket() for _ in range(count)]
    for each in found:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in found]
    for each in found:
        each.close()
    return ports


@dataclass(kw_only=True)
class MailServers:
    """One Dovecot, and one Postfix where root started us."""

    home: Path
    imaps: int
    imap: int
    smtp: int
    smtps: int
    dovecot: subprocess.Popen[bytes] | None = None
    postfix: subprocess.Popen[bytes] | None = None
    users: int = 0

    @property
    def authority(self) -> str:
        """Return the file with the certificate of both servers' authority."""
        return str(self.home / "cert.pem")

    # --- users and mail ----------------------------------------------------------------------------------------------
    def user(self, name: str) -> str:
        """Return the address of a user with an empty mailbox, ``help`` or ``ada``."""
        self.users += 1
        return f"{name}{self.users}@{_USERS[name]}"

    def deliver(self, sender: str, recipient: str, raw: bytes) -> None:
        """Hand a mail to Postfix, as another server on the internet would; to Dovecot itself where there is none."""
        if self.postfix is None:
            name = recipient.partition("@")[0]
            command = ["doveadm", "-c", str(self.home / "dovecot.conf"), "save", "-u", name, "-m", "INBOX"]
            self._run(*command, input=b"Received: by doveadm\r\n" + raw)
            return
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as client:
            client.sendmail(sender, [recipient], raw)

    def drop(self, name: str, raw: bytes, at: int) -> None:
        """Put a mail into a mailbox that was taken at an instant (UNIX seconds), as a migration does."""
        self.doveadm("mailbox", "status", "-u", name, "messages", "INBOX")
        path = self.home / "mail" / name / "new" / f"{at}.M1P{len(raw)}.old"
        path.write_bytes(raw)
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
        os.utime(path, (at, at))

    def doveadm(self, *words: str) -> str:
        """Ask Dovecot."""
        return self._run("doveadm", "-c", str(self.home / "dovecot.conf"), *words)

    def flags(self, name: str, folder: str = "INBOX") -> list[str]:
        """Return the flags of each mail, as Dovecot keeps them."""
        found = self.doveadm("-f", "tab", "fetch", "-u", name, "flags", "mailbox", folder, "ALL")
        return found.splitlines()[1:]

    def mails(self, name: str, folder: str = "INBOX") -> list[bytes]:
        """Return the mails of a folder."""
        home = self.home / "mail" / name
        place = home if folder == "INBOX" else home / f".{folder}"
        files = [each for part in ("new", "cur") for each in (place / part).glob("*")]
        return [each.read_bytes() for each in sorted(files, key=lambda each: each.name)]

    @staticmethod
    def _run(*words: str, input: bytes = b"") -> str:  # noqa: A002 (as subprocess calls it)
        done = subprocess.run(words, input=input, capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    # --- life --------------------------------------------------------------------------------------------------------
    def start_dovecot(self) -> None:
        """Start Dovecot and wait until it answers."""
        command = ["/usr/sbin/dovecot", "-F", "-c", str(self.home / "dovecot.conf")]
        with (self.home / "dovecot.out").open("ab") as log:
            self.dovecot = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._wait(self.imaps, self.dovecot, "Dovecot", self.home / "dovecot.out", self.home / "dovecot.log")

    def stop_dovecot(self) -> None:
        """End Dovecot and all its processes."""
        _end(self.dovecot)
        self.dovecot = None

    def start_postfix(self) -> None:
        """Start Postfix and wait until it answers."""
        command = ["/usr/sbin/postfix", "-c", str(self.home / "postfix"), "start-fg"]
        with (self.home / "postfix.out").open("ab") as log:
            self.postfix = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._wait(self.smtp, self.postfix, "Postfix", self.home / "postfix.out", self.home / "postfix.log")

    @staticmethod
    def _wait(port: int, process: subprocess.Popen[bytes], name: str, *logs: Path) -> None:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            if process.poll() is not None or time.monotonic() > end:
                tail = "\n".join(log.read_text(errors="replace")[-1500:] for log in logs if log.exists())
                raise MissingFacilityError(f"{name} did not start\n{tail}")
            time.sleep(0.05)

    def close(self) -> None:
        """End both and remove everything."""
        self.stop_dovecot()
        if self.postfix is not None:
            # Its master is a session of its own, so that ending what we started would leave it running.
            pid_file = self.home / "queue" / "pid" / "master.pid"
            with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
            self.postfix.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def start_mail_servers() -> MailServers:
    """Return running servers, without Postfix where root did not start us. Raises MissingFacilityError."""
    postfix = os.geteuid() == 0
    lacking = [name for name in ("dovecot", "doveadm", "openssl") if not _found(name)]
    if not Path("/usr/lib/dovecot/imap").exists():
        lacking.append("dovecot-imapd")
    if postfix and not _found("postfix"):
        lacking.append("postfix")
    if lacking:
        raise MissingFacilityError(f"{', '.join(lacking)} is missing (Debian: apt-get install dovecot-imapd postfix)")
    home = Path(tempfile.mkdtemp(prefix="baton-mail-", dir="/tmp"))
    imaps, imap, smtp, smtps = free_ports(4)
    servers = MailServers(home=home, imaps=imaps, imap=imap, smtp=smtp, smtps=smtps)
    try:
        _write(servers, postfix=postfix)
        servers.start_dovecot()
        if postfix:
            servers.start_postfix()
    except BaseException:
        servers.close()
        raise
    return servers


def _found(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _write(servers: MailServers, *, postfix: bool) -> None:
    home = servers.home
    home.chmod(0o755)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("nobody")
        names = {"internal": "dovecot", "internal_group": "dovecot", "login": "dovenull"}
    else:
        owner = pwd.getpwuid(os.geteuid())
        group = subprocess.run(["id", "-gn"], capture_output=True, text=True, check=True).stdout.strip()
        names = {"internal": owner.pw_name, "internal_group": group, "login": owner.pw_name}
    ids = {"uid": owner.pw_uid, "gid": owner.pw_gid if os.geteuid() == 0 else os.getegid()}
    (home / "mail").mkdir()
    if os.geteuid() == 0:
        os.chown(home / "mail", ids["uid"], ids["gid"])
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(home / "key.pem"), "-out", str(home / "cert.pem")),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        raise MissingFacilityError("openssl could not make a certificate")
    # Both servers read their tables when they please: all users that there will be.
    names_of = [(name, domain, number) for name, domain in _USERS.items() for number in range(100)]
    (home / "passwd").write_text("".join(f"{name}{n}:{{PLAIN}}{PASSWORD}::::::\n" for name, _, n in names_of))
    (home / "mailboxes").write_text("".join(f"{name}{n}@{domain} {name}{n}/\n" for name, domain, n in names_of))
    values = {"home": home, "port": servers.imaps, "starttls": servers.imap, **ids, **names}
    (home / "dovecot.conf").write_text(_DOVECOT.format(**values))
    if postfix:
        configuration = home / "postfix"
        for place in (configuration, home / "queue"):
            place.mkdir()
        (home / "postfix-data").mkdir()
        shutil.chown(home / "postfix-data", "postfix")
        (configuration / "main.cf").write_text(_POSTFIX.format(home=home, **ids))
        (configuration / "master.cf").write_text(_MASTER.format(smtp=servers.smtp, smtps=servers.smtps))
