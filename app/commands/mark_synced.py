"""``alvys-sage mark-synced``: mark documents that a person entered in Sage by hand, so that they are never posted."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka import TopicPartition

from app.command_requests import DRY_RUN, NOBODY, By, Execute, Person, ask, find, tell
from app.document_selection import DocumentSummary, RetrySource, Selection, missing
from app.errors import CommandError, UsageError
from app.mapping_access import settings_for_command
from app.output import Json, note, show_json, show_line, show_table
from app.roles import may_change, may_see
from app.settings import Settings
from app.topic_reader import documents
from app.waiting_report import text_of
from consumers.export.protocol.document_state import DocumentState
from domain.commands import MarkSynced


def mark_synced(  # noqa: PLR0913 - its parameters are the command's
    document: Annotated[list[str] | None, typer.Argument(metavar="KEY...", help="Document keys.")] = None,
    *,
    why: Annotated[str, typer.Option("--why", help="Why, kept with the document.")] = "",
    record_no: Annotated[
        str | None, typer.Option("--record-no", metavar="N", help="The record in Sage, of a single document.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the documents that are marked, and do nothing.")] = False,
    by: By = NOBODY,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Mark documents as synced: they stand in Sage already, entered by hand, so they are never posted.

    For documents that were rejected, wait, or are in doubt. Who says so and why is kept in the ledger and told in the
    result. A later revision of a marked document is rejected, as one of a posted document is. `alvys-sage retry
    --document` takes a mark away. Without --execute the documents are only shown. --list shows what is marked, by whom,
    when and why.

    Exit code 0: shown, or asked. 1: a document is not known or cannot be marked; then none is. 2: a bad request.
    """
    if listed:
        if document or execute:
            raise UsageError("--list takes no document, and does nothing to any")
        _list(settings_for_command(), by, as_json=as_json)
        return
    if not document:
        raise UsageError("give the documents' keys, or --list")
    if record_no is not None and len(document) > 1:
        raise UsageError("--record-no names one record: give one document")
    if not why.strip():
        raise UsageError("--why may not be empty: whoever reads the books will ask")
    if by == NOBODY:
        raise UsageError("--by is needed: who says that it stands in Sage")
    settings = settings_for_command()
    may_change(settings, by)
    choice = Selection(documents=frozenset(document))
    found = asyncio.run(find(settings, settings.topics.sources, choice))
    tell(found, choice, executed=execute, as_json=as_json)
    wrong = [f"{key}: no ledger knows it" for key in missing(choice, found)]
    wrong += [f"{each.key}: {_why_not(each)}" for each in found if each.way is not RetrySource.KEPT]
    if wrong:
        raise CommandError("; ".join(wrong))
    if not execute:
        note(DRY_RUN)
        return
    command = Person(by, why.strip()).header() | {"documents": tuple(document), "record_no": record_no}
    asyncio.run(ask(settings, [MarkSynced.model_validate(command)]))


def _why_not(each: DocumentSummary) -> str:
    if each.way is RetrySource.SOURCE:
        return f"it was skipped ({each.code}) and is not going to be posted"
    return f"it is {each.outcome} already"


def _list(settings: Settings, by: str, *, as_json: bool) -> None:
    may_see(settings, by)

    def of(entry: DocumentState, source: TopicPartition) -> dict[str, object] | None:
        mark = entry.marked
        if mark is None:
            return None
        at = datetime.fromtimestamp(mark.at / 1000, UTC)
        return {
            "document": entry.key,
            "topic": source.topic,
            "at": text_of(at),
            "recordNo": mark.record_no,
            "by": mark.by,
        }

    found = asyncio.run(documents(settings, settings.topics.sources, of))
    found.sort(key=lambda each: (str(each["at"]), str(each["document"])), reverse=True)
    if as_json:
        show_json(found)
    elif found:
        rows = [tuple(str(each[name] or "-") for name in ("document", "at", "recordNo", "by")) for each in found]
        show_table(("DOCUMENT", "MARKED", "RECORD", "BY AND WHY"), rows, whole=True)
    else:
        show_line("nothing is marked as synced")
