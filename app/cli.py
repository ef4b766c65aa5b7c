"""The command line: ``alvys-sage COMMAND``. A command's module is imported only when that command is run.

A command is an entry of `COMMANDS`, or an entry point of the group ``alvys_sage.commands``: the service may not import
the simulator, but the command line can offer it that way. Errors are shown as one line on standard error; ``--debug``
also shows the traceback. Exit codes: 0 done, 1 something is wrong, 2 the request or the settings are wrong.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.metadata import entry_points, version
from pkgutil import resolve_name
from typing import Annotated

import typer
from typer.core import TyperCommand
from typer.main import get_command

from app.errors import CommandError, UsageError
from app.output import Json, note, show_json, show_line

PLUGINS = "alvys_sage.commands"
DISTRIBUTION = "alvys-sage-intacct"

COMMANDS = {
    "connect": ("app.commands.connect:connect", "Set up a subsidiary's connection: the wizard's six steps."),
    "doctor": ("app.commands.doctor:doctor", "Check connections against Sage Intacct, and say what to do."),
    "connections": ("app.commands.connections:connections", "Connections: list, show, set, pause, resume."),
    "disconnect": ("app.commands.disconnect:disconnect", "Remove a connection with all its settings and mappings."),
    "accounts": ("app.commands.accounts:accounts", "The GL accounts in Sage Intacct, grouped by account type."),
    "worker": ("app.commands.worker:worker", "Export: read the topics, post to Sage Intacct, answer."),
    "payments": ("app.commands.payments:payments", "Payments recorded in Sage Intacct, back to Alvys."),
    "statistics": ("app.commands.statistics:statistics", "Windowed figures and alerts over the results."),
    "consolidate-bills": ("app.commands.consolidate_bills:consolidate_bills", "Fuel and tolls of a day as one bill."),
    "retry": ("app.commands.retry:retry", "Look at documents again now: by document, code or blocking key."),
    "mark-synced": ("app.commands.mark_synced:mark_synced", "Documents entered in Sage by hand: never post them."),
    "dead-letters": ("app.commands.dead_letters:dead_letters", "Records that broke the contract: list, read again."),
    "mappings": ("app.commands.mappings:mappings", "GL accounts, vendors: list, set, explain, history, import."),
    "dimensions": ("app.commands.dimensions:dimensions", "Dimensions: what Sage offers, values, mappings."),
    "custom-fields": ("app.commands.custom_fields:custom_fields", "Custom fields: what Sage has, mappings."),
    "replay": ("app.commands.replay:replay", "Read topics again from an earlier place; tells first what that does."),
    "waiting": ("app.commands.waiting:waiting", "What blocks how many documents, and which."),
    "ledger": ("app.commands.ledger:ledger", "The memory of what was posted: verify, export, restore, accept."),
    "topics": ("app.commands.topics:topics", "Create and check the Kafka topics."),
    "codes": ("app.commands.codes:codes", "Every code an answer can carry: its cause and its fix."),
    "settings": ("app.commands.settings:settings", "Every setting: its variable, default, meaning and value."),
}
"""Commands by name: the dotted path of a Typer application or of a function for one, and the line in the help."""

NOT_SUPPORTED = {
    "backfill": "There is no backfill: only transactions created after the connection was activated are exported. "
    "Enter older ones in Sage Intacct by hand.",
    "migrate": "Historical data migration is not supported: only transactions created after the connection was "
    "activated are exported.",
    "export-payments": "Payments cannot be exported from Alvys to Sage Intacct: they flow from there into Alvys.",
    "payroll": "Sage Intacct payroll features are not integrated with Alvys.",
}
"""Requests that are out of scope, answered in the words of the article "Prerequisites" (requirements 9, 10, 49-51)."""

FORMER_COMMANDS = {"group-bills": "consolidate-bills"}
"""Commands that were renamed: the former name works for one version, and is told as deprecated."""

HELP = {"help_option_names": ["-h", "--help"]}

root = typer.Typer(
    name="alvys-sage",
    help="Posts accounting documents from Alvys to Sage Intacct, exactly once in effect.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, and those hold passwords
)


def _tell_version(asked: bool) -> None:
    if asked:
        show_line(version(DISTRIBUTION))
        raise typer.Exit


@root.callback()
def common(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Posts accounting documents from Alvys to Sage Intacct, exactly once in effect."""
    _Debug.on = debug


class _Debug:
    on = False


@root.command("version")
def show_version(*, as_json: Json = False) -> None:
    """The version of this program."""
    if as_json:
        show_json({"name": DISTRIBUTION, "version": version(DISTRIBUTION)})
    else:
        show_line(version(DISTRIBUTION))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    if not sys.stdout.isatty():
        # On some CI services Typer colours its help even if the output is no terminal.
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    try:
        _program()(args=arguments, prog_name="alvys-sage", **HELP)
    except BrokenPipeError:
        # The reader of our output has closed it, as `head` does. Redirect it, so that the flush at exit cannot fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:  # noqa: BLE001 - the outermost handler: one line, with --debug a traceback
        if _Debug.on:
            traceback.print_exception(error)
        note(f"error: {_in_words(error)}")
        raise SystemExit(exit_code(error)) from None


@cache
def _program() -> Callable[..., object]:
    mount(root)
    return get_command(root)


def mount(onto: typer.Typer) -> None:
    """Add to an application one forwarding command for each entry of `COMMANDS` and for each plug-in."""
    for name, (path, text) in COMMANDS.items():
        _forward(onto, name, partial(resolve_name, path), text)
    for former, name in FORMER_COMMANDS.items():
        _forward(onto, former, partial(resolve_name, COMMANDS[name][0]), COMMANDS[name][1], use=name)
    for name, text in NOT_SUPPORTED.items():
        _refuse(onto, name, text)
    for point in sorted(entry_points(group=PLUGINS), key=lambda point: point.name):
        _forward(onto, point.name, point.load, f"Plug-in, see alvys-sage {point.name} --help.")


def _refuse(onto: typer.Typer, name: str, text: str) -> None:
    @onto.command(name, hidden=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def refuse() -> None:
        raise UsageError(text)


class _Verbatim(TyperCommand):
    """A command that passes on everything after its name, `--help` and `--` included, to the command it loads."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # it makes no other
        """Parse nothing."""
        ctx.args = list(args)
        return ctx.args


def _forward(onto: typer.Typer, name: str, load: Callable[[], object], text: str, *, use: str | None = None) -> None:
    """Add the command `name`. `use`: the present name, if `name` is a former one, which the help does not list."""

    @onto.command(name, cls=_Verbatim, help=text, add_help_option=False, hidden=use is not None)
    def forward(context: typer.Context) -> None:
        if use is not None:
            note(f"note: alvys-sage {name} is deprecated, use alvys-sage {use}")
        try:
            found = load()
        except ImportError as error:
            raise UsageError(f"the command {name!r} is not installed: {error}") from error
        _loaded(found)(args=context.args, prog_name=f"alvys-sage {name}", **HELP)


@cache
def _loaded(found: object) -> Callable[..., object]:
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command()(found)  # type: ignore[type-var] # what COMMANDS names is a function
        found = single
    return get_command(found)


def _in_words(error: Exception) -> str:
    """The error as `single_line`. For an unreachable broker: the cause, and the setting to check."""
    if not any(map(_is_kafka, _causes(error))):
        return one_line(error)
    trouble = resolve_name("app.kafka_trouble")  # it imports Kafka, which is loaded by now
    if not any(map(trouble.is_unreachable, _causes(error))):
        return one_line(error)
    settings = resolve_name("app.settings:Settings").load()
    return str(asyncio.run(trouble.explain(settings)))


def one_line(error: Exception) -> str:
    """The error as one line for a person.

    The texts of `CommandError` and of the errors in `EXPLAINED` say what to do. Any other error is a defect of ours.
    """
    text = " ".join(str(error).split())
    if isinstance(error, CommandError) or type(error).__name__ in EXPLAINED:
        return text
    if _is_kafka(error):
        return f"Kafka: {type(error).__name__}: {text}"
    hint = "" if _Debug.on else " (alvys-sage --debug … shows where)"
    return f"unexpected {type(error).__name__}: {text}{hint}"


def exit_code(error: Exception) -> int:
    """The exit code of an error: 2 if the person has to change the request or a setting, else 1."""
    if isinstance(error, CommandError):
        return error.exit_code
    return EXPLAINED.get(type(error).__name__, 1)


EXPLAINED = {
    "MappingStateUnavailable": 1,
    "MasterDefaultCannotBeCleared": 2,
    "BadKeyError": 2,
    "LedgerUnreadableError": 1,
    "UnreadableRecordsError": 1,
    "PartitionerError": 1,
    "PartitionsChangedError": 1,
    "PartitionDamagedError": 1,
    "PartitionMissingError": 1,
    "CompressionMissingError": 1,
    "RecordsTooLargeError": 1,
    "TakenOverError": 1,
    "RowUnreadableError": 1,
    "CursorUnreadableError": 1,
    "PartitionClosedError": 1,
    "ConfigurationError": 2,
    "EndpointRefusedError": 2,
    "GatewayRedirectsError": 2,
}
"""Errors of other packages whose text is for a person, with their exit codes.

They are listed by name, because importing them would load Kafka even for ``--help``.
"""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and its chain of causes."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _is_kafka(error: BaseException) -> bool:
    return any(kind.__module__.startswith("aiokafka") for kind in type(error).__mro__)
