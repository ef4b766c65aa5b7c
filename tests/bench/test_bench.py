"""The benches run. What they measure is not asserted: a slow machine is no defect."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["map", "batch", "transactions", "end-to-end", "neighbour", "ledger", "crowd"])
def test_a_bench_runs_and_answers_in_json(name):
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--tiny", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    [outcome] = json.loads(done.stdout)
    assert outcome["name"] == name
    assert all(figure["value"] >= 0 for figure in outcome["figures"])
