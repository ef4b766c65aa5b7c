"""``alvys-sage topics``: check that all topics exist with the right configuration, and create missing ones."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from app.command_requests import NOBODY, By
from app.kafka import admin_of
from app.logging import set_up
from app.output import Json, note, show_json, show_line, show_table
from app.partitioner import change
from app.roles import may_change
from app.settings import Settings
from app.topic_checks import Report, check, create, topic_specs
from kafka_client.partitioners import Partitioner


def topics(
    *,
    make: Annotated[
        bool, typer.Option("--create", help="Create the missing topics; what exists is not changed.")
    ] = False,
    check_only: Annotated[
        bool, typer.Option("--check", help="Only check. This is what happens without --create.")
    ] = False,
    partitioner: Annotated[
        Partitioner | None,
        typer.Option("--partitioner", help="Have the ledgers go by another partitioner; every worker must have ended."),
    ] = None,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Check all topics of the contract, and create the missing ones with --create.

    Exit code 0: a worker may start. 1: something is wrong; each line says what and how to mend it.
    """
    if make and check_only:
        raise typer.BadParameter("--create and --check exclude each other")
    settings = Settings.load()
    set_up(settings)
    if partitioner is not None:
        may_change(settings, by)
        changed = asyncio.run(change(settings, partitioner))
        note(f"{partitioner} is the partitioner of {', '.join(changed) or 'no topic: each has one partition'}")
    report = asyncio.run(_ask(settings, make=make))
    if as_json:
        show_json(_as_json(settings, report))
    else:
        _show(settings, report)
    raise typer.Exit(1 if report.problems else 0)


async def _ask(settings: Settings, *, make: bool) -> Report:
    async with admin_of(settings) as admin:
        return await (create(admin, settings, note) if make else check(admin, settings))


def _as_json(settings: Settings, report: Report) -> dict[str, object]:
    names = [topic.topic for topic in topic_specs(settings)]
    return {
        "topics": {
            name: {"partitions": facts.partitions, "replicas": facts.replicas, "cleanup": sorted(facts.cleanup)}
            for name in names
            if (facts := report.facts.get(name)) is not None
        },
        "created": report.created,
        "problems": [asdict(problem) for problem in report.problems],
    }


def _show(settings: Settings, report: Report) -> None:
    rows = []
    for topic in topic_specs(settings):
        facts = report.facts.get(topic.topic)
        wrong = [problem.fault.value for problem in report.problems if problem.topic == topic.topic]
        well = "created" if topic.topic in report.created else "ok"
        shape = (
            ("-", "-", "-") if facts is None else (str(facts.partitions), str(facts.replicas), ",".join(facts.cleanup))
        )
        rows.append((topic.topic, *shape, ", ".join(wrong) or well))
    show_table(("TOPIC", "PARTITIONS", "REPLICAS", "CLEANUP", "STATUS"), rows)
    for problem in report.problems:
        show_line(f"{problem.fault}: {problem.topic} {problem.detail}. {problem.fix}")
