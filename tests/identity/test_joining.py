"""One case over several threads where proven and clear, two where not; and who is one person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model import Case, CaseStatus, Evidence, IllegalMove, Party, Role, TicketStatus, altered, move
from tests.identity.desk import DAY, HOUR, Desk


def test_a_number_that_texts_and_calls_is_one_case(desk: Desk) -> None:
    desk.text_message("+4917112345678", "my parcel is late")
    desk.call("0171 12345678", "it is me again")
    case = desk.case_with("it is me again")
    assert desk.texts(case.id) == ["my parcel is late", "it is me again"]
    assert len(desk.store.contacts()) == 1
    assert (case.last_connection, case.channel) == ("phone", "messaging")


def test_a_verified_mail_and_a_signed_visitor_of_its_address_are_one_case(desk: Desk) -> None:
    desk.mail("Ann@Example.org", "by mail")
    desk.chat("s1", "by chat", user="4711", email="ann@example.org", verified=True)
    assert desk.case_with("by chat").id == desk.case_with("by mail").id


def test_an_address_that_was_typed_joins_nothing_and_is_suggested(desk: Desk) -> None:
    desk.mail("ann@example.org", "by mail")
    desk.chat("s1", "typed", email="ann@example.org")
    assert desk.case_with("typed").id != desk.case_with("by mail").id
    (suggestion,) = desk.store.suggestions()
    assert "ann" not in suggestion.reason
    assert len(desk.store.contacts()) == 2


def test_a_helpdesks_customer_and_the_mail_customer_of_their_address_are_suggested(desk: Desk) -> None:
    """Whoever opens a ticket there writes whatever address they like; that the poll tells it later changes nothing."""
    desk.mail("Ann@Example.org", "by mail")
    desk.ticket("u1", "in the helpdesk", email="ann@example.org")
    (suggestion,) = desk.store.suggestions()
    assert desk.case_with("in the helpdesk").id != desk.case_with("by mail").id
    assert len(desk.store.contacts()) == 2
    assert "ann" not in suggestion.reason


def test_an_address_that_comes_later_than_its_owner_is_suggested_all_the_same(desk: Desk) -> None:
    """Webhooks are quick and bring no address; the poll tells the same event, which is known, with the address."""
    desk.mail("ann@example.org", "by mail")
    desk.ticket("u1", "in the helpdesk", dedupe="created:1")
    assert desk.store.suggestions() == []
    for _ in range(2):
        desk.ticket("u1", "in the helpdesk", email="ann@example.org", dedupe="created:1")
        assert len(desk.store.suggestions()) == 1
    desk.ticket("u1", "more of it", email="ann@example.org")
    assert len(desk.store.suggestions()) == 1
    assert len(desk.store.contacts()) == 2


def test_two_who_share_a_claimed_address_are_not_one_for_it(desk: Desk) -> None:
    """Each is proven to be a user of its vendor; of the address, neither is."""
    desk.bring(
        desk.activity("team", "t1", Party(kind="slack_user", value="U1", email="ann@example.org"), "in the team")
    )
    desk.ticket("u1", "in the helpdesk", email="ann@example.org")
    assert len(desk.store.contacts()) == 2
    assert len(desk.store.suggestions()) == 1


def test_a_mail_without_proof_is_not_its_senders(desk: Desk) -> None:
    desk.mail("ann@example.org", "by mail")
    desk.mail("ann@example.org", "forged", dmarc="none")
    desk.mail("ann@example.org", "refused", dmarc="fail")
    people = {each.id: {one.proven for one in each.identifiers} for each in desk.store.contacts()}
    assert sorted(map(len, people.values())) == [1, 1]
    assert len({desk.case_with(text).id for text in ("by mail", "forged", "refused")}) == 3
    assert len(desk.store.suggestions()) == 1


def test_dots_and_plus_count_unless_a_rule_of_the_domain_says_otherwise(desk: Desk) -> None:
    desk.mail("ann.lee@gmail.example", "one")
    desk.chat("s1", "two", user="1", email="annlee+shop@gmail.example", verified=True)
    desk.mail("ann.lee@other.example", "three")
    desk.chat("s2", "four", user="2", email="annlee@other.example", verified=True)
    assert desk.case_with("one").id == desk.case_with("two").id
    assert desk.case_with("three").id != desk.case_with("four").id


def test_somebody_who_begins_anew_where_they_could_have_answered_means_another_matter(desk: Desk) -> None:
    desk.mail("ann@example.org", "one matter")
    desk.mail("ann@example.org", "another matter")
    desk.team("U1", "t1", "first")
    desk.team("U1", "t2", "second")
    assert len(desk.store.cases()) == 4


def test_calls_have_no_threads_to_choose_from(desk: Desk) -> None:
    desk.call("+4917112345678", "first call")
    desk.call("+4917112345678", "second call")
    assert desk.case_with("first call").id == desk.case_with("second call").id


def test_with_two_matters_open_nobody_can_tell_which_one_it_is(desk: Desk) -> None:
    desk.mail("ann@example.org", "one matter")
    desk.mail("ann@example.org", "another matter")
    desk.chat("s1", "which?", user="1", email="ann@example.org", verified=True)
    assert desk.texts(desk.case_with("which?").id) == ["which?"]


def test_a_case_that_was_silent_for_too_long_is_not_joined(desk: Desk) -> None:
    desk.text_message("+4917112345678", "old")
    desk.pass_time(3 * DAY + 1)
    desk.call("+4917112345678", "new")
    assert desk.case_with("old").id != desk.case_with("new").id


def test_nothing_is_joined_where_the_company_says_never(desk: Desk) -> None:
    desk.rules = replace(desk.rules, join_within=None)
    desk.text_message("+4917112345678", "text")
    desk.call("+4917112345678", "call")
    assert desk.case_with("text").id != desk.case_with("call").id
    assert len(desk.store.contacts()) == 1


def test_a_withheld_or_unattested_number_joins_nothing(desk: Desk) -> None:
    desk.text_message("+4917112345678", "text")
    desk.call("anonymous", "withheld")
    desk.call("+4917112345678", "forged", evidence=Evidence.CLAIMED)
    assert len({desk.case_with(each).id for each in ("text", "withheld", "forged")}) == 3


def test_a_number_that_was_silent_for_long_belongs_to_somebody_else(desk: Desk) -> None:
    desk.text_message("+4917112345678", "of the first owner")
    desk.pass_time(46 * DAY)
    desk.text_message("+4917112345678", "of the second owner")
    first, second = desk.case_with("of the first owner"), desk.case_with("of the second owner")
    assert first.id != second.id
    assert second.follows == ""
    assert second.customer is not None
    people = {case: each.id for each in desk.store.contacts() for case in each.cases}
    assert people[first.id] != people[second.id]
    desk.call("+4917112345678", "calls as well")
    assert desk.case_with("calls as well").id == second.id


def test_a_number_that_is_used_stays_its_owners(desk: Desk) -> None:
    for number in range(4):
        desk.text_message("+4917112345678", f"text {number}")
        desk.pass_time(30 * DAY)
    assert len(desk.store.contacts()) == 1
    assert len(desk.store.cases()) == 1


def test_who_speaks_is_known_where_a_bot_began(desk: Desk) -> None:
    desk.bring(desk.activity("web", "s1", desk_bot(), "How can I help you?"))
    desk.chat("s1", "hello", user="1", email="ann@example.org", verified=True)
    (contact,) = desk.store.contacts()
    assert contact.cases == (desk.case_with("hello").id,)
    desk.mail("ann@example.org", "by mail")
    assert desk.case_with("by mail").id == desk.case_with("hello").id


def desk_bot() -> Party:
    return Party(kind="bot", value="b", role=Role.BOT)


# --- operators -------------------------------------------------------------------------------------------------------
def test_an_accepted_suggestion_makes_one_person_and_joins_only_what_is_proven(desk: Desk) -> None:
    desk.mail("ann@example.org", "by mail")
    desk.chat("s1", "typed", email="ann@example.org")
    (suggestion,) = desk.store.suggestions()
    desk.store.decide_suggestion(suggestion.id, accept=True, actor="op", reason="asked them", now=desk.now)
    (contact,) = desk.store.contacts()
    assert len(contact.cases) == 2
    assert desk.store.suggestions() == []
    assert [each.id for each in desk.store.suggestions("accepted")] == [suggestion.id]
    with pytest.raises(ValueError, match="was accepted already"):
        desk.store.decide_suggestion(suggestion.id, accept=False, actor="op", reason="", now=desk.now)
    assert [row["action"] for row in desk.store.audit_trail()] == ["suggestion.accepted", "contact.link"]


def test_a_rejected_suggestion_is_never_made_or_followed_again(desk: Desk) -> None:
    desk.mail("ann@example.org", "by mail")
    desk.chat("s1", "typed", email="ann@example.org")
    (suggestion,) = desk.store.suggestions()
    desk.store.decide_suggestion(suggestion.id, accept=False, actor="op", reason="no", now=desk.now)
    one, two = suggestion.contact, suggestion.other
    with pytest.raises(ValueError, match="must not be linked"):
        desk.store.link_contacts(one, two, "op", "", desk.now)
    assert desk.store.suggestions() == []


def test_an_undone_link_stays_undone_through_others(desk: Desk) -> None:
    desk.text_message("+4917112345678", "text")
    desk.call("+4917112345678", "call")
    (person,) = desk.store.contacts()
    ((member, _),) = person.links
    desk.store.unlink_contact(member, "op", "two people", desk.now)
    assert len(desk.store.contacts()) == 2
    desk.team("U1", "t1", "somebody")
    third = next(each.id for each in desk.store.contacts() if each.identifiers[0].connection == "team")
    desk.store.link_contacts(third, person.id, "op", "", desk.now)
    for into in (person.id, third):
        with pytest.raises(ValueError, match="must not be linked"):
            desk.store.link_contacts(member, into, "op", "", desk.now)
    with pytest.raises(ValueError, match="one person already"):
        desk.store.link_contacts(person.id, third, "op", "", desk.now)
    with pytest.raises(ValueError, match="is linked into"):
        desk.store.link_contacts(third, member, "op", "", desk.now)
    with pytest.raises(ValueError, match="is not linked"):
        desk.store.unlink_contact(member, "op", "", desk.now)
    with pytest.raises(ValueError, match="There is no contact"):
        desk.store.unlink_contact("nobody", "op", "", desk.now)


def test_who_is_parted_takes_along_whom_they_brought(desk: Desk) -> None:
    desk.text_message("+4917112345678", "text")
    desk.team("U1", "t1", "somebody")
    (text,) = (each.id for each in desk.store.contacts() if each.identifiers[0].connection == "sms")
    (other,) = (each.id for each in desk.store.contacts() if each.identifiers[0].connection == "team")
    desk.store.link_contacts(text, other, "op", "by mistake", desk.now)
    desk.call("+4917112345678", "call")
    assert len(desk.store.contacts()) == 1
    desk.store.unlink_contact(text, "op", "", desk.now)
    people = {frozenset(one.connection for one in each.identifiers) for each in desk.store.contacts()}
    assert people == {frozenset({"sms", "phone"}), frozenset({"team"})}


def test_linking_and_unlinking_gives_both_people_back_as_they_were(desk: Desk) -> None:
    desk.mail("ann@example.org", "one")
    desk.team("U1", "t1", "two")
    before = {each.id: each for each in desk.store.contacts()}
    one, two = before
    desk.store.link_contacts(one, two, "op", "", desk.now)
    desk.store.unlink_contact(one, "op", "", desk.now)
    after = {each.id: replace(each, separations=()) for each in desk.store.contacts()}
    assert after == before


# --- over, and taken up again ----------------------------------------------------------------------------------------
def resolved(desk: Desk) -> str:
    desk.text_message("+4917112345678", "help, my parcel")
    desk.dispatch()
    case = desk.case_with("help, my parcel")
    desk.resolve(case.id)
    assert desk.history(case.id).case.status is CaseStatus.RESOLVED
    return case.id


def test_a_customer_reopens_a_resolved_case_in_time(desk: Desk) -> None:
    case = resolved(desk)
    desk.pass_time(7 * DAY)
    desk.text_message("+4917112345678", "still not there")
    assert desk.case_with("still not there").id == case
    after = desk.history(case).case
    assert (after.status, after.resolved_at) == (CaseStatus.OPEN, None)


def test_later_they_begin_a_new_case_on_the_same_thread_that_follows_the_old_one(desk: Desk) -> None:
    old = resolved(desk)
    before = desk.history(old)
    desk.pass_time(7 * DAY + 1)
    desk.text_message("+4917112345678", "it broke")
    desk.text_message("+4917112345678", "help")
    desk.dispatch()
    new = desk.case_with("it broke")
    assert (new.follows, new.last_thread, new.customer_messages) == (old, "+1|+4917112345678", 2)
    assert desk.texts(new.id) == ["it broke", "help"]
    # Whoever speaks on the thread sees what they wrote before, whichever case it stands in.
    said = [line.text for line in desk.store.said(new.last_connection, new.last_thread, 50) if line.sender]
    assert said == [*desk.texts(old), "it broke", "help"]
    assert {each.effect.case_id for each in desk.history(new.id).effects} == {new.id}
    after = desk.history(old)
    assert (after.case, after.activities, after.effects) == (before.case, before.activities, before.effects)
    (contact,) = desk.store.contacts()
    assert contact.cases == (old, new.id)
    desk.ticket_status(old, TicketStatus.CLOSED)
    assert desk.history(new.id).case.status is CaseStatus.OPEN


def test_a_follow_up_that_is_merged_and_parted_again_leaves_its_predecessors_words_alone(desk: Desk) -> None:
    old = resolved(desk)
    desk.pass_time(8 * DAY)
    desk.text_message("+4917112345678", "it broke")
    new = desk.case_with("it broke")
    before = desk.history(old), desk.history(new.id)
    desk.store.merge(new.id, old, "op", desk.now)
    desk.store.unmerge(new.id, "op", desk.now)
    assert (desk.history(old), desk.history(new.id)) == before


def test_a_resolved_case_is_not_joined(desk: Desk) -> None:
    resolved(desk)
    desk.pass_time(HOUR)
    desk.call("+4917112345678", "calls")
    assert desk.texts(desk.case_with("calls").id) == ["calls"]


def test_illegal_moves_are_refused() -> None:
    case = Case(id="c")
    over = move(case, CaseStatus.RESOLVED, 5)
    assert (over.resolved_at, move(over, CaseStatus.OPEN, 6).resolved_at) == (5, None)
    for start, end in (
        (case, CaseStatus.OPEN),
        (over, CaseStatus.RESOLVED),
        (case, CaseStatus.MERGED),
        (altered(case, status=CaseStatus.MERGED), CaseStatus.OPEN),
    ):
        with pytest.raises(IllegalMove, match="cannot become"):
            move(start, end, 7)
