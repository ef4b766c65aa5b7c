"""The way from aiokafka's clients to a broker in memory: a connection without a network."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from aiokafka import client as aiokafka_client
from aiokafka.conn import CloseReason, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.util import wait_for

from tests.support.memory_kafka.broker import VERSIONS, Client, MemoryKafka
from tests.support.memory_kafka.timers import on_loop

OnClose = Callable[["MemoryConnection", CloseReason | None], None]

_brokers: WeakValueDictionary[tuple[str, int], MemoryKafka] = WeakValueDictionary()


class MemoryConnection:
    """A connection as aiokafka's client uses it. Like a broker, it answers one request after the other.

    Args:
        broker: The broker.
        client_id: The client's name.
        request_timeout: Seconds after which an unanswered request fails.
        on_close: Called when the connection is closed.
    """

    def __init__(
        self, broker: MemoryKafka, client_id: str, request_timeout: float, on_close: OnClose | None = None
    ) -> None:
        self.host, self.port = broker.host, broker.port
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._client = Client(self._loop, client_id)
        self._request_timeout = request_timeout
        self._on_close = on_close
        self._open = True
        self._waiting: deque[tuple[RequestStruct, asyncio.Future[Response]]] = deque()
        """The request under way and those behind it."""

    def connected(self) -> bool:
        """Whether the connection was not closed."""
        return self._open

    def close(self, reason: CloseReason | None = None, exc: Exception | None = None) -> "asyncio.Future[None]":
        """Close the connection. Requests without an answer fail."""
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        if self._open:
            self._open = False
            for _, future in self._waiting:
                if not future.done():
                    future.set_exception(KafkaConnectionError(f"Connection at {self.host}:{self.port} closed"))
            self._waiting.clear()
            if self._on_close is not None:
                self._on_close(self, reason)
        return done

    def send(self, request: Request[Any], expect_response: bool = True) -> Awaitable[Response | None]:
        """Send a request. What is returned is awaited for the response.

        Raises:
            KafkaConnectionError: The connection was closed.
        """
        if not self._open:
            raise KafkaConnectionError(f"No connection to broker at {self.host}:{self.port}")
        prepared = request.prepare(VERSIONS)
        future: asyncio.Future[Response] = self._loop.create_future()
        self._waiting.append((prepared, future))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._handle_first)
        if not expect_response:
            written: asyncio.Future[None] = self._loop.create_future()
            written.set_result(None)
            return written
        response: Awaitable[Response] = wait_for(future, self._request_timeout)
        return response

    def _handle_first(self) -> None:
        if not self._waiting:
            return
        request, future = self._waiting[0]
        if getattr(request, "required_acks", None) == 0:
            self._broker.handle(request, self._client, lambda _: None)
            self._answered(future, None)
            return
        try:
            self._broker.handle(request, self._client, partial(self._take, future))
        except Exception as error:  # noqa: BLE001 - a defect of the broker in memory ends the test, not its patience
            future.set_exception(error)

    def _take(self, future: "asyncio.Future[Response]", response: Response) -> None:
        on_loop(self._loop, lambda: self._answered(future, response))

    def _answered(self, future: "asyncio.Future[Response]", response: Response | None) -> None:
        if not self._waiting or self._waiting[0][1] is not future:
            return  # the connection was closed
        self._waiting.popleft()
        if not future.done() and response is not None:
            future.set_result(response)
        if self._waiting:
            self._loop.call_soon(self._handle_first)


def serve(broker: MemoryKafka) -> MemoryKafka:
    """Let clients of this process reach a broker at its address, for as long as somebody holds it."""
    _brokers[broker.host, broker.port] = broker
    return broker


def install() -> None:
    """Let aiokafka's clients reach the brokers in memory. All other addresses lead into the network as before."""
    aiokafka_client.create_conn = _connect


async def _connect(host: str, port: int, **options: Any) -> Any:
    if host != "memory":
        return await create_conn(host, port, **options)
    broker = _brokers.get((host, port))
    if broker is None:
        raise KafkaConnectionError(f"no broker in memory at {host}:{port}")
    timeout = options.get("request_timeout_ms", 40_000) / 1000
    return MemoryConnection(broker, options.get("client_id", ""), timeout, options.get("on_close"))
