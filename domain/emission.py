"""When an event was emitted: the order of the events of one document, in which they take effect (promise 4).

Upstream delivers at least once and in any order, so neither the place of a record in its topic nor the time at which
Kafka took it says which of two events is newer. The envelope does: its `timestamp`, compared as an instant, then its
`id`. Events of one document that carry one timestamp are ordered by their ids: the shorter is older, and of equal
length the one that sorts first as text. So counters count (`…-9` before `…-10`), and ids made to be sorted (UUIDv7,
ULID) sort.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(days=1)
"""How far before the clock of its reader a timestamp may be: more than any time zone mistaken for another makes of it,
little enough that a clock gone wrong does not decide what stands in the books for long."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """The place of one event among those of its document."""

    at: datetime
    """The envelope's `timestamp`, in UTC."""
    id: str
    """The envelope's `id`."""

    def before(self, other: "Emitted") -> bool:
        """Whether this event is older."""
        return self.rank < other.rank

    def possible(self, now: datetime) -> bool:
        """Whether it can have been emitted then: what is read now was not emitted tomorrow."""
        return self.at <= now + AHEAD

    @property
    def rank(self) -> tuple[datetime, int, str]:
        """Greater for a newer event."""
        return self.at, len(self.id), self.id
