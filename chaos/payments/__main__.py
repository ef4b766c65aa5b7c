"""``python -m chaos.payments``: the payments poller under faults. See docs/reliability.md."""

import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import httpx
import typer

from chaos.payments.hurried import GUARDS
from chaos.payments.report import figures, last_line, lines
from chaos.payments.run import PaymentRun, PaymentRunReport
from chaos.payments.system import PaymentOptions, system
from demo.processes import DemoError
from demo.screen import Screen
from ops.broker import BrokerError

Seed = Annotated[int, typer.Option(help="Repeats documents, clocks, plays, kills and the draws of the faults.")]
Documents = Annotated[int, typer.Option(min=10, help="Documents to be exported and paid.")]
Seconds = Annotated[float, typer.Option(min=1, help="How long payments, kills and faults go on.")]
Plays = Annotated[int, typer.Option(min=0, help="At least so many plays of the accountant, however long they take.")]
Kills = Annotated[int, typer.Option(min=0, help="Pollers to kill, stop or freeze.")]
Pollers = Annotated[int, typer.Option(min=1, help="Poller processes at once.")]
Rate = Annotated[float, typer.Option(min=0, max=1, help="Share of the calls to the gateway that a fault strikes.")]
Replay = Annotated[bool, typer.Option(help="At the end, have everything told once more and audit again.")]
Bootstrap = Annotated[str, typer.Option(help="A Kafka broker to use; without it, one of our own.")]
Break = Annotated[str, typer.Option("--break", help=f"Break one guard: {', '.join(GUARDS)}.")]
Patience = Annotated[float, typer.Option(min=10, help="Seconds without a new record after which it is missed.")]
Report = Annotated[Path | None, typer.Option("--json", help="Write figures and findings to this file; - for output.")]
Logs = Annotated[Path | None, typer.Option(help="Keep the processes' logs here; without it those of a failed run.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def chaos_payments(  # noqa: PLR0913 - the options of a command
    *,
    seed: Seed = 1,
    documents: Documents = 150,
    seconds: Seconds = 60,
    plays: Plays = 0,
    kills: Kills = 12,
    pollers: Pollers = 2,
    fault_rate: Rate = 0.05,
    replay: Replay = True,
    bootstrap_servers: Bootstrap = "",
    break_guard: Break = "",
    patience: Patience = 60,
    report: Report = None,
    logs: Logs = None,
) -> None:
    """Play payments in the gateway while pollers are killed, and compare what they told with its database.

    Exit code 0: nothing missed, nothing invented, every amount and balance equal, nothing told twice, nothing written
    to Sage. 1: something else, or the run could not be made; it says what. 2: the request is wrong.
    """
    if break_guard and break_guard not in GUARDS:
        raise typer.BadParameter(f"no guard is called {break_guard}", param_hint="--break")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if logs is not None and logs.exists() and any(logs.iterdir()):
        raise typer.BadParameter(f"{logs} is not empty", param_hint="--logs")
    folder = logs or Path(tempfile.mkdtemp(prefix="chaos-payments-"))
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen(quiet=str(report) == "-")
    wanted = PaymentOptions(
        seed, documents, pollers, fault_rate=fault_rate, bootstrap=bootstrap_servers or None, broken=break_guard
    )
    screen.say(f"seed {seed}: {documents} documents, {kills} kills in {seconds:.0f} s, {pollers} pollers")
    if break_guard:
        screen.say(f"THE POLLERS ARE BROKEN ON PURPOSE: {break_guard}")
    try:
        result = asyncio.run(_run(wanted, (seconds, plays, kills), folder, screen, patience, replay=replay))
    except (BrokerError, DemoError, httpx.HTTPError) as error:
        print(f"chaos: the run could not be made: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("chaos: stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    if str(report) == "-":
        print(json.dumps(figures(result), indent=1))
    elif report is not None:
        report.write_text(json.dumps(figures(result), indent=1), encoding="utf-8")
    for line in lines(result):
        screen.plain(line)
    if logs is None and result.sound:
        shutil.rmtree(folder)
    else:
        screen.plain(f"logs of the processes: {folder}")
    screen.plain(last_line(result))
    raise typer.Exit(0 if result.sound else 1)


async def _run(
    wanted: PaymentOptions,
    amounts: tuple[float, int, int],
    folder: Path,
    screen: Screen,
    patience: float,
    *,
    replay: bool,
) -> PaymentRunReport:
    async with system(wanted, folder, screen.say) as running:
        return await PaymentRun(running, wanted.seed, patience).play(*amounts, replay=replay)


if __name__ == "__main__":
    app(prog_name="python -m chaos.payments")
