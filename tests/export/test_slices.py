"""Long work leaves the event loop to others for most of the time, whoever asks for it and however often."""

import asyncio
import time

from consumers.export.slices import Slices
from tests.support.eventually import until
from tests.support.virtual_time import VirtualTimeLoop

SLICE = 0.02
"""Seconds that a slice takes."""
FOUR_TIMES = 4
"""Of the time that the slices take: they get a quarter of it."""


class Work:
    """So many slices, each of which takes its time of the loop."""

    def __init__(self, slices: int, told: list[str], name: str) -> None:
        self.left, self.told, self.name = slices, told, name

    def __call__(self) -> bool:
        self.told.append(self.name)
        self.left -= 1
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.pass_time(SLICE)
        return self.left > 0


async def test_long_work_takes_a_quarter_of_the_time_and_all_get_their_turn():
    slices = Slices(time.monotonic)
    told: list[str] = []
    works = [Work(10, told, name) for name in ("one", "other")]
    began = time.monotonic()
    for work in works:
        slices.run(work)
    await until(lambda: not any(work.left for work in works))
    assert time.monotonic() - began >= 19 * FOUR_TIMES * SLICE
    assert told == ["one", "other"] * 10


async def test_who_asks_again_and_again_gets_no_more_of_the_time():
    slices = Slices(time.monotonic)
    told: list[str] = []
    work = Work(10, told, "it")
    began = time.monotonic()
    while work.left > 0:
        for _ in range(100):
            slices.run(work)
        await asyncio.sleep(SLICE / 4)
    assert time.monotonic() - began >= 9 * FOUR_TIMES * SLICE
