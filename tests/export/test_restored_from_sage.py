"""Ledgers, results, offsets and stores are gone; Sage's own records are enough to post nothing twice: promise 7."""

from collections import Counter

import orjson
import pytest

from app.errors import CommandError
from app.ledgers import sage_matching, sage_records
from consumers.export.ledger.damage import PartitionFault
from consumers.export.ledger.from_sage import Unproven
from domain.codes import Code
from simulator import Fault
from tests.support import consolidated
from tests.support.damaged_topics import held, make_anew
from tests.support.events import withdrawn
from tests.support.eventually import until
from tests.support.lost_ledgers import lose_everything, outcomes, replay, restore, until_all_read, writes
from tests.support.over_http import COMPANY, books, customer, fuel, highline, send, send_lines, standing
from tests.support.world import SUBSIDIARY, invoice, key, sample

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(world_over_http):
    return world_over_http


async def everything_connected(world):
    """The subsidiary exports credits, fuel and tolls."""
    await world.connect(company=COMPANY, ar={"creditMemos": True})
    for provider in ("fuel", "toll"):
        await world.set(f"{SUBSIDIARY}/vendor/{provider}/default", {"vendorId": highline().vendors[0].id})


async def send_settlement(world, number):
    made = sample("settlement", number)
    made["data"]["statement"]["driver"]["externalAccountingId"] = highline().vendors[0].id
    driver = made["data"]["statement"]["driver"]["id"]
    await world.send(
        (f"driver-statement/{driver}/{number}".encode(), orjson.dumps(made)), topic=world.topics.settlement_finalized
    )


async def answered(world):
    """All events that were sent are answered by a worker that has ended since."""
    async with world.worker():
        await until_all_read(world)


async def test_documents_of_every_kind_are_known_again_and_a_replay_of_everything_posts_nothing(world, gateway):
    """Invoices, a correction, a credit, a withdrawn one, a statement, fuel, a toll; then all memory is deleted."""
    await everything_connected(world)
    await send(world, "a", "b", "gone")
    await send(world, "credit", amount="-25.00")
    await send_settlement(world, "7001")
    await world.send(fuel(100.0), topic=world.topics.fuel_transaction)
    toll = sample("toll", "t1")
    await world.send((b"toll/t1", orjson.dumps(toll)), topic=world.topics.toll_transaction)
    await answered(world)
    await send_lines(world, "100.00", "20.00")  # `a` changes: reversed and posted anew
    await world.send((key("gone"), orjson.dumps(withdrawn(orjson.loads(invoice("gone")), {"reason": "r"}))))
    await answered(world)
    before, asked = books(gateway), writes(gateway)
    assert len(standing(gateway)) == 6

    await lose_everything(world)
    restored = await restore(world, gateway)
    assert restored.report.proven, restored.report
    assert sum(each.from_sage for each in restored.ledgers) == 7
    results = await replay(world)
    assert {name: n - asked[name] for name, n in writes(gateway).items() if n != asked[name]} == {}
    assert books(gateway) == before
    assert outcomes(results)["posted", None] == 0
    assert outcomes(results)["already_posted", None] == 6 + 1  # with the one that was withdrawn since
    assert outcomes(results)["skipped", Code.SUPERSEDED] == 1


async def test_a_running_worker_goes_on_by_itself_once_the_ledger_is_restored(world, gateway):
    await send(world, "a", "b", "c", "d")
    await answered(world)
    await make_anew(world, world.topics.ledger(world.topics.invoice_created))
    await make_anew(world, world.topics.sage_export_results)
    async with world.worker() as running:
        await until(lambda: set(held(world).values()) == {PartitionFault.LEDGER_EMPTY})
        assert (await restore(world, gateway)).report.proven
        await running.until_open(5 * world.partitions)
        await send(world, "a", amount="70.00")
        await world.until(1, "posted")
    assert Counter(total for _, _, total in standing(gateway)) == Counter({"100.00": 3, "70.00": 1})


async def test_a_later_revision_corrects_what_stands(world, gateway):
    await everything_connected(world)
    await send(world, "a", "b")
    await world.send(fuel(100.0), topic=world.topics.fuel_transaction)
    await answered(world)
    await lose_everything(world)
    assert (await restore(world, gateway)).report.proven
    await send(world, "a", amount="70.00")
    await world.send(fuel(180.0), topic=world.topics.fuel_transaction)
    results = await replay(world)
    assert outcomes(results)["reversed", None] == 2
    assert Counter(total for _, _, total in standing(gateway)) == Counter(["70.00", "100.00", "180.00"])


async def test_corrected_several_times_and_back_again_the_one_that_stands_is_known(world, gateway):
    for amount in ("100.00", "120.00", "100.00", "130.00"):
        await send_lines(world, amount)
        await answered(world)
    before, asked = books(gateway), writes(gateway)
    await lose_everything(world)
    assert (await restore(world, gateway)).report.proven
    [entry] = (await world.ledger())[0].values()
    assert (entry.attempts, len(entry.former_records)) == (3, 3), (
        "the next control id is the one that it would have been"
    )
    await replay(world)
    assert (books(gateway), writes(gateway)) == (before, asked)
    await send_lines(world, "100.00")  # content that was in Sage before: it is posted, under a control id of its own
    await answered(world)
    assert standing(gateway) == [("a", "Posted", "100.00")]


async def test_a_draft_that_was_updated_is_updated_again(world, gateway):
    await world.connect(company=COMPANY, ar={"autopost": False})
    for amount in ("100.00", "120.00", "100.00"):
        await send_lines(world, amount)
        await answered(world)
    await lose_everything(world)
    assert (await restore(world, gateway)).report.proven
    asked = writes(gateway)
    await replay(world)
    assert writes(gateway) == asked
    await send_lines(world, "120.00")
    await answered(world)
    assert standing(gateway) == [("a", "Draft", "120.00")]


async def test_a_draft_that_was_withdrawn_is_not_made_again(world, gateway):
    """Its record was deleted, so Sage shows nothing of it."""
    await world.connect(company=COMPANY, ar={"autopost": False})
    await send(world, "a")
    await answered(world)
    await world.send((key("a"), orjson.dumps(withdrawn(orjson.loads(invoice("a")), {"reason": "r"}))))
    await answered(world)
    assert books(gateway) == []
    asked = writes(gateway)
    await lose_everything(world)
    await restore(world, gateway)
    results = await replay(world)
    assert (books(gateway), writes(gateway)) == ([], asked)
    assert outcomes(results) == {("skipped", Code.SUPERSEDED): 1, ("skipped", Code.WITHDRAWN): 1}


async def test_what_was_reversed_in_sage_by_hand_is_not_posted_again(world, gateway):
    await send(world, "a")
    await answered(world)
    gateway.store.set_state(COMPANY, "ARINVOICE", 1, "Reversed")
    await send(world, "b")
    await answered(world)
    before = books(gateway)
    await lose_everything(world)
    assert (await restore(world, gateway)).report.proven
    assert outcomes(await replay(world)) == {("already_posted", None): 2}
    assert books(gateway) == before
    await send(world, "a", amount="70.00")
    await answered(world)
    assert ("a", "Posted", "70.00") in standing(gateway), "a later revision is posted, as it would have been"


async def test_a_document_whose_events_expired_is_never_posted_again(world, gateway):
    """Only Sage knows of it, by its marker. Whatever event of it comes, a person decides."""
    await send(world, "old", "a")
    await answered(world)
    before = books(gateway)
    await lose_everything(world)
    await make_anew(world, world.topics.invoice_created)  # as after its retention
    await send(world, "a")
    restored = await restore(world, gateway)
    assert (restored.unproven, restored.report.proven) == ({}, False)
    await send(world, "old", "new")
    await send(world, "old", amount="70.00")
    results = await replay(world)
    assert [each for each in books(gateway) if each[0] != "new"] == before
    told = [(each["documentKey"], each["outcome"], each.get("code")) for each in results]
    assert told.count(("invoice/old", "rejected", Code.CHANGED_AFTER_POSTING)) == 2
    assert told.count(("invoice/new", "posted", None)) == 1
    assert told.count(("invoice/a", "already_posted", None)) == 1


async def test_content_that_was_changed_in_sage_is_not_taken_for_ours(world, gateway):
    await send(world, "a", "b")
    await answered(world)
    gateway.store.database.execute("UPDATE ARINVOICE SET TOTALENTERED = 9900 WHERE RECORDID = 'a'")
    before, asked = books(gateway), writes(gateway)
    await lose_everything(world)
    restored = await restore(world, gateway)
    assert restored.unproven == {"invoice/a": Unproven.CONTENT_UNKNOWN}
    await send(world, "a", amount="70.00")
    results = await replay(world)
    assert outcomes(results) == {("rejected", Code.CHANGED_AFTER_POSTING): 2, ("already_posted", None): 1}
    assert (books(gateway), writes(gateway)) == (before, asked)


async def test_of_two_revisions_with_one_total_none_is_taken_for_the_one_that_stands(world, gateway):
    await send_lines(world, "60.00", "40.00")
    await answered(world)
    await send_lines(world, "50.00", "50.00")
    await answered(world)
    before = books(gateway)
    await lose_everything(world)
    restored = await restore(world, gateway)
    assert restored.unproven == {"invoice/a": Unproven.CONTENT_AMBIGUOUS}
    assert outcomes(await replay(world)) == {("rejected", Code.CHANGED_AFTER_POSTING): 2}
    assert books(gateway) == before


async def test_a_marker_that_was_removed_in_sage_lets_nothing_be_posted_under_its_number(world, gateway):
    await send(world, "a", "b", "c")
    await answered(world)
    gateway.store.database.execute("UPDATE ARINVOICE SET DESCRIPTION = 'paid by check' WHERE RECORDID = 'a'")
    gateway.store.database.execute("UPDATE ARINVOICE SET DESCRIPTION = 'alvys:12' WHERE RECORDID = 'b'")
    before = books(gateway)
    await lose_everything(world)
    restored = await restore(world, gateway)
    assert set(restored.unproven.values()) == {Unproven.MARKER_LOST}
    assert [each.number for each in restored.report.damaged] == ["b"]
    assert outcomes(await replay(world)) == {("rejected", Code.CHANGED_AFTER_POSTING): 2, ("already_posted", None): 1}
    assert books(gateway) == before


async def test_a_document_that_stands_twice_is_told_and_touched_by_nobody(world, gateway):
    await send(world, "a")
    await answered(world)
    await lose_everything(world)
    gateway.store.database.execute("DELETE FROM control_id")
    async with world.worker():  # what a worker does that remembers nothing
        await world.until(1, "posted")
        await world.until_all_committed()
    assert len(standing(gateway)) == 2
    before = books(gateway)
    await lose_everything(world)
    restored = await restore(world, gateway)
    assert restored.unproven == {"invoice/a": Unproven.SEVERAL_RECORDS}
    assert [number for _, _, number, _ in restored.report.twice] == ["a"]
    assert outcomes(await replay(world)) == {("rejected", Code.CHANGED_AFTER_POSTING): 1}
    assert books(gateway) == before


async def test_while_a_company_cannot_be_read_no_ledger_that_it_needs_is_written(world, gateway):
    await world.connect(company=COMPANY, ap={"active": False})
    await send(world, "a")
    await answered(world)
    await lose_everything(world)
    await world.connect("sub-9", company="NOWHERE", state="paused", credentials="none", activatedAt=None)
    gateway.store.database.execute("UPDATE user_account SET denied = 'ARADJUSTMENT' || char(10) || 'APBILL'")
    restored = await restore(world, gateway)
    kinds = {(each.kind, bool(each.sides)) for each in restored.report.unread if each.company == COMPANY}
    assert kinds == {("ARADJUSTMENT", True), ("APBILL", False)}, "AP is off, so nothing of it was posted"
    assert (await world.ledger())[0] == {}
    assert [each.sides for each in restored.report.unread if each.company == "NOWHERE"] == [frozenset()]
    await world.set("sub-9/connection", None)
    gateway.store.database.execute("UPDATE user_account SET denied = ''")
    gateway.faults.add(Fault(kind="throttled", function="query", times=2))
    assert (await restore(world, gateway)).report.proven
    assert outcomes(await replay(world)) == {("already_posted", None): 1}
    assert len(books(gateway)) == 1


async def test_what_results_do_not_know_comes_from_sage_and_what_sage_lost_is_told(world, gateway):
    """The results hold only the newer part; of that, somebody deleted a record in Sage."""
    await send(world, "a")
    await answered(world)
    await make_anew(world, world.topics.sage_export_results)
    await send(world, "b", "c")
    await answered(world)
    gateway.store.database.execute("DELETE FROM ARINVOICE WHERE RECORDID = 'b'")
    before = books(gateway)
    await lose_everything(world, results=False)
    restored = await restore(world, gateway, results=True)
    assert list(restored.unproven.values()) == [Unproven.NOT_IN_SAGE]
    assert [sum(getattr(each, name) for each in restored.ledgers) for name in ("added", "from_sage")] == [2, 1]
    assert outcomes(await replay(world)) == {("already_posted", None): 3}
    assert books(gateway) == before


async def test_what_a_person_marked_as_synced_stays_marked_as_long_as_results_tell_it(world, gateway):
    """It was entered in Sage by hand, under another number and without a marker: nothing in Sage tells it."""
    await world.connect("sub-2", company=COMPANY)  # no account
    await world.send((key("w"), invoice("w", subsidiary="sub-2", customer=customer())))
    async with world.worker():
        await world.until(1, "deferred")
        await world.ask("mark-synced", documents=["invoice/w"], why="by hand")
        await world.until(1, "skipped")
    await lose_everything(world, results=False)
    assert (await restore(world, gateway, results=True)).report.proven
    await world.set("sub-2/account/ar/default/default", {"account": "40010"})
    assert outcomes(await replay(world)) == {("skipped", Code.MARKED_SYNCED): 1}
    assert books(gateway) == []


async def test_the_line_of_a_daily_bill_stays_one_when_settings_would_post_it_alone_now(world, gateway):
    await everything_connected(world)
    await world.connect(company=COMPANY, ap={"tollBills": "day"})
    await world.send((b"toll/t1", orjson.dumps(sample("toll", "t1"))), topic=world.topics.toll_transaction)
    await answered(world)
    await lose_everything(world, results=False)
    await restore(world, gateway, results=True)
    await world.connect(company=COMPANY)
    assert outcomes(await replay(world)) == {("skipped", Code.GROUPED): 1}
    assert books(gateway) == []


async def test_a_daily_bill_in_sage_answers_for_its_lines_and_is_not_billed_again(world, gateway):
    """With the same settings its lines are grouped again, into the same bill; with others they stay lines."""
    await everything_connected(world)
    await world.connect(company=COMPANY, ap={"tollBills": "day"})
    await world.send(consolidated.toll("t1"), consolidated.toll("t2"), topic=world.topics.toll_transaction)
    await answered(world)
    await consolidated.group(world)
    await answered(world)
    before = books(gateway)
    assert [total for _, _, total in before] == ["2.00"]
    await lose_everything(world)
    assert (await restore(world, gateway)).report.proven
    await replay(world)
    await consolidated.group(world)
    await answered(world)
    assert books(gateway) == before

    await lose_everything(world)
    await world.connect(company=COMPANY)
    restored = await restore(world, gateway)
    assert restored.unproven == dict.fromkeys(("toll/t1", "toll/t2"), Unproven.LINE_OF_BILL)
    assert outcomes(await replay(world))["skipped", Code.GROUPED] == 2
    assert books(gateway) == before


async def test_a_connection_that_changes_while_sage_is_read_ends_the_restore_and_nothing_is_written(
    world, gateway, monkeypatch
):
    await send(world, "a")
    await answered(world)
    await lose_everything(world)

    async def meanwhile(*arguments):
        await world.set(f"{SUBSIDIARY}/connection", None)
        return await sage_records.read_companies(*arguments)

    monkeypatch.setattr(sage_matching, "read_companies", meanwhile)
    with pytest.raises(CommandError, match="was changed while Sage was read"):
        await restore(world, gateway)
    assert (await world.ledger())[0] == {}


async def test_what_waits_is_named_to_be_read_again_and_goes_then(world, gateway):
    await world.connect("sub-2", company=COMPANY)  # no account
    await world.send((key("w"), invoice("w", subsidiary="sub-2", customer=customer())))
    await send(world, "a")
    await answered(world)
    await lose_everything(world)
    restored = await restore(world, gateway)
    assert [key for each in restored.ledgers for key in each.nowhere] == ["invoice/w"]
    assert outcomes(await replay(world)) == {("already_posted", None): 1, ("deferred", Code.ACCOUNT_UNMAPPED): 1}
    await world.set("sub-2/account/ar/default/default", {"account": "40010"})
    async with world.worker():
        await world.until(1, "posted")
    assert len(standing(gateway)) == 2
