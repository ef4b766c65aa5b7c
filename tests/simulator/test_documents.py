import pytest

from tests.support.gateway_client import DATE, LINE, GatewayClient, bill, errors, invoice, statuses, texts


async def test_an_invoice_is_recorded_as_it_was_sent(client: GatewayClient, sim):
    header = (
        "<ponumber>PO 77</ponumber><description>Load 104233</description><customfields><customfield>"
        "<customfieldname>ALVYS_LOAD_ID</customfieldname><customfieldvalue>a1b2</customfieldvalue>"
        "</customfield></customfields>"
    )
    second = LINE.replace("2450.00", "150.005").replace(
        "</locationid>", "</locationid><departmentid>OPS</departmentid><classid>REEFER</classid>"
    )
    root = await client.ok(invoice("INV-7", LINE + second, after_number=header, control_id="id-7"))
    assert root.findtext("operation/result/key") == "1"
    (document,) = sim.store.documents("BLUEMESA")
    assert document | {"lines": []} == {
        "company": "BLUEMESA", "entity": "100", "kind": "ARINVOICE", "recordno": 1, "number": "INV-7",
        "reference": "PO 77", "party_id": "CUST-10021", "party_name": "Prairie Gold Foods", "date": "2026-03-09",
        "posting_date": "2026-03-09", "due_date": "2026-04-08", "term": "Net 30", "currency": "USD",
        "total": "2600.01", "due": "2600.01", "description": "Load 104233", "state": "Posted", "control_id": "id-7",
        "custom": {"ALVYS_LOAD_ID": "a1b2"}, "lines": [],
    }  # fmt: skip
    assert [(line["account"], line["amount"], line["memo"]) for line in document["lines"]] == [
        ("40010", "2450.00", "Linehaul"),
        ("40010", "150.01", "Linehaul"),
    ]
    assert document["lines"][1]["dimensions"] == {"LOCATIONID": "100", "DEPARTMENTID": "OPS", "CLASSID": "REEFER"}


async def test_a_bill_is_recorded_in_both_forms(client: GatewayClient, sim):
    root = await client.ok(bill("B-1", header="<ALVYS_ID>x</ALVYS_ID>", line="<GLDIMTRUCK>10002</GLDIMTRUCK>"))
    assert root.find("operation/result/data").attrib == {"listtype": "objects", "count": "1"}
    assert root.findtext("operation/result/data/apbill/RECORDNO") == "1"
    items = f"<billitems>{LINE.replace('40010', '50010')}</billitems>"
    root = await client.ok(
        f"<create_bill><vendorid>VEN-30117</vendorid><datecreated>{DATE}</datecreated><termname>Net 7</termname>"
        f"<action>Submit</action><billno>B-2</billno>{items}</create_bill>"
    )
    assert root.findtext("operation/result/key") == "2"
    first, second = sim.store.documents("BLUEMESA")
    assert first["custom"] == {"ALVYS_ID": "x"}
    assert first["lines"][0]["custom"] == {"GLDIMTRUCK": 10002}
    assert (second["due_date"], second["total"]) == ("2026-03-16", "2450.00")


@pytest.mark.parametrize(
    ("body", "number", "text"),
    [
        (invoice(party="NOBODY"), "BL01001973", "Customer 'NOBODY' specified is not valid."),
        (invoice(lines=LINE.replace("40010", "99999")), "BL01001973", "Account 99999 is not valid"),
        (invoice(lines=LINE.replace("<locationid>100</locationid>", "")), "BL03000018",
         "Use of empty Location is invalid. A valid Multi-Entity Location must be specified."),
        (invoice(lines=LINE.replace(">100<", ">210<")), "BL01001973", "The location '210' is invalid."),
        (invoice(lines=LINE.replace("2450.00", "2,450.00")), "BL03000018", "amount '2,450.00'"),
        (invoice(lines=LINE.replace("</lineitem>", "<projectid>NO</projectid></lineitem>")), "BL01001973",
         "Invalid Project 'NO' specified"),
        (invoice(lines=""), "BL03000018", "at least one line"),
        (invoice(due="<termname/>"), "BL03000018", "due date or a term"),
        (bill().replace("04/08/2026", "03/08/2026"), "BL03000018",
         "Date Due cannot be earlier than date of transaction"),
        (invoice(due="<termname>Net 99</termname>"), "BL01001973", "The term name Net 99 is invalid"),
        (invoice(number=""), "PL01000127", "Document Number is missing"),
        (invoice(action="<action>Post</action>"), "BL03002129", "Invalid Action"),
        (invoice(created="<year>2025</year><month>12</month><day>31</day>"), "BL03000018",
         "Your transaction date (12/31/2025) is within a period that's been closed."),
        (invoice(created="<year>2026</year><month>02</month><day>30</day>"), "BL03000018", "not valid"),
        (bill(party="NOBODY"), "BL01001973", "Vendor 'NOBODY' specified is not valid."),
        (bill(number=""), "BL03002128", "Enter a Bill number"),
        (bill(line="<GLDIMTRUCK>1042</GLDIMTRUCK>"), "BL01001973", "Invalid TRUCK '1042'"),
        (bill(header="<NO_SUCH_FIELD>1</NO_SUCH_FIELD>"), "BL03000018", "NO_SUCH_FIELD does not exist"),
        (bill().replace("<WHENDUE>04/08/2026</WHENDUE>", ""), "BL03000018", "WHENDUE is required"),
        (bill().replace("03/09/2026", "2026-03-09"), "BL03000018", "MM/DD/YYYY"),
        ("<create><ARINVOICE><CUSTOMERID>CUST-10021</CUSTOMERID></ARINVOICE></create>", "PL04000005",
         "cannot be changed"),
    ],
)  # fmt: skip
async def test_a_document_that_breaks_a_rule_is_refused_with_its_cause_first(
    client: GatewayClient, sim, body, number, text
):
    root = await client.send(body)
    assert statuses(root) == ["failure"]
    assert errors(root)[0] == number
    assert text in texts(root).split(" | ")[0]
    if "<ARINVOICE>" not in body and "02</month>" not in body:
        assert errors(root)[-1] == "BL01001973"
        assert " record!" in texts(root).split(" | ")[-1]
    state = sim.store.state()["BLUEMESA"]
    assert (state["invoices"], state["bills"], state["control_ids"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("object_name", "key", "text"),
    [
        ("CUSTOMER", "CUST-10021", "Customer 'CUST-10021' specified is not valid."),
        ("GLACCOUNT", "40010", "Account is inactive"),
        ("LOCATION", "100", "The location '100' is invalid."),
    ],
)
async def test_an_inactive_record_is_refused(client: GatewayClient, sim, object_name, key, text):
    sim.store.set_record("BLUEMESA", object_name, key, {"STATUS": "inactive"})
    assert text in texts(await client.send(invoice()))


async def test_an_account_may_require_a_dimension(client: GatewayClient, sim):
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "40010", {"REQUIREDEPT": "true"})
    root = await client.send(invoice())
    assert errors(root)[0] == "BL03000018"
    assert "The account number '40010' requires a Department." in texts(root)
    await client.ok(invoice(lines=LINE.replace("</locationid>", "</locationid><departmentid>OPS</departmentid>")))


async def test_duplicate_numbers_are_refused_only_where_the_company_says_so(client: GatewayClient, sim):
    await client.ok(invoice("DUP"), invoice("DUP"), bill("DUP"), bill("DUP"))
    sim.store.configure("BLUEMESA", refuse_duplicate_numbers=True)
    root = await client.send(invoice("DUP"), bill("DUP"), bill("DUP", party="VEN-20433"))
    assert statuses(root) == ["failure", "failure", "success"]
    assert errors(root)[0] == "BL03002185"


async def test_a_required_custom_field_must_be_given(client: GatewayClient, sim):
    fields = [{"object": "APBILL", "name": "PAY_PERIOD", "required": True, "max_length": 5}]
    sim.store.configure("BLUEMESA", custom_fields=fields)
    assert "PAY_PERIOD is required" in texts(await client.send(bill()))
    assert "longer than 5" in texts(await client.send(bill(header="<PAY_PERIOD>123456</PAY_PERIOD>")))
    await client.ok(bill(header="<PAY_PERIOD>12345</PAY_PERIOD>"))


async def test_a_document_sequence_numbers_what_comes_without_a_number(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", sequences={"ARINVOICE": {"prefix": "S-", "digits": 3}})
    await client.ok(invoice(number=""), invoice(number=""))
    assert [document["number"] for document in sim.store.documents()] == ["S-001", "S-002"]


async def test_a_company_that_approves_bills_holds_them_submitted(client: GatewayClient, sim):
    sim.store.configure("BLUEMESA", approve_bills=True)
    await client.ok(bill())
    assert sim.store.documents()[0]["state"] == "Submitted"
    sim.store.approve_bill("BLUEMESA", 1)
    assert sim.store.documents()[0]["state"] == "Posted"


async def test_one_bad_function_does_not_hold_up_its_neighbours(client: GatewayClient, sim):
    root = await client.send(invoice("A"), invoice("B", party="NOBODY"), invoice("C"))
    assert statuses(root) == ["success", "failure", "success"]
    assert [document["number"] for document in sim.store.documents()] == ["A", "C"]


async def test_a_function_that_fails_halfway_leaves_nothing_of_itself(client: GatewayClient, sim):
    good = bill("A").removeprefix("<create>").removesuffix("</create>")
    bad = bill("B", party="NOBODY").removeprefix("<create>").removesuffix("</create>")
    root = await client.send(f"<create>{good}{bad}</create>", bill("C"))
    assert statuses(root) == ["failure", "success"]
    assert root.find("operation/result/data").get("count") == "0"
    assert [document["number"] for document in sim.store.documents()] == ["C"]
