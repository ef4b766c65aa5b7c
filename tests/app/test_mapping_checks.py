"""Mappings from the command line before a simulated company: checked, named by it, listed, cleared, remembered."""

import json

import pytest
from aiokafka import TopicPartition

from tests.support.command_line import EAST, MASTERS, Cli, exported
from tests.support.kafka import read_to_end


@pytest.fixture
async def connected(cli: Cli) -> Cli:
    assert (await cli("connect", "S1", *EAST, *MASTERS)).code == 0
    return cli


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "S1", "ap", "Fuel", "99999"), "GL account '99999' does not exist in Sage Intacct"),
        (("set", "NOPE", "ap", "Fuel", "50500"), "subsidiary 'NOPE' has no connection: `alvys-sage connect NOPE`"),
        (("vendor", "S1", "fuel", "EFS", "VEN-NOPE"), "vendor 'VEN-NOPE' does not exist in Sage Intacct"),
        (("vendor", "NOPE", "fuel", "EFS", "VEN-EFS"), "subsidiary 'NOPE' has no connection"),
        (("intercompany", "S1", "NOPE", "--vendor", "VEN-EFS"), "subsidiary 'NOPE' has no connection"),
        (("intercompany", "S1", "S1", "--customer", "CUST-NOPE"), "customer 'CUST-NOPE' does not exist"),
    ],
)
async def test_what_sage_does_not_have_is_refused_and_written_only_unchecked(connected: Cli, words, said: str):
    before = await exported(connected)
    refused = await connected("mappings", *words)
    assert refused.code == 2
    assert said in refused.err
    assert "--unchecked writes it all the same" in refused.err
    assert await exported(connected) == before
    done = await connected("mappings", *words, "--unchecked")
    assert (done.code, "not checked" in done.err) == (0, True)
    assert await exported(connected) != before


@pytest.mark.parametrize("words", [("set", "S1", "ap", "Fuel", "50500"), ("vendor", "S1", "fuel", "EFS", "VEN-EFS")])
@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"ALVYS_SAGE_GATEWAY_URL": "http://127.0.0.1:9"}, "Sage Intacct:"),
        (
            {"ALVYS_SAGE_CREDENTIALS__BLUE_MESA__USER": "", "ALVYS_SAGE_CREDENTIALS__BLUE_MESA__PASSWORD": ""},
            "ALVYS_SAGE_CREDENTIALS__BLUE_MESA__USER",
        ),
        ({"ALVYS_SAGE_SENDER_PASSWORD": ""}, "ALVYS_SAGE_SENDER_PASSWORD"),
    ],
)
async def test_what_cannot_be_checked_is_told_and_not_taken_for_checked(connected: Cli, words, missing, said: str):
    before = await exported(connected)
    refused = await connected("mappings", *words, **missing)
    assert refused.code == 1
    assert "could not be checked" in refused.err
    assert said in refused.err
    assert await exported(connected) == before
    assert (await connected("mappings", *words, "--unchecked", **missing)).code == 0


async def test_names_are_taken_from_sage_where_none_is_given(connected: Cli):
    assert (await connected("mappings", "set", "S1", "ap", "Fuel", "Gas", "50500")).code == 0
    assert (await connected("mappings", "vendor", "S1", "fuel", "EFS", "VEN-EFS")).code == 0
    assert (await connected("mappings", "set", "S1", "ap", "Toll", "50600", "--title", "Ours")).code == 0
    found = await exported(connected)
    assert found["S1/account/ap/fuel/Gas"]["title"]
    assert found["S1/vendor/fuel/EFS"]["name"]
    assert found["S1/account/ap/toll/default"]["title"] == "Ours"


async def test_an_inactive_account_is_refused(connected: Cli, sim):
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "50500", {"STATUS": "inactive"})
    refused = await connected("mappings", "set", "S1", "ap", "Fuel", "50500")
    assert (refused.code, "'50500' is inactive" in refused.err) == (2, True)


async def test_an_import_says_that_nothing_was_looked_up_and_checks_when_asked(connected: Cli):
    entry = json.dumps({"key": "S1/account/ap/fuel/default", "value": {"account": "99999"}})
    refused = await connected("mappings", "import", "-", "--check", stdin=entry)
    assert (refused.code, "'99999' does not exist" in refused.err) == (2, True)
    done = await connected("mappings", "import", "-", stdin=entry)
    assert (done.code, "was not looked up in Sage Intacct" in done.err) == (0, True)


async def test_vendors_and_intercompany_are_listed_and_cleared(connected: Cli):
    await connected("mappings", "vendor", "S1", "fuel", "EFS", "VEN-EFS")
    assert (await connected("connect", "S2", *EAST, *MASTERS)).code == 0
    both = await connected("mappings", "intercompany", "S1", "S2", "--customer", "CUST-X", "--unchecked")
    assert both.code == 0, both.err
    assert (await connected("mappings", "intercompany", "S1", "S2", "--vendor", "VEN-EFS", "--unchecked")).code == 0
    listed = json.loads((await connected("mappings", "vendors", "--json")).out)
    assert [(each["kind"], each["for"], each["customer"], each["vendor"]) for each in listed] == [
        ("intercompany", "S2", "CUST-X", "VEN-EFS"),
        ("fuel", "EFS", None, "VEN-EFS"),
    ]
    assert (await connected("mappings", "vendor", "S1", "fuel", "efs", "--clear")).code == 0
    assert (await connected("mappings", "intercompany", "S1", "S2", "--clear")).code == 0
    assert (await connected("mappings", "vendors", "--json")).out == "[]\n"
    assert (await connected("mappings", "vendor", "S1", "fuel", "EFS")).code == 2


async def test_who_changed_a_setting_when_and_from_what_outlives_compaction(connected: Cli, bootstrap, topic_prefix):
    key = "S1/account/ap/fuel/default"
    for account, by in (("50500", "ana"), ("50510", "bo"), ("50500", "cy")):
        done = await connected("mappings", "set", "S1", "ap", "Fuel", account, "--by", by)
        assert done.code == 0, done.err
    assert (await connected("mappings", "clear", "S1", "ap", "Fuel", "--by", "di")).code == 0
    told = json.loads((await connected("mappings", "history", key, "--json")).out)
    whole = [(each["by"], (each["before"] or {}).get("account"), (each["after"] or {}).get("account")) for each in told]
    expected = [("di", "50500", None), ("cy", "50510", "50500"), ("bo", "50500", "50510"), ("ana", None, "50500")]
    assert sorted(whole, key=str) == sorted(expected, key=str)
    words = (await connected("mappings", "history", key)).out
    assert "cleared; it was account 50500" in words
    assert "account 50500 → 50510" in words
    newest = [record for record in await _records(bootstrap, topic_prefix) if record.key == key.encode()][-1]
    kept = json.loads(dict(newest.headers)["history"])
    assert [each["by"] for each in kept] == ["cy", "bo", "ana"], "compaction leaves the newest record alone"
    nothing = await connected("mappings", "history", "S1/account/ap/toll/default")
    assert nothing.code == 1


async def _records(bootstrap, topic_prefix):
    return await read_to_end(bootstrap, [TopicPartition(f"{topic_prefix}mapping-state", 0)])
