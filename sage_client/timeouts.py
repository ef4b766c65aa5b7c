"""How long each step of an exchange may take. Always on: a call without an end holds its company's lane for ever."""

from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; every one of them ends in an error whose certainty is known.

    Attributes:
        connect: 10. A host that takes longer than that to accept is down; nothing was sent, so trying again is safe.
        write: 30. A request is below a few hundred kilobytes; longer means a dead path, with bytes possibly delivered.
        read: 180. Silence between two pieces of the answer. Longer than the content network in front of Sage waits
            (it answers 524 itself), so that an outcome is given up here only after it was given up there. Sage's own
            synchronous limit is 15 minutes (web-services/sync-vs-async); a look-up learns such an outcome sooner.
        pool: 30. Waiting for a free connection here; nothing was sent.
        total: 300. The whole exchange, against an answer that trickles for ever.
    """

    connect: float = 10.0
    write: float = 30.0
    read: float = 180.0
    pool: float = 30.0
    total: float = 300.0

    def for_httpx(self) -> httpx.Timeout:
        """The four that httpx watches itself."""
        return httpx.Timeout(connect=self.connect, write=self.write, read=self.read, pool=self.pool)
