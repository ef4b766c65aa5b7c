"""``alvys-sage ledger``: check, copy and repair the export ledgers, the memory of what was posted."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from aiokafka import TopicPartition

from app.command_requests import NOBODY, By
from app.errors import UsageError
from app.ledgers.acceptance import Acceptance, acceptances
from app.ledgers.acceptance import accept as carry_out
from app.ledgers.copies import export as copy_to
from app.ledgers.rebuilding import Rebuilt, plan, write
from app.ledgers.sage_matching import SageReport, add_sage, side_of
from app.ledgers.sage_report import report_json, show_report, show_some
from app.ledgers.survey import Surveyed
from app.ledgers.survey import survey as look
from app.mapping_access import settings_for_command
from app.output import Json, note, show_json, show_line, show_table
from app.replay.request import Scope, read_scope
from app.roles import may_change, may_see
from app.settings import Settings
from consumers.export.ledger.damage import Damage

ledger = typer.Typer(
    name="ledger", help="The memory of what was posted: verify, export, restore, accept.", no_args_is_help=True
)

Topics = Annotated[
    list[str] | None, typer.Option("--topic", metavar="TOPIC[:0,1]", help="A source topic, or partitions; repeatable.")
]
Execute = Annotated[bool, typer.Option("--execute", help="Do it. Without this nothing is changed.")]
DRY_RUN = "This was a dry run: nothing was changed. --execute does it."


@ledger.command("verify")
def verify(*, topic: Topics = None, by: By = NOBODY, as_json: Json = False) -> None:
    """Whether each ledger is whole: against its source, its topic's id, and the local stores (ALVYS_SAGE_STATE_DIR).

    It reads all ledgers, beside running workers. Exit code 0: all are whole. 1: each line says what is wrong and how to
    repair it.
    """
    settings, scope = _begin(by, topic)
    found = asyncio.run(look(settings, scope))
    if as_json:
        show_json([_as_json(each) for each in found])
    else:
        show_table(("LEDGER", "PARTITION", "DOCUMENTS", "IN DOUBT", "READ UP TO", "STATUS"), list(map(_cells, found)))
        _show_damages((each.ledger, each.damage) for each in found)
    raise typer.Exit(1 if any(each.damage is not None for each in found) else 0)


@ledger.command("export")
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where the copies are written.")],
    *,
    topic: Topics = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Write a copy of each ledger partition to a directory: a file each, which `ledger restore` reads.

    Done again with the same directory, only what is new is read. It reads beside running workers.

    Exit code 0: all are copied. 1: a ledger was not copied, because its topic no longer holds what the copy does.
    """
    settings, scope = _begin(by, topic)
    counts, damages = asyncio.run(copy_to(settings, scope, directory))
    if as_json:
        show_json(
            {
                "copied": [
                    {"ledger": each.topic, "partition": each.partition, "documents": count}
                    for each, count in counts.items()
                ],
                "damaged": [
                    {"ledger": each.topic, "partition": each.partition, **_damage_json(damage)}
                    for each, damage in damages.items()
                ],
            }
        )
    else:
        rows = [(each.topic, str(each.partition), str(count)) for each, count in counts.items()]
        show_table(("LEDGER", "PARTITION", "DOCUMENTS"), rows)
        _show_damages(damages.items())
    raise typer.Exit(1 if damages else 0)


@ledger.command("restore")
def restore(  # noqa: PLR0913 - options of one command
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIRECTORY]", help="Copies: an export, or a worker's state directory.")
    ] = None,
    *,
    from_results: Annotated[
        bool, typer.Option("--from-results", help="Add what the published results tell beyond the copies.")
    ] = False,
    from_sage: Annotated[
        bool,
        typer.Option(
            "--from-sage", help="Add what Sage's own records tell beyond both: reads all connected companies."
        ),
    ] = False,
    copied_from: Annotated[
        str | None,
        typer.Option(
            "--copied-from",
            metavar="SOURCE",
            help="The former name of the source topic: copies and results know it so.",
        ),
    ] = None,
    topic: Topics = None,
    execute: Execute = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Write ledgers that are empty anew: from copies, the published results, Sage's own records, or several of them.

    A ledger that holds records is left as it is. Where its records are the wrong ones: export it, delete the topic, and
    create it with `alvys-sage topics --create`. Workers may run: they leave damaged partitions closed, and open them
    once they are restored. Documents that results show as waiting, refused or in doubt are named: their events have
    to be read again (`alvys-sage replay`), which posts nothing twice. With --from-sage, documents of which it cannot be
    proven what Sage holds are listed: they are never posted; their events are rejected, and a person decides.

    Exit code 0: told, or done. 1: there is nothing to restore, or not all of it can be, or something is not proven.
    """
    if directory is None and not from_results and not from_sage:
        raise UsageError("name the DIRECTORY of the copies, or say --from-results or --from-sage, or several of them")
    if directory is not None and not directory.is_dir():
        raise UsageError(f"{directory} is no directory")
    settings, scope = _begin(by, topic)
    if copied_from is not None and len(scope) != 1:
        raise UsageError("with --copied-from, name the one source topic that it is now by --topic")
    if execute:
        may_change(settings, by)
    request = _RestoreRequest(scope, directory, copied_from, results=from_results, sage=from_sage, execute=execute)
    whole = asyncio.run(_restore(settings, request, as_json=as_json))
    raise typer.Exit(0 if whole else 1)


@ledger.command("accept")
def accept(
    *,
    topic: Topics = None,
    as_new: Annotated[
        bool,
        typer.Option("--as-new", help="Accept empty ledgers too: nothing was ever posted from them."),
    ] = False,
    execute: Execute = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Go on behind records that were deleted before they were read, or with a source topic that was created again.

    A dead letter stands for the records that are lost. Workers may run.

    Exit code 0: told, or done. 1: a damage cannot be accepted; the line says how it is repaired.
    """
    settings, scope = _begin(by, topic)
    if execute:
        may_change(settings, by)
    able, unable = acceptances(asyncio.run(look(settings, scope)), as_new=as_new)
    if execute and able:
        asyncio.run(carry_out(settings, able))
    if as_json:
        accepted = [_as_json(each.found) | {"effect": each.effect} for each in able]
        show_json({"accepted": accepted, "refused": [_as_json(each) for each in unable], "executed": execute})
    else:
        _show_acceptances(able)
        _show_damages((each.ledger, each.damage) for each in unable)
        if able and not execute:
            note(DRY_RUN)
    raise typer.Exit(1 if unable else 0)


def _begin(by: str, topic: Sequence[str] | None) -> tuple[Settings, Scope]:
    settings = settings_for_command()
    may_see(settings, by)
    return settings, read_scope(topic or (), settings)


@dataclass(frozen=True, slots=True)
class _RestoreRequest:
    """The sources of a restore, and whether to write."""

    scope: Scope
    directory: Path | None
    former: str | None
    """The former name of the source topic, if it has another one now."""
    results: bool
    sage: bool
    execute: bool


async def _restore(settings: Settings, request: _RestoreRequest, *, as_json: bool) -> bool:
    """Restore, or tell what would be restored. True if all of it can be, and is proven."""
    async with plan(
        settings, request.scope, request.directory, results=request.results, former=request.former
    ) as empty:
        report = await add_sage(settings, empty) if request.sage and empty else SageReport()
        closed = [each for each in empty if side_of(settings, each.position.source.topic) in report.closed]
        rest = [each for each in empty if each not in closed]
        # An empty ledger of which Sage has no record is proven to be complete: it is written too, and opens.
        found = [each for each in rest if request.sage or each.holds_anything]
        executed = bool(found) and request.execute
        if executed:
            await write(settings, found)
        if as_json:
            told = {"ledgers": [_rebuilt_json(each) for each in found], "executed": executed}
            show_json(told | (report_json(report, closed) if request.sage else {}))
        else:
            _show_rebuilt(found)
            if request.sage:
                show_report(report, closed)
        if executed:
            note(
                "The ledgers are restored." if report.proven else "The ledgers are restored; not everything is proven."
            )
        elif found:
            note(DRY_RUN)
        elif not closed:
            note("No ledger is empty of which a copy or a result tells anything: there is nothing to restore.")
        return bool(found) and not closed and report.proven


def _show_rebuilt(found: Sequence[Rebuilt]) -> None:
    rows = [
        (
            *(each.ledger.topic, str(each.ledger.partition), str(each.copied), str(each.added), str(each.from_sage)),
            str(len(each.open) + len(each.nowhere)),
        )
        for each in found
    ]
    titles = ("LEDGER", "PARTITION", "FROM THE COPY", "FROM RESULTS ALONE", "FROM SAGE", "TO BE READ AGAIN")
    show_table(titles, rows)
    for each in found:
        if not each.open and not each.nowhere:
            continue
        source, offset = each.position.source, each.read_again_from
        replay = f"alvys-sage replay --topic {source.topic}:{source.partition} --to-offset {offset} --execute"
        how = "The group reads them by itself" if offset is None else f"With all workers stopped: {replay}"
        show_line(
            f"{len(each.open) + len(each.nowhere)} documents of {source.topic}-{source.partition} did not end as far "
            f"as is known, and their events are not in the copy. {how}"
        )
        lines = [f"{key}: {one.outcome} {one.code or ''}, offset {one.offset}" for key, one in each.open.items()]
        lines += [f"{key}: in no result and not in Sage, offset {at}" for key, at in each.nowhere.items()]
        show_some(lines)


def _show_acceptances(able: Sequence[Acceptance]) -> None:
    sources = [each.found.position.source for each in able]
    rows = [(at.topic, str(at.partition), each.effect) for at, each in zip(sources, able, strict=True)]
    show_table(("SOURCE", "PARTITION", "ACCEPTED"), rows)


def _show_damages(damages: Iterable[tuple[TopicPartition, Damage | None]]) -> None:
    for each, damage in damages:
        if damage is not None:
            show_line(f"{damage.fault}: {each.topic}-{each.partition}: {damage.detail}. {damage.fix}")


def _cells(each: Surveyed) -> tuple[str, ...]:
    counted = (each.documents, each.in_doubt, each.position.committed)
    status = "ok" if each.damage is None else each.damage.fault
    return each.ledger.topic, str(each.ledger.partition), *map(_number, counted), status


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _as_json(each: Surveyed) -> dict[str, object]:
    at = each.position
    return {
        "ledger": each.ledger.topic,
        "partition": each.ledger.partition,
        "documents": each.documents,
        "inDoubt": each.in_doubt,
        "source": {"topic": at.source.topic, "begin": at.begin, "end": at.end, "committed": at.committed},
        "damage": None if each.damage is None else _damage_json(each.damage),
    }


def _damage_json(damage: Damage) -> dict[str, str]:
    return {"code": damage.fault, "detail": damage.detail, "fix": damage.fix}


def _rebuilt_json(each: Rebuilt) -> dict[str, object]:
    return {
        "ledger": each.ledger.topic,
        "partition": each.ledger.partition,
        "fromCopy": each.copied,
        "fromResults": each.added,
        "fromSage": each.from_sage,
        "readAgainFrom": each.read_again_from,
        "toBeReadAgain": [
            *(
                {"documentKey": key, "outcome": found.outcome, "code": found.code, "offset": found.offset}
                for key, found in each.open.items()
            ),
            *(
                {"documentKey": key, "outcome": None, "code": None, "offset": offset}
                for key, offset in each.nowhere.items()
            ),
        ],
    }
