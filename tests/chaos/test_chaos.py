"""The harness: a short run is clean, and with any one guard broken it reports. Real broker, processes and signals."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from chaos.plan import KILLS, plan
from chaos.script import script, sent_again

ROOT = Path(__file__).parents[2]


def chaos(bootstrap, report, *more):
    """Exit code, figures and findings of a run."""
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--bootstrap-servers", bootstrap, "--json", str(report), *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert report.exists(), done.stdout[-4000:] + done.stderr[-4000:]
    return done.returncode, json.loads(report.read_text()), done.stdout[-6000:]


def test_workers_killed_frozen_and_stopped_under_load_lose_nothing_and_post_nothing_twice(bootstrap, tmp_path):
    options = ("--events", "400", "--kills", "5", "--rounds", "1", "--workers", "2", "--partitions", "2", "--seed", "7")
    code, told, shown = chaos(bootstrap, tmp_path / "report", *options)
    assert (code, told["sound"]) == (0, True), shown
    assert told["kills"] == 5
    assert told["documents"] > 150
    assert told["waiting_as_expected"] == 3
    assert sum(told["calls_struck"].values()) > 0


SMALL = ("--events", "100", "--workers", "1", "--partitions", "1", "--seed", "5", "--patience", "6")
BEYOND = ("--kills", "0", "--fault-rate", "0.5", "--faults", "beyond_lease")


@pytest.mark.parametrize(
    ("guard", "options", "reported"),
    [
        # The same bytes again meet the memory of control ids; a changed revision meets nothing.
        ("no-ledger", ("--kills", "0", "--fault-rate", "0"), "twice"),
        # Ledger and look-up hide it while the gateway keeps its own limit: so here it executes beyond the lease.
        ("no-unique-id", BEYOND, "twice"),
        ("commit-first", ("--kills", "1", "--fault-rate", "1", "--faults", "latency"), "offsets_past_unfinished"),
        # Strikes creates alone: reads that fail, of which a start has many, would leave no time for a create.
        ("blind-resend", BEYOND, "twice"),
    ],
)
def test_a_guard_that_is_broken_is_reported(bootstrap, tmp_path, guard, options, reported):
    code, told, shown = chaos(bootstrap, tmp_path / "report", "--break", guard, *SMALL, *options)
    assert code == 1, shown
    assert told[reported] > 0, shown
    assert len(told["findings"][reported]) == told[reported]


def test_a_call_that_is_executed_beyond_its_lease_is_stopped_by_its_control_id(bootstrap, tmp_path):
    code, told, shown = chaos(bootstrap, tmp_path / "report", *SMALL, *BEYOND)
    assert (code, told["sound"]) == (0, True), shown
    assert told["control_ids_refused_by_the_gateway"] > 0


def test_a_seed_repeats_events_and_plan():
    assert script(3, 500) == script(3, 500) != script(4, 500)
    first, again = (plan(3, 40, 3, session_timeout=3.0) for _ in range(2))
    assert first == again
    assert sum(step.is_kill for each in first for step in each.steps) == 40
    assert {step.kind for each in first for step in each.steps} >= set(KILLS)
    assert [each.replay is None for each in first] == [False, False, True]


def test_revisions_of_a_document_come_late_now_and_then_and_are_told_apart_by_their_total():
    sent: dict[bytes | None, list[tuple[tuple[datetime, int, str], int]]] = {}
    for each in script(1, 2_000):
        if each.emitted and each.booking and "delivered again" not in each.story and b"invoice/" in (each.key or b""):
            sent.setdefault(each.key, []).append((each.emitted, each.booking.cents))
    for revisions in sent.values():
        cents = [each for _, each in sorted(revisions)]
        assert cents == sorted(set(cents))
    assert sum(len(revisions) > 1 for revisions in sent.values()) > 50
    assert sum(revisions != sorted(revisions) for revisions in sent.values()) > 10


def test_what_a_person_sends_again_is_a_newer_event_of_the_same_document():
    item = next(each for each in script(1, 50) if each.booking is not None)
    again = sent_again(item, 9)
    assert (again.key, again.booking, again.number) == (item.key, item.booking, 9)
    assert item.emitted is not None
    assert again.emitted is not None
    assert again.emitted > item.emitted


@pytest.mark.parametrize("wrong", [("--break", "x"), ("--faults", "x"), ("--events", "0"), ("--nonsense",)])
def test_a_request_that_is_wrong_ends_with_two(wrong):
    done = subprocess.run([sys.executable, "-m", "chaos", *wrong], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
