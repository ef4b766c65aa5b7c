"""The Kafka administration client of the commands that ask the broker about topics or the consumer group."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from app.settings import Settings, kafka_options


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an administration client, and close it at the end of the `async with` block.

    Raises:
        KafkaError: No broker answers.
    """
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
