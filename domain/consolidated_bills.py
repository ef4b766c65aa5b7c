"""Consolidated bills of fuel and tolls: one for each provider, subsidiary and day (`fuelBills`, `tollBills`: `day`).

A fuel or toll transaction becomes a line of a consolidated bill as soon as the setting says so. It stays a line of such
bills from then on, whatever the setting says later. A transaction that was posted as a bill of its own stays one. So no
transaction is ever in Sage both ways.
"""

from dataclasses import dataclass

from domain.codes import Code
from domain.documents import SourceDocument, SourceKind
from domain.outcomes import Rejected, Skipped
from domain.policy import skip_reason, too_fine
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting
from domain.translation.consolidated import DAYS, group_of

LATEST, EARLIEST = 60, -1
"""Most and fewest days from the date of a transaction to its event, for the transaction to be consolidated.

The lines of old consolidated bills are not kept. A date far ahead would keep its transaction waiting for years.
"""
LINE_OF = "it is a line of "
"""What a result says of a line, before the document key of its bill."""


@dataclass(frozen=True, slots=True)
class Consolidation:
    """The answer for one fuel or toll transaction, and the consolidated bill it belongs to."""

    answer: Skipped | Rejected
    group: str | None
    """The document key of the consolidated bill; None if the transaction is on no bill."""
    moves: bool = True
    """False if the transaction's place in its bill did not change."""


def consolidation_of(row: SourceDocument, state: MappingState, *, known: bool) -> Consolidation | None:
    """Decide whether a fuel or toll transaction is a line of a consolidated bill; None if it is a document of its own.

    Args:
        row: The transaction as its event describes it.
        state: The settings in force.
        known: Whether the transaction was on a consolidated bill before. If so, only its own content can take it off;
            the settings apply to the bill as a whole.
    """
    if row.kind not in DAYS:
        return None
    in_time = EARLIEST <= (row.created_at.date() - row.date).days <= LATEST
    if not known:
        return _grouped(row) if in_time and _is_consolidated(row, state) else None
    if row.deducted:
        return Consolidation(Skipped(Code.DEDUCTED_FROM_DRIVER, "the driver's statement carries it"), None)
    if not row.total:
        return Consolidation(Skipped(Code.ZERO_TOTAL, "the total is zero"), None)
    if not in_time:
        detail = f"the row is of {row.date.isoformat()}, the change of {row.created_at.date().isoformat()}"
        return Consolidation(Rejected(Code.TRANSACTION_DATE_OUT_OF_RANGE, detail), None, moves=False)
    return _grouped(row)


def _grouped(row: SourceDocument) -> Consolidation:
    group = group_of(row)
    return Consolidation(Skipped(Code.GROUPED, f"{LINE_OF}{group}"), group)


def _is_consolidated(row: SourceDocument, state: MappingState) -> bool:
    setting = state.connection(row.subsidiary_id)
    if not isinstance(setting, ConnectionSetting):
        return False
    bills = setting.ap.fuel_bills if row.kind is SourceKind.FUEL else setting.ap.toll_bills
    if bills != "day" or not row.total:
        return False
    return skip_reason(row, setting) is None and not too_fine(row, setting)
