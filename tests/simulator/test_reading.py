import pytest

from simulator import with_many_parties
from simulator.seed import Company, Record, User
from tests.support.gateway_client import GatewayClient, bill, errors, invoice, query, rows, texts

BY_NUMBER = "<orderby><order><field>RECORDNO</field><ascending/></order></orderby>"


def condition(operator: str, field: str, *values: str) -> str:
    return f"<{operator}><field>{field}</field>{''.join(f'<value>{value}</value>' for value in values)}</{operator}>"


async def found(client: GatewayClient, filter_: str, rest: str = "") -> list[str]:
    root = await client.ok(query("VENDOR", "VENDORID", filter_, BY_NUMBER + rest))
    return rows(root, "VENDOR", "VENDORID")


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (condition("equalto", "NAME", "T. Okafor"), ["VEN-20433"]),
        (condition("equalto", "NAME", "t. okafor"), []),
        (condition("notequalto", "VENDORID", "VEN-20417"), 8),
        (condition("like", "NAME", "V%"), ["VEN-30117"]),
        (condition("notlike", "NAME", "%e%"), ["VEN-20433"]),
        (condition("in", "VENDORID", "VEN-EFS", "VEN-RELAY", "NO"), ["VEN-EFS", "VEN-RELAY"]),
        (condition("notin", "VENDORID", "VEN-EFS", "VEN-RELAY"), 7),
        (condition("between", "RECORDNO", "2", "3"), ["VEN-20433", "VEN-30117"]),
        (condition("lessthan", "RECORDNO", "2"), ["VEN-20417"]),
        (condition("lessthanorequalto", "RECORDNO", "2"), ["VEN-20417", "VEN-20433"]),
        (condition("greaterthan", "RECORDNO", "8"), ["VEN-IC200"]),
        (condition("greaterthanorequalto", "RECORDNO", "9"), ["VEN-IC200"]),
        (condition("isnull", "TERMNAME"), 9),
        (condition("isnotnull", "TERMNAME"), []),
        ("<or>" + condition("equalto", "VENDORID", "VEN-EFS") + "<and>" + condition("greaterthan", "RECORDNO", "1")
         + condition("lessthan", "RECORDNO", "3") + "</and></or>", ["VEN-20433", "VEN-EFS"]),
        (condition("equalto", "STATUS", "active"), 9),
        (condition("equalto", "NAME", "x' OR '1'='1"), []),
    ],
)  # fmt: skip
async def test_a_query_filters_with_every_operator(client: GatewayClient, filter_, expected):
    result = await found(client, filter_)
    assert (len(result) if isinstance(expected, int) else result) == expected


async def test_a_query_can_ignore_case(client: GatewayClient):
    rest = "<options><caseinsensitive>true</caseinsensitive></options>"
    assert await found(client, condition("equalto", "NAME", "t. OKAFOR"), rest) == ["VEN-20433"]
    assert await found(client, condition("in", "NAME", "VISTA fork freight"), rest) == ["VEN-30117"]
    assert await found(client, condition("like", "NAME", "vista%"), rest) == ["VEN-30117"]


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (query("ARINVOICE", "INVOICENO"), "XL03000006"),
        (query("ARINVOICE", "RECORDNO", condition("equalto", "INVOICENO", "1")), "XL03000006"),
        (query("ARINVOICE", "RECORDNO", condition("greaterthan", "WHENMODIFIED", "2026-03-09T00:00:00")), "DL02000001"),
        (query("ARINVOICE", "RECORDNO", condition("greaterthan", "WHENCREATED", "2026-03-09")), "DL02000001"),
        (query("ARINVOICE", "RECORDNO", "<and>" + condition("equalto", "RECORDNO", "1") + "</and>"), "DL02000001"),
        (query("ARINVOICE", "RECORDNO", condition("isnull", "RECORDNO") * 2), "DL02000001"),
        (query("ARINVOICE", "RECORDNO", "", "<pagesize>2001</pagesize>"), "DL02000001"),
        (query("NOTHING", "RECORDNO"), "XL03000009"),
        ("<readByQuery><object>VENDOR</object><fields>*</fields><query>NAME = 'x' ORDER BY NAME</query></readByQuery>",
         "DL02000001"),
        ("<readByQuery><object>VENDOR</object><fields>NOPE</fields><query/></readByQuery>", "DL02000001"),
        (query("TRUCK", "RECORDNO"), "XL03000006"),
    ],
)  # fmt: skip
async def test_a_query_that_sage_would_not_understand_is_refused(client: GatewayClient, body, number):
    assert errors(await client.send(body)) == [number]


async def test_states_are_labels_in_query_and_codes_in_read_by_query(client: GatewayClient, sim):
    await client.ok(invoice("A"), invoice("B"), invoice("C", action="<action>Draft</action>"))
    sim.store.receive_payment("BLUEMESA", {1: "2450.00"})
    root = await client.ok(query("ARINVOICE", "RECORDNO STATE", "", BY_NUMBER))
    assert rows(root, "ARINVOICE", "STATE") == ["Paid", "Posted", "Draft"]
    root = await client.ok(query("ARINVOICE", "RECORDID", condition("equalto", "STATE", "Paid")))
    assert rows(root, "ARINVOICE", "RECORDID") == ["A"]
    read = (
        "<readByQuery><object>ARINVOICE</object><fields>RECORDID,STATE</fields><query>STATE = 'D'</query></readByQuery>"
    )
    root = await client.ok(read)
    assert rows(root, "arinvoice", "RECORDID") == ["C"]


async def test_pages_of_a_query_report_what_remains(client: GatewayClient):
    root = await client.ok(query("VENDOR", "VENDORID", "", BY_NUMBER + "<pagesize>3</pagesize><offset>3</offset>"))
    data = root.find(".//data")
    assert dict(data.attrib) == {
        "listtype": "VENDOR",
        "totalcount": "9",
        "offset": "3",
        "count": "3",
        "numremaining": "3",
    }
    assert rows(root, "VENDOR", "VENDORID") == ["VEN-EFS", "VEN-COMDATA", "VEN-RELAY"]
    empty = (await client.ok(query("VENDOR", "VENDORID", condition("equalto", "NAME", "no one")))).find(".//data")
    assert (empty.get("totalcount"), len(empty)) == ("0", 0)


async def test_without_an_order_a_query_is_not_in_the_order_of_creation(client: GatewayClient):
    root = await client.ok(query("VENDOR", "RECORDNO"))
    assert rows(root, "VENDOR", "RECORDNO") == ["9", "8", "7", "6", "5", "4", "3", "2", "1"]


async def test_read_more_continues_a_pinned_result(client: GatewayClient):
    first = await client.ok(
        "<readByQuery><object>VENDOR</object><fields>VENDORID</fields><query/><pagesize>6</pagesize></readByQuery>"
    )
    data = first.find(".//data")
    assert (data.get("listtype"), data.get("count"), data.get("totalcount"), data.get("numremaining")) == (
        "vendor",
        "6",
        "9",
        "3",
    )
    contact = "<DISPLAYCONTACT><PRINTAS>x</PRINTAS></DISPLAYCONTACT>"
    await client.ok(f"<create><VENDOR><VENDORID>LATER</VENDORID><NAME>x</NAME>{contact}</VENDOR></create>")
    rest = await client.ok(f"<readMore><resultId>{data.get('resultId')}</resultId></readMore>")
    assert rest.find(".//data").get("numremaining") == "0"
    assert rows(rest, "vendor", "VENDORID") == ["VEN-BESTPASS", "VEN-IC100", "VEN-IC200"]


async def test_read_by_query_understands_its_conditions(client: GatewayClient):
    async def names(text: str) -> list[str]:
        body = f"<readByQuery><object>VENDOR</object><fields>VENDORID</fields><query>{text}</query></readByQuery>"
        return rows(await client.ok(body), "vendor", "VENDORID")

    assert await names("STATUS = 'T' and (NAME like 'V%' or VENDORID in ('VEN-EFS'))") == ["VEN-30117", "VEN-EFS"]
    assert await names("not NAME like '%e%' and RECORDNO &gt;= 1 and TERMNAME is null") == ["VEN-20433"]
    assert await names(r"NAME = 'O\'Hara'") == []
    assert await names("STATUS = 'F'") == []


async def test_read_nests_the_lines_of_a_document(client: GatewayClient):
    await client.ok(bill("B-1", line="<GLDIMTRUCK>10003</GLDIMTRUCK>"))
    root = await client.ok("<read><object>APBILL</object><keys>1</keys><fields>*</fields></read>")
    assert root.findtext(".//data/apbill/APBILLITEMS/apbillitem/GLDIMTRUCK") == "10003"
    assert root.findtext(".//data/apbill/MEGAENTITYID") == "100"
    root = await client.ok("<readByName><object>VENDOR</object><keys>VEN-EFS</keys><fields>NAME</fields></readByName>")
    assert rows(root, "vendor", "NAME") == ["EFS Fuel Cards"]


async def test_an_entitys_documents_are_private_to_it(client: GatewayClient):
    await client.ok(invoice())
    hidden = query("ARINVOICE", "RECORDNO")
    client.entity = "200"
    assert rows(await client.ok(hidden), "ARINVOICE", "RECORDNO") == []
    client.entity = ""
    assert rows(await client.ok(hidden), "ARINVOICE", "RECORDNO") == []
    shown = query("ARINVOICE", "RECORDNO", "", "<options><showprivate>true</showprivate></options>")
    assert rows(await client.ok(shown), "ARINVOICE", "RECORDNO") == ["1"]


async def test_a_customer_private_to_an_entity_is_unknown_elsewhere(client: GatewayClient, sim):
    company = Company(
        company_id="ACME", senders=("AlvysMPP",), users=(User(id="u", password="p"),),
        entities=(Record(id="1", name="One"), Record(id="2", name="Two")),
        customers=(Record(id="C", name="Private", private_to="1"),),
    )  # fmt: skip
    sim.store.load_company(company)
    client.company, client.user, client.password = "ACME", "u", "p"
    for entity, expected in (("1", ["C"]), ("2", []), ("", [])):
        client.entity = entity
        assert rows(await client.ok(query("CUSTOMER", "CUSTOMERID")), "CUSTOMER", "CUSTOMERID") == expected
    assert "Customer 'C' specified is not valid." in texts(await client.send(invoice(party="C")))


async def test_changes_are_found_by_their_time_of_modification(client: GatewayClient, clock):
    await client.ok(invoice("A"))
    clock.advance(hours=1)
    await client.ok(invoice("B"))
    since = condition("greaterthanorequalto", "WHENMODIFIED", "03/10/2026 12:30:00")
    root = await client.ok(
        query("ARINVOICE", "RECORDID WHENMODIFIED AUWHENCREATED WHENCREATED TOTALDUE MODULEKEY", since)
    )
    assert rows(root, "ARINVOICE", "RECORDID") == ["B"]
    assert rows(root, "ARINVOICE", "WHENMODIFIED") == ["03/10/2026 13:00:00"]
    assert rows(root, "ARINVOICE", "WHENCREATED") == ["03/09/2026"]
    assert rows(root, "ARINVOICE", "MODULEKEY") == ["4.AR"]


async def test_custom_fields_are_selected_and_filtered_like_any_other(client: GatewayClient):
    await client.ok(bill("A", header="<ALVYS_ID>one</ALVYS_ID>"), bill("B", header="<ALVYS_ID>two</ALVYS_ID>"))
    root = await client.ok(query("APBILL", "RECORDID ALVYS_ID", condition("equalto", "ALVYS_ID", "two")))
    assert rows(root, "APBILL", "ALVYS_ID") == ["two"]


async def test_aggregates_are_counted_by_the_database(client: GatewayClient):
    await client.ok(invoice("A"), invoice("B"))
    root = await client.ok(
        "<query><object>ARINVOICE</object><select><field>CUSTOMERID</field><count>RECORDNO</count><sum>TOTALDUE</sum></select></query>"
    )
    assert rows(root, "ARINVOICE", "COUNT.RECORDNO") == ["2"]
    assert rows(root, "ARINVOICE", "SUM.TOTALDUE") == ["4900"]


async def test_dimensions_and_fields_are_described(client: GatewayClient):
    root = await client.ok("<getDimensions/>")
    dimensions = {d.findtext("objectName"): d.findtext("userDefinedDimension") for d in root.iterfind(".//dimension")}
    assert dimensions["LOCATION"] == "false"
    assert dimensions["TRUCK"] == "true"
    root = await client.ok(
        query("TRUCK", "id name", "", "<orderby><order><field>id</field><ascending/></order></orderby>")
    )
    assert rows(root, "TRUCK", "id") == ["10001", "10002", "10003"]
    root = await client.ok("<lookup><object>APBILL</object></lookup>")
    custom = [field.findtext("ID") for field in root.iterfind(".//Field") if field.findtext("ISCUSTOM") == "true"]
    assert custom == ["ALVYS_LOAD_ID", "ALVYS_ID", "PAY_PERIOD"]
    root = await client.ok("<inspect><object>*</object></inspect>")
    assert "TRUCK" in [element.get("typename") for element in root.iterfind(".//data/type")]


async def test_thousands_of_parties_can_be_generated(client: GatewayClient, sim):
    company = with_many_parties(
        Company(company_id="BIG", senders=("AlvysMPP",), users=(User(id="u", password="p"),)), 3000, 10
    )
    sim.store.load_company(company)
    client.company, client.user, client.password, client.entity = "BIG", "u", "p", ""
    root = await client.ok(query("CUSTOMER", "CUSTOMERID", "", "<pagesize>2000</pagesize>"))
    assert root.find(".//data").get("numremaining") == "1000"


async def test_a_filter_may_join_thousands_of_conditions(client: GatewayClient):
    pair = "<and>{}{}</and>"
    pairs = [
        pair.format(condition("equalto", "RECORDNO", str(number)), condition("equalto", "STATUS", "active"))
        for number in range(1, 2001)
    ]
    assert len(await found(client, f"<or>{''.join(pairs)}</or>")) == 9
