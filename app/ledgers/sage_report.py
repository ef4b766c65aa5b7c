"""Says what a restore from Sage could not prove: for a person, and as JSON."""

from collections.abc import Sequence

from app.ledgers.rebuilding import Rebuilt
from app.ledgers.sage_matching import SageReport, UnprovenDocument
from app.ledgers.sage_records import UnreadPart
from app.output import show_line
from consumers.export.ledger import unmatched_records
from consumers.export.ledger.from_sage import REASONS, MarkedRecord, Unproven
from consumers.export.ledger.unmatched_records import UnmatchedRecord
from consumers.export.protocol.document_state import Posted

SHOWN = 20
"""Lines of one kind on a terminal; --json names all."""


def show_some(lines: Sequence[str]) -> None:
    """Print the first lines, indented, and how many there are more."""
    for line in lines[:SHOWN]:
        show_line(f"  {line}")
    if len(lines) > SHOWN:
        show_line(f"  and {len(lines) - SHOWN} more: --json names them")


def show_report(report: SageReport, closed: Sequence[Rebuilt]) -> None:
    """Print the report for a person.

    Args:
        report: The report.
        closed: The ledger partitions that are not written.
    """
    show_line(f"{report.records} documents were read in Sage Intacct.")
    for part in report.unread:
        show_line(f"not read: {_part_in_words(part)}")
    if closed:
        names = ", ".join(dict.fromkeys(each.ledger.topic for each in closed))
        show_line(
            f"Not restored: {names}. What could not be read may hold their documents, which would be posted a second "
            "time. Mend the connection and run the command again"
        )
    for why in Unproven:
        if found := [each for each in report.unproven if each.why is why]:
            show_line(f"{why}: {len(found)} documents: {REASONS[why]}")
            show_some([_document_in_words(each) for each in found])
    if unmatched := _unmatched(report):
        show_line(
            f"{len(unmatched)} records in Sage carry our marker, and nothing else tells of their documents."
            " If an event of one of them comes, it is rejected with CHANGED_AFTER_POSTING. Their payments are not told"
        )
        show_some([_record_in_words(each) for each in unmatched])
    if report.damaged:
        show_line(f"{len(report.damaged)} records carry a marker that cannot be read, or several markers")
        show_some([_record_in_words(each) for each in report.damaged])
    if report.twice:
        show_line(f"{len(report.twice)} numbers are those of several records of this service that are not reversed")
        show_some(
            [f"{kind} {number} of {company}: records {', '.join(nos)}" for company, kind, number, nos in report.twice]
        )


def report_json(report: SageReport, closed: Sequence[Rebuilt]) -> dict[str, object]:
    """The report for programs; arguments as of `show_report`."""
    return {
        "notRestored": [{"ledger": each.ledger.topic, "partition": each.ledger.partition} for each in closed],
        "sage": {
            "read": report.records,
            "notRead": [
                {
                    "subsidiaryIds": each.subsidiaries,
                    "companyId": each.company,
                    "entityId": each.entity,
                    "object": each.kind,
                    "reason": each.reason,
                    "needed": bool(each.sides),
                }
                for each in report.unread
            ],
            "unproven": [
                {
                    "documentKey": each.key,
                    "code": each.why,
                    "record": None if each.posted is None else _json(each.posted),
                }
                for each in report.unproven
            ],
            "withoutDocument": [_json(each) | {"marker": each.marker} for each in _unmatched(report)],
            "markerUnreadable": [_json(each) for each in report.damaged],
            "numbersTwice": [
                {"companyId": company, "object": kind, "number": number, "recordNos": nos}
                for company, kind, number, nos in report.twice
            ],
        },
    }


def _unmatched(report: SageReport) -> list[UnmatchedRecord]:
    return [
        each
        for side in report.unmatched.values()
        for name, value in side
        for each in unmatched_records.decode(name, value)
    ]


def _part_in_words(part: UnreadPart) -> str:
    where = " ".join(filter(None, (part.company, part.entity, part.kind)))
    needed = "" if part.sides else " (not needed: that side is off, or was never active)"
    return f"{where or 'company unknown'}, subsidiary {', '.join(part.subsidiaries)}: {part.reason}{needed}"


def _document_in_words(each: UnprovenDocument) -> str:
    return each.key if each.posted is None else f"{each.key}: {_record_in_words(each.posted)}"


def _record_in_words(each: Posted | MarkedRecord | UnmatchedRecord) -> str:
    return f"{each.sage_object} {each.number}, record {each.record_no} of {each.connection.company_id}"


def _json(each: Posted | MarkedRecord | UnmatchedRecord) -> dict[str, object]:
    at = each.connection
    return {
        "companyId": at.company_id,
        "entityId": at.entity_id,
        "object": each.sage_object,
        "recordNo": each.record_no,
        "number": each.number,
        "party": each.party_id,
    }
