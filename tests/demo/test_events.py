"""The generator's expectations, which it works out by itself, hold against the accounting rules."""

from collections import Counter
from decimal import Decimal

import pytest

from bench.documents import settings
from demo.accounts import Accounts
from demo.events import GROUPED, TOPICS, BookedLine, Event, ExpectedOutcome, redelivered, stream
from demo.events.carriers import bill
from demo.events.drivers import STATEMENT_PAY, TRIP_PAY
from demo.events.fuel_and_tolls import FUELS
from demo.events.maker import Maker
from demo.rig import SETTINGS
from demo.samples import FOLDER, samples
from domain.documents import Document, SourceDocument
from domain.events import ContractError, EventKind
from domain.export import export
from domain.outcomes import Deferred, Rejected, Skipped
from domain.translation import parse_record

KINDS = dict(zip((*TOPICS, GROUPED), EventKind, strict=True))
STATE = settings()
ACCOUNTS = Accounts(SETTINGS)
STREAM = stream(seed=3, good=280)
LEFT_TO_OTHERS = {
    "already_posted",
    "reversed",
    "rejected:PARTY_AMBIGUOUS",
    "rejected:PARTY_NOT_FOUND",
    "rejected:PARTY_UNNAMED",
    "rejected:SAGE_PERIOD_CLOSED",
    "rejected:SAGE_REFUSED",
}
"""What only the ledger or Sage can say: to the rules these are documents."""


def ending(event: Event) -> tuple[str, Document | None]:
    try:
        received = parse_record(KINDS[event.topic], event.value)
    except ContractError as error:
        return f"dead:{error.code}", None
    assert event.key == received.key.encode()
    said = received.document
    answer = export(said, STATE) if isinstance(said, SourceDocument) else said
    match answer:
        case Document():
            return "posted", answer
        case Skipped():
            return f"skipped:{answer.code}", None
        case Deferred():
            return f"deferred:{answer.code}", None
        case Rejected():
            return f"rejected:{answer.code}", None


def check(event: Event) -> None:
    found, document = ending(event)
    wanted = str(event.expectation)
    assert found == wanted or (found == "posted" and wanted in LEFT_TO_OTHERS), event.story
    booking = event.expectation.booking
    if booking is None or document is None:
        return
    assert (document.sage_object, document.number) == (booking.sage_object, booking.number)
    assert document.connection.company_id == booking.company
    assert document.total == Decimal(booking.cents) / 100
    assert [line.amount for line in document.lines] == [Decimal(line.cents) / 100 for line in booking.lines]
    assert tuple(line.account for line in document.lines) == ACCOUNTS.of(booking)
    assert document.party.external_id in {booking.party, None}


def test_every_generated_event_ends_as_the_generator_says():
    for event in STREAM.events:
        check(event)


def test_every_sample_of_the_contract_ends_as_an_accountant_says():
    assert {event.story.removeprefix("sample ") for event in samples()} == {path.stem for path in FOLDER.iterdir()}
    for event in samples():
        check(event)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    again = stream(seed=3, good=280)
    assert again == STREAM
    assert stream(seed=4, good=280).events != STREAM.events


def test_documents_never_share_a_key_or_a_number():
    posted = [event for event in STREAM.events if event.expectation.outcome is ExpectedOutcome.POSTED]
    assert len({event.key for event in posted}) == len(posted)
    numbers = [(event.expectation.booking.sage_object, event.expectation.booking.number) for event in posted]  # type: ignore[union-attr]
    assert len(set(numbers)) == len(numbers)


def booked(category: str) -> set[str]:
    bookings = [event.expectation.booking for event in STREAM.events]
    lines: list[BookedLine] = [line for booking in bookings if booking for line in booking.lines]
    return {line.item for line in lines if line.category == category}


def test_every_pay_type_and_every_fuel_comes_up():
    assert set(TRIP_PAY) <= booked("trip")
    assert set(STATEMENT_PAY) <= booked("driver-statement-expenses")
    assert set(FUELS) <= booked("fuel")


def test_every_way_to_end_comes_up_on_every_topic_that_has_it():
    outcomes = Counter((event.topic, event.expectation.outcome) for event in STREAM.events)
    for topic in TOPICS:
        for outcome in (
            ExpectedOutcome.POSTED,
            ExpectedOutcome.REVERSED,
            ExpectedOutcome.SKIPPED,
            ExpectedOutcome.REJECTED,
            ExpectedOutcome.DEAD,
        ):
            if (topic, outcome) != ("toll-transaction", ExpectedOutcome.REJECTED):  # no toll contradicts itself
                assert outcomes[topic, outcome], (topic, outcome)


def test_what_was_posted_is_answered_from_memory_when_it_is_delivered_again():
    again = redelivered(STREAM.events, share=1.0, seed=1)
    assert not [event for event in again if event.expectation.outcome is ExpectedOutcome.POSTED]
    late = [event.key for event in again if event.expectation.code == "SUPERSEDED"]
    changed = [event.key for event in STREAM.events if event.expectation.outcome is ExpectedOutcome.REVERSED]
    assert set(changed) < set(late)
    assert len(late) == len(set(late))
    originals = {(event.topic, event.key, event.value) for event in STREAM.events}
    assert all((event.topic, event.key, event.value) in originals for event in again)


@pytest.mark.parametrize("text", [True, False])
def test_money_is_written_as_a_number_or_as_text_to_the_cent(text):
    maker = Maker(1)
    maker._as_text = text
    amount = maker.money(123_450)["amount"]
    assert amount == ("1234.50" if text else 1234.5)
    assert bill(maker).booking.cents > 0
