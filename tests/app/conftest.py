"""The command line as a person runs it: a process of its own, its output and exit code read."""

import asyncio
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from app.cli import main
from simulator.server import Simulator
from tests.support import prefork
from tests.support.command_line import Cli, Ran, Run
from tests.support.kafka import COMPACTED, create_topic
from tests.support.world import World

OURS = ("ALVYS_SAGE_", "KAFKA_", "FORCE_COLOR", "GITHUB_ACTIONS")


@pytest.fixture
def run(tmp_path) -> Run:
    """Runs ``alvys-sage`` with these arguments and, of our variables, these alone."""

    def run_it(*arguments: str, stdin: str = "", **variables: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment = clean | {"USER": "accountant", "COLUMNS": "200"} | variables
        if variables.keys() & prefork.ENVIRONMENT_AT_IMPORT:
            command = [sys.executable, "-m", "app", *arguments]
            done = subprocess.run(
                command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=60
            )
        else:
            done = prefork.run(["app"], arguments, environment, stdin=stdin, timeout=60)
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_it


@pytest.fixture
async def world(bootstrap, topic_prefix):
    """Topics of its own, settings, a Sage that books in memory, workers in this process."""
    world = World(bootstrap, topic_prefix)
    await world.set_up()
    return world


@pytest.fixture
def command(run, world):
    """Runs ``alvys-sage`` on the world's topics, without holding up the workers of this process."""

    async def run_it(*arguments: str, **variables: str) -> Ran:
        settings = world.settings
        env = {
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "ALVYS_SAGE_TOPIC_PREFIX": settings.topic_prefix,
            "ALVYS_SAGE_GROUP_ID": settings.group_id,
        }
        return await asyncio.to_thread(run, *arguments, **env, **variables)

    return run_it


@pytest.fixture
async def sim():
    async with Simulator(demo=True) as sim:
        yield sim


@pytest.fixture
async def variables(bootstrap: str, topic_prefix: str, sim: Simulator) -> dict[str, str]:
    await create_topic(bootstrap, f"{topic_prefix}mapping-state", config=COMPACTED)
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "ALVYS_SAGE_TOPIC_PREFIX": topic_prefix,
        "ALVYS_SAGE_GATEWAY_URL": sim.url,
        "ALVYS_SAGE_SENDER_PASSWORD": "sender-secret",
        "ALVYS_SAGE_CREDENTIALS__BLUE_MESA__USER": "alvys_ws",
        "ALVYS_SAGE_CREDENTIALS__BLUE_MESA__PASSWORD": "user-secret",
    }


@pytest.fixture
def cli(variables, monkeypatch) -> Cli:
    """Runs ``alvys-sage`` in a thread: the simulator answers in this one, and no process has to start."""

    def run_it(arguments: tuple[str, ...], stdin: str, environment: dict[str, str]) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(stdin))
            try:
                main(list(arguments))
            except SystemExit as ended:
                return Ran(int(ended.code or 0), out.getvalue(), err.getvalue())
        raise AssertionError(f"{arguments} did not end")

    async def in_a_thread(*arguments: str, stdin: str = "", **more: str) -> Ran:
        environment = {"USER": "accountant", "COLUMNS": "200"} | variables | more
        return await asyncio.to_thread(run_it, arguments, stdin, environment)

    return in_a_thread
