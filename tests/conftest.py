"""The Kafka broker that every test may use: one for the whole run, and a real one."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import settings

from ops.broker import Broker, BrokerError, find_broker

# A slow machine is no defect: how long an example takes is not what these tests are about.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A real broker, shared and therefore never stopped by a test. Where none is to be had, tests that need it fail."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter is not None:
            reporter.write_line(f"broker: {line}")

    try:
        found = find_broker("tests", say)
    except BrokerError as error:
        pytest.fail(str(error), pytrace=False)
    with found:
        yield found


@pytest.fixture(scope="session")
def bootstrap(broker: Broker) -> str:
    """The broker's address, ``host:port``."""
    return broker.bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """A name that no other test has, to begin the names of topics, groups and transactional ids with."""
    return f"t-{uuid4().hex[:12]}-"
