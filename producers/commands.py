"""Writer of commands to the topic `export-commands`; the record key is the id of the command."""

from collections.abc import Sequence
from typing import Self

from domain.commands import Command, encode
from kafka_client.interface import KafkaClients


class CommandWriter:
    """Writes commands, and returns when every in-sync replica has them.

    Args:
        topic: The full name of the commands topic.
        clients: The factory of Kafka clients.
        largest: The largest command in bytes. A `Replay` contains a whole record and is a third larger than it.
    """

    def __init__(self, topic: str, clients: KafkaClients, *, largest: int) -> None:
        self._topic = topic
        self._producer = clients.producer(max_request_size=largest)

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
