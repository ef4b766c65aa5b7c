"""A Kafka broker for the demo and the tests: whichever this machine can offer.

``find_broker`` chooses; `Broker` says what every choice can do. `LocalKafka` and `ContainerKafka` are real brokers that
can be stopped, killed and restarted with their data; `MockKafka` is a stand-in for machines with nothing but pip.
"""

from ops.broker.base import Broker, BrokerError, Kind, Progress, Purpose, RealBroker
from ops.broker.container import ContainerKafka
from ops.broker.find import find_broker
from ops.broker.given import GivenBroker
from ops.broker.local import LocalKafka
from ops.broker.mock import MockKafka

__all__ = [
    "Broker",
    "BrokerError",
    "ContainerKafka",
    "GivenBroker",
    "Kind",
    "LocalKafka",
    "MockKafka",
    "Progress",
    "Purpose",
    "RealBroker",
    "find_broker",
]
