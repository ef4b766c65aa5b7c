"""The examples in the contract are of the contract: the service's own readers take them."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.codes import Code
from domain.commands import decode
from domain.documents import Connection, SageObject, SourceDocument, SourceKind
from domain.outcomes import Skipped
from domain.parties.matching import own_id
from domain.payments import DocumentBalance, ExportedDocument, PaymentFact, PaymentKind
from domain.settings.mapping_state import MappingState
from domain.translation import ParsedRecord
from producers.parties import announcement
from producers.payments import encode
from tests.support.events import read
from tests.support.pages import ROOT, fences, pages

CONTRACT = ROOT / "docs/contract.md"
KINDS = ("event", "withdrawal", "mapping-state", "result", "command", "party", "payment")


def examples(kind: str) -> list[dict[str, Any]]:
    return [json.loads(body) for info, body in fences(CONTRACT) if info == f"json {kind}"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_json_example_parses_and_says_what_it_is(page: Path):
    for info, body in fences(page):
        if info.startswith("json"):
            assert info.split()[1:] in [[kind] for kind in KINDS]
            json.loads(body)


def test_every_event_is_read_to_a_document_and_every_kind_is_there():
    read_to = [_document(example).kind.value for example in examples("event")]
    kinds = {kind.value for kind in SourceKind}
    assert (set(read_to), len(read_to)) == (kinds, len(kinds))


def test_an_example_says_the_same_as_the_sample_it_is_taken_from():
    samples = [json.loads(path.read_bytes()) for path in sorted((ROOT / "tests/fixtures/events").glob("*.json"))]
    revisions = {sample["id"]: read(sample).revision for sample in samples}
    for example in examples("event"):
        assert read(example).revision == revisions[example["id"]]


def test_the_withdrawal_is_that_of_the_statement_above_it():
    [withdrawal] = examples("withdrawal")
    found = read(withdrawal)
    assert isinstance(found.document, Skipped)
    assert found.document.code is Code.WITHDRAWN
    assert found.key in {read(example).key for example in examples("event")}


def test_every_setting_is_applied():
    state = MappingState()
    for offset, example in enumerate(examples("mapping-state")):
        assert state.apply(example["key"].encode(), orjson.dumps(example["value"]), offset) is not None
    assert not state.problems()
    assert len(state.records()) == len(examples("mapping-state")) == 7


def test_every_command_is_one():
    read_as = [decode(orjson.dumps(example)).action for example in examples("command")]
    assert sorted(read_as) == ["mark-synced", "replay", "retry"]


def test_the_results_answer_the_event_above_them():
    invoice = next(received for received in map(read, examples("event")) if received.key.startswith("invoice/"))
    document = _of(invoice)
    posted, again, taken_back, anew, deferred = examples("result")
    for result in (posted, again):
        assert (result["documentKey"], result["revision"]) == (invoice.key, invoice.revision)
    assert (posted["outcome"], again["outcome"], deferred["outcome"]) == ("posted", "already_posted", "deferred")
    assert (taken_back["outcome"], anew["outcome"]) == ("reversed", "posted")
    assert anew["corrects"] == taken_back["sage"]["recordNo"] == posted["sage"]["recordNo"]
    assert [line["amount"] for line in posted["document"]["lines"]] == [str(line.amount) for line in document.lines]
    assert posted["document"]["total"] == str(document.total)


def test_the_party_is_that_of_the_event_above_it():
    sample = next(example for example in examples("event") if example["type"] == "invoice.created")
    sample["data"]["customer"]["externalAccountingId"] = None
    source, where = _document(sample), Connection("s", "BLUEMESA", "100", "c")
    told = announcement(source, where, own_id(source, "100"))
    assert told is not None
    [party] = examples("party")
    assert orjson.loads(told[1]) == party
    assert told[0] == f"{party['subsidiaryId']}/customer/{party['alvysId']}"


def test_the_payment_is_what_the_service_writes():
    [example] = examples("payment")
    document = ExportedDocument("invoice/77", example["subsidiaryId"], "BLUEMESA", "100", SageObject.AR_INVOICE, "481",
                                "1008841", "CUST-10021")  # fmt: skip
    fact = PaymentFact(
        "BLUEMESA/ar/12/payment", PaymentKind.PAYMENT, Decimal(100), document, "USD", "2026-11-20", "Printed Check",
        "4711", "", "first part", "ARPYMTDETAIL", "12", "9", "Complete", "11/20/2026 16:05:22",
    )  # fmt: skip
    balance = DocumentBalance("481", "Partially Paid", Decimal(250), Decimal(100), Decimal(150))
    written = encode(fact, balance, datetime.fromisoformat(example["polledAt"]))
    assert list(orjson.loads(written).items()) == list(example.items())


def _document(example: dict[str, Any]) -> SourceDocument:
    return _of(read(example))


def _of(received: ParsedRecord) -> SourceDocument:
    assert isinstance(received.document, SourceDocument)
    return received.document
