"""``alvys-sage waiting``: what blocks how many documents, and how much money; currencies apart; workers or not."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from app import topic_reader
from app.commands.waiting import read_waiting
from app.waiting_report import UnpostedDocument, by_blocker, group_documents, money
from tests.support.kafka import producing
from tests.support.world import QUICK, invoice, key

MASTER = "sub-2/account/ar/default/default"
OWN_ACCOUNT = "sub-2/account/ar/load/default"
ITEM = "sub-2/account/ar/load/customer linehaul"


def in_currency(number: str, amount: str, currency: int | None) -> bytes:
    event = orjson.loads(invoice(number, amount, subsidiary="sub-2"))
    body = event["data"]["invoice"]
    body["total"]["currency"] = body["lineItems"][0]["amount"]["currency"] = currency
    return orjson.dumps(event)


@pytest.fixture
async def blocked(world):
    """Three documents that wait for accounts in three currencies, one for its connection, one that was posted."""
    await world.connect("sub-2")
    await world.connect("sub-3", state="paused")
    await world.send(
        (key("usd"), in_currency("usd", "18000.50", 840)),
        (key("usd-2"), in_currency("usd-2", "220.00", 840)),
        (key("cad"), in_currency("cad", "90.00", 124)),
        (key("base"), in_currency("base", "7.00", None)),
        (key("paused"), invoice("paused", "5.00", subsidiary="sub-3")),
        (key("posted"), invoice("posted")),
    )
    async with world.worker():
        await world.until(6)
    return world


async def test_what_blocks_how_many_documents_and_how_much_of_each_currency(blocked, command):
    told = await command("waiting")
    assert told.code == 0, told
    header, *rows = (line.split("\t") for line in told.out.splitlines() if "\t" in line)
    assert header == ["BLOCKED BY", "DOCUMENTS", "AMOUNT", "OLDEST", "CODES", "TOPICS"]
    sums = "90.00 CAD; 18,227.50 USD"
    topic = blocked.topics.invoice_created
    assert [(row[0], row[1], row[2], row[4], row[5]) for row in rows] == [
        (MASTER, "4", sums, "ACCOUNT_UNMAPPED", topic),
        (OWN_ACCOUNT, "4", sums, "ACCOUNT_UNMAPPED", topic),
        (ITEM, "4", sums, "ACCOUNT_UNMAPPED", topic),
        ("sub-3/connection", "1", "5.00 USD", "CONNECTION_PAUSED", topic),
    ]
    assert "total: 5 documents wait, 90.00 CAD; 18,232.50 USD" in told.out
    assert "once in the total" in told.err


async def test_the_documents_of_a_key_in_any_spelling_of_it(blocked, command):
    told = json.loads((await command("waiting", "--key", "sub-2/account/ar/load/ Customer LINEHAUL", "--json")).out)
    documents = {each["key"]: each for each in told["documents"]}
    assert set(documents) == {f"invoice/{name}" for name in ("usd", "usd-2", "cad", "base")}
    first = documents["invoice/usd"]
    assert (first["number"], first["party"], first["amount"], first["currency"]) == (
        "usd",
        "Prairie Gold",
        "18000.50",
        "USD",
    )
    assert first["detail"] == "no account on AR for 1 of 1 lines"
    listed = await command("waiting", "--key", MASTER)
    assert f"{MASTER} blocks 4 documents" in listed.out
    assert (await command("waiting", "--key", "sub-2/connection")).out == "nothing waits for sub-2/connection\n"


async def test_a_topic_or_a_subsidiary_alone(blocked, command):
    told = json.loads((await command("waiting", "--subsidiary", "sub-3", "--topic", "invoice-created", "--json")).out)
    assert [each["key"] for each in told["blockers"]] == ["sub-3/connection"]
    assert told["total"]["amounts"] == {"USD": "5.00"}
    assert (await command("waiting", "--topic", "fuel-transaction")).out == "nothing waits\n"
    assert (await command("waiting", "--topic", "no-such-topic")).code == 2


async def test_it_can_be_asked_while_a_worker_runs_and_what_arrived_waits_no_more(blocked, command):
    async with blocked.worker():
        await blocked.set(MASTER, {"account": "4000"})
        await blocked.until(5, "posted")
        told = json.loads((await command("waiting", "--json")).out)
    assert [each["key"] for each in told["blockers"]] == ["sub-3/connection"]


async def test_documents_in_doubt_stand_apart(world, command):
    world.sage.hidden = True
    world.sage.script.append("lost")
    await world.send_invoices("doubt")
    async with world.worker(replace(QUICK, max_execution_time=timedelta(hours=1))):
        await world.until(1, "uncertain")
    told = await command("waiting")
    assert "in doubt: 1 documents, 100.00 USD" in told.out
    assert "BLOCKED BY" not in told.out
    (doubt,) = json.loads((await command("waiting", "--json")).out)["in_doubt"]
    assert (doubt["key"], doubt["code"]) == ("invoice/doubt", "OUTCOME_UNKNOWN")


async def test_records_of_the_engines_own_are_no_documents(blocked, command):
    ledger = blocked.topics.ledger(blocked.topics.invoice_created)
    async with producing(blocked.bootstrap) as producer:
        await producer.send_and_wait(ledger, b"not json", b"~own", partition=0)
    assert "total: 5 documents wait" in (await command("waiting")).out


async def test_an_entry_that_cannot_be_read_stops_it_and_is_named(blocked, command):
    ledger = blocked.topics.ledger(blocked.topics.invoice_created)
    async with producing(blocked.bootstrap) as producer:
        await producer.send_and_wait(ledger, b'{"schema": 99}', b"invoice/x", partition=0)
    refused = await command("waiting")
    assert refused.code == 1
    assert "'invoice/x' has schema 99" in refused.err


async def test_a_transaction_that_a_killed_worker_left_open_is_not_waited_for(blocked, monkeypatch, capsys):
    monkeypatch.setattr(topic_reader, "PATIENCE", 3)
    source = blocked.topics.invoice_created
    async with producing(blocked.bootstrap, f"{blocked.prefix}killed") as killed:
        await killed.begin_transaction()
        await killed.send_and_wait(blocked.topics.ledger(source), b"{}", b"invoice/usd", partition=0)
        async with asyncio.timeout(60):
            found = await read_waiting(blocked.settings, [source])
        await killed.abort_transaction()
    assert len(found) == 5
    assert f"a transaction is open on {blocked.topics.ledger(source)} 0" in capsys.readouterr().err


def document(name: str, amount: str | None, currency: str | None, *blocked_by: str) -> UnpostedDocument:
    return UnpostedDocument(
        key=name,
        topic="t",
        subsidiary="s",
        number=name,
        party=None,
        amount=None if amount is None else Decimal(amount),
        currency=currency,
        since=datetime(2026, 6, 10, tzinfo=UTC),
        code=None,
        detail=None,
        blocked_by=blocked_by,
        in_doubt=False,
    )


def test_a_document_with_several_keys_counts_at_each_and_once_in_the_total():
    documents = [
        document("a", "1.10", "USD", "x", "y"),
        document("b", "2.20", "USD", "y"),
        document("c", None, None, "y"),
    ]
    assert [(name, crowd.documents, crowd.amount) for name, crowd in by_blocker(documents)] == [
        ("y", 3, "3.30 USD"),
        ("x", 1, "1.10 USD"),
    ]
    total = group_documents(documents)
    assert total is not None
    assert (total.documents, total.amounts) == (3, {"USD": Decimal("3.30")})
    assert group_documents([]) is None


def test_money_is_shown_exactly():
    assert money(Decimal("1234567.5"), "USD") == "1,234,567.50 USD"
    assert money(Decimal("-0.125"), "BHD") == "-0.125 BHD"
    assert money(Decimal(7), "JPY") == "7.00 JPY"
