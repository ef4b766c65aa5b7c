"""The document key of the grouped bill that a fuel or toll row belongs to."""

from datetime import date

from domain.categories import fold
from domain.documents import SourceDocument, SourceKind
from domain.reading.texts import key_part

DAYS = {SourceKind.FUEL: SourceKind.FUEL_DAY, SourceKind.TOLL: SourceKind.TOLL_DAY}
"""What rows of each kind become together."""
_BASE = "base"


def group_key(kind: SourceKind, subsidiary_id: str, provider: str, day: date, currency: str | None) -> str:
    """`fuel-day/{subsidiary}/{provider}/{date}/{currency}`, the document key of a grouped bill.

    The provider as vendors are looked up, in one case; a document in Sage has one currency, so each has a bill.
    """
    parts = (subsidiary_id, fold(provider), day.isoformat(), currency or _BASE)
    return "/".join([kind, *map(key_part, parts)])


def group_of(row: SourceDocument) -> str:
    """The document key of the bill that a fuel or toll row belongs to."""
    return group_key(DAYS[row.kind], row.subsidiary_id, row.party.provider or "", row.date, row.currency)
