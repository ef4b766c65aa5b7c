"""Writer of commands to the topic `export-commands`; the record key is the id of the command."""

from collections.abc import Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaProducer

from domain.commands import Command, encode


class CommandWriter:
    """Writes commands, and returns when every in-sync replica has them.

    Args:
        topic: The full name of the commands topic.
        kafka: Keyword arguments for every aiokafka client: brokers and credentials.
        largest: The largest command in bytes. A `Replay` contains a whole record and is a third larger than it.
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
        """Write commands, in order.

        Raises:
            KafkaError: It is not known whether the commands were written. Writing them again is harmless.
        """
        for command in commands:
            await self._producer.send_and_wait(self._topic, encode(command), key=command.id.encode())
