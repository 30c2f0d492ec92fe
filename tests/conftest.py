"""What all tests share: facilities of the machine, and how hard Hypothesis tries."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests import facilities
from tests.facilities import Browser, MissingFacilityError, PostgresServer
from tests.mail_servers import MailServers, start_mail_servers

settings.register_profile(
    "default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("BATON_HYPOTHESIS", "default"))

#: Test data that others wrote; beside the project or where BATON_SHARED_DATA says, never in it.
REFERENCE = Path(os.environ.get("BATON_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Leave logging as it was found: commands that run within a test set it up for a process of their own."""
    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, root.manager.disable
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.disable(disabled)


def missing(name: str, reason: str) -> None:
    """Skip the test with its reason, or fail it where the facility is required."""
    if name in facilities.required():
        pytest.fail(f"BATON_REQUIRE names {name}, but {reason}.", pytrace=False)
    pytest.skip(f"{name}: {reason}")


class Closed(Protocol):
    """Something that ends when it is closed."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closed)


def lent(start: Callable[[], C]) -> Iterator[C | str]:
    """Yield what starts here, and close it at the end; or yield why it is missing."""
    try:
        found = start()
    except MissingFacilityError as problem:
        yield str(problem)
    else:
        yield found
        found.close()


def present(name: str, found: C | str) -> C:
    """Return what is there, or end the test."""
    if isinstance(found, str):
        missing(name, found)
        raise AssertionError  # noqa: TRY004 (missing() has already ended the test)
    return found


@pytest.fixture(scope="session")
def _postgres() -> Iterator[PostgresServer | str]:
    yield from lent(facilities.start_postgres)


@pytest.fixture
def postgres_server(_postgres: PostgresServer | str) -> PostgresServer:
    """The session's PostgreSQL server."""
    return present("postgres", _postgres)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """URL of a fresh, empty schema."""
    return postgres_server.schema()


@pytest.fixture(scope="session")
def _mail() -> Iterator[MailServers | str]:
    yield from lent(start_mail_servers)


@pytest.fixture
def mail_servers(_mail: MailServers | str) -> MailServers:
    """The session's Dovecot and Postfix."""
    return present("mail", _mail)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A fresh Chromium."""
    try:
        found = facilities.start_browser()
    except MissingFacilityError as problem:
        missing("browser", str(problem))
        raise AssertionError from None
    yield found
    found.close()


@pytest.fixture
def postfix(mail_servers: MailServers) -> MailServers:
    """The session's mail servers, Postfix among them."""
    if mail_servers.postfix is None:
        missing("mail", "Postfix can only be started by root")
    return mail_servers


@pytest.fixture
def strace() -> str:
    """Path of a strace that can trace here."""
    try:
        return facilities.strace_binary()
    except MissingFacilityError as problem:
        missing("strace", str(problem))
        raise AssertionError from None


@pytest.fixture
def reference() -> Path:
    """Folder of test data that others wrote."""
    if not REFERENCE.is_dir():
        missing("reference", "the reference data beside the project is absent")
    return REFERENCE


@pytest.fixture
def labelled() -> Path:
    """Folder of labelled texts that nobody here tuned on: see tests/labelled.py."""
    folder = os.environ.get("BATON_LABELLED", "")
    if not folder or not Path(folder).is_dir():
        missing("labelled", "BATON_LABELLED names no folder with the labelled texts that tests/labelled.py lists")
    return Path(folder)
