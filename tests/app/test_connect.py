"""Connections from the command line, before a simulated company: connect, template, switches, disconnect, roles."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import sys
import time
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.connections.words import infos
from simulator.faults import Fault
from tests.support.command_line import EAST, MASTERS, Cli, exported, shown
from tests.support.kafka import read_to_end


@pytest.mark.requirement(21, 26, 27, 55, 78)
@pytest.mark.feature("set-up wizard", "switches")
async def test_with_flags_a_connection_is_set_up_checked_and_active_from_now_on(cli: Cli):
    done = await cli("connect", "S1", *EAST, *MASTERS)
    assert done.code == 0, done.err
    assert done.out.startswith("S1: Active, 0 errors")
    found = await exported(cli)
    assert found.keys() == {"S1/connection", "S1/account/ap/default/default", "S1/account/ar/default/default"}
    assert found["S1/account/ap/default/default"] == {"account": "50000", "title": "Freight expense"}
    connection = found["S1/connection"]
    assert (connection["entityId"], connection["locationId"], connection["state"]) == ("100", "100", "active")
    listed = (await cli("connections", "list")).out.splitlines()
    assert listed[1].startswith("S1\tActive\ton\ton\tBLUEMESA\t100\t")


@pytest.mark.requirement(25, 81)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "sage.companyId is not answered"),
        (
            ("--company", "BLUEMESA", "--credentials", "blue-mesa"),
            "100 - Blue Mesa Transport; 200 - Blue Mesa Logistics",
        ),
        ((*EAST, "--expense", "50000"), "40000 - Freight revenue"),
        ((*EAST[:-1], "300", *MASTERS), "'300' is no active entity; there are 100, 200"),
        (("--company", "BLUEMESA", "--credentials", "nobody"), "set ALVYS_SAGE_CREDENTIALS__NOBODY__USER and"),
        (("--company", "NONE", "--credentials", "blue-mesa"), "Web Services Users"),
    ],
)
async def test_what_is_missing_or_wrong_is_named_and_nothing_is_written(cli: Cli, given: tuple[str, ...], said: str):
    refused = await cli("connect", "S1", *given)
    assert refused.code in (1, 2)
    assert said in refused.err
    assert await exported(cli) == {}


@pytest.mark.feature("set-up wizard", "terms.default", "crossSubsidiary")
async def test_a_file_of_answers_sets_everything_and_one_with_a_slip_nothing(cli: Cli, tmp_path):
    answers: dict[str, Any] = {
        "subsidiary": "S1",
        "sage": {"companyId": "BLUEMESA", "credentials": "blue-mesa", "postTo": "top-level"},
        "ap": {"expenseAccount": "50000", "includeTolls": False, "only1099Drivers": True},
        "ar": {"revenueAccount": "40000", "poNumber": "po"},
        "advanced": {"locationId": "110", "terms": {"default": "Net 15"}, "crossSubsidiary": True},
    }
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(answers | {"ar": {"revenueAccont": "40000"}}))
    refused = await cli("connect", "--answers", str(file))
    assert refused.code == 2
    assert "ar.revenueAccont" in refused.err
    file.write_text(json.dumps(answers))
    done = await cli("connect", "--answers", str(file), "--json")
    assert json.loads(done.out)["state"] == "Active", done
    connection = (await exported(cli))["S1/connection"]
    assert "entityId" not in connection
    assert connection["ap"] == {"includeTolls": False, "only1099Drivers": True}
    assert connection["ar"] == {"poNumber": "po"}
    assert (connection["terms"], connection["crossSubsidiary"]) == ({"default": "Net 15"}, True)


@pytest.mark.feature("set-up wizard")
async def test_nothing_becomes_active_with_an_error_in_it_and_the_set_up_goes_on_where_it_stopped(cli: Cli, sim):
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "50000", {"STATUS": "inactive"})
    done = await cli("connect", "S1", *EAST, *MASTERS)
    assert done.code == 1
    assert "ACCOUNT_INACTIVE: GL account 50000" in done.out
    assert "wizard step 3, Accounts Payable" in done.out
    found = await shown(cli, "S1")
    assert (found["state"], found["activatedAt"]) == ("Not Set Up", None)
    refused = await cli("connections", "resume", "S1")
    assert refused.code == 1
    assert "ACCOUNT_INACTIVE" in refused.out
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "50000", {"STATUS": "active"})
    again = await cli("connect", "S1")
    assert (again.code, again.out.split(",")[0]) == (0, "S1: Active")


@pytest.mark.requirement(28, 32)
@pytest.mark.feature("set-up template")
async def test_a_template_gives_copies_and_the_entity_is_picked_anew(cli: Cli):
    assert (await cli("connect", "S1", *EAST, *MASTERS)).code == 0
    await cli("mappings", "set", "S1", "ap", "Fuel", "Gas", "50500")
    await cli("mappings", "vendor", "S1", "fuel", "default", "VEN-EFS")
    others = {
        "S1/dimension/department": {"source": "office", "default": "OPS"},
        "S1/custom-field/arinvoice/ALVYS_LOAD_ID": {"source": "load.poNumber", "type": "text"},
        "S1/catalogue/accessorials/Lumper": {},
    }
    lines = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in others.items())
    await cli("mappings", "import", "-", stdin=lines)
    await cli("connections", "pause", "S1", "--side", "ar")

    unpicked = await cli("connect", "S2", "--template", "S1")
    assert unpicked.code == 2
    assert "sage.entityId is not answered" in unpicked.err
    done = await cli("connect", "S2", "--template", "S1", "--entity", "200")
    assert done.code == 0, done
    before = await exported(cli)
    mine = {key for key in before if key.startswith("S2/")}
    assert mine == {key.replace("S1/", "S2/") for key in before if key.startswith("S1/")} - {
        "S2/catalogue/accessorials/Lumper"
    }
    assert (before["S2/connection"]["entityId"], before["S2/connection"]["locationId"]) == ("200", "200")
    assert before["S2/connection"].get("ar", {}).get("active", True)

    await cli("mappings", "set", "S1", "ap", "Fuel", "Gas", "50510")
    after = await exported(cli)
    assert after["S2/account/ap/fuel/Gas"] == before["S2/account/ap/fuel/Gas"]
    third = await cli("connect", "S3", "--template", "S1", "--entity", "100")  # shared with S1
    assert third.code == 0


@pytest.mark.requirement(29, 30, 31)
@pytest.mark.feature("disconnect")
async def test_the_entity_is_permanent_until_a_disconnect_takes_everything_with_it(cli: Cli, sim):
    assert (await cli("connect", "S1", *EAST, *MASTERS)).code == 0
    assert (await cli("connect", "S2", *EAST, *MASTERS)).code == 0
    before = await exported(cli)
    again = await cli("connect", "S1", *EAST[:-1], "200", *MASTERS)
    assert again.code == 2
    assert "is connected already, to entity 100 of company BLUEMESA" in again.err
    for change in ({"entityId": "200"}, {"companyId": "HIGHLINE"}, {"activatedAt": "2026-01-01T00:00:00Z"}, None):
        value = None if change is None else before["S1/connection"] | change
        entries = json.dumps({"key": "S1/connection", "value": value})
        refused = await cli("mappings", "import", "-", stdin=entries)
        assert refused.code == 2, refused
        assert "alvys-sage disconnect S1" in refused.err or "not moved back" in refused.err
        assert (await cli("mappings", "import", "-", "--dry-run", stdin=entries)).code == 2
    assert await exported(cli) == before

    dry = await cli("disconnect", "S1")
    assert dry.out.splitlines()[1:] == [
        "S1/connection",
        "S1/account/ap/default/default",
        "S1/account/ar/default/default",
    ]
    assert await exported(cli) == before
    assert (await cli("disconnect", "S1", "--execute")).code == 0
    assert {key.split("/")[0] for key in await exported(cli)} == {"S2"}
    assert (await cli("mappings", "status")).code == 0, "a disconnect clears master Defaults as meant"
    assert (await cli("disconnect", "S1")).code == 1
    assert (await cli("connect", "S1", *EAST[:-1], "200", *MASTERS)).code == 0
    assert sim.store.state()["BLUEMESA"]["invoices"] == 0


@pytest.mark.requirement(9)
@pytest.mark.feature("switches", "last switch", "pause per side", "ar.active", "ap.active")
async def test_switches_keep_the_activation_and_the_last_side_stays_on(cli: Cli):
    await cli("connect", "S1", *EAST, *MASTERS, "--no-activate")
    assert (await shown(cli, "S1"))["state"] == "Not Set Up"
    assert (await cli("connections", "resume", "S1")).code == 0
    since = (await shown(cli, "S1"))["activatedAt"]
    assert since is not None
    assert (await cli("connections", "pause", "S1")).out.startswith("S1: Paused, AR on, AP on")
    assert (await cli("connections", "resume", "S1", "--side", "ar")).code == 0
    assert (await cli("connections", "pause", "S1", "--side", "ar")).out.startswith("S1: Paused, AR off, AP on")
    last = await cli("connections", "pause", "S1", "--side", "ap")
    assert last.code == 2
    assert "use the master switch" in last.err
    resumed = await cli("connections", "resume", "S1")
    assert resumed.out.startswith("S1: Active, AR off, AP on")
    assert (await shown(cli, "S1"))["activatedAt"] == since


@pytest.mark.requirement(34)
async def test_only_the_three_roles_may_and_everyone_else_is_refused_by_name(cli: Cli, tmp_path):
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"ana": "Admin", "Paul": "Partner Admin", "sue": "support", "dan": "Dispatcher"}))
    roles = {"ALVYS_SAGE_ROLES_FILE": str(people)}
    changes = (
        ("connect", "S1", *EAST, *MASTERS),
        ("disconnect", "S1", "--execute"),
        ("connections", "resume", "S1"),
        ("mappings", "set", "S1", "ap", "Fuel", "50500"),
        ("connections", "list"),
        ("doctor",),
    )
    for change in changes:
        refused = await cli(*change, "--by", "dan", **roles)
        assert refused.code == 2, change
        assert "NOT_ALLOWED: 'dan' has the role 'Dispatcher'; Admin, Partner Admin, Support may" in refused.err
    assert await exported(cli) == {}
    unknown = await cli("mappings", "set", "S1", "ap", "Fuel", "1", **roles)
    assert "NOT_ALLOWED: 'accountant' is not in the roles file" in unknown.err
    for name in ("ana", "paul", "SUE"):
        assert (
            await cli("mappings", "set", "S1", "ap", "Fuel", "50500", "--unchecked", "--by", name, **roles)
        ).code == 0
    people.write_text("[]")
    broken = await cli("mappings", "set", "S1", "ap", "Fuel", "1", "--by", "ana", **roles)
    assert broken.code == 2
    assert "ALVYS_SAGE_ROLES_FILE" in broken.err


@pytest.mark.requirement(16)
async def test_each_change_keeps_who_and_when(cli: Cli, bootstrap: str, topic_prefix: str):
    await cli("connect", "S1", *EAST, *MASTERS, "--by", "kim")
    await cli("disconnect", "S1", "--execute", "--by", "lee")
    records = await read_to_end(bootstrap, [TopicPartition(f"{topic_prefix}mapping-state", 0)])
    who = [(each.key, each.value is None, dict(each.headers)["by"]) for each in records]
    assert {by for _, gone, by in who if gone} == {b"lee"}
    assert {by for _, gone, by in who if not gone} == {b"kim"}
    assert who[2][0] == who[3][0] == b"S1/connection", "written last, removed first"
    assert b"user-secret" not in b"".join(each.value or b"" for each in records)


@pytest.mark.requirement(79, 81, 82, 83)
async def test_accounts_are_shown_by_id_and_name_grouped_by_account_type(cli: Cli, sim):
    await cli("connect", "S1", *EAST, *MASTERS)
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "50600", {"STATUS": "inactive"})
    rows = [line.split("\t") for line in (await cli("accounts", "S1")).out.splitlines()[1:]]
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=lambda kind: kind != "Income statement")
    assert ["Income statement", "40010 - Customer linehaul", "active"] in rows
    assert ["Balance sheet", "12000 - Accounts receivable", "active"] in rows
    assert not any("50600" in row[1] for row in rows)
    everything = json.loads((await cli("accounts", "S1", "--all", "--json")).out)
    assert {each["account"]: each["active"] for each in everything}["50600"] is False
    assert (await cli("accounts", "S9")).code == 1


async def test_the_doctor_answers_with_honest_exit_codes(cli: Cli, sim):
    assert (await cli("doctor")).code == 1
    await cli("connect", "S1", *EAST, *MASTERS)
    well = await cli("doctor", "--json")
    assert well.code == 0
    assert json.loads(well.out)[0]["state"] == "Active"
    sim.store.configure("BLUEMESA", web_services=False)
    ill = await cli("doctor", "S1")
    assert ill.code == 1
    assert "error: SENDER_NOT_AUTHORISED" in ill.out
    assert "2. Company > Admin > Subscriptions: scroll down to Web Services" in ill.out
    assert (await cli("doctor", "S2")).code == 1


@pytest.mark.requirement(9, 10, 49, 50, 51)
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("backfill", "only transactions created after the connection was activated are exported"),
        ("migrate", "Historical data migration is not supported"),
        ("export-payments", "Payments cannot be exported from Alvys to Sage Intacct"),
        ("payroll", "payroll features are not integrated"),
    ],
)
def test_what_is_not_supported_is_refused_in_the_words_of_the_article(run, asked: str, said: str):
    refused = run(asked, "--all", "S1")
    assert refused.code == 2
    assert said in refused.err
    assert asked not in run("--help").out


class Person:
    """Somebody at a terminal: waits for a text on the screen, then types."""

    def __init__(self, variables: dict[str, str], *arguments: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ALVYS_SAGE_")}
        self.screen = ""
        self._read_to = 0
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # it may be ignored here, as in a shell's background
            os.execve(sys.executable, [sys.executable, "-m", "app", *arguments], clean | variables | {"TERM": "dumb"})

    def sees(self, text: str) -> None:
        while (at := self.screen.find(text, self._read_to)) < 0:
            assert self._more(), f"{text!r} did not come; the screen: {self.screen[self._read_to :]}"
        self._read_to = at + len(text)

    def types(self, text: str) -> None:
        os.write(self._terminal, text.encode() + b"\n")

    def interrupts(self) -> None:
        os.write(self._terminal, b"\x03")

    def leaves(self) -> int:
        while self._more():
            pass
        os.close(self._terminal)
        end = time.monotonic() + 30
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"it did not leave; the screen: {self.screen}")
            time.sleep(0.02)
        return os.waitstatus_to_exitcode(ended[1])

    def _more(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], 30)
        try:
            got = os.read(self._terminal, 65536) if ready else b""
        except OSError:  # how a terminal ends on Linux
            got = b""
        self.screen += got.decode(errors="replace")
        return bool(got)


@pytest.mark.requirement(13, 14, 20, 81, 85)
@pytest.mark.feature("set-up wizard")
async def test_a_person_walks_through_the_six_steps_and_mends_what_finish_up_finds(cli: Cli, sim, variables):
    def walk() -> int:
        person = Person(
            variables | {"COLUMNS": "200", "USER": "kim", "ALVYS_SAGE_CLIENT_APPLICATION_ID": "alvys.app.1"}, "connect"
        )
        for seen, typed in (
            ("Step 1 of 6: Select Subsidiary", None),
            ("subsidiary's id in Alvys", "S1"),
            ("Step 2 of 6: Connect to Sage", None),
            ("Sender ID: AlvysMPP", None),
            ("Alvys Client ID: alvys.app.1", None),
            ("Company ID", "BLUEMESE"),
            ("Name of the credentials", "blue-mesa"),
            ("Sign-in information is incorrect", None),
            ("Company ID (BLUEMESE)", "BLUEMESA"),
            ("Name of the credentials", ""),
            ("Sage Intacct lets the user in", None),
            ("100 - Blue Mesa Transport", None),
            ("Where should transactions be posted in Sage?", "100"),
            ("Step 3 of 6: Accounts Payable", None),
            ("Income statement", None),
            ("50000 - Freight expense", None),
            ("Default account of AP", "99"),
            ("'99' is none of them", "50000"),
            ("Change other settings of AP?", "n"),
            ("Step 4 of 6: Accounts Receivable", None),
            ("Default account of AR", "40000"),
            ("Change other settings of AR?", "y"),
            ("Autopost Invoices", "n"),
            ("PO Number Mapping", "po"),
            ("Name Matching Fallback", ""),
            ("Auto Create Customer", ""),
            ("Update customers", ""),
            ("credit memos", ""),
            ("Include accessorials on invoices [ar.includeAccessorials]", ""),
            ("[ar.includeEChecks]", ""),
            ("deductions as credits", ""),
            ("Correct posted, unpaid invoices by", ""),
            ("Step 5 of 6: Advanced Settings", None),
            ("Location of every line", "999"),
            ("Terms in Sage Intacct: Net 15, Net 30, Net 45, Net 7", None),
            ("Default Payment Terms", ""),
            ("Fallback", "Net 30"),
            ("Cross Subsidiary Billing", "n"),
            ("Step 6 of 6: Finish Up", None),
            ("location 999 does not exist in Sage", None),
            ("wizard step 5, Advanced Settings", None),
            ("Go back to which step?", "5"),
            ("Location of every line", "110"),
            ("Default Payment Terms", ""),
            ("Fallback", ""),
            ("Cross Subsidiary Billing", "n"),
            ("S1: Active, 0 errors", None),
        ):
            person.sees(seen)
            if typed is not None:
                person.types(typed)
        return person.leaves()

    assert await asyncio.to_thread(walk) == 0
    connection = (await exported(cli))["S1/connection"]
    assert (connection["entityId"], connection["locationId"]) == ("100", "110")
    assert connection["ar"] == {"autopost": False, "poNumber": "po"}
    assert connection["terms"] == {"fallback": "Net 30"}


def through(person: Person, *seen_and_typed: tuple[str, str | None]) -> None:
    for seen, typed in seen_and_typed:
        person.sees(seen)
        if typed is not None:
            person.types(typed)


TO_STEP_FIVE = (
    ("Company ID", "BLUEMESA"),
    ("Name of the credentials", "blue-mesa"),
    ("Where should transactions be posted in Sage?", "100"),
    ("Default account of AP", "50000"),
    ("Change other settings of AP?", "n"),
    ("Default account of AR", "40000"),
    ("Change other settings of AR?", "n"),
)


@pytest.mark.feature("set-up wizard")
async def test_a_failure_in_a_late_step_keeps_every_answer_and_goes_back_to_a_step(cli: Cli, sim, variables):
    def walk() -> tuple[int, str]:
        person = Person(variables | {"COLUMNS": "200", "USER": "kim"}, "connect", "S1")
        through(person, *TO_STEP_FIVE)
        person.sees("Location of every line")
        sim.faults.add(Fault(kind="http_error", function="query"))
        person.types("110")
        person.sees("error: Sage Intacct:")
        person.sees("Your answers are kept")
        sim.faults.clear()
        person.types("5")
        through(
            person,
            ("[locationId] (110)", ""),
            ("[terms.default]", ""),
            ("[terms.fallback]", ""),
            ("[crossSubsidiary]", "n"),
            ("S1: Active, 0 errors", None),
        )
        return person.leaves(), person.screen

    code, screen = await asyncio.to_thread(walk)
    assert code == 0
    findings = re.findall(r"\w*NOT_CHECKED", screen)
    assert sorted(findings) == ["CORRECTION_NOT_CHECKED", "CORRECTION_NOT_CHECKED", "NOT_CHECKED"], "each shown once"
    assert (await exported(cli))["S1/connection"]["locationId"] == "110"


@pytest.mark.feature("set-up wizard")
async def test_answers_outlive_an_interrupt_in_a_file_that_goes_on(cli: Cli, variables, tmp_path):
    def leave() -> tuple[int, str, str]:
        person = Person(variables | {"COLUMNS": "300", "USER": "kim", "TMPDIR": str(tmp_path)}, "connect", "S1")
        through(person, *TO_STEP_FIVE[:-2])
        person.sees("Default account of AR")
        person.interrupts()
        person.sees("Go on with your answers: ")
        code = person.leaves()
        [file] = tmp_path.iterdir()
        assert f"alvys-sage connect --answers {file}" in person.screen
        return code, str(file), file.read_text()

    code, file, kept = await asyncio.to_thread(leave)
    assert code == 130
    assert "user-secret" not in kept
    assert await exported(cli) == {}
    done = await cli("connect", "--answers", file, "--revenue", "40000")
    assert done.code == 0, done.err
    assert (await exported(cli))["S1/account/ap/default/default"]["account"] == "50000"


@pytest.mark.feature("set-up wizard")
async def test_carriers_linked_by_number_need_the_name_of_a_field_asked_as_a_text(cli: Cli, variables):
    def walk() -> int:
        person = Person(variables | {"COLUMNS": "200", "USER": "kim"}, "connect", "S1")
        through(person, *TO_STEP_FIVE[:4], ("Change other settings of AP?", "y"))
        for name in infos():
            part, _, last = name.partition(".")
            if part == "ap" and last not in ("linkCarriersBy", "carrierNumberField"):
                through(person, (f"[{name}]", ""))
            elif last == "linkCarriersBy":
                through(person, (f"[{name}] (external-id)", "mc"))
            elif last == "carrierNumberField":
                through(person, (f"[{name}]:", ""), ("Please answer.", None), (f"[{name}]:", "n o"))
                through(person, ("carrierNumberField: ", None), (f"[{name}]:", "MC_NUMBER"))
        through(person, *TO_STEP_FIVE[5:], ("[locationId]", ""), ("[terms.default]", ""), ("[terms.fallback]", ""))
        through(person, ("[crossSubsidiary]", "n"), ("vendors in Sage have no field MC_NUMBER", None))
        through(person, ("Go back to which step?", ""))
        return person.leaves()

    assert await asyncio.to_thread(walk) == 1
    connection = (await exported(cli))["S1/connection"]
    assert connection["ap"] == {"linkCarriersBy": "mc", "carrierNumberField": "MC_NUMBER"}
    assert connection["state"] == "paused"


@pytest.mark.feature("set-up wizard")
async def test_linking_by_number_without_its_field_is_never_active(cli: Cli, tmp_path):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps({"ap": {"linkCarriersBy": "mc"}}))
    refused = await cli("connect", "S1", "--answers", str(file), *EAST, *MASTERS)
    assert refused.code == 1
    assert "CARRIER_NUMBER_FIELD_UNSET" in refused.out
    assert (await shown(cli, "S1"))["state"] == "Not Set Up"


async def test_a_wizard_that_is_left_before_its_end_writes_nothing(cli: Cli, variables):
    def leave() -> int:
        person = Person(variables | {"USER": "kim"}, "connect", "S1")
        person.sees("ALVYS_SAGE_ROLES_FILE is not set: anyone may change this installation")
        person.sees("Company ID")
        person.types("BLUEMESA")
        person.sees("Name of the credentials")
        person.interrupts()
        return person.leaves()

    assert await asyncio.to_thread(leave) == 130
    assert await exported(cli) == {}


@pytest.mark.feature("disconnect")
async def test_a_disconnect_of_what_was_never_connected_says_so_and_leaves_no_alarm(cli: Cli):
    leftover = {"key": "S9/account/ap/default/default", "value": {"account": "50000"}}
    assert (await cli("mappings", "import", "-", stdin=json.dumps(leftover))).code == 0
    done = await cli("disconnect", "S9", "--execute", "--json")
    assert done.code == 0
    assert json.loads(done.out) == {"executed": True, "connected": False, "keys": [leftover["key"]]}
    assert "S9 is not connected to Sage Intacct" in done.err
    assert "credentials" not in done.err
    assert (await cli("mappings", "status")).code == 0
    assert (await cli("mappings", "list")).code == 0
    again = await cli("disconnect", "S9", "--execute")
    assert (again.code, "neither a connection nor settings" in again.err) == (1, True)
