"""Reads: complete or an error, paged by key, many look-ups in one request."""

from contextlib import suppress
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from domain.documents import PartyKind, SageObject
from domain.parties.matching import PartyRecord
from sage_client import (
    AllOf,
    AnyOf,
    DocumentKey,
    ErrorCategory,
    Found,
    Operator,
    Query,
    SageRow,
    Where,
    equal,
    errors,
    one_of,
)
from sage_client._reply import parse
from tests.support.rendered_xml import at
from tests.support.scripted_gateway import Asked, ScriptedGateway, error, login, refused


class Books(ScriptedGateway):
    """Answers queries from tables, a page at a time, as `query` does."""

    def __init__(self, tables: dict[str, list[SageRow]], *, page_cap: int = 2000) -> None:
        super().__init__(self.read)
        self.tables, self.page_cap = tables, page_cap

    def read(self, asked: Asked) -> str:
        return asked.answer("".join(self.page(each) for each in asked.root.iterfind("operation/content/function")))

    def page(self, function: etree._Element) -> str:
        query = at(function, "query")
        after = int(query.findtext(".//greaterthan[field='RECORDNO']/value") or 0)
        wanted = {each.findtext("field") or "": each.findtext("value") for each in query.iter("equalto")}
        rows = [
            row
            for row in self.tables[query.findtext("object") or ""]
            if int(row["RECORDNO"]) > after and all(row[name] == value for name, value in wanted.items())
        ]
        page = rows[: min(int(query.findtext("pagesize") or 100), self.page_cap)]
        name = query.findtext("object")
        records = "".join(f"<{name}>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</{name}>" for row in page)
        return (
            f"<result><status>success</status><function>query</function><controlid>{function.get('controlid')}</controlid>"
            f'<data listtype="{name}" totalcount="{len(rows)}" offset="0" count="{len(page)}" '
            f'numremaining="{len(rows) - len(page)}">{records}</data></result>'
        )


def vendors(count: int) -> list[SageRow]:
    return [
        {
            "RECORDNO": str(n),
            "VENDORID": f"V-{n}",
            "NAME": f"Carrier {n}",
            "STATUS": "inactive" if n % 5 == 0 else "active",
        }
        for n in range(1, count + 1)
    ]


def bill_row(record_no: str = "9", number: str = "CARR-55", vendor: str = "V-1", **changes: str) -> SageRow:
    return {
        "RECORDNO": record_no, "RECORDID": number, "VENDORID": vendor, "STATE": "Posted", "TOTALENTERED": "1800.00",
        "TRX_TOTALENTERED": "", "DESCRIPTION": "Carrier pay alvys:0123", "WHENCREATED": "03/09/2026",
        "AUWHENCREATED": "03/09/2026 13:00:00", "WHENMODIFIED": "03/09/2026 13:00:01",
    } | changes  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 7, 10])
@pytest.mark.parametrize("page_cap", [1, 3, 2000])
async def test_every_party_is_read_however_small_the_pages(count, page_cap):
    gateway = Books({"VENDOR": vendors(count)}, page_cap=page_cap)
    async with gateway.client() as client:
        read = await client.parties(login(), PartyKind.VENDOR)
    assert [each.id for each in read] == [f"V-{n}" for n in range(1, count + 1)]
    assert [each.active for each in read] == [n % 5 != 0 for n in range(1, count + 1)]


async def test_pages_follow_the_key_and_never_an_offset():
    gateway = Books({"VENDOR": vendors(5)}, page_cap=2)
    async with gateway.client() as client:
        await client.parties(login(), PartyKind.VENDOR)
    asked = [at(each.root, "operation/content/function/query") for each in gateway.requests]
    assert [each.findtext("filter/greaterthan/value") for each in asked] == [None, "2", "4"]
    assert all(each.find("offset") is None for each in asked)
    assert all(each.findtext("orderby/order/field") == "RECORDNO" for each in asked)
    assert all(each.findtext("pagesize") == "2000" for each in asked)
    assert all(each.findtext("options/showprivate") == "true" for each in asked)
    assert all(each.root.findtext("control/uniqueid") == "false" for each in gateway.requests)


async def test_a_customer_is_active_only_where_sage_says_so():
    rows = [
        {"RECORDNO": str(n), "CUSTOMERID": f"C-{n}", "NAME": "Acme Foods", "STATUS": status}
        for n, status in enumerate(["active", "T", "inactive", "F", "", "active non-posting"], 1)
    ]
    async with Books({"CUSTOMER": rows}).client() as client:
        read = await client.parties(login(), PartyKind.CUSTOMER)
    assert read[0] == PartyRecord("C-1", "Acme Foods", active=True)
    assert [each.active for each in read] == [True, True, False, False, False, False]


async def test_many_documents_are_looked_up_in_one_request():
    gateway = Books({"APBILL": [bill_row(), bill_row("10"), bill_row("11", vendor="V-2")], "ARINVOICE": []})
    keys = [
        DocumentKey(SageObject.AP_BILL, "CARR-55", "V-1"),
        DocumentKey(SageObject.AP_BILL, "CARR-56", "V-1"),
        DocumentKey(SageObject.AR_INVOICE, "CARR-55", "C-1"),
        DocumentKey(SageObject.AP_BILL, "CARR-55", "V-2"),
    ]
    async with gateway.client() as client:
        both, none, nothing, other = await client.find(login(), keys)
        assert await client.find(login(), []) == []
    assert [each.record_no for each in both] == ["9", "10"]
    assert none == nothing == []
    assert other == [
        Found(
            "11", "CARR-55", "V-2", "Posted", Decimal("1800.00"), "Carrier pay alvys:0123", "03/09/2026",
            "03/09/2026 13:00:00", "03/09/2026 13:00:01",
        )
    ]  # fmt: skip
    assert len(gateway.requests) == 1


async def test_a_long_list_of_look_ups_is_sent_in_requests_of_a_hundred():
    gateway = Books({"APBILL": [bill_row(str(n), f"B-{n}") for n in range(1, 251)]})
    async with gateway.client() as client:
        read = await client.find(login(), [DocumentKey(SageObject.AP_BILL, f"B-{n}", "V-1") for n in range(1, 251)])
    assert [[each.record_no for each in own] for own in read] == [[str(n)] for n in range(1, 251)]
    assert [len(each.control_ids) for each in gateway.requests] == [100, 100, 50]


async def test_the_total_is_in_the_documents_own_currency():
    async with Books({"APBILL": [bill_row(TRX_TOTALENTERED="2400.00")]}).client() as client:
        [[one]] = await client.find(login(), [DocumentKey(SageObject.AP_BILL, "CARR-55", "V-1")])
    assert one.total == Decimal("2400.00")


@pytest.mark.parametrize("changes", [{"TOTALENTERED": ""}, {"TOTALENTERED": "many"}, {"TOTALENTERED": "NaN"}])
async def test_a_row_without_its_facts_is_no_look_up(changes):
    async with Books({"APBILL": [bill_row(**changes)]}).client() as client:
        with pytest.raises(errors.UnavailableError):
            await client.find(login(), [DocumentKey(SageObject.AP_BILL, "CARR-55", "V-1")])


async def test_pages_out_of_order_are_an_error_not_a_list_with_holes():
    gateway = Books({"VENDOR": list(reversed(vendors(5)))}, page_cap=2)
    async with gateway.client() as client:
        with pytest.raises(errors.UnavailableError, match="order"):
            await client.parties(login(), PartyKind.VENDOR)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (lambda asked: asked.answer(""), ErrorCategory.RETRY),
        (
            lambda asked: asked.answer(refused(asked.control_ids[0], error("PL04000005", "no permission"))),
            ErrorCategory.CONFIGURATION,
        ),
        (
            lambda asked: asked.answer(refused(asked.control_ids[0], error("DL02000001", "error processing"))),
            ErrorCategory.BUG,
        ),
        (
            lambda asked: asked.answer(refused(asked.control_ids[0], error("", "The Service is Temporarily Off-line"))),
            ErrorCategory.RETRY,
        ),
        (lambda _: httpx.Response(429, headers={"Retry-After": "5"}), ErrorCategory.THROTTLED),
        (lambda _: httpx.Response(502, text="<html/>"), ErrorCategory.RETRY),
        (lambda _: httpx.Response(403, text="<html/>"), ErrorCategory.CONFIGURATION),
        (lambda _: httpx.ReadTimeout("slow"), ErrorCategory.RETRY),
    ],
)
async def test_a_failed_read_raises_with_its_class(reply, kind):
    async with ScriptedGateway(reply).client() as client:
        with pytest.raises(errors.NotDoneError) as raised:
            await client.parties(login(), PartyKind.VENDOR)
    assert raised.value.kind is kind


async def test_a_read_whose_second_page_fails_returns_nothing():
    gateway = Books({"VENDOR": vendors(5)}, page_cap=2)
    gateway.script = lambda asked: gateway.read(asked) if len(gateway.requests) == 1 else ""
    async with gateway.client() as client:
        with pytest.raises(errors.UnavailableError):
            await client.parties(login(), PartyKind.VENDOR)


def test_a_query_is_written_as_its_schema_has_it():
    where = AllOf((equal("A", "x<&>"), AnyOf((Where("B", Operator.IS_NULL), one_of("C", ["1", "2"])))))
    assert Query("UDD", ("name", "id"), where, key="id", page_size=5, case_insensitive=True, show_private=False).xml(
        7
    ) == (
        "<query><object>UDD</object><select><field>id</field><field>name</field></select>"
        "<filter><and><and><equalto><field>A</field><value>x&lt;&amp;&gt;</value></equalto>"
        "<or><isnull><field>B</field></isnull><in><field>C</field><value>1</value><value>2</value></in></or></and>"
        "<greaterthan><field>id</field><value>7</value></greaterthan></and></filter>"
        "<orderby><order><field>id</field><ascending/></order></orderby>"
        "<options><caseinsensitive>true</caseinsensitive></options><pagesize>5</pagesize></query>"
    )
    assert "<filter>" not in Query("VENDOR", ("NAME",)).xml()


@pytest.mark.parametrize("values", [[], [str(n) for n in range(1001)]])
def test_in_takes_no_more_than_a_thousand_values(values):
    with pytest.raises(ValueError, match="1000"):
        one_of("A", values)


@pytest.mark.parametrize("size", [0, 2001])
def test_a_page_has_at_most_two_thousand_rows(size):
    with pytest.raises(ValueError, match="2000"):
        Query("VENDOR", ("NAME",), page_size=size)


BITES = st.sampled_from([
    "<response>", "</response>", "<control>", "</control>", "<status>success</status>", "<status>failure</status>",
    "<operation>", "</operation>", "<authentication>", "</authentication>", "<result>", "</result>", "<data>",
    "</data>", "<key>1</key>", "<errormessage>", "</errormessage>", "<error>", "</error>", "<errorno>X</errorno>",
    "<!--c-->", "<?p?>", "&amp;", "&x;", "<![CDATA[x]]>", "\xff", "\x00",
])  # fmt: skip


@given(st.binary(max_size=200) | st.lists(BITES, max_size=25).map("".join).map(str.encode))
def test_whatever_the_bytes_the_parser_raises_nothing_of_its_own(body):
    with suppress(errors.SageError):
        parse(body)


WHOLE = (
    "<response><control><status>success</status></control><operation><authentication><status>success</status>"
    "</authentication></operation></response>"
)


@pytest.mark.parametrize(
    "body",
    [
        f"<!DOCTYPE response>{WHOLE}".encode(),
        f'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///secret">]>{WHOLE}'.replace("success", "&a;").encode(),
        f"<!--{'x' * 600}--><!DOCTYPE response [<!ENTITY a 'b'>]>{WHOLE}".encode(),
        f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE response>{WHOLE}'.encode("utf-16"),
    ],
)
def test_a_document_type_declaration_is_refused(body):
    parse(WHOLE.encode())
    with pytest.raises(errors.UnreadableAnswerError, match="document type"):
        parse(body)
