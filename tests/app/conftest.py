"""The command line as a person runs it: a process of its own, its output and exit code read."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.engine import World

OURS = ("ALVYS_SAGE_", "KAFKA_", "FORCE_COLOR", "GITHUB_ACTIONS")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path) -> Run:
    """Runs ``alvys-sage`` with these arguments and, of our variables, these alone."""

    def run_it(*arguments: str, stdin: str = "", **variables: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=clean | {"USER": "accountant", "COLUMNS": "200"} | variables,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
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
