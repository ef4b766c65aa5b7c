"""Library log lines that repeat themselves: one a minute, with how many more there were.

While a broker is away aiokafka writes some 170 lines a second, all alike. A person needs one of each kind now and then.
"""

import logging
from collections.abc import Container

EVERY = 60.0
"""Seconds between two lines of one kind."""
MOST_KINDS = 200
"""Kinds that are remembered; a library that makes up new messages for ever does not fill the memory."""


class Thinning(logging.Filter):
    """Lets one line of each kind through a minute: of one logger, level and message before its values are filled in.

    The next one says how many were left out. Lines of other loggers pass untouched, but for one: a producer that is
    fenced leaves a future behind that nobody can wait for, with a traceback. Its user tells the error.
    """

    def __init__(self, libraries: Container[str]) -> None:
        super().__init__()
        self._libraries = libraries
        self._last: dict[tuple[str, int, str], float] = {}
        self._left_out: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; a line that follows others which were not says how many."""
        if record.name == "asyncio":
            return not _of_a_library(record, self._libraries)
        if record.name.partition(".")[0] not in self._libraries:
            return True
        if record.funcName == "bootstrap" and record.levelno >= logging.WARNING:
            # The first connection: where it fails for good, the command ends with a line that says why.
            return False
        kind = (record.name, record.levelno, str(record.msg))
        last = self._last.get(kind)
        if last is not None and record.created - last < EVERY:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        if len(self._last) >= MOST_KINDS:
            self._last.clear()
            self._left_out.clear()
        self._last[kind] = record.created
        if more := self._left_out.pop(kind, 0):
            record.msg, record.args = f"{record.getMessage()} ({more:,} more like it in the last minute)", ()
        return True


def _of_a_library(record: logging.LogRecord, libraries: Container[str]) -> bool:
    error = record.exc_info[0] if record.exc_info else None
    if error is None or "never retrieved" not in str(record.msg):
        return False
    return error.__module__.partition(".")[0] in libraries
