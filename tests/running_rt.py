"""A Request Tracker of one's own: Debian's, on a database and a port of the test's, set up as the connector's page says."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.facilities import MissingFacilityError
from tests.prove.gateway_process import free_port

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "connectors" / "request_tracker.md"
#: Queues that Baton works with in tests.
QUEUES: Final = ("General", "Escalations", "Billing")
SERVER: Final = Path("/usr/share/request-tracker5/libexec/rt-server")

_CONFIG: Final = """
Set($rtname, 'rt.test');
Set($Organization, 'rt.test');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{directory}/rt.db');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebBaseURL, 'http://127.0.0.1:{port}');
Set($WebPath, '');
Set($Timezone, '{zone}');
Set($CorrespondAddress, 'help@rt.test');
Set($CommentAddress, 'help-comment@rt.test');
Set($MailCommand, 'mbox');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
# As shipped it is 12, a third of a second for each request.
Set($BcryptCost, 4);
Set($BatonWebhookURL, '{webhook}');
Set($BatonWebhookSecret, '{secret}');
Set($BatonTagsField, 'baton_tags');
$RT::MasonDataDir = '{directory}/mason';
$RT::MasonSessionDir = '{directory}/session';
$RT::VarPath = '{directory}/var';
1;
"""

#: What an administrator does on RT's pages: further queues for the tests, a person who works there, and an auth token.
_PEOPLE: Final = """
use strict; use warnings;
our ( @Queues, @Users, @Groups, @ACL, @Final );
push @Queues, { Name => $_ } for qw(Escalations Billing Secret);
push @Users, { Name => 'anna', RealName => 'Anna Agent', EmailAddress => 'anna@rt.test', Privileged => 1,
    Password => 'password' };
push @Groups, { Name => 'Second line', Domain => 'UserDefined', Members => { Users => ['anna'] } };
push @ACL, { Right => $_, GroupDomain => 'UserDefined', GroupId => 'Second line' }
    for qw(SeeQueue CreateTicket ShowTicket ShowTicketComments CommentOnTicket ReplyToTicket ModifyTicket OwnTicket
           SeeCustomField ModifyCustomField);
push @ACL, { Right => $_, GroupDomain => 'SystemInternal', GroupType => 'Everyone' } for qw(CreateTicket ReplyToTicket);
"""
_TOKEN: Final = """
our @Final = (sub {
    my $user = RT::User->new(RT->SystemUser);
    $user->Load('baton');
    my ($ok, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->Id, Description => 'Baton');
    die $message unless $ok;
    open my $file, '>', 'token' or die;
    print {$file} $token;
    close $file;
});
1;
"""


def program(name: str) -> str | None:
    """Return the path of one of RT's programs: some stand where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


def page_file(name: str) -> str:
    """Return a file that the connector's page tells admins to write."""
    found = re.search(rf"<!-- file: {re.escape(name)} -->\n\n```perl\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"the page has no {name}"
    return found[1]


@dataclass(slots=True, kw_only=True)
class RunningRT:
    """Debian's Request Tracker, set up and running."""

    directory: Path
    port: int
    webhook: str = ""
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    workers: int = 2
    zone: str = "Asia/Tokyo"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """Return the auth token of Baton's user."""
        return (self.directory / "token").read_text().strip()

    @property
    def log(self) -> str:
        """Return what it logged."""
        return (self.directory / "log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        """Return what RT's programs find in their environment: our configuration, nothing of the machine's own."""
        own = {
            "RT_SITE_CONFIG": str(self.directory / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.directory / "none.d"),
        }
        return {**{key: value for key, value in os.environ.items() if not key.startswith(("RT_", "PERL"))}, **own}

    def set_up(self) -> None:
        """Make the database, and do what the connector's page tells an admin to do."""
        for name in ("mason", "session", "var", "none.d"):
            (self.directory / name).mkdir(exist_ok=True)
        self.configure()
        self._run("rt-setup-database-5", "--action", "init", "--skip-create")
        (self.directory / "people.initialdata").write_text(_PEOPLE + "1;\n")
        self._run("rt-setup-database-5", "--action", "insert", "--datafile", "people.initialdata")
        (self.directory / "baton-scrip.pl").write_text(page_file("baton-scrip.pl"))
        queues = ", ".join(f"'{name}'" for name in QUEUES)
        initial = page_file("baton.initialdata").replace("my @queues = ('General');", f"my @queues = ({queues});")
        assert queues in initial, "the page's first lines changed"
        (self.directory / "baton.initialdata").write_text(initial)
        self._run("rt-setup-database-5", "--action", "insert", "--datafile", "baton.initialdata")
        (self.directory / "token.initialdata").write_text(_TOKEN)
        self._run("rt-setup-database-5", "--action", "insert", "--datafile", "token.initialdata")

    def configure(self) -> None:
        """Write RT_SiteConfig.pm."""
        (self.directory / "RT_SiteConfig.pm").write_text(
            _CONFIG.format(
                directory=self.directory, port=self.port, webhook=self.webhook, secret=self.secret, zone=self.zone
            )
        )

    def start(self, seconds: float = 60.0) -> None:
        """Start its web server and wait until it answers."""
        self.configure()
        starman = program("starman")
        assert starman is not None
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    starman,
                    "--listen",
                    f"127.0.0.1:{self.port}",
                    "--workers",
                    str(self.workers),
                    "--preload-app",
                    str(SERVER),
                ],
                cwd=self.directory,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + seconds
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise MissingFacilityError(f"Request Tracker did not start; its log ends:\n{self.log[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End its web server."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
            self.process = None

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/REST/2.0/rt", timeout=5):
                return True
        except urllib.error.HTTPError as answer:
            return answer.code == 401
        except (urllib.error.URLError, OSError):
            return False

    def _run(self, name: str, *arguments: str) -> None:
        command = [program(name) or name, *arguments]
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MissingFacilityError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")

    # --- questions to its own database -----------------------------------------------------------------------------------
    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Ask RT's own database."""
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/rt.db?mode=ro", uri=True, timeout=30)) as base:
            return base.execute(sql, values).fetchall()

    def tickets_with(self, external_id: str) -> list[int]:
        """Return the tickets whose custom field holds a case's id, merged and deleted ones as well."""
        sql = (
            "SELECT v.ObjectId FROM ObjectCustomFieldValues v JOIN CustomFields f ON f.id = v.CustomField"
            " WHERE f.Name = 'baton_external_id' AND v.ObjectType = 'RT::Ticket' AND v.Disabled = 0 AND v.Content = ?"
        )
        return [int(row[0]) for row in self.rows(sql, (external_id,))]

    def messages_with(self, key: str) -> list[tuple[int, str]]:
        """Return ticket and type of the transactions that carry a key."""
        sql = (
            "SELECT t.ObjectId, t.Type FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId"
            " WHERE t.ObjectType = 'RT::Ticket' AND a.Headers LIKE ?"
        )
        return [(int(row[0]), str(row[1])) for row in self.rows(sql, (f'%x-baton-key="{key}"%',))]

    # --- people ----------------------------------------------------------------------------------------------------------
    def mail(self, raw: bytes, *, queue: str = "General", action: str = "correspond") -> None:
        """Hand a mail in, as a mail server does: by RT's own gateway."""
        gate = program("rt-mailgate-5") or program("rt-mailgate")
        assert gate is not None, "rt5-clients brings rt-mailgate"
        command = [gate, "--queue", queue, "--action", action, "--url", self.url]
        subprocess.run(command, input=raw, env=self.environment(), capture_output=True, check=True, timeout=60)

    def mails(self) -> str:
        """Return the mails that RT sent."""
        return "\n".join(path.read_text(errors="replace") for path in self.directory.rglob("*.mbox"))


def installed() -> None:
    """Return when this machine has a Request Tracker. Raises MissingFacilityError."""
    lacking = [name for name in ("rt-setup-database-5", "starman") if program(name) is None]
    if lacking or not SERVER.exists():
        raise MissingFacilityError(
            "Request Tracker is not installed (Debian: apt-get install request-tracker5 rt5-standalone rt5-db-sqlite starman;"
            " make test-rt does)"
        )


def make_rt(*, port: int | None = None, webhook: str = "", workers: int = 2) -> RunningRT:
    """Return a Request Tracker that is set up and not started. Raises MissingFacilityError."""
    installed()
    directory = Path(tempfile.mkdtemp(prefix="baton-rt-", dir="/tmp"))
    rt = RunningRT(directory=directory, port=port or free_port(), webhook=webhook, workers=workers)
    try:
        rt.set_up()
    except BaseException:
        rt.close()
        raise
    return rt


def start_rt(*, webhook: str = "", workers: int = 2) -> RunningRT:
    """Return a running Request Tracker. Raises MissingFacilityError."""
    rt = make_rt(webhook=webhook, workers=workers)
    try:
        rt.start()
    except BaseException:
        rt.close()
        raise
    return rt
