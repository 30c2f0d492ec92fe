"""What `baton doctor` looks at: live calls that only read, this machine, and what two connections would both answer."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp

from gateway.agents import examine_agents, people_on
from gateway.clock import Clock
from gateway.config import AnySpec, Config, ConnectionConfig
from gateway.directories import Named, compared, named_by
from gateway.host.hostside import HostSide
from gateway.host.registry import PluginError, load_class
from gateway.host.session import ForbiddenAddressError, make_session
from gateway.sdk import (
    LOOPBACK,
    Connector,
    ConnectorError,
    CredentialsRefused,
    Directory,
    Finding,
    TemporaryFailure,
    WebhookSource,
)
from routing.people import NOBODY, People

if TYPE_CHECKING:
    from gateway.host.registry import Specs
    from routing.policy import Policy

#: Longest that one connection is looked at, seconds.
_LONGEST: Final = 60.0
#: A clock that is further off than this makes vendors' signatures look old, seconds. They allow 300; so much is early warning.
_SKEW: Final = 30.0
#: Syncs that are measured.
_SYNCS: Final = 20
#: A disk that syncs faster than this most likely does not sync, seconds: no medium keeps a page in so short a time.
_TOO_FAST: Final = 0.000_005
#: A disk that syncs slower than this will be felt in every answer, seconds.
_TOO_SLOW: Final = 0.050


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found about one connection, or about the gateway itself."""

    #: The connection; empty for the gateway.
    connection: str
    #: The findings, in the order in which they were made.
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Clocks:
    """How far vendors' clocks and ours are apart, as their answers' Date headers show."""

    clock: Clock
    skews: list[float] = field(default_factory=list[float])

    def watch(self, session: aiohttp.ClientSession) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._heard)
        trace.freeze()
        session.trace_configs.append(trace)

    async def _heard(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        skew = skew_of(params.response.headers.get("Date", ""), self.clock.now())
        if skew is not None:
            self.skews.append(skew)


def skew_of(date: str, now: int) -> float | None:
    """Return by how many seconds our clock (µs) is ahead of a Date header (RFC 9110, section 6.6.1); None if unreadable."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError):
        return None
    theirs = theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)
    return (datetime.fromtimestamp(now / 1_000_000, UTC) - theirs).total_seconds()


async def examine(
    config: Config, specs: Specs, clock: Clock, *, policy: Policy | None = None, vendors: bool = True
) -> list[Examined]:
    """Look at everything that runs, and whether the groups and agents that the policy names are there.

    With `vendors` False only at this machine. Nothing is written anywhere outside.
    """
    clocks = _Clocks(clock)
    named = list(named_by(policy)) if policy is not None else []
    made: list[tuple[ConnectionConfig, Examined, tuple[str, ...]]] = []
    if vendors:
        people = policy.people if policy is not None else NOBODY
        made = list(
            await asyncio.gather(
                *(
                    _connection(
                        each, specs, clock, clocks, [one for one in named if one.connection == each.name], people
                    )
                    for each in config.running
                )
            )
        )
        made = [
            (each, Examined(connection=each.name, findings=(*found.findings, *owners)), addresses)
            for (each, found, addresses), owners in zip(made, _two_owners(made), strict=True)
        ]
    own = [*machine(config), *_clock(clocks)]
    if vendors:
        own += await _reachable(config, specs)
    return [Examined(connection="", findings=tuple(own)), *(found for _, found, _ in made)]


# --- one connection --------------------------------------------------------------------------------------------------
async def _connection(
    config: ConnectionConfig,
    specs: Specs,
    clock: Clock,
    clocks: _Clocks,
    named: Sequence[Named],
    people: People,
) -> tuple[ConnectionConfig, Examined, tuple[str, ...]]:
    host = HostSide(config.name, clock, config.settings)
    connector: Connector[Any] | None = None
    findings: list[Finding] = []
    addresses: tuple[str, ...] = ()
    try:
        clocks.watch(host.http)
        connector = load_class(specs, config.spec)(config.settings, host)
        async with asyncio.timeout(_LONGEST):
            await connector.open()
            await connector.check()
            findings.append(Finding(subject="credentials", good=True, sentence="The vendor accepts them."))
            seen = await connector.examine()
            findings += seen.findings
            addresses = seen.addresses
        if isinstance(connector, Directory) and (named or people_on(config.name, people)):
            async with asyncio.timeout(_LONGEST):
                roster = await connector.roster()
            findings += [*compared(named, roster), *examine_agents(config.name, roster, people)]
    except Exception as error:  # noqa: BLE001 (one connection's trouble must not hide the others)
        findings.append(_trouble(error, past_check=bool(findings)))
    finally:
        if connector is not None:
            await connector.close()
        await host.close()
    return config, Examined(connection=config.name, findings=tuple(findings)), addresses


def _trouble(error: Exception, *, past_check: bool) -> Finding:
    subject = "examination" if past_check else "credentials"
    if isinstance(error, PluginError):
        return Finding(subject="connector", good=False, sentence=str(error))
    if isinstance(error, CredentialsRefused):
        return Finding(subject=subject, good=False, sentence=str(error), advice="Mend the credentials or their rights.")
    if isinstance(error, TimeoutError):
        sentence = f"No answer came within {_LONGEST:g} seconds."
        return Finding(subject=subject, good=False, sentence=sentence, advice="Look at the network and at the vendor.")
    if isinstance(error, TemporaryFailure):
        return Finding(subject=subject, good=False, sentence=str(error), advice="Try again later.")
    sentence = str(error) if isinstance(error, ConnectorError) else f"It failed ({type(error).__name__})."
    return Finding(subject=subject, good=False, sentence=sentence)


def _two_owners(made: Iterable[tuple[ConnectionConfig, Examined, tuple[str, ...]]]) -> Iterator[list[Finding]]:
    """Yield, for each connection, what another one answers as well: the customer would be answered twice."""
    known = [(config.name, set(addresses)) for config, _, addresses in made]
    for name, addresses in known:
        yield [
            Finding(
                subject="address",
                good=False,
                sentence=f"{_address(each)} is read by the connection {other}, too: each message would come in twice.",
                advice="Let one of the two read it, and take it away from the other.",
            )
            for other, theirs in known
            if other != name
            for each in sorted(addresses & theirs)
        ]


def _address(text: str) -> str:
    return text.partition(":")[2] or text


# --- this machine ----------------------------------------------------------------------------------------------------
def machine(config: Config) -> list[Finding]:
    """Return what there is to say about the disk."""
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = shutil.disk_usage(config.data)
    share = disk.free / disk.total
    enough = share >= config.limits.disk_free
    found = [
        Finding(
            subject="disk",
            good=enough,
            sentence=f"{share:.0%} of the disk of {config.data} is free.",
            advice="" if enough else f"Below {config.limits.disk_free:.0%} nothing is taken in: make room.",
        )
    ]
    seconds = sync_time(config.data)
    if seconds is None:
        sentence, advice = (
            f"Nothing can be written into {config.data}.",
            "Give the user of Baton the right to write there.",
        )
    elif seconds < _TOO_FAST:
        sentence = f"A sync takes {seconds * 1000:.3f} ms: so fast is no disk that keeps what it says."
        advice = "Do not keep the store on a memory disk, nor with syncs switched off."
    elif seconds > _TOO_SLOW:
        sentence = f"A sync takes {seconds * 1000:.0f} ms, and every accepted request waits for one."
        advice = "Keep the store on a local disk; a network file system is not safe for SQLite at all."
    else:
        sentence, advice = f"A sync takes {seconds * 1000:.2f} ms.", ""
    return [*found, Finding(subject="sync", good=not advice, sentence=sentence, advice=advice)]


def sync_time(directory: Path) -> float | None:
    """Return how long a sync of one page takes there, seconds (median); None when nothing can be written."""
    sync = getattr(os, "fdatasync", os.fsync)
    taken: list[float] = []
    try:
        with NamedTemporaryFile(dir=directory, prefix="doctor-") as file:
            for _ in range(_SYNCS):
                file.write(b"\0" * 4096)
                file.flush()
                began = perf_counter()
                sync(file.fileno())
                taken.append(perf_counter() - began)
    except OSError:
        return None
    return median(taken)


def _clock(clocks: _Clocks) -> list[Finding]:
    if not clocks.skews:
        return []
    off = median(clocks.skews)
    good = abs(off) <= _SKEW
    ahead = "ahead of" if off > 0 else "behind"
    sentence = f"The clock is {abs(off):.0f} s {ahead} the vendors' clocks." if not good else "The clock is right."
    advice = "" if good else "Have it set by NTP: vendors' signatures are refused when they look more than 300 s old."
    return [Finding(subject="clock", good=good, sentence=sentence, advice=advice)]


# --- webhooks --------------------------------------------------------------------------------------------------------
async def _reachable(config: Config, specs: Specs) -> list[Finding]:
    """Return whether the public address leads to this gateway, for the connections that vendors send to."""
    hooked = [(each, name) for each in config.running if _is_hooked(each.spec, specs) for name in _endpoints(each)]
    if not hooked:
        return []
    parts = urlsplit(config.public_url)
    found: list[Finding] = []
    if parts.scheme != "https":
        found.append(
            Finding(
                subject="public_url",
                good=parts.hostname in LOOPBACK,
                sentence=f"public_url is {config.public_url}: vendors send to https only.",
                advice="Put a reverse proxy with TLS before Baton, and name its address in public_url.",
            )
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    async with make_session(frozenset({port})) as session:
        for each, endpoint in hooked:
            path = f"/hooks/{each.name}" + (f"/{endpoint}" if endpoint else "")
            found.append(await _knock(session, config.public_url + path))
    return found


def _endpoints(config: ConnectionConfig) -> tuple[str, ...]:
    return config.spec.capabilities.endpoints


def _is_hooked(spec: AnySpec, specs: Specs) -> bool:
    try:
        return issubclass(load_class(specs, spec), WebhookSource)
    except PluginError:
        return False


async def _knock(session: aiohttp.ClientSession, url: str) -> Finding:
    """Send a request without a signature: the gateway refuses it with 401, and anything else is somebody else."""
    advice = "See that `baton serve` runs, and that the proxy passes /hooks on with the body untouched."
    try:
        async with session.post(
            url, data=b"", allow_redirects=False, timeout=aiohttp.ClientTimeout(total=10)
        ) as answer:
            status, server = answer.status, answer.headers.get("Server", "")
    except (aiohttp.ClientError, TimeoutError, ForbiddenAddressError) as error:
        sentence = f"{url} cannot be reached from here ({type(error).__name__})."
        return Finding(subject="webhook", good=False, sentence=sentence, advice=advice)
    if status == 401:  # noqa: PLR2004 (Unauthorized: what a forgery gets)
        return Finding(subject="webhook", good=True, sentence=f"{url} leads here, and refuses what is not signed.")
    who = f" by {server}" if server and server != "baton" else ""
    sentence = f"{url} answered {status}{who} to a request without a signature; it should be 401."
    return Finding(subject="webhook", good=False, sentence=sentence, advice=advice)


def as_values(examined: Iterable[Examined]) -> list[Mapping[str, Any]]:
    """Return the findings as JSON values."""
    return [
        {
            "connection": each.connection or None,
            "findings": [
                {"subject": f.subject, "good": f.good, "sentence": f.sentence, "advice": f.advice}
                for f in each.findings
            ],
        }
        for each in examined
    ]
