"""An accountant pays a few documents in Sage; what comes out on `sage-payments` is held against Sage's own database."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from aiokafka import TopicPartition

from demo.rig import PARTITIONS, Rig
from demo.screen import Screen
from demo.traffic import Sent
from kafka_client.clients import BrokerClients, Brokers
from kafka_client.read_to_end import connected_reader

TIMEOUT = 30.0
INVOICES, BILLS = 4, 2
"""So many documents are paid."""

Truth = dict[str, Decimal]
"""Amount by payment id, without what is nothing."""


@dataclass(frozen=True, slots=True)
class Payments:
    """What was told of payments, and what is so."""

    records: list[dict[str, Any]]
    told: Truth
    standing: Truth

    @property
    def sound(self) -> bool:
        """Whether folding the topic gives what Sage's database has."""
        return bool(self.standing) and self.told == self.standing


async def pay_some(rig: Rig, sent: Sequence[Sent], screen: Screen) -> Payments:
    """Pay in full, in parts, several with one payment, and void one; have it read after each step."""
    posted = {each.event.key: each.last.result for each in sent if each.last and each.last.outcome == "posted"}
    chosen = [result for result in posted.values() if Decimal(result["document"]["total"]) > 1]
    company = "BLUEMESA"
    invoices = _some(chosen, "ARINVOICE", company, INVOICES)
    bills = _some(chosen, "APBILL", company, BILLS)
    screen.say(f"an accountant pays {len(invoices)} invoices and {len(bills)} bills in Sage; payments are read")
    async with httpx.AsyncClient(base_url=rig.admin_url, trust_env=False, timeout=TIMEOUT) as http:

        async def pay(side: str, applied: dict[str, str], **more: str) -> int:
            asked = {"company": company, "side": side, "applied": applied, **more}
            answer = (await http.post("/payments", json=asked)).raise_for_status()
            number: int = answer.json()["recordno"]
            return number

        await pay("AR", _whole(invoices[0]), number="4711", method="Printed Check")
        await pay("AR", {_number(invoices[1]): "1.00"}, memo="first part")
        await pay("AR", _whole(invoices[2]) | _whole(invoices[3]), method="EFT")
        to_void = await pay("AP", _whole(bills[0]))
        await pay("AP", _whole(bills[1]), state="submitted")  # not final: not told
        await asyncio.to_thread(rig.alvys_sage, "payments", "--once")
        screen.say("one of them is voided, another goes on")
        gone = {"company": company, "side": "AP", "recordno": to_void}
        (await http.post("/payments/void", json=gone)).raise_for_status()
        await pay("AR", {_number(invoices[1]): "2.00"}, memo="second part")
        await asyncio.to_thread(rig.alvys_sage, "payments", "--once")
        rows = (await http.get("/payments", params={"company": company})).raise_for_status().json()["details"]
    records = await _told(rig)
    told = {each["paymentId"]: Decimal(each["amount"]) for each in records}
    standing = {
        f"{row['company']}/{row['side'].lower()}/{row['recordno']}/{part}": Decimal(amount)
        for row in rows
        if row["final"]
        for part, amount in row["amounts"].items()
    }
    return Payments(records, {name: amount for name, amount in told.items() if amount}, standing)


def _some(results: Sequence[dict[str, Any]], kind: str, company: str, count: int) -> list[dict[str, Any]]:
    found = [each for each in results if each["document"]["object"] == kind]
    return [each for each in found if each["connection"]["companyId"] == company][:count]


def _number(result: dict[str, Any]) -> str:
    number: str = result["sage"]["recordNo"]
    return number


def _whole(result: dict[str, Any]) -> dict[str, str]:
    return {_number(result): result["document"]["total"]}


async def _told(rig: Rig) -> list[dict[str, Any]]:
    """Every committed record of the topic, in the order of its partitions."""
    clients = BrokerClients(Brokers(rig.bootstrap), check_crcs=rig.real_broker)
    partitions = [TopicPartition(rig.topic("sage-payments"), number) for number in range(PARTITIONS)]
    async with connected_reader(clients) as reader:
        return [json.loads(each.value) async for batch in reader.read_to_end(partitions) for each in batch.records]
