"""The demonstration itself, as `make demo` runs it."""

import re
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
