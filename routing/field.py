"""What a field of conditions is: its kind, where its value comes from, and what it may be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of value a field has, which decides what it may be compared with."""

    WORD = "a word"
    TEXT = "text"
    NUMBER = "a number"
    DURATION = "a duration"
    FLAG = "true or false"
    SET = "a set of words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of conditions."""

    #: What sort of value it has.
    kind: Kind
    #: Python over `case`, `activity`, `now`, `book`, `text` and `signals`: how the generated code reads it. Never user text.
    source: str
    #: One line for the documentation.
    about: str
    #: The only words it can be, or contain; None when any.
    words: frozenset[str] | None = None
    #: True when it may be missing: then every comparison with it is false.
    nullable: bool = False
    #: True when it costs time to know: it is read where a condition gets to it, and not before.
    lazy: bool = False
    #: True when it does not mind the case: its words, and those that it is compared with, are the same in small letters.
    folded: bool = False
