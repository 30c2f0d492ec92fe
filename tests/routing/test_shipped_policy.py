"""The shipped `escalation.toml`: it fits the shipped `plugins.toml`, and every rule of it fires when it should."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from gateway.cli.configuration import installed
from gateway.loading import Setup, load_setup
from gateway.model import (
    Activity,
    ActivityKind,
    CallChange,
    Case,
    Channel,
    EffectKind,
    Mode,
    PhoneCall,
    Priority,
    Profile,
    Role,
    TicketChange,
    altered,
)
from normalizers import normalize
from routing.decide import decide
from routing.policy import Act, Policy
from routing.signals.attempts import fingerprint
from routing.snapshot import Snapshot
from tests.routing.values import (
    AGENT,
    BOT,
    CUSTOMER,
    MINUTE,
    NOW,
    answer,
    case,
    message,
    pressed,
    snapshot,
    ticket,
    timer,
)

ROOT: Final = Path(__file__).resolve().parents[2]
#: Everything that the shipped file reads from the environment, with a value of the right form.
ENVIRON: Final = {
    "SLACK_SIGNING_SECRET": "s" * 32,
    "SLACK_BOT_TOKEN": "xoxb-1-2-3",
    "SLACK_BOT_USER_ID": "UBATON",
    "ZENDESK_SUBDOMAIN": "acme",
    "ZENDESK_EMAIL": "baton@acme.example",
    "ZENDESK_USER_ID": "1",
    "ZENDESK_API_TOKEN": "t" * 40,
    "ZENDESK_WEBHOOK_SECRET": "w" * 32,
}


def setup() -> Setup:
    return load_setup(ROOT / "plugins.toml", specs=installed(), environ=ENVIRON)


SETUP: Final = setup()
POLICY: Final[Policy] = SETUP.policy


def overdue(owed: int, **changes: object) -> tuple[Case, Activity]:
    """Return a case whose customer waits for so long, and the clock that says so."""
    asked = NOW - owed
    begun = decide(
        snapshot(POLICY, case=case(**changes)), message("hello", received_at=asked, connection="zendesk"), asked
    )
    (breach,) = [each for each in begun.timers if each.due_at == NOW]
    return begun.case, timer(breach.name)


def called(change: CallChange, text: str = "") -> Activity:
    """Return something in a call, as the normalizer makes it."""
    event = PhoneCall(
        thread="CA1", dedupe="e1", occurred_at=NOW, sender=CUSTOMER, call_id="CA1", change=change, text=text
    )
    return normalize(event, connection="support-slack", channel=Channel.PHONE, received_at=NOW)


MANY: Final = case(customer_messages=5)
#: Rule → what fires it: words of a customer, or a case and an activity. A rule without a line here fails.
EXAMPLES: Final[dict[str, list[str | tuple[Case, Activity] | tuple[Case, Activity, Profile]]]] = {
    "distress": ["I want to kill myself", "ich will nicht mehr leben", "Je veux mourir"],
    "legal-threat": [
        "I will call my lawyer!",
        "This ends in court: I'll sue you.",
        "I file a complaint with the data\nprotection authority",
        "You will hear from my lawyer.",
        "I'll report you to consumer protection",
    ],
    "wants-manager": ["Let me speak to a manager.", "GET ME YOUR SUPERVISOR", "Ich will den Chef sprechen"],
    "disputed-charge": ["I was charged twice", "Double-charged again", "that is a chargeback"],
    "service-down": ["Your site is down", "I can\u2019t log in", "I can't log in", "We get error 503 everywhere"],
    "vip": [
        (case(), message("hello"), Profile(values={"tags": ["early", "VIP"]}, read_at=NOW)),
        (case(), message("can I talk to a human?"), Profile(values={"tier": "Gold"}, read_at=NOW)),
    ],
    "wants-person": [
        "can I talk to a human?",
        "REPRESENTATIVE!!!",
        "give me a real  person",
        "quiero hablar con una persona",
        "/agent",
        (case(), pressed("talk_to_agent")),
        (case(), message("live agent", connection="zendesk", channel=Channel.HELPDESK)),
    ],
    "bot-gives-up": [
        (case(), altered(message("I cannot help with this", sender=BOT), kind=ActivityKind.HANDOFF_REQUEST)),
        (case(), altered(message(""), kind=ActivityKind.HANDOFF_REQUEST)),
    ],
    "call-back": [
        (case(), pressed("call_me_back")),
        (case(), called(CallChange.CALLBACK, text="Please call me back: +4930123456")),
    ],
    "voicemail": [
        (case(), called(CallChange.VOICEMAIL)),
    ],
    "agent-asks": [(case(), ticket(TicketChange.TAGS, tags=("vip", "escalate"), connection="zendesk"))],
    "many-messages": [(MANY, message("still nothing"))],
    "in-circles": [
        (case(bot_fallbacks=2), message("hm, and now?")),
        (case(reopened=2), message("it is broken again")),
        (
            case(asked=tuple(fingerprint(text) for text in ("where is parcel 4711", "parcel 4711, where?"))),
            message("and where is parcel 4711"),
        ),
    ],
    "no-answer-in-time": [overdue(2 * 60 * MINUTE), overdue(60 * MINUTE, priority=Priority.P1)],
    "offer-person": [(case(bot_turns=1, customer_messages=1), message("I have tried that"))],
    "keep-chats": ["hello", "my parcel is late", (case(customer_messages=4), message("hello?"))],
    "everything-else": [
        (case(channel=Channel.HELPDESK), message("hello", connection="zendesk", channel=Channel.HELPDESK)),
        (case(), ticket(TicketChange.TAGS, tags=("vip",), connection="zendesk")),
    ],
}
#: What sounds like a rule's words and is not: none of these escalates.
CALM: Final = (
    "the countdown is downloading",
    "I manage your orders",
    "a surreal personality",
    "my lawyers' fees are paid",
    "Who is your data protection officer?",
    "Could I have the e-mail address of your data protection officer?",
    "My lawyer recommended you!",
    "My lawyer has an account with you, too",
    "Is my order covered by consumer protection?",
    "Do you take legal action when somebody sells copies?",
    "I am the data protection officer of my company, where is your contract for processors?",
    "I won't report you to anybody",
    "You will not hear from my lawyer, it is settled",
    "it broke down",
    "agent_smith is my user name",
    "I do not want to talk to an agent",
    "are you a human?",
    "I spoke to your manager yesterday, thanks",
    "outages",
    "I am not going to sue you, relax",
    "I was not charged twice, thanks for checking",
    "I have no chargeback, just a question",
    "There was an outage yesterday, all fine now",
    "The price is down, can I get the difference?",
    "The elevator is down the hall",
    "",
)


def at(what: str | tuple[Case, Activity] | tuple[Case, Activity, Profile]) -> tuple[Snapshot, Activity]:
    of, happened, *known = what if isinstance(what, tuple) else (case(), message(what))
    rename = {"chat": "support-slack", "desk": "zendesk"}
    of = altered(of, connection="support-slack")
    happened = altered(happened, connection=rename.get(happened.connection, happened.connection))
    live = {name: replace(facts, mode=Mode.LIVE) for name, facts in SETUP.facts.items()}
    return snapshot(POLICY, case=of, connections=live, profile=known[0] if known else None), happened


def test_the_shipped_files_fit_each_other() -> None:
    assert {name: facts.mode for name, facts in SETUP.facts.items()} == {
        "support-slack": Mode.OBSERVE,
        "zendesk": Mode.OBSERVE,
    }
    assert SETUP.faults == ()
    assert POLICY.source == (ROOT / "escalation.toml").read_text()


def test_every_rule_has_an_example() -> None:
    assert list(EXAMPLES) == [rule.id for rule in POLICY.rules]


@pytest.mark.parametrize(("rule", "number"), [(rule, n) for rule, each in EXAMPLES.items() for n in range(len(each))])
def test_every_example_fires_its_rule_and_no_other(rule: str, number: int) -> None:
    start, what = at(EXAMPLES[rule][number])
    made = decide(start, what, NOW)
    assert [step.rule for step in made.trace.steps] == [rule]
    assert (made.episode is not None) == (POLICY.by_id[rule].act is Act.ESCALATE)
    handed = [effect.connection for effect in made.effects if effect.kind is EffectKind.HANDOFF]
    assert handed == ([] if POLICY.by_id[rule].act is Act.NONE else ["zendesk"])


@pytest.mark.parametrize("phrase", [phrase.text for each in POLICY.phrases.values() for phrase in each.phrases])
def test_every_phrase_of_the_shipped_lists_escalates(phrase: str) -> None:
    start, what = at(f"Hello, {phrase.upper()}, please.")
    assert decide(start, what, NOW).trace.result == "escalate"


@pytest.mark.parametrize("words", CALM)
def test_calm_words_escalate_nothing(words: str) -> None:
    start, what = at(words)
    assert decide(start, what, NOW).trace.result == "mirror"


@pytest.mark.parametrize("who", [AGENT, BOT, altered(CUSTOMER, role=Role.SYSTEM)])
def test_what_agents_and_machines_say_escalates_nothing(who: object) -> None:
    for each in POLICY.phrases.values():
        start, what = at((case(), answer(each.phrases[0].text, sender=who)))
        assert decide(start, what, NOW).episode is None


def test_an_agent_who_answered_ends_the_counting_of_messages() -> None:
    start, what = at((altered(MANY, agent_messages=1), message("still nothing")))
    assert decide(start, what, NOW).trace.result == "mirror"


def test_every_ladder_of_the_shipped_policy_is_climbed_and_every_phrase_list_used() -> None:
    assert {rule.ladder for rule in POLICY.rules} - {""} == set(POLICY.ladders)
    text = (ROOT / "escalation.toml").read_text()
    assert set(re.findall(r"message\.phrases contains '([a-z_]+)'", text)) == set(tomllib.loads(text)["phrases"])
