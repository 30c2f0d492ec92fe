"""The JSON schema of `plugins.toml`, for editors, from the connectors that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.config.cases import CasesSection
from gateway.config.section import GatewaySection
from gateway.config.values import AnySpec
from gateway.model import Channel, Mode

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE: Final[dict[str, Any]] = {
    "description": "A value from outside this file.",
    "oneOf": [
        {
            "type": "object",
            "properties": {kind: {"type": "string", "minLength": 1, "description": text}},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind, text in (("env", "Name of an environment variable."), ("file", "Path of a file that holds it."))
    ],
}


def plugins_schema(specs: Mapping[str, AnySpec]) -> dict[str, Any]:
    """Return the schema: one section for each channel, with the settings of every connector that has the channel."""
    definitions: dict[str, Any] = {"reference": _REFERENCE}
    gateway = _settings(GatewaySection.model_json_schema(), definitions)
    cases = _settings(CasesSection.model_json_schema(), definitions)
    sections: dict[str, Any] = {"gateway": gateway, "cases": cases}
    for channel in Channel:
        able = sorted((spec for spec in specs.values() if channel in spec.channels), key=lambda spec: spec.name)
        sections[channel.value] = {
            "type": "object",
            "description": f"Connections for {channel.value}, by name.",
            "additionalProperties": {"oneOf": [{"$ref": f"#/$defs/{spec.name}"} for spec in able]} if able else False,
        }
        for spec in able:
            definitions[spec.name] = _connection(spec, definitions)
    return {
        "$schema": _DIALECT,
        "title": "plugins.toml",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _connection(spec: AnySpec, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _settings(spec.settings.model_json_schema(), definitions)
    schema["title"] = spec.title
    schema["properties"] = {
        "connector": {"const": spec.name, "description": f"Runs {spec.title}."},
        "mode": {
            "enum": [mode.value for mode in Mode],
            "default": Mode.OBSERVE.value,
            "description": "What it may do to the outside: nothing, internal notes only, or everything.",
        },
        "enabled": {
            "type": "boolean",
            "default": True,
            "description": "false keeps it in the file without running it.",
        },
        "renamed_from": {"type": "string", "description": "Its earlier name, so that its history stays with it."},
        **schema.get("properties", {}),
    }
    schema["required"] = ["connector", *schema.get("required", [])]
    return schema


def _settings(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Lift nested definitions to the top and let references stand for secrets (only them) and for plain texts."""
    for name, nested in schema.pop("$defs", {}).items():
        definitions[name] = _walk(nested)
    walked: dict[str, Any] = _walk(schema)
    return walked


def _walk(node: Any) -> Any:
    if isinstance(node, list):
        items: list[Any] = node
        return [_walk(item) for item in items]
    if not isinstance(node, dict):
        return node
    table: dict[str, Any] = node
    kept = {key: table[key] for key in ("description", "title") if isinstance(table.get(key), str)}
    if table.get("format") == "password":
        return {**kept, "$ref": "#/$defs/reference"}
    walked = {key: value if key in {"default", "enum", "const"} else _walk(value) for key, value in table.items()}
    if table.get("type") in {"string", "integer", "number"} and "const" not in table and "enum" not in table:
        return {
            **kept,
            "anyOf": [{key: value for key, value in walked.items() if key not in kept}, {"$ref": "#/$defs/reference"}],
        }
    return walked
