"""``alvys-sage connections measure-repetition``: does this Sage company ever execute a call and its repetition?"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from app.bootstrap import SYSTEM_TIME
from app.connections.doctor import client_for_a_person
from app.connections.repetition import Repetition, RepetitionTest
from app.errors import UsageError
from app.mapping_access import NOBODY, By, read_subsidiary
from app.output import Json, note, show_json, show_table
from app.sage import sage_of

COLUMNS = ("AFTER", "FIRST STILL RUNNING", "FIRST", "REPETITION", "NONE", "ONCE", "TWICE")


def measure_repetition(  # noqa: PLR0913 - the options of a command
    subsidiary: Annotated[str, typer.Argument(metavar="SUBSIDIARY", help="A subsidiary connected to a sandbox.")],
    *,
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="The id of a customer in Sage.")],
    documents: Annotated[
        int, typer.Option("--documents", min=1, max=100, help="Drafts in a request: more keep Sage at work longer.")
    ] = 50,
    after: Annotated[
        list[float] | None,
        typer.Option("--after", min=0, help="Seconds until the repetition; several times for several; else 0, 1, 5."),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Confirm: drafts over 1.00 are posted to this company, and deleted.")
    ] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Post drafts, post them again under the same control ids while Sage is at work, and count the records.

    Do this before setting ALVYS_SAGE_DOUBT_PROBE_SECONDS, in a sandbox of the same service level, several times a day
    on several days.

    Exit code 0: nothing stands twice. 1: something does, Sage does not answer, or no repetition met a running request.
    """
    if not sandbox:
        raise UsageError("it posts drafts and deletes them: only in a sandbox, confirmed by --sandbox")
    measured = asyncio.run(_measured(read_subsidiary(subsidiary), customer, documents, after or [0, 1, 5], by))
    if as_json:
        show_json([_facts(each) for each in measured])
    else:
        show_table(COLUMNS, [_row(each) for each in measured])
    raise typer.Exit(_judged(measured))


async def _measured(
    subsidiary: str, customer: str, documents: int, after: Sequence[float], by: str
) -> list[Repetition]:
    measured = []
    async with sage_of(subsidiary, by, to_change=True) as sage, client_for_a_person(sage.settings) as second:
        clients = sage.client, second
        test = RepetitionTest(clients, sage.login, sage.table.state, subsidiary, customer, SYSTEM_TIME)
        await test.sign_in()
        for seconds in after:
            note(f"{documents} drafts, and the same again after {seconds:g} s")
            measured.append(await test.run(documents, seconds))
    return measured


def _judged(measured: Sequence[Repetition]) -> int:
    for each in measured:
        for number in each.left:
            note(f"warning: draft {number} could not be deleted; delete it in Sage")
    if refusal := next((each.refusal for each in measured if each.refusal), None):
        note(f"Sage Intacct refused drafts, so nothing is shown: {refusal}")
        return 1
    if twice := sum(each.twice for each in measured):
        note(f"{twice} documents stand twice: leave ALVYS_SAGE_DOUBT_PROBE_SECONDS at 0")
        return 1
    if not any(each.overlapped for each in measured):
        note("Sage was done before each repetition: nothing is shown about running calls; use more --documents")
        return 1
    note("nothing stands twice")
    return 0


def _row(each: Repetition) -> tuple[str, ...]:
    once, none = each.standing[1], each.standing[0]
    answers = _words(each.first), _words(each.second)
    return f"{each.after:g} s", "yes" if each.overlapped else "no", *answers, str(none), str(once), str(each.twice)


def _words(answers: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in answers.items())


def _facts(each: Repetition) -> dict[str, object]:
    return {
        "after": each.after,
        "firstStillRunning": each.overlapped,
        "first": dict(each.first),
        "repetition": dict(each.second),
        "none": each.standing[0],
        "once": each.standing[1],
        "twice": each.twice,
        "left": list(each.left),
        "refusal": each.refusal,
    }
