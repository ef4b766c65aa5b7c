"""Delayed calls on the event loop of the client that made them necessary, which may run in another thread."""

import asyncio
from collections.abc import Callable


class Timer:
    """A delayed call that any thread may call off.

    Args:
        loop: The event loop that makes the call. A closed one never does.
        seconds: The delay.
        call: What to call.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call: Callable[[], None] | None = call
        self._handle: asyncio.TimerHandle | None = None
        on_loop(loop, lambda: self._start(seconds))

    def cancel(self) -> None:
        """Do not make the call."""
        self._call = None
        if self._handle is not None:
            on_loop(self._loop, self._handle.cancel)

    def _start(self, seconds: float) -> None:
        if self._call is not None:
            self._handle = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call now if `loop` runs in this thread, else soon in its own. A closed loop calls nothing."""
    if loop is asyncio._get_running_loop():
        call()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(call)
