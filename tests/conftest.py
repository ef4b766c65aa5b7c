"""The Kafka broker of a test: in memory and in virtual time, or a real one that the whole run shares."""

from tests.support import virtual_time

virtual_time.install()  # before the service is imported, which keeps `time.monotonic` itself in places

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from uuid import uuid4

import pytest
from hypothesis import settings

from ops.broker import Broker, BrokerError
from tests.support import memory_kafka
from tests.support.shared_broker import SharedBroker, of_this_run
from tests.support.where import in_memory, places

memory_kafka.install()

# A slow machine is no defect: how long an example takes is not what these tests are about.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def _without_traceback(record: logging.LogRecord) -> bool:
    """Let a failed future that nobody awaited be logged without its traceback.

    A fenced aiokafka producer leaves such futures. When Python 3.11 collects one, it logs it, and parses code for the
    traceback. Within another parse, of a test or of hypothesis, that ends with "AST constructor recursion depth
    mismatch" (CPython issue 106905).
    """
    if "exception was never retrieved" in record.getMessage():
        record.exc_info = None
    return True


logging.getLogger("asyncio").addFilter(_without_traceback)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give the tests in memory an event loop that waits for no timer."""
    loops = {"memory": virtual_time.VirtualTimeLoop, "real": asyncio.new_event_loop}
    return {place: loops[place] for place in places(item)}


LONGEST_FIRST: Final = ("chaos", "compose", "demo", "processes", "statistics", "bench", "broker", "payments", "app")
"""Folders whose tests wait for processes, leases and time-outs: they begin first, so that no worker ends with them."""


@pytest.hookimpl(wrapper=True)  # xdist reads the groups in a hook of its own, which comes first but for wrappers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Put the folders with the longest tests first, and keep tests together that share a fixture, such as a broker.

    `make test` hands tests out in this order: one by one, and those of a group to one process.
    """
    ranks = {folder: rank for rank, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))
    for item in items:
        if isinstance(item, pytest.Function) and (shared := _shares(item)) is not None:
            item.add_marker(pytest.mark.xdist_group(shared))
    yield


def _shares(item: pytest.Function) -> str | None:
    """The module or folder whose tests share a fixture with this test. None if it shares none."""
    defined = item._fixtureinfo.name2fixturedefs  # pytest offers no other way
    scopes = {each.scope for name in item.fixturenames for each in defined.get(name, ())}
    if "package" in scopes:
        return item.path.parent.name
    return item.path.stem if "module" in scopes else None


shared_broker_key = pytest.StashKey[SharedBroker]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Take part in the run's broker from the start: whoever starts it waits for all who take part."""
    session.config.stash[shared_broker_key] = of_this_run()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run's broker go."""
    session.config.stash[shared_broker_key].close()


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Broker:
    """A real broker, shared and therefore never stopped by a test. Where none is to be had, tests that need it fail."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter is not None:
            reporter.write_line(f"broker: {line}")

    try:
        return request.config.stash[shared_broker_key].get(say)
    except BrokerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def memory() -> memory_kafka.MemoryKafka:
    """A broker in memory, of the test's own."""
    return memory_kafka.serve(memory_kafka.MemoryKafka())


@pytest.fixture
def bootstrap(request: pytest.FixtureRequest) -> str:
    """The broker's address, ``host:port``."""
    found: memory_kafka.MemoryKafka | Broker
    found = request.getfixturevalue("memory" if in_memory(request.node) else "broker")
    return found.bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """A name that no other test has, to begin the names of topics, groups and transactional ids with."""
    return f"t-{uuid4().hex[:12]}-"
