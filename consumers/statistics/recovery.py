"""Faust's recovery of its tables, corrected so that the signal of its end is never missed and no record is lost.

Faust 0.15.3 starts the reading task and then waits for the signal that everything was read. The reading task clears the
signal before its next record. If a table is small or the machine busy, the signal is set and cleared before anyone
waits for it. The application then stands still, counting nothing, until it is restarted.
"""

import asyncio

from faust.tables.recovery import Recovery


class _End(asyncio.Event):
    """An event that stays set until the next recovery begins, even if Faust clears it earlier."""

    def clear(self) -> None:
        """Do nothing, so that the event stays set."""

    def begin(self) -> None:
        """Clear the event, because a recovery begins."""
        super().clear()


class SteadyRecovery(Recovery):
    """Faust's recovery, which reliably ends once everything was read."""

    mundane_level = "debug"
    _end: _End | None = None

    @property
    def signal_recovery_end(self) -> _End:
        """The event that is set from the end of a recovery until the next one begins."""
        if self._end is None:
            self._end = _End()
        return self._end

    def _set_recovery_started(self) -> None:
        self.signal_recovery_end.begin()
        super()._set_recovery_started()

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Stop the flow of records to the streams, then let Faust complete the recovery and reopen the flow.

        Faust 0.15.3 opens the partitions, seeks, and then empties the streams' queues while its reading task continues:
        records that arrive in between would be lost. The inherited method reopens the flow at its end.
        """
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)
