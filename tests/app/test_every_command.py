"""What holds for every command: roles, and advice that can be pasted into a shell."""

import re
import shlex
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from app.cli import COMMANDS
from app.connections.findings import ADVICE, SetupProblem, finding
from app.roles import WITHOUT_ROLES
from app.shell import command_line
from domain.codes import Code
from tests.support.pages import ROOT


def commands() -> Iterator[tuple[str, set[str | None]]]:
    """Every command by its words, with the names of its parameters."""
    for name, (path, _) in COMMANDS.items():
        module, _, attribute = path.partition(":")
        found = getattr(__import__(module, fromlist=[attribute]), attribute)
        if isinstance(found, typer.Typer):
            group = get_command(found)
            assert isinstance(group, TyperGroup)
            for inner, command in group.commands.items():
                yield f"{name} {inner}", {parameter.name for parameter in command.params}
        else:
            single = typer.Typer()
            single.command()(found)
            yield name, {parameter.name for parameter in get_command(single).params}


def test_roles_hold_for_every_command_but_those_that_the_documents_name():
    without = {name for name, parameters in commands() if "by" not in parameters}
    assert without == WITHOUT_ROLES
    setup = (ROOT / "docs/setup.md").read_text()
    assert {name for name in without if f"`{name}`" not in setup} == set()


@pytest.mark.parametrize(
    "words",
    [
        ("mappings", "list"),
        ("mappings", "explain", "S1", "ap", "Fuel"),
        ("mappings", "export"),
        ("mappings", "status"),
        ("mappings", "history"),
        ("mappings", "vendors"),
        ("mappings", "set", "S1", "ap", "Fuel", "1"),
        ("mappings", "vendor", "S1", "fuel", "X", "V"),
        ("mappings", "intercompany", "S1", "S2", "--vendor", "V"),
        ("mappings", "import", "-", "--dry-run"),
        ("connections", "list"),
        ("connections", "show", "S1"),
        ("connections", "set", "S1", "ar.autopost=true"),
        ("connections", "pause", "S1"),
        ("dimensions", "list", "S1"),
        ("dimensions", "values", "S1", "class"),
        ("custom-fields", "list", "S1"),
        ("accounts", "S1"),
        ("doctor",),
        ("waiting",),
        ("retry", "--code", "SAGE_REFUSED"),
        ("dead-letters", "list"),
        ("mark-synced", "--list"),
        ("mark-synced", "k", "--why", "w"),
        ("replay", "--to-earliest", "--all-topics"),
        ("disconnect", "S1"),
    ],
)
def test_who_has_no_role_is_refused_before_anything_is_asked_of_a_broker(run, tmp_path, words):
    people = tmp_path / "people.json"
    people.write_text('{"eve": "Dispatcher"}')
    stdin = '{"key": "S1/account/ap/fuel/default", "value": {"account": "1"}}'
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "ALVYS_SAGE_ROLES_FILE": str(people)}
    refused = run(*words, "--by", "eve", stdin=stdin, **nowhere)
    assert (refused.code, "NOT_ALLOWED: 'eve' has the role 'Dispatcher'" in refused.err) == (2, True), refused


@pytest.mark.parametrize("name", ["S1", "Bob's & Sons", "-x", "a b", "--json", "$HOME;ls", 'say "x"'])
def test_advice_with_any_name_comes_out_of_a_shell_as_it_went_in(name: str):
    words = shlex.split(command_line("mappings set", name, "ap", "Fuel", "50500"))
    assert words[:3] == ["alvys-sage", "mappings", "set"]
    assert [word for word in words[3:] if word != "--"] == [name, "ap", "Fuel", "50500"]
    assert ("--" in words) == name.startswith("-")


@pytest.mark.parametrize("problem", list(SetupProblem))
@pytest.mark.parametrize("subsidiary", ["S1", "-x"])
def test_what_the_doctor_advises_is_a_command_of_ours_that_a_shell_takes(problem: SetupProblem, subsidiary: str):
    known = {name for name, _ in commands()}
    for line in finding(problem, "it", side="ap").todo(subsidiary):
        for found in re.findall(r"alvys-sage (?:[^;:]*$)", line):
            words = shlex.split(found)[1:]
            assert " ".join(words[:2]) in known or words[0].rstrip(".,") in COMMANDS, line
            assert not set("|<>&;") & set("".join(words)), line
    assert not any(re.search(r"\b(SUBSIDIARY|SIDE)\b", line) for line in finding(problem, "", side="ap").todo("S1"))
    assert problem in ADVICE


SETTINGS = re.compile(r"\b(ar|ap|terms)\.[a-zA-Z0-9]+|`?(closedPeriod|longValues|invoiceDimensions|locationId)`?")


@pytest.mark.parametrize("code", list(Code))
def test_advice_to_change_a_connections_setting_names_the_command(code: Code):
    fix = code.explanation.fix
    if SETTINGS.search(fix):
        assert "alvys-sage connections set" in fix, fix


def test_a_first_argument_that_begins_with_a_dash_reaches_a_command_after_two_dashes(run):
    refused = run("doctor", "--", "-x", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert "No such option" not in refused.err
    assert refused.code == 1
    assert "127.0.0.1:9" in refused.err
