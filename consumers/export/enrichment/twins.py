"""Finds documents under their other key: a carrier's bill is known by its trip's id, or by subsidiary and trip number.

If events name one trip in both ways, they have two keys, and so two ledger partitions that know nothing of each other.
The two bills share their number and vendor in Sage, and the existing record carries the marker of the other key. So
before such a bill is created, Sage is asked for it, in one query for all bills of a request; and a lane never runs two
requests that create such bills at the same time. A bill that exists under the other key is not booked again. While a
call under the other key has no outcome, a look-up in Sage proves nothing yet: the bill waits.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from consumers.export.protocol.document_numbers import is_suffix_of
from consumers.export.protocol.export_result import ExportResult
from consumers.export.work_item import WorkItem
from domain.codes import Code
from domain.documents import SageObject
from domain.idempotency import marker
from domain.outcomes import Outcome
from producers.results import SageAnswer
from sage_client import DocumentKey, Found, Login, SageClient

MOST_SUFFIXES = 30
"""Highest suffix of a number that is looked for. A further one is looked for while a reversed bill has the last."""


def has_two_names(work: WorkItem) -> bool:
    """Whether the work item's next call creates a document that may exist under another key.

    False for a call that Sage says it has executed: its document exists, or existed, under this key.
    """
    document = work.plan.document
    creates = work.plan.step is None and work.life.history.acknowledged is None
    return creates and document is not None and document.source.by_number is not None


def names_of(work: WorkItem) -> set[str]:
    """All keys that the work item's document may exist under, as far as its event gives them."""
    by_number = work.plan.document.source.by_number if work.plan.document is not None else None
    return {work.key} if by_number is None else {work.key, by_number}


def held_back(batch: Sequence[WorkItem], doubts: Iterable[WorkItem]) -> list[tuple[WorkItem, ExportResult]]:
    """The documents of a batch that must wait, because a call under their other key has no outcome yet.

    Args:
        batch: Claimed documents.
        doubts: The company's documents in doubt.

    Returns:
        Each such document with its result.
    """
    creating: defaultdict[tuple[SageObject, str], list[WorkItem]] = defaultdict(list)
    for doubt in doubts:
        if not doubt.claimed.corrects:
            creating[doubt.claimed.sage_object, doubt.claimed.party_id].append(doubt)
    held: list[tuple[WorkItem, ExportResult]] = []
    for work in filter(has_two_names, batch):
        rivals = creating.get((work.claimed.sage_object, work.claimed.party_id), [])
        rival = next((each for each in rivals if _may_be_twin(work, each)), None)
        if rival is not None:
            detail = f"{rival.key} was sent as number {rival.claimed.number}, and its outcome is not known yet"
            held.append((work, ExportResult(Outcome.DEFERRED, Code.BILL_IN_DOUBT, detail)))
    return held


class Twins:
    """Looks for documents under their other key. One per lane."""

    def __init__(self, client: SageClient) -> None:
        self._client = client

    async def against(self, login: Login, batch: Sequence[WorkItem]) -> list[tuple[WorkItem, ExportResult]]:
        """The documents of a batch that exist in Sage under their other key, each with its result.

        Args:
            login: The user to sign in with.
            batch: Claimed documents, all of one place and one kind.

        Raises:
            SageError: The look-up failed. Nothing was decided for any document of the batch.
        """
        sought = {work: _numbers(work) for work in batch if has_two_names(work)}
        found: list[tuple[WorkItem, ExportResult]] = []
        suffix = 0
        while sought and suffix <= MOST_SUFFIXES:
            asked = [(work, number) for work, numbers in sought.items() for number in numbers]
            keys = [
                DocumentKey(work.claimed.sage_object, f"{number}-{suffix}" if suffix else number, work.claimed.party_id)
                for work, number in asked
            ]
            twins: defaultdict[WorkItem, list[Found]] = defaultdict(list)
            left: defaultdict[WorkItem, list[str]] = defaultdict(list)
            for (work, number), there in zip(asked, await self._client.find(login, keys), strict=True):
                own = [each for each in there if _is_twin(work, each)]
                twins[work] += own
                if own:  # if all records of this number were reversed, the valid one may have the next suffix
                    left[work].append(number)
            for work, own in twins.items():
                standing = [each for each in own if not each.reversed]
                if standing:
                    found.append((work, _stands(work, standing[0])))
                    left.pop(work, None)
            sought = left
            suffix += 1
        return found


def _numbers(work: WorkItem) -> list[str]:
    """The bill's possible numbers without suffix: its own, and the one that an earlier version gave it."""
    document = work.mapped
    former = [document.former.number] if document.former is not None else []
    return list(dict.fromkeys([document.source.number, *former]))


def _may_be_twin(work: WorkItem, doubt: WorkItem) -> bool:
    """Whether an in-doubt document may be this bill. Only key and number can tell: its record in Sage is not known."""
    if doubt.key == work.key or work.mapped.source.by_number not in (work.key, doubt.key):
        return False
    return any(is_suffix_of(doubt.claimed.number, number) for number in _numbers(work))


def _is_twin(work: WorkItem, there: Found) -> bool:
    """Whether a record is this bill under the other key, judged by its marker.

    If this key is the trip's id, the marker has to be that of the number. If this event has no trip id, the marker of
    any other document of ours counts.
    """
    by_number = work.mapped.source.by_number
    if by_number is None or not there.anothers(marker(work.key)):
        return False
    return by_number == work.key or there.bears(marker(by_number))


def _stands(work: WorkItem, twin: Found) -> ExportResult:
    detail = f"record {twin.record_no} (number {twin.number}, {twin.state}, total {twin.total}) is this trip's bill"
    sage = SageAnswer(twin.record_no)
    if twin.total == work.mapped.total:
        return ExportResult(Outcome.SKIPPED, Code.BILLED_UNDER_OTHER_KEY, detail, sage=sage)
    detail = f"{detail}, this event's total is {work.mapped.total}"
    return ExportResult(Outcome.REJECTED, Code.BILLED_OTHERWISE, detail, sage=sage, final_on_replay=True)
