import pytest

from tests.support.gateway_client import DATE, LINE, GatewayClient, bill, errors, invoice, query, rows, statuses, texts

REVERSED = f"<datereversed>{DATE}</datereversed>"


async def test_an_invoice_update_changes_what_is_given_and_keeps_the_rest(client: GatewayClient, sim):
    await client.ok(invoice(lines=LINE + LINE))
    lines = '<updatelineitem line_num="2"><amount>10.00</amount></updatelineitem>' + LINE.replace("2450.00", "5")
    items = f"<updateinvoiceitems>{lines}</updateinvoiceitems>"
    await client.ok(f'<update_invoice key="1"><description>New</description>{items}</update_invoice>')
    (document,) = sim.store.documents()
    assert (document["description"], document["number"], document["total"]) == ("New", "INV-1", "2465.00")
    assert [line["amount"] for line in document["lines"]] == ["2450.00", "10.00", "5.00"]


async def test_a_bill_update_without_lines_keeps_them_and_with_lines_replaces_them(client: GatewayClient, sim):
    await client.ok(bill(header="<ALVYS_ID>a</ALVYS_ID>", line="<GLDIMTRUCK>10001</GLDIMTRUCK>"))
    await client.ok("<update><APBILL><RECORDNO>1</RECORDNO><DESCRIPTION>New</DESCRIPTION></APBILL></update>")
    (document,) = sim.store.documents()
    assert (document["description"], document["total"], document["custom"]) == ("New", "1800.00", {"ALVYS_ID": "a"})
    line = (
        "<APBILLITEM><ACCOUNTNO>50020</ACCOUNTNO><TRX_AMOUNT>7.50</TRX_AMOUNT><LOCATIONID>110</LOCATIONID></APBILLITEM>"
    )
    await client.ok(f"<update><APBILL><RECORDNO>1</RECORDNO><APBILLITEMS>{line}</APBILLITEMS></APBILL></update>")
    (document,) = sim.store.documents()
    assert [(line["account"], line["amount"]) for line in document["lines"]] == [("50020", "7.50")]
    assert document["due"] == "7.50"


async def test_a_reversed_document_stays_and_nothing_is_due_on_it(client: GatewayClient, sim):
    await client.ok(invoice(), bill())
    await client.ok(
        f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>', f'<reverse_bill key="1">{REVERSED}</reverse_bill>'
    )
    seen = [
        (document["number"], document["state"], document["total"], document["due"])
        for document in sim.store.documents()
    ]
    assert seen == [
        ("INV-1", "Reversed", "2450.00", "0.00"),
        ("Reversed - INV-1", "Reversal", "-2450.00", "0.00"),
        ("BILL-1", "Reversed", "1800.00", "0.00"),
        ("Reversed - BILL-1", "Reversal", "-1800.00", "0.00"),
    ]
    again = await client.send(f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>', '<delete_bill key="1"/>')
    assert statuses(again) == ["failure", "failure"]
    undo = await client.send(f'<reverse_invoice key="2">{REVERSED}</reverse_invoice>', '<delete_bill key="2"/>')
    assert statuses(undo) == ["failure", "failure"]


async def test_the_description_of_a_reversal_is_what_was_given_with_it(client: GatewayClient, sim):
    await client.ok(invoice())
    await client.ok(f'<reverse_invoice key="1">{REVERSED}<description>Wrong load</description></reverse_invoice>')
    original, reversal = sim.store.documents()
    assert (original["description"] != "Wrong load", reversal["description"]) == (True, "Wrong load")
    assert [line["amount"] for line in reversal["lines"]] == [f"-{line['amount']}" for line in original["lines"]]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"reversal_of_unpaid": ("AP",)}, "is not enabled"),
        ({"location_restricted": ("alvys_ws",)}, "restricted to locations"),
        ({"reversal_after_posting": True}, "must be later than the posting date"),
    ],
)
async def test_a_reversal_needs_an_option_a_user_and_a_date(client: GatewayClient, sim, config, words):
    await client.ok(invoice())
    sim.store.configure("BLUEMESA", **config)
    root = await client.send(f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>')
    assert statuses(root) == ["failure"]
    assert words in texts(root)
    assert [document["state"] for document in sim.store.documents()] == ["Posted"]


async def test_a_reversal_is_made_at_the_level_that_owns_the_record(client: GatewayClient, sim):
    await client.ok(invoice())
    owner, client.entity = client.entity, ""
    root = await client.send(f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>')
    assert "not owned" in texts(root)
    client.entity = owner
    await client.ok(f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>')


async def test_a_posted_bill_is_deleted_only_where_bills_are_not_reversed(client: GatewayClient, sim):
    await client.ok(bill())
    root = await client.send("<delete><object>APBILL</object><keys>1</keys></delete>")
    assert statuses(root) == ["failure"]
    sim.store.configure("BLUEMESA", reversal_of_unpaid=("AR",))
    await client.ok("<delete><object>APBILL</object><keys>1</keys></delete>")
    assert sim.store.documents() == []


async def test_a_reversal_in_a_closed_period_is_refused(client: GatewayClient, sim):
    await client.ok(invoice())
    sim.store.configure("BLUEMESA", books_closed_through="2026-03-31")
    root = await client.send(f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>')
    assert "within a period that's been closed" in texts(root)
    assert sim.store.documents()[0]["state"] == "Posted"


async def test_a_deleted_document_vanishes_and_its_number_is_not_used_again(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", reversal_of_unpaid=())
    await client.ok(invoice("A"), bill("B"), bill("C"))
    await client.ok('<delete_invoice key="1"/>', '<delete_bill key="2"/>')
    await client.ok("<delete><object>APBILL</object><keys>1</keys></delete>")
    assert sim.store.documents() == []
    assert (await client.ok(invoice("A"))).findtext("operation/result/key") == "2"
    deleted = query(
        "AUDITHISTORY", "OBJECTTYPE OBJECTKEY", "<equalto><field>ACCESSMODE</field><value>D</value></equalto>"
    )
    client.entity = "100"
    found = await client.ok(deleted)
    assert sorted(rows(found, "AUDITHISTORY", "OBJECTTYPE")) == ["apbill", "apbill", "arinvoice"]


async def test_a_document_with_a_payment_cannot_be_changed(client: GatewayClient, sim):
    await client.ok(invoice())
    sim.store.receive_payment("BLUEMESA", {1: "100.00"})
    root = await client.send(
        f'<reverse_invoice key="1">{REVERSED}</reverse_invoice>',
        '<delete_invoice key="1"/>',
        '<update_invoice key="1"><description>x</description></update_invoice>',
    )
    assert statuses(root) == ["failure"] * 3
    assert errors(root)[0] == "BL03000130"


async def test_another_entitys_document_cannot_be_found(client: GatewayClient):
    await client.ok(invoice())
    client.entity = "200"
    assert "can't find this transaction" in texts(await client.send('<delete_invoice key="1"/>'))


async def test_a_customer_is_created_with_its_contact_updated_and_made_inactive(client: GatewayClient):
    contact = (
        "<DISPLAYCONTACT><PRINTAS>Acme</PRINTAS><EMAIL1>ap@acme.example</EMAIL1>"
        "<MAILADDRESS><CITY>Omaha</CITY></MAILADDRESS></DISPLAYCONTACT>"
    )
    created = await client.ok(
        f"<create><CUSTOMER><CUSTOMERID>C-9</CUSTOMERID><NAME>Acme</NAME>{contact}</CUSTOMER></create>"
    )
    assert int(created.findtext(".//customer/RECORDNO")) > 0
    found = await client.ok(
        query(
            "CUSTOMER",
            "NAME DISPLAYCONTACT.EMAIL1 DISPLAYCONTACT.MAILADDRESS.CITY",
            "<equalto><field>CUSTOMERID</field><value>C-9</value></equalto>",
        )
    )
    assert rows(found, "CUSTOMER", "DISPLAYCONTACT.EMAIL1") == ["ap@acme.example"]
    assert rows(found, "CUSTOMER", "DISPLAYCONTACT.MAILADDRESS.CITY") == ["Omaha"]
    await client.ok("<update><CUSTOMER><CUSTOMERID>C-9</CUSTOMERID><STATUS>inactive</STATUS></CUSTOMER></update>")
    assert "Customer 'C-9' specified is not valid." in texts(await client.send(invoice(party="C-9")))


async def test_records_that_exist_are_refused_by_kind(client: GatewayClient):
    contact = "<DISPLAYCONTACT><PRINTAS>x</PRINTAS></DISPLAYCONTACT>"
    vendor = f"<create><VENDOR><VENDORID>VEN-20417</VENDORID><NAME>x</NAME>{contact}</VENDOR></create>"
    customer = f"<create><CUSTOMER><CUSTOMERID>CUST-10021</CUSTOMERID><NAME>x</NAME>{contact}</CUSTOMER></create>"
    person = "<create><CONTACT><CONTACTNAME>T. Okafor(VVEN-20433)</CONTACTNAME><PRINTAS>x</PRINTAS></CONTACT></create>"
    root = await client.send(vendor, customer, person)
    assert [result.findtext("errormessage/error/errorno") for result in root.iterfind("operation/result")] == [
        "PL05000104",
        "BL34000061",
        "BL34000061",
    ]


async def test_a_used_party_cannot_be_deleted(client: GatewayClient):
    await client.ok(invoice())
    root = await client.send("<delete><object>CUSTOMER</object><keys>1</keys></delete>")
    assert "used by documents" in texts(root)
    await client.ok("<delete><object>CUSTOMER</object><keys>2</keys></delete>")
