"""Promise 6 for refusals: what a setting's value caused names its key, and goes when the key changes, only then."""

import pytest

from domain.documents import PartyKind
from domain.parties.matching import PartyRecord
from sage_client import DimensionValue, ExchangeLevel
from sage_client.errors import AccountInvalidError, DimensionInvalidError, RefusedError, TermInvalidError
from tests.support.consolidated import toll
from tests.support.world import MASTER, SUBSIDIARY, World

VENDOR = f"{SUBSIDIARY}/vendor/toll/default"
LOAD = f"{SUBSIDIARY}/account/ar/load/default"


@pytest.fixture
async def world(bootstrap, topic_prefix):
    world = World(bootstrap, topic_prefix, partitions=1)
    await world.set_up()
    return world


async def send_toll(world: World, name: str) -> None:
    await world.send(toll(name), topic=world.topics.toll_transaction)


async def test_a_vendor_mapping_that_is_corrected_releases_what_the_wrong_one_rejected(world):
    world.sage.missing.add("VEN-NOPE")
    await world.set(VENDOR, {"vendorId": "VEN-NOPE"})
    await send_toll(world, "a")
    async with world.worker():
        [refused] = await world.until(1)
        assert (refused["outcome"], refused["code"]) == ("rejected", "PARTY_NOT_FOUND")
        assert refused["blockedBy"] == [f"{SUBSIDIARY}/vendor/toll/bestpass", VENDOR]
        await world.set(VENDOR, {"vendorId": "VEN-OK"})
        await world.until(1, "posted")
    assert [each.party_id for each in world.sage.booked] == ["VEN-OK"]


async def test_the_providers_own_vendor_releases_it_too_and_so_it_does_when_nobody_was_there(world):
    inactive = PartyRecord("VEN-OLD", "Old", active=False)
    world.sage.parties_known[PartyKind.VENDOR] = [inactive, PartyRecord("VEN-OK", "New")]
    await world.set(VENDOR, {"vendorId": "VEN-OLD"})
    await send_toll(world, "a")
    async with world.worker():
        [refused] = await world.until(1)
        assert refused["code"] == "PARTY_INACTIVE"
    await world.set(f"{SUBSIDIARY}/vendor/toll/BestPass", {"vendorId": "VEN-OK"})
    async with world.worker():
        await world.until(1, "posted")


@pytest.mark.parametrize(
    ("error", "setting", "value", "named"),
    [
        (
            AccountInvalidError("Account 4000 is not valid", level=ExchangeLevel.RESULT),
            MASTER,
            {"account": "4001"},
            True,
        ),
        (AccountInvalidError("Account 4000 is not valid", level=ExchangeLevel.RESULT), LOAD, {"account": "4001"}, True),
        (
            TermInvalidError("Invalid Term 'Net 30'", level=ExchangeLevel.RESULT),
            f"{SUBSIDIARY}/connection",
            {
                "companyId": "ACME",
                "credentials": "acme",
                "state": "active",
                "activatedAt": "2026-01-01T00:00:00Z",
                "terms": {"fallback": "Net 15"},
            },
            True,
        ),
        (RefusedError("something else", level=ExchangeLevel.RESULT), MASTER, {"account": "4001"}, False),
    ],
)
async def test_what_sage_refused_for_a_settings_value_goes_when_the_setting_changes(
    world, error, setting, value, named
):
    world.sage.refuse["a"] = error
    await world.send_invoices("a")
    async with world.worker():
        [refused] = await world.until(1)
        assert refused["outcome"] == "rejected"
        assert (setting in refused.get("blockedBy", [])) == named
        del world.sage.refuse["a"]
        await world.set(setting, value)
        if named:
            await world.until(1, "posted")
        else:
            await world.send_invoices("b")
            await world.until(1, "posted")
            assert world.sage.keys["invoice/a"] == 0


async def test_a_refused_dimension_names_the_setting_that_gave_it(world):
    key = f"{SUBSIDIARY}/dimension/department"
    await world.set(key, {"default": "OPS"})
    world.sage.values["DEPARTMENT"] = [DimensionValue("OPS", "Ops", "active"), DimensionValue("SALES", "S", "active")]
    world.sage.refuse["a"] = DimensionInvalidError("Invalid Department 'OPS' specified.", level=ExchangeLevel.RESULT)
    await world.send_invoices("a")
    async with world.worker():
        [refused] = await world.until(1)
        assert refused["blockedBy"] == [key]
        del world.sage.refuse["a"]
        await world.set(key, {"default": "SALES"})
        await world.until(1, "posted")


async def test_the_same_value_written_again_and_a_restart_ask_sage_nothing(world):
    world.sage.refuse["a"] = AccountInvalidError("Account 4000 is not valid", level=ExchangeLevel.RESULT)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "rejected")
    for number, other in enumerate(("b", "c"), start=1):
        async with world.worker():
            await world.set(MASTER, {"account": "4000", "title": "another title"})
            await world.set(LOAD, {"account": "4000"})
            await world.send_invoices(other)
            await world.until(number, "posted")
            await world.set(LOAD, None)
    assert world.sage.requests == [1, 1, 1]  # each document once
    assert [each["outcome"] for each in await world.results() if each["documentKey"] == "invoice/a"] == ["rejected"]


async def test_a_person_may_still_ask_by_the_key_and_that_goes_though_nothing_changed(world):
    world.sage.refuse["a"] = AccountInvalidError("Account 4000 is not valid", level=ExchangeLevel.RESULT)
    await world.send_invoices("a")
    async with world.worker():
        await world.until(1, "rejected")
        del world.sage.refuse["a"]
        await world.ask("retry", blockedBy=[MASTER])
        await world.until(1, "posted")
