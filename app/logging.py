"""Log lines: for people on a terminal, or one JSON object a line for machines. Both go to standard error.

Standard output belongs to what a command answers, so that it can be piped.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor

from app.log_thinning import Thinning
from app.settings import Settings
from domain.words import one_line

LONGEST = 4_000
"""Characters of one value of a log line."""
VERY_NOISY = ("aiokafka.producer.sender",)
"""Warns of every retry that Kafka's protocol expects, such as the moments after a topic was made."""
NOISY = ("aiokafka", "httpx", "faust")
"""Libraries whose informative lines say nothing to an operator."""


def set_up(settings: Settings) -> None:
    """Send the lines of structlog and of the standard library's loggers the same way. Call it once, first."""
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


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What came from outside may not break a line, nor show as another: names, keys, Sage's words."""
    return {name: one_line(value, LONGEST) if isinstance(value, str) else value for name, value in event.items()}


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
