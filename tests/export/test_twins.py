"""What is known of a bill under its trip's other name, without a broker. Promises 2 and 3."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic import SecretStr

from consumers.export.enrichment.twins import Twins, held_back
from consumers.export.protocol.decide import as_known
from consumers.export.protocol.document_state import REVERSE, Claim, DocumentState, LastOutcome
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.lifecycle import Claimed, InDoubt, Life
from consumers.export.protocol.plan import Plan
from consumers.export.work_item import PartitionHandle, WorkItem
from domain.codes import Code
from domain.documents import Document, SourceDocument
from domain.export import export
from domain.idempotency import marker
from domain.outcomes import Outcome, Rejected, Skipped
from domain.translation import ParsedRecord
from producers.results import SourceRecord
from sage_client import Login, SageClient
from tests.support.events import event, read, withdrawn
from tests.support.mappings import connected
from tests.support.sage import Booked, FakeSage

LOGIN = Login("ACME", "user", SecretStr("p"))
OWNER = cast(PartitionHandle, type("Partition", (), {"gone": False, "open": True})())
UNTIL = datetime(2026, 6, 11, 13, tzinfo=UTC)


def bill(trip_id: str | None, number: str = "T#100", *, nothing: bool = False) -> dict[str, Any]:
    made = event("carrier-bill")
    made["data"]["trip"] |= {"id": trip_id, "tripNumber": number}
    if nothing:
        zero = {"amount": "0.00", "currency": 840}
        made["data"]["trip"]["carrier"] |= {
            "linehaul": zero,
            "accessorialsDetails": [],
            "eChecks": [],
            "totalPayable": zero,
        }
    return made


def received(sample: dict[str, Any]) -> ParsedRecord:
    return read(sample)


def work(trip_id: str | None, number: str = "T#100", **claimed: Any) -> WorkItem:
    """A bill that is about to be created."""
    what = received(bill(trip_id, number))
    assert isinstance(what.document, SourceDocument)
    document = export(what.document, connected().state)
    assert isinstance(document, Document), document
    claim = Claim(
        what.revision,
        f"control-{what.key}",
        0,
        document.connection,
        document.sage_object,
        document.number,
        "V-1",
        document.total,
        UNTIL,
    )
    life = Life(2, Claimed(replace(claim, **claimed), 0.0))
    plan = Plan(document=document, party_id="V-1")
    return WorkItem(OWNER, what, b"{}", SourceRecord("bills", 0, 1, 0), life, plan)


def books(*records: tuple[WorkItem, str, str]) -> FakeSage:
    """What stands: whose, under which number, in which state."""
    sage = FakeSage()
    for number_of, (whose, number, state) in enumerate(records, 1):
        what = whose.mapped
        description = f"{what.description} {marker(whose.key)}"
        sage.booked.append(
            Booked(
                str(number_of), number, "V-1", what.total, description, "c", whose.key, (), state, kind=what.sage_object
            )
        )
    return sage


async def against(sage: FakeSage, *batch: WorkItem) -> list[tuple[WorkItem, ExportResult]]:
    return await Twins(cast(SageClient, sage)).against(LOGIN, batch)


@pytest.mark.parametrize(
    "records",
    [
        [("T-100", "Posted")],
        [("T-100", "Reversed"), ("T-100-1", "Posted")],
        [("T-100", "Reversed"), ("T-100-x4cf16bb4", "Posted")],
    ],
    ids=["as it was", "corrected by that version", "corrected since"],
)
async def test_a_bill_that_an_earlier_version_posted_under_its_former_number_is_found(records):
    mine, other = work("trip-1"), work(None)
    assert mine.mapped.number == "T-100-x4cf16bb4"
    assert mine.mapped.former is not None
    assert mine.mapped.former.number == "T-100"
    sage = books(*((other, number, state) for number, state in records))
    [(found, verdict)] = await against(sage, mine)
    assert found is mine
    assert verdict.code is Code.BILLED_UNDER_OTHER_KEY
    assert verdict.sage is not None
    assert verdict.sage.record_no == str(len(records))


async def test_the_former_number_of_another_trip_is_no_twin():
    mine, other = work("trip-1"), work("trip-2")
    assert await against(books((other, "T-100", "Posted")), mine) == []
    assert await against(books((mine, "T-100", "Posted")), mine) == []


@pytest.mark.parametrize("ids", [(None, "trip-1"), ("trip-1", None)], ids=["number, then id", "id, then number"])
@pytest.mark.parametrize("number", ["T-100-x4cf16bb4", "T-100-x4cf16bb4-1", "T-100"])
def test_a_bill_waits_while_the_call_of_its_other_name_has_no_outcome(ids, number):
    doubt, mine = work(ids[0]), work(ids[1])
    doubt.life = Life(None, InDoubt(replace(doubt.claimed, number=number)))
    [(held, verdict)] = held_back([mine], [doubt])
    assert held is mine
    assert (verdict.outcome, verdict.code) == (Outcome.DEFERRED, Code.BILL_IN_DOUBT)
    assert doubt.key in (verdict.detail or "")


@pytest.mark.parametrize(
    "doubt",
    [
        work("trip-2"),  # both trips have an id
        work(None, "T#101"),
        work(None, party_id="V-2"),
        work(None, operation=REVERSE),  # what it reverses is seen in Sage
        work("trip-1"),  # the same key waits for its own call anyhow
    ],
    ids=["another trip", "another number", "another vendor", "a correction", "itself"],
)
def test_no_bill_waits_for_what_cannot_be_its_other_name(doubt):
    assert held_back([work("trip-1")], [doubt]) == []


def told(code: Code, outcome: Outcome = Outcome.REJECTED) -> DocumentState:
    """The trip's other name, after Sage was asked for the bill."""
    ending = LastOutcome("earlier", outcome, 1, 0, code, "record 7 (number T-100) is this trip's bill")
    return DocumentState("carrier-bill/trip-1", last=ending)


@pytest.mark.parametrize("code", [Code.BILLED_UNDER_OTHER_KEY, Code.BILLED_OTHERWISE])
@pytest.mark.parametrize(
    "event_",
    [withdrawn(bill("trip-1")), bill("trip-1", nothing=True)],
    ids=["withdrawn", "zero"],
)
def test_what_takes_a_bill_back_under_its_other_name_is_told_to_a_person(code, event_):
    entry = told(code)
    for _ in range(2):  # told again, in the same words
        known = as_known(entry, received(event_))
        assert isinstance(known.document, Rejected)
        assert known.document.code is Code.BILLED_OTHERWISE
        assert known.document.detail.startswith("record 7")
        assert known.document.detail.count("takes the bill back") == 1
        assert entry.last is not None
        entry = replace(entry, last=replace(entry.last, code=known.document.code, detail=known.document.detail))


def test_what_takes_back_a_bill_that_stands_nowhere_else_is_read_as_it_is():
    taken_back = received(withdrawn(bill("trip-1")))
    assert isinstance(taken_back.document, Skipped)
    for entry in (DocumentState("carrier-bill/trip-1"), told(Code.LINES_DO_NOT_ADD_UP)):
        assert as_known(entry, taken_back) is taken_back
    again = received(bill("trip-1"))
    assert again.document == as_known(told(Code.BILLED_OTHERWISE), again).document
    assert isinstance(again.document, SourceDocument)
    assert again.document.total > Decimal(0)
