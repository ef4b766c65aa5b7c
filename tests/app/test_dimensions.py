"""``alvys-sage dimensions`` and ``custom-fields``: set up from a terminal, checked against Sage over real HTTP."""

import json

import pytest

from simulator import Simulator, demo_seed
from tests.support.customized_company import COMPANY
from tests.support.world import SUBSIDIARY


@pytest.fixture
async def alvys_sage(command, world):
    """Runs ``alvys-sage`` for a subsidiary that is connected to a simulated company of many kinds."""
    async with Simulator(senders=demo_seed().senders, companies=[COMPANY]) as gateway:
        variables = {
            "ALVYS_SAGE_GATEWAY_URL": gateway.url,
            "ALVYS_SAGE_SENDER_PASSWORD": "sender-secret",
            "ALVYS_SAGE_CREDENTIALS__ACME__USER": "u",
            "ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD": "p",
        }

        async def run(*arguments):
            return await command(*arguments, **variables)

        yield run


def table(out):
    header, *rows = [line.split("\t") for line in out.splitlines()]
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


@pytest.mark.requirement(7, 45, 46, 47, 48)
@pytest.mark.feature("dimensions")
async def test_dimensions_are_listed_with_why_one_is_not_offered_and_set_checked_against_sage(alvys_sage):
    listed = await alvys_sage("dimensions", "list", SUBSIDIARY)
    assert listed.code == 0, listed.err
    rows = table(listed.out)
    assert rows["department"]["OFFERED"] == "yes"
    assert "enable it for GL posting in Sage Intacct, or contact support" in rows["project"]["OFFERED"]
    assert rows["rig"]["OFFERED"] == "no: Unable to retrieve values for dimension from Sage Intacct."
    assert rows["line-of-business"]["KIND"] == "user-defined"

    refused = await alvys_sage("dimensions", "set", SUBSIDIARY, "rig", "--source", "truck")
    assert refused.code != 0
    assert "error: Unable to retrieve values for dimension from Sage Intacct.\n" in refused.err
    for words, said in {
        ("set", SUBSIDIARY, "project", "--source", "fleet"): "not enabled for GL posting",
        ("set", SUBSIDIARY, "weather", "--source", "fleet"): "is not a dimension",
        ("set", SUBSIDIARY, "department", "--default", "OLD"): "is inactive",
        ("set", SUBSIDIARY, "department", "--default", "SUM"): "is active non-posting",
        ("set", SUBSIDIARY, "department"): "neither a source nor a default",
        ("value", SUBSIDIARY, "department", "Dallas", "Operations"): "the one of that name has the id OPS",
    }.items():
        refused = await alvys_sage("dimensions", *words)
        assert (refused.code, said in refused.err) == (2, True), refused

    done = await alvys_sage("dimensions", "set", SUBSIDIARY, "Line of business", "--source", "fleet", "--json")
    assert json.loads(done.out) == {
        "key": f"{SUBSIDIARY}/dimension/line-of-business",
        "value": {"source": "fleet", "userDefined": "LINE_OF_BUSINESS"},
    }
    done = await alvys_sage("dimensions", "value", SUBSIDIARY, "line-of-business", "West Fleet", "10002")
    assert done.out == f"{SUBSIDIARY}/dimension/line-of-business/West Fleet: value 10002, title Reefer\n"
    rows = table((await alvys_sage("dimensions", "list", SUBSIDIARY)).out)
    assert rows["line-of-business"]["MAPPED"] == "fleet"
    values = table((await alvys_sage("dimensions", "values", SUBSIDIARY, "department")).out)
    assert {name: row["STATUS"] for name, row in values.items()} == {
        "OPS": "can be posted to",
        "OLD": "is inactive",
        "SUM": "is active non-posting",
    }
    cleared = await alvys_sage("dimensions", "clear", SUBSIDIARY, "line-of-business", "west fleet")
    assert cleared.out == f"{SUBSIDIARY}/dimension/line-of-business/West Fleet: cleared\n"


@pytest.mark.requirement(8, 44, 45)
@pytest.mark.feature("custom fields")
async def test_custom_fields_are_listed_and_set_checked_against_sage(alvys_sage):
    listed = await alvys_sage("custom-fields", "list", SUBSIDIARY)
    assert listed.code == 1, "a field that Sage requires is not mapped"
    rows = table(listed.out)
    assert (rows["A_TEXT"]["TYPE"], rows["A_TEXT"]["CHARS"], rows["A_TEXT"]["OFFERED"]) == ("Text", "-", "yes")
    assert rows["A_PICKLIST"]["OFFERED"] == "no: its type Picklist is not supported"

    for words, said in {
        ("set", SUBSIDIARY, "apbill", "A_CHECKBOX", "--source", "load.office"): "its type Checkbox is not supported",
        ("set", SUBSIDIARY, "apbill", "NOWHERE", "--source", "load.office"): "has no custom field",
        ("set", SUBSIDIARY, "vendor", "X", "--source", "load.office"): "not an object with custom fields",
        ("set", SUBSIDIARY, "arinvoice", "A_DATE", "--source", "load.office"): "does not take text values",
        ("set", SUBSIDIARY, "arinvoice", "A_DATE", "--source", "load.createdDate", "--type", "text"): "Date field",
    }.items():
        refused = await alvys_sage("custom-fields", *words)
        assert (refused.code, said in refused.err) == (2, True), refused

    done = await alvys_sage(
        "custom-fields", "set", SUBSIDIARY, "arinvoice", "a_number", "--source", "customer.miles", "--json"
    )
    assert json.loads(done.out) == {
        "key": f"{SUBSIDIARY}/custom-field/arinvoice/A_NUMBER",
        "value": {"source": "customer.miles", "type": "number", "required": True},
    }
    done = await alvys_sage("custom-fields", "set", SUBSIDIARY, "arinvoice", "A_TEXT", "--source", "load.bolNumber")
    assert "maxLength" not in done.out, "Sage tells no lengths"
    more = ("--source", "load.bolNumber", "--max-length", "40")
    done = await alvys_sage("custom-fields", "set", SUBSIDIARY, "arinvoice", "A_TEXT", *more)
    assert "maxLength 40" in done.out
    listed = await alvys_sage("custom-fields", "list", SUBSIDIARY)
    assert listed.code == 0
    assert table(listed.out)["A_NUMBER"]["MAPPED"] == "customer.miles"
    assert table(listed.out)["A_TEXT"]["CHARS"] == "40"
    cleared = await alvys_sage("custom-fields", "clear", SUBSIDIARY, "arinvoice", "a_text")
    assert cleared.out == f"{SUBSIDIARY}/custom-field/arinvoice/A_TEXT: cleared\n"
    offered = table((await alvys_sage("custom-fields", "sources")).out)
    assert offered["load.weight"]["FIELD TYPES"] == "Currency, Number, Text, Text Area"
    assert len(offered) == 41
