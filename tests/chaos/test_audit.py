"""The audit, pure: each kind of finding is found, and a sound run gives none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chaos.audit import DocumentHistory, Emission, audit, documents_of, may_wait, not_exported, to_send_again
from chaos.books import BookedDocument
from chaos.mappings import MappingHistory
from chaos.script import ScriptedRecord
from chaos.watch import COPY, RENAMED, CommittedAnswer
from demo.events import BookedLine, Booking, ExpectedOutcome

TOPIC = "invoice-created"
BOOKING = Booking("sub", "ACME", "ARINVOICE", "1", "C-1", (BookedLine("load", "", 100),))
REVISED = replace(BOOKING, lines=(*BOOKING.lines, BookedLine("load", "", 5)))


def item(number, booking=BOOKING, ends=ExpectedOutcome.POSTED):
    emitted = (datetime(2026, 6, 10, tzinfo=UTC), 1, str(number))
    return ScriptedRecord(number, TOPIC, b"invoice/1", b"{}", ends, booking, f"record {number}", emitted)


def answer(offset, outcome, code=None, record="7", at=0):
    return CommittedAnswer(
        (TOPIC, 0, offset), "invoice/1", outcome, code, record, "id", at, from_ledger=False, seen=0.0
    )


def stands(booking=BOOKING, record="7", account="4000", state="Posted"):
    lines = tuple((account, line.cents) for line in booking.lines)
    return BookedDocument("ACME", "ARINVOICE", "1", "C-1", record, booking.cents, lines, state)


@pytest.fixture
def history():
    history = MappingHistory()
    history.apply("sub/account/ar/default/default", b'{"account": "4000"}', 0)
    history.apply("sub/account/ar/load/default", b'{"account": "4100"}', 9)
    return history


def document(items, answers, floor=0):
    emissions = [Emission((TOPIC, 0, number), each, floor) for number, each in enumerate(items)]
    return DocumentHistory("invoice/1", emissions, answers)


WAITED = [answer(0, "deferred", "ACCOUNT_UNMAPPED", None), answer(1, "posted"), answer(2, "already_posted")]


CORRECTED = [answer(0, "posted"), answer(1, "reversed"), answer(1, "posted", record="8")]
ONCE, LATER = stands(state="Reversed"), stands(REVISED, "8")


def test_what_was_corrected_stands_once_as_its_last_revision(history):
    assert audit([document([item(0), item(1, REVISED)], CORRECTED)], [ONCE, LATER], history).sound
    updated = [answer(0, "posted"), answer(1, "updated")]
    assert audit([document([item(0), item(1, REVISED)], updated)], [stands(REVISED)], history).sound


def test_a_revision_that_came_while_its_document_waited_may_be_what_stands(history):
    found = audit([document([item(0), item(1, REVISED), item(2, REVISED)], WAITED)], [stands(REVISED)], history)
    assert found.sound


def test_the_newest_revision_stands_in_whatever_order_they_came(history):
    superseded = [answer(0, "posted"), answer(1, "skipped", "SUPERSEDED")]
    assert audit([document([item(1, REVISED), item(0)], superseded)], [stands(REVISED)], history).sound
    corrected = [*CORRECTED[:1], answer(1, "reversed"), answer(1, "posted", record="8")]
    old_money_back = audit(
        [document([item(1, REVISED), item(0)], corrected)],
        [stands(REVISED, state="Reversed"), stands(record="8")],
        history,
    )
    assert len(old_money_back.disorder) == 1


@pytest.mark.parametrize(
    ("kind", "items", "answers", "books"),
    [
        ("lost", [item(0)], [answer(0, "rejected", "SAGE_REFUSED")], []),
        ("lost", [item(0), item(1)], [answer(0, "posted")], [stands()]),
        ("twice", [item(0)], [answer(0, "posted")], [stands(), stands(record="8")]),
        ("twice", [item(0)], [answer(0, "posted")], [stands(), stands(record="8", state="Reversed")]),
        ("twice", [item(0), item(1, REVISED)], [*CORRECTED[:1], CORRECTED[2]], [stands(state="Reversed"), LATER]),
        ("lost", [item(0), item(1, REVISED)], CORRECTED[:2], [stands(state="Reversed")]),
        ("wrong", [item(0)], [answer(0, "posted")], [stands(REVISED)]),
        ("wrong", [item(0)], [answer(0, "posted")], [stands(account="4001")]),
        ("wrong", [item(0)], [answer(0, "posted", at=9)], [stands()]),
        ("wrong", [item(0)], [answer(0, "posted", at=-1)], [stands()]),
        ("wrong", [item(0)], [answer(0, "posted", record="9")], [stands()]),
        ("wrong", [item(0)], [answer(0, "deferred", "ACCOUNT_UNMAPPED", None)], [stands()]),
        ("wrong", [item(0, None, ExpectedOutcome.SKIPPED)], [answer(0, "rejected", "SAGE_REFUSED")], []),
        ("disorder", [item(0), item(1)], [answer(1, "posted"), answer(0, "already_posted")], [stands()]),
        ("disorder", [item(0), item(1, REVISED), item(2)], [*CORRECTED, answer(2, "skipped")], [ONCE, LATER]),
        ("disorder", [item(0), item(1, REVISED)], [answer(0, "posted"), answer(1, "already_posted")], [stands()]),
        ("unexpected", [item(0, None, ExpectedOutcome.SKIPPED)], [answer(0, "skipped")], [stands()]),
    ],
)
def test_each_finding_is_found_alone(history, kind, items, answers, books):
    found = audit([document(items, answers)], books, history)
    kinds = {name for name in ("lost", "twice", "disorder", "wrong", "unexpected") if getattr(found, name)}
    assert kinds == {kind}


def test_what_was_refused_without_a_message_is_sent_again_and_may_be_overtaken(history):
    refused = [answer(0, "rejected", "SAGE_REFUSED", None)]
    assert [each.place[2] for each in to_send_again(refused, {"id"})] == [0]
    repeated = replace(refused[0], control_id=None, from_ledger=True)
    assert to_send_again([*refused, repeated], {"id"}) == refused
    assert not to_send_again(refused, {"other"})
    assert not to_send_again([*refused, answer(1, "posted")], {"id"})
    overtaken = [document([item(0), item(1, REVISED)], [*refused, answer(1, "posted")])]
    assert audit(overtaken, [stands(REVISED)], history).sound


def test_records_are_grouped_by_document_in_the_order_of_the_topic_and_dead_letters_stand_alone():
    items = {0: item(0, REVISED), 1: item(1), 2: item(2, None, ExpectedOutcome.DEAD)}
    sources = {(TOPIC, 0, 5): 0, (TOPIC, 0, 2): 1, (TOPIC, 0, 3): 2}
    one, dead = documents_of(sources, items, [answer(3, "dead"), answer(5, "posted")], {1: 4})
    assert [(each.place[2], each.item.number, each.floor) for each in one.emissions] == [(2, 1, 4), (5, 0, -1)]
    assert [each.outcome for each in one.answers] == ["posted"]
    assert [each.outcome for each in dead.answers] == ["dead"]


EXPIRED, ELSEWHERE = "SOURCE_RECORDS_EXPIRED", "WRONG_PARTITION"


def dead(place, code):
    return CommittedAnswer(place, "", "dead", code, None, None, None, from_ledger=False, seen=0.0)


@pytest.mark.parametrize("code", [EXPIRED, ELSEWHERE])
def test_what_was_told_as_not_exported_and_sent_again_is_judged_where_it_was_exported(history, code):
    sources = {(TOPIC, 0, 0): 0, (TOPIC, 0, 4): 0}
    told = [dead((TOPIC, 0, 0), code)]
    assert not_exported(sources, told) == [0]
    [document] = documents_of(sources, {0: item(0)}, [*told, answer(4, "posted")], {})
    assert [each.place[2] for each in document.emissions] == [4]
    assert audit([document], [stands()], history).sound
    never_again = documents_of({(TOPIC, 0, 0): 0}, {0: item(0)}, told, {})
    assert audit(never_again, [], history).lost


def test_a_record_without_an_answer_is_lost_although_the_sender_sent_it_twice(history):
    sources = {(TOPIC, 0, 0): 0, (TOPIC, 0, 4): 0}
    found = audit(documents_of(sources, {0: item(0)}, [answer(4, "posted")], {}), [stands()], history)
    assert len(found.lost) == 1
    left_behind = {(TOPIC, 0, 0): 0, (f"{TOPIC}-2", 0, 4): 0}
    there = replace(answer(4, "posted"), place=(f"{TOPIC}-2", 0, 4))
    assert audit(documents_of(left_behind, {0: item(0)}, [there], {}), [stands()], history).sound


def test_a_letter_for_many_records_leaves_the_answers_of_those_that_had_ended(history):
    sources = {(TOPIC, 0, 0): 0}
    told = [answer(0, "posted"), dead((TOPIC, 0, 0), EXPIRED)]
    [document] = documents_of(sources, {0: item(0)}, told, {})
    assert [each.outcome for each in document.answers] == ["posted"]
    assert not not_exported(sources, told)


def test_a_document_that_waited_when_its_cluster_was_copied_is_answered_for_its_place_there(history):
    sources = {(TOPIC, 0, 7): 0, (TOPIC + COPY, 0, 2): 0}
    waited = [answer(7, "deferred", "ACCOUNT_UNMAPPED", None)]
    copied = [
        replace(answer(at, how), place=(TOPIC + COPY, 0, at)) for at, how in ((7, "posted"), (2, "already_posted"))
    ]
    [document] = documents_of(sources, {0: item(0)}, [*waited, *copied], {})
    assert [each.place for each in document.answers] == [(TOPIC, 0, 7), (TOPIC, 0, 7), (TOPIC + COPY, 0, 2)]
    assert audit([document], [stands()], history).sound


def test_a_document_that_waited_when_its_topic_got_another_name_is_answered_at_its_former_offset(history):
    anew = TOPIC + RENAMED
    sources = {(TOPIC, 0, 7): 0, (anew, 0, 7): 1}
    items = {0: item(0), 1: replace(item(1), key=b"invoice/another")}
    waited = [answer(7, "deferred", "ACCOUNT_UNMAPPED", None)]
    moved = replace(answer(7, "posted"), place=(anew + COPY, 0, 7))
    documents = documents_of(sources, items, [*waited, moved], {})
    of_it = next(each for each in documents if each.key == moved.key)
    assert [each.place for each in of_it.answers] == [(TOPIC, 0, 7), (TOPIC, 0, 7)]
    assert audit([of_it], [stands()], history).sound


def test_only_what_never_can_be_posted_may_wait_at_the_end():
    never = replace(item(1, None, ExpectedOutcome.DEFERRED), key=b"invoice/2")
    assert may_wait([item(0), never]) == {"invoice/2"}


def test_a_line_is_answered_by_item_then_category_then_master_default(history):
    history.apply("sub/account/ar/load/Linehaul", b'{"account": "4200"}', 12)
    history.apply("sub/account/ar/load/Linehaul", None, 15)
    booking = replace(BOOKING, lines=(BookedLine("load", "linehaul", 1),))
    assert [history.accounts(booking, at) for at in (-1, 0, 9, 14, 15)] == [
        (None,),
        ("4000",),
        ("4100",),
        ("4200",),
        ("4100",),
    ]
    assert history.possible(9) == [9, 12, 15]
