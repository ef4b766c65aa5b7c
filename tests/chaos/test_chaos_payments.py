"""The payments harness: a short run is clean, and with any one guard broken it reports. Real broker and processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def chaos(bootstrap, report, *more):
    """Exit code and figures of a run, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "chaos.payments", "--bootstrap-servers", bootstrap, "--json", str(report), *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert report.exists(), done.stdout[-4000:] + done.stderr[-4000:]
    return done.returncode, json.loads(report.read_text()), done.stdout[-6000:]


def test_pollers_killed_and_frozen_miss_no_payment_invent_none_and_write_nothing_to_sage(bootstrap, tmp_path):
    options = ("--documents", "60", "--kills", "4", "--seconds", "10", "--plays", "80", "--seed", "7")
    code, told, shown = chaos(bootstrap, tmp_path / "report", *options)
    assert (code, told["sound"]) == (0, True), shown
    assert sum(told["kills"].values()) == 4
    assert told["payments"] > 20
    assert set(told["requests"]) == {"getAPISession", "lookup", "query"}


QUIET = (
    "--documents",
    "60",
    "--seconds",
    "1",
    "--plays",
    "120",
    "--kills",
    "0",
    "--fault-rate",
    "0",
    "--no-replay",
    "--patience",
    "10",
    "--seed",
    "5",
)


@pytest.mark.parametrize(
    ("guard", "reported"),
    [
        # A write that is lost holds payments, voids or corrections, as the moment has it.
        ("cursor-alone", ("missed", "invented", "unbalanced")),
        ("no-memory", ("repeated",)),
        ("submitted-counts", ("invented",)),
        ("no-reconcile", ("unbalanced",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_guard_that_is_broken_is_reported(bootstrap, tmp_path, guard, reported):
    code, told, shown = chaos(bootstrap, tmp_path / "report", "--break", guard, *QUIET)
    assert code == 1
    assert any(told["findings"][each] for each in reported), shown
