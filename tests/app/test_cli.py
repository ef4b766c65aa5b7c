"""The root of the command line: help, lazy groups, errors in one line."""

import json
import signal
import subprocess
import sys
import time

import pytest


def test_help_names_every_command_and_the_plug_in(run):
    helped = run("--help")
    assert helped.code == 0
    for name in ("worker", "mappings", "topics", "settings", "version", "simulator"):
        assert name in helped.out


@pytest.mark.parametrize(
    "command", [["topics"], ["settings"], ["mappings"], *(["mappings", name] for name in ("list", "set", "import"))]
)
def test_every_command_has_help(run, command: list[str]):
    helped = run(*command, "--help")
    assert helped.code == 0
    assert f"Usage: alvys-sage {' '.join(command)}" in helped.out


def test_a_former_name_of_a_command_runs_it_and_tells_the_present_one(run):
    former, present = run("group-bills", "--help"), run("consolidate-bills", "--help")
    assert former.code == present.code == 0
    assert "Usage: alvys-sage group-bills [OPTIONS]" in former.out
    assert former.out.splitlines()[2:] == present.out.splitlines()[2:]
    assert "alvys-sage group-bills is deprecated, use alvys-sage consolidate-bills" in former.err
    assert "deprecated" not in present.err
    assert "group-bills" not in run("--help").out


def test_output_to_a_pipe_has_no_colour_codes_whatever_the_ci_service(run):
    assert "\x1b" not in run("--help", GITHUB_ACTIONS="true").out
    assert "\x1b" not in run("settings", GITHUB_ACTIONS="true").out


def test_help_loads_neither_kafka_nor_a_plug_in():
    code = """
import sys
from app.cli import main
try:
    main(["--help"])
except SystemExit:
    print(sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.splitlines()[-1]
    assert "'aiokafka'" not in loaded
    assert "'simulator" not in loaded


def test_version(run):
    assert json.loads(run("version", "--json").out)["version"] == run("version").out.strip()
    assert run("--version").out == run("version").out


@pytest.mark.parametrize("command", [[], ["topics"], ["mappings"], ["mappings", "list"], ["simulator"]])
def test_the_short_option_for_help_works_everywhere(run, command: list[str]):
    short = run(*command, "-h")
    assert short.code == 0
    assert short.out == run(*command, "--help").out


@pytest.mark.parametrize("wait", [0.03, 0.08, 0.15, 0.3, 0.6])
def test_an_interrupt_while_it_starts_shows_no_traceback(wait):
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "connections", "list"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
    )
    time.sleep(wait)  # at what point of its start it is hit is the test's parameter
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if "app/start.py" in said or "app/" in said:  # Python's own start is out of reach
        assert "Traceback" not in said


def test_a_wrong_setting_is_one_line_and_exit_code_2(run):
    refused = run("topics", ALVYS_SAGE_PARTITIONS="many")
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("error: ALVYS_SAGE_PARTITIONS: ")
    assert refused.err.count("\n") == 1


def test_debug_shows_where_an_error_comes_from(run):
    assert "Traceback" in run("--debug", "topics", ALVYS_SAGE_PARTITIONS="many").err


def test_a_broker_that_is_not_there_is_one_line_and_exit_code_1(run):
    refused = run("topics", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert refused.code == 1
    assert "Traceback" not in refused.err
    assert "error: Kafka: nothing listens at 127.0.0.1:1" in refused.err


def test_an_unknown_command_is_exit_code_2(run):
    assert run("mapping").code == 2


def test_settings_as_json_as_table_and_as_markdown(run):
    rows = json.loads(run("settings", "--json", ALVYS_SAGE_SENDER_PASSWORD="geheim").out)
    assert {"variable", "type", "default", "description", "value"} == set(rows[0])
    assert next(row for row in rows if row["variable"] == "ALVYS_SAGE_SENDER_PASSWORD")["value"] == "set"
    assert run("settings", "--markdown").out.startswith("| variable | type | default | meaning |")
    assert run("settings", ALVYS_SAGE_BATCHSIZE="1").err == (
        "note: ALVYS_SAGE_BATCHSIZE is set and is no setting of this program\n"
    )
