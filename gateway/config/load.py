"""`plugins.toml` → `Config`. Strict: every mistake is told at once, each with its line and column."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

from gateway.config.cases import CasesSection
from gateway.config.extras import missing
from gateway.config.fields import FieldReader, at_value, secret_values
from gateway.config.secrets import References
from gateway.config.section import GatewaySection, Section, check_database, split_address
from gateway.config.values import AnySpec, Config, ConnectionConfig
from gateway.model import Channel, Mode
from gateway.toml import QUOTED, Problem, Problems, TomlDocument, did_you_mean, nearest, read_toml

SectionT = TypeVar("SectionT", bound=Section)

#: The environment variable that wins over `database`.
DATABASE_VARIABLE: Final = "BATON_DATABASE_URL"

_OWN: Final = ("connector", "mode", "enabled", "renamed_from")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: `baton` is the connection of what Baton itself appends to a case; `all` is what `baton pause all` holds.
_RESERVED: Final = ("baton", "all")


def load_config(
    text: str,
    file: str,
    *,
    specs: Mapping[str, AnySpec],
    environ: Mapping[str, str],
    lacking: Callable[[AnySpec], str | None] = missing,
) -> Config:
    """Read a configuration.

    `specs` are the installed connectors by name; `lacking` says what a connector needs and does not find installed.
    Raises `Problems` with everything that is wrong.
    """
    document = read_toml(text, file)
    directory = Path(file).resolve().parent
    reader = _Reader(
        document=document, specs=specs, references=References(environ=environ, directory=directory), lacking=lacking
    )
    section = reader.gateway()
    cases = reader.cases()
    connections = reader.connections()
    database = reader.database(environ)
    if reader.problems or section is None or cases is None:
        raise Problems(tuple(sorted(set(reader.problems))))
    host, port = split_address(section.listen)
    shown = f"[{host}]" if ":" in host else host
    data = directory / section.data
    url = database or _database(section, data)
    settings = [connection.settings for connection in connections.values()]
    return Config(
        file=file,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        public_url=section.public_url or f"http://{shown}:{port}",
        host=host,
        port=port,
        data=data,
        database=url,
        policy=directory / section.policy,
        shadow=_shadow(section, directory),
        cases=cases,
        limits=section.limits,
        redact=section.redact,
        trusted_proxies=tuple(ip_network(each) for each in section.trusted_proxies),
        connections=connections,
        secrets=tuple(dict.fromkeys((*secret_values(settings), *_passwords(url)))),
        warnings=tuple(sorted(reader.warnings)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """Where a gateway lives: what a command needs that calls no vendor."""

    #: Directory of the store, its blobs and the admin socket.
    data: Path
    #: Where the store is. It may hold a password.
    database: str = field(repr=False)
    #: The escalation policy.
    policy: Path
    #: A policy that is tried beside it and never acts, None for none.
    shadow: Path | None
    #: What is redacted when text crosses from one vendor to another.
    redact: tuple[str, ...]
    #: Names of all connections in the file.
    connections: tuple[str, ...]
    #: The connectors of those that are switched on, by the connection's name.
    connectors: Mapping[str, str]


def load_premises(text: str, file: str, *, environ: Mapping[str, str]) -> Premises:
    """Read `[gateway]` strictly and of the connections only their names. Raises `Problems`."""
    document = read_toml(text, file)
    directory = Path(file).resolve().parent
    reader = _Reader(
        document=document, specs={}, references=References(environ=environ, directory=directory), lacking=missing
    )
    section = reader.gateway()
    url = reader.database(environ)
    if reader.problems or section is None:
        raise Problems(tuple(reader.problems))
    tables: list[Any] = [document.values.get(channel.value) for channel in Channel]
    named: dict[str, Any] = {name: keys for each in tables if isinstance(each, dict) for name, keys in each.items()}
    return Premises(
        data=directory / section.data,
        database=url or _database(section, directory / section.data),
        policy=directory / section.policy,
        shadow=_shadow(section, directory),
        redact=section.redact,
        connections=tuple(named),
        connectors={
            name: str(keys.get("connector", ""))
            for name, keys in named.items()
            if isinstance(keys, dict) and keys.get("enabled", True) is not False
        },
    )


def _shadow(section: GatewaySection, directory: Path) -> Path | None:
    return None if section.shadow is None else directory / section.shadow


def _database(section: GatewaySection, data: Path) -> str:
    return section.database.get_secret_value() if section.database else f"sqlite:///{quote(str(data / 'baton.db'))}"


@dataclass(slots=True, kw_only=True)
class _Reader:
    document: TomlDocument
    specs: Mapping[str, AnySpec]
    references: References
    lacking: Callable[[AnySpec], str | None]
    problems: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])

    # --- [gateway] ----------------------------------------------------------------------------------------------------
    def gateway(self) -> GatewaySection | None:
        known = ("gateway", "cases", *(channel.value for channel in Channel))
        for key in self.document.values:
            if key not in known:
                hint = did_you_mean(key, known, f"the sections are {', '.join(known)}", shown=QUOTED)
                self._note((key,), f'unknown section "{key}": {hint}')
        return self._section("gateway", GatewaySection)

    def cases(self) -> CasesSection | None:
        return self._section("cases", CasesSection)

    def _section(self, name: str, model: type[SectionT]) -> SectionT | None:
        values: Any = self.document.values.get(name, {})
        if not isinstance(values, dict):
            self._note((name,), f"{name} must be a section: write [{name}]")
            return None
        reader = FieldReader(document=self.document, path=(name,), references=self.references)
        section = reader.read(model, values)  # pyright: ignore[reportUnknownArgumentType]
        self.problems += reader.problems
        return section

    def database(self, environ: Mapping[str, str]) -> str | None:
        url = environ.get(DATABASE_VARIABLE)
        if not url:
            return None
        try:
            check_database(url)
        except ValueError as error:
            self._note(("gateway",), f"the environment variable {DATABASE_VARIABLE}: {error}")
        return url

    # --- connections --------------------------------------------------------------------------------------------------
    def connections(self) -> dict[str, ConnectionConfig]:
        found: dict[str, ConnectionConfig] = {}
        places: dict[str, tuple[str, str]] = {}
        for channel in Channel:
            section: Any = self.document.values.get(channel.value, {})
            if not isinstance(section, dict):
                self._note(
                    (channel.value,), f"{channel.value} must be a section of connections: write [{channel.value}.NAME]"
                )
                continue
            name: str
            values: Any
            for name, values in section.items():  # pyright: ignore[reportUnknownVariableType]
                path = (channel.value, name)
                if not isinstance(values, dict):
                    self._note(path, f"{name} must be a connection: write [{channel.value}.NAME] above its keys")
                    continue
                if name in places:
                    line, _ = self.document.position(*places[name])
                    self._note(
                        path,
                        f'the name "{name}" is taken already, in line {line}: names are unique over all channels',
                    )
                else:
                    places[name] = path
                connection = self._connection(channel, name, values)  # pyright: ignore[reportUnknownArgumentType]
                if connection is not None:
                    found.setdefault(name, connection)
        self._renamings(places)
        order = {name: self.document.position(*path) for name, path in places.items()}
        return dict(sorted(found.items(), key=lambda item: order[item[0]]))

    def _connection(self, channel: Channel, name: str, values: dict[str, Any]) -> ConnectionConfig | None:
        path = (channel.value, name)
        before = len(self.problems)
        if not _NAME.fullmatch(name):
            self._note(path, f'"{name}" is no connection name: use small letters, digits and hyphens, at most 63')
        elif name in _RESERVED:
            self._note(path, f'the name "{name}" is kept for Baton itself: choose another')
        mode = self._mode(path, values)
        enabled = self._typed(path, values, "enabled", bool, default=True, wanted="true or false")
        renamed_from = self._typed(
            path, values, "renamed_from", str, default=None, wanted="the earlier name in quotation marks"
        )
        spec = self._spec(path, values, channel)
        if spec is None:
            return None
        lacks = self.lacking(spec) if enabled else None
        if lacks:
            self.warnings.append(at_value(self.document, (*path, "connector"), lacks))
        reader = FieldReader(
            document=self.document, path=path, references=self.references, own=_OWN, resolve=enabled is not False
        )
        settings = reader.read(spec.settings, {key: value for key, value in values.items() if key not in _OWN})
        self.problems += reader.problems
        if len(self.problems) > before:
            return None
        return ConnectionConfig(
            name=name,
            channel=channel,
            spec=spec,
            mode=mode,
            enabled=bool(enabled),
            renamed_from=renamed_from,
            settings=settings,
        )

    def _spec(self, path: tuple[str, str], values: dict[str, Any], channel: Channel) -> AnySpec | None:
        connector = values.get("connector")
        if connector is None:
            self._note(path, f"connector is missing: say which connector {path[1]} runs ({self._installed(channel)})")
            return None
        spec = self.specs.get(connector) if isinstance(connector, str) else None
        if spec is None:
            installed = f"installed are {', '.join(sorted(self.specs)) or 'none'}"
            hint = did_you_mean(str(connector), self.specs, installed, shown=QUOTED)
            self._note_value((*path, "connector"), f'no connector "{connector}" is installed: {hint}')
            return None
        if channel not in spec.channels:
            able = ", ".join(sorted(each.value for each in spec.channels))
            self._note_value(
                (*path, "connector"), f"connector {spec.name} has no channel {channel.value}: it is for {able}"
            )
            return None
        return spec

    def _mode(self, path: tuple[str, str], values: dict[str, Any]) -> Mode:
        value = values.get("mode", Mode.OBSERVE.value)
        words = [mode.value for mode in Mode]
        if value in words:
            return Mode(value)
        near = nearest(str(value), words)
        self._note_value(
            (*path, "mode"),
            f"mode must be {', '.join(words[:-1])} or {words[-1]}" + (f': did you mean "{near}"?' if near else ""),
        )
        return Mode.OBSERVE

    def _typed(
        self, path: tuple[str, str], values: dict[str, Any], key: str, kind: type, *, default: Any, wanted: str
    ) -> Any:
        value = values.get(key, default)
        if key in values and not isinstance(value, kind):
            self._note_value((*path, key), f"{key} must be {wanted}")
            return default
        return value

    def _renamings(self, places: Mapping[str, tuple[str, str]]) -> None:
        claimed: dict[str, str] = {}
        for name, path in places.items():
            values: Any = self.document.values[path[0]][path[1]]
            earlier = values.get("renamed_from")
            if not isinstance(earlier, str):
                continue
            if earlier == name:
                self._note_value(
                    (*path, "renamed_from"), f"{name} cannot be renamed from itself: leave renamed_from out"
                )
            elif earlier in places:
                self._note_value(
                    (*path, "renamed_from"),
                    f'"{earlier}" is a connection of this file: it cannot be the earlier name of {name} too',
                )
            elif earlier in claimed:
                self._note_value(
                    (*path, "renamed_from"), f'"{earlier}" is the earlier name of {claimed[earlier]} already'
                )
            else:
                claimed[earlier] = name

    def _installed(self, channel: Channel) -> str:
        able = sorted(spec.name for spec in self.specs.values() if channel in spec.channels)
        return f"installed for {channel.value}: {', '.join(able)}" if able else f"none is installed for {channel.value}"

    def _note(self, path: tuple[str, ...], sentence: str) -> None:
        self.problems.append(self.document.problem(path, sentence))

    def _note_value(self, path: tuple[str, ...], sentence: str) -> None:
        self.problems.append(at_value(self.document, path, sentence))


def _passwords(url: str) -> tuple[str, ...]:
    """Return what must never be shown of a database URL."""
    authority = url.partition("://")[2].partition("/")[0]
    user, at, _ = authority.rpartition("@")
    password = user.partition(":")[2]
    # A URL may spell the password with per cent signs; both spellings are secret.
    return (password, unquote(password)) if at and password else ()
