"""What happens to a revision that arrives while an earlier one of its document is in doubt. Pure. Promises 1 and 4."""

from dataclasses import replace
from enum import Enum, auto

from consumers.export.protocol.begin import Begun
from consumers.export.protocol.export_result import ExportResult
from consumers.export.protocol.sequence import Turn
from domain.codes import Code
from domain.outcomes import Outcome
from domain.translation import ParsedRecord

WAITS = ExportResult(
    Outcome.DEFERRED,
    Code.EARLIER_REVISION_IN_DOUBT,
    "an earlier revision of the document is in doubt; this one follows when its outcome is known",
)
"""The result of a revision that the ledger keeps behind the doubt."""
_AGAIN = ExportResult(
    Outcome.UNCERTAIN, Code.OUTCOME_UNKNOWN, "this event was read before, and its outcome is not known yet"
)
_KEPT_ALREADY = replace(WAITS, from_ledger=True)


class Stand(Enum):
    """Where a revision stands that has no result yet."""

    KEPT = auto()
    """It is the newest: the ledger keeps it in the place of the one that it kept before, and its record ends."""
    IN_LINE = auto()
    """It is unknown whether it is the newest: it waits for the end of the doubt, and its record stays open."""


def stand(begun: Begun, later: ParsedRecord | None) -> ExportResult | Stand:
    """Decide about a revision that arrives behind a doubt.

    Args:
        begun: The arrival, and what the ledger says of it.
        later: The revision that the ledger keeps behind the doubt. None if there is none.

    Returns:
        Its result, if it is answered at once; else where it stands.
    """
    if begun.turn is Turn.PAST:
        answer = begun.decided.answer
        return answer if isinstance(answer, ExportResult) else _AGAIN
    if begun.turn is not Turn.NEWEST:
        return Stand.IN_LINE
    mine, theirs = begun.received.emitted, later.emitted if later is not None else None
    if later is None or mine is None or theirs is None or theirs.before(mine):
        return Stand.KEPT
    if mine.before(theirs):
        return superseded(later)
    return _KEPT_ALREADY if later.revision == begun.received.revision else Stand.IN_LINE


def superseded(by: ParsedRecord) -> ExportResult:
    """The result of a revision in whose place a later one stands."""
    detail = f"the event {by.event_id} came after it, while an earlier revision of the document was in doubt"
    return ExportResult(Outcome.SKIPPED, Code.SUPERSEDED, detail)
