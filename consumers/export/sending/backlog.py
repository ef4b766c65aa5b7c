"""The documents of one company that wait in the ledger for their turn, because more came than the company takes.

A window of a partition that is full of one company's documents would hold up all others. So what stands in the
company's queue beyond its next requests is parked, as any document that waits; from then on, new documents are parked
as well, behind those that came before. The lane brings them back as it sends, oldest first. When none is left, new
documents go straight to the queue again.
"""

from consumers.export.protocol.export_result import ExportResult
from consumers.export.sending.circuit_breaker import ParkedDocuments
from consumers.export.sending.sage_access import backlog_blocker_of
from consumers.export.work_item import WorkItem
from domain.codes import Code
from domain.outcomes import Outcome


class Backlog:
    """What waits for one company, by blocker: one for each user with which documents are sent.

    Args:
        parked: Callbacks that bring parked documents back.
    """

    def __init__(self, parked: ParkedDocuments) -> None:
        self._parked = parked
        self._blockers: dict[str, None] = {}
        """The blockers of the backlog. A dict, used as an ordered set: they take turns."""
        self._returning = False

    def __contains__(self, blocker: str) -> bool:
        """Whether documents wait for this blocker."""
        return blocker in self._blockers

    def __bool__(self) -> bool:
        """Whether any document may wait."""
        return bool(self._blockers)

    def resume(self, blocker: str) -> None:
        """Note that documents are parked for this blocker: now, or by a former owner of their partition."""
        self._blockers[blocker] = None

    def park(self, work: WorkItem) -> ExportResult:
        """The result of a document that is parked. All later ones of its connection are parked behind it."""
        result = waits_its_turn(work.connection.company_id, work.connection.credentials)
        self._blockers.update(dict.fromkeys(result.blocked_by))
        return result

    def stands_before(self, work: WorkItem) -> bool:
        """Whether older documents wait, so that this one has to be parked behind them."""
        if self._returning or not self._blockers or not may_wait(work):
            return False
        connection = work.connection
        return backlog_blocker_of(connection.company_id, connection.credentials) in self._blockers

    def bring_back(self, blocker: str, most: int) -> int:
        """Bring the oldest documents back.

        Args:
            blocker: The blocker that they wait for.
            most: Maximum number of documents.

        Returns:
            How many came back. They are in the queue by now, unless the settings in force send them elsewhere.
        """
        self._returning = True
        try:
            released = self._parked.some(blocker, most)
        finally:
            self._returning = False
        if not released and not self._parked.left(blocker) and not self._parked.coming(blocker):
            del self._blockers[blocker]
        else:
            self._blockers[blocker] = self._blockers.pop(blocker)
        return released

    def blockers(self) -> tuple[str, ...]:
        """The blockers that documents wait for. Whose turn comes next is first."""
        return tuple(self._blockers)


def waits_its_turn(company_id: str, credentials: str) -> ExportResult:
    """The result of a document that is parked because older documents of its connection wait."""
    detail = f"more documents of company {company_id} wait than it takes at once; this one is sent in its turn"
    blocker = backlog_blocker_of(company_id, credentials)
    return ExportResult(Outcome.DEFERRED, Code.COMPANY_BACKLOG, detail, blocked_by=(blocker,))


def may_wait(work: WorkItem) -> bool:
    """Whether a planned document may be parked: nothing was sent for it, and no person waits for it."""
    history = work.life.history
    untouched = not history.sent and history.acknowledged is None and work.life.claim is None
    return untouched and work.command is None and work.plan.step is None and not work.plan.former_records
