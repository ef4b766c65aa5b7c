"""`alvys-sage simulator`: run the simulator as a process."""

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from simulator.seed import Preset, Seed, load_seed
from simulator.server import Simulator


def simulator(  # noqa: PLR0913 -- its parameters are the command's
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 8090,
    database: Annotated[
        str, typer.Option(help="SQLite file, or :memory:. Without it a temporary file is used and removed.")
    ] = "",
    seed: Annotated[Path | None, typer.Option(help="Companies to load at the start (JSON).", exists=True)] = None,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Load the built-in companies BLUEMESA and HIGHLINE.")] = False,
    preset: Annotated[
        Preset | None, typer.Option(help="What every company has of what real companies have, instead of all.")
    ] = None,
    latency_ms: Annotated[int, typer.Option(help="Wait before every request.", min=0)] = 0,
) -> None:
    """Run a Sage Intacct XML gateway on this machine, with faults on demand."""
    with tempfile.TemporaryDirectory(prefix="sage-simulator-") as folder:
        running = Simulator(
            database or str(Path(folder) / "simulator.sqlite"),
            seed=_companies(seed) if seed else None,
            demo=demo,
            host=host,
            port=port,
            latency=latency_ms / 1000,
            preset=preset,
        )
        asyncio.run(_serve(running))


def _companies(path: Path) -> Seed:
    try:
        return load_seed(path)
    except ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--seed") from error


async def _serve(running: Simulator) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await running.start()
    except OSError as error:
        await running.stop()
        raise typer.BadParameter(str(error), param_hint="--port") from error
    typer.echo(f"listening on {running.url}")
    await stopped.wait()
    await running.stop()
