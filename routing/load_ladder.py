"""`[ladder.NAME]` → `Ladder`: its steps, their times and working hours, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.toml import nearest
from routing import schema
from routing.calendar import Calendar
from routing.load_asking import Asking, asks_people, helpdesk_of, read_asked, refuse_asking
from routing.load_notices import read_message, read_playbook
from routing.load_passing import check_order, read_terms
from routing.load_people import read_calendar_of
from routing.people import Asked, People
from routing.policy import Address, Hours, Ladder, Message, Outside, Stage
from routing.reader import Path, Reader

_FINAL: Final = "final"
_QUEUE: Final = "queue:CONNECTION/GROUP"
_STEPS_TARGET: Final = f"{_QUEUE}, team:NAME, agent:NAME, manager_of:actor or manager_of:assignee"
_OUTSIDE: Final = [Outside.PAUSE.value, Outside.CONTINUE.value, "redirect:2", "redirect:final"]


def read_ladder(
    reader: Reader,
    name: str,
    value: object,
    calendars: Mapping[str, Calendar | None],
    people: People,
    templates: Mapping[str, Message | None],
) -> Ladder | None:
    """Read a ladder; None, with its mistakes noted, when it has any."""
    path = ("ladder", name)
    before = len(reader.problems)
    table = reader.table(path, value, f"ladder {name}")
    if len(reader.problems) > before:
        return None
    reader.keys(path, table, schema.LADDER, "a ladder")
    given = table.get("step", [])
    steps: list[Any] = given if isinstance(given, list) else []  # pyright: ignore[reportUnknownVariableType]
    half = _other_half(reader, name, table)
    ends = _FINAL in table or not reader.lacks(path, table, _FINAL)
    if half and not steps:
        reader.note(
            path, f"ladder {name} has no steps, and ladder {half} no end: did you mean {half}? Give both one name"
        )
    elif not steps and reader.lacks(path, table, "step"):
        reader.note((*path, "step"), f"ladder {name} needs at least one [[ladder.{name}.step]]")
    own = read_calendar_of(reader, path, table, calendars)
    repeat = table.get("repeat", 0)
    if type(repeat) is not int or not 0 <= repeat <= schema.MOST_REPEATS:
        reader.note((*path, "repeat"), f"repeat must be a whole number from 0 to {schema.MOST_REPEATS}", value=True)
    playbook = read_playbook(reader, path, table)
    hours = _Hours(calendars=calendars, own=own, ladder=table, count=len(steps), templates=templates, whole=ends)
    last: dict[str, Any] = table[_FINAL] if isinstance(table.get(_FINAL), dict) else {}
    asking = Asking(people=people, helpdesk=helpdesk_of(last.get("target")))
    made = [
        _step(reader, (*path, "step", number), step, number=number, hours=hours, asking=asking)
        for number, step in enumerate(steps)
    ]
    check_order(reader, path, made)
    if _FINAL not in table:
        if not half and not ends:
            others = [other for other in reader.document.values["ladder"] if other != name]
            near = nearest(name, others)
            meant = f", or did you mean ladder {near}?" if near else ""
            reader.note(
                path,
                f"ladder {name} does not say where it ends when nobody takes the case: add final = {{ target = … }}{meant}",
            )
        return None
    end = reader.table((*path, _FINAL), table[_FINAL], _FINAL)
    reader.keys((*path, _FINAL), end, schema.FINAL, _FINAL)
    if asks_people(reader.string((*path, _FINAL), end, "target")):
        reader.note(
            (*path, _FINAL, "target"),
            "people may be away, so the end of a ladder is a queue: write queue:CONNECTION/GROUP",
            value=True,
        )
        return None
    target, notify = _told(reader, (*path, _FINAL), end)
    message = read_message(reader, (*path, _FINAL), end, templates)
    if len(reader.problems) > before:
        return None
    last_stage = Stage(target=target, notify=notify, ack_within=None, message=message)
    return Ladder(id=name, steps=tuple(made), final=last_stage, repeat=repeat, playbook=playbook)


def _other_half(reader: Reader, name: str, table: Mapping[str, Any]) -> str | None:
    """Return the ladder of nearly the same name that has what this one lacks, steps or an end, and lacks what it has."""
    halves = {"step", _FINAL}
    has = halves & set(table)
    if len(has) != 1:
        return None
    named: dict[str, Any] = reader.document.values["ladder"]
    others = [
        other
        for other, each in named.items()
        if isinstance(each, dict) and halves & set(each) == halves - has  # pyright: ignore[reportUnknownArgumentType]
    ]
    return nearest(name, others)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hours:
    """What a ladder's steps share of working hours, and of templates."""

    calendars: Mapping[str, Calendar | None]
    #: The ladder's own calendar.
    own: Calendar | None
    ladder: Mapping[str, Any]
    #: Number of its steps.
    count: int
    #: Whether it has an end. One without may be part of another one, its name mistyped: then its hours stand there.
    whole: bool
    templates: Mapping[str, Message | None]


def _step(reader: Reader, path: Path, value: object, *, number: int, hours: _Hours, asking: Asking) -> Stage:
    table = reader.table(path, value, "a step")
    reader.keys(path, table, schema.STEP, "a step")
    asks: Asked | None = None
    if asks_people(reader.string(path, table, "target")):
        target, asks = read_asked(reader, path, table, asking)
        notify = _notified(reader, path, table)
    else:
        refuse_asking(reader, path, table)
        target, notify = _told(reader, path, table, _STEPS_TARGET)
    if reader.lacks(path, table, "ack_within"):
        reader.note(path, 'say by when somebody must have taken it: ack_within = "15m"')
    # An empty `ack_within` was told just above.
    within = None if table.get("ack_within") == "" else reader.duration(path, table, "ack_within")
    reply, ttl = (reader.duration(path, table, key) for key in ("reply_within", "ack_ttl"))
    if reply and ttl and ttl <= reply:
        reader.note((*path, "ack_ttl"), "ack_ttl must be longer than reply_within, or nobody is reminded", value=True)
    calendar, redirect = _working_hours(reader, path, table, number=number, hours=hours)
    return Stage(
        target=target,
        notify=notify,
        ack_within=within or 0,
        # Alone it is the end of waiting as well: a case that nobody answers does not stay taken.
        reply_within=reply if ttl else None,
        ack_ttl=ttl or reply,
        calendar=calendar,
        redirect=redirect,
        asks=asks,
        message=read_message(reader, path, table, hours.templates),
        **read_terms(reader, path, table, asks, number=number),
    )


def _told(
    reader: Reader, path: Path, table: Mapping[str, Any], shape: str = _QUEUE
) -> tuple[Address, tuple[Address, ...]]:
    text = reader.string(path, table, "target")
    if not text and reader.lacks(path, table, "target"):
        reader.note(path, 'say where to: target = "queue:CONNECTION/GROUP"')
    target = reader.address((*path, "target"), text, "handoff", shape)
    return target, _notified(reader, path, table)


def _notified(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[Address, ...]:
    return tuple(
        reader.address((*path, "notify", number), each, "notify", "CONNECTION:CHANNEL")
        for number, each in enumerate(reader.strings((*path, "notify"), table.get("notify", []), "notify"))
    )


# --- working hours ---------------------------------------------------------------------------------------------------
def _working_hours(
    reader: Reader, path: Path, table: Mapping[str, Any], *, number: int, hours: _Hours
) -> tuple[Calendar | None, int | None]:
    """Return the calendar in which a step's time is counted, and the step that stands in for it while that is closed."""
    own = read_calendar_of(reader, path, table, hours.calendars) if "calendar" in table else hours.own
    named = "calendar" in table or "calendar" in hours.ladder
    respects = reader.word(path, table, "hours", [each.value for each in Hours])
    if respects == Hours.RESPECT and not named and hours.whole:
        reader.note((*path, "hours"), 'say which working hours: calendar = "NAME", here or in the ladder', value=True)
    if "outside_hours" not in table:
        return (None if respects == Hours.IGNORE else own), None
    if not named or respects == Hours.IGNORE:
        if hours.whole or named:
            reader.note((*path, "outside_hours"), "a step that knows no working hours is never outside of them")
        return None, None
    text = reader.string(path, table, "outside_hours")
    if text.startswith(f"{Outside.REDIRECT.value}:"):
        return own, _redirect(reader, path, text.partition(":")[2], number=number, count=hours.count)
    chosen = reader.word(path, table, "outside_hours", _OUTSIDE) if isinstance(table["outside_hours"], str) else None
    return (None if chosen == Outside.CONTINUE else own), None


def _redirect(reader: Reader, path: Path, text: str, *, number: int, count: int) -> int | None:
    if text == _FINAL:
        return count
    if text.isascii() and text.isdecimal() and number + 1 < int(text[:6]) <= count:
        return int(text) - 1
    later = [*(str(each) for each in range(number + 2, count + 1)), _FINAL]
    reader.note(
        (*path, "outside_hours"),
        f"redirect:{text} leads to no later step: there are {', '.join(f'redirect:{each}' for each in later)}",
        value=True,
    )
    return None
