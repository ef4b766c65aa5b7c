"""A connection's settings by command: checked as the wizard checks, shown before and after, kept with who and when."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from app.connections.words import ELSEWHERE, TITLES, infos, read_assignments, with_assignments
from app.errors import UsageError
from domain.settings.values import ConnectionSetting
from tests.support.command_line import EAST, MASTERS, Cli, exported


@pytest.fixture
async def connected(cli: Cli) -> Cli:
    assert (await cli("connect", "S1", *EAST, *MASTERS)).code == 0
    return cli


async def test_a_setting_is_changed_shown_before_and_after_and_kept_with_who_and_when(connected: Cli):
    words = ("connections", "set", "S1", "ar.creditMemos=true", "terms.fallback=Net 30", "--by", "ana")
    dry = await connected(*words, "--dry-run", "--json")
    assert json.loads(dry.out) == {
        "subsidiary": "S1",
        "written": False,
        "changes": [
            {"name": "ar.creditMemos", "title": TITLES["ar.creditMemos"], "before": False, "after": True},
            {"name": "terms.fallback", "title": TITLES["terms.fallback"], "before": None, "after": "Net 30"},
        ],
    }
    assert "ar" not in (await exported(connected))["S1/connection"]
    done = await connected(*words)
    assert done.code == 0, done.err
    assert "ar.creditMemos\tfalse\ttrue\n" in done.out
    connection = (await exported(connected))["S1/connection"]
    assert (connection["ar"], connection["terms"]) == ({"creditMemos": True}, {"fallback": "Net 30"})
    assert connection["activatedAt"], "all else stays"
    told = json.loads((await connected("mappings", "history", "S1/connection", "--json")).out)
    assert told[0]["by"] == "ana"
    assert told[0]["before"].get("ar") is None
    assert (await connected(*words)).err == "note: it is so already: S1\n"
    back = await connected("connections", "set", "S1", "terms.fallback=", "AR.CREDITMEMOS=off")
    assert back.code == 0
    assert "terms" not in (await exported(connected))["S1/connection"]


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("ar.creditMemo=true", 2, "did you mean ar.creditMemos"),
        ("ar.creditMemos", 2, "is not of the form NAME=VALUE"),
        ("ar.creditMemos=maybe", 2, "ar.creditMemos is true or false, not 'maybe'"),
        ("closedPeriod=later", 2, "closedPeriod is one of refuse, first-open-day, not 'later'"),
        ("entityId=200", 2, "it is permanent"),
        ("ar.active=false", 2, "connections pause and resume switch it"),
        ("state=paused", 2, "connections pause and resume switch it"),
        ("credentials=", 2, "credentials cannot be cleared"),
        ("baseCurrency=XXQ", 2, "is not a currency this service knows"),
        ("ap.carrierNumberField=not a name", 2, "ap.carrierNumberField"),
        ("terms.fallback=Net 99", 1, "TERM_NOT_FOUND"),
        ("locationId=999", 1, "location 999 does not exist in Sage"),
        ("ap.linkCarriersBy=mc", 1, "CARRIER_NUMBER_FIELD_UNSET"),
        ("credentials=nobody", 1, "CREDENTIALS_MISSING"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(connected: Cli, word: str, code: int, said: str):
    before = await exported(connected)
    refused = await connected("connections", "set", "S1", word)
    assert refused.code == code
    assert said in refused.out + refused.err
    assert await exported(connected) == before


async def test_a_carriers_number_field_that_vendors_do_not_have_is_an_error(connected: Cli):
    refused = await connected("connections", "set", "S1", "ap.linkCarriersBy=mc", "ap.carrierNumberField=NO_SUCH")
    assert refused.code == 1
    assert "vendors in Sage have no field NO_SUCH" in refused.out


async def test_what_was_wrong_before_stops_no_change_and_what_cannot_be_checked_is_told(connected: Cli, sim):
    sim.store.set_record("BLUEMESA", "GLACCOUNT", "50000", {"STATUS": "inactive"})
    assert (await connected("connections", "set", "S1", "ar.creditMemos=true")).code == 0
    away = {"ALVYS_SAGE_GATEWAY_URL": "http://127.0.0.1:9"}
    refused = await connected("connections", "set", "S1", "ar.autopost=false", **away)
    assert refused.code == 1
    assert "could not be checked: SAGE_NOT_REACHED" in refused.err
    done = await connected("connections", "set", "S1", "ar.autopost=false", "--unchecked", **away)
    assert done.code == 0, done.err
    assert (await connected("connections", "set", "S9", "ar.autopost=false")).code == 1


def test_every_setting_of_a_connection_has_words_and_a_way_to_be_changed():
    assert infos().keys() == TITLES.keys()
    every = {name for name in ConnectionSetting.model_fields if name not in ("ar", "ap", "terms")}
    assert len(infos()) + len(ELSEWHERE) == len(every) + sum(
        len(ConnectionSetting.model_fields[part].default.__class__.model_fields) for part in ("ar", "ap", "terms")
    )


@pytest.mark.parametrize("name", [name for name, info in infos().items() if info.flag or info.choices])
def test_every_value_that_is_offered_is_one_that_the_contract_takes(name: str):
    info = infos()[name]
    standing = {"companyId": "C", "credentials": "c", "state": "paused"}
    for word in ("true", "false") if info.flag else info.choices:
        read = read_assignments([f"{name}={word}"])
        ConnectionSetting.model_validate(with_assignments(standing, read))
    with pytest.raises(UsageError):
        read_assignments([f"{name}=something else"])


async def test_the_list_fits_100_columns(connected: Cli, variables):
    name = "a1b2c3d4-0000-0000-0000-000000000001"
    assert (await connected("connect", name, *EAST, *MASTERS)).code == 0

    def on_a_terminal() -> str:
        ours, theirs = pty.openpty()
        env = os.environ | variables | {"COLUMNS": "100", "TERM": "xterm"}
        words = [sys.executable, "-m", "app", "connections", "list"]
        with subprocess.Popen(words, env=env, stdout=theirs, stderr=theirs, stdin=theirs) as process:
            os.close(theirs)
            found = b""
            try:
                while got := os.read(ours, 65536):
                    found += got
            except OSError:
                pass  # how a terminal ends on Linux
            assert process.wait(60) == 0
        os.close(ours)
        return re.sub(r"\x1b\[[0-9;]*m", "", found.decode())

    lines = on_a_terminal().splitlines()
    assert len(lines) == 3, lines
    assert all(len(line) <= 100 for line in lines)
    assert "ACTIVE SINCE" in lines[0]
    assert lines[2].startswith(name)
    assert lines[2].rstrip().endswith("Z")
