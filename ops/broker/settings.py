"""The broker settings that the local broker and the container share, so that a test means the same on both."""

from typing import Final

SETTINGS: Final[dict[str, str]] = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    # A typo in a topic name fails instead of creating a topic with the wrong partition count.
    "auto.create.topics.enable": "false",
    # One node: nothing to replicate to.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Fewer partitions than the default 50: the first consumer and the first transaction wait until all of them exist.
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.num.partitions": "5",
    # A lone consumer need not wait for others to join.
    "group.initial.rebalance.delay.ms": "0",
    # Sample events carry timestamps of years past, and retention by age would delete them under the reader.
    "log.retention.ms": "-1",
    # Compaction within seconds of a segment's end, so that tests can see it. Each look goes through all partitions.
    "log.cleaner.backoff.ms": "2000",
    # Small: the cleaner's buffer (128 MiB by default) is heap, and each partition maps two index files (10 MiB each).
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.index.size.max.bytes": "1048576",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

JVM: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options of the Java machine: a broker of two minutes never earns back what the optimising compiler costs."""
HEAP: Final = ("-Xms128m", "-Xmx512m")
