"""Logging set-up: lines for people, or one JSON object per line for machines. Both go to standard error.

Standard output is reserved for a command's answer, so that it can be piped.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor

from app.former_settings import deprecations
from app.log_thinning import Thinning
from app.settings import Settings
from domain.text import single_line

log = structlog.get_logger(__name__)

LONGEST = 4_000
"""Largest length of one value of a log line, in characters."""
VERY_NOISY = ("aiokafka.producer.sender",)
"""Loggers shown from level error: they warn at every normal retry, such as just after a topic was created."""
NOISY = ("aiokafka", "httpx", "faust")
"""Loggers shown from level warning: their info lines are of no use to an operator."""


def set_up(settings: Settings) -> None:
    """Route the lines of structlog and of the standard library's loggers to one handler. Call once, at the start.

    Former names of settings that the environment uses are told at once, a line each.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _on_one_line,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(settings)))
    handler.addFilter(Thinning(NOISY))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(level)
    for name in VERY_NOISY:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
    for name in NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for deprecation in deprecations():
        log.warning(deprecation)


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Make each value a single printable line, so that text from outside (names, keys, Sage's words) forges none."""
    return {name: single_line(value, LONGEST) if isinstance(value, str) else value for name, value in event.items()}


def _rendering(settings: Settings) -> list[Processor]:
    start: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        # Frames are rendered without their local variables: those hold passwords.
        plain = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
        return [*start, plain, structlog.processors.JSONRenderer(sort_keys=True)]
    return [
        *start,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=30
        ),
    ]
