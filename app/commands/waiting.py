"""``alvys-sage waiting``: list blockers and the documents that wait, read from the ledgers, beside running workers."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from aiokafka import TopicPartition

from app.bootstrap import subscription_of
from app.errors import UsageError
from app.mapping_access import NOBODY, By, live_table, settings_for_command
from app.output import Json, note, show_json, show_line, show_table
from app.rejected import show_rejected, table_of
from app.roles import may_see
from app.settings import Settings
from app.topic_checks import source_named
from app.topic_reader import documents
from app.waiting_report import Group, UnpostedDocument, by_blocker, group_documents, read, text_of
from consumers.export.protocol.document_state import DocumentState
from domain.settings.keys import canonical
from domain.settings.values import ConnectionSetting

SEVERAL = "A document that waits for several keys is counted at each of them, and once in the total."


def waiting(  # noqa: PLR0913 - its parameters are the command's
    *,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="List the documents that this key releases.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC", help="Only of this source topic; repeatable.")
    ] = None,
    subsidiary: Annotated[str | None, typer.Option(metavar="ID", help="Only of this subsidiary.")] = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="What was rejected instead, by code: how many documents, worth how much.")
    ] = False,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="List the rejected documents of this code.")
    ] = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """What blocks how many documents: settings that are missing, connections that take nothing, answers that were lost.

    With --rejected or --code: what was rejected and waits for a person, with Sage's own words.

    It reads the ledgers, and the base currencies in mapping-state; it disturbs nobody.
    Times are those of the source records. Exit code 0, also if nothing waits.
    """
    if key is not None and (rejected or code is not None):
        raise UsageError("--key asks for documents that wait, --rejected and --code for rejected ones")
    settings = settings_for_command()
    may_see(settings, by)
    sources = [source_named(name, settings) for name in topic] if topic else settings.topics.sources
    refused = rejected or code is not None
    found = asyncio.run(read_waiting(settings, sources, rejected=refused, key=None if key is None else canonical(key)))
    found = [each for each in found if subsidiary is None or each.subsidiary == subsidiary]
    if refused:
        show_rejected(found, code, as_json=as_json)
    elif key is not None:
        _show_documents(canonical(key), found, as_json=as_json)
    elif as_json:
        show_json(_as_json(found))
    else:
        _show(found)


async def read_waiting(
    settings: Settings, sources: Sequence[str], *, rejected: bool = False, key: str | None = None
) -> list[UnpostedDocument]:
    """Read the waiting (or the rejected) documents of these source topics from the ledgers, the oldest first.

    Args:
        settings: The broker and the topics.
        sources: The full names of the source topics.
        rejected: Whether to read the rejected documents instead of the waiting ones.
        key: Instead, read the documents that wait for this key, and those whose rejection it caused.

    Raises:
        CommandError: A ledger does not exist, or a record in it cannot be read.
        KafkaError, MappingStateUnavailable: The broker refused.
    """
    receivers = subscription_of(settings).sources
    async with live_table(settings) as table:
        state = table.state

        def base(subsidiary: str) -> str | None:
            setting = state.connection(subsidiary)
            return setting.base_currency if isinstance(setting, ConnectionSetting) else None

        def waits(entry: DocumentState, source: TopicPartition) -> UnpostedDocument | None:
            wanted = key in entry.released_by if key is not None else entry.rejected if rejected else entry.waiting
            return read(entry, source.topic, receivers[source.topic], base) if wanted else None

        found = await documents(settings, sources, waits)
    return sorted(found, key=lambda each: (each.since, each.key))


def _show(found: Sequence[UnpostedDocument]) -> None:
    blocked = [each for each in found if not each.in_doubt]
    rows = [(blocker, *_cells(crowd)) for blocker, crowd in by_blocker(blocked)]
    if rows:
        show_table(("BLOCKED BY", "DOCUMENTS", "AMOUNT", "OLDEST", "CODES", "TOPICS"), rows, whole=True)
    if (total := group_documents(blocked)) is not None:
        show_line(f"total: {total.documents:,} documents wait, {total.amount}")
        if any(len(each.blocked_by) > 1 for each in blocked):
            note(SEVERAL)
    if (doubtful := group_documents(each for each in found if each.in_doubt)) is not None:
        show_line(f"in doubt: {doubtful.documents:,} documents, {doubtful.amount}; looked up in Sage until it is known")
        table_of([each for each in found if each.in_doubt])
    if not found:
        show_line("nothing waits")


def _cells(crowd: Group) -> tuple[str, ...]:
    codes, topics = ", ".join(crowd.codes), ", ".join(crowd.topics)
    return f"{crowd.documents:,}", crowd.amount, text_of(crowd.since), codes, topics


def _show_documents(key: str, found: Sequence[UnpostedDocument], *, as_json: bool) -> None:
    listed = [each for each in found if key in each.blocked_by]
    total = group_documents(listed)
    if as_json:
        body = {"key": key, "documents": [each.json() for each in listed], "total": total.json() if total else None}
        show_json(body)
    elif total is None:
        show_line(f"nothing waits for {key}")
    else:
        table_of(listed)
        show_line(f"{key} blocks {total.documents:,} documents, {total.amount}")


def _as_json(found: Sequence[UnpostedDocument]) -> dict[str, object]:
    blocked = [each for each in found if not each.in_doubt]
    doubtful = [each for each in found if each.in_doubt]
    total = group_documents(blocked)
    return {
        "blockers": [{"key": blocker, **crowd.json()} for blocker, crowd in by_blocker(blocked)],
        "in_doubt": [each.json() for each in doubtful],
        "total": total.json() if total else None,
    }
