"""Promise 1: an offset is committed only when everything before it has ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_client.offset_tracker import OffsetTracker


def test_nothing_is_committable_before_anything_was_read():
    assert OffsetTracker().committable is None


def test_the_position_is_committable_past_markers_and_holes_once_all_has_ended():
    tracker = OffsetTracker()
    tracker.begin(3)
    tracker.reached(9)
    assert tracker.committable == 3
    tracker.end(3)
    assert tracker.committable == 9


def test_a_record_cannot_end_twice():
    tracker = OffsetTracker()
    tracker.begin(0)
    tracker.end(0)
    with pytest.raises(KeyError):
        tracker.end(0)


def test_a_record_that_comes_after_a_later_one_is_refused_since_the_order_would_lie():
    tracker = OffsetTracker()
    tracker.begin(20)
    with pytest.raises(ValueError, match="after position 21"):
        tracker.begin(0)


@given(st.data())
def test_the_committable_offset_never_passes_a_record_in_flight_and_never_goes_back(data):
    offsets = sorted(data.draw(st.sets(st.integers(0, 200), min_size=1)))
    tracker = OffsetTracker()
    in_flight: set[int] = set()
    last = -1
    coming = list(offsets)
    while coming or in_flight:
        if coming and (not in_flight or data.draw(st.booleans())):
            offset = coming.pop(0)
            tracker.begin(offset)
            in_flight.add(offset)
        else:
            ended = data.draw(st.sampled_from(sorted(in_flight)))
            tracker.end(ended)
            in_flight.discard(ended)
        committable = tracker.committable
        assert committable is not None
        assert committable == (min(in_flight) if in_flight else committable)
        assert committable >= last
        last = committable
    assert last == offsets[-1] + 1
