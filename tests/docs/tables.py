"""The tables of the documentation, made from the code that they describe."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_origin

import click
from prometheus_client import Metric
from pydantic import BaseModel

from connectors.chatbot import SPEC as CHATBOT
from connectors.email import SPEC as EMAIL
from connectors.hubspot import SPEC as HUBSPOT
from connectors.incidents import SPEC as INCIDENTS
from connectors.request_tracker import SPEC as REQUEST_TRACKER
from connectors.slack import SPEC as SLACK
from connectors.twilio import SPEC as TWILIO
from connectors.twilio import VOICE as TWILIO_VOICE
from connectors.webchat import SPEC as WEBCHAT
from connectors.zendesk import SPEC as ZENDESK
from gateway import slips
from gateway.cli.commands import baton
from gateway.config.cases import CasesSection, MailDomain
from gateway.config.fields import is_secret
from gateway.config.load import DATABASE_VARIABLE
from gateway.config.schema import plugins_schema
from gateway.config.section import GatewaySection, Limits
from gateway.telemetry.meters import Meters
from routing import expression, fingerprints, lexicons, schema, schema_incident, schema_people, schema_precautions
from routing.fields import FIELDS
from routing.lint import LINTS
from routing.policy_tests import load as load_tests
from routing.policy_tests import load_event, load_expect, load_outside, typed
from routing.policy_tests import schema as test_schema
from routing.skipping import AGENT_FIELDS, TEAM_FIELDS
from routing.template import NOTICE_PATHS, PATHS
from tests.routing.readers import READERS

DOCS: Final = Path(__file__).parents[2] / "docs"
_BLOCK: Final = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [" | ".join(head), "|".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "".join(f"| {line} |\n" if number != 1 else f"|{line}|\n" for number, line in enumerate(lines))


def settings(model: type[BaseModel]) -> str:
    """Return the settings of a section."""

    def rows() -> Iterable[tuple[str, ...]]:
        for name, info in model.model_fields.items():
            kind = "secret" if is_secret(info.annotation) else ""
            default = "required" if info.is_required() else _shown(info.get_default(call_default_factory=True))
            yield f"`{name}`", kind, default, (info.description or "") + _bounds(info.metadata, info.annotation)

    return table(("Key", "", "Default", "Meaning"), rows())


def _bounds(metadata: Iterable[object], annotation: object) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "min_length": "at least"}
    found = [
        f"{words[name]} {getattr(bound, name)}{_unit(getattr(bound, name), annotation) if name == 'min_length' else ''}"
        for bound in metadata
        for name in words
        if hasattr(bound, name)
    ]
    return f" {', '.join(found).capitalize()}." if found else ""


def _unit(number: int, annotation: object) -> str:
    one, more = (" entry", " entries") if get_origin(annotation) is tuple else (" character", " characters")
    return one if number == 1 else more


def _shown(value: object) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ("", (), {}):
        return "none"
    return f"`{json.dumps(value)}`" if isinstance(value, dict) else f"`{value}`"


def connection_keys() -> str:
    """Return the keys that every connection has."""
    found: Mapping[str, Any] = plugins_schema({"slack": SLACK})["$defs"]["slack"]["properties"]
    own = set(SLACK.settings.model_fields)
    rows = [
        (f"`{name}`", f"`{value['default']}`".lower() if "default" in value else "", value["description"])
        for name, value in found.items()
        if name not in own and name != "connector"
    ]
    return table(("Key", "Default", "Meaning"), rows)


def keys(properties: Mapping[str, Any]) -> str:
    """Return the keys of a table of `escalation.toml`."""
    rows = [
        (f"`{name}`", ", ".join(f"`{word}`" for word in value.get("enum", ())) or value["type"], value["description"])
        for name, value in properties.items()
    ]
    return table(("Key", "Value", "Meaning"), rows)


def sentences(name: str, *modules: ModuleType) -> str:
    """Return what modules say about mistakes, as a list: the texts given to `name`, with … for what differs."""
    said = {each for module in modules for each in _said(module, name)}
    return "".join(f"- `` {text} ``\n" for text in sorted(said, key=str.casefold))


def _said(module: ModuleType, name: str) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    made = {each.name: each for each in _functions(inspect.getsource(module))}
    shared = [each for each in vars(module).values() if inspect.isfunction(each) and each.__module__ == slips.__name__]
    for each in shared:
        made.setdefault(each.__name__, next(_functions(inspect.getsource(each))))
    said: set[str] = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == name):
        for given in call.args:
            helper = made.get(_called(given)) if isinstance(given, ast.Call) else None
            ends = [node.value for node in ast.walk(helper) if isinstance(node, ast.Return)] if helper else [given]
            said |= {_pattern(end, module) for end in ends if _is_sentence(end)}
    return said


def _functions(source: str) -> Iterator[ast.FunctionDef]:
    return (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_sentence(node: ast.expr | None) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _pattern(node: ast.expr | None, module: ModuleType) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(_piece(part, module) for part in parts)


def _piece(part: ast.expr | None, module: ModuleType) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    inner = part.value if isinstance(part, ast.FormattedValue) else None
    return str(vars(module).get(inner.id, "…")) if isinstance(inner, ast.Name) else "…"


def fields() -> str:
    """Return the fields of conditions."""
    rows = [
        (
            f"`{name}`",
            field.kind.value,
            ", ".join(f"`{word}`" for word in sorted(field.words or ())),
            field.about + ("; may be missing" if field.nullable else ""),
        )
        for name, field in FIELDS.items()
    ]
    return table(("Field", "Kind", "Words", "What it is"), rows)


def step_fields() -> str:
    """Return what `skip_if` may name besides the fields of the case."""
    rows = [
        (f"`{name}`", each.kind.value, target, each.about)
        for target, known in (("`team:NAME`", TEAM_FIELDS), ("`agent:NAME`", AGENT_FIELDS))
        for name, each in known.items()
    ]
    return table(("Field", "Kind", "On steps with", "What it is"), rows)


def lints() -> str:
    """Return every lint with what it warns of."""
    return table(("Lint", "What it warns of"), [(f"`{name}`", about) for name, about in LINTS.items()])


def places() -> str:
    """Return what templates may name."""
    return table(("Place", "What stands there"), [(f"`{{{{{path}}}}}`", about) for path, about in PATHS.items()])


def notice_places() -> str:
    """Return what templates of notices may name beside that."""
    return table(
        ("Place", "What stands there"),
        [(f"`{{{{{path}}}}}`", about) for path, about in NOTICE_PATHS.items() if path not in PATHS],
    )


def _commands(group: click.Group, path: str) -> Iterable[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def command_line() -> str:
    """Return every command with its arguments and options."""
    rows: list[tuple[str, ...]] = []
    for name, command in sorted(_commands(baton, "baton")):
        arguments = [
            each.make_metavar(click.Context(command)) for each in command.params if isinstance(each, click.Argument)
        ]
        options = [
            f"`{long}`"
            for each in command.params
            if isinstance(each, click.Option)
            and (long := max(each.opts, key=len)) not in {"--config", "--json", "--help"}
        ]
        common = [name for name in ("--config", "--json") if any(name in each.opts for each in command.params)]
        does = (command.help or "").split("\n\n")[0].replace("\n", " ")
        rows.append(
            (
                f"`{' '.join([name, *arguments])}`",
                does,
                ", ".join(options),
                ", ".join(f"`{each}`" for each in common),
            )
        )
    return table(("Command", "What it does", "Options", "Also"), rows)


def options() -> str:
    """Return every option but `--help`, with the commands that have it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for path, command in sorted(_commands(baton, "baton")):
        context = click.Context(command)
        for each in command.params:
            if isinstance(each, click.Option) and each is not command.get_help_option(context):
                name = max(each.opts, key=len)
                value = "" if each.is_flag else f" {each.make_metavar(context)}"
                given = None if each.is_flag or each.multiple else each.get_default(context)
                # click's own word for none.
                given = None if str(given).startswith("Sentinel.") else given
                default = "required" if each.required else _shown(given)
                found.setdefault((f"`{name}{value}`", default, each.help or ""), []).append(path.removeprefix("baton "))
    rows = [(name, ", ".join(users), default, about) for (name, default, about), users in sorted(found.items())]
    return table(("Option", "Of", "Default", "Meaning"), rows)


def environment() -> set[str]:
    """Return the environment variables that Baton reads itself."""
    taken = {
        str(each.envvar)
        for _, command in _commands(baton, "baton")
        for each in command.params
        if each.envvar is not None
    }
    return taken | {DATABASE_VARIABLE}


def metrics() -> str:
    """Return every metric."""
    found: list[Metric] = list(Meters().registry.collect())
    meters = Meters()
    made: Iterable[Any] = [each for each in vars(meters).values() if hasattr(each, "_labelnames")]
    labels: dict[str, tuple[str, ...]] = {each._name: each._labelnames for each in made}
    rows = [
        (
            f"`{metric.name}{'_total' if metric.type == 'counter' else ''}`",
            metric.type,
            ", ".join(f"`{label}`" for label in labels[metric.name]),
            metric.documentation,
        )
        for metric in found
    ]
    return table(("Metric", "Type", "Labels", "What it says"), sorted(rows))


def least_privilege() -> str:
    """Return what each connector declares that its credentials must be allowed, and nothing more."""
    specs = (SLACK, TWILIO, TWILIO_VOICE, EMAIL, ZENDESK, HUBSPOT, REQUEST_TRACKER)
    rows = [(f"`{spec.name}`", ", ".join(f"`{scope}`" for scope in spec.capabilities.scopes)) for spec in specs]
    return table(("Connector", "What its credentials must be allowed"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "slack-settings": lambda: settings(SLACK.settings),
    "twilio-settings": lambda: settings(TWILIO.settings),
    "twilio-voice-settings": lambda: settings(TWILIO_VOICE.settings),
    "email-settings": lambda: settings(EMAIL.settings),
    "zendesk-settings": lambda: settings(ZENDESK.settings),
    "hubspot-settings": lambda: settings(HUBSPOT.settings),
    "webchat-settings": lambda: settings(WEBCHAT.settings),
    "incidents-settings": lambda: settings(INCIDENTS.settings),
    "chatbot-settings": lambda: settings(CHATBOT.settings),
    "request_tracker-settings": lambda: settings(REQUEST_TRACKER.settings),
    "gateway": lambda: settings(GatewaySection),
    "cases": lambda: settings(CasesSection),
    "cases-mail": lambda: settings(MailDomain),
    "limits": lambda: settings(Limits),
    "connection": connection_keys,
    "policy": lambda: keys(schema.TOP),
    "phrases": lambda: keys(schema.PHRASES),
    "rule": lambda: keys(schema.RULE),
    "when": lambda: keys(schema.WHEN),
    "set": lambda: keys(schema.SET),
    "customer": lambda: keys(schema.CUSTOMER),
    "button": lambda: keys(schema.BUTTON),
    "calendar": lambda: keys(schema.CALENDAR),
    "ladder": lambda: keys(schema.LADDER),
    "step": lambda: keys(schema.STEP),
    "final": lambda: keys(schema.FINAL),
    "sla": lambda: keys(schema.SLA),
    "severity": lambda: keys(schema_precautions.SEVERITY),
    "sensitivity": lambda: keys(schema_precautions.SENSITIVITY),
    "mute": lambda: keys(schema_precautions.MUTE),
    "template": lambda: keys(schema_precautions.TEMPLATE),
    "notice-places": notice_places,
    "risk": lambda: keys(schema.RISK),
    "incident": lambda: keys(schema_incident.INCIDENT),
    "skill": lambda: keys(schema_people.SKILL),
    "authority": lambda: keys(schema_people.AUTHORITY),
    "agent": lambda: keys(schema_people.AGENT),
    "team": lambda: keys(schema_people.TEAM),
    "need": lambda: keys(schema_people.NEED),
    "relaxation": lambda: keys(schema_people.RELAX),
    "fields": fields,
    "step-fields": step_fields,
    "sentences-of-the-file": lambda: sentences("note", *READERS),
    "sentences-of-lexicons": lambda: sentences("note", lexicons),
    "sentences-of-conditions": lambda: sentences("ExpressionError", expression, fingerprints),
    "lints": lints,
    "policy-tests": lambda: keys(test_schema.TOP),
    "policy-test": lambda: keys(test_schema.TEST),
    "policy-test-customer": lambda: keys(test_schema.CUSTOMER),
    "policy-test-event": lambda: keys(test_schema.EVENT),
    "policy-test-expect": lambda: keys(test_schema.EXPECT),
    "sentences-of-policy-tests": lambda: sentences("note", load_tests, load_event, load_expect, load_outside, typed),
    "places": places,
    "command-line": command_line,
    "options": options,
    "metrics": metrics,
    "least-privilege": least_privilege,
}


def used(text: str) -> list[str]:
    """Return the names of the tables that a page holds."""
    return [found[2] for found in _BLOCK.finditer(text)]


def renewed(text: str) -> str:
    """Return a page with its tables made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)
