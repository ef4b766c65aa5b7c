"""Faust's restoring of its tables, with a signal of its end that cannot be missed, and no record lost after it.

Faust 0.15.3 starts to read, and then waits to be told that all was read. The reading task takes that signal back before
its next record: where a table is small, or the machine busy, the signal has come and gone before anybody waits for it,
and the application stands still until it is started anew, with nothing counted.
"""

import asyncio

from faust.tables.recovery import Recovery


class _End(asyncio.Event):
    """Stays set until the next restoring begins, whoever takes it back meanwhile."""

    def clear(self) -> None:
        """Do nothing: see the class."""

    def begin(self) -> None:
        """Unset it: a restoring begins."""
        super().clear()


class SteadyRecovery(Recovery):
    """Faust's own, which goes on when everything was read."""

    mundane_level = "debug"
    _end: _End | None = None

    @property
    def signal_recovery_end(self) -> _End:
        """Set when everything was read, until the next restoring begins."""
        if self._end is None:
            self._end = _End()
        return self._end

    def _set_recovery_started(self) -> None:
        self.signal_recovery_end.begin()
        super()._set_recovery_started()

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Open the flow of records to the streams, as Faust does, but nothing of it before all is ready.

        Faust 0.15.3 opens the partitions, seeks, and then empties the streams' queues, while its reading task goes on:
        records that came in between would be lost. Faust's own opens the flow again at its end.
        """
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)
