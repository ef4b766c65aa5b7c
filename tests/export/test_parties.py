"""Customers, vendors and terms with the real client before the simulator: found in bulk, made once, told once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from domain.documents import PartyKind
from domain.parties.matching import derived_id
from simulator import Fault
from simulator.seed import CustomField, Record
from tests.support.events import event, to_bytes
from tests.support.over_http import COMPANY, creates, highline
from tests.support.world import SUBSIDIARY, invoice, key

CUSTOMER = derived_id(PartyKind.CUSTOMER, None, "alvys-7")
GIVEN = "2026-07-10T00:00:00Z"
PROFILE: dict[str, Any] = {
    "id": "alvys-7",
    "name": "New Shipper & Sons",
    "paymentTermsInDays": 15,
    "billingAddress": {"street": "1 Elm", "city": "Ouray", "state": "CO", "zipCode": "81427", "country": "USA"},
    "emailAddresses": ["ap@shipper.example"],
    "phoneNumbers": ["970 555 0100"],
}


@pytest.fixture
def company():
    """Highline with a custom field of vendors, and a customer and a vendor more."""
    company = highline()
    fields = (*company.config.custom_fields, CustomField(object="VENDOR", name="MC_NUMBER"))
    return company.model_copy(
        update={
            "customers": (*company.customers, Record(id="C-OLD", name="Closed", status="inactive")),
            "vendors": (*company.vendors, Record(id="V-MC", name="Other", fields={"MC_NUMBER": "MC-812345"})),
            "config": company.config.model_copy(update={"custom_fields": fields}),
        }
    )


@pytest.fixture
def world(world_over_http):
    return world_over_http


def of(number: str, due: str | None = GIVEN, **customer: Any) -> tuple[bytes, bytes]:
    """An invoice to this customer."""
    made = orjson.loads(invoice(number))
    made["data"]["customer"] = customer
    made["data"]["invoice"]["dueDate"] = due
    return key(number), orjson.dumps(made)


async def statement(world, changes: dict[str, Any]) -> None:
    made = event("driver-statement-1099")
    driver = made["data"]["statement"]["driver"]
    driver |= {"subsidiaryId": SUBSIDIARY, **changes}
    number = made["data"]["statement"]["number"]
    record = f"driver-statement/{driver['id']}/{number}".encode(), to_bytes(made)
    await world.send(record, topic=world.topics.settlement_finalized)


async def carrier(world, number: str = "1", **changes: Any) -> None:
    made = event("carrier-statement")
    made["data"]["statement"] |= {"subsidiaryId": SUBSIDIARY, "number": number}
    made["data"]["carrier"] |= {"externalIds": [], **changes}
    record = f"carrier-statement/{made['data']['carrier']['id']}/{number}".encode(), to_bytes(made)
    await world.send(record, topic=world.topics.settlement_finalized)


def rows(gateway, table: str, **criteria: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in gateway.store.database.find(table, COMPANY, **criteria)]


async def announced(world) -> dict[str, Any]:
    records = await world.records(world.topics.sage_parties)
    return {each.key.decode(): orjson.loads(each.value) for each in records}


@pytest.mark.requirement(5)
@pytest.mark.feature("ar.createCustomers", "created ids announced")
async def test_a_customer_that_sage_does_not_have_is_made_once_and_its_id_is_told(world, gateway):
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    await world.send(of("a", **PROFILE), of("b", **PROFILE, externalAccountingName=""))
    async with world.worker():
        results = await world.until(2, "posted")
    assert {each["document"]["party"] for each in results} == {CUSTOMER}
    [made] = rows(gateway, "CUSTOMER", CUSTOMERID=CUSTOMER)
    [contact] = rows(gateway, "CONTACT", CONTACTNAME=made["DISPLAYCONTACTNAME"])
    assert (made["NAME"], made["TERMNAME"], contact["EMAIL1"]) == ("New Shipper & Sons", "Net 15", "ap@shipper.example")
    assert (contact["ADDRESS1"], contact["CITY"], contact["COUNTRYCODE"]) == ("1 Elm", "Ouray", "US")
    assert creates(gateway, "create") == 1
    told = (await announced(world))[f"{SUBSIDIARY}/customer/alvys-7"]
    assert (told["externalAccountingId"], told["companyId"], told["entityId"]) == (CUSTOMER, COMPANY, None)


@pytest.mark.feature("ar.createCustomers")
async def test_what_of_a_profile_is_not_sent_is_told_with_the_document_that_its_party_was_made_for(world, gateway):
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    address = PROFILE["billingAddress"] | {"street": "s" * 255, "address2": "t" * 256, "country": "Utopia"}
    await world.send(of("a", **PROFILE | {"billingAddress": address, "emailAddresses": ["nobody"]}))
    async with world.worker():
        [result] = await world.until(1, "posted")
    made = result["partyMade"]
    assert made["id"] == CUSTOMER
    assert {each["field"] for each in made["notSent"]} == {
        "DISPLAYCONTACT.EMAIL1",
        "DISPLAYCONTACT.MAILADDRESS.ADDRESS2",
        "DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE",
    }
    await world.send(of("b", **PROFILE))
    async with world.worker():
        results = await world.until(2, "posted")
    assert ["partyMade" in each for each in results if each["documentKey"] == "invoice/b"] == [False]


@pytest.mark.feature("ar.createCustomers")
async def test_two_workers_that_meet_one_new_customer_at_once_make_one(world, gateway):
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    gateway.faults.add(Fault(kind="latency", function="create", seconds=0.2))
    async with world.worker() as first, world.worker() as second, asyncio.timeout(120):
        invoices = [TopicPartition(world.topics.invoice_created, number) for number in range(2)]
        while not all(set(invoices) & each.worker.assigned for each in (first, second)):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)
        # Each of another content, so that Sage does not know the second call by its control id.
        profiles = [PROFILE | {"phoneNumbers": [str(number)]} for number in range(40)]
        await world.send(*(of(f"n{number}", **profile) for number, profile in enumerate(profiles)))
        results = await world.until(40, "posted")
    assert creates(gateway, "create") == 2  # both tried, and neither tried again
    assert {each["document"]["party"] for each in results} == {CUSTOMER}
    assert len(rows(gateway, "CUSTOMER", CUSTOMERID=CUSTOMER)) == 1
    assert len(rows(gateway, "ARINVOICE")) == 40


@pytest.mark.parametrize(
    "fault", ["drop_after_commit", "drop_before_commit", "truncated", "timeout_524", "slow_answer", "throttled"]
)
@pytest.mark.feature("ar.createCustomers")
async def test_an_answer_that_is_lost_while_a_customer_is_made_makes_no_second_one(world, gateway, fault):
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    gateway.faults.add(Fault(kind=fault, function="create", times=1, seconds=3))
    await world.send(of("a", **PROFILE))
    async with world.worker():
        await world.until(1, "posted")
    assert len(rows(gateway, "CUSTOMER", NAME="New Shipper & Sons")) == 1
    assert len(rows(gateway, "ARINVOICE", CUSTOMERID=CUSTOMER)) == 1


@pytest.mark.requirement(36, 37)
@pytest.mark.feature("id blocks names", "ar.createCustomers")
async def test_an_id_that_sage_does_not_have_is_refused_before_any_call_or_made_under_that_id(world, gateway):
    await world.send(of("a", externalAccountingId="C-77", name="Prairie Gold Foods"))
    async with world.worker():
        [refused] = await world.until(1, "rejected")
        assert (refused["code"], creates(gateway, "create_invoice")) == ("PARTY_NOT_FOUND", 0)
        await world.connect(company=COMPANY, ar={"createCustomers": True})
        await world.send(of("b", externalAccountingId="C-77", name="Prairie Gold Foods"))
        await world.until(1, "posted")
    assert len(rows(gateway, "CUSTOMER", CUSTOMERID="C-77")) == 1
    assert await announced(world) == {}  # Alvys knows that id


@pytest.mark.requirement(40)
async def test_an_inactive_record_is_neither_used_nor_made_anew(world, gateway):
    await world.connect(company=COMPANY, ar={"createCustomers": True, "updateCustomers": True})
    await world.send(of("a", externalAccountingId="C-OLD", name="Closed"), of("b", **PROFILE | {"name": "closed"}))
    async with world.worker():
        results = await world.until(2, "rejected")
    assert {each["code"] for each in results} == {"PARTY_INACTIVE"}
    assert creates(gateway, "create") == creates(gateway, "create_invoice") == creates(gateway, "update") == 0


async def test_a_refusal_by_sage_corrects_what_was_kept(world, gateway):
    async with world.worker(config=replace(world.config, cache_ttl=timedelta(hours=9))):
        await world.send(of("a", externalAccountingId="C-1"))
        await world.until(1, "posted")
        gateway.store.set_record(COMPANY, "CUSTOMER", "C-1", {"STATUS": "inactive"})
        await world.send(of("b", externalAccountingId="C-1"))
        refused = await world.until(1, "rejected")
        assert refused[-1]["code"] == "SAGE_PARTY_INVALID"  # it was believed to be active
        await world.send(of("c", externalAccountingId="C-1"))
        refused = await world.until(2, "rejected")
        assert refused[-1]["code"] == "PARTY_INACTIVE"
        assert creates(gateway, "create_invoice") == 2
        gateway.store.set_record(COMPANY, "CUSTOMER", "C-1", {"STATUS": "active"})
        await world.send(of("d", externalAccountingId="C-1"))
        await world.until(2, "posted")


async def test_a_contact_of_that_name_is_no_obstacle(world, gateway):
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    taken = {"CONTACTNAME": f"New Shipper & Sons (C{CUSTOMER})", "PRINTAS": "x", "STATUS": "active"}
    gateway.store.database.insert("CONTACT", COMPANY, taken)
    await world.send(of("a", **PROFILE))
    async with world.worker():
        await world.until(1, "posted")
    [made] = rows(gateway, "CUSTOMER", CUSTOMERID=CUSTOMER)
    assert made["DISPLAYCONTACTNAME"] == f"New Shipper & Sons (C{CUSTOMER} 2)"


async def test_a_customer_that_sage_refuses_to_make_holds_up_no_other(world, gateway):
    gateway.store.database.execute("UPDATE user_account SET denied = 'create CUSTOMER'")
    await world.connect(company=COMPANY, ar={"createCustomers": True})
    await world.send(of("a", **PROFILE), of("b", externalAccountingId="C-1"))
    async with world.worker():
        await world.until(1, "posted")
        [refused] = [each for each in await world.until(1, "rejected") if each["outcome"] == "rejected"]
    assert refused["code"] == "PARTY_NOT_CREATED"
    assert "permission" in refused["detail"]


@pytest.mark.feature("ar.updateCustomers")
async def test_a_customer_follows_its_profile_in_what_differs_and_once(world, gateway):
    await world.connect(company=COMPANY, ar={"updateCustomers": True})
    profile = PROFILE | {"externalAccountingId": "C-1"}
    async with world.worker():
        await world.send(of("a", **profile))
        await world.until(1, "posted")
        await world.send(of("b", **profile), of("c", **profile))
        await world.until(3, "posted")
        assert creates(gateway, "update") == 1
        await world.send(of("d", **profile | {"phoneNumbers": ["1"]}))
        await world.until(4, "posted")
    [found] = rows(gateway, "CUSTOMER", CUSTOMERID="C-1")
    [contact] = rows(gateway, "CONTACT", CONTACTNAME=found["DISPLAYCONTACTNAME"])
    assert (found["NAME"], found["TERMNAME"]) == ("Prairie Gold Foods", "Net 15")  # never the name
    assert (contact["EMAIL1"], contact["PHONE1"], contact["CITY"]) == ("ap@shipper.example", "1", "Ouray")
    assert creates(gateway, "update") == 2


@pytest.mark.feature("ap.updateVendors")
async def test_a_vendor_follows_its_profile_where_the_setting_says_so(world, gateway):
    await world.connect(company=COMPANY, ap={"updateVendors": True})
    await statement(world, {"externalAccountingId": "V-1", "phone": "970 555 0199", "email": "pay@hauler.example"})
    async with world.worker():
        await world.until(1, "posted")
    [found] = rows(gateway, "VENDOR", VENDORID="V-1")
    [contact] = rows(gateway, "CONTACT", CONTACTNAME=found["DISPLAYCONTACTNAME"])
    assert found["NAME"] == "Delgado Hauling LLC"  # never the name
    assert contact["PHONE1"] == "970 555 0199"
    assert creates(gateway, "update") == 1


@pytest.mark.requirement(35)
@pytest.mark.feature("ap.createVendors", "tax company")
async def test_a_1099_driver_becomes_a_vendor_under_the_tax_company(world, gateway):
    await world.connect(company=COMPANY, ap={"createVendors": True})
    company = {"name": "Delgado Hauling II LLC", "taxId": "12-3456789", "email": "tax@delgado.example"}
    driver = {"externalAccountingId": None, "taxCompanyName": None, "taxCompany": company, "email": "r@home.example"}
    await statement(world, driver | {"form1099Type": "NEC", "form1099Box": "1"})
    async with world.worker():
        [posted] = await world.until(1, "posted")
    [made] = rows(gateway, "VENDOR", VENDORID=posted["document"]["party"])
    [contact] = rows(gateway, "CONTACT", CONTACTNAME=made["DISPLAYCONTACTNAME"])
    assert (made["NAME"], made["TAXID"], made["TERMNAME"]) == ("Delgado Hauling II LLC", "12-3456789", "Net 7")
    assert (made["NAME1099"], made["FORM1099TYPE"], made["FORM1099BOX"]) == ("Delgado Hauling II LLC", "NEC", "1")
    assert contact["EMAIL1"] == "tax@delgado.example"
    assert "12-3456789" not in repr(await world.results())


@pytest.mark.feature("ap.linkCarriersBy", "ap.carrierNumberField", "MC or DOT number", "ap.nameMatching")
async def test_a_carrier_is_linked_by_its_mc_number_before_its_name(world, gateway):
    await world.connect(company=COMPANY, ap={"exportCarrierStatements": True, "linkCarriersBy": "mc"})
    await carrier(world)
    async with world.worker():
        [waits] = await world.until(1, "deferred")
        assert waits["code"] == "CARRIER_NUMBER_FIELD_UNSET"
        linked = {"linkCarriersBy": "mc", "carrierNumberField": "MC_NUMBER", "exportCarrierStatements": True}
        await world.connect(company=COMPANY, ap=linked)
        [posted] = [each for each in await world.until(1, "posted") if each["outcome"] == "posted"]
        assert posted["document"]["party"] == "V-MC"
        await world.connect(company=COMPANY, ap=linked | {"nameMatching": False})
        await carrier(world, "2", mcNum="MC1")
        await world.until(1, "rejected")
        await world.connect(company=COMPANY, ap=linked)
        await carrier(world, "3", mcNum="MC1")
        posted = await world.until(2, "posted")
    assert posted[-1]["document"]["party"] == "V-2"


@pytest.mark.feature("ap.createVendors")
@pytest.mark.parametrize("ids", [[], [{"subsidiaryId": SUBSIDIARY, "externalAccountingId": "V-NEW"}]])
async def test_a_vendor_that_was_made_for_one_carrier_is_not_paid_for_another_of_its_name(world, gateway, ids):
    await world.connect(company=COMPANY, ap={"exportCarrierStatements": True, "createVendors": True})
    async with world.worker():
        await carrier(world, "1", id="first", name="Eagle Transport", externalName="", externalIds=ids)
        await world.until(1, "posted")
        await carrier(world, "2", id="second", name="Eagle  Transport", externalName="")
        first, second = await world.until(2, "posted")
        await carrier(world, "3", id="first", name="EAGLE TRANSPORT", externalName="")
        third = (await world.until(3, "posted"))[-1]
    parties = [each["document"]["party"] for each in (first, second, third)]
    assert parties == [parties[0], derived_id(PartyKind.VENDOR, None, "second"), parties[0]]
    made = [row for row in rows(gateway, "VENDOR") if row["NAME"].startswith("Eagle")]
    assert sorted(row["COMMENTS"] for row in made) == ["Alvys id: first", "Alvys id: second"]


@pytest.mark.feature("MC or DOT number")
async def test_a_carrier_of_a_vendors_name_and_another_number_is_not_paid_as_him(world, gateway):
    linked = {"linkCarriersBy": "mc", "carrierNumberField": "MC_NUMBER", "exportCarrierStatements": True}
    await world.connect(company=COMPANY, ap=linked | {"createVendors": True})
    await carrier(world, "1", name="Other", externalName="", mcNum="MC-777")
    async with world.worker():
        [refused] = await world.until(1, "rejected")
    assert refused["code"] == "PARTY_AMBIGUOUS"
    assert "MC number is 'MC-812345', not '777'" in refused["detail"]
    assert creates(gateway, "create_bill") == 0


@pytest.mark.parametrize("form", ["contact", "vendor", "none"])
@pytest.mark.feature("ap.factoringAs", "factoring")
async def test_the_factoring_company_of_a_new_carrier_is_a_pay_to_contact_or_a_vendor(world, gateway, form):
    await world.connect(
        company=COMPANY, ap={"exportCarrierStatements": True, "createVendors": True, "factoringAs": form}
    )
    await carrier(world, externalName="Brand New Freight")
    gateway.faults.add(Fault(kind="drop_after_commit", function="create", times=1, seconds=0))
    async with world.worker():
        [posted] = await world.until(1, "posted")
    [made] = rows(gateway, "VENDOR", VENDORID=posted["document"]["party"])
    factors = rows(gateway, "VENDOR", NAME="Harbor Street Factors")
    assert len(factors) == (form == "vendor")
    if form == "contact":
        assert made["PAYTOCONTACTNAME"].startswith("Harbor Street Factors (F")
        [bill] = rows(gateway, "APBILL")
        assert bill["BILLTOPAYTOCONTACTNAME"] == made["PAYTOCONTACTNAME"]
    else:
        assert made["PAYTOCONTACTNAME"] is None


@pytest.mark.feature("payment terms", "terms.default", "terms.fallback", "terms reported")
async def test_the_profiles_term_the_fallback_and_the_default_are_sent_and_told(world, gateway):
    await world.connect(company=COMPANY, terms={"default": "net 7", "fallback": "Net 30"})
    await world.send(
        of("own", None, externalAccountingId="C-1", paymentTermsInDays=45),
        of("fallback", None, externalAccountingId="C-1", paymentTermsInDays=22),
        of("default", None, externalAccountingId="C-1"),
        of("given", externalAccountingId="C-1", paymentTermsInDays=45),
    )
    async with world.worker():
        results = await world.until(4, "posted")
    told = {each["document"]["number"]: each["document"]["terms"] for each in results}
    assert told == {
        "own": {"asked": "Net 45", "used": "Net 45"},
        "fallback": {"asked": "Net 22", "used": "Net 30", "fallback": True},
        "default": {"asked": "net 7", "used": "Net 7"},
        "given": {"asked": "Net 45", "used": "Net 45"},
    }
    booked = {each["number"]: (each["term"], each["due_date"]) for each in gateway.store.documents(COMPANY)}
    assert booked == {
        "own": ("Net 45", "2026-07-25"),
        "fallback": ("Net 30", "2026-07-10"),
        "default": ("Net 7", "2026-06-17"),
        "given": ("Net 45", "2026-07-10"),
    }


@pytest.mark.feature("terms.fallback")
async def test_a_term_that_sage_does_not_have_and_no_fallback_is_refused_before_any_call(world, gateway):
    await world.send(of("a", externalAccountingId="C-1", paymentTermsInDays=22))
    async with world.worker():
        [refused] = await world.until(1, "rejected")
        assert refused["code"] == "TERM_NOT_FOUND"
        assert creates(gateway, "create_invoice") == 0
        term = {"NAME": "Net 22", "DUEDATE": 22, "STATUS": "active"}
        gateway.store.database.insert("ARTERM", COMPANY, term)
        await world.ask("retry", documents=["invoice/a"])
        await world.until(1, "posted")


async def test_bills_carry_the_term_too_and_zero_days_none(world, gateway):
    await statement(world, {"externalAccountingId": "V-1", "paymentTermsInDays": 0})
    await carrier(world, externalIds=[{"subsidiaryId": SUBSIDIARY, "externalAccountingId": "V-2"}])
    await world.connect(company=COMPANY, ap={"exportCarrierStatements": True})
    async with world.worker():
        results = await world.until(2, "posted")
    told = {each["document"]["kind"]: each["document"].get("terms") for each in results}
    assert told == {"driver-statement": None, "carrier-statement": {"asked": "Net 30", "used": "Net 30"}}
    assert {each["term"] for each in gateway.store.documents(COMPANY)} == {"", "Net 30"}


async def test_a_list_that_cannot_be_read_decides_nothing(world, gateway):
    gateway.faults.add(Fault(kind="http_error", function="query", times=3, status=503))
    await world.send(of("a", name="Prairie Gold Foods", id="x"), of("b", externalAccountingId="C-2"))
    async with world.worker(), asyncio.timeout(60):
        results = await world.until(2, "posted")
    assert {each["outcome"] for each in results} == {"posted"}
