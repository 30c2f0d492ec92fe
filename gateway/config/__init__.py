"""`plugins.toml` → values: strict, all mistakes at once, secrets by reference only."""

from gateway.config.compare import changes, needs_restart
from gateway.config.extras import installing, missing
from gateway.config.load import DATABASE_VARIABLE, Premises, load_config, load_premises
from gateway.config.schema import plugins_schema
from gateway.config.section import GatewaySection, Limits, is_loopback, split_address
from gateway.config.values import AnySpec, Config, ConnectionConfig, Network

__all__ = [
    "DATABASE_VARIABLE",
    "AnySpec",
    "Config",
    "ConnectionConfig",
    "GatewaySection",
    "Limits",
    "Network",
    "Premises",
    "changes",
    "installing",
    "is_loopback",
    "load_config",
    "load_premises",
    "missing",
    "needs_restart",
    "plugins_schema",
    "split_address",
]
