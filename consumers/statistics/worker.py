"""The Faust application: two agents, two tables and a timer around `Windows`.

The first agent reads the results and sends each subsidiary's facts to one partition of an internal topic. The second
agent applies them to the tables, and closes a window when it reads the timer's request in the same partition.

Deliberate Faust settings: a stop does not wait until the streams are empty, which may never happen, and is cut off
after a time limit. Faust creates no topics, elects no leader, serves no web pages, and keeps no standby copies of the
tables.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import faust
import structlog
from faust.transport.drivers import aiokafka as driver

from consumers.statistics import facts, metrics
from consumers.statistics.facts import Close, RecordPosition, ResultFact, UnreadableResult
from consumers.statistics.recovery import SteadyRecovery
from consumers.statistics.windows import WindowConfig, Windows
from kafka_client.reader import Sieve, prepare
from producers import statistics

log = structlog.get_logger(__name__)

COMMIT_EVERY = 1.0
"""Seconds between commits. Less than the grace of a window, so that records read again after a crash find their window
still open."""
LOOK_EVERY = 1.0
"""Seconds between two checks for windows whose time is over."""


@dataclass(frozen=True, slots=True)
class StatisticsTopics:
    """Full topic names. `facts`, `windows` and `waiting` have equal partition counts."""

    results: str
    summaries: str
    facts: str
    windows: str
    waiting: str


@dataclass(frozen=True, slots=True)
class StatisticsConfig:
    """Configuration of the application. `kafka` holds the keywords of every aiokafka client of this service."""

    group_id: str
    topics: StatisticsTopics
    rules: WindowConfig
    kafka: Mapping[str, object]
    directory: Path
    """A writable directory: Faust creates folders at its start, even for tables in memory."""
    check_crcs: bool = True
    max_poll_records: int = 500
    session_timeout: float = 30.0
    """Seconds of silence after which the process loses its partitions."""


class _CommittedThread(driver.AIOKafkaConsumerThread):
    mundane_level = "debug"

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust reads uncommitted records unless it uses transactions itself, and its transactions are not reliable.
        # So the flag is set only while its consumer is created.
        self.consumer.in_transaction = True
        try:
            return super()._create_worker_consumer(transport)
        finally:
            self.consumer.in_transaction = False

    async def _fetch_records(self, consumer: Any, *args: Any, **options: Any) -> Any:
        sieve = cast(_CommittedTransport, self.transport).sieve
        return sieve.sift(consumer, dict(await super()._fetch_records(consumer, *args, **options)))


class _CommittedConsumer(driver.Consumer):
    mundane_level = "debug"

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)


class _CommittedTransport(driver.Transport):
    Consumer = _CommittedConsumer
    sieve: Sieve
    """Unreadable records of the results topic are counted as such; in our own topics they are an error."""


class _NamedTable(faust.Table[bytes, bytes]):
    """A table whose changelog topic has the given name.

    Faust's option `changelog_topic` is not used: a table with that option does not recover.
    """

    mundane_level = "debug"

    def __init__(self, app: faust.App, changelog: str) -> None:
        self._changelog = changelog
        super().__init__(app, name=changelog, key_type=bytes, value_type=bytes)

    def _changelog_topic_name(self) -> str:
        return self._changelog


class _Work:
    """The bodies of the agents and of the timer.

    No body raises: Faust would restart the agent and count the record as processed.
    """

    def __init__(self, app: faust.App, config: StatisticsConfig) -> None:
        self._app = app
        self._facts = config.topics.facts
        self.results = _bytes(app, config.topics.results)
        self.messages = _bytes(app, config.topics.facts)
        self._summaries = _bytes(app, config.topics.summaries)
        open_windows, documents = _NamedTable(app, config.topics.windows), _NamedTable(app, config.topics.waiting)
        app.tables.add(open_windows)
        app.tables.add(documents)
        self._windows = Windows(open_windows, documents, config.rules, time.monotonic)

    async def read(self, stream: Any) -> None:
        """Send the fact of each result to the partition of its subsidiary."""
        async for event in stream.events():
            try:
                await self._send(_fact(event))
            except Exception as error:  # noqa: BLE001 - see the class
                _failed("a result could not be sent on", error)

    async def fold(self, stream: Any) -> None:
        """Apply the messages of the internal topic: count facts, close windows."""
        async for event in stream.events():
            try:
                message = facts.decode(event.message.value)
                if isinstance(message, Close):
                    await self._close(message)
                elif message is not None:
                    self._windows.count(message, event.message.partition)
            except Exception as error:  # noqa: BLE001 - see the class
                _failed("a message could not be counted", error)

    async def look(self) -> None:
        """Send requests to close the windows whose time is over."""
        try:
            ours = {tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._facts}
            for message in self._windows.due(time.time(), ours):
                await self._send(message)
        except Exception as error:  # noqa: BLE001 - see the class
            _failed("windows could not be closed; this is tried again", error)

    async def _send(self, message: ResultFact | UnreadableResult | Close) -> None:
        await self.messages.send(key=facts.key(message.subsidiary), value=facts.encode(message))

    async def _close(self, message: Close) -> None:
        summary = self._windows.close(message)
        if summary is None:
            return
        key = None if summary.subsidiary is None else summary.subsidiary.encode()
        await self._summaries.send(key=key, value=statistics.encode(summary))
        metrics.SUMMARIES.inc()
        for alert in summary.alerts:
            metrics.ALERTS.labels(alert.alarm).inc()
            log.warning("alert", alert=alert.alarm, subsidiary=summary.subsidiary, detail=alert.detail)


def application(config: StatisticsConfig) -> faust.App:
    """Build the Faust application, ready to be started.

    Raises:
        CompressionMissingError: This installation cannot read one of Kafka's compressions.
    """
    prepare()
    app = faust.App(
        config.group_id,
        broker=[f"kafka://{server.strip()}" for server in str(config.kafka["bootstrap_servers"]).split(",")],
        broker_client_id=str(config.kafka["client_id"]),
        broker_credentials=_credentials(config.kafka),
        broker_check_crcs=config.check_crcs,
        broker_max_poll_records=config.max_poll_records,
        broker_commit_interval=COMMIT_EVERY,
        broker_session_timeout=config.session_timeout,
        broker_heartbeat_interval=config.session_timeout / 10,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=30.0,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        store="memory://",
        datadir=str(config.directory),
        web_enabled=False,
        autodiscover=False,
    )
    app.transport = _CommittedTransport(app.conf.broker_consumer, app)
    app.transport.sieve = Sieve(lambda topic: topic == config.topics.results)
    tables: Any = app.tables  # Faust creates a recovery of its own unless one is set
    tables._recovery = SteadyRecovery(app, tables, beacon=tables.beacon, loop=tables.loop)  # noqa: SLF001
    work = _Work(app, config)
    app.agent(work.results, name="read")(work.read)
    app.agent(work.messages, name="fold")(work.fold)
    app.timer(LOOK_EVERY, name="look")(work.look)
    return app


def _bytes(app: faust.App, name: str) -> Any:
    return app.topic(
        name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
    )


def _fact(event: Any) -> ResultFact | UnreadableResult:
    message = event.message
    place = RecordPosition(partition=message.partition, offset=message.offset)
    fact = facts.read_result(message.value, place)
    metrics.RECORDS.labels("unreadable" if fact is None else "result").inc()
    return fact or UnreadableResult(place=place, at=datetime.fromtimestamp(message.timestamp, UTC))


def _failed(what: str, error: Exception) -> None:
    metrics.FAILURES.inc()
    log.error(what, exc_info=error)


def _credentials(kafka: Mapping[str, object]) -> faust.types.auth.CredentialsT | None:
    context = cast("ssl.SSLContext | None", kafka.get("ssl_context"))
    if (mechanism := kafka.get("sasl_mechanism")) is not None:
        return faust.SASLCredentials(
            username=str(kafka["sasl_plain_username"]),
            password=str(kafka["sasl_plain_password"]),
            mechanism=str(mechanism),
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


@dataclass(frozen=True, slots=True)
class StatisticsEnding:
    """How the application ended. If `in_time` is False, threads of Faust still run and the process must be ended."""

    in_time: bool
    crash: BaseException | None = None


async def run(app: faust.App, stop: asyncio.Event, stop_within: float) -> StatisticsEnding:
    """Run until `stop` is set or the application ends by itself.

    Args:
        app: The application.
        stop: Set from outside to end the run.
        stop_within: Seconds that Faust may take to stop.
    """
    starting = asyncio.create_task(app.start())
    ended = asyncio.create_task(app.wait_until_stopped())
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and starting.exception() is None:
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
    crash = app.crash_reason or (starting.exception() if starting.done() else None)
    stopping = asyncio.create_task(app.stop())
    done, _ = await asyncio.wait({stopping}, timeout=stop_within)
    for task in (starting, ended, asked):
        task.cancel()
    for task in done:
        crash = crash or task.exception()
    return StatisticsEnding(bool(done), crash)
