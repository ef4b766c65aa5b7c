"""``python -m chaos``: the service under faults, and what it did to the documents. See docs/reliability.md."""

import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from chaos import broken, proxy
from chaos.neighbours import neighbours_companies
from chaos.plan import BROKER_KILLS, MEMORY, MemoryKind, plan
from chaos.report import figures, findings, last_line, lines, sound
from chaos.run import ExportEvidence, ExportRun
from chaos.script import comparison, script
from chaos.system import ExportOptions, system
from chaos.times import TIMES
from demo.processes import DemoError
from demo.rig import companies
from demo.screen import Screen
from ops.broker import BrokerError
from sage_client import SageError
from simulator import demo_seed

KILLS_A_MINUTE = 15
COMPARED, FEWEST = 20, 50
"""One document for so many events, and the fewest, is sent for each measurement of throughput."""
app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False)

Seed = Annotated[int, typer.Option(help="Repeats the events, the plan and the draws of the gateway's faults.")]
Events = Annotated[int, typer.Option(min=1, help="Records to send, revisions and redeliveries among them.")]
Kills = Annotated[int, typer.Option(min=0, help="Processes to kill, stop or freeze: workers and the broker.")]
Minutes = Annotated[float, typer.Option(min=0, help=f"Instead of --kills: {KILLS_A_MINUTE} kills a minute.")]
Rounds = Annotated[int, typer.Option(min=1, help="Parts; between two, a topic is replayed from its beginning.")]
Workers = Annotated[int, typer.Option(min=1, help="Worker processes.")]
Partitions = Annotated[int, typer.Option(min=1, help="Partitions of each topic.")]
Rate = Annotated[float, typer.Option(min=0, max=1, help="Share of the calls to the gateway that a fault strikes.")]
Faults = Annotated[str, typer.Option(help=f"Kinds, by comma: {', '.join((*proxy.KINDS, *proxy.OF_CREATES))}.")]
Url = Annotated[
    str, typer.Option(help="Another XML gateway, in which the companies of `python -m chaos companies` are.")
]
Bootstrap = Annotated[str, typer.Option(help="A Kafka broker to use, which is not broken; without it, one of our own.")]
Break = Annotated[str, typer.Option("--break", help=f"Break one guard: {', '.join(broken.GUARDS)}.")]
Patience = Annotated[float, typer.Option(min=1, help="Seconds without progress at the end after which it is stuck.")]
Times = Annotated[str, typer.Option(help=f"The workers' time-outs: {', '.join(TIMES)} (docs/reliability.md).")]
Neighbours = Annotated[bool, typer.Option(help="Companies that are slow or hang, among the others.")]
Lag = Annotated[bool, typer.Option(help="Let queries lag behind the gateway's books.")]
Memory = Annotated[
    str, typer.Option(help=f"Faults of topics, by comma, or none: {', '.join(MEMORY)}. Default: all that can be done.")
]
Report = Annotated[Path | None, typer.Option("--json", help="Write figures and findings to this file; - for output.")]
Logs = Annotated[Path | None, typer.Option(help="Keep the workers' logs here; without it only those of a failed run.")]


@app.callback(invoke_without_command=True)
def chaos(  # noqa: PLR0913 - the options of a command
    context: typer.Context,
    *,
    seed: Seed = 1,
    events: Events = 2_000,
    kills: Kills = 10,
    minutes: Minutes = 0,
    rounds: Rounds = 2,
    workers: Workers = 3,
    partitions: Partitions = 3,
    fault_rate: Rate = 0.15,
    faults: Faults = "",
    gateway_url: Url = "",
    bootstrap_servers: Bootstrap = "",
    break_guard: Break = "",
    patience: Patience = 60,
    times: Times = "shipped",
    neighbours: Neighbours = True,
    lag: Lag = True,
    memory_faults: Memory = "",
    report: Report = None,
    logs: Logs = None,
) -> None:
    """Run the system under faults and count what became of the documents.

    Exit code 0: nothing lost, posted twice, out of order, wrong or unexpected, no offset past an unfinished record,
    everything ended. 1: something else, or the run could not be made; it says what. 2: the request is wrong.
    """
    if context.invoked_subcommand is not None:
        return
    kinds = tuple(faults.split(",")) if faults else proxy.KINDS
    if wrong := set(kinds) - {*proxy.KINDS, *proxy.OF_CREATES}:
        raise typer.BadParameter(f"no fault is called {', '.join(sorted(wrong))}", param_hint="--faults")
    if break_guard and break_guard not in broken.GUARDS:
        raise typer.BadParameter(f"no guard is called {break_guard}", param_hint="--break")
    if times not in TIMES:
        raise typer.BadParameter(f"no time-outs are called {times}", param_hint="--times")
    memory = _memory(memory_faults, given_broker=bool(bootstrap_servers))
    wanted = ExportOptions(
        seed,
        workers,
        partitions,
        fault_rate,
        kinds,
        bootstrap=bootstrap_servers or None,
        gateway_url=gateway_url or None,
        broken=break_guard or None,
        times=times,
        neighbours=neighbours,
        lag=lag,
        memory=memory,
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what a broken broker makes its clients say
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if logs is not None and logs.exists() and any(logs.iterdir()):
        raise typer.BadParameter(f"{logs} is not empty", param_hint="--logs")
    folder = logs or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen(quiet=str(report) == "-")
    amount = round(minutes * KILLS_A_MINUTE) if minutes else kills
    amounts = events, amount, rounds if memory else min(rounds, max(amount, 1))
    try:
        evidence = asyncio.run(_run(wanted, amounts, folder, screen, patience))
    except (BrokerError, DemoError, SageError) as error:
        print(f"chaos: the run could not be made: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("chaos: stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    good = sound(evidence)
    _tell(evidence, screen, report)
    if logs is None and good:
        shutil.rmtree(folder)
    else:
        screen.plain(f"logs of the workers: {folder}")
    screen.plain(last_line(evidence))
    raise typer.Exit(0 if good else 1)


@app.command("companies")
def show_companies() -> None:
    """What a gateway has to hold for a run, as a seed of `alvys-sage simulator`: sender, users, accounts, parties."""
    held = (*companies(), *neighbours_companies())
    print(demo_seed().model_copy(update={"companies": held}).model_dump_json(indent=1))


def _memory(names: str, *, given_broker: bool) -> tuple[MemoryKind, ...]:
    """The faults of topics; a broker that is given has no other beside it to copy its topics to."""
    possible = tuple(kind for kind in MEMORY if not (given_broker and kind == "cluster-copied"))
    wanted = [] if names == "none" else names.split(",") if names else list(possible)
    if wrong := set(wanted) - set(possible):
        raise typer.BadParameter(f"cannot be done: {', '.join(sorted(wrong))}", param_hint="--memory-faults")
    return tuple(kind for kind in possible if kind in wanted)


async def _run(
    wanted: ExportOptions, amounts: tuple[int, int, int], folder: Path, screen: Screen, patience: float
) -> ExportEvidence:
    events, kills, rounds = amounts
    # A gateway that outlives the run remembers numbers and control ids: there, every run has documents of its own.
    now = int(time.time())
    seed, first = (f"{wanted.seed} {now}", now) if wanted.gateway_url else (wanted.seed, 2_000_001)
    items = script(seed, events, first, neighbours=wanted.neighbours)
    amount = max(events // COMPARED, FEWEST)
    compared = comparison(seed, amount, len(items), first + 10 * events) if wanted.neighbours else ([], [])
    without = BROKER_KILLS if wanted.bootstrap else ()
    rounds_planned = plan(
        wanted.seed, kills, rounds, session_timeout=wanted.session_timeout, without=without, memory=wanted.memory
    )
    screen.say(f"seed {wanted.seed}: {len(items)} records, {kills} kills, {rounds} rounds, {wanted.workers} workers")
    if wanted.broken:
        screen.say(f"THE WORKERS ARE BROKEN ON PURPOSE: {wanted.broken}")
    async with system(wanted, folder, screen.say) as running:
        return await ExportRun(running, items, patience, compared).play(rounds_planned)


def _tell(evidence: ExportEvidence, screen: Screen, report: Path | None) -> None:
    whole = figures(evidence) | {"sound": sound(evidence), "findings": findings(evidence)}
    if str(report) == "-":
        print(json.dumps(whole, indent=1))
        return
    if report is not None:
        report.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    for line in lines(evidence):
        screen.plain(line)


if __name__ == "__main__":
    app(prog_name="python -m chaos")
