"""Documents to be paid: exported by a real worker, so that what the pollers read is the export's own ledger.

To write ledger records the way the export does would be quicker, and would test the pollers against our idea of them.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from chaos.payments.facts import Place
from chaos.payments.reading import Topic
from demo.events import Event, drafts
from demo.events.invoices import one_line
from demo.events.maker import Maker
from demo.events.world import CONNECTED
from demo.processes import DemoError, running

PATIENCE = 120.0
NEGATIVE_EVERY = 15
SIDES = {"ARINVOICE": "ar", "APBILL": "ap"}
FOREIGN = 5
"""Invoices in each company that somebody else put there."""
_FOREIGN = (
    "<request><control><senderid>AlvysMPP</senderid><password>sender-secret</password><controlid>foreign</controlid>"
    "<dtdversion>3.0</dtdversion></control><operation><authentication><login><userid>alvys_ws</userid>"
    "<companyid>{company}</companyid><password>user-secret</password>{entity}</login></authentication><content>"
    '<function controlid="foreign-{number}"><create_invoice><customerid>{customer}</customerid>'
    "<datecreated><year>2026</year><month>11</month><day>02</day></datecreated>"
    "<datedue><year>2026</year><month>12</month><day>02</day></datedue><invoiceno>FOREIGN-{number}</invoiceno>"
    "<invoiceitems><lineitem><glaccountno>{account}</glaccountno><amount>{amount}</amount>{location}</lineitem>"
    "</invoiceitems></create_invoice></function></content></operation></request>"
)


@dataclass(frozen=True, slots=True)
class RunTopics:
    """The topics of this run, on its broker."""

    bootstrap: str
    prefix: str
    partitions: int

    def open(self, name: str) -> Topic:
        """One of them, to be read."""
        return Topic(self.bootstrap, self.prefix + name, self.partitions)


async def export(
    seed: int | str, count: int, topics: RunTopics, env: Mapping[str, str], folder: Path
) -> dict[Place, str]:
    """Have a worker post so many documents; returns their keys by their places in Sage.

    Raises:
        DemoError: The worker did not answer all of them in time.
    """
    events = _events(seed, count)
    wanted = {event.key.decode() for event in events if event.key}
    answers: dict[str, Any] = {}
    with running("exports", ["worker"], env, folder) as worker:
        await _send(topics, events)
        try:
            async with asyncio.timeout(PATIENCE), topics.open("sage-export-results") as results:
                while wanted - answers.keys():
                    await asyncio.sleep(0.5)
                    worker.check()
                    answers = {
                        key.decode(): json.loads(value) for key, value in await results.records() if key and value
                    }
        except TimeoutError:
            raise DemoError(f"{len(wanted - answers.keys())} documents have no result:\n{worker.tail()}") from None
    posted = {key: each for key, each in answers.items() if each["outcome"] in {"posted", "already_posted"}}
    return {
        (each["connection"]["companyId"], SIDES[each["document"]["object"]], each["sage"]["recordNo"]): key
        for key, each in posted.items()
        if each["document"]["object"] in SIDES
    }


def _events(seed: int | str, count: int) -> list[Event]:
    """Good documents of every kind, and some invoices that are worth less than nothing."""
    maker = Maker(seed)
    made = drafts(maker, count)
    negative = [
        one_line(maker, CONNECTED[number % len(CONNECTED)], -maker.random.randint(1_000, 90_000), "Short Pay")
        for number in range(count // NEGATIVE_EVERY)
    ]
    return [draft.posted() for draft in (*made, *negative)]


async def _send(topics: RunTopics, events: list[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=topics.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for event in events:
            await producer.send(topics.prefix + event.topic, event.value, key=event.key)
    finally:
        await producer.stop()  # flushes


async def strangers(url: str, admin_url: str, seed: int | str) -> None:
    """Invoices that are not ours, in the companies that ours are in: their payments are nobody's business here."""
    chance = Random(f"strangers {seed}")
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        documents = (await http.get(f"{admin_url}/documents")).json()["documents"]
        for company in sorted({each["company"] for each in documents}):
            like = next(each for each in documents if each["company"] == company and each["kind"] == "ARINVOICE")
            location = like["lines"][0]["dimensions"].get("LOCATIONID")
            for number in range(FOREIGN):
                body = _FOREIGN.format(
                    company=company,
                    entity=f"<locationid>{like['entity']}</locationid>" if like["entity"] else "",
                    number=number,
                    customer=like["party_id"],
                    account=like["lines"][0]["account"],
                    amount=f"{chance.randint(10_000, 900_000) / 100:.2f}",
                    location=f"<locationid>{location}</locationid>" if location else "",
                )
                answer = await http.post(url, content=body.encode(), headers={"Content-Type": "application/xml"})
                if b"<status>failure</status>" in answer.content:
                    raise DemoError(f"a stranger's invoice was refused: {answer.text[-500:]}")
