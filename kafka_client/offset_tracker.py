"""Tracks which offset may be committed: the one before which every record has ended (promise 1)."""


class OffsetTracker:
    """The records in flight of one partition, in offset order.

    `position` is the consumer's: the offset that it would read next, past transaction markers and compacted holes. If
    nothing is left to read, that is the offset to commit: the last record plus one would make lag tools show a lag.
    """

    def __init__(self) -> None:
        self._open: dict[
            int, int
        ] = {}  # offset to bytes; insertion order is offset order: records of a partition arrive in order
        self._position: int | None = None
        self.bytes = 0
        """Total size of the records in flight."""

    def __len__(self) -> int:
        """Number of records in flight."""
        return len(self._open)

    def begin(self, offset: int, size: int = 0) -> None:
        """Start a record of `size` bytes.

        Raises:
            ValueError: A later record was started before, so the order would be wrong.
        """
        if self._position is not None and offset < self._position:
            raise ValueError(f"offset {offset} was read after position {self._position}")
        self._open[offset] = size
        self.bytes += size
        self.reached(offset + 1)

    def end(self, offset: int) -> None:
        """End a record.

        Raises:
            KeyError: The record is not in flight; to end one twice would hide a lost one.
        """
        self.bytes -= self._open.pop(offset)

    def reached(self, position: int) -> None:
        """Move the position forward to `position`. It never goes back within one assignment."""
        if self._position is None or position > self._position:
            self._position = position

    @property
    def position(self) -> int | None:
        """The offset that is read next. None before anything was read."""
        return self._position

    @property
    def committable(self) -> int | None:
        """The offset to commit: of the first record in flight, else the position. None before anything was read."""
        return next(iter(self._open), self._position)
