"""What exists depends on subscriptions and permissions: the client asks what this company has, and copes with less."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from domain.categories import Side
from domain.codes import Code
from domain.documents import PartyKind, SageObject
from domain.parties.party_fields import differing
from domain.payments import PaymentKind
from sage_client import Dimension, DocumentKey, ErrorCategory, Query, errors, one_of
from sage_client._fields import KEPT, refused_names
from sage_client.gateway_error import GatewayError
from sage_client.parties import PartyFields
from sage_client.payments import PaymentsReader
from tests.support.company_gateway import BAREST, FULLEST, CompanyGateway, bracketed
from tests.support.scripted_gateway import error, errormessage, login, refused

EVERY = 5
"""Polls of a test that counts."""


def without(*lacking: str, of: str = "ARPYMTDETAIL") -> dict[str, set[str]]:
    """The fullest company, but for these fields of one object."""
    return {**FULLEST, of: FULLEST[of] - set(lacking)}


def older(_: str, fields: Collection[str]) -> str:
    """The older form of a refusal, which gives one name at a time."""
    return error("XL03000006", f"There was an error in the request; {min(fields)} [Support ID: abc%7E1]")


def nameless(_: str, fields: Collection[str]) -> str:
    return error("XL03000006", "Error with Intacct query: check that the fields exist and try again.")


async def changed(gateway: CompanyGateway, side: Side = Side.AR, polls: int = 1):
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        for _ in range(polls):
            read = await payments.changed(login(), side, "03/09/2026 11:00:00")
    return read.details


def selected(gateway: CompanyGateway, name: str) -> list[str]:
    """The fields of the last query of an object."""
    return next(fields for asked, fields in reversed(gateway.queries) if asked == name)


async def test_the_fields_of_an_object_are_asked_for_once_and_then_every_read_is_one_request():
    gateway = CompanyGateway(has=BAREST)
    for side in Side:
        gateway.asked.clear()
        async with gateway.client() as client:
            payments = PaymentsReader(client.page, lambda: None)
            for _ in range(EVERY):
                await payments.changed(login(), side, "03/09/2026 11:00:00")
        assert (len(gateway.lookups), len(gateway.requests), gateway.refusals) == (1, EVERY, 0)


async def test_fields_of_many_objects_are_asked_for_in_one_request():
    gateway = CompanyGateway()
    async with gateway.client() as client:
        for _ in range(2):
            await client.find(login(), [DocumentKey(each, "N", "P") for each in SageObject])
    [asked] = gateway.lookups
    assert sorted(asked.objects_described) == sorted(SageObject)
    assert len(gateway.requests) == 2


async def test_a_hundred_readers_at_once_ask_once():
    gateway = CompanyGateway()
    async with gateway.client() as client:
        await asyncio.gather(*(client.accounts(login()) for _ in range(100)))
    assert len(gateway.lookups) == 1


async def test_what_a_subscription_adds_is_read_within_a_day():
    gateway = CompanyGateway(has=without("TRX_POSTEDADVANCEAMOUNT", "POSTEDADVANCEAMOUNT"))
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        [first] = (await payments.changed(login(), Side.AR, None)).details
        gateway.has = FULLEST
        [second] = (await payments.changed(login(), Side.AR, None)).details
        gateway.now += KEPT + timedelta(seconds=1)
        [third] = (await payments.changed(login(), Side.AR, None)).details
    assert PaymentKind.ADVANCE not in first.amounts
    assert second == first
    assert third.amounts[PaymentKind.ADVANCE] == Decimal("1.00")


async def test_what_lookup_does_not_list_is_not_asked_for():
    gateway = CompanyGateway(has=BAREST)
    async with gateway.client() as client:
        [account] = await client.accounts(login())
        await client.records(login(), SageObject.AR_INVOICE, ["1"])
    assert account.requires == frozenset()
    assert not {"REQUIREPROJECT", "REQUIRECONTRACT", "REQUIREWAREHOUSE"} & set(selected(gateway, "GLACCOUNT"))
    assert gateway.refusals == 0


@pytest.mark.parametrize(("refusal", "refusals"), [(bracketed, 1), (older, 3)])
async def test_names_that_are_refused_are_left_out_and_that_costs_one_refusal_and_not_one_a_query(refusal, refusals):
    takes = without("POSTEDOVERPAYMENTAMOUNT", "TRX_POSTEDOVERPAYMENTAMOUNT", "PAYMENTDATE")
    gateway = CompanyGateway(has=FULLEST, takes=takes, refusal=refusal)
    [row] = await changed(gateway, polls=EVERY)
    assert row.amounts == {
        PaymentKind.PAYMENT: Decimal(1), PaymentKind.CREDIT: Decimal(3), PaymentKind.ADVANCE: Decimal(1),
    }  # fmt: skip
    assert gateway.refusals == refusals
    assert len(gateway.requests) == EVERY + refusals
    assert len(gateway.lookups) == 1
    assert set(selected(gateway, "ARPYMTDETAIL")) <= takes["ARPYMTDETAIL"]
    assert {"CURRENCY", "STATE", "INLINEKEY", "RECORDKEY"} <= set(selected(gateway, "ARPYMTDETAIL"))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("Fields are not available: [ARPYMTDETAIL: [A_ONE, A_TWO] ]", {"A_ONE", "A_TWO"}),
        ("Fields are not available: ARPYMTDETAIL: [A_ONE, A_TWO]", {"A_ONE", "A_TWO"}),
        ("Fields are not available: [ARPYMTDETAIL: [A_ONE] ] [Support ID: q1%7EA_TWO-]", {"A_ONE"}),
        ("Something is wrong; A_ONE [Support ID: A_TWO]", {"A_ONE"}),
        ("Invalid fields list A_ONE, A_TWO", {"A_ONE", "A_TWO"}),
        ("[VENDOR: [DISPLAYCONTACT.EMAIL1] ]", {"DISPLAYCONTACT.EMAIL1"}),
        ("There's an error with the value for field A_ONE. Value: [P]", set()),
        ("Not asked for: [ARPYMTDETAIL: [SOMETHING] ]", set()),
        ("Check that A_ONE exists", set()),
    ],
)
def test_only_names_in_the_lists_of_a_refusal_count_and_only_those_that_were_asked_for(words, names):
    refusal = errors.RequestInvalidError("x", errors=(GatewayError.of("XL03000006", "", words, ""),))
    assert refused_names(refusal, ("A_ONE", "A_TWO", "DISPLAYCONTACT.EMAIL1")) == names


def test_a_list_of_names_in_place_of_the_number_counts_too():
    refusal = errors.RefusedError("x", errors=(GatewayError.of("Invalid fields list A_ONE", "", "", ""),))
    assert refused_names(refusal, ("A_ONE", "A_TWO")) == {"A_ONE"}


@pytest.mark.parametrize("needed", ["RECORDKEY", "PAYMENTKEY", "RECORDNO", "WHENMODIFIED"])
@pytest.mark.parametrize("listed", [True, False])
async def test_a_field_that_cannot_be_done_without_is_a_clear_error_and_never_a_sum_without_it(needed, listed):
    gateway = CompanyGateway(has=FULLEST if listed else without(needed), takes=without(needed))
    with pytest.raises(errors.FieldMissingError) as caught:
        await changed(gateway)
    assert caught.value.code is Code.SAGE_FIELD_MISSING
    assert f"ARPYMTDETAIL has no {needed}" in str(caught.value)
    gateway.takes = FULLEST
    assert await changed(gateway)


async def test_a_needed_field_that_comes_back_is_read_at_once():
    gateway = CompanyGateway(takes=without("PAYMENTKEY"))
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        with pytest.raises(errors.FieldMissingError):
            await payments.changed(login(), Side.AR, None)
        gateway.takes = None
        assert (await payments.changed(login(), Side.AR, None)).details


async def test_a_field_that_a_filter_compares_is_not_left_out():
    gateway = CompanyGateway(takes=without("STATUS", of="VENDOR"))
    async with gateway.client() as client:
        with pytest.raises(errors.FieldMissingError) as caught:
            await client.query(login(), Query("VENDOR", ("VENDORID",), one_of("STATUS", ["active"])))
    assert "VENDOR has no STATUS" in str(caught.value)
    assert caught.value.kind is ErrorCategory.CONFIGURATION


async def test_an_alternative_of_a_filter_that_no_row_can_match_is_left_out():
    gateway = CompanyGateway(has=without("NEGATIVEINVOICEKEY", "NEGATIVEINVOICEAMOUNT", "TRX_NEGATIVEINVOICEAMOUNT"))
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        assert list(await payments.details(login(), SageObject.AR_INVOICE, ["1"]))
    [asked] = gateway.requests
    compared = [each.text for each in asked.root.iterfind(".//in/field")]
    assert compared == ["RECORDKEY", "INLINEKEY"]
    assert gateway.refusals == 0


async def test_an_alternative_that_is_refused_though_it_is_listed_is_an_error_for_rows_may_match_it():
    gateway = CompanyGateway(takes=without("NEGATIVEINVOICEKEY"))
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        with pytest.raises(errors.FieldMissingError):
            await payments.details(login(), SageObject.AR_INVOICE, ["1"])


AMOUNTS = ("PAYMENTAMOUNT", "ADJUSTMENTAMOUNT", "INLINEAMOUNT")
BASE = dict.fromkeys(AMOUNTS, "7.00")


async def test_the_base_amount_stands_in_where_the_company_has_no_other():
    lacking = without(*(f"TRX_{name}" for name in AMOUNTS))
    gateway = CompanyGateway(has=lacking, rows={"ARPYMTDETAIL": [BASE]})
    [row] = await changed(gateway)
    assert row.amounts[PaymentKind.PAYMENT] == Decimal(7)
    assert row.amounts[PaymentKind.CREDIT] == Decimal(7 + 7 + 1)


async def test_the_base_amount_never_stands_in_for_one_that_may_not_be_read():
    gateway = CompanyGateway(takes=without("TRX_ADJUSTMENTAMOUNT"), rows={"ARPYMTDETAIL": [BASE]})
    [row] = await changed(gateway)
    assert row.amounts[PaymentKind.CREDIT] == Decimal(2)  # what is inline and of a negative invoice
    assert row.uses == (
        (SageObject.AR_INVOICE, "1", Decimal(1)),
        (SageObject.AR_INVOICE, "1", Decimal(1)),
    )
    gateway = CompanyGateway(takes=without("TRX_PAYMENTAMOUNT"), rows={"ARPYMTDETAIL": [BASE]})
    with pytest.raises(errors.FieldMissingError):
        await changed(gateway)


async def test_a_refusal_without_names_renews_the_list_once_and_else_stays_what_it_is():
    gateway = CompanyGateway(refusal=nameless)
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        await payments.changed(login(), Side.AR, None)
        gateway.now += timedelta(hours=1)
        gateway.has = without("PAYMENTDATE")  # a subscription ended
        [row] = (await payments.changed(login(), Side.AR, None)).details
        assert row.date == ""
        assert (len(gateway.lookups), gateway.refusals) == (2, 1)
        gateway.now += timedelta(hours=1)
        gateway.takes = without("PAYMENTDATE", "CURRENCY")
        with pytest.raises(errors.SageError) as caught:
            await payments.changed(login(), Side.AR, None)
    assert "check that the fields exist" in str(caught.value)


async def test_a_subscription_that_ends_is_noticed_by_the_refusal_and_the_list_is_renewed():
    gateway = CompanyGateway()
    async with gateway.client() as client:
        payments = PaymentsReader(client.page, lambda: None)
        await payments.changed(login(), Side.AR, None)
        gateway.now += timedelta(hours=1)
        gateway.has = without("TRX_ADJUSTMENTAMOUNT")
        gateway.rows = {"ARPYMTDETAIL": [BASE]}
        [row] = (await payments.changed(login(), Side.AR, None)).details
    # The new list says that the field is not there, so its base amount is the document's.
    assert row.amounts[PaymentKind.CREDIT] == Decimal(7 + 1 + 1)
    assert (len(gateway.lookups), gateway.refusals) == (2, 1)


async def test_where_lookup_is_not_allowed_a_query_asks_for_all_and_copes_with_the_refusal():
    gateway = CompanyGateway(takes=BAREST | {"ARPYMTDETAIL": without("PAYMENTDATE")["ARPYMTDETAIL"]})
    gateway.describe = lambda asked: asked.answer(
        "".join(refused(each, error("PL04000005", "You do not have permission")) for each in asked.control_ids)
    )
    for _ in range(2):
        [row] = await changed(gateway, polls=EVERY)
        assert row.date == ""
    assert (gateway.refusals, len(gateway.lookups)) == (2, 2)  # one of each a client


async def test_a_gateway_that_does_not_take_lookup_at_all_is_read_all_the_same():
    gateway = CompanyGateway()
    gateway.describe = lambda asked: (
        f"<response>{asked.control('failure')}{errormessage(error('XL03000003', 'XML Parse schema error'))}</response>"
    )
    assert await changed(gateway, polls=EVERY)
    assert (len(gateway.lookups), gateway.refusals) == (1, 0)


async def test_a_list_that_cannot_be_read_at_the_moment_fails_the_read_and_is_asked_for_again():
    gateway = CompanyGateway()
    whole, gateway.describe = gateway.describe, lambda _: httpx.Response(503)
    async with gateway.client() as client:
        with pytest.raises(errors.SageError):
            await client.accounts(login())
        gateway.describe = whole
        assert await client.accounts(login())


async def test_what_one_user_may_read_says_nothing_of_another():
    gateway = CompanyGateway()
    async with gateway.client() as client:
        for who in (login(), replace(login(), user_id="other"), login(entity="100"), login("OTHER")):
            await client.accounts(who)
    assert len(gateway.lookups) == 3  # an entity of a company is the company's


async def test_the_marker_of_a_look_up_is_never_left_out():
    lacking = {**FULLEST, "ARINVOICE": FULLEST["ARINVOICE"] - {"DESCRIPTION"}}
    gateway = CompanyGateway(has=lacking)
    async with gateway.client() as client:
        with pytest.raises(errors.FieldMissingError):
            await client.find(login(), [DocumentKey(SageObject.AR_INVOICE, "N", "C-1")])


async def test_a_partys_field_that_cannot_be_read_is_no_difference():
    gateway = CompanyGateway(has={**FULLEST, "VENDOR": FULLEST["VENDOR"] - {"NAME1099"}})
    async with gateway.client() as client:
        [party] = await client.parties(login(), PartyKind.VENDOR, PartyFields(details=True))
    assert party.details is not None
    assert "NAME1099" not in party.details
    assert differing({"TAXID": "1", "NAME1099": "N"}, party.details) == {"TAXID": "1"}


async def test_an_employee_is_named_by_a_contact_and_an_asset_by_its_own_object():
    employees = {"EMPLOYEE": [{"EMPLOYEEID": "E-1", "CONTACT_NAME": "", "PERSONALINFO.CONTACTNAME": "Ann"}]}
    gateway = CompanyGateway(
        has={**FULLEST, "FIXEDASSET": {"RECORDNO", "ASSETID", "NAME"}},
        rows={**employees, "FIXEDASSET": [{"ASSETID": "A-1", "NAME": "Truck"}]},
        strict=False,
    )
    async with gateway.client() as client:
        found = {each.object: each for each in await client.dimensions(login())}
        [employee] = await client.dimension_values(login(), found["EMPLOYEE"])
        [asset] = await client.dimension_values(login(), found["FIXEDASSET"])
    assert (employee.id, employee.name) == ("E-1", "Ann")
    assert (asset.id, asset.name, asset.blocked) == ("A-1", "Truck", None)
    assert found["FIXEDASSET"].withheld is None


async def test_a_user_defined_dimension_has_two_known_fields_and_is_not_described():
    gateway = CompanyGateway()
    async with gateway.client() as client:
        await client.dimension_values(login(), Dimension("LINE_OF_BUSINESS", "LOB", user_defined=True, in_gl=True))
    assert gateway.lookups == []
    assert selected(gateway, "LINE_OF_BUSINESS") == ["id", "name"]
