"""The other name of a document: a carrier's bill is known by its trip's id, or by subsidiary and trip number.

Events of one trip that name it both ways have two keys, so two ledger partitions that know nothing of each other. What
both names share is the bill's number and vendor in Sage, and the marker of the other name on what stands there. So
before such a bill is created it is looked for in Sage, all those of a request in one question; lanes let no two
requests that create such bills overlap. Where it stands under the other name it is never booked again. While a call
under the other name has no outcome, what Sage does not show yet proves nothing: the bill waits.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from consumers.engine.numbers import is_of
from consumers.engine.work import Verdict, Work
from domain.codes import Code
from domain.documents import SageObject
from domain.identity import marker
from domain.outcomes import Outcome
from producers.results import SageAnswer
from sage_client import DocumentKey, Found, Login, SageClient

MOST_SUFFIXES = 30
"""Of a number, of which one more is looked for while what holds the last was reversed."""


def has_two_names(work: Work) -> bool:
    """Whether the work's next call creates a document that may stand under another key.

    Not of a call that Sage says it has executed: its document stands, or stood, under this key.
    """
    creates = work.step is None and work.executed is None
    return creates and work.document is not None and work.document.source.by_number is not None


def names_of(work: Work) -> set[str]:
    """All keys that the work's document may stand under, as far as its event gives them."""
    by_number = work.document.source.by_number if work.document is not None else None
    return {work.key} if by_number is None else {work.key, by_number}


def held_back(batch: Sequence[Work], doubts: Iterable[Work]) -> list[tuple[Work, Verdict]]:
    """Those of the batch that Sage may be booking under their other name: a call of that name has no outcome yet."""
    creating: defaultdict[tuple[SageObject, str], list[Work]] = defaultdict(list)
    for doubt in doubts:
        if not doubt.claimed.corrects:
            creating[doubt.claimed.sage_object, doubt.claimed.party_id].append(doubt)
    held: list[tuple[Work, Verdict]] = []
    for work in filter(has_two_names, batch):
        rivals = creating.get((work.claimed.sage_object, work.claimed.party_id), [])
        rival = next((each for each in rivals if _may_be_twin(work, each)), None)
        if rival is not None:
            detail = f"{rival.key} was sent as number {rival.claimed.number}, and its outcome is not known yet"
            held.append((work, Verdict(Outcome.DEFERRED, Code.BILL_IN_DOUBT, detail)))
    return held


class Twins:
    """Looks for documents under their other name. One per lane."""

    def __init__(self, client: SageClient) -> None:
        self._client = client

    async def against(self, login: Login, batch: Sequence[Work]) -> list[tuple[Work, Verdict]]:
        """Those of the batch that stand in Sage under their other name.

        Raises:
            SageError: It could not be looked up; nothing was decided, for none of the batch.
        """
        sought = {work: _numbers(work) for work in batch if has_two_names(work)}
        found: list[tuple[Work, Verdict]] = []
        suffix = 0
        while sought and suffix <= MOST_SUFFIXES:
            asked = [(work, number) for work, numbers in sought.items() for number in numbers]
            keys = [
                DocumentKey(work.claimed.sage_object, f"{number}-{suffix}" if suffix else number, work.claimed.party_id)
                for work, number in asked
            ]
            twins: defaultdict[Work, list[Found]] = defaultdict(list)
            left: defaultdict[Work, list[str]] = defaultdict(list)
            for (work, number), there in zip(asked, await self._client.find(login, keys), strict=True):
                own = [each for each in there if _is_twin(work, each)]
                twins[work] += own
                if own:  # where all were corrected under that name, the one that stands may have got a suffix
                    left[work].append(number)
            for work, own in twins.items():
                standing = [each for each in own if not each.reversed]
                if standing:
                    found.append((work, _stands(work, standing[0])))
                    left.pop(work, None)
            sought = left
            suffix += 1
        return found


def _numbers(work: Work) -> list[str]:
    """What the bill's number may be before suffixes: its own, and the one that an earlier version made of it."""
    document = work.mapped
    former = [document.former.number] if document.former is not None else []
    return list(dict.fromkeys([document.source.number, *former]))


def _may_be_twin(work: Work, doubt: Work) -> bool:
    """By its key and number alone, of one party: what it is in Sage is not known yet."""
    if doubt.key == work.key or work.mapped.source.by_number not in (work.key, doubt.key):
        return False
    return any(is_of(doubt.claimed.number, number) for number in _numbers(work))


def _is_twin(work: Work, there: Found) -> bool:
    """By its marker: of the number, where ours is the trip's id; of any document of ours, where the id is not known."""
    by_number = work.mapped.source.by_number
    if by_number is None or not there.anothers(marker(work.key)):
        return False
    return by_number == work.key or there.bears(marker(by_number))


def _stands(work: Work, twin: Found) -> Verdict:
    detail = f"record {twin.record_no} (number {twin.number}, {twin.state}, total {twin.total}) is this trip's bill"
    sage = SageAnswer(twin.record_no)
    if twin.total == work.mapped.total:
        return Verdict(Outcome.SKIPPED, Code.BILLED_UNDER_OTHER_KEY, detail, sage=sage)
    detail = f"{detail}, this event's total is {work.mapped.total}"
    return Verdict(Outcome.REJECTED, Code.BILLED_OTHERWISE, detail, sage=sage, stands=True)
