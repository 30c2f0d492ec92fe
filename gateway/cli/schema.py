"""`baton schema`."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("file", type=click.Choice(["plugins", "escalation", "policy-tests"]))
def command(file: str) -> None:
    """Print the JSON schema of a file, for editors.

    The one of plugins.toml is made from the connectors that are installed.
    """
    if file == "plugins":
        from gateway.cli.configuration import installed
        from gateway.config import plugins_schema

        schema = plugins_schema(installed())
    elif file == "escalation":
        from routing.schema import json_schema

        schema = json_schema()
    else:
        from routing.policy_tests.schema import json_schema as tests_schema

        schema = tests_schema()
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
