"""The Faust application: two agents, two tables and a timer around `Windows`.

The first agent reads the results and sends each subsidiary's facts to one partition of an internal topic; the second
folds them into the tables, and closes a window when the timer's message comes along in the same partition.

Settings that are there for a reason: a stop does not wait for streams to be empty, which can last for ever, and is cut
off after a time all the same; Faust creates no topics, elects no leader, serves no web pages, and keeps no standby
copies of the tables.
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

from consumers.kafka_reader import Sieve, prepare
from consumers.statistics import facts, metrics
from consumers.statistics.facts import Close, Fact, Place, Unreadable
from consumers.statistics.recovery import SteadyRecovery
from consumers.statistics.windows import Rules, Windows
from producers import statistics

log = structlog.get_logger(__name__)

COMMIT_EVERY = 1.0
"""Seconds. Below the grace of a window: what comes again after a crash then still finds its window open."""
LOOK_EVERY = 1.0
"""Seconds between two looks for windows whose time is over."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Full names. The two tables' topics and `facts` have equal partition counts."""

    results: str
    summaries: str
    facts: str
    windows: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the application is made from. `kafka` holds the keywords of every aiokafka client of this service."""

    group_id: str
    topics: Topics
    rules: Rules
    kafka: Mapping[str, object]
    directory: Path
    """Faust makes directories at its start, even for tables in memory."""
    check_crcs: bool = True
    max_poll_records: int = 500
    session_timeout: float = 30.0
    """Seconds."""


class _CommittedThread(driver.AIOKafkaConsumerThread):
    mundane_level = "debug"

    def _create_worker_consumer(self, transport: Any) -> Any:
        # Faust reads uncommitted records unless it is itself in transactions, which it cannot be trusted with. So its
        # consumer is made as if it were.
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
    """Of the results, what cannot be read is counted as such; what is our own has to be whole."""


class _NamedTable(faust.Table[bytes, bytes]):
    """A table whose changelog topic has the name it is given.

    Not by `changelog_topic`: a table with that one does not recover.
    """

    mundane_level = "debug"

    def __init__(self, app: faust.App, changelog: str) -> None:
        self._changelog = changelog
        super().__init__(app, name=changelog, key_type=bytes, value_type=bytes)

    def _changelog_topic_name(self) -> str:
        return self._changelog


class _Work:
    """What the agents and the timer do. No body raises: Faust would take the record as done and start it anew."""

    def __init__(self, app: faust.App, plan: Plan) -> None:
        self._app = app
        self._facts = plan.topics.facts
        self.results = _bytes(app, plan.topics.results)
        self.messages = _bytes(app, plan.topics.facts)
        self._summaries = _bytes(app, plan.topics.summaries)
        open_windows, documents = _NamedTable(app, plan.topics.windows), _NamedTable(app, plan.topics.waiting)
        app.tables.add(open_windows)
        app.tables.add(documents)
        self._windows = Windows(open_windows, documents, plan.rules, time.monotonic)

    async def read(self, stream: Any) -> None:
        """Send each result's fact to where its subsidiary's come together."""
        async for event in stream.events():
            try:
                await self._send(_fact(event))
            except Exception as error:  # noqa: BLE001 - see the class
                _failed("a result could not be sent on", error)

    async def fold(self, stream: Any) -> None:
        """Count facts, close windows."""
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
        """Ask for the windows whose time is over to be closed."""
        try:
            ours = {tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._facts}
            for message in self._windows.due(time.time(), ours):
                await self._send(message)
        except Exception as error:  # noqa: BLE001 - see the class
            _failed("windows could not be closed; this is tried again", error)

    async def _send(self, message: Fact | Unreadable | Close) -> None:
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


def application(plan: Plan) -> faust.App:
    """The application, ready to be started.

    Raises:
        CompressionMissingError: This installation cannot read one of Kafka's compressions.
    """
    prepare()
    app = faust.App(
        plan.group_id,
        broker=[f"kafka://{server.strip()}" for server in str(plan.kafka["bootstrap_servers"]).split(",")],
        broker_client_id=str(plan.kafka["client_id"]),
        broker_credentials=_credentials(plan.kafka),
        broker_check_crcs=plan.check_crcs,
        broker_max_poll_records=plan.max_poll_records,
        broker_commit_interval=COMMIT_EVERY,
        broker_session_timeout=plan.session_timeout,
        broker_heartbeat_interval=plan.session_timeout / 10,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=30.0,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        store="memory://",
        datadir=str(plan.directory),
        web_enabled=False,
        autodiscover=False,
    )
    app.transport = _CommittedTransport(app.conf.broker_consumer, app)
    app.transport.sieve = Sieve(lambda topic: topic == plan.topics.results)
    tables: Any = app.tables  # it makes its own where it has none
    tables._recovery = SteadyRecovery(app, tables, beacon=tables.beacon, loop=tables.loop)  # noqa: SLF001
    work = _Work(app, plan)
    app.agent(work.results, name="read")(work.read)
    app.agent(work.messages, name="fold")(work.fold)
    app.timer(LOOK_EVERY, name="look")(work.look)
    return app


def _bytes(app: faust.App, name: str) -> Any:
    return app.topic(
        name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", allow_empty=True
    )


def _fact(event: Any) -> Fact | Unreadable:
    message = event.message
    place = Place(partition=message.partition, offset=message.offset)
    fact = facts.read_result(message.value, place)
    metrics.RECORDS.labels("unreadable" if fact is None else "result").inc()
    return fact or Unreadable(place=place, at=datetime.fromtimestamp(message.timestamp, UTC))


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
class Ending:
    """How it ended. Not `in_time`: threads of it are still there, and the process has to be ended."""

    in_time: bool
    crash: BaseException | None = None


async def run(app: faust.App, stop: asyncio.Event, stop_within: float) -> Ending:
    """Run until `stop` is set, or the application ends by itself."""
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
    return Ending(bool(done), crash)
