"""`[[incident]]` → `Incident`: which messages count for it, how many customers open it, and what holds while it is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.model import Mode, Priority
from gateway.toml import did_you_mean, nearest
from routing.compiling import Condition, Matchable, Matcher, compile_rules
from routing.expression import ExpressionError
from routing.fingerprints import NOT_COUNTED_BY, Part, parse_fingerprint
from routing.load_reply import read_reply
from routing.load_sla import Conditions
from routing.policy import Act, EscalationType, Incident, Rule, Settings
from routing.reader import NAME, Path, Reader
from routing.reasons import RULE_PREFIX, reason_of_incident
from routing.schema_incident import INCIDENT, MODES
from routing.template import places

#: One customer is no incident.
FEWEST: Final = 2


def match_incidents(incidents: Iterable[Incident]) -> Matcher | None:
    """Return the function that says for which incidents an activity counts."""
    made = [Matchable(all=each.all, any=each.any, goes_on=True) for each in incidents]
    return compile_rules(made) if made else None


def read_incidents(
    reader: Reader, given: object, ladders: Iterable[str], conditions: Conditions
) -> tuple[Incident, ...]:
    """Read the incidents; those with mistakes, which are noted, are left out."""
    if not isinstance(given, list):
        reader.note(("incident",), "incidents are a list of tables: write [[incident]]")
        return ()
    listed: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
    known = tuple(ladders)
    made = [_incident(reader, ("incident", index), value, known, conditions) for index, value in enumerate(listed)]
    seen: dict[str, int] = {}
    opened: dict[str, str] = {}
    for index, incident in enumerate(made):
        if incident is None:
            continue
        if incident.id in seen:
            line, _ = reader.document.position("incident", seen[incident.id])
            sentence = f"incident {incident.id} stands twice: it is also in line {line}"
            reader.note(("incident", index, "id"), sentence, value=True)
        seen.setdefault(incident.id, index)
        for name in sorted(incident.opened_by):
            if opened.setdefault(name, incident.id) != incident.id:
                sentence = f"{name} opens incident {opened[name]} already: nobody could tell which one it means"
                reader.note(("incident", index, "opened_by"), sentence, value=True)
    return tuple(incident for incident in made if incident is not None)


def check_inhibited(reader: Reader, incidents: Sequence[Incident], rules: Sequence[Rule | None]) -> None:
    """Note rules that an incident holds back and that are not there, or do not escalate."""
    known = {rule.id: rule for rule in rules if rule is not None}
    # Rules that have mistakes of their own are there all the same.
    there = reader.ids("rule")
    for index, table in enumerate(_tables(reader, "incident") if incidents else []):
        named: Any = table.get("inhibit")
        for number, name in enumerate(str(each) for each in (named if isinstance(named, list) else ())):
            path = ("incident", index, "inhibit", number)
            rule = known.get(name)
            if there is not None and name not in there:
                hint = did_you_mean(name, there, f"there are {', '.join(there) or 'none'}")
                reader.note(path, f"there is no rule {name}: {hint}", value=True)
            elif rule is not None and rule.act is not Act.ESCALATE:
                reader.note(path, f"rule {name} does not escalate: there is nothing to hold back", value=True)


def _tables(reader: Reader, key: str) -> list[dict[str, Any]]:
    """Return the tables of a list in the file; an empty one stands for what is none."""
    given: Any = reader.document.values.get(key)
    return [each if isinstance(each, dict) else {} for each in (given if isinstance(given, list) else ())]


def _incident(
    reader: Reader, path: Path, value: object, ladders: tuple[str, ...], conditions: Conditions
) -> Incident | None:
    before = len(reader.problems)
    table = reader.table(path, value, "an incident")
    if len(reader.problems) > before:
        return None
    reader.keys(path, table, INCIDENT, "an incident")
    number = reader.string(path, table, "id")
    if not NAME.fullmatch(number) and (isinstance(table.get("id"), str) or reader.lacks(path, table, "id")):
        reader.note((*path, "id"), "an incident needs an id of small letters, digits, - and _ (at most 64)")
    named = f"incident {number}" if number else "this incident"
    every, some = _when(reader, path, table, conditions, named)
    fingerprint = _fingerprint(reader, path, table)
    window = reader.duration(path, table, "window")
    if "window" not in table and reader.lacks(path, table, "window"):
        reader.note(path, f'{named} does not say within what time its customers come: window = "10m"')
    ladder = _ladder(reader, path, table, ladders, named)
    threshold = _threshold(reader, path, table, named)
    resolve_after = reader.duration(path, table, "resolve_after")
    opened_by = reader.strings((*path, "opened_by"), table.get("opened_by", []), "opened_by")
    for place, name in enumerate(opened_by):
        if name not in reader.connections:
            hint = did_you_mean(name, reader.connections, f"there are {', '.join(reader.connections) or 'none'}")
            sentence = f"plugins.toml has no enabled connection {name}: {hint}"
            reader.note((*path, "opened_by", place), sentence, value=True)
    priority = reader.word(path, table, "priority", [each.value for each in Priority])
    mode = reader.word(path, table, "mode", [each.value for each in MODES])
    inhibit = reader.strings((*path, "inhibit"), table.get("inhibit", []), "inhibit")
    reply, reply_when_over = _replies(reader, path, table)
    resolve_cases = _resolve_cases(reader, path, table)
    title = " ".join(reader.string(path, table, "title").split()) or number
    tags = reader.strings((*path, "tags"), table.get("tags", []), "tags")
    if len(reader.problems) > before:
        return None
    return Incident(
        id=number,
        title=title,
        all=every,
        any=some,
        fingerprint=fingerprint,
        window=window or 0,
        threshold=threshold,
        inhibit=frozenset(inhibit),
        opened_by=frozenset(opened_by),
        resolve_after=resolve_after,
        reply=reply,
        reply_when_over=reply_when_over,
        resolve_cases=resolve_cases,
        rule=Rule(
            id=f"{RULE_PREFIX}{number}",
            type=EscalationType.PRIORITY,
            act=Act.ESCALATE,
            all=(),
            any=(),
            catch_all=False,
            goes_on=False,
            mode=Mode(mode) if mode else Mode.LIVE,
            set=Settings(
                priority=Priority(priority) if priority else None,
                tags=tags,
                fields={},
                reason=reason_of_incident(title),
            ),
            target="",
            ladder=ladder,
            reply="",
        ),
    )


def _replies(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[str, str]:
    """Return what customers are told, and what they are told once it is over."""
    if table.get("reply_when_over") and not table.get("reply"):
        sentence = "it goes to whom `reply` was sent: write that as well"
        reader.note((*path, "reply_when_over"), sentence, value=True)
    return _reply(reader, path, table, "reply"), _reply(reader, path, table, "reply_when_over")


def _resolve_cases(reader: Reader, path: Path, table: Mapping[str, Any]) -> bool:
    value = table.get("resolve_cases", False)
    if not isinstance(value, bool):
        reader.note((*path, "resolve_cases"), "resolve_cases must be true or false", value=True)
    return value is True


def _reply(reader: Reader, path: Path, table: Mapping[str, Any], key: str) -> str:
    text = read_reply(reader, path, table, Act.ESCALATE.value, key)
    for name, offset in places(text):
        if name.startswith("ticket."):
            sentence = (
                f"{{{{{name}}}}} would be the ticket of the customer's own case, which may have none: leave it out"
            )
            reader.note((*path, key), sentence, value=True, offset=offset + 1)
    return text


def _when(
    reader: Reader, path: Path, table: Mapping[str, Any], conditions: Conditions, named: str
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    here = (*path, "when")
    when = reader.table(here, table.get("when", {}), "when")
    every, some = conditions(here, when)
    if reader.lacks(path, {}, "when") and reader.lacks(here, when, "all", "any"):
        reader.note(path, f"{named} does not say which messages count: write when.all or when.any")
    for key, made in (("all", every), ("any", some)):
        listed: list[Any] = when[key] if isinstance(when.get(key), list) else []
        for condition in made:
            for name in sorted(condition.fields):
                if name.startswith(NOT_COUNTED_BY):
                    place = (*here, key, listed.index(condition.source))
                    reader.note(place, f"{name} is not known yet when messages are counted: leave it out", value=True)
    return every, some


def _fingerprint(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[Part, ...]:
    text = reader.string(path, table, "fingerprint")
    if "fingerprint" not in table or not isinstance(table["fingerprint"], str):
        return ()
    try:
        return parse_fingerprint(text, nearest)
    except ExpressionError as error:
        reader.note((*path, "fingerprint"), error.sentence, value=True, offset=error.offset + 1)
        return ()


def _ladder(reader: Reader, path: Path, table: Mapping[str, Any], ladders: tuple[str, ...], named: str) -> str:
    name = reader.string(path, table, "ladder")
    if not name:
        if reader.lacks(path, table, "ladder"):
            reader.note(path, f'{named} does not say who deals with it: ladder = "NAME OF A LADDER"')
    elif name not in ladders:
        hint = did_you_mean(name, ladders, f"there are {', '.join(sorted(ladders)) or 'none yet'}")
        reader.note((*path, "ladder"), f"there is no ladder {name}: {hint}", value=True)
    return name


def _threshold(reader: Reader, path: Path, table: Mapping[str, Any], named: str) -> int:
    value = table.get("threshold")
    if "threshold" not in table:
        if reader.lacks(path, table, "threshold"):
            reader.note(path, f"{named} does not say how many customers open it: threshold = 5")
        return FEWEST
    if type(value) is not int or value < FEWEST:
        reader.note((*path, "threshold"), f"threshold is a number of customers, {FEWEST} or more", value=True)
        return FEWEST
    return value
