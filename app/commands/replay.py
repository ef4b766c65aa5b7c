"""``alvys-sage replay``: read source topics again from another offset, or forecast what that would do."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from app.bootstrap import SYSTEM_TIME
from app.command_requests import By
from app.errors import UsageError
from app.mapping_access import NOBODY, settings_for_command
from app.output import Json, note, show_json, show_line
from app.replay.group import active_text, refuse_if_active_now
from app.replay.report import as_json as found_as_json
from app.replay.report import show
from app.replay.request import (
    ResetTo,
    Scope,
    Shift,
    Target,
    export_lines,
    read_duration,
    read_file,
    read_offset,
    read_scope,
    read_time,
)
from app.replay.run import ReplayPreview, look
from app.replay.run import execute as carry_out
from app.roles import may_change, may_see
from app.settings import Settings

DRY_RUN = "This was a dry run: nothing was changed. --execute does it."
DONE = "The offsets are set. Start the workers."
NOTHING = "Every partition stands there already: nothing was changed."


def replay(  # noqa: PLR0913 - its parameters are the command's
    *,
    to_datetime: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DDTHH:MM:SS[.sss][ZONE]",
            help="To the first record of this time or later; UTC without zone.",
        ),
    ] = None,
    by_duration: Annotated[
        str | None, typer.Option(metavar="PnDTnHnMnS", help="To the first record that is no older than this.")
    ] = None,
    to_earliest: Annotated[bool, typer.Option("--to-earliest", help="To the beginning of the log.")] = False,
    to_latest: Annotated[bool, typer.Option("--to-latest", help="To the end: skips what was not read yet.")] = False,
    to_current: Annotated[bool, typer.Option("--to-current", help="Where the group stands, as for --export.")] = False,
    to_offset: Annotated[int | None, typer.Option(metavar="N", help="To this offset.")] = None,
    shift_by: Annotated[int | None, typer.Option(metavar="N", help="So many offsets on, or back if negative.")] = None,
    from_file: Annotated[
        Path | None, typer.Option(metavar="CSV", help="To the offsets of lines topic,partition,offset.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC[:0,1]", help="A source topic, or partitions of it; repeatable.")
    ] = None,
    all_topics: Annotated[bool, typer.Option("--all-topics", help="All four source topics.")] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Do it. Without this nothing is changed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell. This is what happens without --execute.")
    ] = False,
    skip: Annotated[
        bool, typer.Option("--skip", help="Confirm that records which were not read yet are never exported.")
    ] = False,
    offsets_only: Annotated[
        bool, typer.Option("--offsets-only", help="Do not read the records, so do not tell what becomes of them.")
    ] = False,
    by: By = NOBODY,
    export: Annotated[bool, typer.Option("--export", help="Print the new offsets as CSV for --from-file.")] = False,
    as_json: Json = False,
) -> None:
    """Read source topics again from an earlier place. What was posted is answered from the ledger, not posted again.

    Give one place to go to, and --topic or --all-topics. Without --execute nothing is changed, and what a worker would
    do with the records is told. It is done only while no worker runs.

    Exit code 0: told, or done. 1: not done; the line says why. 2: the request cannot be.
    """
    settings = settings_for_command()
    may_see(settings, by)
    _refuse_together(execute=execute, dry_run=dry_run, export=export, as_json=as_json)
    places: dict[str, object] = {
        "--to-datetime": to_datetime,
        "--by-duration": by_duration,
        "--to-earliest": to_earliest or None,
        "--to-latest": to_latest or None,
        "--to-current": to_current or None,
        "--to-offset": to_offset,
        "--shift-by": shift_by,
        "--from-file": from_file,
    }
    place, value = _one(places)
    target = _target(place, value, settings)
    scope = _scope(place, topic or (), settings, all_topics=all_topics)
    if execute:
        may_change(settings, by)
        asyncio.run(refuse_if_active_now(settings))  # first, because the forecast may take long
    found = asyncio.run(look(settings, target, scope, offsets_only=offsets_only or export))
    if not export and not as_json:
        show(found, confirmed=skip)
    if execute:
        asyncio.run(carry_out(settings, found, skip=skip))
    if export:
        _export(found)
    elif as_json:
        show_json(found_as_json(settings, found, executed=execute))
    else:
        _conclude(settings, found, executed=execute)


def _export(found: ReplayPreview) -> None:
    for line in export_lines({move.source: move.new for move in found.plan.moves}):
        show_line(line)


def _conclude(settings: Settings, found: ReplayPreview, *, executed: bool) -> None:
    if executed:
        note(DONE if any(move.changes for move in found.plan.moves) else NOTHING)
        return
    if found.group.active:
        note(f"note: {active_text(found.group, settings)}; until then these figures move and --execute refuses")
    note(DRY_RUN)


def _refuse_together(*, execute: bool, dry_run: bool, export: bool, as_json: bool) -> None:
    if execute and dry_run:
        raise UsageError("--execute and --dry-run exclude each other")
    if export and (execute or as_json):
        raise UsageError("--export only prints; it goes with neither --execute nor --json")


def _one(places: Mapping[str, object]) -> tuple[str, object]:
    given = [(name, value) for name, value in places.items() if value is not None]
    if len(given) != 1:
        names = " and ".join(name for name, _ in given)
        raise UsageError(f"give one place to go to, not {names or 'none'}: {', '.join(places)}")
    return given[0]


def _target(name: str, value: object, settings: Settings) -> Target:
    match name, value:
        case "--to-datetime", str():
            return read_time(value)
        case "--by-duration", str():
            return read_duration(value, SYSTEM_TIME.now())
        case "--to-offset", int():
            return read_offset(value)
        case "--shift-by", int():
            return Shift(value)
        case "--from-file", Path():
            return read_file(value, settings)
        case _:
            return ResetTo[name.removeprefix("--to-").upper()]


def _scope(place: str, topics: Sequence[str], settings: Settings, *, all_topics: bool) -> Scope:
    if place == "--from-file":
        if topics or all_topics:
            raise UsageError("--from-file names the partitions itself, without --topic and --all-topics")
        return {}
    if all_topics and topics:
        raise UsageError("--topic and --all-topics exclude each other")
    if not all_topics and not topics:
        raise UsageError("say which topics: --topic TOPIC[:0,1], or --all-topics")
    return dict.fromkeys(settings.topics.sources) if all_topics else read_scope(topics, settings)
