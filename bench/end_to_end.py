"""`end-to-end`: invoices through the real topics, one worker process, a gateway that answers at once or in 50 ms.

Measured from the first record sent to the last result committed, with everything else on the same machine: broker,
gateway, worker and the reader of results share its cores.
"""

import asyncio
import json
from dataclasses import replace
from statistics import median
from time import perf_counter

from bench.measure import BenchResult, Size, real_broker
from demo.accounts import Accounts
from demo.events import Event, ExpectedOutcome, good_events
from demo.events.invoices import load_invoice
from demo.rig import SETTINGS, GatewayProcess, Rig, rig
from demo.screen import Screen
from demo.traffic import EventTraffic
from ops.broker import GivenBroker

INVOICES = 2_000
"""In one run; the runs follow each other through the same system."""
WARM = 50
"""Documents before the measured ones: the worker has its partitions, its sessions and its transactions by then."""
LATENCIES_MS = (0, 50)
SEED = 17


def run(size: Size) -> BenchResult:
    """One system for each latency."""
    title = "Invoices through topics, one worker and a stub gateway: two companies, three entities"
    outcome = BenchResult("end-to-end", title)
    with real_broker() as broker:
        for latency in LATENCIES_MS:
            stub = GatewayProcess("stub", "bench.stub_gateway", ("--latency-ms", str(latency)), has_admin=False)
            with rig(Screen(quiet=True), GivenBroker(broker.bootstrap), stub) as running:
                rate = asyncio.run(_measure(running, size))
            outcome.add(f"{latency} ms a request", rate, "documents/s")
    return outcome


async def _measure(running: Rig, size: Size) -> float:
    count = size.of(INVOICES)
    events = [by_id(event) for event in good_events(SEED, WARM + count * size.runs, load_invoice)]
    async with EventTraffic(running, Accounts(SETTINGS)) as traffic:
        await _through(traffic, events[:WARM])
        runs = [events[start : start + count] for start in range(WARM, len(events), count)]
        return median([count / await _through(traffic, run) for run in runs])


async def _through(traffic: EventTraffic, events: list[Event]) -> float:
    """Seconds from the first record sent to the last result seen."""
    began = perf_counter()
    sent = await traffic.send(events)
    await traffic.answered(sent, nobody)
    took = perf_counter() - began
    wrong = [each for each in sent if each.last is None or each.last.outcome != ExpectedOutcome.POSTED]
    if wrong:
        raise RuntimeError(f"{len(wrong)} documents were not posted, the first: {wrong[0].answers}")
    return took


def by_id(event: Event) -> Event:
    """The stub has no customers to look names up in, so the customer is named by id."""
    data, booking = json.loads(event.value or b""), event.expectation.booking
    data["data"]["customer"]["externalAccountingId"] = booking.party if booking else None
    return replace(event, value=json.dumps(data).encode())


def nobody(_done: int) -> None:
    """Nobody watches."""
