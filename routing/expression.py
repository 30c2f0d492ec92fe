"""Conditions: one-line infix expressions, read into a small tree. Every mistake has its place in the line.

    comparison   field == 'word'   field != 5   field < 30m   field in ['a', 'b']   field not in [...]   field contains 'words'
    together     and   or   not   ( )
    values       'word'   "word"   12   1.5   30s 15m 2h 1d   true   false

`=` means the same as `==`. A comparison with a field that has no value is false, whatever the comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.slips import duration_meant, number_meant
from routing.fields import FIELDS, Field, Kind
from routing.phrases import canonical

#: Expressions nested deeper than this are refused: nobody can read them.
DEEPEST: Final = 20
#: Characters of a number: Python refuses very long ones, or makes them infinite.
_LONGEST_NUMBER: Final = 15
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MICRO: Final = 1_000_000
_TOKENS: Final = re.compile(
    r"\s*(?:(?P<string>'[^']*'|\"[^\"]*\")|(?P<duration>\d+(?:\.\d+)?[smhd]\b)|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*)|(?P<sign><=|>=|!=|==|[=<>()\[\],]))"
)
#: An amount or a duration as people write it: 500EUR, €500, 1.000,50 EUR, -.5, 10k, 1h30m.
_AMOUNT: Final = re.compile(r"[-+]?\s?[€$£]?[\d.,]*\d[\w.,€$£]*(?: (?:[€$£]|[A-Z]{3}\b))?")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_ORDERED: Final = frozenset({"<", "<=", ">", ">="})


class ExpressionError(Exception):
    """A condition that cannot be understood. `offset` is the place in its text, from 0."""

    def __init__(self, sentence: str, offset: int) -> None:
        """Say what is wrong, and where."""
        super().__init__(sentence)
        self.sentence = sentence
        self.offset = offset


Literal: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """A field compared with a value, a list of values or another field."""

    field: str
    operator: str
    value: Literal | tuple[Literal, ...] | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The opposite."""

    inner: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """All of them (`and`) or any of them (`or`)."""

    word: str
    parts: tuple[Node, ...]


Node: TypeAlias = Compare | Not | Several


def comparisons(node: Node) -> Iterator[Compare]:
    """Yield every comparison of a condition, in the order in which they are written."""
    if isinstance(node, Compare):
        yield node
    else:
        for part in (node.inner,) if isinstance(node, Not) else node.parts:
            yield from comparisons(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str
    offset: int


def parse_duration(text: str) -> int | None:
    """Return a duration like ``30m`` in microseconds, None when it is none or has more than six digits."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smhd])", text)
    return None if found is None else round(float(found[1]) * _UNITS[found[2]] * _MICRO)


def _bare(text: str) -> str:
    """Return the sentence for an amount at the beginning of a text, with the number that was meant."""
    found = _AMOUNT.match(text)
    meant = number_meant(found[0].rstrip(".,")) if found is not None else None
    return f"a number has no thousands sign and no unit: write {meant or '1500'}"


def _unreadable(text: str) -> str:
    """Return the sentence for a text whose beginning is no word of a condition."""
    found = _AMOUNT.match(text)
    given = found[0].rstrip(".,") if found is not None else ""
    duration, number = duration_meant(given), number_meant(given)
    if duration:
        return f"{given} is no duration: write {duration}"
    if number and re.match("[-+]?[.]", given):
        return f"{given} is no number: write {number}"
    if number or text[0] in "€$£":
        return _bare(text)
    return f"{text[0]!r} means nothing here"


def parse(
    text: str,
    *,
    nearest: Callable[[str, list[str]], str | None],
    sets: Mapping[str, frozenset[str]],
    fields: Mapping[str, Field] = FIELDS,
) -> Node:
    """Read a condition.

    `nearest` finds what somebody meant; `sets` are the only words that a set field can contain, where that is known; `fields` are
    what it may name. Raises ExpressionError.
    """
    return _Parser(text, nearest, sets, fields).whole()


class _Parser:
    def __init__(
        self,
        text: str,
        nearest: Callable[[str, list[str]], str | None],
        sets: Mapping[str, frozenset[str]],
        fields: Mapping[str, Field],
    ) -> None:
        self.text = text
        self.nearest = nearest
        self.sets = sets
        self.fields = fields
        self.tokens = self._read(text)
        self.at = 0
        self.depth = 0

    @staticmethod
    def _read(text: str) -> list[_Token]:
        tokens: list[_Token] = []
        place = 0
        end = len(text.rstrip())
        while place < end:
            found = _TOKENS.match(text, place)
            if found is None:
                blank = len(text[place:]) - len(text[place:].lstrip())
                raise ExpressionError(_unreadable(text[place + blank :]), place + blank)
            kind = found.lastgroup or ""
            tokens.append(_Token(kind=kind, text=found[kind], offset=found.start(kind)))
            place = found.end()
        tokens.append(_Token(kind="end", text="", offset=len(text)))
        return tokens

    # --- moving ------------------------------------------------------------------------------------------------------
    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def _word(self, word: str) -> bool:
        if self.token.kind in {"name", "sign"} and self.token.text == word:
            self.at += 1
            return True
        return False

    def _expect(self, sign: str, after: str) -> None:
        if not self._word(sign):
            raise ExpressionError(f"{sign!r} is missing after {after}", self.token.offset)

    # --- grammar -----------------------------------------------------------------------------------------------------
    def whole(self) -> Node:
        if self.token.kind == "end":
            raise ExpressionError("the condition is empty", 0)
        node = self._any()
        if self.token.kind != "end":
            raise ExpressionError(
                f"{self.token.text!r} is too much here: join conditions with `and` or `or`", self.token.offset
            )
        return node

    def _any(self) -> Node:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Several(word="or", parts=tuple(parts))

    def _all(self) -> Node:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Several(word="and", parts=tuple(parts))

    def _one(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(f"the condition is nested more than {DEEPEST} deep", self.token.offset)
        try:
            if self._word("not"):
                return Not(inner=self._one())
            if self._word("("):
                node = self._any()
                self._expect(")", "the conditions in parentheses")
                return node
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Node:
        name, field = self._field()
        token = self.token
        if token.kind == "end" or token.text in {"and", "or", ")"}:
            if field.kind is Kind.FLAG:
                return Compare(field=name, operator="==", value=True)
            raise ExpressionError(f"what shall {name} be compared with?", token.offset)
        operator = self._operator()
        if operator in {"in", "not in"}:
            return self._membership(name, field, operator, token.offset)
        if operator == "contains":
            return self._containment(name, field, token.offset)
        if field.kind in {Kind.SET, Kind.TEXT}:
            raise ExpressionError(f"{name} is {field.kind.value}: write `{name} contains '…'`", token.offset)
        if operator in _ORDERED and field.kind not in {Kind.NUMBER, Kind.DURATION}:
            raise ExpressionError(f"{name} is {field.kind.value}, which has no order: use == or in", token.offset)
        return self._right_side(name, field, operator)

    def _field(self) -> tuple[str, Field]:
        token = self.token
        if token.kind != "name" or token.text in {"and", "or", "not", "in", "contains", "true", "false"}:
            what = f"{token.text!r}" if token.text else "the end"
            raise ExpressionError(f"a field is expected before {what}", token.offset)
        field = self.fields.get(token.text)
        if field is None:
            near = self.nearest(token.text, list(self.fields))
            hint = f"did you mean {near}?" if near else f"there are {', '.join(self.fields)}"
            raise ExpressionError(f"there is no field {token.text}: {hint}", token.offset)
        self.at += 1
        return token.text, field

    def _operator(self) -> str:
        token = self.token
        self.at += 1
        if token.text == "not" and self._word("in"):
            return "not in"
        if token.text == "=":
            return "=="
        if token.kind == "sign" and token.text in {"==", "!=", *_ORDERED}:
            return token.text
        if token.text in {"in", "contains"}:
            return token.text
        raise ExpressionError(
            f"{token.text!r} compares nothing: use ==, !=, <, <=, >, >=, in, not in or contains", token.offset
        )

    def _membership(self, name: str, field: Field, operator: str, offset: int) -> Compare:
        if field.kind in {Kind.SET, Kind.TEXT, Kind.FLAG}:
            raise ExpressionError(f"{name} is {field.kind.value} and cannot be in a list", offset)
        self._expect("[", f"`{operator}`")
        values = [self._value(name, field)]
        while self._word(","):
            values.append(self._value(name, field))
        self._expect("]", "the list")
        return Compare(field=name, operator=operator, value=tuple(values))

    def _containment(self, name: str, field: Field, offset: int) -> Compare:
        if field.kind not in {Kind.SET, Kind.TEXT}:
            raise ExpressionError(f"{name} is {field.kind.value} and contains nothing: use ==", offset)
        token = self.token
        if token.kind != "string":
            raise ExpressionError(f"words in quotation marks are expected after `{name} contains`", token.offset)
        self.at += 1
        value = token.text[1:-1]
        if field.kind is Kind.TEXT and canonical(value) == " ":
            raise ExpressionError(
                f"'{value}' has no letters or digits and would be found in every {name}", token.offset
            )
        known = self.sets.get(name, field.words if field.kind is Kind.SET else None)
        if known is not None and value not in known:
            raise ExpressionError(self._unknown_word(name, value, known), token.offset)
        return Compare(field=name, operator="contains", value=value)

    def _right_side(self, name: str, field: Field, operator: str) -> Compare:
        token = self.token
        if token.kind == "name" and token.text not in {"true", "false"}:
            other_name, other = self._field()
            if other.kind is not field.kind:
                raise ExpressionError(
                    f"{name} is {field.kind.value} and {other_name} is {other.kind.value}: they cannot be compared",
                    token.offset,
                )
            return Compare(field=name, operator=operator, other=other_name)
        value = self._value(name, field)
        left = self.token
        unit = left.kind == "name" and left.text not in {"and", "or", "not"}
        if field.kind is Kind.NUMBER and (left.text == "," or unit):
            raise ExpressionError(_bare(self.text[token.offset :]), left.offset)
        return Compare(field=name, operator=operator, value=value)

    def _value(self, name: str, field: Field) -> Literal:
        token = self.token
        self.at += 1
        if field.kind is Kind.WORD and token.kind == "string":
            value = token.text[1:-1]
            words = self.sets.get(name, field.words)
            if words is not None and value not in words:
                raise ExpressionError(self._unknown_word(name, value, words), token.offset)
            return value.casefold() if field.folded else value
        if token.kind in {"number", "duration"} and len(token.text) > _LONGEST_NUMBER:
            raise ExpressionError(f"a number has at most {_LONGEST_NUMBER} characters", token.offset)
        if field.kind is Kind.NUMBER and token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        if field.kind is Kind.DURATION and (duration := parse_duration(token.text)) is not None:
            return duration
        if field.kind is Kind.FLAG and token.text in {"true", "false"}:
            return token.text == "true"
        raise ExpressionError(self._expected(name, field, token), token.offset)

    def _expected(self, name: str, field: Field, token: _Token) -> str:
        """Return the sentence for a value of another kind than the field's, with the value that was meant."""
        said = token.text[1:-1] if token.kind == "string" else ""
        number = said if _NUMBER.fullmatch(said) else number_meant(said)
        if field.kind is Kind.NUMBER and number:
            return f"{name} is a number: write {number} without quotation marks"
        if field.kind is Kind.DURATION:
            duration = said if parse_duration(said) else duration_meant(said)
            if duration:
                return f"{name} is a duration: write {duration} without quotation marks"
            if token.kind == "number":
                after = self.token.text if self.token.kind == "name" else ""
                given = f"{token.text} {after}" if duration_meant(f"{token.text} {after}") else token.text
                bare = token.text.lstrip("-")
                return f"{given} is no duration: write {duration_meant(given) or f'{bare}s, {bare}m or {bare}h'}"
        shape = {
            Kind.WORD: "a word in quotation marks",
            Kind.NUMBER: "a number",
            Kind.DURATION: "a duration like 30m, 2h or 1d",
        }.get(field.kind, field.kind.value)
        return f"{name} is {field.kind.value}: {shape} is expected, not {token.text or 'nothing'}"

    def _unknown_word(self, name: str, value: str, known: frozenset[str]) -> str:
        near = self.nearest(value, sorted(known))
        hint = f"did you mean '{near}'?" if near else f"it can be {', '.join(sorted(known)) or 'nothing yet'}"
        return f"'{value}' is not a value of {name}: {hint}"
