"""When a claim's lease has ended, without trusting two clocks to agree (docs/decisions/0017).

The one who claimed and the one who judges may be two machines. So the judge waits a whole lease by its own monotonic
clock from the moment it first saw the claim, which is never before it was made, and for the written end as well.
"""

from datetime import datetime, timedelta

from consumers.engine.knobs import Time
from consumers.engine.ledger import Claim

KEPT = 10_000
"""Claims that are remembered before the old ones are looked through; to forget one only means to wait anew."""


class Leases:
    """The claims of one company, and when each was first seen here. Outlives partitions: they come and go."""

    def __init__(self, length: timedelta, time: Time) -> None:
        self._length = length.total_seconds()
        self._time = time
        self._seen: dict[tuple[str, datetime], float] = {}
        self._most = KEPT

    def see(self, claim: Claim) -> None:
        """A claim was made here, or was found in a ledger."""
        now = self._time.monotonic()
        self._seen.setdefault((claim.control_id, claim.lease_until), now)
        if len(self._seen) > self._most:
            self._seen = {claim: at for claim, at in self._seen.items() if now - at < 2 * self._length}
            self._most = max(KEPT, 2 * len(self._seen))

    def forget(self, claim: Claim) -> None:
        """Its outcome is known."""
        self._seen.pop((claim.control_id, claim.lease_until), None)

    def left(self, claim: Claim) -> float:
        """Seconds until absence proves something; 0 or less once it does."""
        self.see(claim)
        waited = self._time.monotonic() - self._seen[claim.control_id, claim.lease_until]
        return max(self._length - waited, (claim.lease_until - self._time.now()).total_seconds())
