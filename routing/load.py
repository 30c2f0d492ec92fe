"""`escalation.toml` → `Policy`. Strict: every mistake is told at once, each with its line and column."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.model import Mode, Priority
from gateway.toml import Problems, TomlDocument, did_you_mean, nearest, read_toml
from routing import schema
from routing.beside import Beside, kept, with_files
from routing.calendar import Calendar
from routing.compiling import Condition, Matchable, compile_rules, fields_of, needs_text
from routing.expression import ExpressionError, parse
from routing.including import line_in, placed
from routing.lexicons import read_lexicons
from routing.load_calendar import read_calendar
from routing.load_customer import read_customer
from routing.load_incident import check_inhibited, match_incidents, read_incidents
from routing.load_ladder import read_ladder
from routing.load_notices import read_playbook, read_suspend, read_templates
from routing.load_passing import read_by_steps
from routing.load_people import read_people
from routing.load_phrases import read_phrases
from routing.load_precautions import match_sensitive, read_mutes, read_sensitivities
from routing.load_reply import read_buttons, read_reply
from routing.load_risk import read_risk
from routing.load_severity import read_levels, read_severity
from routing.load_sla import clock_rules, match_slas, read_slas
from routing.people import NOBODY, People
from routing.phrases import PhraseBook, PhraseList
from routing.policy import Act, ConnectionFacts, EscalationType, Incident, Policy, Rule, Settings, Sla
from routing.precautions import Mute, Sensitivity
from routing.reader import NAME, Path, Reader


def load_policy(
    text: str, file: str, connections: Mapping[str, ConnectionFacts], *, beside: Beside | None = None
) -> Policy:
    """Read a policy. Raises `Problems` with everything that is wrong.

    `beside` gives the files that it names; without it, the ones that a text from the store keeps.
    """
    try:
        document = read_toml(text, file, partial(line_in, text))
        reader = _Reader(document, connections)
        reader.text, reader.beside = text, beside or kept(text)
        policy = reader.policy(text)
        if policy is None or reader.problems:
            raise Problems(reader.problems)
    except Problems as wrong:
        raise Problems(placed(text, each) if each.file == file else each for each in wrong.problems) from None
    return policy


class _Reader(Reader):
    def __init__(self, document: TomlDocument, connections: Mapping[str, ConnectionFacts]) -> None:
        super().__init__(document, connections)
        self.phrases: Mapping[str, PhraseList] = {}
        self.people: People = NOBODY
        #: Their ids, None when one cannot be read.
        self.incidents: frozenset[str] | None = frozenset()

    # --- the whole ---------------------------------------------------------------------------------------------------
    def policy(self, text: str) -> Policy | None:
        values = self.document.values
        self.keys((), values, schema.TOP, "a policy")
        if "include" in values:
            self.note(
                ("include",),
                "what this file includes is not there: it stands beside the file, and this policy was read without",
            )
        self.phrases = read_phrases(self, values.get("phrases", {}))
        lexicons = read_lexicons(self, values.get("lexicon", {}))
        named = self.table(("ladder",), values.get("ladder", {}), "ladder")
        hours = self._calendars(values.get("calendar", {}))
        self.people = read_people(self, values, hours)
        templates = read_templates(self, values.get("template", {}))
        read = {name: read_ladder(self, name, each, hours, self.people, templates) for name, each in named.items()}
        ladders = {name: ladder for name, ladder in read.items() if ladder is not None}
        slas = read_slas(self, values.get("sla", []), hours, self._conditions)
        severity = read_severity(self, values)
        private = read_sensitivities(self, values.get("sensitivity", {}), self._conditions)
        incidents = read_incidents(self, values.get("incident", []), named, self._conditions)
        told = self.ids("incident")
        self.incidents = frozenset(told) if told is not None else None
        given = values.get("rule", [])
        if not isinstance(given, list) or not given:
            self.note(("rule",), "a policy needs rules: write [[rule]] tables, the last one with catch_all = true")
            return None
        known = set(named)
        listed: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
        rules = [self._rule(index, value, known) for index, value in enumerate(listed)]
        self._order(rules)
        mutes = read_mutes(self, values.get("mute", []), self._conditions)
        boost = severity is not None and bool(severity.boost)
        customer = read_customer(self, values.get("customer", {}), rules, slas, (*private, *mutes), boost=boost)
        check_inhibited(self, incidents, rules)
        risk = read_risk(self, values)
        if self.problems:
            return None
        made = tuple(rule for rule in rules if rule is not None)
        matchable = [Matchable(all=rule.all, any=rule.any, goes_on=rule.goes_on) for rule in made]
        asking: list[Rule | Sla | Sensitivity | Mute | Incident] = [*made, *slas, *private, *mutes, *incidents]
        reads = fields_of(condition for each in asking for condition in (*each.all, *each.any))
        reads |= read_by_steps(ladders)
        source = with_files(text, self.files)
        return Policy(
            digest=hashlib.sha256(source.encode()).hexdigest(),
            source=source,
            rules=made,
            by_id={rule.id: rule for rule in (*made, *(each.rule for each in incidents))},
            ladders=ladders,
            calendars={name: calendar for name, calendar in hours.items() if calendar is not None},
            phrases=self.phrases,
            book=PhraseBook(self.phrases),
            match=compile_rules(matchable),
            reads_text=needs_text(reads),
            reads=reads,
            lexicons=lexicons,
            slas=slas,
            match_sla=match_slas(slas),
            clock_rules=(clocked := clock_rules(made)),
            match_clock_rules=compile_rules([matchable[index] for index in clocked]) if clocked else None,
            people=self.people,
            customer=customer,
            severity=severity,
            sensitivities=private,
            match_sensitive=match_sensitive(private),
            mutes=mutes,
            risk=risk,
            incidents={each.id: each for each in incidents},
            match_incidents=match_incidents(incidents),
        )

    def _calendars(self, value: object) -> dict[str, Calendar | None]:
        """Return the calendars by name; None where one has mistakes, so that who refers to it makes none."""
        made: dict[str, Calendar | None] = {}
        for name, given in self.table(("calendar",), value, "calendar").items():
            self.name(("calendar", name), name)
            made[name] = read_calendar(self, name, given)
        return made

    def _order(self, rules: list[Rule | None]) -> None:
        seen: dict[str, int] = {}
        last = len(rules) - 1
        for index, rule in enumerate(rules):
            if rule is None:
                continue
            if rule.id in seen:
                line = self.line("rule", seen[rule.id])
                self.note(("rule", index, "id"), f"rule {rule.id} stands twice: it is also in line {line}", value=True)
            seen.setdefault(rule.id, index)
            if rule.catch_all and index != last:
                self.note(
                    ("rule", index), f"{rule.id} catches all, so the rules after it never match: move it to the end"
                )
        final = rules[last]
        if final is not None and not final.catch_all:
            self.note(
                ("rule", last),
                "the last rule must catch all that no other rule matched: add one with catch_all = true and what to do then",
            )

    # --- rules -------------------------------------------------------------------------------------------------------
    def _rule(self, index: int, value: object, ladders: set[str]) -> Rule | None:
        path = ("rule", index)
        before = len(self.problems)
        table = self.table(path, value, "a rule")
        if len(self.problems) > before:
            return None
        self.keys(path, table, schema.RULE, "a rule")
        rule_id = self.string(path, table, "id")
        if not NAME.fullmatch(rule_id) and (isinstance(table.get("id"), str) or self.lacks(path, table, "id")):
            self.note((*path, "id"), "a rule needs an id of small letters, digits, - and _ (at most 64)")
        named = f"rule {rule_id}" if rule_id else "this rule"
        act = self.word(path, table, "do", [a.value for a in Act])
        if "do" not in table and self.lacks(path, table, "do"):
            self.note(path, f'{named} does not say what to do: do = "escalate", "mirror" or "none"')
        kind = self.word(path, table, "type", [t.value for t in EscalationType])
        mode = self.word(path, table, "mode", [m.value for m in Mode]) or Mode.LIVE.value
        conditions = self._when(path, table, named)
        target = self._target(path, table, act, named)
        ladder = self._named_ladder(path, table, act, named, ladders)
        reply, buttons = read_reply(self, path, table, act), read_buttons(self, path, table)
        settings = self._set(path, table)
        suspend, playbook = read_suspend(self, path, table, act), read_playbook(self, path, table)
        if len(self.problems) > before or act is None:
            return None
        return Rule(
            id=rule_id,
            type=EscalationType(kind) if kind else None,
            act=Act(act),
            all=conditions[0],
            any=conditions[1],
            catch_all=bool(table.get("catch_all")),
            # A rule that is tried out must not hide the rules below it.
            goes_on=bool(table.get("continue")) or mode == Mode.OBSERVE.value,
            mode=Mode(mode),
            set=settings,
            target=target,
            ladder=ladder,
            reply=reply,
            buttons=buttons,
            suspend=suspend,
            playbook=playbook,
        )

    def _when(
        self, path: Path, table: Mapping[str, Any], named: str
    ) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
        for key in ("catch_all", "continue"):
            if key in table and not isinstance(table[key], bool):
                self.note((*path, key), f"{key} must be true or false", value=True)
        when = self.table((*path, "when"), table.get("when", {}), "when")
        made = self._conditions((*path, "when"), when)
        catch_all = table.get("catch_all") is True
        empty = not any(when.get(key) for key in ("all", "any"))
        if catch_all and not empty:
            self.note((*path, "when"), "a rule that catches all has no conditions: remove `when` or `catch_all`")
        told = not self.lacks((*path, "when"), when, "all", "any") or not self.lacks(path, {}, "when", "catch_all")
        if not catch_all and empty and not told:
            self.note(path, f"{named} has no conditions: write when.all or when.any, or catch_all = true")
        if catch_all and table.get("continue"):
            self.note(
                (*path, "continue"), "the rule that catches all is the last one: there is nothing to continue with"
            )
        return made

    def _conditions(self, path: Path, when: Mapping[str, Any]) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
        self.keys(path, when, schema.WHEN, "when")
        made = {
            key: tuple(
                condition
                for number, text in enumerate(self.strings((*path, key), when[key], f"when.{key}"))
                if (condition := self._condition((*path, key, number), text)) is not None
            )
            for key in ("all", "any")
            if key in when
        }
        return made.get("all", ()), made.get("any", ())

    def _condition(self, path: Path, text: str) -> Condition | None:
        people = self.people
        sets = {
            "message.phrases": frozenset(self.phrases),
            "authority.action": frozenset(people.actions),
            "actor.agent": frozenset(people.agents),
            "actor.skills": frozenset(people.skills),
            "needed.skill": frozenset(people.skills),
        } | ({"incident.id": self.incidents} if self.incidents is not None else {})
        try:
            return Condition(source=text, node=parse(text, nearest=nearest, sets=sets))
        except ExpressionError as error:
            self.note(path, error.sentence, value=True, offset=error.offset + 1)
            return None

    def _target(self, path: Path, table: Mapping[str, Any], act: str | None, named: str) -> str:
        target = self.string(path, table, "target")
        if act != Act.MIRROR:
            if act is not None and "target" in table:
                self.note(
                    (*path, "target"),
                    'only a rule with do = "mirror" has a target; a ladder says where it escalates to',
                )
            return ""
        if not target:
            if self.lacks(path, table, "target"):
                self.note(path, f'{named} mirrors: say where to, target = "NAME OF A HELPDESK CONNECTION"')
            return ""
        self.connection((*path, "target"), target, "handoff", 0)
        return target

    def _named_ladder(
        self, path: Path, table: Mapping[str, Any], act: str | None, named: str, ladders: set[str]
    ) -> str:
        name = self.string(path, table, "ladder")
        if act != Act.ESCALATE:
            if act is not None and "ladder" in table:
                self.note((*path, "ladder"), 'only a rule with do = "escalate" has a ladder')
            return ""
        if not name:
            if self.lacks(path, table, "ladder"):
                self.note(path, f'{named} escalates: say to whom, ladder = "NAME OF A LADDER"')
        elif name not in ladders:
            hint = did_you_mean(name, ladders, f"there are {', '.join(sorted(ladders)) or 'none yet'}")
            self.note((*path, "ladder"), f"there is no ladder {name}: {hint}", value=True)
        return name

    def _set(self, path: Path, table: Mapping[str, Any]) -> Settings:
        here = (*path, "set")
        given = self.table(here, table.get("set", {}), "set")
        self.keys(here, given, schema.SET, "set")
        priority = self.word(here, given, "priority", [p.value for p in Priority])
        fields = self.table((*here, "fields"), given.get("fields", {}), "set.fields")
        for name, value in fields.items():
            if not isinstance(value, str):
                self.note(
                    (*here, "fields", name), f"the field {name} must be set to text in quotation marks", value=True
                )
        return Settings(
            priority=Priority(priority) if priority else None,
            group=self.string(here, given, "group"),
            tags=self.strings((*here, "tags"), given.get("tags", []), "set.tags"),
            fields={name: str(value) for name, value in fields.items()},
            reason=self.string(here, given, "reason"),
            **read_levels(self, here, given, matrix="severity" in self.document.values),
        )
