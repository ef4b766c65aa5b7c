"""From what the event says to what Sage is to book, or why not, in a fixed order."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.documents import Document, MappingLevel, SageObject
from domain.export import export
from domain.outcomes import Deferred, Rejected, Skipped
from tests.support.events import NAMES, event, read, source
from tests.support.mappings import BROKER, CARRIER, Settings, connected, mapped, stopped


@pytest.mark.requirement(2, 3, 52, 55)
@pytest.mark.parametrize("name", [name for name in NAMES if "deducted" not in name])
def test_with_the_master_defaults_alone_every_sample_becomes_a_document(name):
    found = source(name)
    by_statement = name == "carrier-statement"
    document = mapped(found, connected(ap={"exportCarrierStatements": by_statement}, crossSubsidiary=True))
    assert [line.amount for line in document.lines] == [line.amount for line in found.lines]
    assert document.total == found.total
    account = "4000" if document.sage_object is SageObject.AR_INVOICE else "5000"
    assert {(line.account, line.resolution.level) for line in document.lines} == {(account, MappingLevel.MASTER)}
    assert document.currency is None  # the base currency
    assert len(document.number) <= 30
    assert len(document.description) <= 60
    assert all(len(line.memo) <= 200 for line in document.lines)
    assert not document.draft


@pytest.mark.feature("PO number", "ar.poNumber", "ar.autopost")
def test_a_document_says_where_it_goes():
    settings = connected()
    settings.connect(entityId="E100", locationId="L1", ar={"autopost": False, "poNumber": "po"})
    document = mapped(source("invoice-load"), settings)
    assert (document.connection.company_id, document.connection.entity_id) == ("BlueMesa", "E100")
    assert document.connection.credentials == "blue-mesa"
    assert {line.location_id for line in document.lines} == {"L1"}
    assert document.draft
    assert document.reference == "4500981233"
    assert mapped(source("invoice-load"), connected()).reference == "PGF-77120"
    assert mapped(source("carrier-bill"), connected()).reference == "VF-66140"


def test_without_a_connection_nothing_is_exported():
    assert stopped(source("toll"), Settings(), Skipped).code == "NOT_CONNECTED"


def test_an_unreadable_connection_waits_for_its_key():
    settings = connected()
    settings.raw(f"{CARRIER}/connection", b"{}")
    answer = stopped(source("toll"), settings, Deferred)
    assert (answer.code, answer.blocked_by) == ("SETTING_INVALID", (f"{CARRIER}/connection",))


@pytest.mark.requirement(9, 10)
def test_only_what_was_created_after_activation_is_exported():
    settings = connected(activatedAt="2026-06-10T18:05:20+02:00")  # 16:05:20 UTC, the moment of its creation
    assert isinstance(export(source("invoice-load"), settings.state), Document)
    before = source("invoice-load", created_at=datetime(2026, 6, 10, 16, 5, 19, tzinfo=UTC))
    assert stopped(before, settings, Skipped).code == "BEFORE_ACTIVATION"


SWITCHES = [
    ("invoice-load", {"ar": {"active": False}}, "SIDE_DISABLED"),
    ("toll", {"ap": {"active": False}}, "SIDE_DISABLED"),
    ("fuel-reefer", {"ap": {"includeFuel": False}}, "FUEL_DISABLED"),
    ("toll", {"ap": {"includeTolls": False}}, "TOLLS_DISABLED"),
    ("fuel-diesel-deducted", {}, "DEDUCTED_FROM_DRIVER"),
    ("toll-deducted", {}, "DEDUCTED_FROM_DRIVER"),
    ("driver-statement-w2", {"ap": {"only1099Drivers": True}}, "NOT_A_1099_DRIVER"),
]


@pytest.mark.feature("ap.only1099Drivers", "ap.includeFuel", "ap.includeTolls", "deducted rows")
@pytest.mark.parametrize(("name", "change", "code"), SWITCHES)
def test_a_switch_skips_its_documents_with_the_reason(name, change, code):
    assert stopped(source(name), connected(**change), Skipped).code == code


@pytest.mark.requirement(60)
def test_a_side_that_is_off_leaves_the_other_alone():
    assert isinstance(export(source("toll"), connected(ar={"active": False}).state), Document)
    assert isinstance(export(source("invoice-load"), connected(ap={"active": False}).state), Document)


@pytest.mark.requirement(69)
@pytest.mark.feature("ap.includeDriverBills")
def test_driver_bills_off_skips_every_driver_statement_and_nothing_else():
    settings = connected(ap={"includeDriverBills": False, "exportCarrierStatements": True})
    assert stopped(source("driver-statement-1099"), settings, Skipped).code == "DRIVER_BILLS_DISABLED"
    assert stopped(source("driver-statement-w2"), settings, Skipped).code == "DRIVER_BILLS_DISABLED"
    assert isinstance(export(source("carrier-statement"), settings.state), Document)


@pytest.mark.feature("ap.only1099Drivers")
def test_1099_drivers_only_lets_them_pass():
    settings = connected(ap={"only1099Drivers": True})
    assert isinstance(export(source("driver-statement-1099"), settings.state), Document)


def test_zero_is_skipped_and_a_credit_is_refused():
    zero = source("toll", total=Decimal("0.00"), lines=())
    assert stopped(zero, connected(), Skipped).code == "ZERO_TOTAL"
    assert stopped(source("toll", total=Decimal("-1.00")), connected(), Rejected).code == "NEGATIVE_TOTAL"


def test_a_paused_connection_defers_what_it_would_export_and_skips_what_it_would_skip():
    settings = connected(state="paused")
    answer = stopped(source("toll"), settings, Deferred)
    assert (answer.code, answer.blocked_by) == ("CONNECTION_PAUSED", (f"{CARRIER}/connection",))
    assert stopped(source("toll-deducted"), settings, Skipped).code == "DEDUCTED_FROM_DRIVER"


def test_a_provider_has_its_own_vendor_else_the_default_one():
    settings = connected()
    assert mapped(source("toll"), settings).party.external_id == "VEN-TOLL"
    settings.put(f"{CARRIER}/vendor/toll/bestpass", {"vendorId": "VEN-BP"})
    assert mapped(source("toll"), settings).party.external_id == "VEN-BP"
    assert mapped(source("fuel-reefer"), settings).party.external_id == "VEN-FUEL"


def test_a_provider_without_vendor_waits_for_its_key_or_the_defaults():
    settings = connected()
    settings.clear(f"{CARRIER}/vendor/toll/default")
    answer = stopped(source("toll"), settings, Deferred)
    assert answer.code == "VENDOR_UNMAPPED"
    assert answer.blocked_by == (f"{CARRIER}/vendor/toll/bestpass", f"{CARRIER}/vendor/toll/default")
    settings.put(f"{CARRIER}/vendor/toll/BestPass", {"vendor": "typo"})
    settings.put(f"{CARRIER}/vendor/toll/default", {"vendorId": "VEN-TOLL"})
    answer = stopped(source("toll"), settings, Deferred)
    assert (answer.code, answer.blocked_by) == ("SETTING_INVALID", (f"{CARRIER}/vendor/toll/bestpass",))


@pytest.mark.requirement(54, 57)
def test_without_any_account_the_document_waits_for_whichever_key_comes_first():
    settings = connected()
    master = f"{CARRIER}/account/ar/default/default"
    settings.clear(master)
    answer = stopped(source("invoice-load"), settings, Deferred)
    base = f"{CARRIER}/account/ar"
    assert answer.code == "ACCOUNT_UNMAPPED"
    assert answer.blocked_by == (
        master,
        f"{base}/load/default",
        f"{base}/load/customer linehaul",
        f"{base}/load/fuel surcharge",
        f"{base}/accessorials/default",
        f"{base}/accessorials/detention",
    )
    assert settings.account("ar/load/default", "4100") in answer.blocked_by
    assert settings.account("ar/accessorials/ DETENTION", "4200") in answer.blocked_by
    document = mapped(source("invoice-load"), settings)
    assert [line.account for line in document.lines] == ["4100", "4100", "4200"]


def test_an_unreadable_account_defers_the_whole_document():
    settings = connected()
    settings.put(f"{CARRIER}/account/ar/accessorials/default", {"account": 4100})
    answer = stopped(source("invoice-load"), settings, Deferred)
    assert answer.code == "SETTING_INVALID"
    assert answer.blocked_by == (
        f"{CARRIER}/account/ar/accessorials/default",
        f"{CARRIER}/account/ar/accessorials/detention",
    )


@pytest.mark.requirement(62)
def test_a_changed_mapping_changes_later_exports_and_neither_the_posted_document_nor_its_revision():
    settings = connected()
    before, revision = mapped(source("toll"), settings), read(event("toll")).revision
    settings.account("ap/toll/default", "5400")
    assert mapped(source("toll"), settings).lines[0].account == "5400"
    assert before.lines[0].account == "5000"
    assert read(event("toll")).revision == revision


@pytest.mark.requirement(26)
def test_each_subsidiary_has_its_own_accounts():
    settings = connected()
    settings.put(f"{BROKER}/account/ar/default/default", {"account": "4999"})
    assert {line.account for line in mapped(source("invoice-summary"), settings).lines} == {"4999"}
    assert {line.account for line in mapped(source("invoice-load"), settings).lines} == {"4000"}


def test_a_currency_other_than_the_base_is_named():
    assert mapped(source("toll"), connected(baseCurrency="CAD")).currency == "USD"
    assert mapped(source("toll", currency=None), connected(baseCurrency="CAD")).currency is None


def test_amounts_without_currency_must_fit_the_base_currency():
    answer = stopped(source("toll", currency=None), connected(baseCurrency="JPY"), Rejected)
    assert answer.code == "AMOUNT_TOO_FINE"
