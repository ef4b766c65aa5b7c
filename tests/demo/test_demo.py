"""The demonstration itself, as `make demo` runs it."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAST = re.compile(
    r"demo: events=(\d+) posted=(\d+) reversed=(\d+) skipped=(\d+) deferred=(\d+) rejected=(\d+) dead=(\d+)"
    r" payments=(\d+) lost=0 twice=0"
)


@pytest.mark.requirement(1)
def test_the_demonstration_ends_with_nothing_lost_and_nothing_twice():
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--good", "120"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found = LAST.fullmatch(done.stdout.splitlines()[-1])
    assert found is not None
    events, *ended, payments = map(int, found.groups())
    assert all(ended)
    assert payments
    assert events > sum(ended)  # the rest was delivered again, and answered from memory


INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("demo", run_name="__main__")
"""
"""The demonstration from a terminal. Tests that run in the background ignore Ctrl-C, and a child inherits that."""


def test_a_demonstration_that_is_kept_can_be_used_from_another_terminal_until_it_is_interrupted():
    file = ROOT / ".cache" / "demo.env"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "--good", "20", "--keep"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C ends everything" in line:
                break
        assert process.poll() is None, "".join(said)
        shown = "".join(said)
        assert f". {file.relative_to(ROOT)}" in shown
        variables = dict(
            shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in file.read_text().splitlines()
        )
        for advised in re.findall(r"alvys-sage ([^#\n]+)", shown):
            done = subprocess.run(
                [sys.executable, "-m", "app", *shlex.split(advised)],
                cwd=ROOT,
                env=os.environ | variables,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert done.returncode == 0, (advised, done.stderr)
            assert done.stdout
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=120)
        assert LAST.fullmatch(rest.splitlines()[-1])
        assert "Traceback" not in rest
        assert process.returncode == 0
        assert not file.exists()
    finally:
        if process.poll() is None:
            process.kill()
