"""Toll events, the job that groups them, and what became of both."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import orjson

from app.bootstrap import SYSTEM_TIME
from consumers.consolidated_bills.groups import Schedule
from consumers.consolidated_bills.job import Job
from tests.support.world import SUBSIDIARY, World, emission

TODAY = datetime.now(UTC)
DAY, DAY_BEFORE = ((TODAY - timedelta(days=days)).date().isoformat() for days in (3, 4))
GROUP = f"toll-day/{SUBSIDIARY}/bestpass/{DAY}/USD"


def toll(
    name: str,
    amount: str = "1.00",
    *,
    deducted: bool = False,
    day: str = DAY,
    which: int | None = None,
    timestamp: str | None = None,
) -> tuple[bytes, bytes]:
    """Key and value of a toll's event, newer than all before it; `which`: as `tests.support.world.emission` counts."""
    which = emission() if which is None else which
    event = {
        "id": f"event-{name}-{which}",
        "type": "toll.transaction.created",
        "timestamp": timestamp or (datetime.fromisoformat(f"{DAY}T12:00:00Z") + timedelta(seconds=which)).isoformat(),
        "version": "v1",
        "data": {
            "toll": {
                "id": name,
                "subsidiaryId": SUBSIDIARY,
                "transactionId": f"BP-{name}",
                "source": "BestPass",
                "amount": {"amount": amount, "currency": 840},
                "transactionDate": f"{day}T16:20:00Z",
            },
            "deductToll": deducted,
        },
    }
    return f"toll/{name}".encode(), orjson.dumps(event)


def job(world: World, **changes: Any) -> Job:
    """The job on the world's topics."""
    parts: dict[str, Any] = {
        "rows": world.topics.consolidated_lines,
        "bills": world.topics.consolidated_bill,
        "clients": world.clients,
        "schedule": Schedule(time(6, 30), time(7, 30)),
        "time": SYSTEM_TIME,
    }
    return Job(**parts | changes)


async def group(world: World, at: datetime | None = None) -> int:
    """Send every day that is over, now or at some other time; how many bills that were."""
    clock = SYSTEM_TIME if at is None else replace(SYSTEM_TIME, now=lambda: at)
    return await job(world, time=clock).run(asyncio.Event(), now=True)


async def by_day(world: World, bills: str = "day") -> None:
    """Set how the subsidiary's tolls are billed."""
    await world.connect(ap={"tollBills": bills})
    await world.set(f"{SUBSIDIARY}/vendor/toll/default", {"vendorId": "V-TOLL"})


async def send(world: World, *tolls: tuple[bytes, bytes]) -> None:
    """Send toll events."""
    await world.send(*tolls, topic=world.topics.toll_transaction)


def rows_of(event: bytes) -> dict[str, str]:
    """The rows of a consolidated bill's event: each one's id and amount."""
    data = orjson.loads(event)["data"]
    return {row["toll"]["id"]: row["toll"]["amount"]["amount"] for row in data["rows"]}
