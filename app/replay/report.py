"""The report on a replay's plan and forecast, for people and for programs."""

from collections.abc import Mapping
from functools import reduce
from operator import add

from app.output import note, show_line, show_table
from app.replay.forecast import Forecast, RecordOutcome
from app.replay.moves import Move
from app.replay.run import ReplayPreview
from app.settings import Settings

MEANINGS: Mapping[RecordOutcome, tuple[str, str]] = {
    RecordOutcome.ALREADY_POSTED: ("already posted", "answered from the ledger, no call"),
    RecordOutcome.SUPERSEDED: ("superseded", "a newer event of the document was answered: skipped, no call"),
    RecordOutcome.REFUSED: ("refused before", "Sage refused this record: the same answer, no call"),
    RecordOutcome.CORRECTS: (
        "corrects",
        "what stands, if its state in Sage lets it: updated, or reversed and posted anew",
    ),
    RecordOutcome.CHANGED: (
        "changed",
        "after it was posted, and not corrected: rejected, CHANGED_AFTER_POSTING, no call",
    ),
    RecordOutcome.IN_DOUBT: ("in doubt", "looked up in Sage before anything is sent"),
    RecordOutcome.MAY_POST: (
        "may be posted",
        "mapped by the settings of now: posted if its party is found and Sage takes it",
    ),
    RecordOutcome.WAITS: ("waits", "deferred by the settings of now, no call"),
    RecordOutcome.SKIPPED: ("not exported", "skipped by the settings of now, no call"),
    RecordOutcome.REJECTED: ("rejected", "by rule, no call"),
    RecordOutcome.DEAD: ("dead letter", "breaks the contract: one more on the dead letters"),
}
"""Title of each outcome, and what happens to the record."""


def show(found: ReplayPreview, *, confirmed: bool) -> None:
    """Print the partitions as a table, then in words what happens to the records.

    Args:
        found: The plan and forecast.
        confirmed: Whether the person has confirmed that records are skipped.
    """
    _show_partitions(found)
    if found.forecasts is not None:
        again, skipped = total(found, skips=False), total(found, skips=True)
        _show_sum(again, "are read again. A worker answers them so:")
        _show_sum(skipped, "are SKIPPED. If they were read, a worker would answer them so:")
        if without := again.without_party + skipped.without_party:
            show_line(
                f"{without:,} of those that may be posted had no party, or several, when last looked for in Sage."
            )
        if again.unanswered:
            show_line(f"{again.unanswered:,} of the records read again have no answer in the ledger yet.")
        if released := again.released + skipped.released:
            note(f"note: {released:,} waiting documents of them go to Sage when a worker starts, replay or not")
    if found.loss is not None:
        show_line(f"This goes forward: {found.loss}.{'' if confirmed else ' --execute needs --skip as well.'}")
    for warning in found.plan.warnings:
        note(f"warning: {warning}")


def total(found: ReplayPreview, *, skips: bool) -> Forecast:
    """Add up the forecasts of all partitions that skip records, or of all that do not."""
    if found.forecasts is None:
        return Forecast()
    return reduce(add, (found.forecasts[m.source] for m in found.plan.moves if m.skips is skips), Forecast())


def _show_partitions(found: ReplayPreview) -> None:
    forecasts = found.forecasts
    kinds = [
        kind for kind in RecordOutcome if forecasts is not None and any(each.kinds[kind] for each in forecasts.values())
    ]
    forward = any(move.skips for move in found.plan.moves)
    counted = [] if forecasts is None else ["AGAIN", "SKIPPED"] if forward else ["AGAIN"]
    titles = [MEANINGS[kind][0].upper() for kind in kinds]
    rows = []
    for move in found.plan.moves:
        cells = [move.source.topic, move.source.partition, _or_dash(move.committed), move.new, move.end]
        if forecasts is not None:
            forecast = forecasts[move.source]
            again, skipped = (0, forecast.records) if move.skips else (forecast.records, 0)
            cells += [again, skipped][: len(counted)] + [forecast.kinds[kind] for kind in kinds]
        rows.append([str(cell) for cell in cells])
    show_table(("TOPIC", "PARTITION", "COMMITTED", "NEW", "END", *counted, *titles), rows, whole=True)


def _show_sum(forecast: Forecast, what: str) -> None:
    if not forecast.records:
        return
    show_line(f"{forecast.records:,} records {what}")
    for kind in RecordOutcome:
        if count := forecast.kinds[kind]:
            show_line(f"{count:>9,}  {MEANINGS[kind][0]:<15} {MEANINGS[kind][1]}")


def as_json(settings: Settings, found: ReplayPreview, *, executed: bool) -> dict[str, object]:
    """The report as JSON for a program. It has a count for every outcome; without forecasts it has no counts at all."""
    body: dict[str, object] = {
        "group": settings.group_id,
        "group_active": found.group.active,
        "executed": executed,
        "partitions": [_partition(found, move) for move in found.plan.moves],
        "warnings": list(found.plan.warnings),
    }
    if found.forecasts is not None:
        body["read_again"] = _counts(total(found, skips=False))
        body["skipped"] = _counts(total(found, skips=True))
    return body


def _partition(found: ReplayPreview, move: Move) -> dict[str, object]:
    body: dict[str, object] = {
        "topic": move.source.topic,
        "partition": move.source.partition,
        "committed": move.committed,
        "new": move.new,
        "begin": move.begin,
        "end": move.end,
    }
    if found.forecasts is not None:
        body["skipped" if move.skips else "read_again"] = _counts(found.forecasts[move.source])
    return body


def _counts(forecast: Forecast) -> dict[str, int]:
    return {
        "records": forecast.records,
        "unanswered": forecast.unanswered,
        "without_party": forecast.without_party,
        "released": forecast.released,
        **{kind.value: forecast.kinds[kind] for kind in RecordOutcome},
    }


def _or_dash(offset: int | None) -> str:
    return "-" if offset is None else str(offset)
