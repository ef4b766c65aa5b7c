"""Step 6: a claim without an outcome is looked up in Sage before anything is sent again.

=======================================================  =========================================================
what the look-up finds                                   what follows
=======================================================  =========================================================
our document: number, party, our marker and the amount   adopted: it was posted, once
nothing, and the lease of the claim has ended            proven absent: sent again under the same control id
another's document under our number, lease ended or Sage  `rejected`: never adopted, never posted beside it
refused the number
two of ours, or no answer, or the lease still runs       `uncertain`: kept in the ledger, looked up again
=======================================================  =========================================================
"""

import asyncio
import heapq
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import structlog

from consumers.engine.aside import SetAside
from consumers.engine.knobs import Knobs, Time, jittered
from consumers.engine.ledger import Claim
from consumers.engine.places import CredentialsMissingError, Sage, place_of
from consumers.engine.verdicts import posted
from consumers.engine.work import Verdict, Work
from domain.codes import Code
from domain.identity import marker
from domain.outcomes import Outcome
from producers.results import SageAnswer
from sage_client import DocumentKey, Found, Kind, SageError

log = structlog.get_logger(__name__)


class Doubts:
    """The documents of one company whose call may or may not have been executed."""

    def __init__(self, sage: Sage, aside: SetAside, knobs: Knobs, time: Time) -> None:
        self._client = sage.client
        self._login = sage.login
        self._aside = aside
        self._knobs = knobs
        self._time = time
        self._due: list[tuple[float, int, Work]] = []
        self._order = count()
        self._added = asyncio.Event()

    def add(self, work: Work) -> None:
        """Look the document up as soon as may be."""
        self._push(work, self._time.monotonic())

    async def run(self) -> None:
        """Look up what is due, for ever."""
        while True:
            if not self._due:
                self._added.clear()
                await self._added.wait()
            wait = self._due[0][0] - self._time.monotonic()
            if wait > 0:
                self._added.clear()
                await self._time.until(self._added, wait)
                continue
            if batch := self._take():
                await self._look_up(batch)

    def _push(self, work: Work, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._order), work))
        self._added.set()

    def _take(self) -> list[Work]:
        """What is due now, of one place, at most a request's worth; without what was given up."""
        now = self._time.monotonic()
        batch: list[Work] = []
        others = []
        while self._due and self._due[0][0] <= now and len(batch) < self._knobs.batch:
            entry = heapq.heappop(self._due)
            work = entry[2]
            if work.owner.gone or work.withdrawn:
                continue
            if not batch or place_of(work.connection) == place_of(batch[0].connection):
                batch.append(work)
            else:
                others.append(entry)
        for entry in others:
            heapq.heappush(self._due, entry)
        return batch

    async def _look_up(self, batch: Sequence[Work]) -> None:
        claims = [work.claimed for work in batch]
        keys = [DocumentKey(claim.sage_object, claim.number, claim.party_id) for claim in claims]
        connection = batch[0].connection
        if (verdict := self._aside.why(connection)) is not None:
            # Every try would be a refused sign-in: the probe tries, once for all of them.
            self._all_later(batch, f"its connection is set aside: {verdict.detail}", self._knobs.probe_every)
            return
        # Taken before the question: what Sage executes while it answers is not "after the lease".
        asked_at = self._time.now()
        try:
            answers = await self._client.find(self._login(connection), keys)
        except CredentialsMissingError as error:
            self._aside.add(connection, Verdict(Outcome.DEFERRED, Code.SAGE_SIGN_IN, str(error)))
            self._all_later(batch, f"it could not be looked up: {error}", self._knobs.probe_every)
            return
        except SageError as error:
            if error.kind in (Kind.AUTH, Kind.CONFIGURATION):
                self._aside.add(connection, Verdict(Outcome.DEFERRED, error.code, str(error)))
            self._all_later(batch, f"it could not be looked up: {error}", self._knobs.backoff)
            return
        for work, claim, found in zip(batch, claims, answers, strict=True):
            self._decide(work, claim, found, lease_ended=asked_at >= claim.lease_until)

    def _all_later(self, batch: Sequence[Work], why: str, first: timedelta) -> None:
        """All of them at one time, so that they stay one request."""
        looks = max(work.looks for work in batch) + 1
        due = self._time.monotonic() + jittered(looks, first, self._knobs.probe_every, self._time.random)
        for work in batch:
            self._tell(work, why)
            self._push(work, due)

    def _decide(self, work: Work, claim: Claim, found: Sequence[Found], *, lease_ended: bool) -> None:
        ours = [each for each in found if marker(work.key) in each.description and each.total == claim.total]
        if len(ours) == 1:
            log.info("a document in doubt was found in sage", key=work.key, record_no=ours[0].record_no)
            work.owner.finish(work, posted(claim, ours[0].record_no))
        elif ours:
            numbers = ", ".join(each.record_no for each in ours)
            self._later(work, f"sage holds it more than once: record numbers {numbers}")
        elif not lease_ended and not work.number_taken:
            self._later(work, "it is not in sage yet")
        elif found or work.number_taken:
            detail = f"number {claim.number} of {claim.party_id} is taken in Sage by {_others(work, found)}"
            sage = SageAnswer(control_id=claim.control_id)
            verdict = Verdict(Outcome.REJECTED, Code.SAGE_DUPLICATE_NUMBER, detail, sage=sage, refused=True)
            work.owner.finish(work, verdict)
        else:
            log.info("a document in doubt is proven absent and sent again", key=work.key)
            work.owner.again(work)

    def _later(self, work: Work, why: str) -> None:
        self._tell(work, why)
        wait = jittered(work.looks, self._knobs.backoff, self._knobs.probe_every, self._time.random)
        left = (work.claimed.lease_until - self._time.now()).total_seconds()
        # The look-up that can prove absence comes right when the lease ends, not up to a minute later.
        self._push(work, self._time.monotonic() + (min(wait, left) if left > 0 else wait))

    def _tell(self, work: Work, why: str) -> None:
        """Say once, and whenever the reason changes, that a document is in doubt; park it the first time."""
        claim = work.claimed
        work.looks += 1
        if why != work.doubt:
            log.warning("a document is in doubt", key=work.key, number=claim.number, party=claim.party_id, why=why)
            work.doubt = why
        if work.looks == 1:
            detail = f"sent under control id {claim.control_id[:12]}…; {why}"
            sage = SageAnswer(control_id=claim.control_id)
            work.owner.park(work, Verdict(Outcome.UNCERTAIN, Code.OUTCOME_UNKNOWN, detail, sage=sage, parked=True))


def _others(work: Work, found: Sequence[Found]) -> str:
    """Who has the number, for a person to compare."""
    marked = [each for each in found if marker(work.key) in each.description]
    if marked:
        return f"record {marked[0].record_no}, which is ours, but whose total was changed to {marked[0].total}"
    numbers = ", ".join(each.record_no for each in found)
    return f"record {numbers}, which is not ours" if numbers else "a record of another customer or vendor"
