"""A client for administration, as every command that asks the broker about topics or the group needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from app.settings import Settings, kafka_options


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that is connected.

    Raises:
        KafkaError: No broker answers.
    """
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
