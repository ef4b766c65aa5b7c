"""``alvys-sage mark-synced``: a person has entered documents in Sage by hand; they are never posted."""

import asyncio
from typing import Annotated

import typer

from app.asking import DRY_RUN, NOBODY, By, Execute, Person, ask, find, tell
from app.documents import Choice, Known, Way, missing
from app.errors import CommandError, UsageError
from app.mapping_access import settings_for_command
from app.output import Json, note
from domain.commands import MarkSynced


def mark_synced(
    document: Annotated[list[str], typer.Argument(metavar="KEY...", help="Document keys.")],
    *,
    why: Annotated[str, typer.Option("--why", help="Why, kept with the document.")],
    record_no: Annotated[
        str | None, typer.Option("--record-no", metavar="N", help="The record in Sage, of a single document.")
    ] = None,
    by: By = NOBODY,
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Mark documents as synced: they stand in Sage already, entered by hand, so they are never posted.

    For documents that were rejected, wait, or are in doubt. Who says so and why is kept in the ledger and told in the
    result. A later revision of a marked document is rejected, as one of a posted document is. `alvys-sage retry
    --document` takes a mark away. Without --execute the documents are only shown.

    Exit code 0: shown, or asked. 1: a document is not known or cannot be marked; then none is. 2: a bad request.
    """
    if record_no is not None and len(document) > 1:
        raise UsageError("--record-no names one record: give one document")
    if not why.strip():
        raise UsageError("--why may not be empty: whoever reads the books will ask")
    if by == NOBODY:
        raise UsageError("--by is needed: who says that it stands in Sage")
    settings = settings_for_command()
    choice = Choice(documents=frozenset(document))
    found = asyncio.run(find(settings, settings.topics.sources, choice))
    tell(found, choice, executed=execute, as_json=as_json)
    wrong = [f"{key}: no ledger knows it" for key in missing(choice, found)]
    wrong += [f"{each.key}: {_why_not(each)}" for each in found if each.way is not Way.KEPT]
    if wrong:
        raise CommandError("; ".join(wrong))
    if not execute:
        note(DRY_RUN)
        return
    command = Person(by, why.strip()).header() | {"documents": tuple(document), "record_no": record_no}
    asyncio.run(ask(settings, [MarkSynced.model_validate(command)]))


def _why_not(each: Known) -> str:
    if each.way is Way.SOURCE:
        return f"it was skipped ({each.code}) and is not going to be posted"
    return f"it is {each.outcome} already"
