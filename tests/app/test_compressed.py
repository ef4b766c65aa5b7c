"""What people ask is answered from topics that the broker compresses, as from any."""

import asyncio

import pytest

from app.topic_checks import topic_specs
from tests.support.kafka import compress_topics
from tests.support.world import SUBSIDIARY, invoice, key


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
async def test_commands_read_compressed_topics(world, command, codec):
    await asyncio.to_thread(
        compress_topics, world.bootstrap, [each.topic for each in topic_specs(world.settings)], codec
    )
    long = "x" * 4_000
    await world.set(f"{SUBSIDIARY}/account/ar/default/default", {"account": "4000", "comment": long})
    await world.connect("sub-2", state="paused", comment=long)
    await world.send(
        *((key(f"n{n}"), invoice(f"n{n}") + b" " * 4_000) for n in range(3)),
        (key("w"), invoice("w", subsidiary="sub-2") + b" " * 4_000),
        (b"k", b"no JSON" + b" " * 4_000),
    )
    async with world.worker():
        await world.until(3, "posted")
        await world.until(1, "deferred")
    waiting = await command("waiting")
    assert "sub-2/connection" in waiting.out, waiting
    letters = await command("dead-letters", "list")
    assert "MALFORMED_JSON" in letters.out, letters
    letters = await command("dead-letters", "replay", "--code", "MALFORMED_JSON")
    assert "0 of 1 dead letters can be read now" in letters.err, letters
    told = await command("replay", "--topic", "invoice-created", "--to-earliest")
    assert "already posted" in told.out, told
    assert "1  dead letter" in told.out
    listed = await command("mappings", "list", "--subsidiary", SUBSIDIARY)
    assert "4000" in listed.out, listed
