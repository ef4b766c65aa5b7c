"""A worker that dies around the making of a customer: one in Sage, and Alvys is told its id all the same."""

import signal

import orjson
import pytest

from domain.documents import PartyKind
from domain.parties.matching import derived_id
from tests.support.processes import STAYS, connect, environment, worker
from tests.support.world import SUBSIDIARY, invoice, key

CUSTOMER = derived_id(PartyKind.CUSTOMER, "100", "alvys-7")


@pytest.mark.feature("created ids announced", "ar.createCustomers")
@pytest.mark.parametrize(
    "point", ["party made", "about to be sent", "answered by Sage", "outcome written, not committed"]
)
async def test_the_id_of_a_customer_that_was_made_is_told_by_whoever_ends_its_document(world, sage, point):
    await connect(world, ar={"createCustomers": True})
    event = orjson.loads(invoice("P1"))
    event["data"]["customer"] = {"id": "alvys-7", "name": "New Shipper", "paymentTermsInDays": 30}
    await world.send((key("P1"), orjson.dumps(event)))
    with worker(environment(world, sage, **STAYS), dying_at=point) as process:
        assert await process.ended() == -signal.SIGKILL
    with worker(environment(world, sage, **STAYS)) as process:
        await world.until(1, "posted")
        assert process.stop() == 0
    assert [each["party_id"] for each in sage.documents()] == [CUSTOMER]
    [told] = {each.key: each.value for each in await world.records(world.topics.sage_parties)}.items()
    assert told[0].decode() == f"{SUBSIDIARY}/customer/alvys-7"
    assert orjson.loads(told[1])["externalAccountingId"] == CUSTOMER
