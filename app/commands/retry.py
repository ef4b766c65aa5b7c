"""``alvys-sage retry``: retry documents of any type now, without their events being sent again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from app.command_requests import DRY_RUN, NOBODY, By, Execute, Person, ask, find, read_again, read_code, tell
from app.document_selection import DocumentSummary, RetrySource, Selection, missing
from app.errors import UsageError
from app.mapping_access import settings_for_command
from app.output import Json, note
from app.roles import may_see
from app.settings import Settings
from app.topic_checks import source_named
from domain.commands import Command, Retry
from domain.settings.keys import BadKeyError, canonical

AT_ONCE = 500
"""Document keys in one command: a record of some 20 kB."""


def retry(  # noqa: PLR0913 - its parameters are the command's
    *,
    document: Annotated[list[str] | None, typer.Option(metavar="KEY", help="A document key; repeatable.")] = None,
    code: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Documents that ended with this code; repeatable.")
    ] = None,
    blocked_by: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Documents that wait for this key; repeatable.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC", help="Only of this source topic; repeatable.")
    ] = None,
    by: By = NOBODY,
    why: Annotated[str, typer.Option("--why", help="Why, for the record.")] = "",
    execute: Execute = False,
    as_json: Json = False,
) -> None:
    """Look at documents again now: rejected ones after a correction, those that wait, skipped ones after a change.

    Choose them by --document, --code or --blocked-by. What stands in Sage is never sent again; a document in doubt is
    looked up at once; a mark (mark-synced) is taken away. Without --execute the documents are only shown.

    Exit code 0: shown, or asked. 1: it cannot be done, or a named document is not known. 2: the request cannot be.
    """
    settings = settings_for_command()
    may_see(settings, by)
    choice = _choice(document or (), code or (), blocked_by or ())
    sources = [source_named(name, settings) for name in topic] if topic else list(settings.topics.sources)
    found = asyncio.run(find(settings, sources, choice))
    tell(found, choice, executed=execute, as_json=as_json)
    for key in missing(choice, found):
        note(f"{key}: no ledger knows it")
    again = [each for each in found if each.way is not RetrySource.NONE]
    note(f"{len(again)} of {len(found)} documents can be looked at again")
    if execute:
        asyncio.run(_ask(settings, choice, again, sources if topic else (), Person(by, why)))
    else:
        note(DRY_RUN)
    if missing(choice, found):
        raise typer.Exit(1)


def _choice(documents: Sequence[str], codes: Sequence[str], blocked_by: Sequence[str]) -> Selection:
    if [bool(documents), bool(codes), bool(blocked_by)].count(True) != 1:
        raise UsageError("choose by --document, --code or --blocked-by: exactly one of them")
    return Selection(frozenset(documents), frozenset(map(read_code, codes)), frozenset(map(_blocker, blocked_by)))


def _blocker(text: str) -> str:
    try:
        return canonical(text)
    except BadKeyError:
        return text  # a Sage connection, sage/…


async def _ask(
    settings: Settings, choice: Selection, found: Sequence[DocumentSummary], topics: Sequence[str], person: Person
) -> None:
    kept = [each.key for each in found if each.way is RetrySource.KEPT]
    commands: list[Command] = []
    if choice.documents:
        batches = [kept[start : start + AT_ONCE] for start in range(0, len(kept), AT_ONCE)]
        commands += [_retry(person, topics, documents=batch) for batch in batches]
    elif kept:
        # The command carries codes or blockers instead of document keys, to include documents that get them meanwhile.
        commands.append(_retry(person, topics, codes=choice.codes, blocked_by=choice.blocked_by))
    commands += await read_again(settings, [each for each in found if each.way is RetrySource.SOURCE], person)
    if commands:
        await ask(settings, commands)


def _retry(person: Person, topics: Sequence[str], **choice: object) -> Retry:
    return Retry.model_validate(person.header() | {"topics": tuple(topics)} | choice)
