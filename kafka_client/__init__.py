"""What every reader and writer of Kafka in this project shares. It imports no other part of the project.

======================  ================================================================================================
module                  what it holds
======================  ================================================================================================
`interface`             the client objects and their factory, as Protocols: what the rest of the code depends on
`clients`               the one place that builds aiokafka's clients, with security settings, for a real broker
`read_to_end`           reading partitions to their ends; says once what the end is
`follower`              reading partitions for ever, with a barrier
`fencing`               shutting out the former owner of a partition
`high_watermarks`       the broker's high watermarks, requested on a connection of their own
`offset_tracker`        which offset may be committed
`topics`                partitions and settings of topics
`partitioners`          which partition a key belongs to
`size_limits`           how large records may be
`reader`, `unreadable`, consumers that get past every record a topic may hold
`header_names`,
`compression`
`stopping`              stopping a client in any state
`clock`, `backoff`      time that tests can replace, delays between retries
======================  ================================================================================================
"""
