"""Which offset may be committed: everything before it has ended (promise 1)."""


class OffsetTracker:
    """The records in flight of one partition, in offset order.

    `position` is the consumer's: the offset it would read next, past transaction markers and compacted holes.
    Committing that, and not merely the last record plus one, keeps lag tools at zero when nothing is left to read.
    """

    def __init__(self) -> None:
        self._open: dict[int, None] = {}  # insertion order is offset order: records of a partition arrive in order
        self._position: int | None = None

    def __len__(self) -> int:
        """How many records are in flight."""
        return len(self._open)

    def begin(self, offset: int) -> None:
        """A record was read; ValueError if a later one was read before, since then order would lie."""
        if self._position is not None and offset < self._position:
            raise ValueError(f"offset {offset} was read after position {self._position}")
        self._open[offset] = None
        self.reached(offset + 1)

    def end(self, offset: int) -> None:
        """A record ended; KeyError if it was not in flight, since ending twice would hide a lost one."""
        del self._open[offset]

    def reached(self, position: int) -> None:
        """The consumer stands at `position`; it never goes back within one assignment."""
        if self._position is None or position > self._position:
            self._position = position

    @property
    def position(self) -> int | None:
        """The offset that would be read next; None before anything was read."""
        return self._position

    @property
    def committable(self) -> int | None:
        """The offset to commit: the first record in flight, else the position; None before anything was read."""
        return next(iter(self._open), self._position)
