"""The process of mock.py: a mock cluster that lives until its standard input ends. It prints its address, once."""

import sys

from confluent_kafka import Producer


def main() -> None:
    """Serve until whoever started this closes the pipe, or dies."""
    # The bootstrap address is a formality: the mock replaces it.
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(cluster.list_topics(timeout=10).brokers.values()))
    sys.stdout.write(f"{broker.host}:{broker.port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
