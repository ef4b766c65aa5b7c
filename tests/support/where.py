"""Which broker a test runs on: the one in memory, with virtual time, or a real one, in real time."""

from typing import Final

import pytest

from tests.support.virtual_time import VirtualTimeLoop

MARKER: Final = "kafka"
IN_MEMORY: Final = ("export", "payments")
"""Folders whose tests run in memory, but for those that the marker sends elsewhere."""


def places(item: pytest.Item) -> tuple[str, ...]:
    """Where a test runs: "memory", "real", or one after the other.

    Raises:
        pytest.UsageError: Its marker names no such place.
    """
    mark = item.get_closest_marker(MARKER)
    if mark is None:
        return ("memory" if item.path.parent.name in IN_MEMORY else "real",)
    found: dict[tuple[str, ...], tuple[str, ...]] = {
        ("memory",): ("memory",),
        ("real",): ("real",),
        ("both",): ("memory", "real"),
    }
    if mark.args not in found:
        raise pytest.UsageError(f"{item.nodeid}: {MARKER} says where: memory, real or both")
    return found[mark.args]


def in_memory(item: pytest.Item) -> bool:
    """Whether this run of a test is in memory. Of two runs, the event loop tells which it is."""
    here = places(item)
    if len(here) == 1:
        return here == ("memory",)
    callspec = getattr(item, "callspec", None)
    return callspec is not None and VirtualTimeLoop in callspec.params.values()
