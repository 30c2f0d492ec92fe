"""`[template.NAME]` and what refers to it; playbooks; how long an escalation waits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.toml import did_you_mean
from routing import schema_precautions as schema
from routing.policy import Act, Message
from routing.reader import Path, Reader
from routing.template import NOTICE_PATHS, loose_braces, places

_ADDRESS: Final = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


def read_templates(reader: Reader, value: object) -> dict[str, Message | None]:
    """Return the templates by name; None where one has mistakes, so that who refers to it makes none."""
    made: dict[str, Message | None] = {}
    for name, given in reader.table(("template",), value, "template").items():
        path = ("template", name)
        before = len(reader.problems)
        reader.name(path, name)
        table = reader.table(path, given, f"template {name}")
        if len(reader.problems) == before:
            reader.keys(path, table, schema.TEMPLATE, "a template")
            title, text = (_text(reader, path, table, key) for key in ("title", "text"))
            if not title.strip() and reader.lacks(path, table, "title"):
                reader.note(path, f"template {name} has no title: a notice needs its first line")
            made[name] = Message(title=title, text=text)
        if len(reader.problems) > before:
            made[name] = None
    return made


def _text(reader: Reader, path: Path, table: Mapping[str, Any], key: str) -> str:
    here = (*path, key)
    text = reader.string(path, table, key)
    for name, offset in places(text):
        if name not in NOTICE_PATHS:
            hint = did_you_mean(name, NOTICE_PATHS, f"there are {', '.join(NOTICE_PATHS)}", shown="{{{{{}}}}}")
            reader.note(here, f"a notice has no {{{{{name}}}}}: {hint}", value=True, offset=offset + 1)
    for sign, offset in loose_braces(text):
        reader.note(here, f"{sign} stands alone: write {{{{case.id}}}} and the like", value=True, offset=offset + 1)
    return text


def read_message(
    reader: Reader, path: Path, table: Mapping[str, Any], templates: Mapping[str, Message | None]
) -> Message | None:
    """Return the template that a step or an end names; None when it names none."""
    name = reader.string(path, table, "message")
    if name and name not in templates:
        hint = did_you_mean(name, templates, f"there are {', '.join(templates) or 'none yet'}")
        reader.note((*path, "message"), f"there is no template {name}: {hint}", value=True)
    if (
        name
        and reader.lacks(path, table, "notify")
        and not str(table.get("target", "")).startswith(("team:", "agent:", "manager_of:"))
    ):
        reader.note((*path, "message"), "nobody is told here, so there is nothing to word: add notify")
    return templates.get(name)


def read_playbook(reader: Reader, path: Path, table: Mapping[str, Any]) -> str:
    """Return the address of a playbook, empty for none."""
    text = reader.string(path, table, "playbook")
    if text and _ADDRESS.fullmatch(text) is None:
        reader.note((*path, "playbook"), f"{text!r} is no address: a playbook is a page, https://…", value=True)
    return text


def read_suspend(reader: Reader, path: Path, table: Mapping[str, Any], act: str | None) -> int | None:
    """Return for how long a rule's escalation waits, microseconds; None for not at all."""
    if "suspend" in table and act is not None and act != Act.ESCALATE:
        reader.note((*path, "suspend"), 'only a rule with do = "escalate" can wait')
        return None
    return reader.duration(path, table, "suspend")
