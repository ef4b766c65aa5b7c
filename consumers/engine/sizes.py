"""How large records may be, so that whatever is written about an event fits where it is written.

====================  ================================================  =============================
record                how large it can become                           bound
====================  ================================================  =============================
ledger entry          a waiting event in base64 (4/3), and `AROUND`     `room`: the ledger must take it
dead letter           what came in, and its headers                     `room`: else parts are left out
result                lines with their mappings, several times the      `producers.results.LARGEST`:
                      event                                             else lines are left out
====================  ================================================  =============================

`AROUND` is enough for an entry without its event because texts, ids, details and lists of keys are bounded where they
are made: `domain.events.fields`, `domain.words`, `domain.export.MOST_BLOCKED`.
"""

from producers import results

LARGEST_RECORD = 16 * 1024 * 1024
"""Bytes: what our producers send at most, and what `alvys-sage topics --create` lets the topics take."""
AROUND = 256 * 1024
"""Bytes of a ledger entry or dead letter besides the event's own: keys, claim, codes, headers, framing."""
LARGEST_EVENT = 10 * 1024 * 1024
"""Bytes of an event's value, unless the settings say otherwise."""
MOST_EVENT = (LARGEST_RECORD - AROUND) * 3 // 4
"""Bytes: the largest event that the settings may allow."""
TRANSACTION = 32 * 1024 * 1024
"""Bytes of one transaction's records, but for one record: it has to end within its time-out, and what one broker leads
of it must fit into one request to that broker (100 MiB)."""
RESULT_ROOM = results.LARGEST + 16 * 1024
"""Bytes that the results topic must take: the largest value, its key and framing. Kafka's own default is above it."""


def room(largest_event: int) -> int:
    """Bytes that ledgers and dead letters must take for events of at most `largest_event` bytes."""
    return -(-largest_event * 4 // 3) + AROUND


def event_within(largest_record: int) -> int:
    """The largest event for which a topic that takes records of `largest_record` bytes has room; 0 if there is none."""
    return max(0, (largest_record - AROUND) * 3 // 4)
