"""What lints find, and the list of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.toml import Problem, TomlDocument, read_toml
from routing.including import line_in, placed
from routing.lint.logic import Alternative, alternatives_of, phrases_within
from routing.policy import ConnectionFacts, Policy, Rule, Sla
from routing.reader import Path

#: Every lint by its name: what it warns of. The documentation is made of this.
LINTS: Final[Mapping[str, str]] = {
    "unreachable-rule": "Rules above take everything that would match it, so it never matches.",
    "shadowed-rule": "A rule above takes one of the ways in which it would match.",
    "never-true": "Its conditions contradict each other.",
    "never-true-part": "One of the ways in which it would match contradicts itself.",
    "never-together": "What happens carries only a part of what its conditions ask for: a ticket has no button.",
    "never-together-part": "One of the ways in which it would match asks for what nothing carries together.",
    "out-of-range": "A comparison never holds, or always does, since its field has no other values.",
    "idle-rule": "It matches and does nothing: nothing is set or answered, and the rules below are looked at anyway.",
    "idle-connection": "It goes to a connection in mode observe, while others are let out: nothing arrives there.",
    "notes-make-no-ticket": "A rule mirrors in mode notes, and notes are written only where a ticket stands already.",
    "unused-ladder": "No rule escalates on it.",
    "unused-calendar": "No ladder, no step, no SLA, no agent and no team names it.",
    "unused-phrases": "No condition asks for it.",
    "unused-lexicon": "No condition asks for message.sentiment or case.sentiment.",
    "unheard-language": "Messages are never told to be in this language: it is not in `languages` of `[cases]`.",
    "unknown-connection": "A condition names a connection that is not switched on.",
    "unused-team": "No step asks it, and no team that is asked falls back on it.",
    "unused-agent": "No step asks them, they manage nobody, and no condition asks who did something.",
    "unused-skill": "No step wants it, and no condition asks for a skill.",
    "unused-authority": "No condition asks for authority.",
    "unlearned-risk": "A condition reads risk.score, and no [risk] has it learned; for one only tried, the live one must.",
    "unused-customer": "No condition asks who the customer is, so nobody is asked about them.",
    "unreachable-sla": "No case has it: its conditions contradict each other, or SLAs above take every case.",
    "no-incident": "A condition asks for incidents or bursts, and there is no `[[incident]]`: nothing is counted.",
    "silent-end": "Nobody is told when a case comes to the end of the ladder.",
    "silent-ladder": "Neither its steps nor its end tell anybody.",
    "two-helpdesks": "Its steps and its end name several helpdesks, and a ticket does not move between them.",
    "too-few-for-acks": "The step wants more acknowledgements of its team than there are people in it.",
    "passed-step": "No case ever stays on the step: what passes it over always holds, or it reaches nobody whom it asks.",
    "idle-preference": "Nobody whom the step may ask knows what it prefers, so it prefers nobody.",
    "overlapping-hours": "Intervals of two days overlap: what stands in one of them is counted once all the same.",
    "duplicate-phrase": "The phrase stands twice, in one list or in two.",
    "covered-phrase": "A shorter phrase of the same list is found wherever it is.",
    "unused-severity": "Impact or urgency is set by no rule and held by no field, so the matrix never says anything.",
    "odd-severity": "More impact or more urgency is less urgent than less of it.",
    "idle-sensitivity": "It marks no case: its conditions contradict each other.",
    "idle-mute": "It holds no notice: its conditions contradict each other.",
    "expired-mute": "It is over, and holds nothing any more.",
    "unused-template": "No step and no end of a ladder names it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is allowed and hardly meant."""

    #: Which lint, by its name in `LINTS`.
    lint: str
    #: Where, and what to do.
    problem: Problem

    def __str__(self) -> str:
        """Return it as compilers print warnings."""
        return f"{self.problem} [{self.lint}]"


class Examined:
    """A policy under examination, and what was found so far."""

    def __init__(
        self,
        policy: Policy,
        file: str,
        connections: Mapping[str, ConnectionFacts],
        languages: Iterable[str],
        *,
        now: int | None = None,
        live: Policy | None = None,
    ) -> None:
        """Take a policy as it was read from a file, its connections, and the languages that messages are told to be in."""
        self.now = now
        #: The policy in force, where this one is only tried beside it.
        self.live = live
        self.policy = policy
        self.connections = connections
        self.languages = tuple(languages)
        self.findings: list[Finding] = []
        #: Whose conditions were told to hold never or always: that they contradict each other follows from it.
        self.decided: set[Path] = set()
        self._document: TomlDocument = read_toml(policy.source, file)
        within = phrases_within(policy.phrases)
        #: The ways in which each rule matches, None where they are too many to be looked at; and in which each SLA applies.
        self.ways: dict[str, tuple[Alternative, ...] | None] = {rule.id: _ways(rule, within) for rule in policy.rules}
        self.of_slas: dict[str, tuple[Alternative, ...] | None] = {sla.id: _ways(sla, within) for sla in policy.slas}

    def note(self, lint: str, path: Path, sentence: str, *, value: bool = False) -> None:
        """Note something at a key, or at its value."""
        place = self._document.value_position(*path) if value else self._document.position(*path)
        problem = Problem(file=self._document.file, line=place[0], column=place[1], sentence=sentence)
        self.findings.append(Finding(lint=lint, problem=placed(self.policy.source, problem)))

    def line(self, *path: str | int) -> str:
        """Return in words in which line a key stands: its number, and the file where there are several."""
        return line_in(self.policy.source, self._document.position(*path)[0])


def _ways(rule: Rule | Sla, within: Mapping[str, frozenset[str]]) -> tuple[Alternative, ...] | None:
    return alternatives_of((each.node for each in rule.all), (each.node for each in rule.any), within)
