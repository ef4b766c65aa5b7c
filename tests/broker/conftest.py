"""A broker of each real kind, for the tests that must hold on both, and that stop and restart it."""

from collections.abc import Iterator

import pytest

from ops.broker import BrokerError, ContainerKafka, LocalKafka, RealBroker


@pytest.fixture(scope="package", params=[LocalKafka, ContainerKafka], ids=lambda kind: kind.kind)
def real_broker(request: pytest.FixtureRequest) -> Iterator[RealBroker]:
    found: RealBroker = request.param()
    try:
        found.prepare()
    except BrokerError as reason:
        # A machine need not have both; tests/conftest.py sees to it that it has one.
        pytest.skip(f"no {found.kind} broker here: {reason}")
    with found:
        yield found
