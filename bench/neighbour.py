"""`neighbour`: how much of a company's throughput a neighbour costs that is slow, with three times as many documents.

Both share topics, partitions and worker. Measured from the first record sent to the healthy company's last result.
"""

import asyncio
from time import perf_counter

from bench.end_to_end import SEED, WARM, by_id, nobody
from bench.measure import BenchResult, Size, real_broker
from demo.accounts import Accounts
from demo.events import Event, good_events
from demo.events.invoices import load_invoice
from demo.rig import SETTINGS, GatewayProcess, Rig, rig
from demo.screen import Screen
from demo.traffic import EventTraffic
from ops.broker import GivenBroker

HEALTHY, SLOW = "BLUEMESA", "HIGHLINE"
LATENCY_MS, FUNCTION_MS, SLOW_MS = 50, 5, 5_000
DOCUMENTS = 3_000
"""Of the healthy company, in one run."""
TIMES = 3
"""Documents of the slow company for each of the healthy one."""


def run(size: Size) -> BenchResult:
    """The healthy company alone, then beside the slow one, each through a system of its own."""
    healthy = f"A healthy company ({LATENCY_MS} ms a request, {FUNCTION_MS} ms a document)"
    title = f"{healthy} beside one that takes {SLOW_MS / 1000:.0f} s a request"
    outcome = BenchResult("neighbour", title)
    with real_broker() as broker:
        for name, times in (("alone", 0), ("beside the slow one", TIMES)):
            pace = ("--latency-ms", str(LATENCY_MS), "--function-ms", str(FUNCTION_MS))
            options = (*pace, "--slow-company", SLOW, "--slow-ms", str(SLOW_MS))
            stub = GatewayProcess("stub", "bench.stub_gateway", options, has_admin=False)
            with rig(Screen(quiet=True), GivenBroker(broker.bootstrap), stub) as running:
                rate = asyncio.run(_measure(running, size.of(DOCUMENTS), times))
            outcome.add(name, rate, "documents/s")
    return outcome


async def _measure(running: Rig, count: int, times: int) -> float:
    healthy, slow = _events(HEALTHY, WARM + count), _events(SLOW, count * times)
    between = [each for n, event in enumerate(healthy[WARM:]) for each in (*slow[n * times : (n + 1) * times], event)]
    async with EventTraffic(running, Accounts(SETTINGS)) as traffic:
        warm = await traffic.send(healthy[:WARM])
        await traffic.released(warm, nobody)
        began = perf_counter()
        sent = await traffic.send(between)
        ours = [each for each in sent if _company_of(each.event) == HEALTHY]
        await traffic.released(ours, nobody)
        return count / (perf_counter() - began)


def _events(company: str, count: int) -> list[Event]:
    """So many invoices of one company."""
    found: list[Event] = []
    many = count
    while len(found) < count:
        many *= 2
        found = [by_id(each) for each in good_events(SEED, many, load_invoice) if _company_of(each) == company]
    return found[:count]


def _company_of(event: Event) -> str | None:
    booking = event.expectation.booking
    return booking.company if booking else None
