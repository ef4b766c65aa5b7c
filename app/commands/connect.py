"""``alvys-sage connect``: set up a subsidiary's connection, on a terminal or from a file of answers."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.commands.doctor import show_findings, summary
from app.connections.connection_records import connection_change, in_standing_spelling, with_changes
from app.connections.doctor import client_for_a_person, examine, healthy
from app.connections.findings import Finding, WizardStep, errors
from app.connections.live_company import LiveCompany
from app.connections.prompts import InputEndedError, Prompter, prompter_for_terminal
from app.connections.wizard import Wizard
from app.connections.wizard_answers import Answers, Draft, read_answers
from app.errors import CommandError
from app.mapping_access import NOBODY, By, live_table, settings_for_command, write
from app.mapping_changes import SettingChange
from app.output import Json, note, show_json, show_line
from app.roles import may_change
from app.settings import Settings
from app.shell import command_line
from domain.categories import Side
from domain.settings.connections import Badge, badge
from domain.settings.mapping_state import MappingState
from domain.settings.values import ConnectionSetting


def connect(  # noqa: PLR0913 - its parameters are the command's
    subsidiary: Annotated[
        str | None, typer.Argument(metavar="[SUBSIDIARY]", help="The subsidiary's id in Alvys.")
    ] = None,
    *,
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Answers as JSON; the options below go before it.")
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="SUBSIDIARY", help="Copy its settings and mappings.")
    ] = None,
    company: Annotated[str | None, typer.Option("--company", metavar="ID", help="Sage Intacct company.")] = None,
    credentials: Annotated[
        str | None, typer.Option("--credentials", metavar="NAME", help="The name of the credentials, never a secret.")
    ] = None,
    entity: Annotated[str | None, typer.Option("--entity", metavar="ID", help="The entity; permanent.")] = None,
    top_level: Annotated[bool, typer.Option("--top-level", help="Post at the top level; permanent.")] = False,
    expense: Annotated[
        str | None, typer.Option("--expense", metavar="ACCOUNT", help="Default account of bills (AP).")
    ] = None,
    revenue: Annotated[
        str | None, typer.Option("--revenue", metavar="ACCOUNT", help="Default account of invoices (AR).")
    ] = None,
    no_activate: Annotated[
        bool, typer.Option("--no-activate", help="Leave it not active; `connections resume` activates it.")
    ] = False,
    by: By = NOBODY,
    as_json: Json = False,
) -> None:
    """Set up a connection: Select Subsidiary, Connect to Sage, Accounts Payable, Accounts Receivable, Advanced, Finish.

    On a terminal what is not answered is asked, with choices read live from Sage. Finish Up holds everything against
    Sage. Without an error the connection becomes Active; with one it is kept, Not Set Up, and nothing is exported: the
    command goes on from there when it is run again. What was answered before Ctrl-C or a failure is kept in a file.

    Exit code 0: active, or set up as asked. 1: errors, told with the step that mends each. 2: the answers cannot be.
    """
    settings = settings_for_command()
    may_change(settings, by)
    given = Answers() if answers is None else read_answers(answers)
    draft = Draft.of(given)
    draft.subsidiary = subsidiary or draft.subsidiary
    draft.template = template or draft.template
    draft.company_id = company or draft.company_id
    draft.credentials = credentials or draft.credentials
    draft.entity_id = None if top_level else entity or draft.entity_id
    draft.post_to = "top-level" if top_level else draft.post_to
    draft.masters |= {side: a for side, a in ((Side.AP, expense), (Side.AR, revenue)) if a is not None}
    draft.activate = draft.activate and not no_activate
    asker = prompter_for_terminal()
    with asyncio.Runner() as runner, _kept(draft, asker):
        found = _connect(runner, settings, draft, asker, by)
    state, findings, active = found
    if as_json:
        shown = {
            "subsidiary": draft.subsidiary,
            "state": state,
            "findings": [each.json(draft.subsidiary) for each in findings],
        }
        show_json(shown)
    else:
        show_line(f"{draft.subsidiary}: {state}, {summary(findings)}")
        if not asker.interactive:  # the wizard has already shown them to a person
            show_findings(draft.subsidiary, findings)
    if not active and not errors(findings):
        note(f"activate it: {command_line('connections resume', draft.subsidiary)}")
    raise typer.Exit(1 if errors(findings) else 0)


def _connect(
    runner: asyncio.Runner, settings: Settings, draft: Draft, asker: Prompter, by: str
) -> tuple[str, list[Finding], bool]:
    state = runner.run(_state(settings))
    client = client_for_a_person(settings)
    try:
        wizard = Wizard(settings, state, draft, asker, LiveCompany(runner, settings, client))
        wizard.walk()
        findings = _finish(wizard, asker, lambda: _check(runner, settings, draft, state, asker))
    finally:
        runner.run(client.aclose())
    active = healthy(findings) and draft.activate
    changes = [*draft.mappings(), connection_change(draft.subsidiary, _written(draft, active=active))]
    shown = runner.run(_write(settings, by, changes, draft.subsidiary))
    return shown, findings, active


def _finish(wizard: Wizard, asker: Prompter, check: Callable[[], list[Finding]]) -> list[Finding]:
    """Check, and repeat a step that the person chooses, until there are no errors or the person stops."""
    step: WizardStep | None = None
    while True:
        try:
            if step is not None:
                wizard.step(step)
            findings = check()
        except InputEndedError:
            raise
        except CommandError as error:
            if (step := asker.again(str(error))) is None:
                raise
            continue
        if not errors(findings) or (step := asker.choose_step_to_fix(errors(findings))) is None:
            return findings


@contextmanager
def _kept(draft: Draft, asker: Prompter) -> Iterator[None]:
    """Save a person's answers in a file if the wizard ends before it has written them to mapping-state."""
    try:
        yield
    except BaseException:
        if asker.interactive and draft.company_id is not None:
            handle, name = tempfile.mkstemp(prefix="alvys-sage-connect-", suffix=".json")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(draft.answers(), file, ensure_ascii=False, indent=2)
            again = command_line("connect --answers", name)
            note("")
            note(f"Nothing was written to mapping-state. Go on with your answers: {again}")
        raise


def _check(
    runner: asyncio.Runner, settings: Settings, draft: Draft, state: MappingState, asker: Prompter
) -> list[Finding]:
    asker.begin(WizardStep.FINISH, ("The settings are held against Sage Intacct.",))
    changes = [*draft.mappings(), connection_change(draft.subsidiary, _written(draft, active=True))]
    findings = runner.run(examine(settings, draft.subsidiary, with_changes(state, changes)))
    if asker.interactive:
        show_findings(draft.subsidiary, findings)
    return findings


def _written(draft: Draft, *, active: bool) -> ConnectionSetting:
    """Make the connection's record: active from now on, or paused and never yet activated."""
    if active:
        return draft.setting(state="active", activatedAt=datetime.now(UTC).isoformat())
    return draft.setting(state="paused")


async def _state(settings: Settings) -> MappingState:
    async with live_table(settings) as table:
        return table.state


async def _write(settings: Settings, by: str, changes: Sequence[SettingChange], subsidiary: str) -> str:
    """Write the mappings first and the connection last, so that it never exists without them. Returns its badge."""
    async with live_table(settings) as table:
        standing = table.state.connection(subsidiary)
        if badge(standing) is not Badge.NOT_SET_UP:
            raise CommandError(f"{subsidiary} was connected by somebody else meanwhile; nothing was written")
        await write(settings, table, by, in_standing_spelling(changes, table.state))
        return badge(table.state.connection(subsidiary)).value
