"""Made-up events of every kind, good and bad, each with what must become of it. The same seed gives the same events.

``stream(seed, good)`` is a whole day of a transport company in two halves; ``redelivered`` sends part of one again;
``good_events`` gives documents that are all posted, for measuring. `Event` is a record, its `Expectation` what an
independent reader of the rules expects: the generator knows nothing of the service.
"""

from demo.events.expect import (
    FUEL,
    GROUPED,
    INVOICES,
    SETTLEMENTS,
    TOLLS,
    TOPICS,
    BookedLine,
    Booking,
    Event,
    Expectation,
    ExpectedOutcome,
)
from demo.events.stream import Stream, bad_events, drafts, good_events, redelivered, stream

__all__ = [
    "FUEL",
    "GROUPED",
    "INVOICES",
    "SETTLEMENTS",
    "TOLLS",
    "TOPICS",
    "BookedLine",
    "Booking",
    "Event",
    "Expectation",
    "ExpectedOutcome",
    "Stream",
    "bad_events",
    "drafts",
    "good_events",
    "redelivered",
    "stream",
]
