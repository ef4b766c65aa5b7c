"""A mapping-state topic and a table on it, for tests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from consumers.mapping_state import MappingTable, Patience
from tests.support.kafka import clients_at

MASTER = "S1/account/ap/default/default"
DIESEL = "S1/account/ap/fuel/Truck Diesel"
IMPATIENT = Patience(catch_up=20, barrier=20, check_every=60)


def account(number: str) -> bytes:
    return json.dumps({"account": number}).encode()


async def put(producer: AIOKafkaProducer, topic: str, key: str, value: bytes | None) -> int:
    """Write one record and return its offset, acknowledged."""
    done = await producer.send_and_wait(topic, value, key=key.encode(), partition=None)
    offset: int = done.offset
    return offset


@asynccontextmanager
async def table_on(bootstrap: str, topic: str, patience: Patience = IMPATIENT) -> AsyncIterator[MappingTable]:
    async with MappingTable(topic, clients_at(bootstrap), patience=patience) as table:
        yield table


def account_of(table: MappingTable, canonical: str) -> str | None:
    record = table.state.account(canonical)
    return None if record is None else getattr(record.value, "account", "unreadable")
