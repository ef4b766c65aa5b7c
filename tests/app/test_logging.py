"""Promise 6 for operators: a log line is one line, whatever the texts in it hold."""

import json
import logging

import pytest
import structlog

from app.logging import set_up
from app.settings import Settings

STRANGE = "a\nlevel=error\r\x1b[2J\u202e\u2028b\ud800"


@pytest.fixture
def restored():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_came_from_outside_cannot_break_a_line(log_format, capsys, restored):
    set_up(Settings(log_format=log_format))
    structlog.get_logger("ours").warning("a document is in doubt", key=STRANGE, why="x" * 100_000)
    logging.getLogger("sage_client").warning("sage exchange failed: %s", STRANGE)
    lines = capsys.readouterr().err.rstrip("\n").split("\n")
    assert len(lines) == 2
    assert all(line.isprintable() and len(line) < 10_000 for line in lines)
    if log_format == "json":
        assert json.loads(lines[0])["key"] == r"a\nlevel=error\r\x1b[2J\u202e\u2028b\ud800"


def test_lines_of_a_logger_that_was_used_before_can_be_captured(restored):
    log = structlog.get_logger("ours")
    set_up(Settings())
    log.warning("before")
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as lines:
        log.warning("after")
    assert [line["event"] for line in lines] == ["after"]
