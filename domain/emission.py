"""The order of the events of one document, by their emission. Events take effect in this order (promise 4).

The producers deliver at least once and in any order. So neither the offset of a record nor its Kafka timestamp tells
which of two events is newer. The envelope tells: its `timestamp`, compared as an instant, then its `id`. Of two events
with the same timestamp the one with the shorter id is older; of two ids of the same length, the one that sorts first
as text. This keeps counters in order (`…-9` before `…-10`), and sortable ids too (UUIDv7, ULID).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(days=1)
"""The longest time by which a timestamp may lie ahead of the reader's clock.

It is longer than any mix-up of time zones can make, and short enough that a wrong clock does not decide for long which
revision is in the books.
"""


@dataclass(frozen=True, slots=True)
class Emitted:
    """The position of one event in the order of the events of its document."""

    at: datetime
    """The envelope's `timestamp`, in UTC."""
    id: str
    """The envelope's `id`."""

    def before(self, other: "Emitted") -> bool:
        """Whether this event is older than the other."""
        return self.rank < other.rank

    def possible(self, now: datetime) -> bool:
        """Whether the timestamp is plausible: no more than `AHEAD` after `now`, the time at which the event is read."""
        return self.at <= now + AHEAD

    @property
    def rank(self) -> tuple[datetime, int, str]:
        """The sort key of the event; a newer event has a greater key."""
        return self.at, len(self.id), self.id
