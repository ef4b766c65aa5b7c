"""``alvys-sage mappings``: the Account Mappings tab from a terminal, against a live topic."""

import json

import pytest
from aiokafka import TopicPartition

from app.commands.mapping_history import _newest_first
from app.mapping_history import Version
from domain.categories import CATEGORIES, Category
from producers.mapping_state import FormerValue
from tests.support.kafka import COMPACTED, create_topic, producing, read_to_end
from tests.support.mapping_topic import put

CONNECTION = {
    "companyId": "acme",
    "credentials": "acme",
    "state": "active",
    "activatedAt": "2026-01-01T00:00:00-06:00",
    "entityId": "E100",
}


def lines(*entries: tuple[str, object]) -> str:
    return "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in entries)


@pytest.fixture
async def on_mappings(run, bootstrap: str, topic_prefix: str):
    """Runs ``alvys-sage mappings`` on a mapping-state topic of this test alone."""
    await create_topic(bootstrap, f"{topic_prefix}mapping-state", config=COMPACTED)
    variables = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "ALVYS_SAGE_TOPIC_PREFIX": topic_prefix}

    def mappings(*arguments: str, stdin: str = ""):
        # No connection and no Sage here: what is looked up there is tested in test_mapping_checks.
        unchecked = ("--unchecked",) if arguments[0] in ("set", "vendor") else ()
        return run("mappings", *arguments, *unchecked, stdin=stdin, **variables)

    return mappings


@pytest.mark.requirement(54, 55, 63)
def test_specific_then_category_then_default_and_back_as_they_are_cleared(on_mappings):
    unmapped = on_mappings("explain", "S1", "ap", "Fuel", "Truck Diesel", "--json")
    assert unmapped.code == 1
    assert json.loads(unmapped.out)["answer"] is None

    def answer() -> tuple[str, str]:
        found = json.loads(on_mappings("explain", "S1", "ap", "fuel", "truck diesel", "--json").out)["answer"]
        return found["account"], found["level"]

    assert on_mappings("set", "S1", "ap", "Default", "5000", "--title", "Expense").code == 0
    assert answer() == ("5000", "default")
    assert on_mappings("set", "S1", "ap", "fuel", "5100").code == 0
    assert answer() == ("5100", "category")
    assert on_mappings("set", "S1", "AP", "Fuel", "TRUCK DIESEL", "5110", "--title", "Diesel").code == 0
    assert answer() == ("5110", "specific")

    cleared = on_mappings("clear", "S1", "ap", "Fuel", "truck diesel")
    assert "5100 answers: level category" in cleared.out
    assert on_mappings("clear", "S1", "ap", "Fuel").code == 0
    assert answer() == ("5000", "default")


@pytest.mark.requirement(58)
def test_the_default_mapping_cannot_be_cleared_only_changed(on_mappings):
    on_mappings("set", "S1", "ar", "Default", "4000")
    for words in (("Default",), ("default", "default"), ("Default", "Revenue")):
        refused = on_mappings("clear", "S1", "ar", *words)
        assert refused.code == 2
        assert "The Default mapping cannot be cleared, only changed" in refused.err
        assert "MASTER_DEFAULT_CANNOT_BE_CLEARED" in refused.err
    assert on_mappings("set", "S1", "ar", "Default", "4001").code == 0
    assert "4001 answers" in on_mappings("explain", "S1", "ar", "Load").out


@pytest.mark.requirement(57, 80, 81)
def test_the_list_shows_the_nine_categories_and_marks_the_default_as_required(on_mappings):
    on_mappings("set", "S1", "ap", "Default", "5000", "--title", "Direct Expense")
    on_mappings("set", "S1", "ap", "Trip", "Per Mile", "5200")
    listed = on_mappings("list", "--subsidiary", "S1")
    assert listed.code == 0
    assert "S1\tDefault\tAP\tExpense (required)\t5000 - Direct Expense\n" in listed.out
    assert "S1\tDefault\tAR\tRevenue (required)\tnot set\n" in listed.out
    assert "S1\tTrip\tAP\tPer Mile\t5200\n" in listed.out
    assert len({line.split("\t")[1] for line in listed.out.splitlines()[1:]}) == 9
    assert "Load\tAP" not in listed.out
    only = json.loads(on_mappings("list", "--side", "ap", "--category", "Trip", "--json").out)["mappings"]
    assert [row["item"] for row in only] == ["default", *CATEGORIES[Category.TRIP].items], "set or not"
    answers = {row["item"]: (row["account"], row["answer"]) for row in only}
    assert answers["Per Mile"] == ("5200", {"account": "5200", "level": "specific"})
    assert answers["Per Stop"] == (None, {"account": "5000", "level": "default"})
    assert "S1\tTrip\tAP\tPer Stop\tnot set: falls to Default: 5000 - Direct Expense\n" in listed.out


def test_the_list_shows_the_companys_own_types_and_which_level_answers_for_each(on_mappings):
    entries = lines(
        ("S1/account/ap/default/default", {"account": "5000"}),
        ("S1/account/ap/accessorials/default", {"account": "5400", "title": "Accessorials"}),
        ("S1/catalogue/accessorials/Lumper / unload", {}),
        ("S1/catalogue/deductions/Phone", {"name": "Phone"}),
        ("S1/catalogue/e-checks/Comdata", {}),
        ("S1/account/ap/deductions/phone", {"account": "5300"}),
    )
    assert on_mappings("import", "-", stdin=entries).code == 0
    listed = on_mappings("list", "--subsidiary", "S1", "--side", "ap").out
    own = "S1\tAccessorials\tAP\tLumper / unload\tnot set: falls to Accessorial (default): 5400 - Accessorials\n"
    assert own in listed
    assert "S1\tE-checks\tAP\tComdata\tnot set: falls to Default: 5000\n" in listed
    assert "S1\tDeductions\tAP\tPhone\t5300\n" in listed
    assert listed.count("Phone") == listed.count("phone") + 1 == 1, "one setting, one row"
    nobody = on_mappings("list", "--subsidiary", "S2")
    assert (nobody.code, "'S2' has neither a connection nor settings" in nobody.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("S1", "xx", "Fuel", "5"), "'xx' is not a side"),
        (("S1", "ap", "Fule", "5"), "'Fule' is not a category: Default, Load, Trip"),
        (("S1", "ap", "Load", "5"), "Load exists on AR only, not on AP"),
        (("S1", "ar", "Trip", "5"), "Trip exists on AP only, not on AR"),
        (("S1", "ap", "Default", "Rent", "5"), "the Default category has one account a side"),
        (("S/1", "ap", "Fuel", "5"), "'S/1' is not a subsidiary's id"),
        (("S1", "ap", "Fuel", " "), "account"),
        (("S1", "ap", "Fuel", "Gas", "5", "6"), "expected [ITEM] ACCOUNT"),
    ],
)
def test_what_cannot_be_set_is_refused_before_anything_is_written(on_mappings, words: tuple[str, ...], said: str):
    refused = on_mappings("set", *words)
    assert refused.code == 2
    assert said in refused.err
    assert json.loads(on_mappings("status", "--json").out)["records"] == 0


def test_an_item_outside_a_closed_list_is_accepted_with_a_note(on_mappings):
    taken = on_mappings("set", "S1", "ap", "Fuel", "Hydrogen", "5170")
    assert taken.code == 0
    assert "Fuel lists no item 'Hydrogen'" in taken.err
    assert "lists no item" not in on_mappings("set", "S1", "ap", "Deductions", "Phone", "5300").err


def test_an_import_writes_all_kinds_of_settings_and_an_export_reads_back(on_mappings):
    entries = lines(
        ("S1/connection", CONNECTION),
        ("S1/account/ap/default/default", {"account": "5000", "title": "Expense"}),
        ("S1/account/ap/accessorials/Detention / Layover", {"account": "5400"}),
        ("S1/vendor/fuel/EFS", {"vendorId": "V-EFS"}),
        ("S1/dimension/department/East", {"value": "10"}),
    )
    assert on_mappings("import", "-", stdin=entries).code == 0
    exported = on_mappings("export")
    assert exported.code == 0
    assert {json.loads(line)["key"] for line in exported.out.splitlines()} == {
        json.loads(line)["key"] for line in entries.splitlines()
    }
    again = json.loads(on_mappings("import", "-", "--json", stdin=exported.out).out)["changes"]
    assert {change["action"] for change in again} == {"unchanged"}


def test_an_import_with_one_fault_names_every_line_and_writes_nothing(on_mappings, tmp_path):
    file = tmp_path / "settings.jsonl"
    file.write_text(
        lines(("S1/account/ap/default/default", {"account": "5000"}), ("S1/account/ap/load/default", {"account": "1"}))
        + "{broken\n"
        + lines(
            ("S1/account/ar/default/Revenue", None),
            ("S1/account/ap/fuel/Gas", {"account": 5}),
            ("S1/connection", CONNECTION | {"password": "geheim"}),
            ("S1/account/ap/DEFAULT/default", {"account": "1"}),
            ("S1/account/ap/fuel/gas", {"account": "5"}),
        )
    )
    refused = on_mappings("import", str(file))
    assert refused.code == 2
    told = [line.partition(f"{file}: ")[2] for line in refused.err.splitlines()[:-1]]
    assert [line.partition(":")[0] for line in told] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8)]
    assert "MASTER_DEFAULT_CANNOT_BE_CLEARED" in told[2]
    assert "geheim" not in refused.err
    assert "set twice, first in line 5" in told[6]
    assert json.loads(on_mappings("status", "--json").out)["records"] == 0


def test_a_csv_file_is_imported_and_a_dry_run_only_says_what_would_change(on_mappings, tmp_path):
    file = tmp_path / "accounts.csv"
    file.write_text(
        "subsidiary,side,category,item,account,title\nS1,AP,default,,5000,Expense\nS1,ap,fuel,Truck Diesel,5110,\n"
    )
    dry = on_mappings("import", str(file), "--dry-run")
    assert dry.code == 0
    assert "2 settings would change" in dry.err
    assert json.loads(on_mappings("status", "--json").out)["records"] == 0
    assert on_mappings("import", str(file)).code == 0
    assert "5110 answers: level specific" in on_mappings("explain", "S1", "ap", "fuel", "Truck Diesel").out


def test_an_import_can_clear_and_writes_no_second_spelling(on_mappings):
    on_mappings(
        "import",
        "-",
        stdin=lines(("S1/account/ap/fuel/Gas", {"account": "1"}), ("S1/vendor/toll/X", {"vendorId": "V"})),
    )
    changed = on_mappings(
        "import", "-", stdin=lines(("S1/account/ap/fuel/GAS", {"account": "2"}), ("S1/vendor/toll/x", None))
    )
    assert changed.code == 0
    assert [json.loads(line) for line in on_mappings("export").out.splitlines()] == [
        {"key": "S1/account/ap/fuel/Gas", "value": {"account": "2"}}
    ]


def test_a_vendor_is_set(on_mappings):
    assert on_mappings("vendor", "S1", "fuel", "EFS", "V-EFS", "--name", "EFS LLC").code == 0
    assert '"vendorId": "V-EFS"' in on_mappings("export").out


async def test_who_wrote_and_when_stands_in_the_record(on_mappings, bootstrap: str, topic_prefix: str):
    on_mappings("set", "S1", "ap", "Fuel", "5100", "--by", "kim")
    on_mappings("clear", "S1", "ap", "Fuel")
    written, cleared = await read_to_end(bootstrap, [TopicPartition(f"{topic_prefix}mapping-state", 0)])
    value = json.loads(written.value or b"")
    assert value["account"] == "5100"
    assert value["by"] == "kim"
    assert value["at"].endswith("+00:00")
    assert cleared.value is None
    assert dict(cleared.headers)["by"] == b"accountant"


@pytest.mark.requirement(58)
def test_of_changes_within_a_second_the_later_is_the_newer():
    def version(by: str) -> Version:
        return Version("S1/connection", FormerValue("2026-06-11T08:00:00Z", by, "1"))

    history = {"s1/connection": [version("kim"), version("ana")]}
    assert [each.by for each in _newest_first(history)] == ["ana", "kim"]


async def test_problems_of_other_writers_are_listed_with_exit_code_1(on_mappings, bootstrap: str, topic_prefix: str):
    topic = f"{topic_prefix}mapping-state"
    async with producing(bootstrap) as producer:
        await put(producer, topic, "S1/account/ap/fuel/Gas", b"not json")
        await put(producer, topic, "S1/account/ap/default/default", None)
    listed = on_mappings("list")
    assert listed.code == 1
    assert "SETTING_INVALID: S1/account/ap/fuel/Gas at offset 0" in listed.err
    assert "MASTER_DEFAULT_CLEARED: S1/account/ap/default/default at offset 1" in listed.err
    assert on_mappings("status").code == 1
    assert on_mappings("explain", "S1", "ap", "Fuel", "Gas").code == 1
    assert on_mappings("export").code == 1
