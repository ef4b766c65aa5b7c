"""``alvys-sage ledger restore --from-sage``, as an operator runs it: wrongly, killed, twice at once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from aiokafka import TopicPartition

from app.commands.ledger import DRY_RUN
from consumers.export.ledger.generation import MARK
from kafka_client.clock import utc_now
from kafka_client.fencing import fence
from kafka_client.stopping import stop_client
from simulator import Simulator, demo_seed
from tests.support.damaged_topics import make_anew
from tests.support.over_http import COMPANY, books, highline, send, world_before
from tests.support.world import SUBSIDIARY

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def gateway():
    async with Simulator(senders=demo_seed().senders, companies=[highline()]) as running:
        yield running


@pytest.fixture
async def world(bootstrap, topic_prefix, gateway):
    async with world_before(gateway, utc_now, bootstrap, topic_prefix) as world:
        yield world


@pytest.fixture
def restore(command, gateway):
    """Runs the command with access to the simulator."""

    async def run_it(*arguments: str, **variables: str):
        access = {
            "ALVYS_SAGE_GATEWAY_URL": gateway.url,
            "ALVYS_SAGE_SENDER_PASSWORD": "sender-secret",
            "ALVYS_SAGE_CREDENTIALS__ACME__USER": "user",
            "ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD": "p",
        }
        given = {name: value for name, value in (access | variables).items() if value}
        return await command("ledger", "restore", "--from-sage", "--topic", "invoice-created", *arguments, **given)

    return run_it


async def posted_and_lost(world, *numbers):
    """These invoices are in Sage; the ledger and the results are lost, the group's offsets are not."""
    await send(world, *numbers)
    async with world.worker():
        await world.until(len(numbers), "posted")
        await world.until_all_committed()
    await make_anew(world, world.topics.ledger(world.topics.invoice_created))
    await make_anew(world, world.topics.sage_export_results)


async def test_a_lost_ledger_is_restored_once_and_a_dry_run_changes_nothing(world, gateway, restore):
    numbers = ("a", "b", "c", "d")
    await posted_and_lost(world, *numbers)
    dry = await restore()
    assert (dry.code, DRY_RUN in dry.err) == (0, True), dry.err
    assert "4 documents were read in Sage Intacct" in dry.out
    assert (await world.ledger())[0] == {}
    done = await restore("--execute", "--json")
    assert done.code == 0, done.err
    assert sum(each["fromSage"] for each in json.loads(done.out)["ledgers"]) == 4
    await world.rewind()
    async with world.worker():
        await world.until_all_committed()
    assert Counter(number for number, _, _ in books(gateway)) == Counter(numbers)
    assert (await restore("--execute")).code == 1, "nothing is empty any more"


async def test_without_access_nothing_is_written_and_what_is_not_proven_is_told_with_exit_code_1(
    world, gateway, restore
):
    await posted_and_lost(world, "a", "b")
    gateway.store.database.execute("UPDATE ARINVOICE SET TOTALENTERED = 9900 WHERE RECORDID = 'a'")
    unset = await restore("--execute", ALVYS_SAGE_SENDER_PASSWORD="")
    assert (unset.code, "ALVYS_SAGE_SENDER_PASSWORD" in unset.err) == (2, True)
    refused = await restore("--execute", ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD="wrong")
    assert refused.code == 1
    assert f"not read: {COMPANY} ARINVOICE, subsidiary {SUBSIDIARY}: " in refused.out
    assert "Not restored: " in refused.out
    assert (await world.ledger())[0] == {}

    done = await restore("--execute")
    assert (done.code, "not everything is proven" in done.err) == (1, True)
    assert "CONTENT_UNKNOWN: 1 documents" in done.out
    assert "  invoice/a: ARINVOICE a, record" in done.out
    entries, _ = await world.ledger()
    known = {key: entry.posted is not None and entry.posted.revision != "" for key, entry in entries.items()}
    assert known == {"invoice/a": False, "invoice/b": True}


async def test_of_two_restores_at_once_one_writes(world, gateway, restore):
    await posted_and_lost(world, "a", "b", "c")
    first, second = await asyncio.gather(restore("--execute"), restore("--execute"))
    assert 0 in (first.code, second.code), (first.err, second.err)
    refused = [each for each in (first, second) if each.code]
    assert all(
        "not empty any more" in each.err or "nothing to restore" in each.err or "fenced" in each.err.lower()
        for each in refused
    ), refused
    written = await world.records(world.topics.ledger(world.topics.invoice_created))
    assert Counter(each.key for each in written)[MARK.encode()] == world.partitions, "each partition is written once"
    assert len((await world.ledger())[0]) == 3
    await world.rewind()
    async with world.worker():
        await world.until_all_committed()
    assert len(books(gateway)) == 3


async def test_a_restore_that_was_killed_while_it_wrote_is_done_again(world, gateway, restore, command):
    """What it left is a transaction that is open, which the next one ends."""
    await posted_and_lost(world, "a", "b")
    ledger = TopicPartition(world.topics.ledger(world.topics.invoice_created), 0)
    [killed] = await fence(world.clients, [ledger], timeout_ms=int(timedelta(minutes=10).total_seconds() * 1000))
    await killed.begin_transaction()
    await (await killed.send(ledger.topic, key=b"invoice/half", value=b"{}", partition=0))
    try:
        assert "LEDGER_EMPTY" in (await command("ledger", "verify", "--topic", "invoice-created")).out
        done = await restore("--execute")
    finally:
        await stop_client(killed)
    assert done.code == 0, done.err
    entries, _ = await world.ledger()
    assert set(entries) == {"invoice/a", "invoice/b"}
