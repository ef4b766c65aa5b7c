"""Documents come back from the ledger a few at a time, however many there are, and the oldest first."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

from aiokafka import TopicPartition
from structlog.testing import capture_logs

from consumers.export.in_flight import InFlight
from consumers.export.ledger.store import MEMORY, LedgerStore
from consumers.export.parking_lot import AT_ONCE, Host, ParkingLot
from consumers.export.protocol.document_state import Claim, DocumentState, LastOutcome
from consumers.export.slices import Slices
from consumers.export.work_item import WorkItem
from domain.documents import Connection, SageObject
from domain.events import EventKind
from domain.outcomes import Outcome
from domain.translation import parse_record
from tests.support.eventually import counting_turns, until
from tests.support.world import invoice

SOURCE = TopicPartition("invoice-created", 0)
BACKLOG, OTHER, THIRD = "backlog/ACME/acme", "sub-1/account/ar/default/default", "sub-2/account/ar/default/default"
CLAIM = Claim(
    "r",
    "c",
    0,
    Connection("sub-1", "ACME", None, "acme"),
    SageObject.AR_INVOICE,
    "77",
    "C-1",
    Decimal(1),
    datetime(2026, 7, 1, tzinfo=UTC),
)


@dataclass
class Partition:
    """The partition, as far as the parking lot needs it."""

    admitted: list[str] = field(default_factory=list)
    open: bool = True
    slices: Slices = field(default_factory=lambda: Slices(time.monotonic))

    def receive(self, value: bytes | None) -> Any:
        return parse_record(EventKind.INVOICE, value)

    def admit(self, work: WorkItem) -> None:
        self.admitted.append(work.key)

    def write_internal(self, record: tuple[str, bytes]) -> None:
        pass

    def relieve(self) -> None:
        pass

    @contextmanager
    def reporting_defects(self) -> Iterator[None]:
        yield


def lot_with(documents: int, state: DocumentState) -> tuple[ParkingLot, Partition, LedgerStore]:
    store, host = LedgerStore(MEMORY), Partition()
    for number in range(documents):
        store.put(replace(state, key=f"invoice/{number}", parked=invoice(str(number))))
    return ParkingLot(cast(Host, host), SOURCE, store, InFlight(), 1_000_000, {}), host, store


def waiting(*blockers: str) -> DocumentState:
    return DocumentState("", last=LastOutcome("r", Outcome.DEFERRED, 1, blocked_by=blockers))


async def test_documents_in_doubt_come_back_in_slices_between_which_others_work():
    doubts = 20 * AT_ONCE
    in_doubt = DocumentState("", claim=CLAIM, last=LastOutcome("r", Outcome.UNCERTAIN, 1))
    lot, host, _ = lot_with(doubts, in_doubt)
    seen = []

    async def heartbeat() -> None:
        while True:
            seen.append(len(host.admitted))
            await asyncio.sleep(0)

    beating = asyncio.create_task(heartbeat())
    await lot.begin()
    beating.cancel()
    assert len(host.admitted) == doubts
    assert max(later - earlier for earlier, later in pairwise(seen)) <= AT_ONCE
    assert len(seen) >= doubts // AT_ONCE


async def test_documents_that_make_room_all_at_once_are_followed_by_a_few_at_a_time():
    lot, host, _ = lot_with(20 * AT_ONCE, waiting(OTHER))
    lot.release(OTHER)
    seen = []
    while len(host.admitted) < 20 * AT_ONCE:
        for _ in range(100):  # as many results became durable in one transaction, and each tells the parking lot
            lot.drain()
        await asyncio.sleep(0)
        seen.append(len(host.admitted))
    assert max(later - earlier for earlier, later in pairwise([0, *seen])) <= AT_ONCE


async def test_one_document_does_not_wait_for_all_that_another_setting_released():
    lot, host, store = lot_with(20 * AT_ONCE, waiting(OTHER))
    store.put(replace(waiting(THIRD), key="invoice/late", parked=invoice("late")))
    lot.release(OTHER)
    lot.release(THIRD)
    await until(lambda: len(host.admitted) == 20 * AT_ONCE + 1)
    assert host.admitted.index("invoice/late") == 1


async def test_what_was_parked_comes_back_in_slices_at_a_start_and_each_document_once():
    lot, host, _ = lot_with(10 * AT_ONCE, waiting(OTHER, THIRD))
    async with counting_turns() as turns:
        await lot.begin()
    assert turns() >= 10
    await asyncio.sleep(1)  # of the virtual time
    assert sorted(host.admitted) == sorted(f"invoice/{number}" for number in range(10 * AT_ONCE))


async def test_one_line_a_minute_tells_of_events_that_can_no_longer_be_read():
    lot, host, store = lot_with(0, waiting(OTHER))
    for number in range(50):
        store.put(replace(waiting(OTHER), key=f"invoice/{number}", parked=b"{}"))
    with capture_logs() as lines:
        lot.release(OTHER)
        await asyncio.sleep(1)
        lot.release(OTHER)
        await asyncio.sleep(60)
        lot.release(OTHER)
        await asyncio.sleep(1)
    assert [line["documents"] for line in lines] == [1, 100]
    assert not host.admitted


async def test_what_waits_for_its_turn_is_left_to_its_lane_at_a_start():
    lot, host, store = lot_with(10, waiting(OTHER))
    for number in range(10, 20):
        store.put(replace(waiting(BACKLOG), key=f"invoice/{number}", parked=invoice(str(number))))
    await lot.begin()
    await until(lambda: len(host.admitted) == 10)
    assert host.admitted == [f"invoice/{number}" for number in range(10)]


async def test_documents_come_back_once_and_the_oldest_first():
    lot, host, store = lot_with(30, waiting(BACKLOG))
    assert lot.release_some(BACKLOG, 10) == 10
    store.put(replace(waiting(BACKLOG), key="invoice/3", parked=invoice("3")))  # parked again, behind all others
    assert lot.release_some(BACKLOG, 25) == 21
    assert host.admitted == [f"invoice/{number}" for number in (*range(30), 3)]
    assert lot.is_left(BACKLOG)
    assert not lot.is_left(OTHER)


async def test_one_of_fifty_thousand_costs_what_one_of_five_hundred_costs():
    def steps(documents: int) -> int:
        lot, host, store = lot_with(documents, waiting(BACKLOG))
        taken = 0

        def step() -> int:
            nonlocal taken
            taken += 1
            return 0

        store._db.set_progress_handler(step, 10)
        assert lot.release_one(BACKLOG)
        assert lot.release_some(BACKLOG, 5) == 5
        assert lot.is_left(BACKLOG)
        assert list(store.blockers()) == [BACKLOG]
        store._db.set_progress_handler(None, 10)
        assert len(host.admitted) == 6
        return taken

    assert steps(50_000) <= 1.5 * steps(500)
