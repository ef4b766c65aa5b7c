"""A library's line that repeats itself is written once a minute."""

import logging

import pytest
from aiokafka.errors import KafkaConnectionError, ProducerFenced

from app.log_thinning import EVERY, MOST_KINDS, Thinning

UNABLE = "Unable connect to node with id %s: %s"


def line(at: float, message: str = UNABLE, *values: object, name: str = "aiokafka.client") -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, values, None)
    record.created = at
    return record


def test_alike_lines_of_a_library_are_one_a_minute_and_the_next_counts_the_others():
    thinning = Thinning({"aiokafka"})
    lines = [line(number * 0.1, UNABLE, number, "refused") for number in range(1_000)]
    written = [each for each in lines if thinning.filter(each)]
    assert [each.created for each in written] == [0.0, 60.0]
    assert written[0].getMessage() == "Unable connect to node with id 0: refused"
    assert (
        written[1].getMessage() == "Unable connect to node with id 600: refused (599 more like it in the last minute)"
    )


def test_other_kinds_and_other_loggers_are_not_held_back():
    thinning = Thinning({"aiokafka"})
    assert thinning.filter(line(0.0, UNABLE, 1, "refused"))
    assert thinning.filter(line(0.0, "Failed fetch messages from %s: %s", 1, "closed"))
    ours = [line(0.0, "partition failed", name="consumers.export.worker") for _ in range(5)]
    assert all(map(thinning.filter, ours))


def test_the_first_connection_is_told_by_the_command_that_fails():
    thinning = Thinning({"aiokafka"})
    first = line(0.0, 'Unable connect to "%s:%s": %s', "127.0.0.1", 1, "refused")
    first.funcName = "bootstrap"
    assert not thinning.filter(first)


def test_a_fenced_producers_future_shows_no_traceback_and_anybody_elses_does():
    thinning = Thinning({"aiokafka"})
    for error, shown in ((ProducerFenced(), False), (RuntimeError("a defect"), True)):
        left = line(0.0, "Future exception was never retrieved", name="asyncio")
        left.exc_info = (type(error), error, None)
        assert thinning.filter(left) is shown


def failed(error: BaseException) -> logging.LogRecord:
    """A line of the library that shows an error with its traceback."""
    record = line(0.0, "Unexpected error in sender routine", name="aiokafka.producer.sender")
    record.exc_info = (type(error), error, None)
    return record


@pytest.mark.parametrize("error", [KafkaConnectionError("closed"), ConnectionResetError(104, "reset by peer")])
def test_a_broker_that_goes_away_is_told_without_a_traceback(error):
    thinned = failed(error)
    assert Thinning({"aiokafka"}).filter(thinned)
    assert not thinned.exc_info
    assert thinned.getMessage() == f"Unexpected error in sender routine: {error!r}"


def test_a_defect_of_a_library_keeps_its_traceback():
    shown = failed(TypeError("a defect"))
    assert Thinning({"aiokafka"}).filter(shown)
    assert shown.exc_info


def test_messages_that_are_made_up_for_ever_fill_no_memory():
    thinning = Thinning({"aiokafka"})
    for number in range(5 * MOST_KINDS):
        assert thinning.filter(line(number * EVERY, f"message {number}"))
    assert len(thinning._last) <= MOST_KINDS
