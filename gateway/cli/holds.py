"""Why open effects are not settled, in sentences: what the store knows, and how a gateway says its connections are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.cli.terminal import instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.sdk import RateLimit
    from gateway.store.ports import CaseHistory, EffectView, Held

#: Looks and attempts have an end: said, so that nobody waits for ever.
_DUE: Final = "It is due: a running gateway takes it next, after what is older."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason why an effect is not settled."""

    #: In one word: ``time``, ``limit``, ``behind``, ``paused``, ``connection``, ``failed``, ``sending``, ``unknown``, ``stuck``,
    #: ``gateway`` or ``due``.
    why: str
    #: The same for people.
    sentence: str
    #: Until when at least, UTC microseconds; None when nobody can tell.
    until: int | None = None
    #: The effect that must be settled before.
    behind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a command can know of connections and of who sends."""

    #: The connections that the configuration switches on.
    configured: frozenset[str] = frozenset()
    #: Those that it names and switches off.
    off: frozenset[str] = frozenset()
    #: State and last error of the running gateway's connections, by name; None when none answered.
    running: Mapping[str, tuple[str, str]] | None = None
    #: Why none answered, where that is no sign that none runs.
    silent: str = ""
    #: True when gateways on other machines may send as well.
    shared: bool = False
    #: Attempts and looks before an effect is given up.
    most: tuple[int, int] = field(default=(0, 0))


def holds(
    history: CaseHistory, held: Mapping[str, Held], around: Surroundings, now: int
) -> Mapping[str, tuple[Hold, ...]]:
    """Return why each open effect of a case is not settled, by its id."""
    views = {view.effect.id: view for view in history.effects}
    # An effect that was settled or made between the two questions to the store is left out.
    return {name: tuple(_holds(views[name], held[name], views, around, now)) for name in held if name in views}


def _holds(view: EffectView, held: Held, views: Mapping[str, EffectView], around: Surroundings, now: int) -> list[Hold]:
    if held.stuck:
        return [_stuck(view, held)]
    if view.state == "sending":
        return [_sending(held, now)]
    if held.behind is not None and held.behind in views:
        own = [each for each in held.pauses if each[0].startswith("rule:")]
        found = [_behind(views[held.behind], held, held.behind), *map(_paused, own)]
        return [*found, *([_time(held)] if held.due_at > now and not held.together else [])]
    waits = _unknown(view, held, around, now) if view.state == "unknown" else _pending(view, held, around, now)
    limited = _limited(*held.limit) if held.limit is not None and held.limit[1] > now else None
    others: list[Hold | None] = [waits, _connection(held, around), *map(_paused, held.pauses), limited]
    told = [each for each in others if each is not None]
    return told or [Hold(why="due", sentence=_DUE)]


def _stuck(view: EffectView, held: Held) -> Hold:
    number = held.letter if held.letter is not None else "ID"
    what = (
        f"`baton dlq replay {number}` sends it again, `baton dlq discard {number} --reason WHY` gives it up for good."
    )
    reason = f": {_ended(view.reason)}" if view.reason else "."
    return Hold(why="stuck", sentence=f"It was given up{reason} What comes after it waits for a person: {what}")


def _sending(held: Held, now: int) -> Hold:
    until = held.leased_until or 0
    if until > now:
        sentence = f"A gateway has it in hand. Without an answer by {_at(until)} it is looked into whether it landed."
        return Hold(why="sending", sentence=sentence, until=until)
    late = f"A gateway had it in hand, and no answer was recorded by {_at(until)}"
    sentence = f"{late}: a running gateway looks into whether it landed."
    return Hold(why="sending", sentence=sentence)


def _behind(first: EffectView, held: Held, number: str) -> Hold:
    rule = f" of rule {first.effect.rule}" if first.effect.rule else ""
    what = f"the {first.effect.kind.value}{rule} to {held.connection} before it ({number})"
    sentence = (
        f"It goes out in one call with {what}." if held.together else f"It waits until {what} is settled, which is not."
    )
    return Hold(why="behind", sentence=sentence, behind=number)


def _time(held: Held) -> Hold:
    return Hold(why="time", sentence=f"It waits for its time: not before {_at(held.due_at)}.", until=held.due_at)


def _paused(pause: tuple[str, str]) -> Hold:
    scope, reason = pause
    kind, _, name = scope.partition(":")
    what = f"{kind} {name} is paused" if name else "Everything is paused"
    why = f" ({reason})" if reason else ""
    sentence = f"{what[0].upper()}{what[1:]}{why}: it goes out after `baton resume {scope}`."
    return Hold(why="paused", sentence=sentence)


def _connection(held: Held, around: Surroundings) -> Hold | None:
    """Return what is wrong with the connection, or with who should send; None for nothing, or when nobody can tell it."""
    name = held.connection
    if around.running is not None:
        if name not in around.running:
            return Hold(why="connection", sentence=_missing(name, around, "the running gateway has no connection {}"))
        state, error = around.running[name]
        if state == "ok":
            return None
        said = f": {_ended(error)}" if error else "."
        then = (
            "It may have to wait until calls work again."
            if state == "degraded"
            else "Nothing goes out over it until it works."
        )
        return Hold(why="connection", sentence=f"Connection {name} is {state.replace('_', ' ')}{said} {then}")
    if name not in around.configured:
        return Hold(
            why="connection", sentence=_missing(name, around, "the configuration has no connection {} any more")
        )
    if around.silent:
        return Hold(why="gateway", sentence=f"How connection {name} is cannot be told: {_ended(around.silent)}")
    sentence = (
        f"No gateway answers in this data directory. Whether one on another machine sends, and how its connection {name} is,"
        " cannot be known from here."
        if around.shared
        else "No gateway runs: it goes out once `baton serve` does."
    )
    return Hold(why="gateway", sentence=sentence)


def _missing(name: str, around: Surroundings, what: str) -> str:
    if name in around.off:
        said, then = f"Connection {name} is switched off", "switch it on (enabled = true)"
    else:
        said = what.format(name)
        then = (
            "take plugins.toml over"
            if name in around.configured
            else "put it back, under this name or with renamed_from"
        )
    after = ", `baton reload`" if around.running is not None else ""
    return f"{said[0].upper()}{said[1:]}: {then}{after}, or what was decided for it stays here."


def _pending(view: EffectView, held: Held, around: Surroundings, now: int) -> Hold | None:
    later = held.due_at > now
    when = f"tried again {f'at {_at(held.due_at)}' if later else 'as soon as it can be'}"
    until = held.due_at if later else None
    if view.reason and view.tries:
        most = (
            f", for the {_nth(view.tries + 1)} time of {around.most[0]} at most" if view.effect.kind != "lookup" else ""
        )
        return Hold(
            why="failed",
            sentence=f"{_nth(view.tries).capitalize()} attempt failed: {_ended(view.reason)} It is {when}{most}.",
            until=until,
        )
    if view.reason:
        return Hold(why="failed", sentence=f"{_ended(view.reason)} It is {when}.", until=until)
    if not later:
        return None
    if held.due_at > view.effect.due_at:
        # Only the limit on one ticket moves what was never tried: the claim that found it used up set the time.
        return (
            None
            if held.limit is not None
            else Hold(
                why="limit",
                sentence=f"The vendor's limit on calls for one ticket holds it back until {_at(held.due_at)}.",
                until=held.due_at,
            )
        )
    return _time(held)


def _unknown(view: EffectView, held: Held, around: Surroundings, now: int) -> Hold:
    reason = f": {_ended(view.reason)}" if view.reason else "."
    start = f"Whether it landed is not known{reason}"
    if held.leased_until is not None:
        sentence = f"{start} A gateway is looking into it now (look {view.tries} of {around.most[1]} at most)."
        return Hold(why="unknown", sentence=sentence, until=held.leased_until)
    later = held.due_at > now
    look = f"look {view.tries + 1} of {around.most[1]} at most"
    when = f"at {_at(held.due_at)}" if later else "as soon as it can be"
    sentence = f"{start} It is looked into {when} ({look}), and not sent again before that is clear."
    return Hold(why="unknown", sentence=sentence, until=held.due_at if later else None)


def _limited(limit: RateLimit, until: int) -> Hold:
    what = "for one ticket" if limit.scope == "ticket" else "in all"
    sentence = f"The vendor's limit ({limit.calls} calls in {limit.seconds:g} seconds {what}) holds it back until {_at(until)}."
    return Hold(why="limit", sentence=sentence, until=until)


def _at(at: int) -> str:
    return f"{instant(at)} UTC"


def _ended(sentence: str) -> str:
    """Return a sentence with a full stop at its end."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _nth(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
