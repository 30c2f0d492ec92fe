"""What is, beside what a test expects: one function a key, and both written as they would stand in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final, cast

from gateway.model import EffectKind, Mode, SlaClock
from gateway.model.sla import TIMER_PREFIX
from routing.happened import Happened, Step
from routing.reasons import reason_of
from routing.shown import duration_of
from routing.world import World


def differences(wanted: Mapping[str, object], happened: Happened, world: World) -> Iterator[tuple[str, str, str]]:
    """Yield each key whose value is not the expected one, with what was expected and what is, as texts."""
    for key, value in wanted.items():
        if key == "case":
            yield from _of_case(cast("Mapping[str, object]", value), world)
            continue
        expected, got = _comparable(key, value, _GOT[key](happened, world))
        if got != expected:
            yield key, shown(expected), shown(got)


def _comparable(key: str, wanted: object, got: object) -> tuple[object, object]:
    """Return what is expected and what is, in one form."""
    if key == "path":
        return _alike(cast("tuple[Step, ...]", wanted), cast("tuple[Step, ...]", got))
    if key == "reply":
        return wanted, _as_written(str(wanted), cast("list[tuple[str, str]]", got))
    if key in {"timers", "at_risk"}:
        return {name: duration_of(each) for name, each in cast("Mapping[str, int]", wanted).items()}, got
    return wanted, got


# --- what is ---------------------------------------------------------------------------------------------------------
def _rules(happened: Happened, _world: World) -> object:
    return happened.rules


def _result(happened: Happened, _world: World) -> object:
    return happened.decisions[-1].trace.result if happened.decisions else "none"


def _ladder(_happened: Happened, world: World) -> object:
    return world.episode.ladder if world.episode is not None else ""


def _episode(_happened: Happened, world: World) -> object:
    return world.episode.state.value if world.episode is not None else "none"


def _assigned(_happened: Happened, world: World) -> object:
    return world.episode.assigned if world.episode is not None else ()


def _path(_happened: Happened, world: World) -> object:
    return tuple(world.path)


def _acks(_happened: Happened, world: World) -> object:
    return world.episode.acked_by if world.episode is not None else ()


def _passed_over(_happened: Happened, world: World) -> object:
    return {str(step + 1): why for step, why in (world.episode.passed_over if world.episode is not None else ())}


def _status(_happened: Happened, world: World) -> object:
    return world.case.status.value if world.case is not None else "open"


def _priority(_happened: Happened, world: World) -> object:
    return world.case.priority.value if world.case is not None and world.case.priority is not None else ""


def _tags(_happened: Happened, world: World) -> object:
    return tuple(sorted(world.case.tags)) if world.case is not None else ()


def _group(_happened: Happened, world: World) -> object:
    return next((ticket.group for ticket in reversed(world.desks.values())), "")


def _fields(_happened: Happened, world: World) -> object:
    return next((dict(ticket.fields) for ticket in reversed(world.desks.values())), {})


def _reason(happened: Happened, world: World) -> object:
    rules = [effect.rule for effect in happened.effects if effect.kind is EffectKind.HANDOFF]
    rule = world.policy.by_id.get(rules[-1]) if rules else None
    return reason_of(world.case, rule) if rule is not None and world.case is not None else ""


def _notify(happened: Happened, _world: World) -> object:
    return tuple(
        f"{effect.connection}:{effect.destination}"
        for effect in happened.effects
        if effect.kind is EffectKind.NOTIFY and effect.mode is not Mode.OBSERVE
    )


def _titles(happened: Happened, _world: World) -> object:
    return tuple(
        effect.title
        for effect in happened.effects
        if effect.kind is EffectKind.NOTIFY and effect.mode is not Mode.OBSERVE
    )


def _reply(happened: Happened, world: World) -> object:
    """Return what the customer was told: each text, and the template of the rule or incident that it was made of."""
    templates = {rule.id: rule.reply for rule in world.policy.rules}
    templates |= {each.rule.id: each.reply for each in world.policy.incidents.values()}
    return [
        (effect.text, templates.get(effect.rule, ""))
        for effect in happened.effects
        if effect.kind is EffectKind.REPLY and effect.mode is not Mode.OBSERVE
    ]


def _effects(happened: Happened, _world: World) -> object:
    return tuple(
        f"{effect.kind.value} {effect.connection}" + ("" if effect.mode is Mode.LIVE else f" {effect.mode.value}")
        for effect in happened.effects
    )


def _timers(_happened: Happened, world: World) -> object:
    """Return in how long each deadline of a ladder is due; of several of one sort the first. Those of SLAs stand in `sla`."""
    found: dict[str, str] = {}
    for name, due in sorted(world.timers.items(), key=lambda each: -each[1]):
        if not name.startswith(TIMER_PREFIX):
            found[name.partition(":")[0]] = duration_of(due - world.now)
    return found


def _sla(_happened: Happened, world: World) -> object:
    """Return the SLA that applies, and where each of its clocks stands."""
    clocks = world.case.sla if world.case is not None else None
    if clocks is None or not clocks.id:
        return {}
    return {"id": clocks.id} | {each.metric.value: _stands(each, world.now) for each in clocks.clocks}


def _stands(clock: SlaClock, now: int) -> str:
    if clock.due_at is not None and clock.due_at <= now:
        return "missed"
    if clock.ended_at is not None:
        return "met"
    return "stands" if clock.due_at is None else duration_of(clock.due_at - now)


def _at_risk(_happened: Happened, world: World) -> object:
    """Return in how long each clock that runs, and is not at risk yet, will be."""
    clocks = world.case.sla.owed() if world.case is not None and world.case.sla is not None else ()
    return {
        each.metric.value: duration_of(each.risk_at - world.now)
        for each in clocks
        if each.risk_at is not None and each.risk_at > world.now
    }


def _incident(_happened: Happened, world: World) -> object:
    member = world.case.incident if world.case is not None else None
    return member.name if member is not None and member.open else ""


def _held_back(happened: Happened, _world: World) -> object:
    steps = (step for decision in happened.decisions for step in decision.trace.steps)
    return tuple(dict.fromkeys(step.rule for step in steps if step.held_back))


_GOT: Final[Mapping[str, Callable[[Happened, World], object]]] = {
    "rules": _rules,
    "result": _result,
    "ladder": _ladder,
    "episode": _episode,
    "path": _path,
    "assigned": _assigned,
    "acks": _acks,
    "passed_over": _passed_over,
    "status": _status,
    "priority": _priority,
    "tags": _tags,
    "group": _group,
    "fields": _fields,
    "reason": _reason,
    "notify": _notify,
    "titles": _titles,
    "reply": _reply,
    "effects": _effects,
    "timers": _timers,
    "sla": _sla,
    "at_risk": _at_risk,
    "incident": _incident,
    "held_back": _held_back,
}


# --- how they are compared -------------------------------------------------------------------------------------------
def _alike(wanted: tuple[Step, ...], got: tuple[Step, ...]) -> tuple[object, object]:
    """Return both paths as texts, with times only where the test names them."""

    def text(step: Step, *, timed: bool) -> str:
        return f"{step.name} at {duration_of(step.after or 0)}" if timed else step.name

    asked = [step.after is not None for step in wanted]
    timed = [*asked, *[any(asked)] * len(got)][: len(got)]
    return (
        [text(step, timed=step.after is not None) for step in wanted],
        [text(step, timed=each) for step, each in zip(got, timed, strict=True)],
    )


def _as_written(wanted: str, got: list[tuple[str, str]]) -> object:
    """Return what was told, as the test writes it: the text, or the template that it was made of."""
    if len(got) > 1:
        return [text for text, _ in got]
    text, template = got[0] if got else ("", "")
    return template if template and wanted != text else text


def _of_case(wanted: Mapping[str, object], world: World) -> Iterator[tuple[str, str, str]]:
    for name, value in wanted.items():
        got = getattr(world.case, name, None)
        if got != value:
            yield "case", f"{name}: {shown(value)}", f"{name}: {shown(got)}"


# --- how they are shown ----------------------------------------------------------------------------------------------
def shown(value: object) -> str:
    """Return a value for people: nearly as TOML has it."""
    if isinstance(value, Enum):
        return shown(value.value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value)
        inner = ", ".join(f"{key} = {shown(each)}" for key, each in pairs.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(shown, cast('list[object]', value)))}]"
    return json.dumps(value, ensure_ascii=False, default=str)
