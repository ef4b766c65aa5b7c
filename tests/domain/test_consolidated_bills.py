"""Consolidated bills of fuel and tolls: which rows are grouped, and what the bill of a day is."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.codes import Code
from domain.consolidated_bills import consolidation_of
from domain.documents import Document, PartyKind, SourceDocument
from domain.events import ContractError, EventKind
from domain.export import export
from domain.outcomes import Deferred, Rejected, Skipped
from domain.translation import parse_record
from tests.support.events import event, read, to_bytes
from tests.support.mappings import CARRIER, Settings, connected

BY_DAY: dict[str, Any] = {"fuelBills": "day", "tollBills": "day"}
ROWS = ["fuel-reefer", "toll"]


def row(name: str, **changes: Any) -> SourceDocument:
    sample = event(name)
    part = sample["data"][name.split("-", maxsplit=1)[0]]
    part |= changes
    found = read(sample).document
    assert isinstance(found, SourceDocument)
    return found


def grouped(name: str = "toll", settings: Settings | None = None, *, known: bool = False, **changes: Any) -> str | None:
    placed = consolidation_of(row(name, **changes), (settings or connected(ap=BY_DAY)).state, known=known)
    if placed is not None:
        assert isinstance(placed.answer, Skipped)
        assert placed.answer.code == "GROUPED"
        assert placed.group
        assert placed.group in placed.answer.detail
    return placed.group if placed else None


def money(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"amount" if name == "toll" else "total": value}


@pytest.mark.feature("consolidated bills", "ap.fuelBills", "ap.tollBills")
@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_grouped_by_subsidiary_provider_day_and_currency(name):
    kind, provider = name.split("-")[0], "bestpass" if name == "toll" else "comdata"
    day = row(name).date.isoformat()
    group = f"{kind}-day/{CARRIER}/{provider}/{day}/USD"
    assert grouped(name) == group
    assert grouped(name, source=f" {provider.upper()} ") == group
    others = {
        grouped(name, source="Other / Card"),
        grouped(name, transactionDate="2026-06-11T08:00:00Z"),
        grouped(name, **money(name, {"amount": "1.00", "currency": 124})),
        grouped(name, **money(name, {"amount": "1.00"})),
    }
    assert len(others) == 4
    assert not others & {group, None}


@pytest.mark.feature("ap.fuelBills", "ap.tollBills")
@pytest.mark.parametrize("name", ROWS)
def test_each_kind_is_grouped_by_its_own_setting_and_single_without(name):
    assert consolidation_of(row(name), connected().state, known=False) is None
    other = "tollBills" if name != "toll" else "fuelBills"
    assert consolidation_of(row(name), connected(ap={other: "day"}).state, known=False) is None


SINGLE: list[dict[str, Any]] = [
    {"ap": BY_DAY | {"includeTolls": False}},
    {"ap": BY_DAY | {"active": False}},
    {"ap": BY_DAY, "activatedAt": "2026-07-01T00:00:00Z"},
]


@pytest.mark.feature("consolidated bills", "deducted rows")
@pytest.mark.parametrize("change", SINGLE)
def test_what_is_not_exported_is_not_grouped_but_told_why(change):
    settings = connected(**change)
    assert consolidation_of(row("toll"), settings.state, known=False) is None
    assert isinstance(export(row("toll"), settings.state), Skipped)


def test_a_deducted_row_is_not_grouped():
    assert consolidation_of(row("toll-deducted"), connected(ap=BY_DAY).state, known=False) is None
    answer = export(row("toll-deducted"), connected(ap=BY_DAY).state)
    assert isinstance(answer, Skipped)
    assert answer.code == "DEDUCTED_FROM_DRIVER"


def test_rows_of_a_paused_connection_are_grouped_and_their_bill_waits():
    settings = connected(ap=BY_DAY, state="paused")
    assert grouped("toll", settings)
    assert isinstance(export(bill("TollDay", toll()), settings.state), Deferred)


@pytest.mark.parametrize(("days", "in_time"), [(60, True), (61, False), (-1, True), (-2, False)])
def test_a_row_far_from_its_day_is_a_bill_of_its_own_and_no_change_of_a_grouped_one(days, in_time):
    found = row("toll")
    found = replace(found, created_at=found.created_at + timedelta(days=days))
    state = connected(ap=BY_DAY).state
    assert (consolidation_of(found, state, known=False) is not None) is in_time
    changed = consolidation_of(found, state, known=True)
    assert changed is not None
    assert changed.moves is in_time
    assert changed.answer.code == ("GROUPED" if in_time else "TRANSACTION_DATE_OUT_OF_RANGE")


@pytest.mark.feature("consolidated bills")
def test_a_row_that_was_grouped_stays_so_whatever_the_settings_say():
    for settings in (connected(), connected(ap={"active": False}), Settings()):
        assert grouped("toll", settings, known=True)
    for change in ({"amount": {"amount": 0, "currency": 840}}, None):
        found = row("toll", **change) if change else row("toll-deducted")
        placed = consolidation_of(found, connected().state, known=True)
        assert placed is not None
        assert (placed.group, placed.moves) == (None, True)


# The bill.


def toll(name: str = "toll-0002", amount: str = "31.20", **changes: Any) -> dict[str, Any]:
    sample = event("toll")
    money = {"amount": amount, "currency": 840}
    data: dict[str, Any] = sample["data"]
    return data | {"timestamp": sample["timestamp"], "toll": data["toll"] | {"id": name, "amount": money} | changes}


def bill_event(kind: str, *rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    total = sum((Decimal(each["toll"]["amount"]["amount"]) for each in rows if "toll" in each), Decimal(0))
    data = {
        "billType": kind,
        "subsidiaryId": CARRIER,
        "provider": "BestPass",
        "date": "2026-06-12",
        "total": {"amount": str(total), "currency": 840},
        "rows": list(rows),
    }
    head = {"id": "b-1", "type": "daily.bill.closed", "timestamp": "2026-06-13T07:30:00Z", "version": "v1"}
    return head | {"data": data | changes}


def bill(kind: str, *rows: dict[str, Any], **changes: Any) -> SourceDocument:
    found = read(bill_event(kind, *rows, **changes)).document
    assert isinstance(found, SourceDocument), found
    return found


def test_a_bill_that_the_version_before_wrote_is_the_same_bill():
    present = bill_event("TollDay", toll("a", "31.20"))
    former = present | {"type": "roadside.day.closed"}
    assert parse_record(EventKind.DAILY_BILL, to_bytes(former)) == parse_record(EventKind.DAILY_BILL, to_bytes(present))
    with pytest.raises(ContractError) as error:
        parse_record(EventKind.TOLL, to_bytes(former))
    assert error.value.code is Code.WRONG_TOPIC


@pytest.mark.requirement(3, 76)
@pytest.mark.feature("consolidated bills", "ap.tollBills")
def test_the_bill_of_a_day_has_a_line_for_each_row_and_their_sum_as_total():
    settings = connected(ap=BY_DAY)
    settings.put(f"{CARRIER}/vendor/toll/BestPass", {"vendorId": "VEN-BP"})
    found = export(bill("TollDay", toll("a", "31.20"), toll("b", "5.05"), toll("c", "-1.00")), settings.state)
    assert isinstance(found, Document)
    assert found.source.key == grouped("toll")
    assert (found.party.kind, found.party.external_id) == (PartyKind.VENDOR, "VEN-BP")
    assert [str(line.amount) for line in found.lines] == ["31.20", "5.05", "-1.00"]
    assert str(found.total) == "35.25"
    assert all(line.memo.startswith("BP-770002 BestPass toll") for line in found.lines)
    assert found.number.startswith("2026-06-12-BestPass-")
    assert found.description == "BestPass toll 2026-06-12"


@pytest.mark.parametrize(
    "change", [{"ap": {"includeTolls": False}}, {"ap": {"active": False}}, {"activatedAt": "2026-06-12T16:20:01Z"}]
)
def test_the_settings_decide_about_the_bill_as_about_any(change):
    assert isinstance(export(bill("TollDay", toll()), connected(**change).state), Skipped)


def test_a_bill_whose_rows_were_all_withdrawn_is_nothing_to_book():
    answer = export(bill("TollDay"), connected().state)
    assert isinstance(answer, Skipped)
    assert answer.code == "ZERO_TOTAL"


def refused(*rows: dict[str, Any], **changes: Any) -> str:
    found = read(bill_event("TollDay", *rows, **changes)).document
    assert isinstance(found, Rejected), found
    return found.code


def test_rows_that_do_not_belong_are_refused():
    assert refused(toll(), toll()) == "CONSOLIDATED_BILL_INVALID"
    assert refused(toll(subsidiaryId="another")) == "CONSOLIDATED_BILL_INVALID"
    assert refused(toll(source="Another")) == "CONSOLIDATED_BILL_INVALID"
    assert refused(toll(transactionDate="2026-06-13")) == "CONSOLIDATED_BILL_INVALID"
    assert refused(toll() | {"deductToll": True}) == "CONSOLIDATED_BILL_INVALID"
    euros = toll(amount="1.00")
    euros["toll"]["amount"]["currency"] = 978
    assert refused(euros) == "CONSOLIDATED_BILL_INVALID"
    assert refused(toll(), total={"amount": "31.21", "currency": 840}) == "LINES_DO_NOT_ADD_UP"
    assert refused(total={"amount": "0.01", "currency": 840}) == "LINES_DO_NOT_ADD_UP"
