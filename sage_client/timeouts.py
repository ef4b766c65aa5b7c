"""Time-outs of each step of an exchange. They are always on: a call without an end would block its company for ever."""

from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time-outs, in seconds. Each ends in an error whose certainty is known.

    Attributes:
        connect: Default 10. A host that takes longer to accept a connection is down. Nothing was sent, so trying again
            is safe.
        write: Default 30. A request has at most a few hundred kilobytes, so a longer time means a dead connection.
            Bytes may have been delivered.
        read: Default 180. The silence between two pieces of the answer. It is longer than the content network in front
            of Sage waits before it answers 524 itself, so this client gives up only after that network did. Sage's own
            synchronous limit is 15 minutes (web-services/sync-vs-async); a look-up finds such an outcome sooner.
        total: Default 300. The whole exchange, as a protection against an answer that comes in endless small pieces.
    """

    connect: float = 10.0
    write: float = 30.0
    read: float = 180.0
    total: float = 300.0

    def for_httpx(self) -> httpx.Timeout:
        """The time-outs that httpx enforces, without `total`. A free connection is never waited for."""
        return httpx.Timeout(connect=self.connect, write=self.write, read=self.read, pool=None)
