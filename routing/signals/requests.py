"""Who asks for a person or a manager: by words, button, digit or command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.model import Activity, ActivityKind, Channel
from routing.signals.grammar import Found, clauses
from routing.signals.words import de, en, es, fr, it, nl, pt

#: The grammars, in the order in which they are asked. All are asked: a language that was told wrongly must not hide a request.
GRAMMARS: Final = (en.GRAMMAR, de.GRAMMAR, fr.GRAMMAR, es.GRAMMAR, it.GRAMMAR, pt.GRAMMAR, nl.GRAMMAR)
LANGUAGES: Final = tuple(grammar.language for grammar in GRAMMARS)
#: Clauses up to which a single word is all that was said, greeting and name included.
_FEW: Final = 4
_COMMAND: Final = re.compile(
    r"\s*[/!#](?:human|agent|person|operator|representative|support|live|handoff)\s*[.!]?\s*", re.IGNORECASE
)
_MANAGER_COMMAND: Final = re.compile(r"\s*[/!#](?:manager|supervisor)\s*[.!]?\s*", re.IGNORECASE)
#: The digit for the operator, as telephones have it.
_DIGIT: Final = re.compile(r"\s*[#*]?0[#*]?\s*")
_BUTTON: Final = re.compile(
    r"(?:talk|speak|chat|connect|escalate|transfer|handoff|handover|switch|request|get)(?:_(?:to|with))?(?:_(?:a|an|live|real|human))*"
    r"_(?:human|agent|person|operator|representative|someone|support)|(?:human|live)_agent|human|agent|operator|handoff|handover"
)
_MANAGER_BUTTON: Final = re.compile(r"(?:(?:talk|speak|escalate|connect)_(?:to|with)_(?:a_)?)?(?:manager|supervisor)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What an activity asks for; each with its evidence, empty when it does not."""

    #: A person, or a manager, who is one.
    person: tuple[str, ...] = ()
    #: Somebody who decides.
    manager: tuple[str, ...] = ()


def requests_of(activity: Activity) -> Requests:
    """Return what somebody asks for with a message, a button or a digit."""
    if activity.kind is ActivityKind.BUTTON:
        return _pressed(activity)
    if activity.call is not None and _DIGIT.fullmatch(activity.call.digits):
        return Requests(person=("digit 0",))
    if activity.kind is not ActivityKind.MESSAGE:
        return Requests()
    if activity.channel is Channel.PHONE and _DIGIT.fullmatch(activity.reply_text):
        return Requests(person=("digit 0",))
    return requests_in(activity.reply_text)


def _pressed(activity: Activity) -> Requests:
    if activity.button is None:
        return Requests()
    for word in (activity.button.action, activity.button.value):
        name = word.casefold().replace("-", "_").replace(" ", "_")
        if _MANAGER_BUTTON.fullmatch(name):
            evidence = (f"button {name}",)
            return Requests(person=evidence, manager=evidence)
        if _BUTTON.fullmatch(name):
            return Requests(person=(f"button {name}",))
    return requests_in(activity.reply_text or activity.text)


def requests_in(text: str) -> Requests:
    """Return what a text asks for."""
    if _DIGIT.fullmatch(text[:20]) and len(text) < 20:  # noqa: PLR2004 (a digit and blanks)
        return Requests(person=("digit 0",))
    if len(text) < 40 and (_COMMAND.fullmatch(text) or _MANAGER_COMMAND.fullmatch(text)):  # noqa: PLR2004 (a command and blanks)
        evidence = (f"command {text.strip().casefold()}",)
        return Requests(person=evidence, manager=evidence if _MANAGER_COMMAND.fullmatch(text) else ())
    parts = clauses(text)
    alone = len(parts) <= _FEW
    person: Found | None = None
    manager: Found | None = None
    for part in parts:
        for grammar in GRAMMARS:
            manager = manager or grammar.wants_manager(part, alone=alone)
            person = person or grammar.wants_person(part, alone=alone)
        if manager is not None:
            break
    found = tuple(f"{each.language}: {each.words}" for each in (person or manager,) if each is not None)
    return Requests(person=found, manager=(f"{manager.language}: {manager.words}",) if manager is not None else ())
