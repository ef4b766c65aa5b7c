"""Ports for a broker, and the wait until it answers."""

import random
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.broker.base import BrokerError

# Below the ports that Linux (32768 up) and macOS (49152 up) hand to outgoing connections: while a broker is down, a
# client that reconnects to an address in that range can be given the broker's own port, connect to itself, and keep
# the broker from coming back.
PORTS: Final = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Choose distinct TCP ports of 127.0.0.1 on which nothing listens.

    Raises:
        BrokerError: A thousand tries found too few.
    """
    found: list[int] = []
    for port in random.sample(PORTS, k=1000):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BrokerError(f"fewer than {count} free TCP ports between {PORTS.start} and {PORTS.stop}")


def await_metadata(bootstrap: str, timeout: float, still_there: Callable[[], None]) -> None:
    """Return when a broker at this address names itself in a metadata answer.

    An open port is not enough: Docker's proxy accepts connections before the broker does, and a broker accepts them
    before it has joined its cluster.

    Args:
        bootstrap: ``host:port``.
        timeout: Seconds.
        still_there: Called about once a second; raises when waiting on is pointless.

    Raises:
        TimeoutError: No answer in time.
    """
    # The library writes every refused connection to standard error; here they are the expected state.
    client = AdminClient(
        {"bootstrap.servers": bootstrap, "reconnect.backoff.max.ms": 200, "log_level": 0}, error_cb=lambda _error: None
    )
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        still_there()
        try:
            if client.list_topics(timeout=min(left, 1.0)).brokers:
                return
        except KafkaException:
            continue
    raise TimeoutError(f"no metadata answer from {bootstrap} in {timeout:.0f} s")
