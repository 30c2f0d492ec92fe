"""A file of `[[policy_test]]` tables → `PolicyTest`s. Strict: every mistake is told at once, each with its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from gateway.model import Case, Mode, altered
from gateway.toml import Problems, TomlDocument, did_you_mean, read_toml
from routing.policy import ConnectionFacts, Policy
from routing.policy_tests import schema
from routing.policy_tests.load_event import of_incident, read_activity
from routing.policy_tests.load_expect import read_expectation
from routing.policy_tests.load_outside import known_incident, read_actor, read_outside
from routing.policy_tests.typed import read_fields
from routing.policy_tests.values import Event, PolicyTest
from routing.reader import Path, Reader

_MICRO: Final = 1_000_000
#: Fields of the case that Baton alone gives.
_HIDDEN: Final = frozenset({"id", "seq", "last_activity_at", "risk"})


#: What stands for a text of `each`.
_EACH: Final = "{{each}}"


def load_policy_tests(
    text: str, file: str, policy: Policy, connections: Mapping[str, ConnectionFacts]
) -> tuple[PolicyTest, ...]:
    """Read the tests of a file, whose names must be those of a policy and its connections. Raises `Problems`."""
    reader = _Reader(read_toml(text, file), policy, connections)
    tests = reader.tests()
    if reader.problems:
        raise Problems(reader.problems)
    return tests


class _Reader(Reader):
    def __init__(self, document: TomlDocument, policy: Policy, connections: Mapping[str, ConnectionFacts]) -> None:
        super().__init__(document, connections)
        self.policy = policy

    def tests(self) -> tuple[PolicyTest, ...]:
        values = self.document.values
        self.keys((), values, schema.TOP, "a file of policy tests")
        given = values.get("policy_test", [])
        if not isinstance(given, list) or not given:
            self.note(("policy_test",), "there are no tests: write [[policy_test]] tables")
            return ()
        listed = cast("list[object]", given)
        made = [self._test(("policy_test", number), value) for number, value in enumerate(listed)]
        seen: dict[str, int] = {}
        for number, test in enumerate(made):
            if test is not None and test.name in seen:
                path = ("policy_test", number, "name")
                self.note(
                    path, f"the test {test.name!r} stands twice: it is also in line {seen[test.name]}", value=True
                )
            elif test is not None:
                seen[test.name] = test.line
        return tuple(
            each
            for number, test in enumerate(made)
            if test is not None
            for each in self._each(("policy_test", number, "each"), listed[number], test)
        )

    def _each(self, path: Path, value: object, test: PolicyTest) -> tuple[PolicyTest, ...]:
        """Return a test for each of its texts; the test itself when it has none."""
        table = self.table(path[:-1], value, "a policy test")
        if "each" not in table:
            return (test,)
        texts = self.strings(path, table["each"], "each")
        if table["each"] == []:
            self.note(path, "each needs texts to try: leave it out where there is one")
        elif not any(_EACH in event.activity.text for event in test.events if event.activity is not None):
            self.note(path, f"no message of the test says {_EACH}")
        return tuple(
            replace(test, name=f"{test.name}: {text}", events=tuple(_filled(event, text) for event in test.events))
            for text in texts
        )

    def _test(self, path: Path, value: object) -> PolicyTest | None:
        before = len(self.problems)
        table = self.table(path, value, "a policy test")
        if len(self.problems) > before:
            return None
        self.keys(path, table, schema.TEST, "a policy test")
        name = self.string(path, table, "name")
        if not table.get("name"):
            self.note(path, "a test needs a name that says what it shows")
        at = self._instant(path, table, "at")
        if "at" not in table:
            self.note(path, "say when the test begins: at = 2026-11-24T10:00:00+01:00")
        case = read_fields(self, (*path, "case"), table.get("case", {}), Case, what="a case", hidden=_HIDDEN)
        modes = self._modes((*path, "modes"), table.get("modes", {}))
        down = self.strings((*path, "down"), table.get("down", []), "down")
        for number, each in enumerate(down):
            self._known((*path, "down", number), each)
        outside = read_outside(self, path, table, self.policy)
        given = table.get("event", [])
        events: list[object] = cast("list[object]", given) if isinstance(given, list) else []
        if not events:
            self.note((*path, "event"), "nothing happens in this test: write [[policy_test.event]] tables")
        made = [self._event((*path, "event", number), each) for number, each in enumerate(events)]
        if not any(each.expect for each in made if each is not None) and len(self.problems) == before:
            self.note(path, f"the test {name!r} expects nothing: write expect.rules, expect.path and the like")
        if len(self.problems) > before:
            return None
        line, _ = self.document.position(*path)
        return PolicyTest(
            name=name,
            file=self.document.file,
            line=line,
            at=at or 0,
            case=case,
            modes=modes,
            down=frozenset(down),
            outside=outside,
            events=tuple(each for each in made if each is not None),
        )

    def _event(self, path: Path, value: object) -> Event | None:
        before = len(self.problems)
        table = self.table(path, value, "an event")
        if len(self.problems) > before:
            return None
        self.keys(path, table, schema.EVENT, "an event")
        what = [key for key in schema.WHAT if key in table]
        if len(what) != 1 and len(self.problems) == before:
            several = f"an event is one thing, not {' and '.join(what)}: write one event after the other"
            self.note(path, several if what else f"an event says what happens: one of {', '.join(schema.WHAT)}")
        if len(what) != 1:
            return None
        kind = what[0]
        wait = self.duration(path, table, "wait") if kind == "wait" else None
        until = self._instant(path, table, "until") if kind == "until" else None
        press = self.word(path, table, "press", schema.WHAT["press"]["enum"]) if kind == "press" else None
        grouped = kind in {"incident", "incident_over"}
        passive = kind in {"wait", "until", "press"} or grouped
        allowed = {
            kind,
            "expect",
            *(("name", "actor") if kind == "press" else ()),
            *(() if grouped or kind in {"wait", "until"} else ("times",)),
        }
        if passive:
            for key in sorted((set(table) & set(schema.EVENT)) - allowed):
                self.note((*path, key), f"{kind} has no {key}")
        actor = read_actor(self, path, table, self.policy.people)
        activity = None if passive else read_activity(self, path, table, kind, self.policy.people.agents.get(actor))
        if grouped:
            name = self.string(path, table, kind)
            known_incident(self, (*path, kind), name, self.policy, value=True)
            activity = of_incident(kind, name)
        times = table.get("times", 1)
        if type(times) is not int or not 1 <= times <= schema.MOST_TIMES:
            self.note((*path, "times"), f"times must be a whole number from 1 to {schema.MOST_TIMES}", value=True)
        expect = read_expectation(self, (*path, "expect"), table["expect"], self.policy) if "expect" in table else None
        if len(self.problems) > before:
            return None
        return Event(
            line=self.document.position(*path)[0],
            activity=activity,
            press=press or "",
            actor=actor,
            name=self.string(path, table, "name"),
            wait=wait,
            until=until,
            times=times,
            expect=expect,
        )

    # --- values ------------------------------------------------------------------------------------------------------
    def _instant(self, path: Path, table: Mapping[str, Any], key: str) -> int | None:
        value = table.get(key)
        if key not in table:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            sentence = f"{key} must be an instant with its offset from UTC: {key} = 2026-11-24T10:00:00+01:00"
            self.note((*path, key), sentence, value=True)
            return None
        return round(value.timestamp() * _MICRO)

    def _modes(self, path: Path, value: object) -> dict[str, Mode]:
        table = self.table(path, value, "modes")
        made: dict[str, Mode] = {}
        for name in table:
            self._known((*path, name), name)
            word = self.word(path, table, name, [mode.value for mode in Mode])
            if word is not None:
                made[name] = Mode(word)
        return made

    def _known(self, path: Path, name: str) -> None:
        if name not in self.connections:
            hint = did_you_mean(name, self.connections, f"there are {', '.join(self.connections) or 'none'}")
            self.note(path, f"there is no connection {name}: {hint}")


def _filled(event: Event, text: str) -> Event:
    """Return an event with a text of `each` in its message."""
    activity = event.activity
    if activity is None:
        return event
    filled = activity.text.replace(_EACH, text), activity.reply_text.replace(_EACH, text)
    return replace(event, activity=altered(activity, text=filled[0], reply_text=filled[1]))
