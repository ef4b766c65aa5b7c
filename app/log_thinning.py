"""Rate limit for repeated log lines of libraries: one line of a kind per minute, with a count of those left out.

While a broker is away, aiokafka writes some 170 similar lines a second. A person needs one of each kind now and then.
"""

import logging
from collections.abc import Container

EVERY = 60.0
"""Seconds between two lines of one kind."""
MOST_KINDS = 200
"""Kinds to remember at most, so that a library with ever new messages cannot fill the memory."""


class Thinning(logging.Filter):
    """Logging filter that passes one line of each kind per minute. A kind is a logger, a level and a message template.

    The next line of the kind says how many were left out. Lines of other loggers pass unchanged, with one exception:
    a fenced producer leaves a future that nobody can await, and asyncio logs it with a traceback. That line is dropped,
    because the code that uses the producer reports the error.

    A library's traceback of its own error, or of a connection that ended, becomes the error's text on the same line: a
    broker that goes away is no defect, and thirty lines of frames say nothing more. A defect keeps its traceback.

    Args:
        libraries: Names of the libraries whose lines are thinned.
    """

    def __init__(self, libraries: Container[str]) -> None:
        super().__init__()
        self._libraries = libraries
        self._last: dict[tuple[str, int, str], float] = {}
        self._left_out: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the line. Adds the number of lines left out before it."""
        if record.name == "asyncio":
            return not _is_an_unawaited_error(record, self._libraries)
        if record.name.partition(".")[0] not in self._libraries:
            return True
        if record.funcName == "bootstrap" and record.levelno >= logging.WARNING:
            # A failed first connection: the command itself ends with a line that says why.
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
        if record.exc_info and (error := record.exc_info[1]) is not None and _is_no_defect(error, self._libraries):
            record.msg, record.args = f"{record.getMessage()}: {error!r}", ()
            record.exc_info = record.exc_text = None
        if more := self._left_out.pop(kind, 0):
            record.msg, record.args = f"{record.getMessage()} ({more:,} more like it in the last minute)", ()
        return True


def _is_an_unawaited_error(record: logging.LogRecord, libraries: Container[str]) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return error is not None and "never retrieved" in str(record.msg) and _is_of_a_library(error, libraries)


def _is_of_a_library(error: BaseException, libraries: Container[str]) -> bool:
    return type(error).__module__.partition(".")[0] in libraries


def _is_no_defect(error: BaseException, libraries: Container[str]) -> bool:
    return isinstance(error, OSError) or _is_of_a_library(error, libraries)
