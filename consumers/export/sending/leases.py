"""Decides when a claim's lease has ended, without assuming that two clocks agree (docs/decisions/0017).

The claim's writer and its judge may be two machines. So the judge waits a whole lease by its own monotonic clock, from
the moment at which it first saw the claim, which is never before the claim was made; and until the stored end as well.
"""

from datetime import datetime, timedelta

from consumers.export.protocol.document_state import Claim
from kafka_client.clock import Clock

KEPT = 10_000
"""Number of remembered claims that starts a clean-up. To forget a claim only means to wait a whole lease again."""


class Leases:
    """The claims of one company, and when each was first seen here. It outlives partitions, which come and go.

    Args:
        length: The length of a lease.
        time: The clock.
    """

    def __init__(self, length: timedelta, time: Clock) -> None:
        self._length = length.total_seconds()
        self._time = time
        self._seen: dict[tuple[str, datetime], float] = {}
        self._most = KEPT

    def see(self, claim: Claim) -> None:
        """Start the wait for a claim that was made here, or found in a ledger."""
        now = self._time.monotonic()
        self._seen.setdefault((claim.control_id, claim.lease_until), now)
        if len(self._seen) > self._most:
            self._seen = {claim: at for claim, at in self._seen.items() if now - at < 2 * self._length}
            self._most = max(KEPT, 2 * len(self._seen))

    def forget(self, claim: Claim) -> None:
        """Forget a claim whose outcome is known."""
        self._seen.pop((claim.control_id, claim.lease_until), None)

    def age(self, claim: Claim) -> float:
        """Seconds since the claim was first seen here."""
        self.see(claim)
        return self._time.monotonic() - self._seen[claim.control_id, claim.lease_until]

    def left(self, claim: Claim) -> float:
        """Seconds until absence in Sage proves something; 0 or less if it does already."""
        return max(self._length - self.age(claim), (claim.lease_until - self._time.now()).total_seconds())
