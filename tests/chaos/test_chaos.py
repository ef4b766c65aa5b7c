"""The harness: a short run is clean, and with any one guard broken it reports. Real broker, processes and signals."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from app.bootstrap import config_of
from app.settings import Settings
from chaos.neighbours import CLASSES, HEALTHY, NEIGHBOURS, company_class
from chaos.plan import KILLS, MEMORY, ONCE, plan
from chaos.script import script, sent_again
from chaos.times import FACTOR, SHIPPED

ROOT = Path(__file__).parents[2]


def chaos(bootstrap, report, *more):
    """Exit code, figures and findings of a run. Without a broker's address, it starts brokers of its own."""
    broker = () if bootstrap is None else ("--bootstrap-servers", bootstrap)
    done = subprocess.run(
        [sys.executable, "-m", "chaos", *broker, "--json", str(report), *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
    )
    assert report.exists(), done.stdout[-4000:] + done.stderr[-4000:]
    return done.returncode, json.loads(report.read_text()), done.stdout[-6000:]


def test_workers_killed_frozen_and_stopped_under_load_lose_nothing_and_post_nothing_twice(bootstrap, tmp_path):
    options = ("--events", "400", "--kills", "5", "--rounds", "1", "--workers", "2", "--partitions", "2", "--seed", "7")
    code, told, shown = chaos(bootstrap, tmp_path / "report", *options, "--memory-faults", "none")
    assert (code, told["sound"]) == (0, True), shown
    assert told["kills"] == 5
    assert told["documents"] > 150
    assert told["waiting_as_expected"] == 3
    assert sum(told["calls_struck"].values()) > 0
    assert told["requests_without_an_answer_from_companies_that_hang"] > 0
    assert told["requests_slowed"] > 0
    assert all(rate > 0 for rate in told["documents_a_second"].values())
    assert set(told["seconds_to_the_outcome"]) == {"healthy", "slow", "hangs", "hangs at times"}


ALONE = ("--no-neighbours", "--times", "short", "--workers", "1", "--partitions", "1", "--seed", "5")
SMALL = (*ALONE, "--events", "100", "--patience", "6", "--no-lag", "--memory-faults", "none")
LAGS = (
    "--times",
    "shipped",
    "--kills",
    "0",
    "--lag",
    "--fault-rate",
    "1",
    "--faults",
    "unheard_create",
    "--patience",
    "40",
)
REPLACED = (
    "--events",
    "300",
    "--kills",
    "0",
    "--fault-rate",
    "0",
    "--rounds",
    "1",
    "--memory-faults",
    "ledger-replaced",
)
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
        ("early-look-up", LAGS, "twice"),
        # Nobody holds the partition, and the later revisions that wait unread meet an empty memory.
        ("no-damage", REPLACED, "twice"),
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


def test_what_queries_do_not_show_yet_is_not_posted_twice(bootstrap, tmp_path):
    code, told, shown = chaos(bootstrap, tmp_path / "report", *SMALL, *LAGS)
    assert (code, told["sound"]) == (0, True), shown
    assert told["booked_and_not_told"] > 0, "answers were lost, so that queries decided"


DAMAGED = (*ALONE, "--events", "100", "--kills", "0", "--rounds", "1", "--fault-rate", "0", "--no-lag")


@pytest.mark.parametrize(
    "kinds", ["ledger-replaced-running,ledger-cut,source-expired", "ledger-partitions,source-partitions"]
)
def test_topics_that_are_damaged_are_noticed_and_repaired_by_the_commands_and_nothing_is_lost(
    bootstrap, tmp_path, kinds
):
    """Some kinds in one run, so that gateway and workers start once: each repair takes a handful of commands."""
    code, told, shown = chaos(bootstrap, tmp_path / "report", *DAMAGED, "--memory-faults", kinds)
    assert (code, told["sound"]) == (0, True), shown
    assert told["noticed"].keys() == told["repaired"].keys() == set(kinds.split(","))
    assert "source-expired" not in kinds or told["told_as_not_exported_and_sent_again"] > 0


def test_a_copied_cluster_is_noticed_and_after_its_repair_everything_is_read_again_and_posted_once(tmp_path):
    code, told, shown = chaos(None, tmp_path / "report", *DAMAGED, "--memory-faults", "cluster-copied")
    assert (code, told["sound"]) == (0, True), shown
    assert told["noticed"].keys() == {"cluster-copied"}
    assert told["records_copied_to_another_cluster"] > 100
    assert told["answers"]["already_posted"] > 0


def test_a_seed_repeats_events_and_plan():
    assert script(3, 500) == script(3, 500) != script(4, 500)
    first, again = (plan(3, 40, 3, session_timeout=3.0, memory=MEMORY) for _ in range(2))
    assert first == again
    assert sum(step.is_kill for each in first for step in each.steps) == 40
    assert {step.kind for each in first for step in each.steps} >= set(KILLS)
    assert [each.replay is None for each in first] == [False, False, True]
    assert {fault.kind for each in first for fault in each.memory} == set(MEMORY)
    assert {fault.kind for fault in first[-1].memory} == ONCE


def test_some_documents_of_a_healthy_company_become_those_of_its_neighbours():
    among = [each.booking for each in script(3, 2_000, neighbours=True) if each.booking is not None]
    assert {company_class(each) for each in among} == {HEALTHY, *CLASSES.values()}
    ids = {each.company: each.id for each in NEIGHBOURS}
    assert all(each.subsidiary == ids[each.company] for each in among if each.company in ids)
    assert not any(each.booking and each.booking.company in ids for each in script(3, 2_000))


def test_the_shipped_time_outs_keep_their_ratios():
    shipped = Settings()
    assert SHIPPED.exchange > SHIPPED.send_within
    for ours, theirs in (
        (SHIPPED.send_within, shipped.send_deadline_seconds),
        (SHIPPED.exchange, shipped.gateway_timeout_seconds),
        (SHIPPED.execution, shipped.execution_limit_seconds),
        (SHIPPED.circuit_opens, shipped.circuit_open_after_seconds),
        (SHIPPED.circuit_retries, shipped.circuit_retry_seconds),
    ):
        assert ours * FACTOR == theirs
    assert config_of(shipped).lease.total_seconds() == SHIPPED.lease * FACTOR


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


@pytest.mark.parametrize(
    "wrong",
    [
        ("--break", "x"),
        ("--faults", "x"),
        ("--times", "x"),
        ("--memory-faults", "x"),
        ("--events", "0"),
        ("--nonsense",),
    ],
)
def test_a_request_that_is_wrong_ends_with_two(wrong):
    done = subprocess.run([sys.executable, "-m", "chaos", *wrong], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
