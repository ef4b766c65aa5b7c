"""``alvys-sage topics --partitioner``, and what follows for its dead letters."""

import asyncio
import json

from kafka_client.partitioners import Partitioner, Placement
from tests.support.kafka import producing
from tests.support.world import invoice, key

MURMUR2, CRC32 = (Placement(rule, 2) for rule in (Partitioner.MURMUR2, Partitioner.CRC32))
APART = [f"I-{n}" for n in range(40) if MURMUR2.partition_of(key(f"I-{n}")) != CRC32.partition_of(key(f"I-{n}"))][:4]


async def test_a_wrong_partitioner_is_changed_and_its_dead_letters_are_read_again(world, command, tmp_path):
    async with world.worker() as running:
        await running.until_open(10)
        async with producing(world.bootstrap) as producer:
            for number in APART:
                where = CRC32.partition_of(key(number))
                await producer.send_and_wait(
                    world.topics.invoice_created, invoice(number), key(number), partition=where
                )
        async with asyncio.timeout(60):
            while len(await world.records(world.topics.sage_dead_letters)) < len(APART):  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # Kafka is polled
        refused = await command("topics", "--partitioner", "crc32")
        assert (refused.code, "is active" in refused.err) == (1, True), refused

    told = await command("replay", "--topic", "invoice-created", "--to-earliest")
    assert "4  dead letter" in told.out, told
    letters = await command("dead-letters", "replay", "--code", "WRONG_PARTITION")
    assert "0 of 4 dead letters can be read now" in letters.err, letters
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"ana": "Accountant"}))
    refused = await command("topics", "--partitioner", "crc32", "--by", "ana", ALVYS_SAGE_ROLES_FILE=str(people))
    assert refused.code == 2, refused

    changed = await command("topics", "--partitioner", "crc32")
    assert (changed.code, "crc32 is the partitioner of" in changed.err) == (0, True), changed
    async with world.worker():
        letters = await command("dead-letters", "replay", "--code", "WRONG_PARTITION", "--execute")
        assert "4 of 4 dead letters can be read now" in letters.err, letters
        await world.until(4, "posted")
