"""Policies that differ from another one in a single place, each made mechanically and named by what was changed."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from routing.fields import FIELDS

#: One changed policy: what was changed, and the text.
Mutant = tuple[str, str]

_NUMBER: Final = re.compile(r"(?<=[<>=] )-?\d+$")
_WORD: Final = re.compile(r"^(\S+) (==|contains) '([^']*)'$")
_OPERATORS: Final = {">=": (">", "<=", "=="), "==": ("!=",)}


def mutants(text: str) -> Iterator[Mutant]:
    """Yield every policy that differs from this one in one place."""
    values = tomllib.loads(text)
    for name, changed in _changed(values):
        yield name, written(changed)


def _changed(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _of_phrases(values)
    yield from _of_order(values)
    yield from _of_customer(values)
    yield from _of_slas(values)
    for number, rule in enumerate(values["rule"]):
        for what, changed in (*_of_conditions(rule, values), *_of_settings(rule, values)):
            fresh = copy.deepcopy(values)
            fresh["rule"][number] = changed
            yield f"{rule['id']}: {what}", fresh
    for name, ladder in values["ladder"].items():
        for what, changed in _of_ladder(ladder):
            fresh = copy.deepcopy(values)
            fresh["ladder"][name] = changed
            yield f"ladder {name}: {what}", fresh


def _of_phrases(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, phrases in values["phrases"].items():
        listed = phrases if isinstance(phrases, dict) else {"any": phrases}
        for key, each in listed.items():
            for number, phrase in enumerate(each if key != "negation" else ()):
                fresh = copy.deepcopy(values)
                fresh["phrases"][name] = listed | {key: [*each[:number], *each[number + 1 :]]}
                yield f"phrases {name}: drop {phrase!r}", fresh
        denied = copy.deepcopy(values)
        denied["phrases"][name] = listed | {"negation": not listed.get("negation", True)}
        yield f"phrases {name}: another answer to denials", denied


def _of_order(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    last = len(values["rule"]) - 1
    for number in range(last):
        fresh = copy.deepcopy(values)
        gone = fresh["rule"].pop(number)
        yield f"{gone['id']}: drop the rule", fresh
        if number + 1 < last:
            swapped = copy.deepcopy(values)
            rules = swapped["rule"]
            rules[number], rules[number + 1] = rules[number + 1], rules[number]
            yield f"{rules[number + 1]['id']}: after {rules[number]['id']}", swapped


def _of_conditions(rule: dict[str, Any], values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    when: dict[str, list[str]] = rule.get("when", {})
    for key, conditions in when.items():
        for number, condition in enumerate(conditions):
            if sum(map(len, when.values())) > 1:
                yield f"drop {condition}", _with(rule, key, [*conditions[:number], *conditions[number + 1 :]])
            for changed in _of_condition(condition, values):
                yield (
                    f"{condition} -> {changed}",
                    _with(rule, key, [*conditions[:number], changed, *conditions[number + 1 :]]),
                )
    if "any" in when:
        moved = copy.deepcopy(rule)
        moved["when"] = {"all": [*when.get("all", []), *when["any"]]}
        yield "any becomes all", moved


def _with(rule: dict[str, Any], key: str, conditions: list[str]) -> dict[str, Any]:
    fresh = copy.deepcopy(rule)
    fresh["when"][key] = conditions
    if not conditions:
        del fresh["when"][key]
    return fresh


def _of_condition(condition: str, values: dict[str, Any]) -> Iterator[str]:
    yield f"not ({condition})"
    for operator, others in _OPERATORS.items():
        if f" {operator} " in condition:
            yield from (condition.replace(f" {operator} ", f" {other} ") for other in others)
    if found := _NUMBER.search(condition):
        yield from (condition[: found.start()] + str(int(found[0]) + step) for step in (1, -1))
    if found := _WORD.match(condition):
        field, operator, word = found.groups()
        known = values["phrases"] if field == "message.phrases" else sorted(FIELDS[field].words or (f"{word}s",))
        other = [each for each in known if each != word]
        yield from (f"{field} {operator} '{each}'" for each in other)


def _of_settings(rule: dict[str, Any], values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    def changed(**changes: Any) -> dict[str, Any]:
        fresh = copy.deepcopy(rule)
        for key, value in changes.items():
            fresh[key] = value
            if value is None:
                del fresh[key]
        return fresh

    def setting(key: str, value: object) -> dict[str, Any]:
        fresh = copy.deepcopy(rule)
        fresh.setdefault("set", {})[key] = value
        if value is None:
            del fresh["set"][key]
        return fresh

    given = rule.get("set", {})
    for priority in ("P1", "P2", "P3", "P4"):
        if priority != given.get("priority"):
            yield f"priority {priority}", setting("priority", priority)
    for key in ("priority", "tags", "reason", "group"):
        if key in given:
            yield f"no {key}", setting(key, None)
    yield "another tag", setting("tags", [*given.get("tags", []), "other"])
    if rule["do"] != "none":
        yield "another group", setting("group", "Other")
        yield "another reason", setting("reason", "Something else.")
        yield "do nothing", _idle(rule)
    yield from ((f"mode {mode}", changed(mode=mode)) for mode in ("observe", "notes"))
    if not rule.get("catch_all"):
        yield "continue", changed(**{"continue": True})
    if rule["do"] == "escalate":
        yield from ((f"ladder {name}", changed(ladder=name)) for name in values["ladder"] if name != rule["ladder"])
        yield "another reply", changed(reply="Something else.")
        if "reply" in rule:
            yield "no reply", changed(reply=None)
            for place in re.findall(r"\{\{.*?\}\}", rule["reply"]):
                yield f"{place} is another place", changed(reply=rule["reply"].replace(place, "{{case.id}}"))
        yield (
            "mirror",
            changed(do="mirror", ladder=None, target="zendesk", **({"reply": None} if "reply" in rule else {})),
        )


def _idle(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key not in {"ladder", "target", "reply"}} | {"do": "none"}


def _of_customer(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    customer = values.get("customer", {})
    for number, word in enumerate(customer.get("vip", ())):
        fresh = copy.deepcopy(values)
        del fresh["customer"]["vip"][number]
        yield f"customer: no VIP for {word}", fresh
    if "vip" in customer:
        fresh = copy.deepcopy(values)
        fresh["customer"]["vip"].append("other")
        yield "customer: VIP for other", fresh
    for name, moved in _moved(customer, "fresh_for"):
        fresh = copy.deepcopy(values)
        fresh["customer"] = moved
        yield f"customer: {name}", fresh


def _of_slas(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    slas = values.get("sla", [])
    for number, sla in enumerate(slas):
        without = copy.deepcopy(values)
        del without["sla"][number]
        yield f"sla {sla['id']}: drop it", without
        for what, changed in _of_sla(sla, values):
            fresh = copy.deepcopy(values)
            fresh["sla"][number] = changed
            yield f"sla {sla['id']}: {what}", fresh


def _of_sla(sla: dict[str, Any], values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key in ("first", "next", "resolution"):
        yield from _moved(sla, key)
        if key in sla:
            yield f"no {key}", {name: value for name, value in sla.items() if name != key}
        else:
            yield f"{key} 1h", {**sla, key: "1h"}
    yield from ((f"at risk at {share}", {**sla, "at_risk": share}) for share in ("50%", "74%", "76%", "15m"))
    for number, state in enumerate(sla.get("pause", ())):
        yield f"no pause in {state}", {**sla, "pause": [*sla["pause"][:number], *sla["pause"][number + 1 :]]}
    if "when" in sla:
        yield from _of_conditions(sla, values)
    every = sla.get("when", {}).get("all", [])
    for number, condition in enumerate(every):
        words = re.findall(r"'([^']*)'", condition)
        for word in words if len(words) > 1 else ():
            listed = ", ".join(f"'{each}'" for each in words if each != word)
            narrower = re.sub(r"\[.*\]", f"[{listed}]", condition)
            yield f"not for {word}", _with(sla, "all", [*every[:number], narrower, *every[number + 1 :]])


def _moved(table: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a table with a span that is a little longer, and a little shorter."""
    if key not in table:
        return
    number, unit = int(table[key][:-1]), table[key][-1]
    smaller, many = {"d": ("h", 24), "h": ("m", 60), "m": ("s", 60)}[unit]
    for moved in (number * many + 1, number * many - 1):
        yield f"{key} {moved}{smaller}", {**table, key: f"{moved}{smaller}"}


def _of_ladder(ladder: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, step in enumerate(ladder["step"]):
        for what, changed in _of_step(step, timed=True):
            fresh = copy.deepcopy(ladder)
            fresh["step"][number] = changed
            yield f"step {number + 1}: {what}", fresh
        twice = copy.deepcopy(ladder)
        twice["step"].insert(number, copy.deepcopy(step))
        yield f"step {number + 1} twice", twice
        if len(ladder["step"]) > 1:
            fewer = copy.deepcopy(ladder)
            del fewer["step"][number]
            yield f"no step {number + 1}", fewer
    for what, changed in _of_step(ladder["final"], timed=False):
        yield f"final: {what}", {**copy.deepcopy(ladder), "final": changed}
    yield "once more", {**copy.deepcopy(ladder), "repeat": ladder.get("repeat", 0) + 1}


def _of_step(step: dict[str, Any], *, timed: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "another group", {**step, "target": step["target"].rpartition("/")[0] + "/Other"}
    if step.get("notify"):
        yield "tells nobody", {key: value for key, value in step.items() if key != "notify"}
        yield "tells somebody else", {**step, "notify": [each + "x" for each in step["notify"]]}
        yield "tells one more", {**step, "notify": [*step["notify"], "support-slack:#other"]}
    if not timed:
        return
    for key in ("ack_within", "reply_within", "ack_ttl"):
        if key not in step:
            continue
        number, unit = int(step[key][:-1]), step[key][-1]
        smaller = {"h": "m", "m": "s"}[unit]
        for moved in (number * 60 + 1, number * 60 - 1):
            yield f"{key} {moved}{smaller}", {**step, key: f"{moved}{smaller}"}
        if key != "ack_within":
            yield f"no {key}", {each: value for each, value in step.items() if each != key}


# --- as TOML ---------------------------------------------------------------------------------------------------------
def written(values: dict[str, Any]) -> str:
    """Return a policy as TOML."""
    return "".join(f"{key} = {_in_line(value)}\n" for key, value in values.items())


def _in_line(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_in_line, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_in_line(each)}' for key, each in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
