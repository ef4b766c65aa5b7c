"""Dimensions and custom fields in what is sent: in the schema's order, and read back by Sage's own clients."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from lxml import etree
from pydantic import SecretStr
from sageintacctsdk import SageIntacctSDK

from domain.categories import Side
from domain.documents import CustomValue, Document, LineDimension, ValueSource
from domain.settings.dimensions import Standard
from sage_client import Call, Done, Login, Refused, SageClient, errors
from sage_client._documents import render
from simulator import Simulator, demo_seed
from simulator.functions import schema
from simulator.seed import Account, Company, Config, CustomField, Preset, Record, User, UserDefinedDimension
from tests.support import python_client
from tests.support.sage_calls import document, why

WHO = Login("ACME", "u", SecretStr("p"))
ONE = {standard: (Record(id=f"{standard.value[:3].upper()}-1", name=standard.value),) for standard in Standard}
COMPANY = Company(
    company_id="ACME",
    senders=("AlvysMPP",),
    users=(User(id="u", password="p"),),
    config=Config(
        user_dimensions=(UserDefinedDimension(name="LINE_OF_BUSINESS", values=("Dry", "Reefer")),),
        custom_fields=(
            *(
                CustomField(object=name, name=f"ALVYS_{kind.upper()}", type=kind)
                for name in ("ARINVOICE", "ARINVOICEITEM", "APBILL", "APBILLITEM")
                for kind in ("date", "currency", "number", "text", "textarea")
            ),
            CustomField(object="ARINVOICE", name="ALVYS_ID"),
            CustomField(object="APBILL", name="ALVYS_ID"),
        ),
    ),
    accounts=(Account(number="40010", title="Revenue"), Account(number="9", title="Strict", requires=("department",))),
    customers=(*ONE[Standard.CUSTOMER], Record(id="C-1001", name="C")),
    vendors=(*ONE[Standard.VENDOR], Record(id="V-2001", name="V")),
    entities=ONE[Standard.LOCATION],
    departments=ONE[Standard.DEPARTMENT],
    classes=ONE[Standard.CLASS],
    employees=ONE[Standard.EMPLOYEE],
    projects=ONE[Standard.PROJECT],
    items=ONE[Standard.ITEM],
    assets=ONE[Standard.ASSET],
    contracts=ONE[Standard.CONTRACT],
    warehouses=ONE[Standard.WAREHOUSE],
)
BOUGHT = {Standard.PROJECT, Standard.ITEM, Standard.CONTRACT, Standard.WAREHOUSE, Standard.ASSET}
"""The dimensions that a company has with a subscription only."""
VALUES = {
    "ALVYS_DATE": "06/01/2026",
    "ALVYS_CURRENCY": "12.50",
    "ALVYS_NUMBER": "3000.125",
    "ALVYS_TEXT": "Mill & <4>",
    "ALVYS_TEXTAREA": "one\n  two",
}


@pytest.fixture
async def gateway(preset: Preset) -> AsyncIterator[Simulator]:
    async with Simulator(senders=demo_seed().senders, companies=[COMPANY], preset=preset) as running:
        yield running


@pytest.fixture
async def client(gateway: Simulator) -> AsyncIterator[SageClient]:
    async with SageClient(gateway.url, "AlvysMPP", SecretStr("sender-secret"), marker_field="ALVYS_ID") as connected:
        yield connected


def carrying(side: Side, *standards: Standard, user_defined: bool = False, account: str = "40010") -> Document:
    found = document(side=side, number=f"N-{side}", account=account, location=None, amounts=("10.00", "2.50"))
    dimensions = [
        LineDimension(each.value, each.object, ONE[each][0].id, ValueSource.MAPPING, "k") for each in standards
    ]
    if user_defined:
        dimensions.append(
            LineDimension("lob", "LINE_OF_BUSINESS", "10002", ValueSource.DEFAULT, "k", user_defined=True)
        )
    custom = tuple(CustomValue(name, value, ValueSource.SOURCE, "k") for name, value in VALUES.items())
    location = ONE[Standard.LOCATION][0].id if Standard.LOCATION in standards else None
    lines = [replace(each, dimensions=tuple(dimensions), custom=custom, location_id=location) for each in found.lines]
    return replace(found, lines=tuple(lines), custom=custom)


async def post(client: SageClient, found: Document) -> object:
    party = "C-1001" if found.source.side is Side.AR else "V-2001"
    [answer] = await client.post(WHO, [Call(f"id-{found.number}", found, party)])
    return answer


@pytest.mark.requirement(7, 8)
@pytest.mark.feature("dimensions", "custom fields")
@pytest.mark.parametrize("side", list(Side))
async def test_what_is_posted_stands_in_sage_with_every_dimension_and_custom_field(client, gateway, side, preset):
    on_bills_only = {Standard.ASSET} if side is Side.AR else set()
    lacking = on_bills_only | (BOUGHT if preset == "barest" else set())
    standards = [each for each in Standard if each not in lacking]
    assert isinstance(await post(client, carrying(side, *standards, user_defined=side is Side.AP)), Done)
    [stands] = gateway.store.documents("ACME")
    kept = {**VALUES, "ALVYS_DATE": "2026-06-01"}
    for line in stands["lines"]:
        own = {each.id_field: ONE[each][0].id for each in standards}
        assert {name: value for name, value in line["dimensions"].items() if value} == own
        assert line["custom"] == kept | ({"GLDIMLINE_OF_BUSINESS": 10002} if side is Side.AP else {})
    assert {name: value for name, value in stands["custom"].items() if name != "ALVYS_ID"} == kept
    assert stands["custom"]["ALVYS_ID"]


@pytest.mark.feature("dimensions", "invoiceDimensions")
async def test_a_user_defined_dimension_on_an_invoice_is_a_custom_field_where_the_company_takes_it(client, gateway):
    answer = await post(client, carrying(Side.AR, user_defined=True))
    assert isinstance(answer, Refused), "nothing of Sage's documents it: another company refuses"
    gateway.store.configure("ACME", accept_legacy_user_dimensions=True)
    assert isinstance(await post(client, replace(carrying(Side.AR, user_defined=True), number="N-2")), Done)
    assert gateway.store.documents("ACME")[0]["lines"][0]["custom"]["GLDIMLINE_OF_BUSINESS"] == 10002


def test_a_legacy_line_stands_in_the_exact_order_of_the_schema():
    standards = [each for each in reversed(Standard) if each is not Standard.ASSET]
    root = etree.fromstring(render(carrying(Side.AR, *standards, user_defined=True), "C-1001").encode())
    for line in root.iter("lineitem"):
        places = [schema._LINE.index(str(child.tag)) for child in line]
        assert places == sorted(places)
        assert len(places) == len(set(places)) == 14  # account, amount, memo, ten dimensions and the custom fields
    tags = [str(child.tag) for child in root]
    assert tags.index("customfields") == tags.index("invoiceitems") - 1


def test_an_asset_has_no_place_on_a_legacy_line():
    with pytest.raises(errors.RequestInvalidError, match="asset"):
        render(carrying(Side.AR, Standard.ASSET), "C-1001")


@pytest.mark.parametrize("name", ["A B", "A><B", "1A", ""])
@pytest.mark.parametrize("side", list(Side))
def test_a_name_that_cannot_be_an_element_is_never_written(side, name):
    found = carrying(side)
    with pytest.raises(errors.RequestInvalidError):
        render(replace(found, custom=(CustomValue(name, "x", ValueSource.SOURCE, "k"),)), "P")


@pytest.mark.requirement(48)
@pytest.mark.feature("error classes", "explain before sending")
async def test_a_required_dimension_that_is_missing_is_told_with_the_articles_advice(client):
    answer = await post(client, carrying(Side.AP, account="9"))
    assert isinstance(answer, Refused)
    error = why(answer)
    assert isinstance(error, errors.DimensionMissingError)
    fix = error.code.explanation.fix
    assert "enable it for GL posting" in fix
    assert "contact support" in fix


@pytest.mark.feature("dimensions", "custom fields")
async def test_a_published_python_client_reads_back_what_was_posted(client, gateway, monkeypatch):
    python_client.send_to(gateway.url, monkeypatch)
    standards = [Standard.LOCATION, Standard.DEPARTMENT, Standard.CLASS]
    for side in Side:
        assert isinstance(await post(client, carrying(side, *standards, user_defined=side is Side.AP)), Done)
    sdk = await asyncio.to_thread(SageIntacctSDK, "AlvysMPP", "sender-secret", "u", "ACME", "p")
    ids = {each.id_field: ONE[each][0].id for each in standards}
    fields = [*ids, *VALUES]
    [line, _] = await asyncio.to_thread(
        lambda: sdk.ar_invoice_items.get_by_query(
            fields=[*fields, "RECORDNO"], and_filter=[("greaterthan", "RECORDNO", "0")]
        )
    )
    assert {name: line[name] for name in ids} == ids
    assert (line["ALVYS_DATE"], line["ALVYS_NUMBER"], line["ALVYS_TEXT"]) == ("06/01/2026", "3000.125", "Mill & <4>")
    [bill] = await asyncio.to_thread(
        lambda: sdk.bills.get_by_query(fields=[*VALUES, "RECORDNO"], and_filter=[("greaterthan", "RECORDNO", "0")])
    )
    assert bill["ALVYS_CURRENCY"] == "12.50"
