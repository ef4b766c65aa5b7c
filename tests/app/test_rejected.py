"""``alvys-sage waiting --rejected``: what each code rejects, worth how much, and Sage's words for one of them."""

import json

import pytest

from sage_client import ExchangeLevel, GatewayError
from sage_client.errors import AccountInvalidError, PartyInvalidError, RefusedError
from tests.support.world import invoice, key

pytestmark = pytest.mark.feature("error classes")


def refusal(kind: type[RefusedError], text: str) -> RefusedError:
    error = GatewayError.of("BL01001973", "", f"{text} [Support ID: abc%7Edef]", "")
    return kind(str(error), level=ExchangeLevel.RESULT, errors=(error,))


@pytest.fixture
async def rejected(world):
    world.sage.refuse["a"] = world.sage.refuse["b"] = refusal(PartyInvalidError, "Invalid Vendor 'V-1' specified.")
    world.sage.refuse["c"] = refusal(RefusedError, "Something nobody has ever read")
    await world.connect("sub-3", state="paused")
    await world.send_invoices("a", "b", amount="1000.25")
    await world.send_invoices("c", "fine", amount="5.00")
    await world.send_invoices("credit", amount="-7.00")
    await world.send((key("paused"), invoice("paused", subsidiary="sub-3")))
    async with world.worker():
        await world.until(6)
    return world


async def test_each_code_with_count_money_and_fix(rejected, command):
    told = await command("waiting", "--rejected")
    assert told.code == 0, told
    header, *rows = (line.split("\t") for line in told.out.splitlines() if "\t" in line)
    assert header == ["CODE", "DOCUMENTS", "AMOUNT", "OLDEST", "TOPICS", "FIX"]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("SAGE_PARTY_INVALID", "2", "2,000.50 USD"),
        ("NEGATIVE_TOTAL", "1", "-7.00 USD"),
        ("SAGE_REFUSED", "1", "5.00 USD"),
    ]
    assert "ar.creditMemos" in rows[1][-1]
    assert "total: 4 documents rejected, 1,998.50 USD" in told.out
    found = json.loads((await command("waiting", "--rejected", "--json")).out)
    assert [each["code"] for each in found["codes"]] == ["SAGE_PARTY_INVALID", "NEGATIVE_TOTAL", "SAGE_REFUSED"]
    assert found["total"]["amounts"] == {"USD": "1998.50"}


async def test_the_documents_of_one_code_with_sages_words(rejected, command):
    told = await command("waiting", "--code", "sage_party_invalid")
    assert "Invalid Vendor 'V-1' specified." in told.out
    assert "Support ID" not in told.out
    assert "SAGE_PARTY_INVALID rejects 2 documents, 2,000.50 USD" in told.out
    assert "fix: Create or activate it in Sage" in told.out
    found = json.loads((await command("waiting", "--code", "SAGE_REFUSED", "--json")).out)
    assert [each["key"] for each in found["documents"]] == ["invoice/c"]
    assert (await command("waiting", "--code", "NO_LINES")).out == "NO_LINES rejects nothing\n"
    assert (await command("waiting", "--code", "NO_SUCH")).code == 2
    assert (await command("waiting", "--code", "NO_LINES", "--key", "x")).code == 2


async def test_what_was_mended_is_rejected_no_more(rejected, command):
    rejected.sage.refuse.clear()
    async with rejected.worker():
        await rejected.ask("retry", codes=["SAGE_PARTY_INVALID"])
        await rejected.until(3, "posted")
    found = json.loads((await command("waiting", "--rejected", "--json")).out)
    assert [each["code"] for each in found["codes"]] == ["NEGATIVE_TOTAL", "SAGE_REFUSED"]


async def test_what_a_setting_caused_is_listed_with_its_key_and_by_its_key(rejected, command):
    rejected.sage.refuse["d"] = refusal(AccountInvalidError, "The GL account '4000' is not valid")
    await rejected.send_invoices("d")
    async with rejected.worker():
        await rejected.until(7)
    master = "sub-1/account/ar/default/default"
    told = (await command("waiting", "--code", "SAGE_ACCOUNT_INVALID")).out
    assert "BLOCKED BY" in told
    assert master in told
    assert "invoice/d" in (await command("waiting", "--key", master)).out
    assert "invoice/d" not in (await command("waiting")).out, "it was told: a person has to act"
