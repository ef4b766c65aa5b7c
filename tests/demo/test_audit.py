"""The audit finds what is lost, what stands twice and what is wrong; else the demonstration would prove nothing."""

import copy
from typing import Any

from demo.audit import audit
from demo.events import BookedLine, Booking, Event, Expectation, ExpectedOutcome
from demo.traffic import Sent

BOOKING = Booking(
    "sub", "ACME", "ARINVOICE", "1001", "C-1", (BookedLine("load", "", 10_050), BookedLine("load", "", -50))
)
SENT = [
    Sent(Event("t", b"k", b"v", Expectation(ExpectedOutcome.POSTED, booking=BOOKING), "s"), ("t", 0, 0), ("40", "41"))
]
STANDING: dict[str, Any] = {
    "company": "ACME",
    "kind": "ARINVOICE",
    "number": "1001",
    "party_id": "C-1",
    "total": "100.00",
    "lines": [{"amount": "100.50", "account": "40"}, {"amount": "-0.50", "account": "41"}],
}


def test_a_document_that_stands_once_as_it_should_is_sound():
    assert audit(SENT, [STANDING]).sound


def test_a_document_that_is_not_there_is_lost():
    assert len(audit(SENT, []).lost) == 1


def test_a_document_that_stands_twice_is_twice():
    assert len(audit(SENT, [STANDING, STANDING]).twice) == 1


def test_another_partys_document_of_the_same_number_is_not_ours():
    other = STANDING | {"party_id": "C-2"}
    found = audit(SENT, [STANDING, other])
    assert not found.sound
    assert not found.twice
    assert len(found.wrong) == 1


def test_a_cent_a_line_or_an_account_that_differs_is_wrong():
    for change in ("total", "amount", "account", "line"):
        document = copy.deepcopy(STANDING)
        match change:
            case "total":
                document["total"] = "100.01"
            case "line":
                document["lines"].pop()
            case _:
                document["lines"][0][change] = "99"
        assert audit(SENT, [document]).wrong, change
