"""``alvys-sage doctor``: check connections against their companies in Sage, and say what to do."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from app.connections.doctor import examine, healthy
from app.connections.findings import Finding, Severity
from app.mapping_access import NOBODY, By, live_table, read_subsidiary, settings_for_command
from app.output import Json, note, show_json, show_line
from app.roles import may_see
from app.settings import Settings
from domain.settings.connections import badge
from domain.settings.keys import ConnectionKey, parse


def doctor(
    subsidiary: Annotated[
        str | None, typer.Argument(metavar="[SUBSIDIARY]", help="The subsidiary's id in Alvys; left out: all.")
    ] = None,
    *,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Check a connection against Sage Intacct, and say what to do, step by step. Nothing is changed.

    Exit code 0: no error (warnings and notes may be there). 1: errors, or nothing is connected. 2: bad request.
    """
    settings = settings_for_command()
    may_see(settings, by)
    only = None if subsidiary is None else read_subsidiary(subsidiary)
    found = asyncio.run(_examined(settings, only))
    if as_json:
        show_json(
            [{**each, "findings": [one.json(each["subsidiary"]) for one in findings]} for each, findings in found]
        )
    else:
        for each, findings in found:
            show_line(f"{each['subsidiary']}: {each['state']}, {summary(findings)}")
            show_findings(each["subsidiary"], findings)
    if not found:
        note("no subsidiary is connected; alvys-sage connect sets one up")
    raise typer.Exit(0 if found and all(healthy(findings) for _, findings in found) else 1)


async def _examined(settings: Settings, only: str | None) -> list[tuple[dict[str, str], list[Finding]]]:
    async with live_table(settings) as table:
        state = table.state
    chosen = [only] if only is not None else sorted({_of(record.key) for record in state.connections()})
    return [
        (
            {"subsidiary": each, "state": badge(state.connection(each)).value},
            await examine(settings, each, state),
        )
        for each in chosen
    ]


def _of(key: str) -> str:
    read = parse(key)
    return read.subsidiary_id if isinstance(read, ConnectionKey) else ""


def summary(findings: Sequence[Finding]) -> str:
    """Count the findings by severity, in words."""
    counts = {each: sum(one.severity is each for one in findings) for each in Severity}
    return ", ".join(f"{count} {each}{'' if count == 1 else 's'}" for each, count in counts.items())


def show_findings(subsidiary: str, findings: Sequence[Finding]) -> None:
    """Show each finding with its wizard step and its instructions."""
    for each in findings:
        show_line(f"  {each.severity}: {each.problem}: {each.what}")
        if each.severity is Severity.NOTE:
            continue
        show_line(f"    wizard step {int(each.step)}, {each.step.title}" + (f"; {each.key}" if each.key else ""))
        for number, line in enumerate(each.todo(subsidiary), start=1):
            show_line(f"    {number}. {line}")
