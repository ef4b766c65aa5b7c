"""``alvys-sage ledger restore --from-sage``, as an operator runs it: wrongly, beside workers, killed, twice at once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from aiokafka import TopicPartition

from app.commands.ledger import DRY_RUN
from consumers.export.ledger.damage import PartitionFault
from kafka_client.clock import utc_now
from kafka_client.fencing import fence
from kafka_client.stopping import stop_client
from simulator import Simulator, demo_seed
from tests.support.damaged_topics import held, make_anew
from tests.support.eventually import until
from tests.support.over_http import COMPANY, books, highline, send, standing, world_before
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


async def test_a_running_worker_goes_on_once_sage_told_what_is_posted(world, gateway, restore):
    numbers = ("a", "b", "c", "d")
    await posted_and_lost(world, *numbers)
    async with world.worker() as running:
        await until(lambda: set(held(world).values()) == {PartitionFault.LEDGER_EMPTY})
        dry = await restore()
        assert (dry.code, DRY_RUN in dry.err) == (0, True), dry.err
        assert "4 documents were read in Sage Intacct" in dry.out
        assert held(world), "a dry run changes nothing"
        done = await restore("--execute", "--json")
        assert done.code == 0, done.err
        assert sum(each["fromSage"] for each in json.loads(done.out)["ledgers"]) == 4
        await running.until_open(5 * world.partitions)
        await send(world, "a", amount="70.00")
        await world.until(1, "posted")
    await world.rewind()
    async with world.worker():
        await world.until_all_committed()
    assert Counter(number for number, _, _ in standing(gateway)) == Counter(numbers)
    assert ("a", "Posted", "70.00") in standing(gateway)
    assert (await restore("--execute")).code == 1, "nothing is empty any more"


async def test_what_is_not_proven_is_told_with_exit_code_1_and_the_rest_is_restored(world, gateway, restore):
    await posted_and_lost(world, "a", "b")
    gateway.store.database.execute("UPDATE ARINVOICE SET TOTALENTERED = 9900 WHERE RECORDID = 'a'")
    shown = await restore()
    assert shown.code == 1
    assert "CONTENT_UNKNOWN: 1 documents" in shown.out
    assert "  invoice/a: ARINVOICE a, record" in shown.out
    done = await restore("--execute", "--json")
    assert (done.code, "not everything is proven" in done.err) == (1, True)
    told = json.loads(done.out)
    assert [(each["documentKey"], each["code"]) for each in told["sage"]["unproven"]] == [
        ("invoice/a", "CONTENT_UNKNOWN")
    ]
    assert told["notRestored"] == []
    entries, _ = await world.ledger()
    assert {key: entry.posted.revision != "" for key, entry in entries.items()} == {
        "invoice/a": False,
        "invoice/b": True,
    }


async def test_without_access_to_a_company_nothing_is_written(world, gateway, restore):
    await posted_and_lost(world, "a")
    unset = await restore("--execute", ALVYS_SAGE_SENDER_PASSWORD="")
    assert (unset.code, "ALVYS_SAGE_SENDER_PASSWORD" in unset.err) == (2, True)
    for variables in ({"ALVYS_SAGE_CREDENTIALS__ACME__USER": "nobody"}, {"ALVYS_SAGE_CREDENTIALS__ACME__USER": ""}):
        refused = await restore("--execute", **variables)
        assert refused.code != 0
    refused = await restore("--execute", ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD="wrong")
    assert refused.code == 1
    assert "Not restored: " in refused.out
    assert f"not read: {COMPANY}" in refused.out
    assert SUBSIDIARY in refused.out
    assert (await world.ledger())[0] == {}


async def test_of_two_restores_at_once_one_writes(world, gateway, restore):
    await posted_and_lost(world, "a", "b", "c")
    first, second = await asyncio.gather(restore("--execute"), restore("--execute"))
    assert 0 in (first.code, second.code), (first.err, second.err)
    entries, _ = await world.ledger()
    assert len(entries) == 3
    await world.rewind()
    async with world.worker():
        await world.until_all_committed()
    assert len(books(gateway)) == 3


async def test_a_restore_that_was_killed_while_it_wrote_is_done_again(world, gateway, restore):
    """What it left is a transaction that is open, which the next one ends."""
    await posted_and_lost(world, "a", "b")
    ledger = TopicPartition(world.topics.ledger(world.topics.invoice_created), 0)
    [killed] = await fence(world.clients, [ledger], timeout_ms=int(timedelta(minutes=10).total_seconds() * 1000))
    await killed.begin_transaction()
    await (await killed.send(ledger.topic, key=b"invoice/half", value=b"{}", partition=0))
    try:
        done = await restore("--execute")
    finally:
        await stop_client(killed)
    assert done.code == 0, done.err
    entries, _ = await world.ledger()
    assert set(entries) == {"invoice/a", "invoice/b"}
