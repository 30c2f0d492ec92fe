"""What one customer wrote never goes to another, whatever people forge, merge, part, link and hand on (promise I10).

A model knows who really sits behind each address, number and session. The store knows only what it was told. Whatever is said
carries its author's mark, and each answer that goes out is read by whoever really has the place it goes to.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.model import Activity, CaseStatus, Evidence
from gateway.store import open_store
from gateway.store.ports import Asked, CaseView, ContactView, Identifier
from gateway.store.sqlite import SqliteEngine
from gateway.store.sqlstore import SqlStore
from tests.identity.desk import DAY, HOUR, Desk
from tests.identity.policies import KNOWING

_MARK: Final = re.compile(r"mark-([a-z]+)")
#: Steps of one life, and lives: BATON_HYPOTHESIS=thorough for a long run.
STEPS: Final = 60
LIVES: Final = 400 if os.environ.get("BATON_HYPOTHESIS") == "thorough" else 12


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, with what they really have."""

    name: str
    address: str
    #: False: the domain of the address says nothing about who may write from it.
    dmarc: bool = True


ANN: Final = Person("ann", "ann@example.org")
BOB: Final = Person("bob", "bob@example.org")
CY: Final = Person("cy", "cy@plain.example", dmarc=False)
EVE: Final = Person("eve", "eve@evil.example")
PEOPLE: Final = (ANN, BOB, CY, EVE)
NUMBERS: Final = ("+4917100000001", "+4917100000002", "+4917100000003")

_people: Final = st.sampled_from(PEOPLE)
_customers: Final = st.sampled_from(PEOPLE[:3])
_chance: Final = st.integers(0, 1_000)


class Life(RuleBasedStateMachine):
    """A desk in an unfriendly world."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "baton.db"
        open_store(f"sqlite:///{path}").close()
        # Ids that are the same in every run, so that what is found can be found again.
        store = SqlStore(SqliteEngine(path), entropy=random.Random(1).randbytes)
        self.desk = Desk(store=store, policy=KNOWING, crm=self.crm, deciding=self.knows).open()
        #: Who has a number, and when they were last heard on it.
        self.owner: dict[str, str] = dict(zip(NUMBERS, ("ann", "bob", "cy"), strict=True))
        self.heard: dict[str, int] = {}
        #: Message ids that anybody may have seen.
        self.seen: list[str] = []
        #: Who really is at a place: threads of the web, of calls, of the team. Mail and texts follow from address and number.
        self.place: dict[tuple[str, str], str] = {}
        self.contact_of: dict[str, str] = {}
        #: Links that operators made and have not undone: by their word these are one person.
        self.links: dict[str, str] = {}
        self.read = 0
        #: Cases of which a decision was told whose customer it is, and who it was told, since this was looked at.
        self.known: list[tuple[str, object]] = []
        self.asked = 0

    def teardown(self) -> None:
        assert self.desk.store.accounts().unaccounted == 0
        self.desk.store.close()
        self.directory.cleanup()

    @initialize()
    def begin(self) -> None:
        """Let two customers be in the middle of something."""
        self.write(ANN, urgent=True, answer=0, other=1)
        self.write(BOB, urgent=False, answer=0, other=0)

    def words(self, name: str, *, urgent: bool) -> str:
        return f"mark-{name} {self.desk.number()}{' help' if urgent else ''}"

    def choose(self, things: Iterable[str], chance: int) -> str | None:
        some = list(things)
        return some[chance % len(some)] if some else None

    # --- people ------------------------------------------------------------------------------------------------------
    @rule(who=_people, urgent=st.booleans(), answer=_chance, other=st.integers(0, 3))
    def write(self, who: Person, *, urgent: bool, answer: int, other: int) -> None:
        """Write a mail, perhaps as an answer to any mail there ever was, perhaps to others as well."""
        known = self.choose(self.seen, answer) if answer % 3 else None
        text = self.words(who.name, urgent=urgent)
        self.seen.append(
            self.desk.mail(
                who.address,
                text,
                to=["support@desk.example", *([PEOPLE[other].address] if answer % 2 else [])],
                answers=[known] if known else [],
                dmarc="pass" if who.dmarc else "none",
                subject=f"about {text}",
                name=f"mark-{who.name}",
            )
        )

    @rule(number=st.sampled_from(NUMBERS), urgent=st.booleans())
    def text(self, number: str, *, urgent: bool) -> None:
        who = self.owner[number]
        self.heard[number] = self.desk.now
        self.desk.text_message(number, self.words(who, urgent=urgent), name=f"mark-{who}")

    @rule(number=st.sampled_from(NUMBERS), urgent=st.booleans())
    def call(self, number: str, *, urgent: bool) -> None:
        who = self.owner[number]
        self.heard[number] = self.desk.now
        thread = self.desk.call(number, self.words(who, urgent=urgent), name=f"mark-{who}")
        self.place["phone", thread] = who

    @rule(who=_customers, session=st.integers(0, 1), urgent=st.booleans())
    def sign_in(self, who: Person, session: int, *, urgent: bool) -> None:
        thread = f"web-{who.name}-{session}"
        self.place["web", thread] = who.name
        self.desk.chat(
            thread,
            self.words(who.name, urgent=urgent),
            user=who.name,
            email=who.address,
            verified=True,
            name=f"mark-{who.name}",
        )

    @rule(who=_people, typed=_people, urgent=st.booleans())
    def type_an_address(self, who: Person, typed: Person, *, urgent: bool) -> None:
        thread = f"typed-{who.name}-{typed.name}"
        self.place["web", thread] = who.name
        self.desk.chat(thread, self.words(who.name, urgent=urgent), email=typed.address, name=f"mark-{who.name}")

    @rule(who=_people, thread=st.integers(0, 2), urgent=st.booleans())
    def say(self, who: Person, thread: int, *, urgent: bool) -> None:
        key = f"team-{who.name}-{thread}"
        self.place["team", key] = who.name
        self.desk.team(who.name, key, self.words(who.name, urgent=urgent), name=f"mark-{who.name}")

    # --- forgers -----------------------------------------------------------------------------------------------------
    @rule(victim=_customers, answer=_chance, dmarc=st.sampled_from(["fail", "none"]), urgent=st.booleans())
    def forge_a_mail(self, victim: Person, answer: int, dmarc: str, *, urgent: bool) -> None:
        """Write in somebody's name, with Eve in Cc, as an answer to any mail there ever was."""
        known = self.choose(self.seen, answer)
        text = self.words("eve", urgent=urgent)
        self.seen.append(
            self.desk.mail(
                victim.address,
                text,
                to=["support@desk.example", EVE.address],
                answers=[known] if known and answer % 3 else [],
                message_id=known if known and answer % 5 == 0 else "",
                token=self.choose((each.case_id for each in self.desk.sent), answer) or "" if answer % 7 == 0 else "",
                dmarc=dmarc,
                subject=f"Re: about {text}",
                name="mark-eve",
            )
        )

    @rule(answer=_chance, urgent=st.booleans())
    def pass_a_signature_on(self, answer: int, *, urgent: bool) -> None:
        """Answer a mail of ours that was sent to somebody else, with its signature."""
        mails = [each.effect_id for each in self.desk.sent if each.connection == "mail"]
        signed = self.choose(mails, answer)
        self.desk.mail(EVE.address, self.words("eve", urgent=urgent), signed=signed, name="mark-eve")

    @rule(number=st.sampled_from(NUMBERS), urgent=st.booleans())
    def forge_a_call(self, number: str, *, urgent: bool) -> None:
        thread = self.desk.call(number, self.words("eve", urgent=urgent), evidence=Evidence.CLAIMED, name="mark-eve")
        self.place["phone", thread] = "eve"

    # --- operators ---------------------------------------------------------------------------------------------------
    @rule(one=_chance, two=_chance)
    def merge(self, one: int, two: int) -> None:
        roots = [case.id for case in self.desk.store.cases(1_000) if case.status is not CaseStatus.MERGED]
        case, into = self.choose(roots, one), self.choose(roots, two)
        if case and into and case != into:
            self.desk.store.merge(case, into, "op", self.desk.now)

    @rule(one=_chance)
    def part(self, one: int) -> None:
        merged = [case.id for case in self.desk.store.cases(1_000) if case.status is CaseStatus.MERGED]
        case = self.choose(merged, one)
        if case:
            self.desk.store.unmerge(case, "op", self.desk.now)

    @rule(one=_chance, two=_chance)
    def link(self, one: int, two: int) -> None:
        people = [each.id for each in self.desk.store.contacts(1_000)]
        contact, into = self.choose(people, one), self.choose(people, two)
        if contact and into:
            with suppress(ValueError):
                self.desk.store.link_contacts(contact, into, "op", "", self.desk.now)
                self.links[contact] = into

    @rule(one=_chance)
    def unlink(self, one: int) -> None:
        linked = [member for each in self.desk.store.contacts(1_000) for member, _ in each.links]
        contact = self.choose(linked, one)
        if contact:
            self.desk.store.unlink_contact(contact, "op", "", self.desk.now)
            self.links.pop(contact, None)

    @rule(one=_chance, accept=st.booleans())
    def suggestion(self, one: int, *, accept: bool) -> None:
        found = {str(each.id): each for each in self.desk.store.suggestions()}
        chosen = self.choose(found, one)
        if chosen is None:
            return
        roots = {
            contact: person.id
            for person in self.desk.store.contacts(1_000)
            for contact in (each.contact for each in person.identifiers)
        }
        with suppress(ValueError):
            self.desk.store.decide_suggestion(int(chosen), accept=accept, actor="op", reason="", now=self.desk.now)
            if accept:
                self.links[roots[found[chosen].contact]] = found[chosen].other

    @rule(one=_chance)
    def resolve(self, one: int) -> None:
        self.desk.dispatch()
        able = [
            case.id
            for case in self.desk.store.cases(1_000)
            if case.status is CaseStatus.OPEN
            and any(each.connection == "desk" for each in self.desk.history(case.id).threads)
        ]
        case = self.choose(able, one)
        if case:
            self.desk.resolve(case)

    # --- time --------------------------------------------------------------------------------------------------------
    @rule(time=st.sampled_from([HOUR, 2 * DAY, 10 * DAY, 46 * DAY]))
    def wait(self, time: int) -> None:
        self.desk.dispatch()
        self.desk.pass_time(time)

    @rule(number=st.sampled_from(NUMBERS), who=_customers)
    def hand_a_number_on(self, number: str, who: Person) -> None:
        """Give a number to somebody else, as a network does after it was silent for long."""
        if self.desk.now - self.heard.get(number, -(10**18)) > self.desk.rules.phone_reused_after:
            self.owner[number] = who.name

    @rule()
    def dispatch(self) -> None:
        self.desk.dispatch()

    # --- the CRM -----------------------------------------------------------------------------------------------------
    def crm(self, asked: Asked) -> Mapping[str, object]:
        """Know everybody by their address: the tier is whose that is, so that it shows whom somebody is taken for."""
        person = self.desk.store.contact(asked.contact.id)
        assert person is not None
        proven = {each.party.value for each in person.identifiers if each.proven}
        proven |= {each.address for each in PEOPLE if each.name in proven}
        assert {each.value for each in asked.contact.parties} <= proven, "somebody is asked about by a claim"
        names = [each.name for party in asked.contact.parties for each in PEOPLE if each.address == party.value]
        self.asked += 1
        return {"tier": names[0]} if names else {}

    def knows(self, view: CaseView, activity: Activity) -> None:
        """Note what a decision is told of a customer. Its case may be one that begins in that very transaction."""
        if view.profile is not None and "tier" in view.profile.values:
            self.known.append((view.case.id, view.profile.values["tier"]))

    @invariant()
    def what_a_decision_is_told_of_a_customer_is_known_of_nobody_else(self) -> None:
        people = self.desk.store.contacts(1_000)
        self._learn(people)
        for case, tier in self.known:
            (person,) = [each for each in people if case in each.cases]
            assert any(each.proven for each in person.identifiers), "a claim alone became a known customer"
            names = {self.contact_of[each.contact] for each in person.identifiers}
            assert tier in self._same(min(names)), f"{names} are known as {tier}"
        self.known.clear()

    # --- what must hold ----------------------------------------------------------------------------------------------
    def _learn(self, people: Iterable[ContactView]) -> None:
        """Note who really is behind each new contact."""
        for each in (identifier for person in people for identifier in person.identifiers):
            self.contact_of.setdefault(each.contact, self._behind(each))

    def _behind(self, identifier: Identifier) -> str:
        kind, value = identifier.party.kind, identifier.party.value
        if kind == "email":
            return next(each.name for each in PEOPLE if each.address == value)
        if kind == "phone":
            return self.owner[value] if identifier.proven else "eve"
        return self.place["web", value] if kind == "webchat_visitor" else value

    def _same(self, name: str) -> set[str]:
        """Return everybody who is the same person by an operator's word."""
        found = {name}
        while True:
            edges = [{self.contact_of[one], self.contact_of[two]} for one, two in self.links.items()]
            more = set().union(found, *(edge for edge in edges if edge & found))
            if more == found:
                return found
            found = more

    def _reader(self, connection: str, thread: str) -> str:
        """Return who reads what goes to a place."""
        if connection == "mail":
            address = thread.partition("|")[0]
            return next(each.name for each in PEOPLE if each.address == address)
        if connection == "sms":
            return self.owner[thread.partition("|")[2]]
        return self.place[connection, thread]

    @invariant()
    def nobody_reads_what_another_customer_wrote(self) -> None:
        people = self.desk.store.contacts(1_000)
        self._learn(people)
        for sent in self.desk.sent[self.read :]:
            reader = self._reader(sent.connection, sent.thread)
            # Eve's own words are nobody's secret; hers is only what nobody must be lured into answering to her.
            marks = set(_MARK.findall(sent.text)) - {"eve"}
            assert marks <= self._same(reader), f"{reader} reads of {marks}: {sent}"
        self.read = len(self.desk.sent)

    @invariant()
    def nobody_is_one_with_another_but_by_an_operators_word(self) -> None:
        people = self.desk.store.contacts(1_000)
        self._learn(people)
        for person in people:
            names = {self.contact_of[each.contact] for each in person.identifiers}
            assert names <= self._same(min(names)), f"{names} are taken for one person"
            members = {each.contact for each in person.identifiers}
            for apart in person.separations:
                assert not {apart.contact, apart.other} <= members, "two people were linked against an operator's word"


def test_somebody_whose_case_was_merged_into_anothers_is_not_answered_with_that_ones_words(tmp_path: Path) -> None:
    desk = Desk(store=open_store(f"sqlite:///{tmp_path}/baton.db")).open()
    try:
        first = {
            who.name: desk.mail(
                who.address,
                f"mark-{who.name} 1",
                subject=f"about mark-{who.name}",
                dmarc="pass",
                name=f"mark-{who.name}",
            )
            for who in (ANN, BOB)
        }
        of = {case.subject: case.id for case in desk.store.cases(10)}
        desk.store.merge(of["about mark-bob"], of["about mark-ann"], "op", desk.now)
        # His words demand an answer of the case, and the case is hers.
        desk.mail(BOB.address, "mark-bob 2 help", answers=[first["bob"]], dmarc="pass", name="mark-bob")
        desk.dispatch()
        assert [each for each in desk.sent if "mark-ann" in each.text and BOB.address in each.thread] == []
        desk.mail(ANN.address, "mark-ann 2 help", answers=[first["ann"]], dmarc="pass", name="mark-ann")
        desk.dispatch()
        assert {each.thread.partition("|")[0] for each in desk.sent if "mark-ann" in each.text} == {ANN.address}
    finally:
        desk.store.close()


Life.TestCase.settings = settings(max_examples=LIVES, stateful_step_count=STEPS, deadline=None)
TestNobodysWordsGoAstray = Life.TestCase
