"""Writes what a person asks to the topic `export-commands`; the key is the command's id."""

from collections.abc import Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaProducer

from domain.commands import Command, encode


class CommandWriter:
    """Asks; returns when every in-sync replica has the commands.

    Args:
        topic: The full name of the commands topic.
        kafka: Keywords for every aiokafka client: brokers and how to sign in.
        largest: Bytes of the largest command: one that brings a record along is a third larger than the record.
    """

    def __init__(self, topic: str, kafka: Mapping[str, object], *, largest: int) -> None:
        self._topic = topic
        # Idempotent, so a retry neither doubles a record nor swaps two of one key.
        self._producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True, max_request_size=largest)

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._producer.stop()

    async def ask(self, commands: Sequence[Command]) -> None:
        """Write commands, in their order.

        Raises:
            KafkaError: They are not known to be written; asking again is harmless.
        """
        for command in commands:
            await self._producer.send_and_wait(self._topic, encode(command), key=command.id.encode())
