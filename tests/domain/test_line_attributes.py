"""What lines carry: dimensions and custom fields, resolved from settings and the facts of the event."""

from typing import Any

import pytest

from domain.codes import Code
from domain.documents import Document, SourceDocument, ValueSource
from domain.export import export
from domain.outcomes import Deferred, Rejected
from domain.settings.keys import canonical
from domain.settings.values import InvalidSetting
from tests.support.events import event, read
from tests.support.mappings import BROKER, CARRIER, Settings, connected


def of(sample: dict[str, Any] | str, settings: Settings) -> Document:
    found = answer(sample, settings)
    assert isinstance(found, Document), found
    return found


def answer(sample: dict[str, Any] | str, settings: Settings) -> object:
    document = read(event(sample) if isinstance(sample, str) else sample).document
    assert isinstance(document, SourceDocument), document
    return export(document, settings.state)


def dimension(settings: Settings, name: str, subsidiary: str = CARRIER, **setting: Any) -> str:
    key = f"{subsidiary}/dimension/{name}"
    settings.put(key, setting)
    return key


def field(settings: Settings, name: str, source: str | None = None, kind: str = "text", **setting: Any) -> str:
    key = f"{CARRIER}/custom-field/{name}"
    settings.put(key, {"source": source, "type": kind} | setting)
    return key


def told(document: Document) -> set[tuple[str, str, ValueSource]]:
    return {(each.dimension, each.value, each.how) for line in document.lines for each in line.dimensions}


def custom(document: Document) -> dict[str, str]:
    return {each.field: each.value for each in document.custom}


# Dimensions.


@pytest.mark.requirement(7)
@pytest.mark.feature("dimensions")
def test_a_value_is_the_mapping_then_the_default_then_the_alvys_value_as_it_is():
    settings = connected()
    key = dimension(settings, "class", source="fleet")
    assert told(of("invoice-load", settings)) == {("class", "West Fleet", ValueSource.AS_IS)}
    dimension(settings, "class", source="fleet", default="OTHER")
    assert told(of("invoice-load", settings)) == {("class", "OTHER", ValueSource.DEFAULT)}
    settings.put(f"{key}/west FLEET ", {"value": "WEST"})
    document = of("invoice-load", settings)
    assert told(document) == {("class", "WEST", ValueSource.MAPPING)}
    [found] = document.lines[0].dimensions
    assert (found.object, found.key) == ("CLASS", f"{key}/west FLEET ")
    settings.clear(f"{key}/west FLEET ")
    settings.clear(key)
    assert told(of("invoice-load", settings)) == set()


@pytest.mark.parametrize(
    ("sample", "source", "value"),
    [
        ("invoice-load", "subsidiary", "Blue Mesa Transport LLC"),
        ("invoice-load", "fleet", "West Fleet"),
        ("invoice-load", "office", "Dallas"),
        ("invoice-load", "driver", "R. Delgado"),
        ("invoice-load", "truck", "2207"),
        ("invoice-load", "trailer", "53118"),
        ("invoice-load", "contractorType", "Owner Operator"),
        ("driver-statement-1099", "fleet", "West Fleet"),
        ("driver-statement-1099", "contractorType", "Owner Operator"),
        ("driver-statement-1099", "driver", "R. Delgado"),
        ("driver-statement-1099", "subsidiary", CARRIER),
    ],
)
@pytest.mark.feature("dimensions")
def test_each_of_the_seven_alvys_fields_gives_its_value(sample, source, value):
    settings = connected()
    dimension(settings, "item", source=source)
    assert told(of(sample, settings)) == {("item", value, ValueSource.AS_IS)}


@pytest.mark.feature("dimensions")
def test_fleet_is_the_drivers_on_driver_bills_and_the_loads_everywhere_else():
    settings = connected()
    dimension(settings, "class", source="fleet")
    sample = event("driver-statement-1099")
    sample["data"]["loads"] = [{"loadNumber": "1008841", "fleet": {"name": "Load Fleet"}}]
    assert told(of(sample, settings)) == {("class", "West Fleet", ValueSource.AS_IS)}
    dimension(settings, "class", BROKER, source="fleet")
    bill = event("carrier-bill")
    bill["data"]["loads"] = [{"loadNumber": "1008940", "fleet": {"name": "Load Fleet"}}]
    bill["data"]["trip"]["driver1"] = {"name": "X", "fleet": {"name": "Driver Fleet"}}
    assert told(of(bill, settings)) == {("class", "Load Fleet", ValueSource.AS_IS)}


@pytest.mark.feature("dimensions", "summary invoice")
def test_each_line_of_a_summary_invoice_has_the_dimensions_of_its_own_load():
    settings = connected()
    dimension(settings, "class", BROKER, source="fleet")
    sample = event("invoice-summary")
    lines = sample["data"]["invoice"]["lineItems"]
    lines[-1]["loadNumber"] = None
    loads = list(dict.fromkeys(line["loadNumber"] for line in lines if line["loadNumber"]))
    sample["data"]["loads"] = [{"loadNumber": load, "fleet": {"name": f"Fleet {load}"}} for load in loads]
    sample["data"]["trips"] = None
    document = of(sample, settings)
    values = [[each.value for each in line.dimensions] for line in document.lines]
    # A line that names no load has no single fleet on an invoice over several: none, never a guess.
    assert values == [[f"Fleet {line['loadNumber']}"] if line["loadNumber"] else [] for line in lines]


@pytest.mark.feature("dimensions")
def test_a_load_hauled_by_two_trucks_has_no_truck_to_name():
    settings = connected()
    dimension(settings, "item", source="truck", default="MANY")
    sample = event("invoice-load")
    sample["data"]["trips"].append({"tripNumber": "1008841-2", "truck": {"number": 2208}})
    assert told(of(sample, settings)) == {("item", "MANY", ValueSource.DEFAULT)}


@pytest.mark.requirement(24)
@pytest.mark.feature("dimensions", "dimensions before the call")
def test_a_required_dimension_without_a_value_waits_for_its_key_before_any_call():
    settings = connected()
    key = dimension(settings, "department", source="office", required=True)
    sample = event("invoice-load")
    del sample["data"]["loads"][0]["office"]
    found = answer(sample, settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == (Code.DIMENSION_MISSING, (key,))
    dimension(settings, "department", source="office", required=True, default="OPS")
    assert told(of(sample, settings)) == {("department", "OPS", ValueSource.DEFAULT)}


@pytest.mark.feature("dimensions")
def test_the_connections_location_is_the_default_of_the_dimension_location():
    settings = connected(locationId="100")
    assert {line.location_id for line in of("invoice-load", settings).lines} == {"100"}
    key = dimension(settings, "location", source="office")
    document = of("invoice-load", settings)
    assert told(document) == {("location", "100", ValueSource.DEFAULT)}
    assert document.lines[0].dimensions[0].key == f"{CARRIER}/connection"
    settings.put(f"{key}/Dallas", {"value": "110"})
    assert {line.location_id for line in of("invoice-load", settings).lines} == {"110"}


@pytest.mark.feature("dimensions")
def test_a_user_defined_dimension_takes_whole_number_ids_only():
    settings = connected()
    key = dimension(settings, "Line_Of_Business", source="fleet", userDefined="LINE_OF_BUSINESS")
    found = answer("driver-statement-1099", settings)
    assert isinstance(found, Deferred)
    assert found.code is Code.DIMENSION_NEEDS_ID
    assert found.blocked_by == (f"{CARRIER}/dimension/line-of-business/west fleet", canonical(key))
    settings.put(f"{CARRIER}/dimension/line-of-business/West Fleet", {"value": "10001"})
    [one] = of("driver-statement-1099", settings).lines[0].dimensions
    assert (one.object, one.value, one.user_defined) == ("LINE_OF_BUSINESS", "10001", True)


@pytest.mark.parametrize(("name", "more"), [("rig", {"userDefined": "RIG"}), ("asset", {})])
@pytest.mark.feature("dimensions", "invoiceDimensions")
def test_what_sage_documents_for_bills_only_is_refused_on_an_invoice_unless_the_connection_says_otherwise(name, more):
    settings = connected()
    key = dimension(settings, name, default="10001", **more)
    assert told(of("driver-statement-1099", settings)) == {(name, "10001", ValueSource.DEFAULT)}
    found = answer("invoice-load", settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == (Code.DIMENSION_NOT_ON_INVOICES, (f"{CARRIER}/connection", key))
    settings.connect(invoiceDimensions="leave-out")
    assert told(of("invoice-load", settings)) == set()
    settings.connect(invoiceDimensions="custom-field")
    if more:
        assert told(of("invoice-load", settings)) == {(name, "10001", ValueSource.DEFAULT)}
    else:
        assert isinstance(answer("invoice-load", settings), Deferred)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dimension/class", {"source": "weather"}),
        ("dimension/class", {}),
        ("dimension/class", {"source": "fleet", "userDefined": "CLASS"}),
        ("dimension/line-of-business", {"source": "fleet"}),
        ("dimension/rig", {"source": "fleet", "userDefined": "RIG><x"}),
        ("custom-field/arinvoice/X", {"source": "load.colour", "type": "text"}),
        ("custom-field/arinvoice/X", {"source": "load.office", "type": "picklist"}),
        ("custom-field/arinvoice/X", {"source": "load.office", "type": "date"}),
        ("custom-field/arinvoice/X", {"source": "load.weight", "type": "date"}),
        ("custom-field/arinvoice/X", {"source": "load.createdDate", "type": "number"}),
        ("custom-field/arinvoice/X", {"default": "soon", "type": "date"}),
        ("custom-field/arinvoice/X", {"source": "load.office", "type": "text", "maxLength": 0}),
        ("custom-field/arinvoice/X", {"type": "text"}),
        ("custom-field/arinvoiceitem/AMOUNT", {"source": "load.office", "type": "text"}),
        ("custom-field/arinvoiceitem/trx_amount", {"source": "load.office", "type": "text"}),
        ("custom-field/arinvoiceitem/GLDIMRIG", {"source": "load.office", "type": "text"}),
    ],
)
def test_a_setting_that_cannot_be_meant_so_blocks_what_it_stands_for(key, value):
    settings = connected()
    settings.put(f"{CARRIER}/{key}", value)
    found = answer("invoice-load", settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == (Code.SETTING_INVALID, (canonical(f"{CARRIER}/{key}"),))
    settings.clear(f"{CARRIER}/{key}")
    of("invoice-load", settings)


def test_a_value_mapping_that_cannot_be_read_is_not_as_if_it_were_not_there():
    settings = connected()
    dimension(settings, "class", source="fleet", default="OTHER")
    settings.put(f"{CARRIER}/dimension/class/West Fleet", {"worth": "W"})
    found = answer("invoice-load", settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == (Code.SETTING_INVALID, (f"{CARRIER}/dimension/class/west fleet",))
    assert isinstance(settings.state.records()[-1].value, InvalidSetting) or settings.state.problems()


# Custom fields.

SOURCES = {
    "load.carrierInvoiceNumber": "VF-1",
    "load.subsidiary": "Blue Mesa Transport LLC",
    "load.poNumber": "4500981233",
    "load.orderNumber": "PGF-77120",
    "load.bolNumber": "BOL-7",
    "load.office": "Dallas",
    "load.fleet": "West Fleet",
    "load.equipment": "Van",
    "load.commodity": "Flour",
    "load.weight": "42000",
    "load.volume": "3000.5",
    "load.invoicedDate": "06/10/2026",
    "load.createdDate": "06/01/2026",
    "customer.netPaymentTerms": "30",
    "customer.miles": "925",
    "customer.salesAgent": "M. Ruiz",
    "dispatch.totalMiles": "968",
    "dispatch.loadedMiles": "925",
    "dispatch.emptyMiles": "43",
    "dispatch.dispatchedBy": "J. Poe",
    "dispatch.dispatchedDate": "06/07/2026",
    "shipper.name": "Mill 4",
    "shipper.address": "4 Mill Rd",
    "shipper.city": "Chicago",
    "shipper.state": "IL",
    "shipper.country": "US",
    "shipper.pickupDate": "06/08/2026",
    "consignee.name": "Dock 9",
    "consignee.address": "9 Dock St",
    "consignee.city": "Dallas",
    "consignee.state": "TX",
    "consignee.country": "US",
    "consignee.deliveryDate": "06/10/2026",
    "equipment.truck": "2207",
    "equipment.trailer": "53118",
    "driver.primary": "R. Delgado",
    "driver.secondary": "S. Moss",
    "driver.fleet": "Dry",
    "load.reference/service LEVEL": "Premium",
    "trip.reference/Seal": "778",
}
"""Every source of a custom field that the dimensions article names, and its value on the invoice below."""


def full_invoice() -> dict[str, Any]:
    sample = event("invoice-load")
    sample["data"]["loads"][0] |= {
        "bolNumber": "BOL-7",
        "commodity": "Flour",
        "volume": {"value": 3000.50},
        "createdAt": "2026-06-01",
        "salesAgent": "M. Ruiz",
        "shipper": {"name": "Mill 4", "address": "4 Mill Rd", "city": "Chicago", "state": "IL", "country": "US"},
        "consignee": {"name": "Dock 9", "address": "9 Dock St", "city": "Dallas", "state": "TX", "country": "US"},
    }
    trip = sample["data"]["trips"][0]
    trip |= {"dispatchedBy": "J. Poe", "dispatchedAt": "2026-06-07T08:00:00Z", "carrierInvoiceNumber": "VF-1"}
    trip |= {"driver2": {"name": "S. Moss"}, "references": [{"name": "Seal", "value": 778}]}
    trip["driver1"]["fleet"] = {"name": "Dry"}
    return sample


@pytest.mark.requirement(8, 42)
@pytest.mark.feature("custom fields")
def test_every_source_gives_its_value_to_a_field_of_the_document_and_of_each_line():
    settings = connected()
    for number, source in enumerate(SOURCES):
        field(settings, f"arinvoice/H{number}", source)
        field(settings, f"arinvoiceitem/L{number}", source)
    document = of(full_invoice(), settings)
    assert custom(document) == {f"H{number}": value for number, value in enumerate(SOURCES.values())}
    for line in document.lines:
        assert {each.field: each.value for each in line.custom} == {
            f"L{number}": value for number, value in enumerate(SOURCES.values())
        }


@pytest.mark.requirement(43)
@pytest.mark.feature("custom fields")
@pytest.mark.parametrize(
    ("source", "kind", "more", "value"),
    [
        ("load.createdDate", "date", {}, "06/01/2026"),
        ("load.createdDate", "text", {"format": "yyyy-mm-dd"}, "2026-06-01"),
        ("load.createdDate", "textarea", {"format": "dd/mm/yyyy"}, "01/06/2026"),
        ("load.volume", "number", {}, "3000.5"),
        ("load.volume", "currency", {}, "3000.5"),
        ("load.reference/a number", "number", {}, "-12.50"),
        ("load.reference/a date", "date", {}, "02/29/2028"),
        ("load.reference/lines", "text", {}, "one two"),
        ("load.reference/lines", "textarea", {}, "one\n  two"),
        ("load.bolNumber", "text", {"default": "none"}, "none"),
        (None, "date", {"default": "2026-01-31"}, "01/31/2026"),
    ],
)
def test_a_value_is_written_as_its_type_asks_for(source, kind, more, value):
    settings = connected()
    field(settings, "arinvoice/F", source, kind, **more)
    sample = full_invoice()
    del sample["data"]["loads"][0]["bolNumber"]
    references = {"A number": "-12.50", "A date": "2028-02-29", "Lines": "one\n  two"}
    sample["data"]["loads"][0]["references"] = [{"name": name, "value": text} for name, text in references.items()]
    assert custom(of(sample, settings)) == {"F": value}


@pytest.mark.feature("custom fields", "error classes")
@pytest.mark.parametrize("text", ["12,5", "1e5", "soon", "2026-02-30", "13/01/2026", "١٢"])
@pytest.mark.parametrize("kind", ["number", "currency", "date"])
def test_free_text_that_is_no_value_of_the_type_is_refused_and_never_bent(text, kind):
    settings = connected()
    field(settings, "arinvoice/F", "load.reference/x", kind)
    sample = event("invoice-load")
    sample["data"]["loads"][0]["references"] = [{"name": "X", "value": text}]
    found = answer(sample, settings)
    assert isinstance(found, Rejected)
    assert found.code is Code.CUSTOM_FIELD_UNUSABLE


@pytest.mark.feature("custom fields")
def test_several_loads_are_one_text_and_no_single_date():
    settings = connected()
    field(settings, "arinvoice/TEXT", "load.bolNumber")
    field(settings, "arinvoiceitem/DAY", "load.createdDate", "date")
    sample = event("invoice-load")
    sample["data"]["loads"] = [
        {"loadNumber": "1008841", "bolNumber": "A", "createdAt": "2026-06-01"},
        {"loadNumber": "2", "bolNumber": "B", "createdAt": "2026-06-02"},
    ]
    document = of(sample, settings)
    assert custom(document) == {"TEXT": "A, B"}
    assert {each.value for line in document.lines for each in line.custom} == {"06/01/2026"}
    field(settings, "arinvoice/DAY", "load.createdDate", "date")
    found = answer(sample, settings)
    assert isinstance(found, Rejected)
    assert found.code is Code.CUSTOM_FIELD_UNUSABLE


@pytest.mark.feature("custom fields", "error classes")
def test_a_required_field_without_a_value_waits_for_its_key_before_any_call():
    settings = connected()
    key = field(settings, "arinvoice/F", "load.bolNumber", required=True)
    found = answer("invoice-load", settings)
    assert isinstance(found, Deferred)
    assert (found.code, found.blocked_by) == (Code.CUSTOM_FIELD_MISSING, (key,))
    field(settings, "arinvoice/F", "load.bolNumber", required=True, default="-")
    assert custom(of("invoice-load", settings)) == {"F": "-"}


@pytest.mark.feature("custom fields", "error classes", "longValues")
def test_a_value_that_is_too_long_is_refused_or_cut_as_the_connection_says_and_told():
    settings = connected()
    field(settings, "arinvoice/F", "load.office", maxLength=3)
    found = answer("invoice-load", settings)
    assert isinstance(found, Rejected)
    assert found.code is Code.CUSTOM_FIELD_TOO_LONG
    settings.connect(longValues="truncate")
    [value] = of("invoice-load", settings).custom
    assert (value.value, value.cut_from) == ("Dal", 6)
    field(settings, "arinvoice/F", "customer.miles", "number", maxLength=2)
    assert isinstance(answer("invoice-load", settings), Rejected), "a number is never cut"


@pytest.mark.requirement(42)
def test_a_field_stands_on_its_own_object_only():
    settings = connected()
    for name in ("arinvoice", "arinvoiceitem", "apbill", "apbillitem"):
        field(settings, f"{name}/F_{name}", default=name)
    invoice, bill = of("invoice-load", settings), of("driver-statement-1099", settings)
    assert (custom(invoice), custom(bill)) == ({"F_arinvoice": "arinvoice"}, {"F_apbill": "apbill"})
    assert {each.field for line in invoice.lines for each in line.custom} == {"F_arinvoiceitem"}
    assert {each.field for line in bill.lines for each in line.custom} == {"F_apbillitem"}


def test_one_subsidiarys_dimensions_are_no_other_ones():
    settings = connected()
    dimension(settings, "class", source="fleet")
    assert told(of("invoice-summary", settings)) == set()
