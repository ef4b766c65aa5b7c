"""Grouped bills of fuel and tolls: one for each provider, subsidiary and day (`fuelBills`, `tollBills`: `day`).

A row goes into the group of its day once its setting says so, and stays a row of groups from then on, whatever the
setting says later; a row that was posted as a bill of its own stays that. So no row is ever in Sage both ways.
"""

from dataclasses import dataclass

from domain.codes import Code
from domain.documents import SourceDocument, SourceKind
from domain.mapping_state import MappingState
from domain.outcomes import Rejected, Skipped
from domain.policy import too_fine, unwanted
from domain.reading.groups import DAYS, group_of
from domain.settings import ConnectionSetting

LATEST, EARLIEST = 60, -1
"""Days from a row's day to the event that tells of it, at most and at least, for the row to be grouped. Old groups
end, and a day far ahead would keep its row waiting for years."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What becomes of a row of a group."""

    answer: Skipped | Rejected
    group: str | None
    """The document key of the bill that it is a line of; None: of none."""
    moves: bool = True
    """False: the row stands in its group as it stood before."""


def place(row: SourceDocument, state: MappingState, *, known: bool) -> Placed | None:
    """Where a row goes as a line of a grouped bill; None if it is a document of its own.

    Args:
        row: What the event says.
        state: The settings in force.
        known: Whether it was grouped before: then only what the row itself says can change that. The settings decide
            about its bill.
    """
    if row.kind not in DAYS:
        return None
    in_time = EARLIEST <= (row.created_at.date() - row.date).days <= LATEST
    if not known:
        return _grouped(row) if in_time and _wanted(row, state) else None
    if row.deducted:
        return Placed(Skipped(Code.DEDUCTED_FROM_DRIVER, "the driver's statement carries it"), None)
    if not row.total:
        return Placed(Skipped(Code.ZERO_TOTAL, "the total is zero"), None)
    if not in_time:
        detail = f"the row is of {row.date.isoformat()}, the change of {row.created_at.date().isoformat()}"
        return Placed(Rejected(Code.ROW_OUT_OF_TIME, detail), None, moves=False)
    return _grouped(row)


def _grouped(row: SourceDocument) -> Placed:
    group = group_of(row)
    return Placed(Skipped(Code.GROUPED, f"it is a line of {group}"), group)


def _wanted(row: SourceDocument, state: MappingState) -> bool:
    setting = state.connection(row.subsidiary_id)
    if not isinstance(setting, ConnectionSetting):
        return False
    bills = setting.ap.fuel_bills if row.kind is SourceKind.FUEL else setting.ap.toll_bills
    if bills != "day" or not row.total:
        return False
    return unwanted(row, setting) is None and not too_fine(row, setting)
