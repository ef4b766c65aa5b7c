"""Document keys of the consolidated bills for fuel and toll transactions."""

from datetime import date

from domain.categories import fold
from domain.documents import SourceDocument, SourceKind
from domain.translation.texts import key_part

DAYS = {SourceKind.FUEL: SourceKind.FUEL_DAY, SourceKind.TOLL: SourceKind.TOLL_DAY}
"""The kind of consolidated bill for each kind of transaction."""
_BASE = "base"


def consolidated_key(kind: SourceKind, subsidiary_id: str, provider: str, day: date, currency: str | None) -> str:
    """Build the document key of a consolidated bill: `fuel-day/{subsidiary}/{provider}/{date}/{currency}`.

    The provider is folded, as for the look-up of its vendor. Each currency has a bill of its own, because a document in
    Sage has one currency; None stands for the base currency.
    """
    parts = (subsidiary_id, fold(provider), day.isoformat(), currency or _BASE)
    return "/".join([kind, *map(key_part, parts)])


def group_of(row: SourceDocument) -> str:
    """Build the document key of the consolidated bill that a fuel or toll transaction belongs to."""
    return consolidated_key(DAYS[row.kind], row.subsidiary_id, row.party.provider or "", row.date, row.currency)
