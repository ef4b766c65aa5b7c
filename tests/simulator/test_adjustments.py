"""Adjustments: what the gateway takes, and that Sage's own clients read them back as they were sent."""

import asyncio

import pytest

from tests.support.gateway_client import DATE, LINE, GatewayClient, errors, statuses, texts

DOWN = LINE.replace("2450.00", "-2450.00")
UP = LINE.replace("2450.00", "0.01")


def credit_memo(lines: str = DOWN, number: str = "CM-1", more: str = "") -> str:
    return (
        f"<create_aradjustment><customerid>CUST-10021</customerid><datecreated>{DATE}</datecreated>"
        f"<adjustmentno>{number}</adjustmentno><action>Submit</action><invoiceno>INV-1</invoiceno>{more}"
        f"<aradjustmentitems>{lines}</aradjustmentitems></create_aradjustment>"
    )


def vendor_credit(lines: str = DOWN.replace("40010", "50010"), number: str = "VC-1", more: str = "") -> str:
    return (
        f"<create_apadjustment><vendorid>VEN-20417</vendorid><datecreated>{DATE}</datecreated>"
        f"<adjustmentno>{number}</adjustmentno><billno>B-1</billno><description>credit</description>{more}"
        f"<apadjustmentitems>{lines}</apadjustmentitems></create_apadjustment>"
    )


@pytest.mark.parametrize(
    ("body", "kind", "number", "reference"),
    [(credit_memo(), "ARADJUSTMENT", "CM-1", "INV-1"), (vendor_credit(), "APADJUSTMENT", "VC-1", "B-1")],
)
async def test_a_credit_is_recorded_with_its_sign_and_without_due_date(
    client: GatewayClient, sim, body, kind, number, reference
):
    root = await client.ok(body)
    assert root.findtext("operation/result/key") == "1"
    [document] = sim.store.documents("BLUEMESA")
    assert (document["kind"], document["number"], document["reference"]) == (kind, number, reference)
    assert (document["total"], document["due"], document["due_date"]) == ("-2450.00", "-2450.00", "")
    query = (
        f"<query><object>{kind}</object><select><field>RECORDID</field><field>TOTALENTERED</field></select>"
        "<filter><lessthan><field>TOTALENTERED</field><value>0</value></lessthan></filter></query>"
    )
    rows = await client.ok(query)
    assert rows.findtext(f"operation/result/data/{kind}/TOTALENTERED") == "-2450"


@pytest.mark.parametrize("body", [credit_memo(DOWN + UP), vendor_credit((DOWN + UP).replace("40010", "50010"))])
async def test_amounts_of_both_signs_are_refused(client: GatewayClient, sim, body):
    root = await client.send(body)
    assert statuses(root) == ["failure"]
    assert "not mixed" in texts(root)
    assert sim.store.documents() == []


@pytest.mark.parametrize(
    "body",
    [
        credit_memo(more="<datedue><year>2026</year><month>04</month><day>08</day></datedue>"),
        credit_memo(more="<customfields/>"),
        vendor_credit(more="<ponumber>1</ponumber>"),
    ],
)
async def test_what_the_schema_does_not_have_is_refused_before_any_function_runs(client: GatewayClient, sim, body):
    root = await client.send(body)
    assert root.findtext("control/status") == "failure"
    assert sim.store.documents() == []


async def test_nothing_reverses_an_adjustment_but_it_can_be_deleted(client: GatewayClient, sim):
    await client.ok(credit_memo())
    reverse = f'<reverse_aradjustment key="1"><datereversed>{DATE}</datereversed></reverse_aradjustment>'
    root = await client.send(reverse)
    assert statuses(root) == ["failure"]
    assert "not simulated" in texts(root)
    await client.ok('<delete_aradjustment key="1"/>')
    assert sim.store.documents() == []


async def test_a_vendor_on_hold_takes_neither_bill_nor_credit(client: GatewayClient, sim):
    sim.store.set_record("BLUEMESA", "VENDOR", "VEN-20417", {"ONHOLD": "true"})
    root = await client.send(vendor_credit())
    assert "on hold" in texts(root)
    assert errors(root)[0] == "BL03000018"


async def test_a_number_is_taken_per_customer_side_of_adjustments_only(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", refuse_duplicate_numbers=True)
    await client.ok(credit_memo())
    assert statuses(await client.send(credit_memo())) == ["failure"]
    await client.ok(vendor_credit(number="CM-1"))


@pytest.mark.feature("ar.creditMemos", "ap.vendorCredits")
async def test_the_python_client_reads_credits_back(connect, client: GatewayClient):
    await client.ok(credit_memo())
    await client.ok(vendor_credit())
    sdk = await connect()
    found = {}
    for kind, party in (("ARADJUSTMENT", "CUSTOMERID"), ("APADJUSTMENT", "VENDORID")):
        api = sdk.bills
        names = ["RECORDNO", "RECORDID", party, "TOTALENTERED", "STATE"]
        answer = await asyncio.to_thread(
            api.format_and_send_request,
            {
                "query": {
                    "object": kind,
                    "select": {"field": names},
                    "pagesize": "10",
                }
            },
        )
        found[kind] = answer["data"][kind]
    assert (found["ARADJUSTMENT"]["RECORDID"], found["ARADJUSTMENT"]["CUSTOMERID"]) == ("CM-1", "CUST-10021")
    assert (found["APADJUSTMENT"]["RECORDID"], found["APADJUSTMENT"]["TOTALENTERED"]) == ("VC-1", "-2450")
