"""The simulator has the names that public sources have, no others, and lets a company lack what real companies lack."""

from collections.abc import Iterable, Iterator

import pytest

from simulator.catalogue import STANDARD
from simulator.seed import PRESETS, Config
from tests.support.gateway_client import GatewayClient, bill, errors, invoice, query, rows, texts
from tests.support.sage_reference import reference, unsourced

COMPANIES = [None, *PRESETS]
WORDS = sorted({name for known in reference().objects.values() for name in known.fields})
"""Every name of any object: what is not an object's own has to be refused there."""


@pytest.fixture
def company(request: pytest.FixtureRequest, sim) -> str | None:
    preset: str | None = request.param
    if preset:
        sim.store.configure("BLUEMESA", preset=preset)
    return preset


def batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    every = list(names)
    yield from (every[at : at + size] for at in range(0, len(every), size))


async def listed(client: GatewayClient, name: str) -> dict[str, dict[str, str]]:
    """What `lookup` says of the fields that are Sage's own."""
    root = await client.ok(f"<lookup><object>{name}</object></lookup>")
    fields = [{part.tag: part.text or "" for part in field} for field in root.iterfind(".//Field")]
    return {field["ID"]: field for field in fields if field["ISCUSTOM"] == "false" and field["ID"][:5] != "GLDIM"}


async def objects(client: GatewayClient) -> list[str]:
    root = await client.ok("<inspect><object>*</object></inspect>")
    names = [str(each.get("typename")) for each in root.iterfind(".//data/type")]
    return [name for name in names if name != "TRUCK"]


async def refused(client: GatewayClient, name: str, fields: Iterable[str]) -> list[str]:
    """The names that queries for these fields are refused for."""
    no: list[str] = []
    for part in batched(fields, 40):
        root = await client.send(query(name, " ".join(part)))
        said = root.findtext(".//error/description2") or ""
        no += said.partition(f": [{name}: [")[2].removesuffix("] ]").split(", ") if said else []
    return no


@pytest.mark.parametrize("company", COMPANIES, indirect=True)
async def test_every_name_that_is_offered_stands_in_a_source(client: GatewayClient, company):
    for name in await objects(client):
        assert name in reference().objects
        assert unsourced(name, await listed(client, name)) == [], name


@pytest.mark.parametrize("company", COMPANIES, indirect=True)
async def test_every_name_that_is_everywhere_is_offered(client: GatewayClient, company):
    there = await objects(client)
    for name, known in reference().objects.items():
        if name in STANDARD and not known.subscription:
            assert name in there
            everywhere = {field for field, facts in known.fields.items() if facts.everywhere and not facts.subscription}
            assert everywhere <= set(await listed(client, name)), name


@pytest.mark.parametrize("company", COMPANIES, indirect=True)
async def test_query_gives_what_lookup_lists_and_nothing_without_a_source(client: GatewayClient, sim, company):
    withheld = sim.store.setup("BLUEMESA").config.refused_by_query
    for name in await objects(client):
        fields = set(await listed(client, name))
        no = await refused(client, name, WORDS)
        assert fields & set(no) == {each for each in fields if f"{name}.{each}" in withheld}, name
        assert unsourced(name, set(WORDS) - set(no)) == [], name


@pytest.mark.parametrize("company", ["barest"], indirect=True)
@pytest.mark.parametrize("function", ["read", "readByName", "readByQuery"])
async def test_the_older_reads_know_the_same_names(client: GatewayClient, company, function):
    asked = "<query/>" if function == "readByQuery" else "<keys>1</keys>"
    for name in await objects(client):
        offered = set(await listed(client, name))
        body = f"<{function}><object>{name}</object><fields>{{}}</fields>{asked}</{function}>"
        assert errors(await client.send(body.format(",".join(sorted(offered)) or "*"))) == []
        missing = next(each for each in WORDS if each not in offered and "." not in each)
        assert errors(await client.send(body.format(missing))) == ["DL02000001"]


async def test_lookup_says_what_a_real_one_says_and_no_length(client: GatewayClient):
    known = reference()
    root = await client.ok("<lookup><object>APBILL</object></lookup>")
    tags = {part.tag for field in root.iterfind(".//Field") for part in field}
    assert tags == {each.partition("/")[0] for each in known.field_elements}
    assert {field["DATATYPE"] for field in (await listed(client, "CUSTOMER")).values()} <= set(known.data_types)
    state = next(field for field in root.iterfind(".//Field") if field.findtext("ID") == "STATE")
    values = [each.text for each in state.iterfind("VALIDVALUES/VALIDVALUE")]
    assert {"Draft", "Posted", "Partially Paid", "Paid", "Reversed", "Reversal"} <= set(values)


async def test_a_query_for_unknown_names_is_refused_as_a_real_company_did(client: GatewayClient):
    where = "<equalto><field>CHECKNO</field><value>1</value></equalto>"
    order = "<orderby><order><field>NOWHERE</field><ascending/></order></orderby>"
    root = await client.send(query("ARPYMT", "RECORDNO INVOICENO OVERPAYMENTAMOUNT", where, order))
    assert errors(root) == ["XL03000006"] * 4
    for said in root.iterfind(".//result/errormessage/error/description2"):
        assert said.text.endswith(": [ARPYMT: [INVOICENO, OVERPAYMENTAMOUNT, CHECKNO, NOWHERE] ]")
    root = await client.send(query("ASSET", "RECORDNO"))
    assert errors(root) == ["XL03000009"]
    assert "Object definition ASSET not found" in texts(root)


@pytest.mark.parametrize("company", ["barest"], indirect=True)
async def test_permissions_refuse_names_in_query_that_lookup_lists(client: GatewayClient, company):
    assert {"STATE", "DISPLAYSTATE"} <= set(await listed(client, "ARPYMT"))
    assert await refused(client, "ARPYMT", ["RECORDNO", "STATE", "DISPLAYSTATE"]) == ["STATE"]
    asked = ["RECORDKEY", "ENTRYKEY", "DISCOUNTAMOUNT", "TRX_DISCOUNTAMOUNT", "PAYMENTAMOUNT"]
    assert await refused(client, "ARPYMTDETAIL", asked) == ["ENTRYKEY", "DISCOUNTAMOUNT", "TRX_DISCOUNTAMOUNT"]


@pytest.mark.parametrize(
    ("bought", "dimension", "on_a_line"),
    [
        ("Projects", "PROJECT", "PROJECTID"),
        ("Contracts", "CONTRACT", "CONTRACTID"),
        ("Inventory Control", "WAREHOUSE", "WAREHOUSEID"),
        ("Fixed Assets", "FIXEDASSET", "ASSETID"),
        ("Purchasing", "ITEM", None),
        ("Order Entry", "ITEM", None),
    ],
)
async def test_a_subscription_switches_its_object_its_fields_and_its_dimension(
    client: GatewayClient, sim, bought, dimension, on_a_line
):
    for subscriptions in ([], [bought]):
        sim.store.configure("BLUEMESA", subscriptions=subscriptions)
        has = bool(subscriptions)
        root = await client.ok("<getDimensions/>")
        assert (dimension in [each.text for each in root.iterfind(".//objectName")]) == has
        known = await client.send(f"<lookup><object>{dimension}</object></lookup>")
        assert errors(known) == ([] if has else ["XL03000009"])
        if on_a_line:
            assert (on_a_line in await listed(client, "APBILLITEM")) == has
            assert await refused(client, "APBILLITEM", ["RECORDNO", on_a_line]) == ([] if has else [on_a_line])


async def test_what_a_company_has_not_bought_cannot_stand_on_a_line_or_a_record(client: GatewayClient, sim):
    project = "<PROJECTID>PRJ-1</PROJECTID>"
    await client.ok(bill("A", line=project))
    fields = "<ACCOUNTNO>{}</ACCOUNTNO><TITLE>t</TITLE><REQUIREPROJECT>true</REQUIREPROJECT>"
    account = f"<create><GLACCOUNT>{fields}</GLACCOUNT></create>"
    await client.ok(account.format("1"))
    sim.store.configure("BLUEMESA", preset="barest")
    assert "Invalid Project 'PRJ-1' specified" in texts(await client.send(bill("B", line=project)))
    assert "Field REQUIREPROJECT does not exist" in texts(await client.send(account.format("2")))
    await client.ok(invoice("C"))
    assert rows(await client.ok(query("ARINVOICE", "RECORDID")), "ARINVOICE", "RECORDID") == ["C"]
    sim.store.configure("BLUEMESA", preset="fullest")
    assert errors(await client.send(query("APBILLITEM", "PROJECTID"))) == []


def test_a_seed_names_a_preset_and_says_more_than_it():
    config = Config.model_validate({"preset": "barest", "subscriptions": ["Projects"]})
    assert (config.subscriptions, config.common_fields_only) == (("Projects",), True)
    assert "ARPYMT.STATE" in config.refused_by_query
    assert Config() == Config.model_validate({"preset": "fullest"})


def test_a_preset_that_does_not_exist_is_refused(sim):
    with pytest.raises(ValueError, match="there is no preset 'bare'; there are barest, fullest"):
        sim.store.configure("BLUEMESA", preset="bare")
