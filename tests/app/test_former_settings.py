"""A setting under its former name works for one version, and its user is told the present name."""

import logging
import subprocess
import sys

import pytest
import structlog

from app.errors import SettingsError
from app.former_settings import CODE, FORMER_SETTINGS, REMOVED_SETTINGS
from app.logging import set_up
from app.settings import Settings
from app.variables import variable

VALUES = {
    "roles_file": ("roles.json", "others.json"),
    "mapping_state_policy_check": ("warn", "reconcile"),
    "max_in_flight_records": ("700", "800"),
    "topic_consolidated_bill": ("day-bills", "bills"),
}
"""A value that is not the default, and another one, for fields that take no small number."""
FORMER = [(former, present, *VALUES.get(present, ("7", "8"))) for former, present in FORMER_SETTINGS.items()]


@pytest.fixture
def restored():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize(("former", "present", "value", "_other"), FORMER)
def test_the_former_name_still_works_and_is_told_as_deprecated(
    former, present, value, _other, monkeypatch, capsys, restored
):
    usual = getattr(Settings(), present)
    monkeypatch.setenv(variable(former), value)
    settings = Settings.load()
    assert str(getattr(settings, present)) == value != str(usual)
    set_up(settings)
    [line] = capsys.readouterr().err.splitlines()
    assert f"{variable(former)} is deprecated, use {variable(present)}" in line


@pytest.mark.parametrize(("former", "present", "value", "other"), FORMER)
def test_two_values_are_an_error_that_says_which_to_remove(former, present, value, other, monkeypatch):
    monkeypatch.setenv(variable(former), value)
    monkeypatch.setenv(variable(present), value)
    assert str(getattr(Settings.load(), present)) == value  # one environment may serve both versions
    monkeypatch.setenv(variable(present), other)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    [finding] = error.value.findings
    assert finding.startswith(f"{CODE}: ")
    assert f"remove {variable(former)}" in finding
    assert variable(present) in finding


def test_a_wrong_value_is_named_by_both_names(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_WINDOW", "none")
    with pytest.raises(SettingsError, match=r"ALVYS_SAGE_MAX_IN_FLIGHT_RECORDS \(given as ALVYS_SAGE_WINDOW\): "):
        Settings.load()


def test_present_names_alone_are_not_told(monkeypatch, capsys, restored):
    monkeypatch.setenv("ALVYS_SAGE_MAX_IN_FLIGHT_RECORDS", "700")
    set_up(Settings.load())
    assert capsys.readouterr().err == ""


def test_every_present_name_is_a_setting_and_no_former_one_is():
    assert set(FORMER_SETTINGS.values()) <= Settings.model_fields.keys()
    assert not FORMER_SETTINGS.keys() & Settings.model_fields.keys()


def test_the_settings_command_tells_former_names():
    told = subprocess.run(
        [sys.executable, "-m", "app", "settings"],
        env={"ALVYS_SAGE_WINDOW": "700"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "ALVYS_SAGE_WINDOW is deprecated, use ALVYS_SAGE_MAX_IN_FLIGHT_RECORDS" in told.stderr
    assert "is no setting" not in told.stderr


@pytest.mark.parametrize("gone", REMOVED_SETTINGS)
def test_a_setting_that_is_gone_is_told_and_changes_nothing(gone, monkeypatch, capsys, restored):
    usual = Settings()
    monkeypatch.setenv(variable(gone), "7")
    settings = Settings.load()
    assert settings == usual
    set_up(settings)
    [line] = capsys.readouterr().err.splitlines()
    assert f"{variable(gone)} has no effect any more, remove it" in line
