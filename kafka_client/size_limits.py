"""Maximum sizes of records, so that everything written about an event fits into its topic.

====================  ================================================  =============================
record                how large it can become                           bound
====================  ================================================  =============================
ledger entry          a parked event in base64 (4/3), and `OVERHEAD`      `max_record_bytes`: the ledger must take it
dead letter           the source record, and its headers                `max_record_bytes`: else parts are left out
result                lines with their mappings, several times the      `producers.results.LARGEST`:
                      event                                             else lines are left out
====================  ================================================  =============================

`OVERHEAD` is enough for an entry without its event because texts, ids, details and lists of keys are bounded where they
are made: `domain.events.fields`, `domain.text`, `domain.export.MOST_BLOCKED`.
"""

LARGEST_RECORD = 16 * 1024 * 1024
"""Bytes: the largest record that our producers send, and that `alvys-sage topics --create` lets the topics take."""
OVERHEAD = 256 * 1024
"""Bytes of a ledger entry or dead letter besides the event: keys, claim, codes, headers, framing."""
LARGEST_EVENT = 10 * 1024 * 1024
"""Bytes: the default limit of an event's value."""
MAX_EVENT = (LARGEST_RECORD - OVERHEAD) * 3 // 4
"""Bytes: the highest limit of an event's value that the settings may set."""
TRANSACTION = 32 * 1024 * 1024
"""Bytes of one transaction, if it has several records. It has to end within its time-out, and the part of it that one
broker leads must fit into one request to that broker (100 MiB)."""


def max_record_bytes(largest_event: int) -> int:
    """Bytes per record that ledgers and dead letters must take for events of at most `max_event_bytes` bytes."""
    return -(-largest_event * 4 // 3) + OVERHEAD


def event_within(largest_record: int) -> int:
    """The largest event in bytes that fits into a topic with records of `largest_record` bytes; 0 if none does."""
    return max(0, (largest_record - OVERHEAD) * 3 // 4)
