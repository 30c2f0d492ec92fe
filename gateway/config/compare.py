"""What a reload would change, in words; secrets are compared and never shown."""

from __future__ import annotations

from gateway.config.values import Config, ConnectionConfig

#: What is read once at the start: a reload says so instead of pretending.
_FIXED = ("host", "port", "data", "database", "limits", "public_url", "trusted_proxies")


def changes(old: Config, new: Config) -> tuple[str, ...]:
    """Return one line for each difference, connections first."""
    lines: list[str] = []
    renamed = {
        c.renamed_from: c.name for c in new.connections.values() if c.renamed_from and c.renamed_from in old.connections
    }
    lines += [
        f"{name} is now called {renamed[name]}" if name in renamed else f"{name} is gone"
        for name in old.connections
        if name not in new.connections
    ]
    for name, connection in new.connections.items():
        earlier = old.connections.get(name) or old.connections.get(connection.renamed_from or "")
        if earlier is None:
            lines.append(f"{name} is new ({connection.spec.name}, {connection.mode.value})")
        else:
            lines += _connection(earlier, connection)
    lines += [f"redact is now {', '.join(new.redact) or 'nothing'}"] if old.redact != new.redact else []
    lines += [
        f"cases: {key} changed"
        for key in type(new.cases).model_fields
        if getattr(old.cases, key) != getattr(new.cases, key)
    ]
    lines += [f"policy is now {new.policy}"] if old.policy != new.policy else []
    lines += [f"shadow is now {new.shadow or 'off'}"] if old.shadow != new.shadow else []
    return tuple(lines)


def needs_restart(old: Config, new: Config) -> tuple[str, ...]:
    """Return the keys of `[gateway]` that differ and are only read at the start."""
    return tuple(key for key in _FIXED if getattr(old, key) != getattr(new, key))


def _connection(old: ConnectionConfig, new: ConnectionConfig) -> list[str]:
    lines: list[str] = []
    if old.spec.name != new.spec.name or old.channel is not new.channel:
        lines.append(f"{new.name} now runs {new.spec.name} for {new.channel.value}")
    if old.enabled != new.enabled:
        lines.append(f"{new.name} is switched {'on' if new.enabled else 'off'}")
    if old.mode is not new.mode:
        lines.append(f"{new.name}: mode {old.mode.value} -> {new.mode.value}")
    if old.settings is not None and new.settings is not None and old.spec.name == new.spec.name:
        keys = [
            key
            for key in type(new.settings).model_fields
            if getattr(old.settings, key, None) != getattr(new.settings, key, None)
        ]
        lines += [f"{new.name}: {key} changed" for key in keys]
    return lines
