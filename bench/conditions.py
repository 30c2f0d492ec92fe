"""Random conditions over a case and what happened, written in each language that is measured.

The rules are what a desk would write: two to four comparisons, every third rule with alternatives, about one in seven matching.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model import Activity, ActivityKind, Attachment, Case, Channel, Evidence, Party, Priority, Role

_HOUR: Final = 3_600_000_000
NOW: Final = 1_793_606_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A field as each side reads it."""

    #: Its name in a policy.
    name: str
    #: How a person would write it in Python, over `case`, `activity` and `now`.
    python: str
    #: Its words, for a word or a set of words.
    words: tuple[str, ...] = ()
    #: Numbers it is compared with.
    numbers: tuple[int, ...] = ()
    #: True for a set of words.
    many: bool = False
    #: True when it may be missing.
    nullable: bool = False
    #: Unit of its numbers in a policy: ``h`` for a duration in hours.
    unit: str = ""

    @property
    def plain(self) -> str:
        """Return its name in languages that know no dots."""
        return self.name.replace(".", "_")


KNOWN: Final = (
    Known(name="channel", python="activity.channel", words=tuple(Channel), nullable=True),
    Known(
        name="sender.role", python="activity.sender.role", words=("customer", "agent", "bot", "system"), nullable=True
    ),
    Known(name="case.channel", python="case.channel", words=tuple(Channel), nullable=True),
    Known(name="case.status", python="case.status", words=("open", "resolved")),
    Known(name="case.priority", python="case.priority", words=tuple(Priority), nullable=True),
    Known(name="case.tags", python="case.tags", words=("vip", "billing", "stuck", "legal", "outage"), many=True),
    Known(name="case.customer_messages", python="case.customer_messages", numbers=(1, 2, 3, 6, 10, 20)),
    Known(name="case.agent_messages", python="case.agent_messages", numbers=(0, 1, 2, 5)),
    Known(name="case.bot_turns", python="case.bot_turns", numbers=(0, 2, 5, 10)),
    Known(name="case.bot_fallbacks", python="case.bot_fallbacks", numbers=(0, 1, 2, 3)),
    Known(name="case.reopened", python="case.reopened", numbers=(0, 1, 2)),
    Known(name="case.repeated_question", python="case.repeated_question", numbers=(0, 1, 2)),
    Known(name="case.age", python="(now - case.opened_at)", numbers=(1, 4, 8, 24, 48), unit="h"),
    Known(name="message.length", python="len(activity.reply_text)", numbers=(20, 80, 200, 500)),
    Known(name="message.attachments", python="len(activity.attachments)", numbers=(0, 1, 3)),
    Known(name="message.language", python="activity.language", words=("en", "de", "fr", "es"), nullable=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison."""

    field: Known
    operator: str
    value: Any

    def policy(self) -> str:
        """Return it as a policy has it."""
        if self.field.many:
            return f"{self.field.name} contains {self.value!r}"
        if isinstance(self.value, tuple):
            return f"{self.field.name} in [{', '.join(map(repr, self.value))}]"
        literal = f"{self.value}{self.field.unit}" if self.field.numbers else repr(self.value)
        return f"{self.field.name} {self.operator} {literal}"

    def python(self) -> str:
        """Return it as a person would write it in Python."""
        if self.field.many:
            return f"{self.value!r} in {self.field.python}"
        value = self.value * _HOUR if self.field.unit else self.value
        there = self.field.python.rpartition(".")[0] if self.field.name == "sender.role" else self.field.python
        guard = f"{there} is not None and " if self.field.nullable else ""
        return f"{guard}{self.field.python} {self.operator} {value!r}"

    def flat(self) -> str:
        """Return it in the infix that several libraries share, over flat names without dots."""
        if self.field.many:
            return f"{self.value!r} in {self.field.plain}"
        if isinstance(self.value, tuple):
            return f"{self.field.plain} in [{', '.join(map(repr, self.value))}]"
        return f"{self.field.plain} {self.operator} {self.value!r}"

    def json(self) -> Any:
        """Return it as JSONLogic."""
        variable = {"var": self.field.plain}
        if self.field.many:
            return {"in": [self.value, variable]}
        if isinstance(self.value, tuple):
            return {"in": [variable, list(self.value)]}
        return {self.operator: [variable, self.value]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A rule: all of `all` and, unless empty, one of `any`."""

    all: tuple[Test, ...]
    any: tuple[Test, ...]


def rules(count: int, *, seed: int = 1) -> list[Written]:
    """Return random rules."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        every = tuple(_test(chance) for _ in range(chance.choice((2, 2, 3, 4))))
        made.append(Written(all=every, any=tuple(_test(chance) for _ in range(2)) if chance.random() < 0.3 else ()))
    return made


def _test(chance: random.Random) -> Test:
    field = chance.choice(KNOWN)
    if field.many:
        return Test(field=field, operator="contains", value=str(chance.choice(field.words)))
    if field.words and len(field.words) > 2 and chance.random() < 0.4:
        return Test(field=field, operator="in", value=tuple(str(each) for each in chance.sample(field.words, 2)))
    if field.words:
        return Test(field=field, operator="==", value=str(chance.choice(field.words)))
    return Test(field=field, operator=chance.choice(("<", "<=", ">", ">=", "==")), value=chance.choice(field.numbers))


def situations(count: int, *, seed: int = 2) -> list[tuple[Case, Activity]]:
    """Return random cases, each with something that happened."""
    chance = random.Random(seed)
    return [_situation(chance, number) for number in range(count)]


def _situation(chance: random.Random, number: int) -> tuple[Case, Activity]:
    role = chance.choice((Role.CUSTOMER, Role.AGENT, Role.BOT, None))
    case = Case(
        id=f"case-{number}",
        channel=chance.choice((*Channel, None)),
        priority=chance.choice((*Priority, None)),
        tags=tuple(word for word in ("vip", "billing", "stuck", "legal", "outage") if chance.random() < 0.2),
        opened_at=NOW - chance.randrange(72) * _HOUR,
        customer_messages=chance.randrange(12),
        agent_messages=chance.randrange(4),
        bot_turns=chance.randrange(8),
        bot_fallbacks=chance.randrange(4),
        reopened=chance.randrange(3),
        repeated_question=chance.randrange(3),
    )
    files = tuple(
        Attachment(id=str(each), name="a.png", media_type="image/png") for each in range(chance.choice((0, 0, 1, 4)))
    )
    activity = Activity(
        kind=ActivityKind.MESSAGE,
        connection="support",
        thread="t",
        dedupe=str(number),
        occurred_at=NOW,
        received_at=NOW,
        channel=chance.choice((*Channel, None)),
        sender=None
        if role is None
        else Party(kind="email", value="a@example.com", role=role, evidence=Evidence.CLAIMED),
        reply_text="x" * chance.choice((5, 50, 100, 300, 800)),
        attachments=files,
        language=chance.choice(("en", "de", "fr", "")),
    )
    return case, activity


def flat_context(case: Case, activity: Activity) -> dict[str, Any]:
    """Return a situation as the libraries need it: plain values under flat names. To make it is part of every evaluation."""
    return {
        "channel": activity.channel and str(activity.channel),
        "sender_role": activity.sender and str(activity.sender.role),
        "case_channel": case.channel and str(case.channel),
        "case_status": str(case.status),
        "case_priority": case.priority and str(case.priority),
        "case_tags": list(case.tags),
        "case_customer_messages": case.customer_messages,
        "case_agent_messages": case.agent_messages,
        "case_bot_turns": case.bot_turns,
        "case_bot_fallbacks": case.bot_fallbacks,
        "case_reopened": case.reopened,
        "case_repeated_question": case.repeated_question,
        "case_age": (NOW - case.opened_at) // _HOUR,
        "message_length": len(activity.reply_text),
        "message_attachments": len(activity.attachments),
        "message_language": activity.language or None,
    }


def policy_text(written: Sequence[Written]) -> str:
    """Return the rules as a policy, each of which goes on to the next: so all are looked at."""
    lines: list[str] = []
    for number, rule in enumerate(written):
        lines += ["[[rule]]", f'id = "r{number}"', "continue = true", 'do = "none"']
        lines.append(f"when.all = [{', '.join(_quoted(each.policy()) for each in rule.all)}]")
        if rule.any:
            lines.append(f"when.any = [{', '.join(_quoted(each.policy()) for each in rule.any)}]")
    return "\n".join([*lines, "[[rule]]", 'id = "else"', "catch_all = true", 'do = "none"', ""])


def _quoted(text: str) -> str:
    return f'"{text}"'


def joined(rule: Written, *, word: str, either: str, render: Callable[[Test], str]) -> str:
    """Return a rule in an infix language."""
    parts = [f"({render(each)})" for each in rule.all]
    if rule.any:
        parts.append("(" + f" {either} ".join(f"({render(each)})" for each in rule.any) + ")")
    return f" {word} ".join(parts)
