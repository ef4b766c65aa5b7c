"""No name without a source: every object, field and function element that is sent stands in a public list.

The walk makes every call that the client has. It is complete by construction: the source is searched for every place
that makes a query, and each has to have been passed. All other tests of the client run against gateways that check the
same (`tests.support.scripted_gateway`), and the simulator has no other names.
"""

import ast
import sys
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import CodeType

import pytest
from lxml import etree

from app.connections.snapshot import SnapshotReader
from chaos.books import by_query
from domain.categories import Side
from domain.documents import CustomValue, LineDimension, PartyKind, SageObject, ValueSource
from domain.parties.party_fields import fields_read
from domain.settings.custom_fields import FieldObject
from domain.settings.dimensions import Standard
from domain.terms import ChosenTerm
from sage_client import Call, DeleteCall, DocumentKey, Query, ReverseCall, UpdateCall, errors
from sage_client.corrections import REVERSALS, UPDATABLE, render_call
from sage_client.parties import PartyFields, contacts_query, create, create_contact, update
from sage_client.payments import PaymentsReader
from sage_client.query import Changes, compared
from tests.support.company_gateway import BAREST, FULLEST, CompanyGateway
from tests.support.sage_calls import document
from tests.support.sage_reference import reference
from tests.support.scripted_gateway import login
from tests.support.sent_names import OWN, OWN_OBJECTS, unsourced

ROOT = Path(__file__).parents[2]
PACKAGES = ("sage_client", "consumers", "app", "chaos", "bench", "demo")
COMPANIES = {"barest": BAREST, "fullest": FULLEST}


def places_that_make_queries() -> set[tuple[str, str]]:
    """File and function of each `Query(…)` and `Changes(…)` in the source."""
    found: set[tuple[str, str]] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    found |= {
                        (str(path.relative_to(ROOT)), function.name) for each in ast.walk(function) if _makes(each)
                    }
    return found


def _makes(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Query", "Changes"}


@dataclass
class Made:
    """The queries that were made: where, and the names they have before they are fitted to a company."""

    places: set[tuple[str, str]] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)

    def note(self, query: Query | Changes, code: CodeType) -> None:
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT):
            parts = [each for each in code.co_qualname.split(".") if not each.startswith("<")]
            self.places.add((str(path.relative_to(ROOT)), parts[-1]))
        where = query.where if isinstance(query, Query) else None
        self.names.setdefault(query.object, set()).update(query.names, compared(where))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What is made while the test runs."""
    found = Made()
    for kind in (Query, Changes):
        begin = kind.__init__

        def note(self: Query | Changes, *args: object, begin: object = begin, **given: object) -> None:
            begin(self, *args, **given)  # type: ignore[operator]
            found.note(self, sys._getframe(1).f_code)

        monkeypatch.setattr(kind, "__init__", note)
    return found


async def every_read(gateway: CompanyGateway) -> None:
    """Every call of the client that reads, with everything that it can be asked for."""
    who = login()
    async with gateway.client() as client:
        for kind in SageObject:
            await client.find(who, [DocumentKey(kind, "ALV-1", "C-1")])
            await client.records(who, kind, ["1"], lines_too=True)
        gateway.rows = {"ARINVOICE": [{"STATE": "Draft"}]}
        await client.records(who, SageObject.AR_INVOICE, ["1"], lines_too=True)
        for party in PartyKind:
            await client.parties(who, party, PartyFields("MC_NUMBER", details=True))
            await client.parties(who, party, ids=["C-1"])
        await client.query(who, contacts_query(["Carrier"]))
        await client.accounts(who)
        await client.entities(who)
        for side in Side:
            await client.terms(who, side)
        for dimension in await client.dimensions(who):
            if dimension.object == Standard.ASSET.object:
                with pytest.raises(errors.FieldMissingError):
                    await client.dimension_values(who, dimension)
            elif dimension.withheld is None and (dimension.user_defined or dimension.object in gateway.has):
                assert await client.dimension_values(who, dimension)
        await client.custom_fields(who, *FieldObject)
        await client.probe(who)
        reader = SnapshotReader(client, who)
        await reader.books(("V-1",), "100", "MC_NUMBER")
        payments = PaymentsReader(client.page, lambda: None)
        for side in Side:
            await payments.newest(who, side)
            await payments.changed(who, side, "03/09/2026 11:00:00")
            assert (await payments.headers(who, side, ["1"]))["1"].state
        for kind in SageObject:
            assert list(await payments.details(who, kind, ["1"]))
            assert await payments.balances(who, kind, ["1"])
        await by_query(client, [who])


@pytest.mark.parametrize("company", COMPANIES)
async def test_every_query_asks_for_names_that_have_a_source_and_the_company_has(company, made):
    gateway = CompanyGateway(has=COMPANIES[company])
    await every_read(gateway)
    assert places_that_make_queries() <= made.places
    asset = made.names.pop(Standard.ASSET.object)
    named = [f"{name}.{each}" for name, fields in made.names.items() for each in fields - OWN]
    assert not [each for each in named if not sourced(*each.split(".", 1))]
    # No source names a field of FIXEDASSET, so none is asked for that the company does not list itself.
    assert asset == {"RECORDNO", "ASSETID", "NAME", "STATUS"}
    assert Standard.ASSET.object not in {name for name, _ in gateway.queries}
    assert gateway.refusals == 0


def sourced(name: str, each: str) -> bool:
    return name in OWN_OBJECTS or reference().readable(name, each)


def whole(kind: SageObject) -> Call:
    """A document of an object, with everything that it can carry."""
    side = Side.AR if kind in {SageObject.AR_INVOICE, SageObject.AR_ADJUSTMENT} else Side.AP
    amounts = ("-10.00", "-5.00") if kind.adjusts else ("10.00", "5.00")
    plain = document(side=side, amounts=amounts, currency="USD")
    own: tuple[CustomValue, ...] = (CustomValue("A_DATE", "03/09/2026", ValueSource.SOURCE, "k"),)
    dimensions = [
        *(
            LineDimension(each.value, each.object, "1", ValueSource.DEFAULT, "k")
            for each in Standard
            if each is not Standard.LOCATION and (kind is SageObject.AP_BILL or each is not Standard.ASSET)
        ),
        LineDimension("lob", "LINE_OF_BUSINESS", "10002", ValueSource.DEFAULT, "k", user_defined=True),
    ]
    if kind.adjusts:
        own, dimensions = (), dimensions[:-1]
    lines = tuple(replace(line, dimensions=tuple(dimensions), custom=own) for line in plain.lines)
    term = ChosenTerm("Net 30", "Net 30", 30)
    found = replace(plain, lines=lines, custom=own, posting_date=date(2026, 3, 10), term=term)
    assert found.sage_object is kind
    return Call(f"c-{kind}", found, "C-1")


@pytest.mark.parametrize("marker_field", [None, "ALVYS_MARKER"])
async def test_every_function_that_writes_has_elements_that_have_a_source(marker_field):
    functions = []
    for kind in SageObject:
        call = whole(kind)
        functions.append(render_call(call, marker_field=marker_field))
        if kind in UPDATABLE:
            functions.append(render_call(UpdateCall(call, "1", 1), marker_field=marker_field))
        if kind in REVERSALS:
            functions.append(render_call(ReverseCall("r", kind, "1", date(2026, 3, 9))))
        functions.append(render_call(DeleteCall("d", kind, "1")))
    for party in PartyKind:
        fields = dict.fromkeys(fields_read(party), "x")
        pay_to = "Factor" if party is PartyKind.VENDOR else ""
        functions += [create(party, "P-1", "Name", "Name (VP-1)", fields, pay_to), update(party, "P-1", fields)]
    contact = {name.partition(".")[2]: "x" for name in fields_read(PartyKind.CUSTOMER) if "." in name}
    functions.append(create_contact("Factor", "Factor", contact))
    sent = "".join(f"<function>{each}</function>" for each in functions)
    root = etree.fromstring(f"<request><operation><content>{sent}</content></operation></request>")
    assert unsourced(root) == []
    elements = {str(each[0].tag) for each in root.iter("function")}
    assert elements == {
        *("create_invoice", "update_invoice", "reverse_invoice", "reverse_bill", "create_aradjustment"),
        *("create_apadjustment", "create", "update", "delete"),
    }
